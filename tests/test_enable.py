"""Tests for L{twisted_basic_ng._enable}."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from tests.processes import SAYS, environment, write
from twisted_basic_ng import _enable


class TestFile:
    """The file comes and goes, whole."""

    @pytest.fixture(autouse=True)
    def site(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path) if name == "purelib" else name)
        return tmp_path

    def test_notInstalled(self, site: Path) -> None:
        """Where a process of the environment would not find the package, nothing is left behind."""
        with pytest.raises(_enable.NotInstalledError, match="not installed in"):
            _enable.enable()
        assert os.listdir(site) == []

    def test_switch(self, site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each switch says whether it has changed anything, and leaves nothing else behind."""
        monkeypatch.setattr(_enable, "_works", lambda directory: True)
        assert not _enable.isEnabled()
        assert [_enable.enable(), _enable.enable(), _enable.isEnabled()] == [True, False, True]
        assert os.listdir(site) == [_enable.pthFile().name]
        assert [_enable.disable(), _enable.disable(), _enable.isEnabled()] == [True, False, False]
        assert os.listdir(site) == []


class TestEnvironment:
    """A whole Python environment is switched."""

    def test_everyProcess(self, tmp_path: Path) -> None:
        """Every process of it swaps, even with an empty environment; and none after the package is gone."""
        home = tmp_path / "environment"
        venv.create(home, symlinks=True)
        interpreter = home / "bin" / "python"
        paths = "import sysconfig; print(sysconfig.get_path('purelib'))"
        site = Path(subprocess.check_output([interpreter, "-c", paths], text=True).strip())
        (site / "here.pth").write_text("\n".join(each for each in sys.path if each.endswith("site-packages")) + "\n")
        package = Path(_enable.__file__).parent
        (site / package.name).symlink_to(package)
        program = write(tmp_path / "says.py", SAYS)

        def says(**environment: str) -> str:
            return subprocess.check_output(
                [interpreter, "-W", "error", program], env=environment, text=True, stderr=subprocess.STDOUT
            )

        def command(word: str, **changes: str) -> None:
            changed = environment(PYTHONPATH="", **changes)
            subprocess.run([interpreter, "-m", "twisted_basic_ng", word], env=changed, check=True)

        assert says() == "twisted\n"
        command("enable", TWISTED_BASIC_NG_SWAP="0")
        assert says() == "twisted_basic_ng\n"
        assert says(TWISTED_BASIC_NG_SWAP="0") == "twisted\n"
        (site / package.name).unlink()
        assert says() == "twisted\n"
        (site / package.name).symlink_to(package)
        command("disable")
        assert says() == "twisted\n"
