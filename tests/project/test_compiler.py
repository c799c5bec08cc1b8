"""
Tests for L{tools.compiler}, which reports a compiled build that is missing although it should
exist.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from tools.compiler import whyNone, whyStale

onCPython = pytest.mark.skipif(sys.implementation.name != "cpython", reason="only CPython has a compiled build")


@onCPython
class TestWhyNone:
    """Tests for whether the extension can be compiled."""

    def test_narrow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        It cannot be on 32-bit machines, because a peer may announce a longer length than a size can
        hold.
        """
        monkeypatch.setenv("TWISTED_BASIC_NG_REQUIRE_EXTENSION", "1")
        monkeypatch.setattr(sys, "maxsize", 2**31 - 1)
        assert whyNone() == "32-bit machines have the pure build alone"

    def test_noCompiler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It cannot be if the requested compiler does not exist."""
        monkeypatch.delenv("TWISTED_BASIC_NG_REQUIRE_EXTENSION", raising=False)
        monkeypatch.setenv("CC", "cc-that-is-not-there -m64")
        assert whyNone() == "no C compiler here (cc-that-is-not-there)"

    def test_noHeaders(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """It cannot be if Python's header files are missing, as in many distributions."""
        monkeypatch.delenv("TWISTED_BASIC_NG_REQUIRE_EXTENSION", raising=False)
        monkeypatch.setenv("CC", sys.executable)
        monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
        assert whyNone().startswith("no header files for Python 3.")

    def test_both(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """It can be if both the compiler and the header files exist."""
        monkeypatch.delenv("TWISTED_BASIC_NG_REQUIRE_EXTENSION", raising=False)
        monkeypatch.setenv("CC", sys.executable)
        monkeypatch.setattr("sysconfig.get_path", lambda name: str(tmp_path))
        (tmp_path / "Python.h").touch()
        assert whyNone() == ""

    def test_required(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A missing compiler is not reported if the environment requires the extension."""
        monkeypatch.setenv("TWISTED_BASIC_NG_REQUIRE_EXTENSION", "1")
        monkeypatch.setenv("CC", "cc-that-is-not-there")
        assert whyNone() == ""


class TestWhyStale:
    """Tests for whether the extension exists and is up to date."""

    def found(self, monkeypatch: pytest.MonkeyPatch, origin: Path | None) -> str:
        """Call L{whyStale} with an extension at C{origin}."""
        spec = None if origin is None else ModuleSpec("twisted_basic_ng.any", None, origin=str(origin))
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: spec)
        return whyStale()

    def test_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A missing extension is reported."""
        assert "was not built" in self.found(monkeypatch, None)

    def test_fresh(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """
        An extension that is newer than its source, or is installed without it, is not reported.
        """
        (tmp_path / "framing_ext.so").touch()
        assert self.found(monkeypatch, tmp_path / "framing_ext.so") == ""
        (tmp_path / "framing_ext.pyx").touch()
        os.utime(tmp_path / "framing_ext.pyx", (1, 1))
        assert self.found(monkeypatch, tmp_path / "framing_ext.so") == ""

    def test_old(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """An extension that is older than its source is reported."""
        for name in ("framing_ext.so", "framing_ext.pyx"):
            (tmp_path / name).touch()
        os.utime(tmp_path / "framing_ext.so", (1, 1))
        assert "older than its source" in self.found(monkeypatch, tmp_path / "framing_ext.so")
