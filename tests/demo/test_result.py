"""Tests for L{twisted_basic_ng._demo._result}."""

from __future__ import annotations

import json

from twisted_basic_ng._demo._jobs import JOBS
from twisted_basic_ng._demo._pair import OURS, STOCK, Transcript
from twisted_basic_ng._demo._result import Result, conclude

ONE = Transcript(10, "a", "b", "c")
OTHER = Transcript(10, "a", "b", "d")


def result(*rounds: tuple[str, Transcript, float]) -> Result:
    made = Result("lines", JOBS["lines"], 10)
    for each in rounds:
        made.add(*each)
    return made


class TestResult:
    """What the rounds of a job come to."""

    def test_nothing(self) -> None:
        """Before there are rounds there is nothing to say."""
        nothing = result()
        assert (nothing.same, nothing.rate(STOCK), nothing.ratio, nothing.bad) == (None, None, None, False)

    def test_half(self) -> None:
        """Nor is there anything to compare after half a round."""
        half = result((STOCK, ONE, 2.0))
        assert (half.same, half.rate(STOCK), half.ratio) == (None, 5.0, None)

    def test_rounds(self) -> None:
        """The ratio is the median of the rounds' own ratios."""
        whole = result(
            (STOCK, ONE, 2.0),
            (OURS, ONE, 1.0),
            (STOCK, ONE, 9.0),
            (OURS, ONE, 1.0),
            (STOCK, ONE, 6.0),
            (OURS, ONE, 2.0),
        )
        assert (whole.same, whole.ratio, whole.bad) == (True, 3.0, False)

    def test_different(self) -> None:
        """One different transcript in any round is one too many."""
        different = result((STOCK, ONE, 1.0), (OURS, ONE, 1.0), (STOCK, ONE, 1.0), (OURS, OTHER, 1.0))
        assert (different.same, different.bad) == (False, True)

    def test_json(self) -> None:
        """Programs get all of it."""
        facts = json.loads(json.dumps(result((STOCK, ONE, 2.0), (OURS, OTHER, 1.0)).asJSON()))
        assert facts["same"] is False
        assert facts["transcripts"] == [vars(ONE), vars(OTHER)]
        assert (facts["ratio"], facts["rates"]) == (2.0, {"stock": 5.0, "ours": 10.0})


class TestConclude:
    """The last words."""

    def test_good(self) -> None:
        """All the same."""
        assert "ours was 2.0 to 2.0 times" in conclude([result((STOCK, ONE, 2.0), (OURS, ONE, 1.0))])

    def test_bad(self) -> None:
        """Not the same, or not done."""
        failed = result()
        failed.failure = "x"
        assert conclude([failed]) == "NOT the same, or not done: lines."
