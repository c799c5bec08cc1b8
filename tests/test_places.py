"""
Tests for L{twisted_basic_ng._places}; C{tests/live/test_public_names.py} tests other processes.
"""

from __future__ import annotations

import copyreg
import importlib
import inspect
import pickle
import pydoc
import sys
import typing
from collections.abc import Callable, Iterator
from functools import partial
from operator import attrgetter
from types import ModuleType
from typing import Any

import pytest
from zope.interface import Interface, implementedBy, implementer
from zope.interface.interface import InterfaceClass

import twisted_basic_ng
from tests.helpers import loadStock
from tests.processes import python
from twisted_basic_ng import _places, amp, basic, ftp
from twisted_basic_ng._places import Facade, changeOver, homeOf, openFacade, place, public

HERE = __name__


def published() -> dict[str, Any]:
    """Return all public objects of the modules that this package defines, by their full names."""
    found = {}
    for module in (basic, amp, ftp):
        for name in dir(module):
            thing = getattr(module, name)
            isOurs = getattr(thing, "__module__", "").startswith("twisted_basic_ng") and not isinstance(thing, list)
            if isOurs and name not in ("__dir__", "__getattr__", "_openFacade"):
                found[f"{module.__name__}.{name}"] = thing
    return found


THINGS = published()
PACKAGES: list[Any] = [
    twisted_basic_ng.AlreadyInUseError,
    twisted_basic_ng.Status,
    twisted_basic_ng.TwistedTooOldError,
]
CLASSES: dict[str, type] = {name: thing for name, thing in THINGS.items() if isinstance(thing, type)}
FUNCTIONS: dict[str, Any] = {name: thing for name, thing in THINGS.items() if inspect.isroutine(thing)}
INTERFACES: dict[str, Any] = {name: thing for name, thing in THINGS.items() if isinstance(thing, InterfaceClass)}


@pytest.fixture(autouse=True)
def noSwap() -> Iterator[None]:
    """Start each test without a swap, and restore the state after it."""
    before = dict(_places._published)
    yield
    changeOver(False)
    _places._published.clear()
    _places._published.update(before)


def says(thing: Any) -> str:
    """Return the full name that an object claims."""
    return f"{thing.__module__}.{getattr(thing, '__qualname__', '') or thing.__name__}"


def _called(kind: type) -> str:
    """Return the name that C{zope.interface} uses for a class."""
    name: str = implementedBy(kind).__name__  # type: ignore[no-untyped-call]
    return name


class TestPublic:
    """Every public object claims the right name."""

    @pytest.mark.parametrize("name", THINGS)
    def test_here(self, name: str) -> None:
        """Without the swap, an object claims a name in our module by which it can be found."""
        assert THINGS[name].__module__ in {basic.__name__, amp.__name__, ftp.__name__}
        assert attrgetter(says(THINGS[name]).split(".", 2)[2])(sys.modules[THINGS[name].__module__]) == THINGS[name]

    @pytest.mark.parametrize("name", THINGS)
    def test_swapped(self, name: str) -> None:
        """
        Under the swap, an object claims the same name in Twisted's module, except one function,
        which is a method there.
        """
        own = says(THINGS[name])
        changeOver(True)
        twisteds = own.replace("twisted_basic_ng", "twisted.protocols").replace("ftp.encodeName", "ftp.FTP._encodeName")
        assert says(THINGS[name]) == twisteds
        changeOver(False)
        assert says(THINGS[name]) == own

    def test_complete(self) -> None:
        """All kinds of objects are tested."""
        assert {"AMP", "AmpError", "_TLSBox"} <= {each.__name__ for each in CLASSES.values()}
        assert {"_formatNetstring", "_objectsToStrings", "parse"} <= {name.rpartition(".")[2] for name in FUNCTIONS}
        assert len(INTERFACES) == 4
        assert "twisted_basic_ng.amp._T_Callable" in THINGS

    @pytest.mark.parametrize("isSwapped", [False, True])
    def test_later(self, isSwapped: bool) -> None:
        """An object that is defined later claims the name that is right then."""
        changeOver(isSwapped)
        kind = public("amp")(type("Late", (), {}))
        assert kind.__module__ == ("twisted.protocols.amp" if isSwapped else "twisted_basic_ng.amp")

    def test_package(self) -> None:
        """The public objects of the package itself claim the same name under the swap."""
        for name in ("AlreadyInUseError", "Status", "TwistedTooOldError"):
            kind = getattr(twisted_basic_ng, name)
            assert kind in PACKAGES
            changeOver(True)
            assert says(kind) == f"twisted_basic_ng.{name}"

    def test_methods(self) -> None:
        """
        The functions in a class claim the class's module, except those that come from another
        module.
        """

        def method(self: object) -> None: ...

        def elsewhere() -> None: ...

        elsewhere.__module__ = "else.where"
        body = {"m": method, "c": classmethod(partial(method).func), "p": property(lambda self: 1), "e": elsewhere}
        body["s"] = staticmethod(lambda: None)
        kind: Any = public("amp")(type("Kind", (), {"__module__": HERE, **body, "i": int}))
        parts = [kind.m, kind.c.__func__, kind.s, kind.p.fget]
        assert {each.__module__ for each in parts} == {"twisted_basic_ng.amp"}
        assert (elsewhere.__module__, int.__module__) == ("else.where", "builtins")
        changeOver(True)
        assert {each.__module__ for each in parts} == {"twisted.protocols.amp"}

    def test_line(self) -> None:
        """The line number that Python 3.13 keeps in a class is not changed."""
        kind: Any = public("amp")(type("Kind", (), {"__firstlineno__": 7}))
        changeOver(True)
        assert kind.__firstlineno__ == 7

    def test_declared(self) -> None:
        """The name that C{zope.interface} uses follows, whether it was computed before or after."""

        class Things(Interface):
            pass

        kinds = [implementer(Things)(public("amp")(type("One", (), {}))), type("Two", (), {})]
        public("amp")(implementer(Things)(kinds[1]))
        for isSwapped in (False, True):
            changeOver(isSwapped)
            assert [_called(each) for each in kinds] == [*map(says, kinds)]

    def test_home(self) -> None:
        """C{homeOf} returns the defining module of our objects, and C{__module__} of others."""
        assert homeOf(amp.AMP) == "twisted_basic_ng.amp._protocol"
        assert homeOf(TestPublic) == HERE


class TestInterfaces:
    """An interface of C{zope.interface} follows its names."""

    @pytest.mark.parametrize("name", INTERFACES)
    def test_identifier(self, name: str) -> None:
        """Its identifier, its C{repr} and the texts of its methods follow its module."""
        interface = INTERFACES[name]
        for isSwapped in (False, True, False):
            changeOver(isSwapped)
            full = f"{'twisted.protocols' if isSwapped else 'twisted_basic_ng'}.amp.{interface.__name__}"
            assert interface.__identifier__ == full
            assert repr(interface) == f"<InterfaceClass {full}>"
            assert str(interface[next(iter(interface))]).startswith(f"{full}.")

    def test_hash(self) -> None:
        """Its hash never changes.  Under the swap, it equals Twisted's interface."""
        keys = {each: name for name, each in INTERFACES.items()}
        stock = [InterfaceClass(each.__name__, __module__="twisted.protocols.amp") for each in keys]
        for isSwapped in (False, True, False):
            changeOver(isSwapped)
            assert [keys[each] for each in INTERFACES.values()] == [*INTERFACES]
            assert [(each in keys, each in {*keys}) for each in stock] == [(isSwapped, isSwapped)] * 4

    def test_provided(self) -> None:
        """A class that declares an interface always provides it."""
        for isSwapped in (False, True, False):
            changeOver(isSwapped)
            assert amp.IBoxSender.implementedBy(amp.AMP)
            assert amp.IResponderLocator.providedBy(amp.SimpleStringLocator())


class TestMethods:
    """The methods of a private base claim the name of the public class."""

    @pytest.mark.parametrize(
        "name",
        [
            *("BoxDispatcher.callRemote", "BoxDispatcher._sendBoxCommand", "BinaryBoxProtocol.dataReceived"),
            *("BinaryBoxProtocol.proto_key", "BinaryBoxProtocol.sendBox", "BinaryBoxProtocol.connectionLost"),
        ],
    )
    def test_pickled(self, name: str) -> None:
        """They are found under the name they claim, with the swap and without."""
        function = attrgetter(name)(amp)
        for isSwapped, module in ((False, "twisted_basic_ng.amp"), (True, "twisted.protocols.amp")):
            changeOver(isSwapped)
            assert (function.__module__, function.__qualname__) == (module, name)
        changeOver(False)
        assert pickle.loads(pickle.dumps(function)) is function

    def test_others(self) -> None:
        """Functions of other modules in the base are not changed."""

        @_places.publicMethods("amp", "Public")
        class Private:
            parse = pickle.loads
            get = python

            def own(self) -> None: ...

        assert (Private.own.__module__, Private.own.__qualname__) == ("twisted_basic_ng.amp", "Public.own")
        assert python.__module__ == "tests.processes"


class TestSource:
    """The source of each object can be found."""

    @pytest.mark.parametrize("name", CLASSES)
    def test_class(self, name: str) -> None:
        """C{inspect} and C{help} find the source of each class."""
        kind = CLASSES[name]
        assert inspect.getsourcefile(kind) == sys.modules[homeOf(kind)].__file__
        assert f"\nclass {kind.__name__}" in f"\n{inspect.getsource(kind)}"
        assert inspect.getmodule(kind) is sys.modules[kind.__module__]
        assert f"class {kind.__name__}" in pydoc.plain(pydoc.render_doc(kind))
        assert inspect.getdoc(kind)

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_function(self, name: str) -> None:
        """They find the source of each function."""
        function = FUNCTIONS[name]
        assert f"def {inspect.unwrap(function).__code__.co_name}(" in inspect.getsource(function)
        assert pydoc.render_doc(function)

    def test_swapped(self) -> None:
        """
        The source is found under the swap, also in C{twisted.protocols.ftp}, which has Twisted's
        own, too.
        """
        ended = python("-m", "twisted_basic_ng", "run", "-c", SOURCES)
        assert (ended.stdout, ended.stderr) == ("True True True True ftp.py True\n", "")

    def test_package(self) -> None:
        """The source of the package's own public objects is found."""
        assert "class Status:" in inspect.getsource(twisted_basic_ng.Status)
        assert "class AlreadyInUseError(" in inspect.getsource(twisted_basic_ng.AlreadyInUseError)

    @pytest.mark.parametrize("name", CLASSES)
    def test_hints(self, name: str) -> None:
        """The annotations of each class can be evaluated."""
        hints = typing.get_type_hints(CLASSES[name])
        assert not [each for each in hints.values() if isinstance(each, (str, typing.ForwardRef))]

    @pytest.mark.parametrize("name", CLASSES)
    def test_hintsOfMethods(self, name: str) -> None:
        """The annotations of its methods can be evaluated."""
        for function in _places._functions(CLASSES[name]):
            assert not any(isinstance(each, str) for each in typing.get_type_hints(function).values())

    @pytest.mark.parametrize("name", FUNCTIONS)
    def test_hintsOfFunctions(self, name: str) -> None:
        """The annotations of each function can be evaluated."""
        assert not any(isinstance(each, str) for each in typing.get_type_hints(FUNCTIONS[name]).values())

    @pytest.mark.parametrize("name", CLASSES)
    def test_annotations(self, name: str) -> None:
        """C{inspect} evaluates a class's own annotations, which are stored as text."""
        found = inspect.get_annotations(CLASSES[name], eval_str=True)
        assert not [each for each in found.values() if isinstance(each, str)]
        assert {type(each) for each in vars(CLASSES[name]).get("__annotations__", {}).values()} <= {str}


SOURCES = """
import inspect, pathlib
from twisted.protocols import amp, basic, ftp
print(
    "class AMP(" in inspect.getsource(amp.AMP),
    "class LineReceiver(" in inspect.getsource(basic.LineReceiver),
    "class DTP(" in inspect.getsource(ftp.DTP),
    inspect.getsourcefile(ftp.DTP).endswith("dtp.py"),
    pathlib.Path(inspect.getsourcefile(ftp.FTP)).name,
    inspect.getsource(ftp.FTP).startswith("class FTP("),
)
"""


@pytest.fixture
def facade(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module of the class L{Facade}."""
    module = ModuleType("some.facade")
    module.__class__ = Facade
    module.__file__ = "here"
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def getfile(object: object) -> str | None:  # noqa: A002
    """A function with the name of C{inspect.getfile}."""
    return sys.modules[basic.__name__].__file__


class TestFacade:
    """A module tells C{inspect} where its classes are defined, and otherwise behaves as usual."""

    def test_others(self) -> None:
        """Other callers get the module's own file, for any class."""
        assert getfile(basic.LineReceiver) == basic.__spec__.origin == inspect.getfile(basic)

    def test_unknown(self, facade: ModuleType) -> None:
        """C{inspect} gets the module's own file for an unknown class."""
        assert inspect.getfile(type("Kind", (), {"__module__": facade.__name__})) == "here"

    def test_gone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It also gets that file for a class whose own module was removed."""
        monkeypatch.delitem(sys.modules, homeOf(basic.LineReceiver))
        assert inspect.getfile(basic.LineReceiver) == basic.__file__

    def test_names(self, facade: ModuleType) -> None:
        """Other callers find the module's own names."""
        facade.here = 1  # type: ignore[attr-defined]
        assert vars(facade)["here"] == 1
        assert vars(basic)["__name__"] == basic.__name__
        assert "here" in dir(facade)

    def test_noFile(self, facade: ModuleType) -> None:
        """A module without a file has no C{__file__}, as usual."""
        del vars(facade)["__file__"]
        assert not hasattr(facade, "__file__")

    def test_reload(self) -> None:
        """The module can be reloaded."""
        assert importlib.reload(ftp) is ftp
        assert type(ftp) is Facade
        assert ftp.__file__ == ftp.__spec__.origin

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_pickle(self, facade: ModuleType, protocol: int) -> None:
        """The module is pickled by its name, as C{twisted.persisted.styles} pickles modules."""
        assert pickle.loads(pickle.dumps([amp, facade], protocol)) == [amp, facade]
        assert type(amp) not in copyreg.dispatch_table
        changeOver(True)
        assert b"twisted.protocols" in pickle.dumps(amp, 0)

    def test_open(self, facade: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        A module that is loaded under the swap is found at Twisted's name, unless it is a part of
        Twisted's module.
        """
        package = ModuleType("twisted.protocols")
        monkeypatch.setitem(sys.modules, package.__name__, package)
        monkeypatch.setitem(sys.modules, "twisted.protocols.facade", facade)
        del sys.modules["twisted.protocols.facade"]
        openFacade(facade.__name__)
        assert "twisted.protocols.facade" not in sys.modules
        changeOver(True)
        openFacade(facade.__name__, isWhole=False)
        assert "twisted.protocols.facade" not in sys.modules
        openFacade(facade.__name__)
        assert sys.modules["twisted.protocols.facade"] is package.facade is facade

    def test_place(self, facade: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """A module is set on its package, which is imported for that."""
        monkeypatch.setitem(sys.modules, "xml.facade", facade)
        monkeypatch.delitem(sys.modules, "xml", raising=False)
        place("xml.facade", facade)
        assert sys.modules["xml"].facade is facade


class TestStock:
    """The names are those of Twisted's own objects."""

    @pytest.mark.parametrize("where", ["amp", "basic"])
    def test_names(self, where: str) -> None:
        """Each object of Twisted's module claims the same name as ours does under the swap."""
        stock, ours = loadStock(where), {"amp": amp, "basic": basic}[where]
        changeOver(True)
        found: dict[str, tuple[Callable[..., object], Callable[..., object]]] = {}
        for name, thing in vars(stock).items():
            if getattr(thing, "__module__", "") == stock.__name__:
                found[name] = thing, getattr(ours, name)
                own = vars(getattr(ours, name)) if isinstance(thing, type) else {}
                for each in vars(thing) if isinstance(thing, type) else ():
                    if inspect.isfunction(vars(thing)[each]) and inspect.isfunction(own.get(each)):
                        found[f"{name}.{each}"] = vars(thing)[each], own[each]
        assert len(found) > 20
        place_ = f"twisted.protocols.{where}"
        expected = {name: says(thing).replace(stock.__name__, place_) for name, (thing, _) in found.items()}
        assert {name: says(own) for name, (_, own) in found.items()} == expected
