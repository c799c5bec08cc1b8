"""Tests for L{twisted_basic_ng._demo._child}: one end, in a process of its own."""

from __future__ import annotations

from tests.processes import python


class TestChild:
    """An end that cannot do its job fails."""

    def test_refused(self) -> None:
        """The end that connects needs one that listens."""
        ended = python("-m", "twisted_basic_ng._demo._child", "connect", "lines", "1", "1")
        assert ended.returncode == 1
        assert "refused" in ended.stderr
