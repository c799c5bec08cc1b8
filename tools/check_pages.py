"""
Checks that the built API reference has every public name of every public module, and shows no
epytext markup.

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

#: How many lines of text a Sphinx inventory begins with.  The rest is compressed.
_HEAD = 4


def publicModules() -> Iterator[str]:
    """Return the names of the package's public modules."""
    name = twisted_basic_ng.__name__
    yield name
    for found in pkgutil.walk_packages(twisted_basic_ng.__path__, f"{name}."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield found.name


def shown(directory: Path) -> set[str]:
    """Return the Python names that the built documentation describes."""
    content = (directory / "objects.inv").read_bytes().split(b"\n", _HEAD)[_HEAD]
    lines = zlib.decompress(content).decode().splitlines()
    return {name for name, kind, *_ in (line.split(maxsplit=2) for line in lines) if kind.startswith("py:")}


def marked(directory: Path) -> list[str]:
    """Return the names of the reference pages that show raw epytext markup."""
    pages = sorted((directory / "api").glob("*.html"))
    return [each.name for each in pages if re.search(r"\b[BCILMU]\{", each.read_text(encoding="utf-8"))]


def main(directory: Path) -> str | None:
    """
    Print how many names each module has.  Return a description of the first problem, if there is
    one.
    """
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
