"""
The table while it grows: redrawn in place by rich on a terminal, line by line anywhere else.

This file shows text, and does not know where it comes from.  It is the only file that imports rich,
and it does so only to redraw the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from typing import IO, TYPE_CHECKING, Protocol

from .results import Row

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["Display", "LiveDisplay", "PlainDisplay"]

#: The columns, and their widths in plain text; a positive width aligns to the right, as for
#: numbers.
COLUMNS = (("job", -25), ("same bytes", -11), ("unit", -6), ("Twisted", 10), ("ours", 10), ("ratio", 6))


class Display(Protocol):
    """The demo's output."""

    def say(self, text: str) -> None:
        """Show a paragraph, outside of the table."""
        ...

    @contextmanager
    def table(self) -> Iterator[None]:
        """Show a table for as long as the context lasts."""
        ...

    def show(self, rows: Sequence[Row], note: str) -> None:
        """
        Show the current state.

        @param rows: the rows of the jobs so far; the last one may change until C{note} is empty.
        @param note: the progress of the last row; empty if that row is finished.
        """
        ...


class PlainDisplay:
    """Prints each row once, when it is finished."""

    def __init__(self, output: IO[str]) -> None:
        self._output = output

    def say(self, text: str) -> None:
        """Print a paragraph."""
        self._print(text)

    @contextmanager
    def table(self) -> Iterator[None]:
        """Print the head of the table, and an empty line at its end."""
        self._line([name for name, _ in COLUMNS])
        yield
        self._print("")

    def show(self, rows: Sequence[Row], note: str) -> None:
        """Print the last row, if it is finished."""
        if not note:
            self._line(astuple(rows[-1]))

    def _line(self, cells: Sequence[str]) -> None:
        padded = (
            f"{cell:<{-width}}" if width < 0 else f"{cell:>{width}}"
            for cell, (_, width) in zip(cells, COLUMNS, strict=True)
        )
        self._print(" ".join(padded).rstrip())

    def _print(self, text: str) -> None:
        print(text, file=self._output, flush=True)


class LiveDisplay:
    """
    Redraws the table in place.

    @raise ModuleNotFoundError: rich is not installed.
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console as AnyConsole
        from rich.live import Live

        self._console = AnyConsole(highlight=False) if console is None else console
        self._live = Live(console=self._console, refresh_per_second=8)

    def say(self, text: str) -> None:
        """Print a paragraph, wrapped to the terminal."""
        self._console.print(text, markup=False)

    @contextmanager
    def table(self) -> Iterator[None]:
        """Draw the table until the end of the context, where it stays."""
        with self._live:
            yield

    def show(self, rows: Sequence[Row], note: str) -> None:
        """Redraw the table, with a spinner for the job in progress."""
        from rich import box
        from rich.table import Table

        drawn = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for name, width in COLUMNS:
            drawn.add_column(name, justify="left" if width < 0 else "right", no_wrap=True)
        for each in rows[:-1]:
            drawn.add_row(*_cells(each, ""))
        drawn.add_row(*_cells(rows[-1], note))
        self._live.update(drawn, refresh=True)


def _cells(each: Row, note: str) -> list[RenderableType]:
    """Return the cells of a row, coloured by the verdict."""
    from rich.spinner import Spinner
    from rich.text import Text

    verdict = Text(each.same, style="green" if each.same == "yes" else "bold red")
    return [
        each.title,
        Spinner("dots", text=note) if note else verdict,
        each.unit,
        each.stock,
        each.ours,
        Text(each.ratio, style="bold"),
    ]
