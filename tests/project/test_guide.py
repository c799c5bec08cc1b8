"""The pieces of code in the AMP guide run, one behind the other, as they stand there."""

from __future__ import annotations

import re
import sys
import textwrap
from typing import Any

import pytest

from .sources import ROOT

GUIDE = ROOT / "docs" / "amp.rst"

#: A directive, and the lines that are indented below it.
_BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def blocks() -> list[str]:
    """The pieces of code."""
    return [textwrap.dedent(each) for each in _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))]


@pytest.fixture
def calc(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the example's modules importable for a while."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "calc"))
    yield
    for name in set(sys.modules) - before:
        if name.startswith("calc_"):
            del sys.modules[name]


class TestGuide:
    """What a reader types in works."""

    def test_blocks(self, calc: None) -> None:
        """Each piece runs, and what it asserts is so."""
        namespace: dict[str, Any] = {"__name__": "guide"}
        for block in blocks():
            exec(compile(block, str(GUIDE), "exec"), namespace)
        assert namespace["results"][-1] == {"accepted": ["a", "b"]}
        assert namespace["client"].innerProtocol.reply == b"HELLO"

    def test_included(self) -> None:
        """Each program that the guide shows is there, with what begins and ends the part that is shown."""
        shown = re.findall(r"literalinclude:: (\S+)\n((?:   :.*\n)*)", GUIDE.read_text(encoding="utf-8"))
        assert len(shown) >= 8
        for name, options in shown:
            program = (GUIDE.parent / name).resolve().read_text(encoding="utf-8")
            for mark in re.findall(r":(?:start-after|start-at|end-before|pyobject): (.*)", options):
                assert mark in program

    def test_attributes(self) -> None:
        """The options that it lists are there, with the defaults that it says."""
        from twisted_basic_ng.amp import AMP

        listed = re.findall(
            r"^``(\w+)``\s+(4096|16 MiB|64|``True``|``False``) ", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
        )
        values = {"4096": 4096, "16 MiB": 16 * 2**20, "64": 64, "``True``": True, "``False``": False}
        assert len(listed) == 9
        for name, default in listed:
            assert getattr(AMP, name) == values[default]
