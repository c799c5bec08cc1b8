"""A suite with a test for each possible result.  Trial runs it, not pytest."""

from __future__ import annotations

from twisted.protocols import basic
from twisted.trial.unittest import SynchronousTestCase, TestCase


class Outcomes(SynchronousTestCase):
    def test_success(self) -> None:
        """Succeed."""

    def test_failure(self) -> None:
        self.assertEqual(1, 2)

    def test_error(self) -> None:
        raise RuntimeError("an error")

    def test_skip(self) -> None:
        """Be skipped."""

    test_skip.skip = "not today"  # type: ignore[attr-defined]

    def test_todo(self) -> None:
        self.assertEqual(1, 2)

    test_todo.todo = "some day"  # type: ignore[attr-defined]

    def test_swapped(self) -> None:
        self.assertEqual(basic.__name__, "twisted.protocols.basic")


class Twice(TestCase):
    def test_failsAndCannotCleanUp(self) -> None:
        self.addCleanup(self.fail, "in cleaning up")
        self.fail("itself")
