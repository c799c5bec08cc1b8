"""
Tests that the functions with two builds leak no references and no memory, whatever their arguments.

The tests are meant for the compiled build, which counts references itself.  The pure build has to
pass them, too.
"""

from __future__ import annotations

import importlib
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from twisted_basic_ng import amp
from twisted_basic_ng._accelerate import framing as pureFraming, values as pureValues
from twisted_basic_ng.amp._schema import HOOKS

#: How often to call a function.  If it leaked a reference per call, there would be as many.
TIMES = 1000

#: How many bytes of growth to allow.  If the smallest object leaked in each call, it would be five
#: times as many.
SPARE = 6000

BOX = b"\x00\x01a\x00\x011\x00\x20" + b"k" * 32 + b"\x00\x00\x00\x21" + b"l" * 33 + b"\x01\x00" + b"v" * 256 + b"\0\0"


class Odd(dict[Any, Any]):
    """A box in which reading the key C{b"c"} fails."""

    def __getitem__(self, key: Any) -> Any:
        if key == b"c":
            raise LookupError(key)
        return super().__getitem__(key)


class Kind(dict[bytes, bytes]):
    pass


class Incomparable:
    """A limit that cannot be compared."""

    def __lt__(self, other: object) -> bool:
        raise ArithmeticError

    __gt__ = __le__ = __ge__ = __lt__


def fresh(data: bytes) -> bytes:
    """Return a new object with the same bytes, which has no other references."""
    return bytes(bytearray(data))


def lines() -> Iterator[tuple[Any, ...]]:
    for data in (b"", b"one\r\ntwo\r\nthree", b"\r\n" * 50, b"\r" * 50, b"x" * 3000, b"aaaa"):
        for delimiter in (b"\r\n", b"", b"a", b"x" * 20):
            yield fresh(data), 0, fresh(delimiter), 7000
            yield fresh(data), 1, fresh(delimiter), 2
            yield fresh(data), len(data) + 9, fresh(delimiter), 2
    yield from _wrong(b"one\r\n", 0, b"\r\n", 99)


def strings() -> Iterator[tuple[Any, ...]]:
    for data in (b"", b"\0", b"\0\3abc\0\0\0\2d", b"\0\0" * 60, b"\xff\xff" + b"x" * 300, b"\0\x40" + b"x" * 64):
        for structFormat, width in (("!H", 2), ("!B", 1), ("!I", 4), ("<H", 2), ("!h", 2), ("!I", 2)):
            yield fresh(data), 0, structFormat, width, 9999, 50
            yield fresh(data), 1, structFormat, width, 2, 1
            yield fresh(data), len(data) + 9, structFormat, width, float("inf"), 3
    yield fresh(b"\0\1a"), 0, "?", 1, 99, 9
    yield from _wrong(b"\0\1a", 0, "!H", 2, 99, 9)
    yield from ((fresh(b"\0\1a"), 0, "!H", 2, limit, 9) for limit in (Incomparable(), "9", None, 2**90, -(2**90)))


def netstrings() -> Iterator[tuple[Any, ...]]:
    for data in (
        b"",
        b"3:abc,0:,70:" + b"x" * 70 + b",2",
        b"01:a,",
        b"-1:",
        b"1:ab",
        b"9" * 40,
        b"3:abc,:",
        b"1\xb2:a,",
    ):
        yield fresh(data), 0, 9999, 50
        yield fresh(data), 6, 2, 1
        yield fresh(data), len(data) + 9, float("inf"), 3
    yield from _wrong(b"1:a,", 0, 99, 9)
    yield from ((fresh(b"1:a,"), 0, limit, 9) for limit in (Incomparable(), "9", None, 2**90, -(2**90)))


def parsed() -> Iterator[tuple[Any, ...]]:
    for data in (BOX, BOX[:-1], BOX[:20], BOX[:3], b"", b"\0", b"\1\0" + b"k" * 300, b"\0\0"):
        yield fresh(data), 0, {}, None
        yield fresh(data), 0, Kind(a=b"before"), fresh(b"key")
        yield fresh(data), len(data) + 9, {}, None
    yield fresh(BOX), 0, [], None
    yield fresh(BOX), 0, None, None
    yield fresh(BOX), 0, {}, 5
    yield from _wrong(BOX, 0, {}, None)


def cut() -> Iterator[tuple[Any, ...]]:
    for data in (BOX * 3, BOX[:-1], BOX + BOX[:40], BOX + b"\0", b"\1\0", b"\0\0" * 9, b"\0\1a\0\0" * 70 + b"\0\0"):
        for kind in (dict, Kind):
            yield fresh(data), 0, kind, 50, 999, 99999
            yield fresh(data), 0, kind, 1, 1, 2**90
            yield fresh(data), len(data) + 9, kind, 1, float("inf"), 7
    yield from ((fresh(BOX), 0, kind, 9, 9, 9) for kind in (list, object, None, 5))
    yield from _wrong(BOX, 0, dict, 9, 999, 9999)
    yield from ((fresh(BOX), 0, dict, 9, limit, 9) for limit in (Incomparable(), "9", None, 2**90))


def formatted() -> Iterator[tuple[Any, ...]]:
    for kind in (dict, Kind, Odd):
        yield (kind(),)
        yield (kind({fresh(b"a"): fresh(b"1"), fresh(b"b" * 255): fresh(b"v" * 700)}),)
        yield (kind({fresh(b"a"): fresh(b"1"), fresh(b"b"): "text"}),)
        yield (kind({fresh(b"a"): fresh(b"1"), "b": b"text"}),)
        yield (kind({fresh(b"a"): fresh(b"1"), fresh(b"b" * 256): b""}),)
        yield (kind({fresh(b"a"): fresh(b"v" * 65536)}),)
        yield (kind({fresh(b"a"): fresh(b"1"), fresh(b"c"): b"2"}),)
    yield from ((each,) for each in (None, 5, [1], [b"a"]))


def _wrong(data: bytes, *others: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the arguments, each time with one of them replaced by one of a wrong type or size."""
    yield from ((each, *others) for each in (None, "text", 5, bytearray(data)))
    for place in range(len(others)):
        for each in (None, object(), -1, 2**70):
            yield (fresh(data), *others[:place], each, *others[place + 1 :])


CALLS: dict[str, Callable[[], Iterator[tuple[Any, ...]]]] = {
    "splitLines": lines,
    "splitStrings": strings,
    "splitNetstrings": netstrings,
    "parseBox": parsed,
    "splitBoxes": cut,
    "formatBox": formatted,
}


class Clearing(amp.String):
    """
    Clears the box or the values while they are read or written.

    @ivar whole: the box or the values.
    """

    whole: dict[Any, Any]

    def fromString(self, inString: bytes) -> bytes:
        self.whole.clear()
        return inString * 2

    def toString(self, inObject: bytes) -> bytes:
        self.whole.clear()
        return inObject * 2


class Failing(amp.Integer):
    """Raises an error when it is read or written."""

    def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
        raise LookupError(name)

    toBox = fromBox


CLEARING = Clearing()
NAMES = {b"a": "a", b"b": "b", b"c": "c", b"d": "d"}
SCHEMAS: list[list[tuple[bytes, Any]]] = [
    [],
    [(b"a", amp.Integer()), (b"b", amp.String()), (b"c", amp.Unicode(optional=True))],
    [(b"a", amp.Integer()), (b"b", CLEARING), (b"c", amp.String(optional=True)), (b"d", amp.Integer())],
    [(b"b", CLEARING), (b"a", amp.ListOf(amp.Integer())), (b"c", Failing())],
    [(b"a", amp.Integer()), (b"other", amp.Integer())],
]


def valuesRead() -> Iterator[tuple[Any, ...]]:
    for schema in SCHEMAS:
        for content in (
            {},
            {b"a": b"77777777", b"b": b"bytes", b"c": b"text"},
            {b"a": b"9" * 30, b"b": b"", b"c": b"\xff"},
        ):
            yield {fresh(key): fresh(value) for key, value in content.items()}, schema
        yield {fresh(b"a"): None, fresh(b"b"): bytearray(b"1")}, schema
    yield from ((each, SCHEMAS[1]) for each in (None, [], 5))
    yield from (({b"a": b"1"}, each) for each in (None, [5], [(b"a", None)], [(b"a",)], [([], amp.String())]))


def valuesWritten() -> Iterator[tuple[Any, ...]]:
    for schema in SCHEMAS:
        for number in (7, -(2**63), 2**90, "7", None, True):
            yield {"a": number, "b": fresh(b"bytes"), "c": "t\xebxt"}, schema
        yield {}, schema
    yield from ((each, SCHEMAS[1]) for each in (None, [], 5))
    yield from (({"a": 1}, each) for each in (None, [5], [(b"a", None)], [(b"a",)], [([], amp.String())]))


def adapted(values: Any) -> dict[str, Callable[..., object]]:
    """Return the functions of C{values}, as functions of a dictionary and a schema only."""

    def copied(content: Any) -> Any:
        CLEARING.whole = dict(content) if isinstance(content, dict) else content
        return CLEARING.whole

    return {
        "readBox": lambda box, schema: values.readBox(copied(box), schema, {}, None, NAMES, HOOKS),
        "readBoxes": lambda box, schema: values.readBoxes([copied(box), box], schema, [], None, NAMES, HOOKS),
        "writeBox": lambda objects, schema: values.writeBox(copied(objects), schema, {}, None, NAMES, HOOKS),
        "areGiven": lambda objects, schema: values.areGiven(schema, objects, NAMES),
        "areKnown": lambda objects, schema: values.areKnown(schema, objects, NAMES),
    }


CALLS_OF_VALUES = {
    "readBox": valuesRead,
    "readBoxes": valuesRead,
    "writeBox": valuesWritten,
    "areGiven": valuesWritten,
    "areKnown": valuesWritten,
}


@pytest.fixture
def values(framing: ModuleType) -> ModuleType:
    """Return the build of C{values} that belongs to C{framing}."""
    return importlib.import_module(framing.__name__.replace("framing", "values"))


def growth(function: Callable[..., object], arguments: tuple[Any, ...]) -> tuple[list[int], int]:
    """
    Call a function many times with the same arguments.

    @return: the growth of the number of references to each argument, and to the contents of a box
        among them; and the growth of the memory in use, in bytes.
    """
    watched = [
        *arguments,
        *(each for box in arguments if isinstance(box, dict) for pair in box.items() for each in pair),
    ]
    reset = [(box, dict(box)) for box in arguments if isinstance(box, dict)]

    def call(times: int) -> None:
        for _ in range(times):
            try:
                function(*arguments)
            except Exception:  # noqa: PERF203 - the exception does not matter
                pass
        for box, before in reset:
            box.clear()
            box.update(before)

    def counts() -> list[int]:
        return [sys.getrefcount(each) for each in watched]

    call(50)  # fill the caches
    tracemalloc.start()
    try:
        before, memory = counts(), tracemalloc.get_traced_memory()[0]
        call(TIMES)
        more = tracemalloc.get_traced_memory()[0] - memory
        return [now - then for now, then in zip(counts(), before, strict=True)], more
    finally:
        tracemalloc.stop()


def kept(function: Callable[..., object], calls: Iterator[tuple[Any, ...]]) -> list[Any]:
    """
    Return the arguments with which a function leaks, and the growth.

    A leak shows each time, whereas the growth caused by another part of the process does not.
    """
    found = []
    for arguments in calls:
        for _ in range(3):
            references, memory = growth(function, arguments)
            if all(abs(each) <= 20 for each in references) and memory <= SPARE:
                break
        else:
            found.append((arguments, references, memory))
    return found


@pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="this Python counts no references")
class TestReferences:
    """The functions leak nothing."""

    def test_all(self, framing: ModuleType) -> None:
        """The tests call every function that has two builds."""
        theirs = {name for name in pureFraming.__all__ if hasattr(framing, name) and callable(getattr(framing, name))}
        assert set(CALLS) <= theirs
        if framing is not pureFraming:
            assert theirs - {"Stop"} == set(CALLS)

    @pytest.mark.parametrize("name", CALLS)
    def test_nothingKept(self, framing: ModuleType, name: str) -> None:
        """The functions of C{framing} leak nothing, whether they return or raise."""
        assert kept(getattr(framing, name), CALLS[name]()) == []

    @pytest.mark.parametrize("name", CALLS_OF_VALUES)
    def test_noValueKept(self, values: ModuleType, name: str) -> None:
        """
        The functions of C{values} leak nothing, whatever the hooks of the application's types do.
        """
        assert set(CALLS_OF_VALUES) == {each for each in pureValues.__all__ if each[0].islower()}
        assert kept(adapted(values)[name], CALLS_OF_VALUES[name]()) == []

    def test_found(self) -> None:
        """
        The tests detect a leaked argument, leaked memory, and a reference that is released too
        often.
        """
        everything: list[Any] = []
        references, memory = growth(everything.append, (fresh(b"abc"),))
        assert references == [TIMES]
        references, memory = growth(lambda data: everything.append(bytearray(1)), (fresh(b"abc"),))
        assert (references, memory > 5 * SPARE) == ([0], True)
        data = fresh(b"abc")
        everything[:] = [data] * 2 * TIMES
        references, _ = growth(lambda data: everything.pop(), (data,))
        assert references == [-TIMES]


class TestCaches:
    """The caches are bounded, whatever a peer sends."""

    def memory(self, calls: Iterator[Callable[[], object]]) -> int:
        """Return the growth of the memory in use during the second half of some calls, in bytes."""
        all_ = list(calls)
        for call in all_[: len(all_) // 2]:
            call()
        tracemalloc.start()
        try:
            for call in all_[len(all_) // 2 :]:
                call()
            return tracemalloc.get_traced_memory()[0]
        finally:
            tracemalloc.stop()

    def test_keys(self, framing: ModuleType) -> None:
        """The cache of keys is bounded if each key is new."""

        def calls() -> Iterator[Callable[[], object]]:
            for number in range(10_000):
                key = b"%06d" % number
                data = b"\0\6" + key + b"\0\0\0\0"
                yield lambda data=data: framing.splitBoxes(data, 0, dict, 9, 9, 99)  # type: ignore[misc]
                yield lambda data=data: framing.parseBox(data, 0, {}, None)  # type: ignore[misc]

        assert self.memory(calls()) < 40_000

    def test_lengths(self, framing: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """The cache of netstring lengths is bounded."""
        monkeypatch.setattr(pureFraming, "_LENGTHS", {})  # keeps the lengths out of later tests

        def calls() -> Iterator[Callable[[], object]]:
            for number in range(10_000):
                yield lambda data=b"%d:" % number: framing.splitNetstrings(data, 0, 99999, 9)  # type: ignore[misc]

        assert self.memory(calls()) < 40_000
        assert len(pureFraming._LENGTHS) <= 1024
