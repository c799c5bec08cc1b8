"""
The command C{demo}: reads the options, runs the jobs, shows the results, and decides the exit
status.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Final

from twisted_basic_ng import __version__

from ..options import Parser, numberOfRounds
from .display import Display, LiveDisplay, PlainDisplay
from .jobs import JOBS, Job
from .pairs import OURS, STOCK, Implementation, PairError, converse
from .results import Outcome, Round, closingLine, document, introduction, roundOf, row

__all__ = ["main"]

#: The time limit for the two processes of a job, in seconds; they usually take about one.
TIMEOUT: Final = 30.0

#: How often each implementation does a job by default.
ROUNDS: Final = 3

#: By default, no further round of a job begins if it would take more than this many seconds in
#: total, for example on a busy machine.
BUDGET: Final = 8.0

#: Does a job once on an implementation.
Play = Callable[[Job, Implementation], Round]


@dataclass
class Options:
    """
    The options on the command line.

    @ivar rounds: how often each implementation does each job; C{None} for as often as there is time
        for.
    @ivar job: the names of the jobs to run; empty for all.
    @ivar json: the file for all results as JSON, if any.
    @ivar plain: whether to print line by line, even on a terminal.
    """

    rounds: int | None
    job: list[str]
    json: Path | None
    plain: bool


def _writable(text: str) -> Path:
    """Check before the work that the file can be written."""
    try:
        open(text, "ab").close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"cannot write {text!r}: {error.strerror}") from error
    return Path(text)


def _parser(jobs: Sequence[Job]) -> argparse.ArgumentParser:
    parser = Parser(
        prog="twisted-basic-ng demo",
        description="Do the same work on Twisted's own modules and on ours, each time in a fresh server process and a"
        " fresh client process on a loopback socket; see that both ends were given the same bytes and the same"
        " messages, and how long it took.",
        epilog="jobs: "
        + "; ".join(f"{job.name} ({job.title})" for job in jobs)
        + ".  The exit status is 1 if a job failed or its transcripts differ.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "--rounds",
        type=numberOfRounds,
        metavar="N",
        help=f"how many times each, in turn (default: {ROUNDS}, or fewer where that takes too long)",
    )
    add(
        "--job",
        action="append",
        default=[],
        choices=[job.name for job in jobs],
        metavar="NAME",
        help="do this job only; may be repeated",
    )
    add("--json", type=_writable, metavar="PATH", help="write all figures and transcripts to this file, too")
    add("--plain", action="store_true", help="print line by line, as it is done anyway where there is no terminal")
    return parser


def main(argv: Sequence[str]) -> int:
    """
    Run the demo.

    @return: the exit status.
    """
    try:
        options = _parser(JOBS).parse_args(argv, Options(None, [], None, False))
    except SystemExit as done:
        return int(done.code or 0)
    jobs = [job for job in JOBS if not options.job or job.name in options.job]
    try:
        return demonstrate(jobs, options, _display(options.plain), play)
    except KeyboardInterrupt:
        print("\ntwisted-basic-ng demo: interrupted", file=sys.stderr)
        return 130


def _display(plain: bool) -> Display:
    """
    Choose the display: it redraws the table only on a capable terminal, and if rich is installed.
    """
    if plain or not sys.stdout.isatty() or os.environ.get("TERM") == "dumb":
        return PlainDisplay(sys.stdout)
    try:
        return LiveDisplay()
    except ModuleNotFoundError:
        print("(no rich, no moving table: pip install rich)", file=sys.stderr)
        return PlainDisplay(sys.stdout)


def play(job: Job, implementation: Implementation) -> Round:
    """
    Do a job once, in two fresh processes.

    @raise PairError: the job failed.
    """
    server, client = (implementation.command(role, job.name, job.size) for role in ("server", "client"))
    return roundOf(*converse(server, client, TIMEOUT))


def demonstrate(
    jobs: Sequence[Job], options: Options, display: Display, play: Play, clock: Callable[[], float] = perf_counter
) -> int:
    """
    Do all jobs, and show the results.

    @return: the exit status.
    """
    began = clock()
    python = platform.python_version()
    display.say(introduction(__version__, python, len(jobs), options.rounds or ROUNDS))
    outcomes: list[Outcome] = []
    with display.table():
        for job in jobs:
            outcomes.append(Outcome(job))
            compete(outcomes, options.rounds, display, play, clock)
    seconds = clock() - began
    for outcome in outcomes:
        for complaint in complaints(outcome):
            display.say(f"{complaint}\n")
    if options.json is not None:
        text = json.dumps(document(outcomes, __version__, python, seconds), indent=2)
        options.json.write_text(f"{text}\n", encoding="ascii")
    display.say(closingLine(outcomes, seconds))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def compete(
    outcomes: Sequence[Outcome], rounds: int | None, display: Display, play: Play, clock: Callable[[], float]
) -> None:
    """
    Do the last of the jobs on each implementation in turn, until all rounds are done or one has
    failed.

    @param rounds: how many rounds; C{None} for L{ROUNDS}, or fewer if another round would exceed
        L{BUDGET}.
    """
    outcome, began = outcomes[-1], clock()
    most = ROUNDS if rounds is None else rounds
    for number in range(1, most + 1):
        spent = clock() - began
        if rounds is None and spent + spent / max(number - 1, 1) > BUDGET:
            break
        display.show([row(each) for each in outcomes], f"{number} of {most}")
        try:
            for implementation in (STOCK, OURS):
                outcome.rounds[implementation].append(play(outcome.job, implementation))
                display.show([row(each) for each in outcomes], f"{number} of {most}")
        except PairError as error:
            outcome.failure = f"on {implementation.package}: {error}"
            break
    display.show([row(each) for each in outcomes], "")


def complaints(outcome: Outcome) -> list[str]:
    """Describe what is wrong with an outcome; empty if nothing is."""
    found = [] if outcome.failure is None else [outcome.failure]
    return [f"{outcome.job.name}: {each}" for each in found + outcome.differences]
