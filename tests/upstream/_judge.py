"""
Runs a suite without the swap and on each build, and judges the differences.

If a test differs, the suite runs again before the test is judged, because some of Twisted's tests
are unsteady.  The whole suite runs, since a difference may depend on earlier tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from ._compare import Difference, Record, compare

__all__ = ["Run", "Verdict", "judge"]

#: Runs a suite on a build.  The arguments are the build and the name of the suite.
Run = Callable[[str, str], Record]

#: How often to repeat a test that differs.  A test that fails once in three runs then fails again
#: in nine of ten cases.
_AGAIN: Final = 5


@dataclass
class Verdict:
    """
    The verdict on one suite on one build.

    @ivar unsteady: tests that differed, but not when they were repeated, or not more than without
        the swap.
    """

    suite: str
    build: str
    stock: Record
    ours: Record
    differences: list[Difference] = field(default_factory=list)
    unsteady: list[Difference] = field(default_factory=list)

    @property
    def trouble(self) -> str:
        """Return what went wrong with a whole process, or an empty string."""
        return (self.stock.trouble and f"stock: {self.stock.trouble}") or self.ours.trouble

    @property
    def good(self) -> bool:
        return not self.differences and not self.trouble


def judge(suite: str, builds: Iterable[str], run: Run) -> Iterator[Verdict]:
    """Run one suite without the swap and on C{builds}."""
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
    """
    Run C{suite} again if there are differences, and record the results of the tests that differ.
    """
    for _ in range(_AGAIN if differences else 0):
        stock, ours = run("stock", suite), run(build, suite)
        for each in differences:
            each.stock.append(stock.outcomes.get(each.test, ()))
            each.ours.append(ours.outcomes.get(each.test, ()))
