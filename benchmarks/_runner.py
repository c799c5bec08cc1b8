"""
Runs the cases of a group under pyperf.

Each side of each case is a separate benchmark, called C{CASE/SIDE}.  By default, all sides run, and
the ratios to Twisted's side are printed.  With C{--side}, only one side runs, and its benchmarks
have the names of the cases, so that C{pyperf compare_to} can compare two runs::

    python benchmarks/lines.py --side stock -o stock.json
    python benchmarks/lines.py --side ours -o ours.json
    python -m pyperf compare_to stock.json ours.json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pyperf

from twisted_basic_ng_demo.bench.cases import CASES
from twisted_basic_ng_demo.bench.sides import STOCK, Case, Run, Side, whySwapped


class Repeated:
    """
    Runs a side as many times as pyperf asks.

    The first run sets the side up.  It happens in a worker process of pyperf's that does nothing
    else.
    """

    def __init__(self, side: Side, stack: ExitStack) -> None:
        self._side = side
        self._stack = stack
        self._run: Run | None = None

    def __call__(self, loops: int) -> float:
        """Return how many seconds C{loops} runs took."""
        if self._run is None:
            self._run = self._stack.enter_context(self._side.opened())
        return sum(self._run() for _ in range(loops))


def passOn(command: list[str], options: argparse.Namespace) -> None:
    """Pass our options on to pyperf's worker processes."""
    for name in options.case:
        command += ["--case", name]
    if options.side:
        command += ["--side", options.side]


def chosen(group: str, options: argparse.Namespace) -> Iterator[tuple[Case, Side, str]]:
    """Select the cases and sides to measure, with the name of each benchmark."""
    for case in CASES:
        if case.group != group or (options.case and case.name not in options.case):
            continue
        for side in case.sides:
            if side.missing:
                print(f"{case.name}/{side.name}: absent, no {', '.join(side.missing)}", file=sys.stderr)
            elif options.side in (None, side.name):
                yield case, side, case.name if options.side else f"{case.name}/{side.name}"


def main(group: str) -> None:
    """Run the group as a pyperf program."""
    refused = whySwapped()
    if refused:
        sys.exit(refused)
    own = [case for case in CASES if case.group == group]
    runner = pyperf.Runner(add_cmdline_args=passOn)
    add = runner.argparser.add_argument
    add("--case", action="append", default=[], choices=[case.name for case in own], help="this case only")
    add("--side", choices=list(dict.fromkeys(side.name for case in own for side in case.sides)), help="this side only")
    runner.argparser.set_defaults(inherit_environ=["TWISTED_BASIC_NG_PURE"])
    options = runner.parse_args()
    found: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack:
        for case, side, name in chosen(group, options):
            done = runner.bench_time_func(name, Repeated(side, stack), inner_loops=case.count)
            if done is not None:
                found.setdefault(case.name, {})[side.name] = done
    if not options.worker:
        sayRatios(found)


def sayRatios(found: dict[str, dict[str, Any]]) -> None:
    """Print how many times as fast as Twisted's side each side is."""
    for name, sides in found.items():
        for side, done in sides.items():
            if side != STOCK and STOCK in sides:
                ratio = sides[STOCK].median() / done.median()
                print(f"{name}: {side} is {ratio:.2f} times as fast as Twisted's", file=sys.stderr)
