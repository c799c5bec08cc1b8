"""Tests for L{twisted_basic_ng_demo.bench.progress}."""

from __future__ import annotations

import sys
from io import StringIO

import pytest

from twisted_basic_ng_demo.bench.progress import progress

from .examples import case

ONE, TWO = case("one"), case("two")


class Terminal(StringIO):
    """An output that is a terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a terminal that can be redrawn."""
    monkeypatch.setenv("TERM", "xterm")


def shown(output: StringIO, plain: bool = False) -> str:
    """Show four steps of two cases.  Return the output."""
    with progress(output, 4, plain) as show:
        for step, case in enumerate((ONE, ONE, TWO, TWO), 1):
            show(step, case)
    return output.getvalue()


LINES = "  0 %  Receiver, one\n 50 %  Receiver, two\n"


class TestProgress:
    """The progress is shown as well as the output permits."""

    def test_bar(self) -> None:
        """A terminal gets a bar with the name of the case."""
        pytest.importorskip("rich", reason="rich is not installed")
        said = shown(Terminal())
        assert "Receiver, two" in said
        assert "\x1b[" in said
        assert said != LINES

    def test_plain(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If that is requested or the output cannot be redrawn, each case is a line."""
        assert shown(Terminal(), plain=True) == LINES
        assert shown(StringIO()) == LINES
        monkeypatch.setenv("TERM", "dumb")
        assert shown(Terminal()) == LINES

    def test_withoutRich(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without rich, each case is a line, and a message says how to install rich."""
        for name in ("rich", "rich.console", "rich.progress"):
            monkeypatch.setitem(sys.modules, name, None)
        said = shown(Terminal())
        assert said.endswith(LINES)
        assert "pip install rich" in said
