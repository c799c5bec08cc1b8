"""Tests for C{python -m twisted_basic_ng}."""

from __future__ import annotations

import runpy
import sys

import pytest

from tests.processes import python


class TestMain:
    """The package can be run."""

    def test_process(self) -> None:
        """It does what the installed script does."""
        ended = python("-m", "twisted_basic_ng")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("usage: twisted-basic-ng COMMAND")

    def test_inProcess(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """It hands over to the command line; imported, it does nothing."""
        monkeypatch.setattr(sys, "argv", ["x", "--version"])
        runpy.run_module("twisted_basic_ng.__main__", run_name="imported")
        assert capsys.readouterr().out == ""
        runpy.run_module("twisted_basic_ng.__main__", run_name="__main__")
        assert capsys.readouterr().out.startswith("twisted_basic_ng ")
