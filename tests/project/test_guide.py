"""Runs the code blocks of the AMP guide one after the other."""

from __future__ import annotations

import re
import sys
import textwrap
from typing import Any

import pytest

from .sources import ROOT

GUIDE = ROOT / "docs" / "amp.rst"

#: A directive and its indented lines.
_BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def blocks() -> list[str]:
    """Return the code blocks."""
    return [textwrap.dedent(each) for each in _BLOCK.findall(GUIDE.read_text(encoding="utf-8"))]


@pytest.fixture
def calc(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Make the example's modules importable during a test."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(str(ROOT / "examples" / "calc"))
    yield
    for name in set(sys.modules) - before:
        if name.startswith("calc_"):
            del sys.modules[name]


class TestGuide:
    """Tests for the AMP guide."""

    def test_blocks(self, calc: None) -> None:
        """Each code block runs, and its assertions hold."""
        namespace: dict[str, Any] = {"__name__": "guide"}
        for block in blocks():
            exec(compile(block, str(GUIDE), "exec"), namespace)
        assert namespace["results"][-1] == {"accepted": ["a", "b"]}
        assert namespace["client"].innerProtocol.reply == b"HELLO"

    def test_included(self) -> None:
        """
        Each program that the guide includes exists, and contains the markers of the included part.
        """
        shown = re.findall(r"literalinclude:: (\S+)\n((?:   :.*\n)*)", GUIDE.read_text(encoding="utf-8"))
        assert len(shown) >= 8
        for name, options in shown:
            program = (GUIDE.parent / name).resolve().read_text(encoding="utf-8")
            for mark in re.findall(r":(?:start-after|start-at|end-before|pyobject): (.*)", options):
                assert mark in program

    def test_attributes(self) -> None:
        """The listed options exist, with the documented defaults."""
        from twisted_basic_ng.amp import AMP

        listed = re.findall(
            r"^``(\w+)``\s+(4096|16 MiB|64|``True``|``False``) ", GUIDE.read_text(encoding="utf-8"), re.MULTILINE
        )
        values = {"4096": 4096, "16 MiB": 16 * 2**20, "64": 64, "``True``": True, "``False``": False}
        assert len(listed) == 9
        for name, default in listed:
            assert getattr(AMP, name) == values[default]
