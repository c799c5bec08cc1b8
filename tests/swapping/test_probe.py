"""
Tests for L{twisted_basic_ng._swapping.probe}, which finds out why an environment does not swap.
"""

from __future__ import annotations

import runpy
import site
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.processes import write
from twisted_basic_ng._swapping import probe, swap

MODULES = ["some.module", "some.other"]


@pytest.fixture(autouse=True)
def asItWas(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Undo the changes of the simulated startup."""
    monkeypatch.setattr(site, "addpackage", site.addpackage)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = dict(sys.modules)
    yield
    sys.modules.clear()
    sys.modules.update(modules)


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes the simulated startup read these .pth files."""

    def starts(**files: str) -> None:
        for name, text in files.items():
            write(tmp_path / f"{name}.pth", text)
        monkeypatch.setattr(site, "main", lambda: site.addsitedir(str(tmp_path)))

    return starts


def found(capsys: pytest.CaptureFixture[str]) -> str:
    probe.main(MODULES)
    out, err = capsys.readouterr()
    assert err == ""
    assert out.startswith(probe.MARK)
    return out.removeprefix(probe.MARK).removesuffix("\n")


class TestNotSwapped:
    """Tests for a startup that did not swap."""

    @pytest.fixture(autouse=True)
    def without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(swap, "isInstalled", lambda: False)

    SAYS = "import sys; sys.stderr.write('noise\\ntwisted_basic_ng: not swapped: a reason\\n')\n"
    IMPORTS = "import sys; sys.modules['some.other'] = sys\n"

    def test_said(self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """The reason is the warning that the startup printed."""
        starts(a=self.SAYS)
        assert found(capsys) == "a reason"

    def test_importer(self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        """The result names the first file that imported one of the modules."""
        starts(a="import sys\n", b=self.IMPORTS, c=self.IMPORTS, d=self.SAYS)
        assert found(capsys) == f"a reason (imported first by {tmp_path / 'b.pth'})"

    def test_notRead(self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """
        If there was no warning although the package is installed, Python has not read the file.
        """
        starts(a="import sys; sys.stderr.write('noise')\n")
        assert found(capsys) == "Python does not read it at its start"

    def test_notInstalled(
        self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If the package is missing or pip has left only remains, it is not installed."""
        starts()
        monkeypatch.delitem(sys.modules, "twisted_basic_ng._swapping.swap")
        for package in (None, ModuleType("twisted_basic_ng")):
            monkeypatch.setitem(sys.modules, "twisted_basic_ng", package)
            assert found(capsys) == "twisted_basic_ng is not installed there"


class TestSwapped:
    """Tests for a startup that swapped."""

    @pytest.fixture(autouse=True)
    def swapped(self, monkeypatch: pytest.MonkeyPatch, starts: Callable[..., None]) -> None:
        monkeypatch.setattr(swap, "isInstalled", lambda: True)
        monkeypatch.setattr(swap._finder, "isOptional", True)
        starts()

    def test_importable(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """
        If each of the modules can be imported, the result is empty, and errors are no longer
        suppressed.
        """
        for name in MODULES:
            monkeypatch.setitem(sys.modules, name, sys)
        assert found(capsys) == ""
        assert not swap._finder.isOptional

    def test_not(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """If one of them cannot be imported, the result has the reason."""
        monkeypatch.setitem(sys.modules, MODULES[0], sys)
        assert found(capsys) == "some.other cannot be imported: No module named 'some'"


class TestFile:
    """Tests for running the probe as a script."""

    def test_run(
        self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The arguments are the names of the modules."""
        starts()
        monkeypatch.setattr(swap, "isInstalled", lambda: True)
        monkeypatch.setattr(sys, "argv", ["probe", "no_such_module"])
        runpy.run_path(probe.__file__, run_name="__main__")
        reason = "no_such_module cannot be imported: No module named 'no_such_module'"
        assert capsys.readouterr().out == f"{probe.MARK}{reason}\n"

    def test_directory(self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """The script's directory is removed from C{sys.path}."""
        starts()
        here = str(Path(probe.__file__).parent)
        sys.path.insert(0, here)
        found(capsys)
        assert here not in sys.path
