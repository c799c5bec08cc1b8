"""The command line of the demo: which jobs, how often, and what the exit status says."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from ._jobs import JOBS
from ._pair import OURS, STOCK, FailedError, runPair
from ._result import Result, conclude
from ._table import Board

__all__ = ["main"]


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def parse(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="twisted-basic-ng demo",
        description="Does the same work on Twisted's modules and on ours: real servers and clients, each in a fresh"
        " process, over loopback sockets. Shows for each job whether both gave the same transcript, byte by byte and"
        " message by message, and how fast each was.",
        epilog="Exit status: 0 if all transcripts are the same, 1 if one differs or a job could not be done.",
        allow_abbrev=False,
    )
    parser.add_argument("--job", action="append", choices=list(JOBS), help="only this one; may be given again")
    parser.add_argument("--rounds", type=_positive, default=3, metavar="N", help="rounds of each job (default: 3)")
    parser.add_argument("--amount", type=_positive, metavar="N", help="how much each job does, in place of its own")
    parser.add_argument("--timeout", type=float, default=60, metavar="S", help="seconds a round may take (default: 60)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results to FILE, too")
    parser.add_argument(
        "--plain", action="store_true", help="print the table once; so it is where there is no terminal"
    )
    return parser.parse_args(words)


def _do(result: Result, rounds: int, timeout: float, board: Board) -> None:
    """Do one job, stock and ours in turn."""
    for _ in range(rounds):
        for side in (STOCK, OURS):
            try:
                result.add(side, *runPair(side, result.name, result.amount, timeout))
            except FailedError as error:
                result.failure = f"{side}: {error}"
                board.update()
                return
            board.update()


def main(words: Sequence[str]) -> int:
    """
    Run the demo.

    @return: the exit status.
    @raise SystemExit: with status 2 for a mistyped option.
    """
    options = parse(words)
    console = Console()
    results = [Result(name, JOBS[name], options.amount or JOBS[name].amount) for name in options.job or JOBS]
    try:
        with Board(console, options.plain or not console.is_terminal).showing(results) as board:
            for result in results:
                _do(result, options.rounds, options.timeout, board)
    except KeyboardInterrupt:
        console.print("interrupted")
        return 130
    for result in results:
        if result.failure:
            console.print(f"{result.name}: {result.failure}", style="red", markup=False, highlight=False)
    console.print(conclude(results), highlight=False)
    if options.json:
        options.json.write_text(json.dumps([each.asJSON() for each in results], indent=2) + "\n", encoding="utf-8")
    return 1 if any(each.bad for each in results) else 0
