"""Tests for L{tests.upstream.record} and L{tests.upstream._process}: real suites in real processes."""

from __future__ import annotations

from ._process import runSuite

EVERY = "tests.upstream.suites.every_outcome"
DIES = "tests.upstream.suites.dies"


class TestRunSuite:
    """A process of its own runs the suite, and says what became of each test."""

    def test_stock(self) -> None:
        """Each outcome, without the swap."""
        record = runSuite("stock", EVERY, 60)
        assert (record.trouble, record.build) == ("", "stock")
        outcomes = {test.rpartition("test_")[2]: outcome for test, outcome in record.outcomes.items()}
        assert outcomes == {
            "success": ("success",),
            "failure": ("failure",),
            "error": ("error",),
            "skip": ("skip",),
            "todo": ("expected failure",),
            "swapped": ("success",),
            "failsAndCannotCleanUp": ("error", "failure"),
        }
        assert record.details[f"{EVERY}.Outcomes.test_skip"] == "not today"
        assert "an error" in record.details[f"{EVERY}.Outcomes.test_error"]

    def test_swapped(self) -> None:
        """The same through the launcher."""
        record = runSuite("pure", EVERY, 60)
        assert (record.trouble, record.build) == ("", "pure")
        assert record.implementation.startswith("twisted_basic_ng.")
        assert record.outcomes[f"{EVERY}.Outcomes.test_swapped"] == ("failure",)

    def test_wrong(self) -> None:
        """It is trouble if not what was asked for is in force."""
        record = runSuite("another", EVERY, 60)
        assert record.trouble.startswith("asked for another, but twisted_basic_ng.")

    def test_dies(self) -> None:
        """A process that dies is trouble, and the test that it died in is told."""
        record = runSuite("stock", f"{DIES}.Dies", 60)
        assert record.trouble == f"exit status 7:  (within {DIES}.Dies.test_b)"
        assert record.outcomes[f"{DIES}.Dies.test_a"] == ("success",)

    def test_hangs(self) -> None:
        """One that does not end is ended."""
        assert runSuite("stock", f"{DIES}.Hangs", 3).trouble.startswith("not done after 3 s (")
