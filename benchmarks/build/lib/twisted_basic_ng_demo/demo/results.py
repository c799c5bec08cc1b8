"""
The results: rates, ratios, whether the transcripts agree, and their text and JSON.

These functions are pure: they start, print and measure nothing.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Final

from .jobs import Job, Unit
from .pairs import OURS, STOCK, Implementation
from .transcript import Transcript, differences

__all__ = ["Outcome", "Round", "Row", "closingLine", "document", "introduction", "roundOf", "row"]


#: The names of the builds for people.
_BUILDS: Final = {"ext": "compiled", "pure": "pure Python"}


@dataclass(frozen=True)
class Round:
    """
    A job done once on one implementation.

    @ivar server: the server's transcript.
    @ivar client: the client's transcript.
    @ivar seconds: how many seconds the client was connected.
    @ivar classes: the defining module of each class that did the work, at either end.
    @ivar build: the build of ours that was in use; C{None} on Twisted's modules.
    @ivar twisted: Twisted's version.
    """

    server: Transcript
    client: Transcript
    seconds: float
    classes: dict[str, str]
    build: str | None
    twisted: str

    def rate(self, unit: Unit) -> float:
        """The amount of work per second."""
        if unit is Unit.MESSAGES:
            return (self.server.delivered.count + self.client.delivered.count) / self.seconds
        return (self.server.delivered.size + self.client.delivered.size) / 2**20 / self.seconds


def roundOf(server: str, client: str) -> Round:
    """Read the reports of two ends."""
    at, by = json.loads(server), json.loads(client)
    return Round(
        Transcript.fromMapping(at["transcript"]),
        Transcript.fromMapping(by["transcript"]),
        by["seconds"],
        {**at["classes"], **by["classes"]},
        by["build"],
        by["twisted"],
    )


@dataclass
class Outcome:
    """
    The results of a job so far.

    @ivar rounds: the rounds of each implementation, oldest first; of each two, Twisted's ran first.
    @ivar failure: why the job was stopped; C{None} if it was not.
    """

    job: Job
    rounds: dict[Implementation, list[Round]] = field(default_factory=lambda: {STOCK: [], OURS: []})
    failure: str | None = None

    @property
    def differences(self) -> list[str]:
        """The differences of any transcript to the first one; empty if all are the same."""
        everything = [*self.rounds[STOCK], *self.rounds[OURS]]
        found: list[str] = []
        for each in everything[1:]:
            found += differences("server", everything[0].server, each.server)
            found += differences("client", everything[0].client, each.client)
        return list(dict.fromkeys(found))

    @property
    def same(self) -> bool | None:
        """
        Whether all transcripts are the same, to the byte; C{None} before both implementations have
        one.
        """
        if not self.rounds[OURS]:
            return None
        return not self.differences

    @property
    def passed(self) -> bool:
        """Whether the job has not failed and all transcripts are the same."""
        return self.failure is None and self.same is True

    def rate(self, implementation: Implementation) -> float | None:
        """The median rate so far; C{None} before the first round."""
        rates = [each.rate(self.job.unit) for each in self.rounds[implementation]]
        return median(rates) if rates else None

    @property
    def ratio(self) -> float | None:
        """
        How many times as fast ours is: the median of the ratios of all pairs.

        The two rounds of a pair followed each other directly, so that other load on the machine
        affects both.
        """
        pairs = zip(self.rounds[STOCK], self.rounds[OURS], strict=False)
        ratios = [stock.seconds / ours.seconds for stock, ours in pairs]
        return median(ratios) if ratios else None


@dataclass(frozen=True)
class Row:
    """A row of the table, as text."""

    title: str
    same: str
    unit: str
    stock: str
    ours: str
    ratio: str


def row(outcome: Outcome) -> Row:
    """Format an outcome as a row; unknown cells are empty."""
    said = {None: "", True: "yes", False: "NO"}[outcome.same]
    return Row(
        outcome.job.title,
        said if outcome.failure is None else "failed",
        outcome.job.unit.value,
        _rate(outcome.rate(STOCK)),
        _rate(outcome.rate(OURS)),
        "" if outcome.ratio is None else f"{outcome.ratio:.2f}",
    )


def _rate(rate: float | None) -> str:
    """Format a rate with three significant digits."""
    if rate is None:
        return ""
    digits = len(f"{rate:.0f}")
    return f"{round(rate, min(3 - digits, 0)):,.0f}"


def introduction(version: str, python: str, jobs: int, rounds: int) -> str:
    """Describe the comparison that begins."""
    times = "once" if rounds == 1 else f"{rounds} times"
    what = "one job" if jobs == 1 else f"{jobs} jobs"
    return (
        f"Twisted's own modules and twisted_basic_ng {version}, in turn, on Python {python}:\n"
        f"{what}, {times} on each; always a fresh server and a fresh client, on loopback."
    )


def closingLine(outcomes: Sequence[Outcome], seconds: float) -> str:
    """Summarise all outcomes."""
    bad = [each.job.name for each in outcomes if not each.passed]
    if bad:
        return f"NOT the same, for the reasons above: {', '.join(bad)} ({len(bad)} of {len(outcomes)})."
    ratios = [each.ratio for each in outcomes if each.ratio is not None]
    ours = outcomes[-1].rounds[OURS][-1]
    return (
        "Every transcript was the same, to the byte.\n"
        f"Ours ({_BUILDS[str(ours.build)]}) ran at {_range(ratios)} times the speed of Twisted {ours.twisted};"
        f" {seconds:.0f} s."
    )


def _range(ratios: Sequence[float]) -> str:
    """Format the range of C{ratios}."""
    least, most = f"{min(ratios):.1f}", f"{max(ratios):.1f}"
    return least if least == most else f"{least} to {most}"


def document(outcomes: Sequence[Outcome], version: str, python: str, seconds: float) -> dict[str, Any]:
    """Return all results as a JSON document."""
    return {
        "twisted_basic_ng": version,
        "python": python,
        "seconds": seconds,
        "passed": all(each.passed for each in outcomes),
        "jobs": [_jobDocument(each) for each in outcomes],
    }


def _jobDocument(outcome: Outcome) -> dict[str, Any]:
    job = outcome.job
    return {
        "name": job.name,
        "title": job.title,
        "size": job.size,
        "unit": job.unit.value,
        "same": outcome.same,
        "differences": outcome.differences,
        "failure": outcome.failure,
        "ratio": outcome.ratio,
        **{
            implementation.package: {
                "rate": outcome.rate(implementation),
                "rounds": [{**asdict(each), "rate": each.rate(job.unit)} for each in rounds],
            }
            for implementation, rounds in outcome.rounds.items()
        },
    }
