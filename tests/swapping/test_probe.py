"""Tests for L{twisted_basic_ng._swapping.probe}: what keeps an environment from swapping."""

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
    """What happens at a start is undone."""
    monkeypatch.setattr(site, "addpackage", site.addpackage)
    monkeypatch.setattr(sys, "path", list(sys.path))
    modules = dict(sys.modules)
    yield
    sys.modules.clear()
    sys.modules.update(modules)


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Have the start of a Python read these files."""

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
    """The start has not swapped."""

    @pytest.fixture(autouse=True)
    def without(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(swap, "isInstalled", lambda: False)

    SAYS = "import sys; sys.stderr.write('noise\\ntwisted_basic_ng: not swapped: a reason\\n')\n"
    IMPORTS = "import sys; sys.modules['some.other'] = sys\n"

    def test_said(self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """What was said then is told."""
        starts(a=self.SAYS)
        assert found(capsys) == "a reason"

    def test_importer(self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
        """The first file that has imported one of the modules is named."""
        starts(a="import sys\n", b=self.IMPORTS, c=self.IMPORTS, d=self.SAYS)
        assert found(capsys) == f"a reason (imported first by {tmp_path / 'b.pth'})"

    def test_notRead(self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """Nothing was said, and the package is there."""
        starts(a="import sys; sys.stderr.write('noise')\n")
        assert found(capsys) == "Python does not read it at its start"

    def test_notInstalled(
        self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The package is missing, or only what pip has left of it is there."""
        starts()
        monkeypatch.delitem(sys.modules, "twisted_basic_ng._swapping.swap")
        for package in (None, ModuleType("twisted_basic_ng")):
            monkeypatch.setitem(sys.modules, "twisted_basic_ng", package)
            assert found(capsys) == "twisted_basic_ng is not installed there"


class TestSwapped:
    """The start has swapped."""

    @pytest.fixture(autouse=True)
    def swapped(self, monkeypatch: pytest.MonkeyPatch, starts: Callable[..., None]) -> None:
        monkeypatch.setattr(swap, "isInstalled", lambda: True)
        monkeypatch.setattr(swap._finder, "isOptional", True)
        starts()

    def test_importable(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """Each of the modules can be imported, and no way is given: nothing is wrong."""
        for name in MODULES:
            monkeypatch.setitem(sys.modules, name, sys)
        assert found(capsys) == ""
        assert not swap._finder.isOptional

    def test_not(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        """One cannot."""
        monkeypatch.setitem(sys.modules, MODULES[0], sys)
        assert found(capsys) == "some.other cannot be imported: No module named 'some'"


class TestFile:
    """It is run as a file."""

    def test_run(
        self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its arguments are the modules."""
        starts()
        monkeypatch.setattr(swap, "isInstalled", lambda: True)
        monkeypatch.setattr(sys, "argv", ["probe", "no_such_module"])
        runpy.run_path(probe.__file__, run_name="__main__")
        reason = "no_such_module cannot be imported: No module named 'no_such_module'"
        assert capsys.readouterr().out == f"{probe.MARK}{reason}\n"

    def test_directory(self, starts: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
        """The files beside it are no modules of their own."""
        starts()
        here = str(Path(probe.__file__).parent)
        sys.path.insert(0, here)
        found(capsys)
        assert here not in sys.path
