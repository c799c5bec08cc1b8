"""
Tests for L{twisted_basic_ng._swapping.enabled}, which runs when Python starts in an enabled
environment.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.processes import python
from twisted_basic_ng._swapping import enabled
from twisted_basic_ng._swapping.enabled import FILE


class TestStart:
    """L{enabled.start} swaps only for the installation that was enabled."""

    @pytest.fixture(autouse=True)
    def said(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
        """Record swaps and warnings."""
        happened: list[str] = []
        monkeypatch.setattr(enabled, "installIfPossible", lambda: happened.append("swapped"))
        monkeypatch.setattr(enabled, "warn", happened.append)
        monkeypatch.setattr(sys, "path", [str(tmp_path / "gone"), str(tmp_path)])
        return happened

    def test_plain(self, said: list[str]) -> None:
        """An installation without metadata swaps."""
        enabled.start()
        assert said == ["swapped"]

    @pytest.mark.parametrize("listed", [True, False])
    def test_listed(self, said: list[str], tmp_path: Path, listed: bool) -> None:
        """
        An installation in the environment swaps if its RECORD lists the file, even if its path has
        changed.
        """
        record = tmp_path / "x.dist-info" / "RECORD"
        record.parent.mkdir()
        record.write_text(f"a.py,,\n{FILE},,\n" if listed else "a.py,,\n")
        (tmp_path / FILE).write_text("")
        enabled.start("x.dist-info")
        again = f"it was reinstalled since 'enable': enable it again, or delete {tmp_path / FILE}"
        assert said == ["swapped" if listed else again]

    def test_older(self, said: list[str], tmp_path: Path) -> None:
        """An installation elsewhere swaps if its modification time is the same, in seconds."""
        metadata = tmp_path / "METADATA"
        metadata.write_text("")
        for time in (1000.0, 1000.9, 1001.0):
            os.utime(metadata, (time, time))
            enabled.start(installed=str(metadata), at=1000)
        metadata.unlink()
        enabled.start(installed=str(metadata), at=1000)
        assert [each.partition(":")[0] for each in said] == [
            "swapped",
            "swapped",
            "it was reinstalled since 'enable'",
            "it was reinstalled since 'enable'",
        ]
        assert said[-1].endswith(f"delete {FILE}")


class TestCost:
    """Tests for the cost at startup."""

    def test_imports(self) -> None:
        """The startup imports no modules but its own that a bare interpreter has not imported."""
        code = "import sys; before = set(sys.modules); import twisted_basic_ng._swapping.enabled as ng; ng.start()"
        code += "; print(sorted(set(sys.modules) - before))"
        ours = ("_defaults", "_places", "_swapping", "_swapping.enabled", "_swapping.inuse", "_swapping.swap")
        names = ["__future__", "twisted_basic_ng", *(f"twisted_basic_ng.{each}" for each in ours)]
        assert python("-S", "-c", f"import os; {code}").stdout == f"{names}\n"
