"""Tests for L{twisted_basic_ng._swapping.swap}."""

from __future__ import annotations

import importlib
import inspect
import io
import os
import pickle
import sys
from collections.abc import Iterator
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import twisted
import twisted.protocols
from twisted.python.modules import getModule
from twisted.python.reflect import namedAny

from tests.processes import python
from twisted_basic_ng import basic, ftp, install, uninstall
from twisted_basic_ng._places import changeOver, place
from twisted_basic_ng._swapping import inuse, swap
from twisted_basic_ng._swapping.swap import PATCHES, SWAPS, WARNED, AlreadyInUseError, TwistedTooOldError

NAME = "twisted.protocols.basic"


def forget() -> None:
    """Remove the modules from C{sys.modules} and from their package."""
    for name in (*SWAPS, *PATCHES):
        sys.modules.pop(name, None)
        vars(twisted.protocols).pop(name.rpartition(".")[2], None)


@pytest.fixture(autouse=True)
def noSwap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Begin each test without the imported modules, and restore this process afterwards."""
    monkeypatch.setattr(swap._finder, "isOptional", False)
    monkeypatch.setattr(os, "environ", {name: value for name, value in os.environ.items() if name != WARNED})
    before = {name: module for name, module in sys.modules.items() if name in {*SWAPS, *PATCHES}}
    attributes = dict(vars(twisted.protocols))
    finders = list(sys.meta_path)
    forget()
    yield
    forget()
    sys.modules.update(before)
    vars(twisted.protocols).update(attributes)
    sys.meta_path[:] = finders
    changeOver(False)
    swap._replaced.clear()
    swap._stock.clear()


def inherit() -> None:
    """Simulate a new process that inherits the swap and has not imported the modules."""
    swap.installIfPossible()
    forget()


@pytest.fixture
def stock() -> ModuleType:
    """Return Twisted's own module, newly imported and unused."""
    return importlib.import_module(NAME)


class TestInstall:
    """L{install} replaces imports with our modules."""

    def test_lazy(self) -> None:
        """L{install} imports nothing itself."""
        program = "import sys, twisted_basic_ng as ng; ng.install(); print('twisted' in sys.modules)"
        assert python("-c", program).stdout == "False\n"

    def test_placed(self) -> None:
        """If our module was imported under its own name, it gets Twisted's name at once."""
        install()
        assert sys.modules[NAME] is basic
        assert twisted.protocols.basic is basic
        assert sys.modules[basic.LineReceiver.__module__].__dict__["LineReceiver"] is basic.LineReceiver

    def test_import(self) -> None:
        """Every way to import finds our module, which keeps its own name and spec."""
        install()
        install()
        forget()
        assert importlib.import_module(NAME) is basic
        from twisted.protocols import basic as asAttribute

        assert asAttribute is basic
        assert namedAny(f"{NAME}.LineReceiver") is basic.LineReceiver
        assert getModule(NAME).load() is basic
        assert basic.__name__ == "twisted_basic_ng.basic"
        assert basic.__spec__ is not None
        assert basic.__spec__.name == "twisted_basic_ng.basic"
        assert importlib.reload(basic) is sys.modules[NAME]

    def test_pickle(self) -> None:
        """Pickles that refer to Twisted's module use ours."""
        install()
        assert pickle.loads(b"ctwisted.protocols.basic\nLineReceiver\n.") is basic.LineReceiver

    def test_failing(self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """If our module cannot be imported, nothing is changed."""
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.basic", None)
        with pytest.raises(ImportError):
            install()
        assert not swap.isInstalled()
        assert sys.modules[NAME] is stock
        assert basic.LineReceiver.__module__ == "twisted_basic_ng.basic"

    def test_others(self) -> None:
        """Other imports are not affected."""
        install()
        assert swap._finder.find_spec("twisted.protocols.wire") is None

    def test_importedBefore(self, stock: ModuleType) -> None:
        """A Twisted module that is not in use is replaced, and restored by L{uninstall}."""
        install()
        assert sys.modules[NAME] is basic
        assert twisted.protocols.basic is basic
        uninstall()
        assert sys.modules[NAME] is stock
        assert twisted.protocols.basic is stock


class TestExtended:
    """L{install} can enable AMP's extensions."""

    def test_install(self) -> None:
        """The extensions are enabled by the first call that asks for them, even after the swap."""
        from twisted_basic_ng import amp

        install()
        assert not amp.AMP.extended
        install(extended=True)
        assert amp.AMP.extended
        install()
        assert amp.AMP.extended
        uninstall()
        assert not amp.AMP.extended

    def test_tooLate(self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """If the swap fails, nothing is changed."""
        from twisted_basic_ng import amp

        monkeypatch.setattr(os, "path_of_a_test", stock, raising=False)
        with pytest.raises(AlreadyInUseError):
            install(extended=True)
        assert not amp.AMP.extended


class TestPatches:
    """Tests for modules of Twisted in which only some names are replaced."""

    FTP = "twisted.protocols.ftp"

    def test_import(self) -> None:
        """Twisted's module is loaded, and gets our names."""
        install()
        module: Any = importlib.import_module(self.FTP)
        assert (module.DTP, module.DTPFactory) == (ftp.DTP, ftp.DTPFactory)
        assert (module.__name__, module.FTPFactory.__module__) == (self.FTP, self.FTP)
        for name in ftp.__all__:
            thing = getattr(ftp, name)
            assert (thing.__module__, attrgetter(thing.__qualname__)(module)) == (self.FTP, thing)
        assert (module.DTP.__module__, module.FTP._encodeName.__qualname__) == (self.FTP, "FTP._encodeName")
        assert module.__spec__.loader is module.__loader__
        assert not isinstance(module.__loader__, swap._PatchingLoader)
        assert module.FTP.__mro__[1] is basic.LineReceiver
        assert "class DTP(" in inspect.getsource(module)

    def test_uninstall(self) -> None:
        """L{uninstall} restores the original names."""
        install()
        module: Any = importlib.import_module(self.FTP)
        uninstall()
        assert module.DTP.__module__ == self.FTP
        assert module.FTP._encodeName.__module__ == self.FTP
        assert not hasattr(module, "DataConnectionClosedError")
        assert type(module) is ModuleType
        assert "class DTP(" in inspect.getsource(module.DTP)
        assert (ftp.DTP.__module__, ftp.encodeName.__qualname__) == ("twisted_basic_ng.ftp", "encodeName")
        uninstall()

    def test_removed(self) -> None:
        """A module that a program has removed from C{sys.modules} is ignored."""
        install()
        importlib.import_module(self.FTP)
        del sys.modules[self.FTP]
        uninstall()
        assert not swap.isInstalled()

    def test_importedBefore(self) -> None:
        """A module that was patched before is patched again."""
        install()
        module: Any = importlib.import_module(self.FTP)
        uninstall()
        sys.modules.pop(NAME)
        install()
        assert module.DTP is ftp.DTP

    def test_tooLate(self) -> None:
        """The swap fails if another module uses or subclasses one of the names to replace."""
        install()
        module: Any = importlib.import_module(self.FTP)
        uninstall()
        sys.modules.pop(NAME)
        heir = type("Heir", (module.DTP,), {"__module__": "some.server"})
        with pytest.raises(AlreadyInUseError) as caught:
            install()
        assert caught.value.modules == (heir.__module__,)

    def test_notThere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If Twisted's module does not exist, it is not found."""
        monkeypatch.setattr(sys, "meta_path", [swap._finder])
        assert swap._finder.find_spec(self.FTP) is None


class TestTooLate:
    """L{install} raises an error if Twisted's own classes are in use."""

    def test_heldModule(self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        The error names modules that hold the module or one of its classes, and nothing is changed.
        """
        for name, value in (("holds.module", stock), ("holds.klass", stock.LineReceiver)):
            holder = ModuleType(name)
            holder.it = value  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, holder)
        monkeypatch.setitem(sys.modules, "odd", object())  # type: ignore[arg-type]
        with pytest.raises(AlreadyInUseError) as caught:
            install()
        assert caught.value.modules == ("holds.klass", "holds.module")
        assert "holds.klass, holds.module" in str(caught.value)
        assert not swap.isInstalled()
        assert sys.modules[NAME] is stock

    def test_heirs(self, stock: ModuleType) -> None:
        """The error names the modules of direct and indirect subclasses."""
        heir = type("Heir", (stock.LineReceiver,), {"__module__": "builds.on"})
        grandchild = type("Grandchild", (heir,), {"__module__": "builds.further"})
        with pytest.raises(AlreadyInUseError) as caught:
            install()
        assert caught.value.modules == ("builds.further", "builds.on")
        assert grandchild.__base__ is heir

    def test_pickles(self) -> None:
        """The error can be pickled."""
        copy = pickle.loads(pickle.dumps(AlreadyInUseError(["b", "a"])))
        assert copy.modules == ("a", "b")
        assert isinstance(copy, RuntimeError)

    def test_realProgram(self) -> None:
        """A program that has imported Twisted's mail server first gets the error."""
        ended = python("-c", "import twisted.mail.smtp, twisted_basic_ng as ng; ng.install()")
        assert ended.returncode == 1
        assert "AlreadyInUseError" in ended.stderr
        assert "twisted.mail.smtp" in ended.stderr


class TestOldTwisted:
    """Tests for a Twisted that is too old, in a program that asks for the swap."""

    @pytest.fixture(autouse=True)
    def old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(twisted, "__version__", "22.9.0")

    @pytest.mark.parametrize("name", [*SWAPS, *PATCHES])
    def test_import(self, name: str) -> None:
        """The error is raised when one of the modules is imported."""
        with pytest.MonkeyPatch.context() as before:
            before.delitem(sys.modules, "twisted")  # nothing has imported it so far
            install()
        forget()  # and ours is not imported either
        with pytest.raises(TwistedTooOldError, match=r"Twisted 22\.9\.0 is too old: .* 22\.10 or later"):
            importlib.import_module(name)

    def test_importedBefore(self, stock: ModuleType) -> None:
        """The error is raised at once if Twisted is imported already, and nothing is changed."""
        with pytest.raises(TwistedTooOldError):
            install()
        assert (sys.modules[NAME], swap.isInstalled()) == (stock, False)

    @pytest.mark.parametrize("version", ["22.10.0rc1", "23.8.0", "26.10.0.dev0", "unknown", ""])
    def test_others(self, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Other versions are accepted, including those that are not released."""
        monkeypatch.setattr(twisted, "__version__", version)
        install()
        assert importlib.import_module(NAME) is basic

    def test_metadata(self) -> None:
        """The lowest accepted version is the one in the package's metadata."""
        setup = Path(__file__).parents[2].joinpath("setup.cfg").read_text(encoding="utf-8")
        assert f"twisted >= {'.'.join(map(str, swap._OLDEST))}\n" in setup


class TestInstallIfPossible:
    """
    L{swap.installIfPossible} prints one line if the swap is not possible, and the process runs
    without it.
    """

    def said(self, capsys: pytest.CaptureFixture[str]) -> str:
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        before, _, reason = err.strip().partition(": not swapped: ")
        assert before == "twisted_basic_ng"
        return reason

    def test_possible(self, capsys: pytest.CaptureFixture[str]) -> None:
        """If the swap is possible, it works like L{install}."""
        swap.installIfPossible()
        assert importlib.import_module(NAME) is basic
        assert capsys.readouterr() == ("", "")

    def test_inUse(
        self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """
        If classes are in use, the line names their users, without advice for programs that call
        L{install}.
        """
        holder = ModuleType("some.holder")
        holder.it = stock  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "some.holder", holder)
        swap.installIfPossible()
        assert self.said(capsys) == "Twisted's own classes are in use already, by some.holder"
        assert sys.modules[NAME] is stock

    def test_importedBefore(
        self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """If our module cannot be imported although it is needed at once, nothing is swapped."""
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.basic", None)
        swap.installIfPossible()
        assert "twisted_basic_ng.basic" in self.said(capsys)
        assert (sys.modules[NAME], swap.isInstalled()) == (stock, False)

    def test_import(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """
        If our module cannot be imported later, the program gets Twisted's own module, without any
        trace of the swap.
        """
        inherit()
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.basic", None)
        module: Any = importlib.import_module(NAME)
        assert "twisted_basic_ng.basic" in self.said(capsys)
        assert (module.__name__, module.__spec__.name) == (NAME, NAME)
        assert module.LineReceiver is not basic.LineReceiver
        assert module.__spec__.loader is module.__loader__
        assert (module.__file__, module.__cached__) == (module.__spec__.origin, module.__spec__.cached)
        assert "class LineReceiver(" in inspect.getsource(module)
        assert twisted.protocols.basic is module  # type: ignore[attr-defined]
        assert importlib.import_module("twisted.protocols.amp").__name__ == "twisted.protocols.amp"
        assert not swap.isInstalled()
        assert basic.LineReceiver.__module__ == "twisted_basic_ng.basic"

    def test_patch(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """If our part of a patched module cannot be imported, Twisted's module is unchanged."""
        inherit()
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.ftp", None)
        module: Any = importlib.import_module("twisted.protocols.ftp")
        assert "twisted_basic_ng.ftp" in self.said(capsys)
        assert module.DTP is not ftp.DTP

    def test_oneForAll(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """
        If one of our modules fails during the import of a patched module, the patched module is
        unchanged.
        """
        inherit()
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.basic", None)
        module: Any = importlib.import_module("twisted.protocols.ftp")
        assert "twisted_basic_ng.basic" in self.said(capsys)
        assert module.DTP is not ftp.DTP

    def test_gotFar(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """If our module fails after it was put at Twisted's name, it is removed there."""
        inherit()

        def fail(name: str) -> ModuleType:
            place(NAME, basic)
            raise ImportError("so late")

        monkeypatch.setattr(swap, "_import", fail)
        module: Any = importlib.import_module(NAME)
        assert self.said(capsys) == "so late"
        assert (module is basic, module.__name__, sys.modules[NAME] is module) == (False, NAME, True)

    def test_patchedBefore(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """If our part of an already imported module cannot be imported, nothing is swapped."""
        module: Any = importlib.import_module("twisted.protocols.ftp")
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.ftp", None)
        monkeypatch.setattr(inuse, "usersOfModule", lambda stock: [])  # the FTP module uses its own classes
        swap.installIfPossible()
        assert "twisted_basic_ng.ftp" in self.said(capsys)
        assert (swap.isInstalled(), module.DTP is ftp.DTP) == (False, False)

    def test_manyUsers(
        self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """If many modules use the classes, the line names three of them."""
        for name in ("a", "b", "c", "d", "e"):
            holder = ModuleType(name)
            holder.it = stock  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, holder)
        swap.installIfPossible()
        assert self.said(capsys).endswith("by a, b, c, others")

    def test_noPlace(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """If Twisted lacks one of the names to replace, none of them is replaced."""
        inherit()
        ours, names = PATCHES["twisted.protocols.ftp"]
        monkeypatch.setitem(PATCHES, "twisted.protocols.ftp", (ours, {**names, "NoSuchClass.name": "DTP"}))
        module: Any = importlib.import_module("twisted.protocols.ftp")
        assert "NoSuchClass" in self.said(capsys)
        assert module.DTP is not ftp.DTP

    @pytest.mark.parametrize("name", [*SWAPS, *PATCHES])
    def test_oldTwisted(self, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """If Twisted is too old, all its own modules are found."""
        inherit()
        monkeypatch.setattr(twisted, "__version__", "21.2.0")
        assert importlib.import_module(name).__name__ == name
        assert "21.2.0" in self.said(capsys)
        assert importlib.import_module(NAME) is not basic
        assert capsys.readouterr() == ("", "")


class TestWarn:
    """Tests for L{swap.warn}, which prints one line once."""

    def test_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        """
        Only the first line of the reason is printed, and nothing more in this process and its
        children.
        """
        swap.warn("a\nb")
        swap.warn("c")
        assert capsys.readouterr() == ("", "twisted_basic_ng: not swapped: a\n")
        assert os.environ[WARNED] == "1"

    def test_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Standard error may be missing, closed or broken."""
        closed = io.StringIO()
        closed.close()

        class Unread(io.StringIO):
            def write(self, text: str) -> int:
                raise BrokenPipeError

        for stderr in (None, closed, Unread()):
            monkeypatch.setattr(sys, "stderr", stderr)
            os.environ.pop(WARNED, None)
            swap.warn("a")


class TestUninstall:
    """L{uninstall} restores imports of Twisted's own modules."""

    def test_imported(self) -> None:
        """The attribute of the package refers to Twisted's own module again."""
        install()
        importlib.import_module(NAME)
        uninstall()
        assert twisted.protocols.basic is sys.modules[NAME]  # type: ignore[attr-defined]
        assert twisted.protocols.basic.LineReceiver.__module__ == NAME  # type: ignore[attr-defined]

    @pytest.mark.parametrize("before", [(), (NAME,), ("twisted.protocols.amp", NAME)])
    def test_together(self, before: tuple[str, ...]) -> None:
        """Twisted's modules, which import each other, use each other again."""
        for name in before:
            importlib.import_module(name)
        install()
        for name in SWAPS:
            importlib.import_module(name)
        uninstall()
        amp = sys.modules["twisted.protocols.amp"]
        assert amp.BinaryBoxProtocol.__mro__[2] is sys.modules[NAME].Int16StringReceiver  # type: ignore[attr-defined]
        assert [sys.modules[name].__name__ for name in SWAPS] == list(SWAPS)

    def test_metaclass(self) -> None:
        """A subclass of one of Twisted's metaclasses counts as a use."""
        amp = importlib.import_module("twisted.protocols.amp")
        heir = type("Heir", (type(amp.Command),), {"__module__": "some.module"})
        with pytest.raises(AlreadyInUseError) as caught:
            install()
        assert caught.value.modules == (heir.__module__,)

    def test_notImported(self) -> None:
        """L{uninstall} does nothing without an import, or without an install."""
        install()
        uninstall()
        uninstall()
        assert not swap.isInstalled()
