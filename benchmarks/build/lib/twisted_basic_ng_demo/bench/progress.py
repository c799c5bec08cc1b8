"""
Shows the progress: a bar drawn by rich on a terminal, a line for each case anywhere else.

This is the only file that imports rich, and it does so only to draw the bar.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from .measure import Show
from .sides import Case

if TYPE_CHECKING:
    from rich.progress import Progress

__all__ = ["progress"]


@contextmanager
def progress(output: IO[str], steps: int, plain: bool) -> Iterator[Show]:
    """
    Show the progress until the block ends.

    @param steps: how many steps there are.
    @param plain: print lines even on a terminal.
    """
    if plain or not output.isatty() or os.environ.get("TERM") == "dumb":
        yield _lines(output, steps)
        return
    try:
        bar = _bar(output)
    except ModuleNotFoundError:
        print("(no rich, no progress bar: pip install rich)", file=output)
        yield _lines(output, steps)
        return
    with _moving(bar, steps) as show:
        yield show


def _lines(output: IO[str], steps: int) -> Show:
    last = ""

    def show(step: int, case: Case) -> None:
        nonlocal last
        if case.name != last:
            last = case.name
            print(f"{(step - 1) * 100 // steps:3} %  {case.title}", file=output, flush=True)

    return show


@contextmanager
def _moving(bar: Progress, steps: int) -> Iterator[Show]:
    with bar:
        task = bar.add_task("", total=steps)

        def show(step: int, case: Case) -> None:
            bar.update(task, completed=step - 1, description=case.title)

        yield show


def _bar(output: IO[str]) -> Progress:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Bar(*columns, console=Console(file=output), transient=True)
