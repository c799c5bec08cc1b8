"""Tests for L{twisted_basic_ng.amp._explain}."""

from __future__ import annotations

import datetime
import decimal
import struct
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from twisted_basic_ng import amp
from twisted_basic_ng._accelerate.steps import noteStep
from twisted_basic_ng.amp import _explain


class OwnError(ValueError):
    """An application's error, with its own text and attributes."""


class Own(amp.Argument):
    """An application's type that raises its own error."""

    def toString(self, inObject: object) -> bytes:
        raise OwnError("own text")

    def fromString(self, inString: bytes) -> object:
        raise OwnError("own text")


class Elsewhere(amp.Integer):
    """An argument whose value comes from the protocol."""

    def retrieve(self, d: Any, name: Any, proto: Any) -> Any:
        return "no number"


class Foreign:
    """An argument type that is not a subclass of ours."""

    def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
        raise TypeError("foreign text")

    def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
        raise ValueError(1, 2)


ROW = [(b"x-y", amp.Integer()), (b"list", amp.ListOf(amp.Integer(), optional=True))]


class Everything(amp.Command):
    """One optional argument of each kind."""

    arguments = [
        (b"rows", amp.AmpList(ROW, optional=True)),
        (b"deep", amp.ListOf(amp.ListOf(amp.AmpList(ROW)), optional=True)),
        (b"text", amp.Unicode(optional=True)),
        (b"numbers", amp.ListOf(amp.Integer(), optional=True)),
        (b"strings", amp.ListOf(amp.String(), optional=True)),
        (b"moment", amp.DateTime(optional=True)),
        (b"amount", amp.Decimal(optional=True)),
        (b"own", Own(optional=True)),
    ]
    response = [(b"total", amp.Integer())]


def ofType(place: str, kind: str, value: str) -> str:
    return f"; argument {place} of Everything is of type {kind}, its value of type {value}"


#: The arguments, the error's type, and the end of its text.
UNWRITABLE: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"rows": [{"x_y": 1}, {"x_y": "x"}]}, TypeError, ofType("rows[1].x_y", "Integer", "str")),
    ({"rows": [{"x_y": 1, "list": [1, "x"]}]}, TypeError, ofType("rows[0].list[1]", "Integer", "str")),
    ({"deep": [[], [[{"x_y": 1}], [{"x_y": "x"}]]]}, TypeError, ofType("deep[1][1][0].x_y", "Integer", "str")),
    ({"rows": [{}]}, KeyError, "'x_y': there is no value for argument rows[0].x_y of Everything"),
    ({"rows": 5}, TypeError, ofType("rows", "AmpList", "int")),
    ({"text": 5}, AttributeError, ofType("text", "Unicode", "int")),
    ({"text": "\ud800"}, UnicodeEncodeError, ofType("text", "Unicode", "str")),
    ({"numbers": (1, "x")}, TypeError, ofType("numbers[1]", "Integer", "str")),
    ({"numbers": iter(["x"])}, TypeError, ofType("numbers", "ListOf", "list_iterator")),
    ({"strings": [b"", b"x" * 65536]}, struct.error, ofType("strings[1]", "String", "bytes")),
    ({"moment": datetime.datetime(2000, 1, 1)}, ValueError, ofType("moment", "DateTime", "datetime")),
    ({"amount": 1.5}, ValueError, ofType("amount", "Decimal", "float")),
    ({"own": 1}, OwnError, "own text"),
]

LACKS = "the box lacks the key"
ASKS = "do both peers have the same version of the command?"

#: The box, the error's type, and the end of its text.
UNREADABLE: list[tuple[dict[str, bytes], type[Exception], str]] = [
    (
        {"numbers": b"\0\x011\0\x01x"},
        ValueError,
        "; the peer sent it as argument numbers[1] of Everything, of type Integer",
    ),
    (
        {"rows": amp.Box({"x-y": b"1"}).serialize() + amp.Box({"x-y": b"2", "list": b"\0\x01x"}).serialize()},
        ValueError,
        "; the peer sent it as argument rows[1].list[0] of Everything, of type Integer",
    ),
    (
        {"rows": amp.Box({"x-y": b"1"}).serialize() + amp.Box(other=b"1").serialize()},
        KeyError,
        f"b'x-y': {LACKS} b'x-y', the argument rows[1].x_y of Everything: {ASKS}",
    ),
    ({"rows": b"\x01\0"}, amp.TooLong, "; the peer sent it as argument rows of Everything, of type AmpList"),
    ({"text": b"\xff"}, UnicodeDecodeError, "; the peer sent it as argument text of Everything, of type Unicode"),
    (
        {"amount": b"x"},
        decimal.InvalidOperation,
        "; the peer sent it as argument amount of Everything, of type Decimal",
    ),
    ({"own": b"x"}, OwnError, "own text"),
]


class TestWriting:
    """The error for a value that cannot be written names its place, at any depth."""

    @pytest.mark.parametrize(("objects", "kind", "end"), UNWRITABLE)
    def test_place(self, objects: dict[str, Any], kind: type[Exception], end: str) -> None:
        """
        The error has Twisted's type and names the place at its end.  No attributes are left on it.
        """
        with pytest.raises(kind) as caught:
            Everything.makeArguments(objects, None)
        assert str(caught.value).endswith(end)
        assert not any("Steps" in name for name in vars(caught.value))

    def test_elsewhere(self) -> None:
        """For a value that is not among the arguments, only the argument's type is named."""

        class Call(amp.Command):
            arguments = [(b"a", Elsewhere())]

        with pytest.raises(TypeError, match=r"argument a of Call is of type Elsewhere$"):
            Call.makeArguments({}, None)

    def test_foreign(self) -> None:
        """A foreign type is named, too.  An error with two arguments is not changed."""

        class Call(amp.Command):
            arguments = [(b"a", Foreign())]

        with pytest.raises(
            TypeError, match="foreign text; argument a of Call is of type Foreign, its value of type int"
        ):
            Call.makeArguments({"a": 1}, None)
        with pytest.raises(ValueError, match=r"^\(1, 2\)$"):
            Call.parseArguments({b"a": b"1"}, None)

    @pytest.mark.parametrize("response", [None, 5, ["total"]])
    def test_noDictionary(self, response: Any) -> None:
        """A response that is not a dictionary raises an error that names the required keys."""
        with pytest.raises((AttributeError, TypeError)) as caught:
            Everything.makeResponse(response, None)
        if not isinstance(response, list):
            end = f"have to be a dictionary (total), not a value of type {type(response).__name__}"
            assert str(caught.value).endswith(f"; the response values of Everything {end}")

    def test_noKeys(self) -> None:
        """A command without response values has the text "no keys"."""
        with pytest.raises(AttributeError, match=r"have to be a dictionary \(no keys\), not a value of type NoneType"):
            amp.Command.makeResponse(None, None)

    def test_noStep(self) -> None:
        """An error that is not about one argument is not changed."""
        error = TypeError("text")
        _explain.explainWriting(error, "argument", Everything, Everything.arguments, {})
        assert str(error) == "text"


class TestReading:
    """The error for a value that cannot be read names its place, at any depth."""

    @pytest.mark.parametrize(("box", "kind", "end"), UNREADABLE)
    def test_place(self, box: dict[str, bytes], kind: type[Exception], end: str) -> None:
        """
        The error has Twisted's type and names the place at its end.  No attributes are left on it.
        """
        with pytest.raises(kind) as caught:
            Everything.parseArguments(amp.AmpBox(box), None)
        assert str(caught.value).endswith(end)
        assert not any("Steps" in name for name in vars(caught.value))

    def test_ownKeyError(self) -> None:
        """A C{KeyError} of an application's type is not mistaken for a missing key."""

        class Choice(amp.Argument):
            def fromString(self, inString: bytes) -> Any:
                return {b"a": 1}[inString]

        with pytest.raises(KeyError) as caught:
            amp._stringsToObjects({b"choice": b"b"}, [(b"choice", Choice())], None)
        assert (type(caught.value), caught.value.args) == (KeyError, (b"b",))

    def test_noCommand(self) -> None:
        """Without a known command, the argument is still named."""
        with pytest.raises(ValueError, match=r"; the peer sent it as argument a, of type Integer$"):
            amp._stringsToObjects({b"a": b"x"}, [(b"a", amp.Integer())], None)

    def test_noStep(self) -> None:
        """An error that is not about one argument is not changed."""
        error = ValueError("text")
        _explain.explainReading(error, "argument", None, [], {})
        assert str(error) == "text"


class TestAddText:
    """A text is added to an error only if nothing else changes."""

    @pytest.mark.parametrize("make", [OwnError, lambda text: TypeError(text, 1), KeyError, OSError])
    def test_others(self, make: Callable[[str], Exception]) -> None:
        """An error of another type, or with more arguments, is not changed."""
        error = make("text")
        before = (error.args, str(error))
        _explain.addText(error, "more")
        assert (error.args, str(error)) == before

    def test_tooLong(self) -> None:
        """
        L{amp.TooLong} has no argument, and shows the text in C{str}; its C{repr} is Twisted's.
        """
        error = amp.TooLong(False, True, b"x" * 70000, b"key")
        shown = repr(error)
        _explain.addText(error, "more")
        assert (str(error)[-6:], repr(error), error.args) == ("; more", shown, ())

    @pytest.mark.parametrize("step", [b"no-such-name", 0])
    def test_unknownPlace(self, step: object) -> None:
        """A step that the schema does not contain raises no second error."""
        error = ValueError("text")
        noteStep(error, step)
        _explain.explainReading(error, "argument", None, [], {})
        assert str(error).startswith("text; the peer sent it as argument ")


class TestPeers:
    """Peers are described with whatever is known."""

    def test_names(self) -> None:
        """The address comes from the protocol, its transport, or the box sender's transport."""
        transport = SimpleNamespace(getPeer=lambda: "peer")
        assert _explain.describePeerOf(SimpleNamespace(_transportPeer="before")) == "before"
        assert _explain.describePeerOf(SimpleNamespace(transport=transport)) == "peer"
        sender = SimpleNamespace(transport=transport)
        assert _explain.describePeerOf(SimpleNamespace(transport=None, boxSender=sender)) == "peer"
        assert _explain.describePeerOf(None) == "an unknown peer"

    @pytest.mark.parametrize(
        ("length", "end"),
        [
            (0x1603, ", which begin TLS: connect without TLS, or listen with it"),
            (0x4745, ", which begin HTTP"),
            (0x5353, ", which begin SSH"),
            (300, "the length 300, the bytes b'\\x01,': it is no AMP"),
            (1 << 20, ": it is no AMP"),
        ],
    )
    def test_protocols(self, length: int, end: str) -> None:
        """A too long key is often the beginning of another protocol, which is named."""
        assert _explain.whatPeerSpeaks(length).endswith(end)


class TestRepr:
    """The C{repr} of a base class is kept."""

    def test_added(self) -> None:
        """A text is added before the closing bracket.  A C{repr} of another form is not changed."""
        assert _explain.addToRepr("<x at 1>", " more") == "<x at 1 more>"
        assert _explain.addToRepr("own", " more") == "own"

    def test_names(self) -> None:
        """A command's name need not be ASCII, and may be missing."""
        assert [_explain.nameOf(each) for each in (b"Sum", b"\xff", None)] == ["Sum", "\\xff", "None"]


class TestSameError:
    """An application may raise the same object repeatedly."""

    def test_bounded(self) -> None:
        """Its text does not grow."""
        error = ValueError("wrong")

        class Odd(amp.Argument):
            def fromString(self, inString: bytes) -> object:
                raise error

        class Send(amp.Command):
            arguments = [(b"value", Odd())]

        for _ in range(3):
            with pytest.raises(ValueError, match="wrong"):
                Send.parseArguments(amp.Box(value=b""), None)
        assert str(error).count("Send") == 1
        assert vars(error) == {}

    def test_noText(self) -> None:
        """Nothing is added to an error without a text."""
        for arguments in ((), (7,), ("a", "b")):
            error = ValueError(*arguments)
            _explain.addText(error, "more")
            assert error.args == arguments
