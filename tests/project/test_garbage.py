"""What a test leaves behind is charged to itself: L{tests.conftest}."""

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
    """A failed Deferred that nobody handles."""

    def test_charged(self, tmp_path: Path) -> None:
        """It fails the test that leaves it, and no later one; Twisted's own modules may leave some."""
        ended = python("-m", "pytest", "-q", "-p", "tests.conftest", write(tmp_path / "test_it.py", TESTS))
        assert "3 passed" in ended.stdout, ended.stdout
        assert "1 error" in ended.stdout
        assert "ERROR at teardown of test_leaving" in ended.stdout
        assert "ValueError: left" in ended.stdout
