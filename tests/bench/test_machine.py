"""Tests for L{twisted_basic_ng_demo.bench.machine}."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

import twisted

from twisted_basic_ng_demo.bench import machine as module
from twisted_basic_ng_demo.bench.machine import machine, processor, versions


class TestProcessor:
    """The processor is named as it is called in shops."""

    def test_linux(self, tmp_path: Path) -> None:
        """Linux names it."""
        listing = tmp_path / "cpuinfo"
        listing.write_text("processor\t: 0\nmodel name\t: A Processor 3000\nmodel name\t: A Processor 3000\n")
        assert processor(listing) == "A Processor 3000"

    def test_elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Elsewhere, or where Linux does not, Python does what it can."""
        monkeypatch.setattr(platform, "processor", lambda: "")
        monkeypatch.setattr(platform, "machine", lambda: "riscv64")
        assert processor(tmp_path / "none") == "riscv64"
        (tmp_path / "empty").touch()
        assert processor(tmp_path / "empty") == "riscv64"
        monkeypatch.setattr(platform, "processor", lambda: "riscv")
        assert processor(tmp_path / "none") == "riscv"


class TestMachine:
    """What one has to know."""

    def test_facts(self) -> None:
        """They are this machine's."""
        found = machine()
        assert (found["system"], found["cores"]) == (platform.system(), os.cpu_count())
        assert found.keys() == {"system", "release", "architecture", "processor", "cores"}


class TestVersions:
    """What takes part has a version."""

    def test_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """What is not installed has none."""
        monkeypatch.setattr(module, "DISTRIBUTIONS", ("twisted", "no-such-distribution-anywhere"))
        assert versions() == {"twisted": twisted.__version__}
