"""
Tests for applications' own argument types, and for the functions behind them that applications
call.
"""

from __future__ import annotations

import datetime
import decimal
import zlib
from itertools import count
from typing import Any

import pytest
from zope.interface import implementer

from twisted.python.filepath import FilePath

MOMENT = datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, datetime.timezone(datetime.timedelta(hours=1)))


def roundTrip(amp: Any, argument: Any, value: Any, proto: Any = None) -> tuple[dict[bytes, bytes], Any]:
    """Write C{value} to a box and read it again, as a call does.  Return the box and the value."""
    schema = [(b"an-arg", argument)]
    box = amp._objectsToStrings({"an_arg": value}, schema, amp.Box(), proto)
    return dict(box), amp._stringsToObjects(box, schema, proto)["an_arg"]


class TestEachType:
    """
    Every argument type can be subclassed, with its conversions overridden and the base called.
    """

    @pytest.mark.parametrize(
        ("name", "value", "string"),
        [
            ("Integer", -5, b"-5"),
            ("String", b"\0x", b"\0x"),
            ("Float", 1.5, b"1.5"),
            ("Boolean", True, b"True"),
            ("Unicode", "\N{SNOWMAN}", b"\xe2\x98\x83"),
            ("Path", FilePath("/a/b"), b"/a/b"),
            ("Decimal", decimal.Decimal("1E+3"), b"1E+3"),
            ("DateTime", MOMENT, b"2012-01-23T12:34:56.054321+01:00"),
        ],
    )
    def test_conversions(self, amp: Any, name: str, value: Any, string: bytes) -> None:
        """
        Overridden C{toString} and C{fromString} get the same values as in Twisted, and may call
        C{super()}.
        """
        seen: list[Any] = []

        class Own(getattr(amp, name)):
            def toString(self, inObject: Any) -> bytes:
                seen.append(("to", inObject))
                written: bytes = super().toString(inObject)
                return b"<" + written

            def fromString(self, inString: bytes) -> Any:
                seen.append(("from", inString))
                return super().fromString(inString[1:])

        assert roundTrip(amp, Own(), value) == ({b"an-arg": b"<" + string}, value)
        assert roundTrip(amp, Own(optional=True), None) == ({}, None)
        assert seen == [("to", value), ("from", b"<" + string)]
        assert roundTrip(amp, amp.ListOf(Own()), [value] * 2)[1] == [value] * 2

    def test_protoConversions(self, amp: Any) -> None:
        """C{toStringProto} and C{fromStringProto} get the protocol, and may call the base."""

        class Own(amp.Integer):
            def toStringProto(self, inObject: Any, proto: Any) -> Any:
                return super().toStringProto(inObject + proto["base"], proto)

            def fromStringProto(self, inString: bytes, proto: Any) -> Any:
                return super().fromStringProto(inString, proto) - proto["base"]

        assert roundTrip(amp, Own(), 5, {"base": 100}) == ({b"an-arg": b"105"}, 5)

    def test_convertingFunction(self, amp: Any) -> None:
        """
        C{Integer.fromString} and C{Float.fromString} are types, and a subclass may set another
        callable.
        """

        class Half(amp.Integer):
            fromString = float

        assert (amp.Integer.fromString, amp.Float.fromString) == (int, float)
        assert roundTrip(amp, Half(), 5) == ({b"an-arg": b"5"}, 5.0)

    def test_lists(self, amp: Any) -> None:
        """
        C{ListOf} and C{AmpList} can be subclassed, and have their element types as attributes.
        """

        class Nested(amp.AmpList):
            def toStringProto(self, inObject: Any, proto: Any) -> Any:
                return amp.AmpList.toStringProto(self, [inObject], proto)

            def fromStringProto(self, inString: bytes, proto: Any) -> Any:
                (value,) = amp.AmpList.fromStringProto(self, inString, proto)
                return value

        class Compressed(amp.ListOf):
            def toString(self, inObject: Any) -> bytes:
                return zlib.compress(super().toString(inObject))

            def fromString(self, inString: bytes) -> Any:
                return super().fromString(zlib.decompress(inString))

        nested, compressed = Nested([(b"x", amp.Integer())]), Compressed(amp.Unicode())
        assert roundTrip(amp, nested, {"x": 1}) == ({b"an-arg": b"\0\1x\0\0011\0\0"}, {"x": 1})
        assert roundTrip(amp, compressed, ["a", ""])[1] == ["a", ""]
        assert (type(nested.subargs[0][1]), type(compressed.elementType)) == (amp.Integer, amp.Unicode)

    def test_descriptor(self, amp: Any) -> None:
        """
        A subclass of C{Descriptor} can wrap its value.  It uses the protocol's private methods.
        """

        class File(amp.Descriptor):
            def toStringProto(self, inObject: Any, proto: Any) -> Any:
                return super().toStringProto(inObject[0], proto)

            def fromStringProto(self, inString: bytes, proto: Any) -> Any:
                return [super().fromStringProto(inString, proto)]

        class Proto:
            sent: list[int] = []

            def _sendFileDescriptor(self, descriptor: int) -> int:
                self.sent.append(descriptor)
                return 7

            def _getDescriptor(self, number: int) -> int:
                return 1000 + number

        assert roundTrip(amp, File(), [3], Proto()) == ({b"an-arg": b"7"}, [1007])

    def test_localArgument(self, amp: Any) -> None:
        """A local argument is written, but never read."""
        box = amp._objectsToStrings({"x": b"1"}, [(b"x", amp._LocalArgument())], amp.Box(), None)
        assert dict(box) == {b"x": b"1"}
        assert amp._stringsToObjects({}, [(b"x", amp._LocalArgument())], None) == {}


class TestBoxes:
    """Tests for arguments with their own C{toBox} and C{fromBox}."""

    def test_split(self, amp: Any) -> None:
        """
        An argument can spread a large value over several keys.  Reading it leaves the given box
        unchanged.
        """

        class Large(amp.Argument):
            def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                value = objects.pop(name.decode())
                for number in range(0, len(value), 4):
                    strings[name if not number else b"%s.%d" % (name, number // 4 + 1)] = value[number : number + 4]

            def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                value = strings.pop(name)
                for number in count(2):
                    part = strings.pop(b"%s.%d" % (name, number), None)
                    if part is None:
                        break
                    value += part
                objects[name.decode()] = value

        class Send(amp.Command):
            arguments = [(b"data", Large())]

        objects = {"data": b"0123456789"}
        box = Send.makeArguments(objects, None)
        assert dict(box) == {b"data": b"0123", b"data.2": b"4567", b"data.3": b"89"}
        assert objects == {"data": b"0123456789"}
        assert Send.parseArguments(box, None) == objects
        assert len(box) == 3

    def test_rest(self, amp: Any) -> None:
        """
        An argument can take everything that the other arguments have left, since each removes what
        it reads or writes.
        """

        @implementer(amp.IArgumentType)
        class Rest:
            optional = True

            def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                for key in list(objects):
                    strings[key.encode()] = objects.pop(key)

            def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                objects[name.decode()] = dict(strings)
                strings.clear()

        schema = [(b"a", amp.Integer()), (b"b", amp.Integer(optional=True)), (b"rest", Rest())]
        box = amp._objectsToStrings({"a": 1, "b": 2, "x": b"3"}, schema, amp.Box(), None)
        assert dict(box) == {b"a": b"1", b"b": b"2", b"x": b"3"}
        assert amp._stringsToObjects(box, schema, None) == {"a": 1, "b": 2, "rest": {b"x": b"3"}}
        assert len(box) == 3

    def test_writesToResult(self, amp: Any) -> None:
        """C{_objectsToStrings} returns the mapping that it was given, of any type."""
        given: dict[bytes, bytes] = {}
        assert amp._objectsToStrings({"a": 1}, [(b"a", amp.Integer())], given, None) is given
        assert given == {b"a": b"1"}

    def test_order(self, amp: Any) -> None:
        """Arguments are written and read in the order in which the command declares them."""
        seen: list[Any] = []

        class Seen(amp.Integer):
            def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                seen.append(("to", name))
                super().toBox(name, strings, objects, proto)

            def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                seen.append(("from", name))
                super().fromBox(name, strings, objects, proto)

        schema = [(b"z", Seen()), (b"a", Seen())]
        amp._stringsToObjects(amp._objectsToStrings({"a": 1, "z": 2}, schema, amp.Box(), None), schema, None)
        assert seen == [("to", b"z"), ("to", b"a"), ("from", b"z"), ("from", b"a")]

    def test_missing(self, amp: Any) -> None:
        """A missing argument raises C{KeyError} with its name on the wire or in Python."""
        schema = [(b"an-arg", amp.Integer())]
        with pytest.raises(KeyError, match="b'an-arg'"):
            amp._stringsToObjects({}, schema, None)
        with pytest.raises(KeyError, match="'an_arg'"):
            amp._objectsToStrings({}, schema, amp.Box(), None)


class TestInstances:
    """Tests for conversions that are set on an instance."""

    def test_attributesOfProtocols(self, amp: Any) -> None:
        """
        An argument created without C{Argument.__init__} can read its value from an attribute of the
        protocol.
        """

        def fromProtocol(attribute: str) -> Any:
            argument = amp.Argument.__new__(amp.Argument)
            argument.retrieve = lambda d, name, proto: getattr(proto, attribute)
            argument.fromString = lambda value: value
            argument.toString = lambda value: value
            return argument

        class Proto:
            who = b"me"

        box, read = roundTrip(amp, fromProtocol("who"), None, Proto())
        assert (box, read) == ({b"an-arg": b"me"}, b"me")

    def test_ownInit(self, amp: Any) -> None:
        """A subclass whose C{__init__} does not call the base is not optional."""

        class Chosen(amp.Argument):
            def __init__(self, *choices: bytes) -> None:
                self.choices = choices

            def fromString(self, inString: bytes) -> Any:
                return self.choices.index(inString)

            def toString(self, inObject: Any) -> bytes:
                return self.choices[inObject]

        assert Chosen(b"no", b"yes").optional is False
        assert roundTrip(amp, Chosen(b"no", b"yes"), 1) == ({b"an-arg": b"yes"}, 1)

    def test_retrieve(self, amp: Any) -> None:
        """C{retrieve} can supply a default value, for reading and for writing."""

        class Default(amp.Integer):
            def retrieve(self, d: Any, name: Any, proto: Any) -> Any:
                value = d.pop(name, None)
                return (7 if isinstance(name, str) else b"8") if value is None else value

        assert roundTrip(amp, Default(), None) == ({b"an-arg": b"7"}, 7)
        assert amp._stringsToObjects({}, [(b"a", Default())], None) == {"a": 8}

    @pytest.mark.parametrize("method", ["fromBox", "toBox", "fromStringProto", "toStringProto"])
    def test_each(self, amp: Any, method: str) -> None:
        """The other four methods are also looked up on the instance."""
        argument, called = amp.Integer(), []
        original = getattr(argument, method)
        setattr(argument, method, lambda *given: (called.append(len(given)), original(*given))[1])
        assert roundTrip(amp, argument, 5)[1] == 5
        assert called == [2 if method.endswith("Proto") else 4]

    def test_elements(self, amp: Any) -> None:
        """A list uses the methods of its element type's instance."""
        elements = amp.Integer()
        elements.toString = lambda value: b"%x" % value
        elements.fromString = lambda string: int(string, 16)
        assert roundTrip(amp, amp.ListOf(elements), [255]) == ({b"an-arg": b"\0\2ff"}, [255])


class TestNames:
    """Tests for names on the wire and in Python."""

    @pytest.mark.parametrize(
        ("wire", "python"),
        [(b"a", "a"), (b"a-b-c", "a_b_c"), (b"from", "From"), (b"print", "Print"), (b"class", "Class"), (b"A-", "A_")],
    )
    def test_identifier(self, amp: Any, wire: bytes, python: str) -> None:
        """Dashes become underscores, and keywords are capitalized."""
        assert amp._wireNameToPythonIdentifier(wire) == python

    def test_noNames(self, amp: Any) -> None:
        """A name that is not ASCII raises C{UnicodeError}, and a string raises C{TypeError}."""
        with pytest.raises(UnicodeError):
            amp._wireNameToPythonIdentifier(b"\xff")
        with pytest.raises(TypeError):
            amp._wireNameToPythonIdentifier("from")

    def test_newKeywords(self, amp: Any) -> None:
        """A word that an application adds to C{PYTHON_KEYWORDS} is capitalized from then on."""
        amp.PYTHON_KEYWORDS.append("async")
        try:
            assert roundTrip(amp, amp.Integer(), 1)[1] == 1
            box = amp._objectsToStrings({"Async": 5}, [(b"async", amp.Integer())], amp.Box(), None)
            assert amp._stringsToObjects(box, [(b"async", amp.Integer())], None) == {"Async": 5}
        finally:
            amp.PYTHON_KEYWORDS.remove("async")
        assert amp._wireNameToPythonIdentifier(b"async") == "async"
