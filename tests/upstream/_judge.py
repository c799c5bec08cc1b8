"""
Has a suite run, stock and on each build, and judges how they compare.

A suite in which a test differs is run again, stock and swapped, before that test is judged: some of Twisted's tests
are unsteady themselves.  It is run whole: a difference may need what ran before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ._compare import Difference, Record, compare

__all__ = ["Run", "Verdict", "judge"]

#: Runs, on the build that is named first, what is named next.
Run = Callable[[str, str], Record]

#: How often a test that differs is run again: what fails one time in three fails again in nine of ten cases.
_AGAIN: Final = 5


@dataclass
class Verdict:
    """
    How one suite went on one build.

    @ivar unsteady: tests that differed, but not when they were run again, or no more than in stock.
    """

    suite: str
    build: str
    stock: Record
    ours: Record
    differences: list[Difference] = field(default_factory=list)
    unsteady: list[Difference] = field(default_factory=list)

    @property
    def trouble(self) -> str:
        """What went wrong with a whole process, or nothing."""
        return (self.stock.trouble and f"stock: {self.stock.trouble}") or self.ours.trouble

    @property
    def good(self) -> bool:
        return not self.differences and not self.trouble


def judge(suite: str, builds: Iterable[str], run: Run) -> Iterator[Verdict]:
    """Run one suite, stock and on C{builds}."""
    stock = run("stock", suite)
    for build in builds:
        verdict = Verdict(suite, build, stock, run(build, suite))
        found = compare(stock, verdict.ours)
        if not verdict.trouble:
            _runAgain(found, suite, build, run)
        for each in found:
            (verdict.unsteady if each.unsteady else verdict.differences).append(each)
        yield verdict


def _runAgain(differences: list[Difference], suite: str, build: str, run: Run) -> None:
    """Run C{suite} again if there are differences, and note what becomes of the tests that differ."""
    for _ in range(_AGAIN if differences else 0):
        stock, ours = run("stock", suite), run(build, suite)
        for each in differences:
            each.stock.append(stock.outcomes.get(each.test, ()))
            each.ours.append(ours.outcomes.get(each.test, ()))
