"""
Tests that our argument types handle any bytes and any objects as Twisted's do: with the same value,
or an error.

Each type documents its errors.  If Twisted raises an error, ours raises the same type or a
subclass.
"""

from __future__ import annotations

import datetime
import decimal
import struct
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st

from twisted.python.filepath import FilePath

from tests.helpers import examples
from twisted_basic_ng import amp as ours

from .amp_calls import described
from .test_amp import anyBox, box, stock

#: For each type, a function that makes it, and valid or nearly valid bytes.
TYPES: dict[str, tuple[Any, list[bytes]]] = {
    "Integer": (lambda amp: amp.Integer(), [b"0", b"-12", b" 1_0 ", b"1" * 5000]),
    "String": (lambda amp: amp.String(), [b"abc"]),
    "Float": (lambda amp: amp.Float(), [b"1.5", b"-inf", b"nan", b"1e999", b" 1_0.5 "]),
    "Boolean": (lambda amp: amp.Boolean(), [b"True", b"False", b"true"]),
    "Unicode": (lambda amp: amp.Unicode(), [b"\xe2\x98\x83", b"\xed\xa0\x80"]),
    "Path": (lambda amp: amp.Path(), [b"/tmp/a", b"relative/../b", b"a\0b"]),
    "Decimal": (lambda amp: amp.Decimal(), [b"1.50E+7", b"-sNaN12", b"Infinity", b" 1_0 "]),
    "DateTime": (
        lambda amp: amp.DateTime(),
        [b"2012-01-23T12:34:56.054321-01:23", b"2012-01-23T12:34:56.054321+23:59", b"2012-01-23T12:34:56.054321*99:99"],
    ),
    "ListOf": (lambda amp: amp.ListOf(amp.Integer()), [b"\0\0011\0\2-5", b"\0\1", b"\0\1x"]),
    "nested": (lambda amp: amp.ListOf(amp.ListOf(amp.Unicode())), [b"\0\5\0\3abc", b"\0\3\0\1\xff", b"\0\4\0\3ab"]),
    "AmpList": (
        lambda amp: amp.AmpList([(b"a", amp.Integer()), (b"b", amp.Unicode(optional=True))]),
        [box(b"a", b"5"), box(b"a", b"5", b"b", b"\xff"), box(b"b", b""), b"\0\1", b"\1\0", box(b"a", b"1") + b"\0"],
    ),
}

#: The errors that parsing any bytes may raise.
DOCUMENTED = (ValueError, TypeError, KeyError, ArithmeticError, AttributeError)


def outcome(function: Any, *arguments: Any) -> Any:
    """Call a function, and return its result or its error."""
    try:
        result = function(*arguments)
    except Exception as error:
        return error
    return [described(each) for each in result] if isinstance(result, list) else described(result)


def same(theirs: Any, mine: Any) -> None:
    """Assert that both outcomes are the same.  Our error may be of a subclass."""
    if isinstance(theirs, Exception):
        names = [each.__name__ for each in type(mine).__mro__]
        assert type(theirs).__name__ in names, (theirs, mine)
    else:
        assert mine == theirs


#: The samples of each type, and arbitrary bytes.  Building a strategy takes longer than parsing its
#: examples, so each is built once.
SAMPLES = {name: st.sampled_from(samples) for name, (_, samples) in TYPES.items()}
ANYTHING = st.binary(max_size=40)
BYTE = st.binary(max_size=1)


@st.composite
def nearly(draw: Any, name: str) -> bytes:
    """One of the samples of a type, with up to two bytes changed, added or removed."""
    data = bytearray(draw(SAMPLES[name]))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 1))] = draw(BYTE)
    return bytes(data)


NEARLY = {name: nearly(name) for name in TYPES}
EITHER = {name: st.one_of(samples, ANYTHING) for name, samples in NEARLY.items()}


#: Values that applications may pass, valid or not.
OBJECTS = st.one_of(
    st.none(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.binary(max_size=5),
    st.text(max_size=5),
    st.decimals(),
    st.datetimes(),
    st.datetimes(
        timezones=st.integers(-1439, 1439).map(lambda minutes: datetime.timezone(datetime.timedelta(minutes=minutes)))
    ),
    st.sampled_from([FilePath("/a"), FilePath(b"/a"), 10**4000, decimal.Decimal("sNaN")]),
)
ROWS = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.one_of(st.integers(), st.text(max_size=3), st.none()))
MORE = st.one_of(OBJECTS, st.lists(OBJECTS, max_size=3), st.lists(st.lists(OBJECTS, max_size=2)), st.lists(ROWS))


@pytest.mark.parametrize("name", TYPES)
class TestReading:
    """Tests for parsing bytes."""

    @settings(max_examples=examples(300))
    @given(data=st.data())
    def test_any(self, name: str, data: Any) -> None:
        """Any bytes, and nearly valid bytes, are parsed as Twisted parses them."""
        make, _ = TYPES[name]
        string = data.draw(EITHER[name])
        theirs, mine = (outcome(make(amp).fromStringProto, string, None) for amp in (stock, ours))
        same(theirs, mine)
        assert not isinstance(mine, Exception) or isinstance(mine, DOCUMENTED)

    def test_samples(self, name: str) -> None:
        """A box with a sample is parsed as Twisted parses it."""
        make, samples = TYPES[name]
        for string in samples:
            results = []
            for amp in (stock, ours):
                objects: dict[str, Any] = {}
                results.append(outcome(make(amp).fromBox, b"a-b", {b"a-b": string}, objects, None))
                results.append(described(objects))
            same(results[0], results[2])
            assert results[1] == results[3]


@pytest.mark.parametrize("name", TYPES)
class TestWriting:
    """Tests for serialising objects."""

    @settings(max_examples=examples(300))
    @given(value=MORE)
    def test_any(self, name: str, value: Any) -> None:
        """Any object is serialised as Twisted serialises it."""
        make, _ = TYPES[name]
        same(*(outcome(make(amp).toStringProto, value, None) for amp in (stock, ours)))

    @given(data=st.data())
    def test_thereAndBack(self, name: str, data: Any) -> None:
        """A value that was parsed and serialised again is parsed as the same value."""
        make, _ = TYPES[name]
        kind = make(ours)
        string = data.draw(NEARLY[name])
        try:
            value = kind.fromStringProto(string, None)
            written = kind.toStringProto(value, None)
        except DOCUMENTED:
            return
        assert outcome(kind.fromStringProto, written, None) == outcome(kind.fromStringProto, string, None)


class TestBoxes:
    """Tests for parsing and serialising boxes without a connection."""

    @settings(max_examples=examples(500))
    @given(st.lists(st.one_of(anyBox, anyBox, st.binary(max_size=6)), max_size=4).map(b"".join))
    @example(b"\1\0")
    @example(b"\0\1a\xff\xff")
    def test_parseString(self, data: bytes) -> None:
        """C{parseString} returns the same boxes as Twisted's, or raises a compatible error."""
        theirs, mine = ([outcome(amp.parseString, data)] for amp in (stock, ours))
        same(theirs[0], mine[0])

    @given(st.dictionaries(st.binary(max_size=260), st.binary(max_size=9)))
    @example({b"a": b"x" * 65536})
    @example({"a": b""})
    @example({b"a": ""})
    @example({b"a": None})
    @example({b"": b"an empty key", b"a": b""})
    def test_serialize(self, content: dict[Any, Any]) -> None:
        """C{serialize} returns the same bytes as Twisted's, or raises the same error."""
        results = []
        for amp in (stock, ours):
            made = amp.AmpBox()
            made.update(content)
            results.append(outcome(made.serialize))
        same(*results)


class TestDifferences:
    """Tests for deliberate differences from Twisted."""

    def test_secondsOfOffset(self) -> None:
        """A UTC offset with seconds is kept.  Twisted drops its seconds and so changes the time."""
        zone = datetime.timezone(datetime.timedelta(minutes=60, seconds=30))
        moment = datetime.datetime(2020, 1, 1, 12, 0, 0, tzinfo=zone)
        theirs, mine = (amp.DateTime().fromString(amp.DateTime().toString(moment)) for amp in (stock, ours))
        assert theirs != moment
        assert mine == moment

    def test_listOfRows(self) -> None:
        """A list of lists of rows can be sent.  Twisted raises an error."""
        rows = [[{"a": 1}], [], [{"a": 2}, {"a": 3}]]
        kinds = [amp.ListOf(amp.AmpList([(b"a", amp.Integer())])) for amp in (stock, ours)]
        with pytest.raises(Exception, match="None"):
            kinds[0].toStringProto(rows, None)
        assert kinds[1].fromStringProto(kinds[1].toStringProto(rows, None), None) == rows

    def test_longElement(self) -> None:
        """
        An element over the limit raises an AMP error, which is also Twisted's C{struct.error}.
        """
        with pytest.raises(struct.error):
            stock.ListOf(stock.String()).toString([b"x" * 65536])
        with pytest.raises(ours.TooLong) as raised:
            ours.ListOf(ours.String()).toString([b"x" * 65536])
        assert isinstance(raised.value, struct.error)

    def test_longKey(self) -> None:
        """
        Without a connection, a key over the limit raises an AMP error, which is also Twisted's
        C{AttributeError}.
        """
        with pytest.raises(AttributeError):
            stock.parseString(b"\1\0")
        with pytest.raises(ours.TooLong) as raised:
            ours.parseString(b"\1\0")
        assert isinstance(raised.value, AttributeError)
