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
    """Have the modules imported by nobody."""
    for name in (*SWAPS, *PATCHES):
        sys.modules.pop(name, None)
        vars(twisted.protocols).pop(name.rpartition(".")[2], None)


@pytest.fixture(autouse=True)
def noSwap(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Each test begins in a process that has not imported the modules, and leaves this one as it was."""
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
    """Begin a process that inherits the swap, and has imported neither module so far."""
    swap.installIfPossible()
    forget()


@pytest.fixture
def stock() -> ModuleType:
    """Twisted's own module, just imported: nobody has built anything on it."""
    return importlib.import_module(NAME)


class TestInstall:
    """L{install} answers imports with ours."""

    def test_lazy(self) -> None:
        """Nothing is imported before it is asked for."""
        program = "import sys, twisted_basic_ng as ng; ng.install(); print('twisted' in sys.modules)"
        assert python("-c", program).stdout == "False\n"

    def test_placed(self) -> None:
        """What was imported under our name is found under Twisted's at once: its classes say that they are there."""
        install()
        assert sys.modules[NAME] is basic
        assert twisted.protocols.basic is basic
        assert sys.modules[basic.LineReceiver.__module__].__dict__["LineReceiver"] is basic.LineReceiver

    def test_import(self) -> None:
        """Every way to import finds ours, which keeps its own name and spec."""
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
        """What names the module in a pickle is found in ours."""
        install()
        assert pickle.loads(b"ctwisted.protocols.basic\nLineReceiver\n.") is basic.LineReceiver

    def test_failing(self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where ours cannot be imported, nothing is changed."""
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.basic", None)
        with pytest.raises(ImportError):
            install()
        assert not swap.isInstalled()
        assert sys.modules[NAME] is stock
        assert basic.LineReceiver.__module__ == "twisted_basic_ng.basic"

    def test_others(self) -> None:
        """Other imports are none of its business."""
        install()
        assert swap._finder.find_spec("twisted.protocols.wire") is None

    def test_importedBefore(self, stock: ModuleType) -> None:
        """A module that nobody uses yet steps aside, and comes back."""
        install()
        assert sys.modules[NAME] is basic
        assert twisted.protocols.basic is basic
        uninstall()
        assert sys.modules[NAME] is stock
        assert twisted.protocols.basic is stock


class TestExtended:
    """L{install} can switch on the features of AMP that Twisted's has not."""

    def test_install(self) -> None:
        """It does so once it is asked to, also after the swap, and not for one who does not ask."""
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
        """A swap that fails changes nothing."""
        from twisted_basic_ng import amp

        monkeypatch.setattr(os, "path_of_a_test", stock, raising=False)
        with pytest.raises(AlreadyInUseError):
            install(extended=True)
        assert not amp.AMP.extended


class TestPatches:
    """Of some of Twisted's modules a few names are replaced, and the rest stays."""

    FTP = "twisted.protocols.ftp"

    def test_import(self) -> None:
        """Twisted's module is loaded as ever, and has our names."""
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
        """Its own names come back."""
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
        """A module that a program has removed meanwhile is none of our business."""
        install()
        importlib.import_module(self.FTP)
        del sys.modules[self.FTP]
        uninstall()
        assert not swap.isInstalled()

    def test_importedBefore(self) -> None:
        """One that was built on ours before gets them again."""
        install()
        module: Any = importlib.import_module(self.FTP)
        uninstall()
        sys.modules.pop(NAME)
        install()
        assert module.DTP is ftp.DTP

    def test_tooLate(self) -> None:
        """It is too late when somebody holds what is to be replaced, or has built on it."""
        install()
        module: Any = importlib.import_module(self.FTP)
        uninstall()
        sys.modules.pop(NAME)
        heir = type("Heir", (module.DTP,), {"__module__": "some.server"})
        with pytest.raises(AlreadyInUseError) as caught:
            install()
        assert caught.value.modules == (heir.__module__,)

    def test_notThere(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where nobody finds Twisted's module, there is nothing to put names into."""
        monkeypatch.setattr(sys, "meta_path", [swap._finder])
        assert swap._finder.find_spec(self.FTP) is None


class TestTooLate:
    """It is an error to install when Twisted's own classes are in use."""

    def test_heldModule(self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """Modules that hold the module or a class of it are named, and nothing is changed."""
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
        """So are the modules of classes that were built on one, and on those."""
        heir = type("Heir", (stock.LineReceiver,), {"__module__": "builds.on"})
        grandchild = type("Grandchild", (heir,), {"__module__": "builds.further"})
        with pytest.raises(AlreadyInUseError) as caught:
            install()
        assert caught.value.modules == ("builds.further", "builds.on")
        assert grandchild.__base__ is heir

    def test_pickles(self) -> None:
        """The error survives a trip to another process."""
        copy = pickle.loads(pickle.dumps(AlreadyInUseError(["b", "a"])))
        assert copy.modules == ("a", "b")
        assert isinstance(copy, RuntimeError)

    def test_realProgram(self) -> None:
        """A program that has imported Twisted's mail server first is told so."""
        ended = python("-c", "import twisted.mail.smtp, twisted_basic_ng as ng; ng.install()")
        assert ended.returncode == 1
        assert "AlreadyInUseError" in ended.stderr
        assert "twisted.mail.smtp" in ended.stderr


class TestOldTwisted:
    """A Twisted that ours cannot stand in for is an error for those who ask for the swap."""

    @pytest.fixture(autouse=True)
    def old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(twisted, "__version__", "22.9.0")

    @pytest.mark.parametrize("name", [*SWAPS, *PATCHES])
    def test_import(self, name: str) -> None:
        """It is told when a module is asked for."""
        with pytest.MonkeyPatch.context() as before:
            before.delitem(sys.modules, "twisted")  # nobody has imported it so far
            install()
        forget()  # nor has anybody imported ours
        with pytest.raises(TwistedTooOldError, match=r"Twisted 22\.9\.0 is too old: .* 22\.10 or later"):
            importlib.import_module(name)

    def test_importedBefore(self, stock: ModuleType) -> None:
        """It is told at once where that is imported already, and nothing is changed."""
        with pytest.raises(TwistedTooOldError):
            install()
        assert (sys.modules[NAME], swap.isInstalled()) == (stock, False)

    @pytest.mark.parametrize("version", ["22.10.0rc1", "23.8.0", "26.10.0.dev0", "unknown", ""])
    def test_others(self, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """Others are none, be they released or not."""
        monkeypatch.setattr(twisted, "__version__", version)
        install()
        assert importlib.import_module(NAME) is basic

    def test_metadata(self) -> None:
        """The oldest one that is taken is the one that pip is told."""
        setup = Path(__file__).parents[2].joinpath("setup.cfg").read_text(encoding="utf-8")
        assert f"twisted >= {'.'.join(map(str, swap._OLDEST))}\n" in setup


class TestInstallIfPossible:
    """L{swap.installIfPossible} lets a process run on what it has, and says so in a line."""

    def said(self, capsys: pytest.CaptureFixture[str]) -> str:
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        before, _, reason = err.strip().partition(": not swapped: ")
        assert before == "twisted_basic_ng"
        return reason

    def test_possible(self, capsys: pytest.CaptureFixture[str]) -> None:
        """Where nothing is in the way it is L{install}."""
        swap.installIfPossible()
        assert importlib.import_module(NAME) is basic
        assert capsys.readouterr() == ("", "")

    def test_inUse(
        self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Classes are in use: that is told without the advice for programs that ask."""
        holder = ModuleType("some.holder")
        holder.it = stock  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "some.holder", holder)
        swap.installIfPossible()
        assert self.said(capsys) == "Twisted's own classes are in use already, by some.holder"
        assert sys.modules[NAME] is stock

    def test_importedBefore(
        self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Ours cannot be imported, and are needed at once."""
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.basic", None)
        swap.installIfPossible()
        assert "twisted_basic_ng.basic" in self.said(capsys)
        assert (sys.modules[NAME], swap.isInstalled()) == (stock, False)

    def test_import(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Ours cannot be imported, later: the program gets Twisted's own, as if nobody had been between."""
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
        """What we would put into Twisted's module cannot be imported: the module stays as it is."""
        inherit()
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.ftp", None)
        module: Any = importlib.import_module("twisted.protocols.ftp")
        assert "twisted_basic_ng.ftp" in self.said(capsys)
        assert module.DTP is not ftp.DTP

    def test_oneForAll(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A module that has given way while another one is imported leaves that as it is, too."""
        inherit()
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.basic", None)
        module: Any = importlib.import_module("twisted.protocols.ftp")
        assert "twisted_basic_ng.basic" in self.said(capsys)
        assert module.DTP is not ftp.DTP

    def test_gotFar(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Ours fails when it stands at Twisted's name already."""
        inherit()

        def fail(name: str) -> ModuleType:
            place(NAME, basic)
            raise ImportError("so late")

        monkeypatch.setattr(swap, "_import", fail)
        module: Any = importlib.import_module(NAME)
        assert self.said(capsys) == "so late"
        assert (module is basic, module.__name__, sys.modules[NAME] is module) == (False, NAME, True)

    def test_patchedBefore(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """What we would put into a module that is imported already cannot be imported: nothing is swapped."""
        module: Any = importlib.import_module("twisted.protocols.ftp")
        monkeypatch.setitem(sys.modules, "twisted_basic_ng.ftp", None)
        monkeypatch.setattr(inuse, "usersOfModule", lambda stock: [])  # the FTP module holds them
        swap.installIfPossible()
        assert "twisted_basic_ng.ftp" in self.said(capsys)
        assert (swap.isInstalled(), module.DTP is ftp.DTP) == (False, False)

    def test_manyUsers(
        self, stock: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Three of those who use the classes are named."""
        for name in ("a", "b", "c", "d", "e"):
            holder = ModuleType(name)
            holder.it = stock  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, name, holder)
        swap.installIfPossible()
        assert self.said(capsys).endswith("by a, b, c, others")

    def test_noPlace(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A Twisted without one of the names has none of them replaced."""
        inherit()
        ours, names = PATCHES["twisted.protocols.ftp"]
        monkeypatch.setitem(PATCHES, "twisted.protocols.ftp", (ours, {**names, "NoSuchClass.name": "DTP"}))
        module: Any = importlib.import_module("twisted.protocols.ftp")
        assert "NoSuchClass" in self.said(capsys)
        assert module.DTP is not ftp.DTP

    @pytest.mark.parametrize("name", [*SWAPS, *PATCHES])
    def test_oldTwisted(self, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """Twisted is too old: its own modules are found, all of them."""
        inherit()
        monkeypatch.setattr(twisted, "__version__", "21.2.0")
        assert importlib.import_module(name).__name__ == name
        assert "21.2.0" in self.said(capsys)
        assert importlib.import_module(NAME) is not basic
        assert capsys.readouterr() == ("", "")


class TestWarn:
    """L{swap.warn} says a line, once."""

    def test_once(self, capsys: pytest.CaptureFixture[str]) -> None:
        """One line, whatever the reason; and no more in this process and those that inherit its environment."""
        swap.warn("a\nb")
        swap.warn("c")
        assert capsys.readouterr() == ("", "twisted_basic_ng: not swapped: a\n")
        assert os.environ[WARNED] == "1"

    def test_nobody(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """There may be no standard error, it may be closed, or nobody may read it."""
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
    """L{uninstall} lets imports find Twisted's own again."""

    def test_imported(self) -> None:
        """Who holds the package finds Twisted's own module in it, in the place of ours."""
        install()
        importlib.import_module(NAME)
        uninstall()
        assert twisted.protocols.basic is sys.modules[NAME]  # type: ignore[attr-defined]
        assert twisted.protocols.basic.LineReceiver.__module__ == NAME  # type: ignore[attr-defined]

    @pytest.mark.parametrize("before", [(), (NAME,), ("twisted.protocols.amp", NAME)])
    def test_together(self, before: tuple[str, ...]) -> None:
        """Twisted's modules, which import each other, are built on Twisted's own again."""
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
        """Who has built a metaclass on one of Twisted's is found, too."""
        amp = importlib.import_module("twisted.protocols.amp")
        heir = type("Heir", (type(amp.Command),), {"__module__": "some.module"})
        with pytest.raises(AlreadyInUseError) as caught:
            install()
        assert caught.value.modules == (heir.__module__,)

    def test_notImported(self) -> None:
        """Without an import meanwhile there is nothing to forget; without an install, nothing to do."""
        install()
        uninstall()
        uninstall()
        assert not swap.isInstalled()
