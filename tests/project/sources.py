"""Reads the package's source files without importing them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["DEMO", "PACKAGE", "ROOT", "imports", "importsAtRunTime", "importsIn", "isEmpty", "moduleName", "sources"]

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "twisted_basic_ng"

#: The package of the demo and the benchmarks.
DEMO = ROOT / "benchmarks" / "twisted_basic_ng_demo"


def sources(package: Path = PACKAGE) -> list[Path]:
    """Return every Python and Cython file of a package, relative to it."""
    found = (*package.rglob("*.py"), *package.rglob("*.pyx"))
    return sorted(each.relative_to(package) for each in found)


def moduleName(source: Path) -> str:
    """
    Return the name of a module relative to the package, such as C{amp._boxes}, or an empty string
    for the package itself.
    """
    parts = source.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def isEmpty(source: Path, package: Path = PACKAGE) -> bool:
    """Whether C{source} has no code besides a docstring."""
    if source.suffix != ".py":
        return False
    body = ast.parse((package / source).read_text(encoding="utf-8")).body
    return all(isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) for each in body)


def _absolute(source: Path, node: ast.ImportFrom, package: Path) -> str:
    """Return the absolute name of the module in an import statement."""
    if not node.level:
        return node.module or ""
    here = (package.name, *source.parts[:-1])
    return ".".join((*here[: len(here) - node.level + 1], *([node.module] if node.module else [])))


def _followed(node: ast.AST) -> Iterator[ast.AST]:
    """Return the children of C{node} that Python executes, without those for type checkers only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            yield from child.orelse
        else:
            yield child


def _importStatements(node: ast.AST, isRun: bool) -> Iterator[ast.Import | ast.ImportFrom]:
    """Return the import statements in C{node}, at any depth."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        yield node
    for child in _followed(node) if isRun else ast.iter_child_nodes(node):
        yield from _importStatements(child, isRun)


def importsIn(text: str, source: Path, package: Path = PACKAGE, isRun: bool = False) -> set[str]:
    """
    Return the names that C{text}, the content of C{source}, imports.  C{from a import b} yields
    both C{a} and C{a.b}.

    Names of the package are relative to it.

    @param isRun: leave out the imports for type checkers only.
    """
    found: set[str] = set()
    for node in _importStatements(ast.parse(text), isRun):
        if isinstance(node, ast.Import):
            found.update(each.name for each in node.names)
        else:
            module = _absolute(source, node, package)
            found.add(module)
            found.update(f"{module}.{each.name}" for each in node.names)
    return {"" if each == package.name else each.removeprefix(f"{package.name}.") for each in found}


def imports(source: Path, package: Path = PACKAGE) -> set[str]:
    """
    Return the names that C{source} imports, including those in functions and for type checkers.
    """
    return importsIn((package / source).read_text(encoding="utf-8"), source, package)


def importsAtRunTime(source: Path) -> set[str]:
    """Return the names that C{source} imports at run time."""
    return importsIn((PACKAGE / source).read_text(encoding="utf-8"), source, isRun=True)
