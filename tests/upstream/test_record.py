"""
Tests for L{tests.upstream.record} and L{tests.upstream._process}, with real suites in real
processes.
"""

from __future__ import annotations

from ._process import runSuite

EVERY = "tests.upstream.suites.every_outcome"
DIES = "tests.upstream.suites.dies"


class TestRunSuite:
    """Tests for running a suite in a separate process."""

    def test_stock(self) -> None:
        """Each result is recorded without the swap."""
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
        """Each result is recorded through the launcher."""
        record = runSuite("pure", EVERY, 60)
        assert (record.trouble, record.build) == ("", "pure")
        assert record.implementation.startswith("twisted_basic_ng.")
        assert record.outcomes[f"{EVERY}.Outcomes.test_swapped"] == ("failure",)

    def test_wrong(self) -> None:
        """If another build is in use than the requested one, that is reported."""
        record = runSuite("another", EVERY, 60)
        assert record.trouble.startswith("asked for another, but twisted_basic_ng.")

    def test_dies(self) -> None:
        """If the process dies, that is reported, with the test during which it died."""
        record = runSuite("stock", f"{DIES}.Dies", 60)
        assert record.trouble == f"exit status 7:  (within {DIES}.Dies.test_b)"
        assert record.outcomes[f"{DIES}.Dies.test_a"] == ("success",)

    def test_hangs(self) -> None:
        """A process that does not end is killed."""
        assert runSuite("stock", f"{DIES}.Hangs", 3).trouble.startswith("not done after 3 s (")
