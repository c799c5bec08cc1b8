"""Tests that L{tests.conftest} blames the test that leaves an unhandled error behind."""

from __future__ import annotations

from pathlib import Path

from tests.processes import python, write

TESTS = """
    import pytest
    from twisted.internet.defer import fail

    def leave():
        left = [fail(ValueError("left"))]
        left.append(left)

    def test_leaving():
        leave()

    @pytest.mark.stock
    def test_stockLeaving():
        leave()

    def test_after():
        pass
"""


class TestGarbage:
    """Tests for a failed Deferred that nobody handles."""

    def test_charged(self, tmp_path: Path) -> None:
        """
        The test that leaves the error fails, and no later one.  Tests of Twisted's own modules may
        leave errors.
        """
        ended = python("-m", "pytest", "-q", "-p", "tests.conftest", write(tmp_path / "test_it.py", TESTS))
        assert "3 passed" in ended.stdout, ended.stdout
        assert "1 error" in ended.stdout
        assert "ERROR at teardown of test_leaving" in ended.stdout
        assert "ValueError: left" in ended.stdout
