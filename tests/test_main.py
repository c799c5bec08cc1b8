"""Tests for C{python -m twisted_basic_ng}."""

from __future__ import annotations

import runpy
import sys

import pytest

from tests.processes import python


class TestMain:
    """The package can be run as a program."""

    def test_process(self) -> None:
        """C{python -m twisted_basic_ng} does the same as the installed script."""
        ended = python("-m", "twisted_basic_ng")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("usage: twisted-basic-ng COMMAND")

    def test_inProcess(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """The module runs the command line, and does nothing when it is imported."""
        monkeypatch.setattr(sys, "argv", ["x", "--version"])
        runpy.run_module("twisted_basic_ng.__main__", run_name="imported")
        assert capsys.readouterr().out == ""
        runpy.run_module("twisted_basic_ng.__main__", run_name="__main__")
        assert capsys.readouterr().out.startswith("twisted_basic_ng ")
