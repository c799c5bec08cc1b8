"""
Tests that an application's class beside one of ours is called in the same cases as beside
Twisted's.
"""

from __future__ import annotations

import pickle
from types import ModuleType
from typing import Any

import pytest

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng import amp, basic, ftp

from .cooperation import Cooperation
from .test_basic import OWN_PARSER, PARSER

MODULES = {"amp": amp, "basic": basic, "ftp": ftp}

#: What hides an attribute of a sibling class, and why that is acceptable.
HIDING = {
    "amp": {},
    "basic": dict.fromkeys(
        [f"_RecvdCompatHack.{name}" for name in ("__delete__", "__set__", "__set_name__")],
        "a private descriptor, which nobody combines with another one",
    ),
    "ftp": {},
}

#: What lets a sibling's attribute show through, and why that is acceptable.
SHOWING = {
    "amp": {},
    "basic": dict.fromkeys(PARSER, OWN_PARSER),
    "ftp": {},
}


@pytest.mark.parametrize("name", MODULES)
class TestModules:
    """The modules' methods call the next class in the same cases as Twisted's."""

    def test_hiding(self, name: str) -> None:
        """A method that only our class has calls the next class."""
        assert Cooperation(loadStock(name), MODULES[name]).hiding() == sorted(HIDING[name])

    def test_showing(self, name: str) -> None:
        """Our class defines everything that Twisted's class defines."""
        assert Cooperation(loadStock(name), MODULES[name]).showing() == sorted(SHOWING[name])

    def test_differing(self, name: str) -> None:
        """A method that both define calls the next class in both, or in neither."""
        assert Cooperation(loadStock(name), MODULES[name]).differing() == []


class TestComparison:
    """Tests for the comparison itself."""

    def modules(self, theirs: dict[str, Any], own: dict[str, Any], base: dict[str, Any]) -> Cooperation:
        """Make two modules with a class C{Kind} each.  Ours has a private base class."""
        stock, ours = ModuleType("stock"), ModuleType("ours")
        stock.Kind = type("Kind", (Protocol,), {"__module__": "stock", **theirs})  # type: ignore[attr-defined]
        private = type("Private", (Protocol,), {"__module__": "ours", **base})
        ours.Kind = type("Kind", (private,), {"__module__": "ours", **own})  # type: ignore[attr-defined]
        return Cooperation(stock, ours)

    def test_hiding(self) -> None:
        """
        Methods, special methods and values are found, on the class or its private base, unless they
        call C{super}.
        """
        assert self.modules({}, {"connectionLost": _ends}, {}).hiding() == ["Kind.connectionLost"]
        assert self.modules({}, {}, {"__getattr__": _ends}).hiding() == ["Kind.__getattr__"]
        assert self.modules({}, {}, {"factory": None}).hiding() == ["Kind.factory"]
        assert self.modules({}, {"__repr__": classmethod(_ends)}, {}).hiding() == ["Kind.__repr__"]
        passing = _Passes.connectionLost
        assert self.modules({}, {"connectionLost": passing}, {}).hiding() == []
        assert self.modules({}, {"connectionLost": passing}, {"connectionLost": _ends}).hiding() == [
            "Kind.connectionLost"
        ]
        assert self.modules({"connectionLost": _ends}, {"connectionLost": _ends}, {}).hiding() == []
        assert self.modules({}, {"newOption": 1, "_private": 2}, {}).hiding() == []

    def test_showing(self) -> None:
        """An attribute that our class does not define is found."""
        assert self.modules({"connectionLost": _ends}, {}, {}).showing() == ["Kind.connectionLost"]
        assert self.modules({"connectionLost": _ends}, {}, {"connectionLost": _ends}).showing() == []

    def test_differing(self) -> None:
        """A difference is found in either direction."""
        ends, passes = {"connectionLost": _ends}, {"connectionLost": _Passes.connectionLost}
        for theirs, own, base, expected in (
            (ends, passes, {}, ["Kind.connectionLost"]),
            (passes, ends, {}, ["Kind.connectionLost"]),
            (passes, passes, ends, ["Kind.connectionLost"]),
            (ends, ends, {}, []),
            (passes, passes, passes, []),
            (ends, {}, {}, []),
        ):
            assert self.modules(theirs, own, base).differing() == expected


def _ends(*args: object) -> None:
    """Call no other class."""


class _Passes(Protocol):
    """Calls the next class."""

    def connectionLost(self, reason: Any = None) -> None:
        super().connectionLost(reason)


def session(calls: list[str]) -> Any:
    """Make an application's class that records its calls."""

    class Session(Protocol):
        def makeConnection(self, transport: Any) -> None:
            calls.append("makeConnection")
            super().makeConnection(transport)

        def connectionMade(self) -> None:
            calls.append("connectionMade")

        def dataReceived(self, data: bytes) -> None:
            calls.append("dataReceived")

        def connectionLost(self, reason: Any = None) -> None:
            calls.append("connectionLost")

        def logPrefix(self) -> str:
            calls.append("logPrefix")
            return "session"

        def pauseProducing(self) -> None:
            calls.append("pauseProducing")

        def resumeProducing(self) -> None:
            calls.append("resumeProducing")

        def stopProducing(self) -> None:
            calls.append("stopProducing")

        def fileDescriptorReceived(self, descriptor: int) -> None:
            calls.append("fileDescriptorReceived")

        def __init_subclass__(cls, **kwargs: Any) -> None:
            calls.append("__init_subclass__")

    return Session


class _Boxes:
    """A box receiver."""

    def startReceivingBoxes(self, sender: object) -> None:
        pass

    def ampBoxReceived(self, box: object) -> None:
        pass

    def stopReceivingBoxes(self, reason: object) -> None:
        pass


#: Each protocol with its module and its constructor's arguments.
PROTOCOLS = {
    "AMP": ("amp", ()),
    "BinaryBoxProtocol": ("amp", (_Boxes(),)),
    "DTP": ("ftp", ()),
    "Int8StringReceiver": ("basic", ()),
    "Int16StringReceiver": ("basic", ()),
    "Int32StringReceiver": ("basic", ()),
    "LineOnlyReceiver": ("basic", ()),
    "LineReceiver": ("basic", ()),
    "NetstringReceiver": ("basic", ()),
}


class TestBeside:
    """Tests that the application's class is called in the same cases as beside Twisted's."""

    def calls(self, module: Any, name: str) -> list[str]:
        """Make, use and lose a connection.  Return the calls of the application's class."""
        calls: list[str] = []
        second = session(calls)

        class Both(getattr(module, name), second):  # type: ignore[misc]
            pass

        both = Both(*PROTOCOLS[name][1])
        if name == "DTP":
            both.factory = module.DTPFactory(both, None, object())
        both.makeConnection(RecordingTransport())
        both.dataReceived(b"")
        both.logPrefix()
        for method in ("pauseProducing", "resumeProducing", "stopProducing"):
            getattr(both, method)()
        both.connectionLost(Failure(ConnectionDone()))
        return calls

    @pytest.mark.parametrize("name", PROTOCOLS)
    def test_session(self, name: str) -> None:
        """A second protocol class is called as with Twisted."""
        module = PROTOCOLS[name][0]
        assert self.calls(MODULES[module], name) == self.calls(loadStock(module), name)

    def test_factory(self) -> None:
        """A factory class beside C{DTPFactory} is called as with Twisted."""
        for module in (loadStock("ftp"), ftp):
            calls: list[str] = []

            class Counting(ClientFactory):
                def doStop(self) -> None:
                    calls.append("doStop")  # noqa: B023

                def stopFactory(self) -> None:
                    calls.append("stopFactory")  # noqa: B023

            class Both(module.DTPFactory, Counting):  # type: ignore[misc, name-defined]
                pass

            factory = Both(None, None, object())
            factory.stopFactory()
            factory.doStop()
            assert calls == ["doStop"]

    @pytest.mark.parametrize("module", [loadStock("amp"), amp], ids=["stock", "ours"])
    def test_argument(self, module: Any) -> None:
        """
        An argument type beside C{ListOf} or C{AmpList} is used as in Twisted, and its constructor
        is not called.
        """

        class Marked(module.Argument):  # type: ignore[misc]
            def __init__(self, mark: str) -> None:
                raise AssertionError(mark)

            def fromStringProto(self, inString: bytes, proto: object) -> Any:
                return "read"

            def toStringProto(self, inObject: object, proto: object) -> bytes:
                return b"written"

        class Both(module.ListOf, Marked):  # type: ignore[misc]
            pass

        class Boxes(module.AmpList, Marked):  # type: ignore[misc]
            pass

        both = Both(module.Integer())
        assert (both.fromStringProto(b"", None), both.toStringProto([], None)) == ("read", b"written")
        assert Boxes([(b"a", module.Integer())]).fromStringProto(b"", None) == []

    @pytest.mark.parametrize("module", [loadStock("amp"), amp], ids=["stock", "ours"])
    def test_error(self, module: Any) -> None:
        """
        An exception class beside an AMP error provides its text and its pickle, and its constructor
        is not called.
        """

        class Both(module.TooLong, _Described):  # type: ignore[misc]
            pass

        class Local(module.BadLocalReturn, _Described):  # type: ignore[misc]
            pass

        both = Both(True, True, b"key")
        assert str(both) == "described"
        assert pickle.loads(pickle.dumps(both)) == "unpickled"
        assert Local("message", Failure(ValueError())).message == "message"

    @pytest.mark.parametrize("module", [loadStock("amp"), amp], ids=["stock", "ours"])
    def test_command(self, module: Any) -> None:
        """
        A command class beside C{ProtocolSwitchCommand} is called, and beside C{StartTLS} it is not.
        """
        calls: list[str] = []

        class Counted(module.Command):  # type: ignore[misc]
            def __init__(self, **kw: object) -> None:
                calls.append("init")
                super().__init__(**kw)

            def _doCommand(self, proto: object) -> Any:
                calls.append("do")
                return super()._doCommand(proto)

        class Switch(module.ProtocolSwitchCommand, Counted):  # type: ignore[misc]
            pass

        class Start(module.StartTLS, Counted):  # type: ignore[misc]
            pass

        for command, arguments, expected in ((Switch, (None,), ["init", "do"]), (Start, (), [])):
            if command is Start:
                pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
            calls.clear()
            protocol = module.AMP()
            RecordingTransport().connect(protocol)
            protocol.callRemote(command, *arguments).addErrback(lambda failure: None)
            assert calls == expected


class _Described(Exception):
    """An application's exception."""

    def __init__(self) -> None:
        raise AssertionError

    def __str__(self) -> str:
        return "described"

    def __reduce__(self) -> tuple[Any, ...]:
        return str, ("unpickled",)
