"""Tests for L{twisted_basic_ng.pytest_plugin}."""

from __future__ import annotations

import importlib
import os
from pathlib import Path

import pytest

import twisted_basic_ng
from tests.processes import python, write
from twisted_basic_ng._swapping.children import ENVIRONMENT
from twisted_basic_ng._swapping.swap import SWAPS

TEST = """\
import subprocess, sys
from twisted.protocols import basic
OURS = "twisted_basic_ng"
def test_itself():
    assert basic.__name__.split(".")[0] == OURS
def test_child():
    code = "from twisted.protocols import basic; print(basic.__name__.split('.')[0])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == OURS
"""


class TestPlugin:
    """The plugin runs a program's tests with our modules."""

    @pytest.mark.parametrize("jobs", [(), ("-n", "2")])
    def test_run(self, tmp_path: Path, jobs: tuple[str, ...]) -> None:
        """The swap applies to the tests, their workers, and the processes that they start."""
        if jobs:
            pytest.importorskip("xdist", reason="pytest-xdist is not installed")
        write(tmp_path / "test_it.py", TEST)
        ended = python("-m", "pytest", "-p", "twisted_basic_ng.pytest_plugin", *jobs, tmp_path, directory=tmp_path)
        assert "2 passed" in ended.stdout, ended.stdout
        assert f"twisted_basic_ng {twisted_basic_ng.__version__}" in ended.stdout

    def test_header(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The report's header lists the swapped modules."""
        monkeypatch.setattr(twisted_basic_ng, "install", lambda: None)
        monkeypatch.setattr(os, "environ", dict(os.environ))
        plugin = importlib.reload(importlib.import_module("twisted_basic_ng.pytest_plugin"))
        assert os.environ[ENVIRONMENT] == "1"
        assert f"in place of: {', '.join(SWAPS)}" in plugin.pytest_report_header()
