"""
What became of a job on both sides: the same or not, and how fast.  It runs and draws nothing.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import Any

from ._jobs import Job
from ._pair import OURS, STOCK, Transcript

__all__ = ["Result", "conclude"]


@dataclass
class Result:
    """
    One job's rounds so far.

    @ivar amount: how much of the job each round does.
    @ivar seconds: by side: how long each round took.
    @ivar transcripts: all the different transcripts of the rounds; one, if all is well.
    @ivar failure: why the job could not be done, if so.
    """

    name: str
    job: Job
    amount: int
    seconds: dict[str, list[float]] = field(default_factory=lambda: {STOCK: [], OURS: []})
    transcripts: dict[Transcript, str] = field(default_factory=dict)
    failure: str = ""

    def add(self, side: str, transcript: Transcript, seconds: float) -> None:
        """Take in a round."""
        self.seconds[side].append(seconds)
        self.transcripts.setdefault(transcript, side)

    @property
    def same(self) -> bool | None:
        """Are all transcripts the same?  L{None} before both sides have one."""
        if not all(self.seconds.values()):
            return None
        return len(self.transcripts) == 1

    @property
    def bad(self) -> bool:
        """Has it failed, or do transcripts differ?"""
        return bool(self.failure) or self.same is False

    def rate(self, side: str) -> float | None:
        """The median rate of a side, in the job's unit a second."""
        times = self.seconds[side]
        return self.job.rate(self.amount, statistics.median(times)) if times else None

    @property
    def ratio(self) -> float | None:
        """How many times stock's rate ours is: the median of the rounds' ratios."""
        pairs = list(zip(self.seconds[STOCK], self.seconds[OURS]))  # noqa: B905 - a round may be half done
        return statistics.median(stock / ours for stock, ours in pairs) if pairs else None

    def asJSON(self) -> dict[str, Any]:
        """The facts for programs."""
        return {
            "job": self.name,
            "amount": self.amount,
            "unit": self.job.unit,
            "same": self.same,
            "transcripts": [vars(each) for each in self.transcripts],
            "seconds": self.seconds,
            "rates": {side: self.rate(side) for side in self.seconds},
            "ratio": self.ratio,
            "failure": self.failure,
        }


def conclude(results: list[Result]) -> str:
    """Say in plain words how it went."""
    bad = [each.name for each in results if each.bad]
    if bad:
        return f"NOT the same, or not done: {', '.join(bad)}."
    ratios = [each.ratio for each in results if each.ratio is not None]
    return (
        f"Both gave the same bytes and the same messages in every job; ours was {min(ratios):.1f} to"
        f" {max(ratios):.1f} times as fast."
    )
