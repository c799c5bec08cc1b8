"""Tests that the pages of the API reference have every public name exactly once."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from .sources import PACKAGE, ROOT, moduleName, sources

PAGES = ROOT / "docs" / "api"

#: The directive and its indented lines.
_REFERENCE = re.compile(r"^\.\. reference:: (\S+)\n((?:\n|   .*\n)*)", re.MULTILINE)


def isPublic(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


MODULES = sorted(moduleName(each) for each in sources() if each.suffix == ".py" and isPublic(moduleName(each)))


def exported(name: str) -> list[str]:
    """Read a module's C{__all__} without importing it, because that could install the swap."""
    (source,) = (each for each in sources() if each.suffix == ".py" and moduleName(each) == name)
    for node in ast.parse((PACKAGE / source).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(node.value)
            return names
    raise LookupError(name)


def listed() -> Counter[str]:
    """Count the names on the pages.  A directive without names has all names of its module."""
    found: Counter[str] = Counter()
    for page in sorted(PAGES.glob("*.rst")):
        for module, names in _REFERENCE.findall(page.read_text(encoding="utf-8") + "\n"):
            own = names.split() or exported(module.partition(".")[2])
            found.update(f"{module}.{each}" for each in own)
    return found


@pytest.mark.parametrize("name", MODULES)
class TestNames:
    """Tests for the names of each module."""

    def test_complete(self, name: str) -> None:
        """
        Every name in the module's C{__all__} is on a page exactly once, and there are no others.
        """
        module = f"twisted_basic_ng.{name}".rstrip(".")
        places = {each: each.rpartition(".") for each in listed()}
        found = {own: listed()[each] for each, (where, _, own) in places.items() if where == module}
        assert found == dict.fromkeys(exported(name), 1)


class TestPages:
    """Tests for the pages."""

    def test_index(self) -> None:
        """The index lists each page."""
        index = (PAGES / "index.rst").read_text(encoding="utf-8").split()
        assert [each.stem for each in PAGES.glob("*.rst") if each.stem not in {*index, "index"}] == []
