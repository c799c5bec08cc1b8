"""
Runs random conversations of two AMP ends under every pair of overload bounds, in memory and over
real sockets.

Either end may be Twisted's.  TLS may start in the middle, or another protocol may take over.  Calls
are cancelled, ends are paused, and some answers come later.  Every call has to end, once and in
order.  Neither end may wait forever, buffer more than its bounds, or leave a descriptor open.  A
run depends only on the seed and its number.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from random import Random
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import globalLogBeginner

from twisted_basic_ng._accelerate import build

from .memory import runInMemory
from .scenario import LINKS, draw

#: How many runs over sockets to make at once.
_BATCH = 8


class Stress:
    """
    All runs.

    @ivar made: how many runs were made over each link.
    @ivar wrong: the runs with errors.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._deadline = time.monotonic() + options.seconds
        self.made: dict[str, int] = {}
        self.wrong: list[str] = []

    def numbers(self, share: int) -> range:
        """Return the numbers of the runs over one link."""
        if self._options.only is not None:
            return range(self._options.only, self._options.only + 1)
        return range(share)

    def isOver(self) -> bool:
        """Whether the time is over, or enough errors were found."""
        return time.monotonic() > self._deadline or len(self.wrong) >= 20

    def tell(self, name: str, wrong: list[str]) -> None:
        """Record and print the errors of a run."""
        if wrong:
            self.wrong.append(name)
            print(f"{name}\n    " + "\n    ".join(each[:2000] for each in wrong), flush=True)

    def inMemory(self, share: int) -> None:
        """Make the runs in memory."""
        for number in self.numbers(share):
            if self.isOver():
                return
            scenario = draw(self._options.seed, number, "memory")
            self.tell(scenario.name, runInMemory(scenario))
            self.made["memory"] = self.made.get("memory", 0) + 1

    async def overSockets(self, link: str, share: int) -> None:
        """Make the runs over one kind of sockets."""
        from .sockets import runBatch

        numbers = self.numbers(share)
        with tempfile.TemporaryDirectory() as directory:
            for start in range(0, len(numbers), _BATCH):
                if self.isOver():
                    return
                batch = [draw(self._options.seed, number, link) for number in numbers[start : start + _BATCH]]
                for scenario, wrong in zip(batch, await runBatch(batch, directory), strict=True):
                    self.tell(scenario.name, wrong)
                    self.made[link] = self.made.get(link, 0) + 1


def links(wanted: str) -> list[str]:
    """Return the wanted links that are available on this machine."""
    found = [each for each in wanted.split(",") if each in LINKS]
    try:
        from twisted.internet import ssl  # noqa: F401
    except ImportError:
        found = [each for each in found if each != "tls"]
    return found


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.stress", description=__doc__, allow_abbrev=False)
    parser.add_argument("--runs", type=int, default=2000, help="how many runs to make (2000)")
    parser.add_argument("--seconds", type=float, default=300, help="begin no run after so long (300)")
    parser.add_argument("--links", default=",".join(LINKS), help=f"over which links ({','.join(LINKS)})")
    parser.add_argument("--seed", type=int, help="what the runs are drawn with; a new one is drawn and told")
    parser.add_argument("--only", type=int, help="make the run of this number alone")
    options = parser.parse_args(arguments)
    if options.seed is None:
        options.seed = Random().randrange(10**6)
    return options


def shares(options: argparse.Namespace) -> dict[str, int]:
    """Return how many runs to make over each link.  Half of them are in memory."""
    found = links(options.links)
    sockets = [each for each in found if each != "memory"]
    inMemory = 0 if "memory" not in found else options.runs // 2 if sockets else options.runs
    left = options.runs - inMemory
    return {"memory": inMemory, **{each: left // len(sockets) for each in sockets}}


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    print(f"seed {options.seed}, {build} build", flush=True)
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    stress = Stress(options)
    begun = time.monotonic()
    share = shares(options)
    if share.pop("memory") or (options.only is not None and "memory" in options.links):
        stress.inMemory(shares(options)["memory"])
    if share:
        _run(stress, share)
    made = ", ".join(f"{count} {link}" for link, count in stress.made.items())
    print(f"{sum(stress.made.values())} runs in {time.monotonic() - begun:.0f} s ({made}): {len(stress.wrong)} wrong")
    return 1 if stress.wrong or not stress.made else 0


def _run(stress: Stress, share: dict[str, int]) -> None:
    from twisted.internet import reactor

    clock: Any = reactor

    async def all_() -> None:
        for link, count in share.items():
            await stress.overSockets(link, count)

    def failed(failure: Any) -> None:
        stress.wrong.append("the stress itself")
        print(failure.getTraceback())

    def begin() -> None:
        Deferred.fromCoroutine(all_()).addErrback(failed).addBoth(lambda result: clock.stop())

    clock.callWhenRunning(begin)
    clock.run()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
