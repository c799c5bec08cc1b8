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
    """Tests for the name of the processor."""

    def test_linux(self, tmp_path: Path) -> None:
        """On Linux, the name is read from the system."""
        listing = tmp_path / "cpuinfo"
        listing.write_text("processor\t: 0\nmodel name\t: A Processor 3000\nmodel name\t: A Processor 3000\n")
        assert processor(listing) == "A Processor 3000"

    def test_elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """On other systems, or if the file has no name, Python's functions return the name."""
        monkeypatch.setattr(platform, "processor", lambda: "")
        monkeypatch.setattr(platform, "machine", lambda: "riscv64")
        assert processor(tmp_path / "none") == "riscv64"
        (tmp_path / "empty").touch()
        assert processor(tmp_path / "empty") == "riscv64"
        monkeypatch.setattr(platform, "processor", lambda: "riscv")
        assert processor(tmp_path / "none") == "riscv"


class TestMachine:
    """Tests for the facts about the machine."""

    def test_facts(self) -> None:
        """The facts are those of this machine."""
        found = machine()
        assert (found["system"], found["cores"]) == (platform.system(), os.cpu_count())
        assert found.keys() == {"system", "release", "architecture", "processor", "cores"}


class TestVersions:
    """Tests for the versions of the packages."""

    def test_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A package that is not installed has no version."""
        monkeypatch.setattr(module, "DISTRIBUTIONS", ("twisted", "no-such-distribution-anywhere"))
        assert versions() == {"twisted": twisted.__version__}
