"""Tests for L{tests.upstream._judge}."""

from __future__ import annotations

from collections.abc import Iterator

from ._compare import Outcome, Record
from ._judge import Verdict, judge

OK, BAD = ("success",), ("failure",)


def verdict(stock: list[Outcome], ours: list[Outcome], trouble: str = "") -> tuple[Verdict, list[tuple[str, str]]]:
    """Judge a suite of one test, with these results in each run."""
    runs: list[tuple[str, str]] = []
    outcomes: dict[str, Iterator[Outcome]] = {"stock": iter(stock), "pure": iter(ours)}

    def run(build: str, name: str) -> Record:
        runs.append((build, name))
        return Record(build=build, outcomes={"suite.Case.test": next(outcomes[build])}, trouble=trouble)

    (judged,) = judge("suite", ["pure"], run)
    return judged, runs


class TestJudge:
    """A suite is good if no test differs."""

    def test_same(self) -> None:
        """A suite whose tests are the same is run once."""
        judged, runs = verdict([OK], [OK])
        assert judged.good
        assert runs == [("stock", "suite"), ("pure", "suite")]

    def test_different(self) -> None:
        """A suite with a difference is run again as a whole, and the test still differs."""
        judged, runs = verdict([OK] * 6, [BAD] * 6)
        assert not judged.good
        assert [each.test for each in judged.differences] == ["suite.Case.test"]
        assert runs[2:] == [("stock", "suite"), ("pure", "suite")] * 5

    def test_once(self) -> None:
        """A test that differs only once is listed, and the suite is good."""
        judged, _ = verdict([OK] * 6, [BAD] + [OK] * 5)
        assert judged.good
        assert len(judged.unsteady) == 1

    def test_trouble(self) -> None:
        """If a process fails, the suite is not good, and is not run again."""
        judged, runs = verdict([OK], [BAD], "it died")
        assert not judged.good
        assert (judged.trouble, len(runs)) == ("stock: it died", 2)
