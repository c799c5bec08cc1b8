"""Tests for L{twisted_basic_ng_demo.bench}."""

from __future__ import annotations

import pytest

from tests.processes import python
from twisted_basic_ng_demo import bench
from twisted_basic_ng_demo.paths import childEnvironment


class TestMain:
    """Tests for the package."""

    def test_status(self, capsys: pytest.CaptureFixture[str]) -> None:
        """C{main} returns the exit status of the command."""
        assert bench.main(["--list"]) == 0
        assert "lines-64k" in capsys.readouterr().out

    def test_light(self) -> None:
        """Every child process imports the package, so it imports nothing itself."""
        code = "import sys, twisted_basic_ng_demo.bench; print({'twisted', 'rich', 'argparse'} & set(sys.modules))"
        assert python("-c", code, PYTHONPATH=childEnvironment()["PYTHONPATH"]).stdout == "set()\n"
