"""
Any bytes, and any objects, are to our types of arguments what they are to Twisted's: the same value, or an error.

The errors are those that each type documents; where Twisted has one of its own, ours is that or a subclass.
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

#: For each type: how it is made, and bytes that it understands.
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

#: What may come of any bytes.
DOCUMENTED = (ValueError, TypeError, KeyError, ArithmeticError, AttributeError)


def outcome(function: Any, *arguments: Any) -> Any:
    """What comes of a call: a result, or an error."""
    try:
        result = function(*arguments)
    except Exception as error:
        return error
    return [described(each) for each in result] if isinstance(result, list) else described(result)


def same(theirs: Any, mine: Any) -> None:
    """Both are the same; of errors, the types, and ours may be a subclass."""
    if isinstance(theirs, Exception):
        names = [each.__name__ for each in type(mine).__mro__]
        assert type(theirs).__name__ in names, (theirs, mine)
    else:
        assert mine == theirs


#: The samples of each type, and anything; to make a strategy takes longer than to read what it gives.
SAMPLES = {name: st.sampled_from(samples) for name, (_, samples) in TYPES.items()}
ANYTHING = st.binary(max_size=40)
BYTE = st.binary(max_size=1)


@st.composite
def nearly(draw: Any, name: str) -> bytes:
    """One of the samples of a type, with a byte or two changed, added or lost."""
    data = bytearray(draw(SAMPLES[name]))
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(data)))
        data[place : place + draw(st.integers(0, 1))] = draw(BYTE)
    return bytes(data)


NEARLY = {name: nearly(name) for name in TYPES}
EITHER = {name: st.one_of(samples, ANYTHING) for name, samples in NEARLY.items()}


#: What applications might give, rightly or wrongly.
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
    """Bytes to objects."""

    @settings(max_examples=examples(300))
    @given(data=st.data())
    def test_any(self, name: str, data: Any) -> None:
        """Any bytes, and bytes that are nearly right."""
        make, _ = TYPES[name]
        string = data.draw(EITHER[name])
        theirs, mine = (outcome(make(amp).fromStringProto, string, None) for amp in (stock, ours))
        same(theirs, mine)
        assert not isinstance(mine, Exception) or isinstance(mine, DOCUMENTED)

    def test_samples(self, name: str) -> None:
        """What it understands, from a box."""
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
    """Objects to bytes."""

    @settings(max_examples=examples(300))
    @given(value=MORE)
    def test_any(self, name: str, value: Any) -> None:
        """Any object."""
        make, _ = TYPES[name]
        same(*(outcome(make(amp).toStringProto, value, None) for amp in (stock, ours)))

    @given(data=st.data())
    def test_thereAndBack(self, name: str, data: Any) -> None:
        """What was read is written so that it is read again as the same."""
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
    """Bytes to boxes, without a connection."""

    @settings(max_examples=examples(500))
    @given(st.lists(st.one_of(anyBox, anyBox, st.binary(max_size=6)), max_size=4).map(b"".join))
    @example(b"\1\0")
    @example(b"\0\1a\xff\xff")
    def test_parseString(self, data: bytes) -> None:
        """The same boxes, or an error that is Twisted's as well."""
        theirs, mine = ([outcome(amp.parseString, data)] for amp in (stock, ours))
        same(theirs[0], mine[0])

    @given(st.dictionaries(st.binary(max_size=260), st.binary(max_size=9)))
    @example({b"a": b"x" * 65536})
    @example({"a": b""})
    @example({b"a": ""})
    @example({b"a": None})
    @example({b"": b"an empty key", b"a": b""})
    def test_serialize(self, content: dict[Any, Any]) -> None:
        """The same bytes, or the same error."""
        results = []
        for amp in (stock, ours):
            made = amp.AmpBox()
            made.update(content)
            results.append(outcome(made.serialize))
        same(*results)


class TestDifferences:
    """What is meant to be otherwise than in Twisted."""

    def test_secondsOfOffset(self) -> None:
        """In Twisted a moment is another when its offset loses its seconds."""
        zone = datetime.timezone(datetime.timedelta(minutes=60, seconds=30))
        moment = datetime.datetime(2020, 1, 1, 12, 0, 0, tzinfo=zone)
        theirs, mine = (amp.DateTime().fromString(amp.DateTime().toString(moment)) for amp in (stock, ours))
        assert theirs != moment
        assert mine == moment

    def test_listOfRows(self) -> None:
        """In Twisted there can be no list of lists of rows."""
        rows = [[{"a": 1}], [], [{"a": 2}, {"a": 3}]]
        kinds = [amp.ListOf(amp.AmpList([(b"a", amp.Integer())])) for amp in (stock, ours)]
        with pytest.raises(Exception, match="None"):
            kinds[0].toStringProto(rows, None)
        assert kinds[1].fromStringProto(kinds[1].toStringProto(rows, None), None) == rows

    def test_longElement(self) -> None:
        """An element over the limit is an error of AMP, too."""
        with pytest.raises(struct.error):
            stock.ListOf(stock.String()).toString([b"x" * 65536])
        with pytest.raises(ours.TooLong) as raised:
            ours.ListOf(ours.String()).toString([b"x" * 65536])
        assert isinstance(raised.value, struct.error)

    def test_longKey(self) -> None:
        """Without a connection, a key over the limit is an error of AMP, too."""
        with pytest.raises(AttributeError):
            stock.parseString(b"\1\0")
        with pytest.raises(ours.TooLong) as raised:
            ours.parseString(b"\1\0")
        assert isinstance(raised.value, AttributeError)
