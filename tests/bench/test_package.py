"""Tests for L{twisted_basic_ng._bench}."""

from __future__ import annotations

import pytest

from tests.processes import python
from twisted_basic_ng import _bench


class TestMain:
    """The command is reached by way of the package."""

    def test_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Its exit status comes back."""
        assert _bench.main(["--list"]) == 0
        assert "lines-64k" in capsys.readouterr().out

    def test_light(self) -> None:
        """Every child process imports the package: that imports nothing."""
        code = "import sys, twisted_basic_ng._bench; print({'twisted', 'rich', 'argparse'} & set(sys.modules))"
        assert python("-c", code).stdout == "set()\n"
