"""Tests for L{twisted_basic_ng_demo.bench}."""

from __future__ import annotations

import pytest

from tests.processes import python
from twisted_basic_ng_demo import bench
from twisted_basic_ng_demo.paths import childEnvironment


class TestMain:
    """The command is reached by way of the package."""

    def test_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Its exit status comes back."""
        assert bench.main(["--list"]) == 0
        assert "lines-64k" in capsys.readouterr().out

    def test_light(self) -> None:
        """Every child process imports the package: that imports nothing."""
        code = "import sys, twisted_basic_ng_demo.bench; print({'twisted', 'rich', 'argparse'} & set(sys.modules))"
        assert python("-c", code, PYTHONPATH=childEnvironment()["PYTHONPATH"]).stdout == "set()\n"
