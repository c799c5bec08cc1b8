"""Tests for L{twisted_basic_ng._demo._table}."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from twisted_basic_ng._demo._jobs import JOBS
from twisted_basic_ng._demo._pair import OURS, STOCK, Transcript
from twisted_basic_ng._demo._result import Result
from twisted_basic_ng._demo._table import Board


def results() -> list[Result]:
    """A job that is done, one that differs, one that failed and one to come."""
    made = [Result(name, JOBS[name], 1 << 20) for name in ("lines", "file", "strings", "large")]
    for index, other in ((0, "x"), (1, "y")):
        made[index].add(STOCK, Transcript(1, "x", "x", "x"), 2.0)
        made[index].add(OURS, Transcript(1, other, "x", "x"), 1.0)
    made[2].failure = "broken"
    return made


class TestBoard:
    """The table shows what there is, as it comes."""

    @pytest.mark.parametrize("plain", [True, False])
    def test_shown(self, plain: bool) -> None:
        """Rates, ratios and verdicts."""
        console = Console(file=StringIO(), width=100, force_terminal=not plain)
        with Board(console, plain).showing(results()) as board:
            board.update()
        shown = console.file.getvalue()  # type: ignore[attr-defined]
        for text in ("same", "DIFFERENT", "failed", "524,288 msg/s", "1,048,576 msg/s", "2.00x", "1 MiB/s"):
            assert text in shown
