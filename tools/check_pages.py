"""
Checks that the built API reference shows every public name of every public module, and no markup of docstrings.

usage: python -m tools.check_pages DIRECTORY      (where the documentation was built)
"""

from __future__ import annotations

import pkgutil
import re
import sys
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import twisted_basic_ng

__all__ = ["main", "marked", "publicModules", "shown"]

#: An inventory of Sphinx begins with this many lines of text; the rest is compressed.
_HEAD = 4


def publicModules() -> Iterator[str]:
    """Name the package's modules that are not private."""
    name = twisted_basic_ng.__name__
    yield name
    for found in pkgutil.walk_packages(twisted_basic_ng.__path__, f"{name}."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield found.name


def shown(directory: Path) -> set[str]:
    """Read the names of Python that the built documentation has a place for."""
    content = (directory / "objects.inv").read_bytes().split(b"\n", _HEAD)[_HEAD]
    lines = zlib.decompress(content).decode().splitlines()
    return {name for name, kind, *_ in (line.split(maxsplit=2) for line in lines) if kind.startswith("py:")}


def marked(directory: Path) -> list[str]:
    """Name the pages of the reference that show markup of epytext as it is written."""
    pages = sorted((directory / "api").glob("*.html"))
    return [each.name for each in pages if re.search(r"\b[BCILMU]\{", each.read_text(encoding="utf-8"))]


def main(directory: Path) -> str | None:
    """Print how many names each module has; say what is wrong."""
    found = shown(directory)
    missing = []
    for module in publicModules():
        names = {f"{module}.{each}" for each in import_module(module).__all__}
        print(f"{module}: {len(names & found)} of {len(names)} names")
        missing += sorted(names - found)
    if missing:
        return f"not in the API reference: {', '.join(missing)}"
    left = marked(directory)
    return f"markup is shown on {', '.join(left)}" if left else None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
