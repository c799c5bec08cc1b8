"""Tests for L{twisted_basic_ng_demo.paths}."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import twisted_basic_ng
import twisted_basic_ng_demo
from twisted_basic_ng_demo.paths import HOME, childEnvironment

FILES = "import twisted_basic_ng, twisted_basic_ng_demo as demo; print(twisted_basic_ng.__file__, demo.__file__)"


class TestChildEnvironment:
    """A child process runs the same code as this process."""

    def test_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        The child finds the same copies of the packages, whatever its working directory contains.
        """
        (tmp_path / "twisted_basic_ng").mkdir()
        (tmp_path / "twisted_basic_ng" / "__init__.py").touch()
        monkeypatch.chdir(tmp_path)
        command = [sys.executable, "-S", "-c", FILES]
        said = subprocess.check_output(command, cwd=HOME, env=childEnvironment(), text=True)
        own = [str(twisted_basic_ng.__file__), str(twisted_basic_ng_demo.__file__)]
        assert said.split() == [str(Path(each).resolve()) for each in own]

    def test_changes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Existing entries of the path are kept, and variables can be set."""
        monkeypatch.setenv("PYTHONPATH", "/other")
        found = childEnvironment(TWISTED_BASIC_NG_PURE="1")
        assert found["PYTHONPATH"].split(os.pathsep)[-1] == "/other"
        assert found["TWISTED_BASIC_NG_PURE"] == "1"
        monkeypatch.delenv("PYTHONPATH")
        assert not childEnvironment()["PYTHONPATH"].endswith(os.pathsep)
