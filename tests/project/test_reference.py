"""The pages of the API reference have every public name, once."""

from __future__ import annotations

import importlib
import re
from collections import Counter

import pytest

from .sources import ROOT, moduleName, sources

PAGES = ROOT / "docs" / "api"

#: The directive, and what is indented below it.
_REFERENCE = re.compile(r"^\.\. reference:: (\S+)\n((?:\n|   .*\n)*)", re.MULTILINE)


def isPublic(name: str) -> bool:
    return not any(part.startswith("_") for part in name.split("."))


MODULES = sorted(moduleName(each) for each in sources() if each.suffix == ".py" and isPublic(moduleName(each)))


def listed() -> Counter[str]:
    """Count the names on the pages; a directive without names has all of its module's."""
    found: Counter[str] = Counter()
    for page in sorted(PAGES.glob("*.rst")):
        for module, names in _REFERENCE.findall(page.read_text(encoding="utf-8") + "\n"):
            all_ = importlib.import_module(module).__all__
            found.update(f"{module}.{each}" for each in names.split() or all_)
    return found


@pytest.mark.parametrize("name", MODULES)
class TestNames:
    """A reader finds what may be imported."""

    def test_complete(self, name: str) -> None:
        """Every name of the module's C{__all__} is on a page, no other, and none twice."""
        module = f"twisted_basic_ng.{name}".rstrip(".")
        if module == "twisted_basic_ng.pytest_plugin":
            names = {"pytest_report_header"}  # to import it is to swap
        else:
            names = set(importlib.import_module(module).__all__)
        found = {
            each.rpartition(".")[2]: count for each, count in listed().items() if each.rpartition(".")[0] == module
        }
        assert found == dict.fromkeys(names, 1)


class TestPages:
    """A reader finds the pages."""

    def test_index(self) -> None:
        """The index names each page."""
        index = (PAGES / "index.rst").read_text(encoding="utf-8").split()
        assert [each.stem for each in PAGES.glob("*.rst") if each.stem not in {*index, "index"}] == []
