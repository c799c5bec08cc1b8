"""Tests for L{twisted_basic_ng.amp._arguments}."""

from __future__ import annotations

import datetime
import decimal
from typing import Any

import pytest

from twisted.python.filepath import FilePath
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import loadStock
from twisted_basic_ng import amp

ZONE = amp._FixedOffsetTZInfo.fromSignHoursMinutes

#: The type, the value, and its bytes on the wire.
PAIRS: list[tuple[str, Any, bytes]] = [
    ("Integer", 0, b"0"),
    ("Integer", -(10**30), b"-1000000000000000000000000000000"),
    ("String", b"\x00\xff", b"\x00\xff"),
    ("Float", 1.5, b"1.5"),
    ("Float", 1e300, b"1e+300"),
    ("Float", float("-inf"), b"-inf"),
    ("Boolean", True, b"True"),
    ("Boolean", False, b"False"),
    ("Unicode", "\N{SNOWMAN}", b"\xe2\x98\x83"),
    ("Path", FilePath("/a/b"), b"/a/b"),
    ("Decimal", decimal.Decimal("1.50E+7"), b"1.50E+7"),
    ("Decimal", decimal.Decimal("-Infinity"), b"-Infinity"),
    (
        "DateTime",
        datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, ZONE("-", 1, 23)),
        b"2012-01-23T12:34:56.054321-01:23",
    ),
    ("DateTime", datetime.datetime(1, 2, 3, tzinfo=ZONE("+", 14, 0)), b"0001-02-03T00:00:00.000000+14:00"),
    ("DateTime", datetime.datetime(2012, 1, 23, tzinfo=amp.utc), b"2012-01-23T00:00:00.000000-00:00"),
]


class TestPairs:
    """Values are written and read as by Twisted."""

    @pytest.mark.parametrize(("kind", "value", "string"), PAIRS)
    def test_both(self, kind: str, value: Any, string: bytes) -> None:
        """Each case is written and read in the same way by our module and Twisted's."""
        for module in (amp, loadStock("amp")):
            argument = getattr(module, kind)()
            assert argument.toString(value) == string
            assert argument.fromString(string) == value

    @pytest.mark.parametrize(
        ("kind", "value"),
        [
            ("Integer", "1"),
            ("Float", 1),
            ("Unicode", b"bytes"),
            ("Path", "/a"),
            ("Decimal", 1.5),
            ("DateTime", datetime.datetime(2012, 1, 23)),
        ],
    )
    def test_notWritten(self, kind: str, value: Any) -> None:
        """A value that cannot be written raises the same error as in Twisted."""
        with pytest.raises(Exception) as ours:  # noqa: PT011 - compared with Twisted's
            getattr(amp, kind)().toString(value)
        with pytest.raises(ours.type):
            getattr(loadStock("amp"), kind)().toString(value)

    @pytest.mark.parametrize(
        ("kind", "string"),
        [
            ("Integer", b"x"),
            ("Float", b"x"),
            ("Boolean", b"true"),
            ("Unicode", b"\xff"),
            ("Decimal", b"x"),
            ("Decimal", b"\xff"),
            ("DateTime", b"2012"),
            ("DateTime", b"2012-01-23T12:34:56.054321*01:23"),
            ("DateTime", b"2012-13-23T12:34:56.054321+01:23"),
            ("DateTime", b"\xff" * 32),
        ],
    )
    def test_notRead(self, kind: str, string: bytes) -> None:
        """A string that cannot be read raises the same error as in Twisted."""
        with pytest.raises(Exception) as ours:  # noqa: PT011 - compared with Twisted's
            getattr(amp, kind)().fromString(string)
        with pytest.raises(ours.type):
            getattr(loadStock("amp"), kind)().fromString(string)


class ArgumentTests(SynchronousTestCase):
    """An argument is moved between a box and the values of a call."""

    def test_required(self) -> None:
        """A required argument is moved, and raises an error if it is missing."""
        strings, objects = {b"a-b": b"1"}, dict[str, Any]()
        amp.Integer().fromBox(b"a-b", strings, objects, None)
        self.assertEqual((strings, objects), ({}, {"a_b": 1}))
        self.assertRaises(KeyError, amp.Integer().fromBox, b"a-b", {}, {}, None)
        amp.Integer().toBox(b"a-b", strings, objects, None)
        self.assertEqual((strings, objects), ({b"a-b": b"1"}, {}))
        self.assertRaises(KeyError, amp.Integer().toBox, b"a-b", {}, {}, None)

    def test_optional(self) -> None:
        """A missing optional argument is C{None}, and C{None} is not sent."""
        argument = amp.Integer(optional=True)
        objects = dict[str, Any]()
        argument.fromBox(b"a", {}, objects, None)
        self.assertEqual(objects, {"a": None})
        for values in ({"a": None}, {}):
            strings = dict[bytes, bytes]()
            argument.toBox(b"a", strings, dict(values), None)
            self.assertEqual(strings, {})
        strings = {b"a": b"1"}
        argument.fromBox(b"a", strings, objects, None)
        self.assertEqual((strings, objects), ({}, {"a": 1}))

    def test_requiredNone(self) -> None:
        """C{None} is not a valid value of a required argument, unless its type accepts it."""
        self.assertRaises(TypeError, amp.Integer().toBox, b"a", {}, {"a": None}, None)
        strings = dict[bytes, bytes]()
        amp.Boolean().toBox(b"a", strings, {"a": None}, None)
        self.assertEqual(strings, {b"a": b"False"})

    def test_hooks(self) -> None:
        """Each method calls the next, and an instance may override them without the constructor."""
        argument = amp.Argument.__new__(amp.Argument)
        argument.retrieve = lambda d, name, proto: proto  # type: ignore[method-assign]
        argument.toString = lambda value: b"%d" % value  # type: ignore[method-assign]
        argument.fromString = lambda string: string + 1  # type: ignore[method-assign]
        strings, objects = dict[bytes, bytes](), dict[str, Any]()
        argument.toBox(b"a", strings, objects, 5)
        argument.fromBox(b"a", strings, objects, 6)
        self.assertEqual((strings, objects), ({b"a": b"5"}, {"a": 7}))

    def test_base(self) -> None:
        """The base class reads and writes nothing."""
        self.assertEqual((amp.Argument().fromString(b"1"), amp.Argument().toString(1)), (None, None))


class DateTimeTests(SynchronousTestCase):
    """A moment is the same after it is sent."""

    def test_seconds(self) -> None:
        """An offset loses its seconds, but the moment stays the same."""
        for seconds in (-3599, -61, -59, 1, 59, 3601):
            offset = datetime.timezone(datetime.timedelta(seconds=seconds))
            moment = datetime.datetime(1890, 5, 6, 7, 8, 9, tzinfo=offset)
            arrived = amp.DateTime().fromString(amp.DateTime().toString(moment))
            self.assertEqual(arrived, moment)
