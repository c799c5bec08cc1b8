"""The documentation's page on safety names all tests and limits, and no others."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from twisted_basic_ng import amp, basic

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "safety.rst").read_text(encoding="utf-8")
HERE = Path(__file__).parent

#: Promises about features that Twisted lacks, whose tests therefore do not run on it.
BEYOND = {"P13"}


class Row(NamedTuple):
    """
    A row of one of the tables.

    @ivar name: the name of the promise or finding.
    @ivar tests: the names of its tests.
    """

    name: str
    tests: list[str]


def rows() -> list[Row]:
    """Read the tables of tests."""
    shown = PAGE[PAGE.index(".. _shown:") :]
    cell = r"     - (.*\n(?:       .*\n)*)"
    found = re.findall(rf"^   \* - (\w+)\n{cell}{cell}", shown, re.MULTILINE)
    return [Row(name, re.findall(r"``(test_[\w.]+)``", tests)) for name, _, tests in found]


def members(name: str) -> list[Any]:
    """The tests of the class, or the one test, with this name."""
    module, kind, *method = name.split(".")
    made = getattr(import_module(f"{__package__}.{module}"), kind)
    return [vars(made)[each] for each in (method or vars(made)) if each.startswith("test_")]


class TestTables:
    """The tables of tests."""

    @pytest.mark.parametrize("row", rows(), ids=lambda row: row.name)
    def test_shown(self, row: Row) -> None:
        """Each row names tests that exist, and at least one of them fails on Twisted's modules."""
        tests = [test for name in row.tests for test in members(name)]
        assert all(members(name) for name in row.tests)
        assert row.name in BEYOND or any(getattr(test, "isDifference", False) for test in tests)

    def test_complete(self) -> None:
        """Each promise and each finding has a row."""
        promised = re.findall(r"^(P\d+) ", PAGE, re.MULTILINE)
        assert promised == [f"P{number}" for number in range(1, 14)]
        assert [row.name for row in rows()] == [
            *promised,
            "TLS",
            "Limits",
            *(f"D{number}" for number in range(1, 13)),
        ]

    def test_all(self) -> None:
        """Each test class is named in a row."""
        named = {".".join(name.split(".")[:2]) for row in rows() for name in row.tests}
        there = {
            f"{path.stem}.{name}"
            for path in HERE.glob("test_*.py")
            if path.stem not in ("test_promises", "test_documented")
            for name, member in vars(import_module(f"{__package__}.{path.stem}")).items()
            if name.startswith("Test") and member.__module__ == f"{__package__}.{path.stem}"
        }
        assert named == there


class TestLimits:
    """The table of limits."""

    LISTED = dict(re.findall(r"^   \* - ``([\w.]+)``\n     - (.*)$", PAGE, re.MULTILINE))

    @pytest.mark.parametrize("name", LISTED)
    def test_defaults(self, name: str) -> None:
        """The documented defaults are the real ones."""
        kind, attribute = name.split(".")
        owner: Any = getattr(amp if kind == "AMP" else basic, kind)
        default = getattr(owner, attribute)
        assert self.LISTED[name] == (f"{default:,}" if type(default) is int else f"``{default}``")

    def test_complete(self) -> None:
        """The table has every limit."""
        there = {
            f"{kind.__name__}.{name}"
            for kind in (basic.LineReceiver, basic.LineOnlyReceiver, basic.NetstringReceiver, basic.IntNStringReceiver)
            for name in dir(kind)
            if name.startswith("MAX_")
        }
        there |= {f"AMP.{name}" for name in dir(amp.AMP) if name.startswith("MAX_")} - {"AMP.MAX_LENGTH"}
        alike = {name for name in there if name.endswith(".MAX_MESSAGE_TIME")} - {"LineReceiver.MAX_MESSAGE_TIME"}
        assert {name for name in self.LISTED if ".MAX_" in name} == there - alike
        assert (len(there), len(alike)) == (17, 4)
