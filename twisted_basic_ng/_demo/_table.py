"""Draws the results of the demo with rich, as they come."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.live import Live
from rich.table import Table

from ._pair import OURS, STOCK
from ._result import Result

__all__ = ["Board", "draw"]


def _rate(result: Result, side: str) -> str:
    rate = result.rate(side)
    if rate is None:
        return ""
    return f"{rate:,.0f} {result.job.unit if result.job.unit == 'MiB' else 'msg'}/s"


def _same(result: Result) -> str:
    if result.failure:
        return "[bold red]failed"
    return {None: "", True: "[green]same", False: "[bold red]DIFFERENT"}[result.same]


def draw(results: list[Result]) -> Table:
    """The table so far."""
    table = Table(title="Twisted's own modules and ours, over loopback")
    table.add_column("job")
    table.add_column("transcript")
    for title in ("stock", "ours", "ratio"):
        table.add_column(title, justify="right")
    for result in results:
        ratio = "" if result.ratio is None else f"{result.ratio:.2f}x"
        table.add_row(result.job.title, _same(result), _rate(result, STOCK), _rate(result, OURS), ratio)
    return table


class Board:
    """
    Where the results are shown.

    @ivar plain: no redrawing: the table is printed once, at the end.
    """

    def __init__(self, console: Console, plain: bool) -> None:
        self.console = console
        self.plain = plain

    @contextmanager
    def showing(self, results: list[Result]) -> Iterator[Board]:
        """Show C{results} while they come, and stay with the last of them."""
        self._results = results
        if self.plain:
            self._live = None
            yield self
            self.console.print(draw(results))
            return
        with Live(draw(results), console=self.console, auto_refresh=False) as self._live:
            yield self

    def update(self) -> None:
        """Show what is new."""
        if self._live is not None:
            self._live.update(draw(self._results), refresh=True)
