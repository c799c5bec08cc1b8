"""
Tests that calls that do not use AMP's features beyond Twisted's behave the same if these are
enabled.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.processes import python
from twisted_basic_ng._defaults import EXTENDED

ROOT = Path(__file__).resolve().parents[2]

#: The tests that use a feature without an agreement of both sides: they send values that are too
#: long, or cancel calls.
USING = [
    "tests/compatibility/test_amp_dispatch.py::TestSending::test_invalid[ours]",
    "tests/compatibility/test_amp_today.py::EverydayTests::test_tooLong",
    "tests/compatibility/test_amp_today.py::EverydayTests::test_unserialisable",
    "tests/compatibility/test_amp_today.py::EverydayTests::test_unserialisableKept",
    "tests/differential/test_amp.py::TestDifferential::test_calls",
    "tests/differential/test_amp_differences.py::TestAnswers::test_unsendable",
    "tests/differential/test_amp_wire.py::TestWire::test_same[invalidCalls]",
]

SUITES = [
    "tests/compatibility",
    "tests/differential/test_amp.py",
    "tests/differential/test_amp_differences.py",
    "tests/differential/test_amp_shapes.py",
    "tests/differential/test_amp_wire.py",
]


def run(*arguments: str, **variables: str) -> str:
    """Run pytest with the features on; return the last line that it prints."""
    ended = python(
        *("-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "--no-header", *arguments),
        directory=ROOT,
        **{EXTENDED: "1", **variables},  # type: ignore[arg-type]
    )
    return ended.stdout.splitlines()[-1]


class TestSuites:
    """Tests that run the differential and the compatibility suites."""

    @pytest.mark.parametrize("suite", SUITES)
    def test_same(self, suite: str) -> None:
        """All tests pass that do not use a feature."""
        outcome = run(suite, *(f"--deselect={each}" for each in USING))
        assert " passed" in outcome
        assert "failed" not in outcome
        assert "error" not in outcome

    def test_using(self) -> None:
        """Each of those does use one: it fails."""
        # A few random examples may use none.
        assert f"{len(USING)} failed" in run(*USING, HYPOTHESIS_PROFILE="tests")
