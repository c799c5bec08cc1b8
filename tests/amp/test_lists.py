"""Tests for L{twisted_basic_ng.amp._lists}."""

from __future__ import annotations

import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import loadStock
from twisted_basic_ng import amp


class Reversed(amp.Argument):
    """A type that implements only the methods with a protocol."""

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        return proto, inString[::-1]

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        return proto + inObject[::-1]  # type: ignore[no-any-return]


class Flat(amp.ListOf):
    """A list with its own format."""

    def fromString(self, inString: bytes) -> Any:
        return [self.elementType.fromString(each) for each in inString.split(b",")]

    def toString(self, inObject: Any) -> bytes:
        return b",".join(map(self.elementType.toString, inObject))


class ListTests(SynchronousTestCase):
    """Lists of values and of rows."""

    def test_listOf(self) -> None:
        """Each element has its length in front."""
        argument = amp.ListOf(amp.Integer())
        self.assertEqual(argument.toString([1, 20]), b"\x00\x011\x00\x0220")
        self.assertEqual(argument.fromString(b"\x00\x011\x00\x0220"), [1, 20])
        self.assertEqual((argument.toString([]), argument.fromString(b"")), (b"", []))

    def test_truncated(self) -> None:
        """An unfinished element at the end is left out, as with Twisted."""
        string = b"\x00\x011\x00\x0220"
        for end in range(len(string)):
            for module in (amp, loadStock("amp")):
                found = module.ListOf(module.Integer()).fromString(string[:end])
                self.assertEqual(found, [1] if end >= 3 else [])

    def test_longElement(self) -> None:
        """A too long element raises an error that also has Twisted's type."""
        error: Any = self.assertRaises(amp.ElementTooLongError, amp.ListOf(amp.String()).toString, [b"x" * 65536])
        self.assertIsInstance(error, struct.error)
        self.assertRaises(struct.error, loadStock("amp").ListOf(amp.String()).toString, [b"x" * 65536])

    def test_rows(self) -> None:
        """Rows are boxes, one after the other."""
        argument = amp.AmpList([(b"a", amp.Integer()), (b"b-c", amp.Unicode(optional=True))])
        rows = [{"a": 1, "b_c": "x"}, {"a": 2, "b_c": None}]
        string = argument.toStringProto(rows, None)
        self.assertEqual(
            string, b"".join(amp.Box(each).serialize() for each in ({"a": b"1", "b-c": b"x"}, {"a": b"2"}))
        )
        self.assertEqual(argument.fromStringProto(string, None), rows)

    def test_rowNames(self) -> None:
        """The names of columns must be bytes."""
        self.assertRaises(AssertionError, amp.AmpList, [("a", amp.Integer())])

    def test_listOfRows(self) -> None:
        """
        Elements that need the protocol get it at any depth.  A list's own format takes precedence.
        """
        argument = amp.ListOf(amp.ListOf(amp.AmpList([(b"a", amp.Integer())])))
        value = [[[{"a": 1}, {"a": 2}], []], []]
        self.assertEqual(argument.fromStringProto(argument.toStringProto(value, None), None), value)
        reverse = amp.ListOf(Reversed())
        self.assertEqual(reverse.toStringProto([b"ab"], b"p"), b"\x00\x03pba")
        self.assertEqual(reverse.fromStringProto(b"\x00\x03pba", 5), [(5, b"abp")])
        flat = Flat(amp.Integer())
        self.assertEqual(flat.fromStringProto(flat.toStringProto([1, 2], None), None), [1, 2])

    def test_listOfOwn(self) -> None:
        """An element's own C{fromString}, set on the instance, is used."""
        element = amp.Argument()
        element.fromString = bytes.decode  # type: ignore[method-assign, assignment]
        element.toString = str.encode  # type: ignore[method-assign, assignment]
        argument = amp.ListOf(element, optional=True)
        self.assertEqual(argument.fromStringProto(argument.toStringProto(["a"], None), None), ["a"])
        self.assertTrue(argument.optional)
