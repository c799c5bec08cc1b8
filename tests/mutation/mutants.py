"""
Makes mutants: copies of a source file with one small change.

The changes are: a comparison that is off by one or reversed, a number that is off by one, C{and}
for C{or}, a negated condition, a removed statement.  Annotations, docstrings, strings and lists of
names are not changed.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["Mutant", "mutants"]

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.Mod: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass(frozen=True)
class Mutant:
    """
    One change.

    @ivar name: the unique name: the function that is changed, the original code and the new code.
    @ivar source: the whole changed file.
    """

    name: str
    line: int
    source: str


def _instead(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the replacements for C{node}."""
    if isinstance(node, ast.expr):
        yield from _expressions(node)
    elif isinstance(node, (ast.If, ast.While)):
        yield _with(node, test=_negated(node.test))
    elif isinstance(node, ast.AugAssign):
        yield ast.Pass()
        yield _with(node, op=_OPERATORS.get(type(node.op), ast.Sub)())
    elif isinstance(node, (ast.Assign, ast.Raise, ast.Expr)) or (isinstance(node, ast.AnnAssign) and node.value):
        yield ast.Pass()
    elif isinstance(node, (ast.Break, ast.Continue)):
        yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))


def _expressions(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.Compare):
        for place, operator in enumerate(node.ops):
            for other in _COMPARISONS[type(operator)]:
                yield _with(node, ops=[*node.ops[:place], other(), *node.ops[place + 1 :]])
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        yield _with(node, op=_OPERATORS[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield _with(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        yield node.operand
    elif isinstance(node, ast.IfExp):
        yield _with(node, body=node.orelse, orelse=node.body)
    elif isinstance(node, ast.Constant):
        yield from _constants(node.value)


def _constants(value: Any) -> Iterator[ast.expr]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int):
        yield ast.Constant(value + 1)
        yield ast.Constant(value - 1)
    elif isinstance(value, bytes):
        yield ast.Constant(value + b"?")


def _negated(node: ast.expr) -> ast.expr:
    return ast.UnaryOp(ast.Not(), node)


def _with(node: Any, **changes: Any) -> Any:
    """Return a copy of C{node} with some other fields."""
    return type(node)(**{**dict(ast.iter_fields(node)), **changes})


def _isLeftAlone(node: ast.AST, field: str) -> bool:
    """Whether the field C{field} of C{node} must not be changed."""
    if field in ("annotation", "returns", "decorator_list", "bases"):
        return True
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return isinstance(target, ast.Name) and target.id in ("__all__", "__slots__")


def _isDocstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _isForTypes(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _places(tree: ast.AST, inside: str = "") -> Iterator[tuple[ast.AST, str, int | None, str]]:
    """
    Yield the places that can be changed: the parent, its field, the index if the field is a list,
    and the function.
    """
    if isinstance(tree, (ast.FunctionDef, ast.ClassDef)):
        inside = f"{inside}.{tree.name}" if inside else tree.name
    for field, content in ast.iter_fields(tree):
        if _isLeftAlone(tree, field):
            continue
        items: list[tuple[int | None, Any]] = [*enumerate(content)] if isinstance(content, list) else [(None, content)]
        for place, item in items:
            if isinstance(item, ast.AST) and not _isDocstring(item) and not _isForTypes(item):
                yield tree, field, place, inside
                yield from _places(item, inside)


def _exchange(parent: ast.AST, field: str, place: int | None, new: Any) -> ast.AST:
    """Replace a node with C{new}.  Return the old one."""
    if place is None:
        old: ast.AST = getattr(parent, field)
        setattr(parent, field, new)
    else:
        content = getattr(parent, field)
        old, content[place] = content[place], new
    return old


def _isAll(node: ast.AST) -> bool:
    """Whether C{node} assigns a list of names."""
    return any(_isLeftAlone(node, field) for field in ("value",) if isinstance(node, (ast.Assign, ast.AnnAssign)))


def _said(node: ast.AST) -> str:
    """Return the first line of a piece of code."""
    return ast.unparse(ast.fix_missing_locations(copy.deepcopy(node))).partition("\n")[0]


def mutants(source: str) -> Iterator[Mutant]:
    """Yield all mutants of C{source}, in source order."""
    tree = ast.parse(source)
    named: Counter[str] = Counter()
    for parent, field, place, inside in list(_places(tree)):
        old = getattr(parent, field) if place is None else getattr(parent, field)[place]
        if _isAll(old):
            continue
        context = parent if isinstance(old, ast.expr) else old
        before = _said(context)
        for new in list(_instead(old)):
            _exchange(parent, field, place, new)
            after = _said(context if context is parent else new)
            if ast.dump(old) == ast.dump(new):  # nothing is returned already
                _exchange(parent, field, place, old)
                continue
            name = f"{inside or 'module'}: {before}  ->  {after}"
            named[name] += 1
            if named[name] > 1:
                name += f"  ({named[name]})"
            yield Mutant(name, getattr(old, "lineno", 0), ast.unparse(ast.fix_missing_locations(tree)))
            _exchange(parent, field, place, old)
