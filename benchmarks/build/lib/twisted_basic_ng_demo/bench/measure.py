"""
Measures: asks a worker process of each build for one round after another, and summarises the times.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timezone
from time import perf_counter
from typing import Any, Final

from twisted_basic_ng import __version__

from .children import Exchange, child
from .machine import machine, versions
from .results import CaseFigures, Document, Times, figuresOf
from .sides import Case, Side, WorkError

__all__ = ["FORMAT", "Plan", "Show", "measure"]

#: The version of the document's keys.
FORMAT: Final = 1

#: Called when a round begins, with its number among all rounds of all cases, and its case.
Show = Callable[[int, Case], None]

#: Starts a worker on a build.
Start = Callable[[str], AbstractContextManager[Exchange]]


@dataclass(frozen=True)
class Plan:
    """
    What to measure.

    @ivar cases: the work.
    @ivar builds: the builds of ours: C{"pure"}, C{"ext"}, or C{""} for the one in use.
    @ivar rounds: how often each side does each case.
    @ivar peers: whether peers take part, too.
    @ivar command: the command line.
    """

    cases: Sequence[Case]
    builds: Sequence[str]
    rounds: int
    peers: bool
    command: str

    @property
    def steps(self) -> int:
        """The total number of rounds."""
        return len(self.cases) * len(self.builds) * self.rounds

    def sides(self, case: Case, build: str) -> list[Side]:
        """
        The sides that take part on a build.  Peers have no builds, so they take part on the last
        one.
        """
        return [side for side in case.sides if not side.isPeer or (self.peers and build == self.builds[-1])]


@contextmanager
def started(build: str) -> Iterator[Exchange]:
    """Start a worker on a build."""
    changes = {} if build == "" else {"TWISTED_BASIC_NG_PURE": "1" if build == "pure" else ""}
    with child(f"{__package__}.worker", environment=changes) as worker:
        yield worker


def measure(plan: Plan, show: Show, start: Start = started) -> Document:
    """
    Measure everything.

    @raise WorkError: nothing can be compared in this environment, or a build is missing.
    """
    began = perf_counter()
    date = datetime.now(timezone.utc)
    with ExitStack() as stack:
        workers = {}
        for build in plan.builds:
            worker = stack.enter_context(start(build))
            workers[_identified(json.loads(worker("")), build)] = worker
        steps = iter(range(1, plan.steps + 1))
        cases = [_compete(plan, case, workers, lambda case: show(next(steps), case)) for case in plan.cases]
    return {
        "format": FORMAT,
        "package": "twisted_basic_ng",
        "version": __version__,
        "command": plan.command,
        "date": date.isoformat(timespec="seconds"),
        "seconds": round(perf_counter() - began, 1),
        "rounds": plan.rounds,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "versions": versions(),
        "machine": machine(),
        "cases": cases,
    }


def _identified(said: dict[str, Any], build: str) -> str:
    """Check the worker's first answer, and return its build."""
    if "refused" in said:
        raise WorkError(said["refused"])
    if build not in ("", said["build"]):
        raise WorkError(f"the {build} build is not there, only the {said['build']} one: build it, or leave it out")
    return str(said["build"])


def _compete(plan: Plan, case: Case, workers: dict[str, Exchange], show: Callable[[Case], None]) -> CaseFigures:
    """Do all rounds of a case; each round runs on one build after another."""
    names = dict(zip(workers, plan.builds, strict=True))
    times = {build: Times(plan.sides(case, names[build])) for build in workers}
    for _ in range(plan.rounds):
        for build, worker in workers.items():
            show(case)
            sides = [side.name for side in times[build].sides if not side.missing]
            times[build].add(json.loads(worker(json.dumps({"case": case.name, "sides": sides}))))
    return figuresOf(case, times)
