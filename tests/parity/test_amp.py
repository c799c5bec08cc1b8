"""
Tests that Twisted's C{amp} and ours have the same names, with the same signatures, values, bases
and interfaces.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from twisted.python.failure import Failure

from tests.helpers import loadStock
from tests.parity.comparison import Comparison
from twisted_basic_ng import amp as ours

stock = loadStock("amp")
comparison = Comparison(stock, ours)

#: The accepted differences, with their reasons.
ACCEPTED = {
    "AMP bases": "those of BinaryBoxProtocol and BoxDispatcher",
    "BinaryBoxProtocol bases": "StringReader and BoxReader read, BoxWriter writes; Receiver is every receiver's base",
    "BoxDispatcher bases": "Caller has its calling half",
    "IntNStringReceiver.recvd": "a descriptor, here as there; it has no value on the class",
    "_ParserHelper.parse": "it takes strict, too",
    "_ParserHelper.parseString": "it takes strict, too",
}

#: The attributes that only our classes have.  Each is a documented option.
ADDED = {
    "AMP.logConnections": "an option, as in Twisted by default",
    "BinaryBoxProtocol.acceptsStartTLS": "an option, as in Twisted by default",
    "BinaryBoxProtocol.plaintextAfterRefusedTLS": "an option",
    "BinaryBoxProtocol.unhandledErrorsAreFatal": "an option, as in Twisted by default",
    "BoxWriter.KEEPALIVE_INTERVAL": "what goes beyond Twisted's",
    "BoxWriter.KEEPALIVE_TIME": "what goes beyond Twisted's",
    "BoxWriter.MAX_WAITING_BYTES": "a bound on what a peer may have kept",
    "BoxWriter.extended": "switches on what goes beyond Twisted's",
    "BoxDispatcher.describes": "an option",
    "Caller.callRemoteWithin": "what goes beyond Twisted's",
    "Caller.extended": "switches on what goes beyond Twisted's",
    "Caller.leave": "what goes beyond Twisted's",
    "Caller.peerLeaves": "what goes beyond Twisted's",
    "BoxDispatcher.unknownErrorsAreFatal": "an option, as in Twisted by default",
    "StringReader.MAX_BOX_KEYS": "a bound on what a peer may send",
    "StringReader.MAX_BOX_LENGTH": "a bound on what a peer may send",
    "CommandLocator.overriddenResponders": "an option, as in Twisted by default",
    "BoxWriter.MAX_STREAMS": "a bound on what a peer may send",
    "BoxWriter.MAX_STREAM_BYTES": "a bound on what a peer may send",
    "BoxWriter.STREAM_WINDOW": "a bound on what a peer may send",
    "BoxWriter.MAX_UNSENT_BYTES": "an option against overload",
    "BoxDispatcher.MAX_ASKS_IN_PROGRESS": "an option against overload",
    "Receiver.MAX_MESSAGE_TIME": "an option against overload",
    "_DescriptorExchanger.MAX_PENDING_DESCRIPTORS": "a bound on what a peer may send",
}

#: Imported names that refer to something else here.
INCIDENTAL = {
    "Callable": "that of collections.abc, as Python recommends",
    "PYTHON_KEYWORDS": "the same words in another order",
}

#: Errors that Twisted does not have, each a subclass of Twisted's error in the same place; a base
#: class for commands; and features beyond Twisted's.
NEW = {
    "BoxTooLargeError",
    "CurrentCall",
    "DeadlineError",
    "Describe",
    "ElementTooLongError",
    "ForgedAnswerError",
    "ItemReader",
    "KeyTooLongError",
    "LeavingError",
    "MissingFeatureError",
    "MissingKeyError",
    "OneWayCommand",
    "SilentPeerError",
    "Stream",
    "StreamBusyError",
    "StreamError",
    "StreamOf",
    "StreamOverflowError",
    "StreamPipe",
    "StreamReader",
    "StreamSender",
    "StreamStoppedError",
    "StreamTooLongError",
    "StreamViolationError",
    "StreamsUnsupportedError",
    "TooManyAnswersError",
    "TooManyDescriptorsError",
    "TooManyStreamsError",
    "TruncatedBoxError",
    "UnfinishedBoxError",
    "UnknownTagError",
    "currentCall",
}


#: The new names that are not errors.
NO_ERRORS = {
    *("CurrentCall", "Describe", "OneWayCommand", "currentCall"),
    *("ItemReader", "Stream", "StreamOf", "StreamPipe", "StreamReader", "StreamSender"),
}


class TestNames:
    """Tests that only the accepted differences exist."""

    def test_names(self) -> None:
        """Every name of Twisted's module can be imported from ours."""
        assert comparison.missing() == []

    def test_incidental(self) -> None:
        """Imported modules and functions are the same objects, and constants are equal."""
        assert sorted(comparison.incidental()) == sorted(INCIDENTAL)
        assert sorted(ours.PYTHON_KEYWORDS) == sorted(stock.PYTHON_KEYWORDS)

    def test_all(self) -> None:
        """C{__all__} has Twisted's names, C{DateTime}, which Twisted forgets, and the new names."""
        assert set(ours.__all__) == {*stock.__all__, "DateTime", *NEW}
        assert len(ours.__all__) == len(set(ours.__all__))

    def test_differences(self) -> None:
        """The differences are exactly the accepted ones."""
        assert comparison.differences() == sorted(ACCEPTED)

    def test_parsing(self) -> None:
        """The additional parameters of the parsing functions are optional."""
        for name in ("parse", "parseString"):
            assert isinstance(getattr(ours, name)(_Reader() if name == "parse" else b""), list)

    def test_bases(self) -> None:
        """Every class has Twisted's bases, in the same order."""
        assert comparison.lostBases() == []

    def test_additions(self) -> None:
        """The only new public attributes are the listed options."""
        assert comparison.additions() == sorted(ADDED)

    def test_metaclasses(self) -> None:
        """The metaclasses have the same names, for applications that combine them."""
        for name in comparison.classes:
            assert type(getattr(ours, name)).__name__ == type(getattr(stock, name)).__name__

    @pytest.mark.parametrize("name", [each for each in comparison.classes if "slots" not in each])
    def test_room(self, name: str) -> None:
        """Instances have a C{__dict__} if Twisted's have one."""
        theirs, own = getattr(stock, name), getattr(ours, name)
        assert bool(theirs.__dictoffset__) <= bool(own.__dictoffset__)


class _Reader:
    def read(self, *size: int) -> bytes:
        return b""


def _failure(amp: ModuleType) -> Failure:
    return Failure(amp.UnhandledCommand("why"))


#: Objects to compare, by description.
OBJECTS: dict[str, Callable[[Any], Any]] = {
    "box": lambda amp: amp.AmpBox({b"b": b"2", b"a": b"1"}),
    "box of names": lambda amp: amp.AmpBox({"b": b"2"}, a=b"1"),
    "empty box": lambda amp: amp.Box(),
    "copied box": lambda amp: amp.AmpBox(a=b"1").copy(),
    "quit box": lambda amp: amp.QuitBox(a=b"1"),
    "copied quit box": lambda amp: amp.QuitBox(a=b"1").copy(),
    "switch box": lambda amp: amp._SwitchBox("inner", a=b"1"),
    "amp error": lambda amp: amp.AmpError("what", 1),
    "switched": lambda amp: amp.ProtocolSwitched("why"),
    "one TLS": lambda amp: amp.OnlyOneTLS("why"),
    "empty boxes": lambda amp: amp.NoEmptyBoxes({}),
    "signature": lambda amp: amp.InvalidSignature("forgot x"),
    "local key": lambda amp: amp.TooLong(True, True, b"k" * 300),
    "remote key": lambda amp: amp.TooLong(True, False, b"k" * 300, None),
    "value": lambda amp: amp.TooLong(False, True, b"v" * 70000, keyName=b"key"),
    "local return": lambda amp: amp.BadLocalReturn("message", _failure(amp)),
    "remote error": lambda amp: amp.RemoteAmpError(b"CODE\xff", "text"),
    "fatal error": lambda amp: amp.RemoteAmpError(b"CODE", "text", True),
    "error in bytes": lambda amp: amp.RemoteAmpError(b"CODE", b"\xfftext"),
    "error here": lambda amp: amp.RemoteAmpError(b"CODE", "text", local=_failure(amp)),
    "fatal error here": lambda amp: amp.RemoteAmpError(b"CODE", "text", fatal=True, local=_failure(amp)),
    "unknown error": lambda amp: amp.UnknownRemoteError("text"),
    "malformed": lambda amp: amp.MalformedAmpBox("why"),
    "unhandled": lambda amp: amp.UnhandledCommand(b"UNHANDLED", "text"),
    "versions": lambda amp: amp.IncompatibleVersions("1"),
}

#: Errors whose text is empty in Twisted.
OWN_TEXT = {"local key", "remote key", "value"}


def _attributes(value: Any) -> dict[str, Any]:
    return {name: repr(each) if isinstance(each, Failure) else each for name, each in vars(value).items()}


def _withoutModules(text: str) -> str:
    return text.replace(stock.__name__, "M").replace(ours.__name__, "M")


class TestObjects:
    """Tests that boxes and errors look alike."""

    @pytest.mark.parametrize("what", OBJECTS)
    def test_repr(self, what: str) -> None:
        """C{repr} is equal."""
        own, theirs = OBJECTS[what](ours), OBJECTS[what](stock)
        assert _withoutModules(repr(own)) == _withoutModules(repr(theirs))

    @pytest.mark.parametrize("what", OBJECTS)
    def test_str(self, what: str) -> None:
        """C{str} is equal, except for errors whose text is empty in Twisted."""
        own, theirs = OBJECTS[what](ours), OBJECTS[what](stock)
        if what in OWN_TEXT:
            assert str(theirs) == ""
            assert "too long: got" in str(own)
        else:
            assert _withoutModules(str(own)) == _withoutModules(str(theirs))

    @pytest.mark.parametrize("what", [what for what in OBJECTS if "box" not in what or what == "empty boxes"])
    def test_error(self, what: str) -> None:
        """The attributes, arguments and class names are equal."""
        own, theirs = OBJECTS[what](ours), OBJECTS[what](stock)
        assert type(own).__name__ == type(theirs).__name__
        own_, theirs_ = _attributes(own), _attributes(theirs)
        assert {name: _withoutModules(str(each)) for name, each in own_.items()} == {
            name: _withoutModules(str(each)) for name, each in theirs_.items()
        }
        assert _withoutModules(str(own.args)) == _withoutModules(str(theirs.args))

    @pytest.mark.parametrize("what", [what for what in OBJECTS if "box" in what and what != "empty boxes"])
    def test_box(self, what: str) -> None:
        """The contents, bytes and types are equal."""
        own, theirs = OBJECTS[what](ours), OBJECTS[what](stock)
        assert (type(own).__name__, dict(own), own.serialize()) == (
            type(theirs).__name__,
            dict(theirs),
            theirs.serialize(),
        )

    def test_keyThatNeverCame(self) -> None:
        """A key that never arrived has equal attributes, and a C{repr}, which fails in Twisted."""
        own, theirs = ours.TooLong(True, False, None, None), stock.TooLong(True, False, None, None)
        assert vars(own) == vars(theirs)
        with pytest.raises(TypeError):
            repr(theirs)
        assert repr(own) == "remote key too long: unknown length"

    def test_pickle(self) -> None:
        """All our errors can be pickled.  Some of Twisted's cannot."""
        for what in ("value", "remote error", "unknown error"):
            error = OBJECTS[what](ours)
            copied = pickle.loads(pickle.dumps(error))
            assert (type(copied), vars(copied), str(copied)) == (type(error), vars(error), str(error))

    def test_newErrors(self) -> None:
        """The new errors can be caught as the errors that Twisted raises in their place."""
        assert issubclass(ours.UnknownTagError, KeyError)
        assert issubclass(ours.KeyTooLongError, AttributeError)
        for name in NEW - NO_ERRORS:
            assert issubclass(getattr(ours, name), ours.AmpError)

    def test_protocolRepr(self) -> None:
        """The C{repr} of a protocol shows its class and its inner protocol."""
        for amp in (ours, stock):
            protocol = amp.AMP()
            address = f"0x{id(protocol):x}"
            assert repr(protocol) == f"<AMP at {address}>"
            protocol.innerProtocol = "inner"
            assert repr(protocol) == f"<AMP inner 'inner' at {address}>"
