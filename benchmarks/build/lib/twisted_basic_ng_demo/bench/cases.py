"""The table of all cases: the work, the promised ratios, and the peers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from .applications import CHANGES
from .boxes import CALLED, DECODED, PARSED, SERIALIZED, ampList, call, listOf, parse, serialize
from .changing import changing, inChunks, kept
from .loopback import calls, sending
from .receivers import Delivery, Read, bareLoop, readExactly, readLine, receiver, streams
from .sides import OURS, STOCK, Case, Prepare, Side, inMemory, peerInMemory

__all__ = ["CASES", "GROUPS", "selected"]

#: How many times as fast as Twisted's our module must be, pure and compiled.
Floors = tuple[float, float]

#: The name of a side, and the packages that it needs.
Peer = tuple[str, tuple[str, ...]]

KIB: Final = 1 << 10
MIB: Final = 1 << 20

_LINE: Final = b"x" * 20 + b"\r\n"
_HEADER: Final = b"h" * 38 + b"\r\n"
_NETSTRING: Final = b"18:" + b"x" * 18 + b","
_INT32: Final = b"\0\0\0\x12" + b"x" * 18
_INT16: Final = b"\0\x12" + b"x" * 18


def _receiving(
    name: str, title: str, group: str, what: str, delivery: Delivery, floors: Floors, read: Read | None = None
) -> Case:
    """Make a case of a receiver; C{read} is an asyncio coroutine that reads the same messages."""
    sides = inMemory("basic", receiver(what, delivery))
    if read is not None:
        sides.append(peerInMemory("asyncio", streams(read, delivery)))
    unit = "lines" if "Line" in what else "strings"
    return Case(name, f"{what}, {title}", group, unit, delivery.count, sides, floors)


def _amp(name: str, title: str, group: str, unit: str, count: int, prepare: Prepare, floors: Floors) -> Case:
    """Make a case of AMP's, in memory."""
    return Case(name, f"AMP, {title}", group, unit, count, inMemory("amp", prepare), floors)


def _calling(name: str, title: str, count: int, window: int, floors: Floors) -> Case:
    """Make a case of calls over loopback."""
    sides: list[Peer] = [
        (STOCK, ()),
        (OURS, ()),
        ("stock on uvloop", ("uvloop",)),
        ("ours on uvloop", ("uvloop",)),
        ("PB", ()),
        ("grpc.aio", ("grpc",)),
        ("aio-msgpack-rpc", ("aio_msgpack_rpc",)),
        ("echo", ()),
    ]
    made = [Side(side, calls(side, count, window), needs) for side, needs in sides]
    return Case(name, f"AMP, calls over loopback, {title}", "calls", "calls", count, made, floors)


def _sent(name: str, title: str, work: str, unit: str, delivery: Delivery) -> Case:
    """Make a case of messages over loopback."""
    sides: list[Peer] = [
        (STOCK, ()),
        (OURS, ()),
        ("asyncio", ()),
        ("asyncio on uvloop", ("uvloop",)),
        ("stock on uvloop", ("uvloop",)),
        ("ours on uvloop", ("uvloop",)),
    ]
    made = [Side(side, sending(work, side, delivery), needs) for side, needs in sides]
    return Case(name, f"{title}, over loopback", "loopback", unit, delivery.count, made)


def _lines(name: str, title: str, delivery: Delivery, floors: Floors) -> Case:
    case = _receiving(name, title, "lines", "LineReceiver", delivery, floors, readLine)
    return replace(case, sides=[*case.sides, peerInMemory("bare loop", bareLoop(delivery))])


def _netstrings(name: str, title: str, delivery: Delivery, floors: Floors) -> Case:
    return _receiving(name, title, "netstrings", "NetstringReceiver", delivery, floors)


def _int32(name: str, title: str, delivery: Delivery, floors: Floors) -> Case:
    return _receiving(name, title, "intstrings", "Int32StringReceiver", delivery, floors, readExactly)


def _int16(name: str, title: str, delivery: Delivery, floors: Floors) -> Case:
    return _receiving(name, title, "intstrings", "Int16StringReceiver", delivery, floors)


def _changing(name: str, isKept: bool = False) -> Case:
    """Make a case of messages of 20 bytes, with an application that changes something at each."""
    change = next(each for each in CHANGES if each.name == name)
    load = (kept if isKept else inChunks)(change, 20)
    sides = inMemory(change.module, changing(change, load))
    title = f"{change.receiver}, {change.title}{', kept before' if isKept else ''}"
    return Case(f"{name}-kept" if isKept else name, title, "changing", "messages", load.count, sides, _NO_SLOWER)


#: The floors where frames found ahead are useless: the pure build may be 15 % slower.
_NO_SLOWER: Final = (0.87, 1)

#: The descriptions of the chunks of most cases.
_AT_64: Final = "in chunks of 64 KiB"
_AT_1400: Final = "in chunks of 1,400"

_LONG_LINE: Final = b"x" * MIB + b"\r\n"
_LONG_NETSTRING: Final = b"%d:%b," % (16 * MIB, b"x" * (16 * MIB))
_LONG_INT32: Final = b"\1\0\0\0" + b"x" * (16 * MIB)

CASES: Final[Sequence[Case]] = (
    _lines("lines-64k", f"20 bytes {_AT_64}", Delivery(_LINE, 100_000, 64 * KIB), (5.5, 7)),
    _lines("lines-1400", f"20 bytes {_AT_1400}", Delivery(_LINE, 100_000, 1400), (1.8, 2.2)),
    _lines("headers", "12 of 40 bytes in each chunk", Delivery(_HEADER, 60_000, 480), (1.5, 1.8)),
    _receiving(
        "long-line", f"1 MiB {_AT_1400}", "lines", "LineReceiver", Delivery(_LONG_LINE, 1, 1400), (100, 100), readLine
    ),
    _receiving(
        "lines-only",
        f"20 bytes {_AT_64}",
        "lines",
        "LineOnlyReceiver",
        Delivery(_LINE, 100_000, 64 * KIB),
        (1.1, 1.2),
    ),
    _netstrings("netstrings-64k", f"18 bytes {_AT_64}", Delivery(_NETSTRING, 20_000, 64 * KIB), (7, 15)),
    _netstrings("netstrings-1400", f"18 bytes {_AT_1400}", Delivery(_NETSTRING, 20_000, 1400), (4.5, 9)),
    _netstrings("long-netstring", f"16 MiB {_AT_64}", Delivery(_LONG_NETSTRING, 1, 64 * KIB), (1, 1)),
    _int32("int32-64k", f"18 bytes {_AT_64}", Delivery(_INT32, 100_000, 64 * KIB), (1.8, 3)),
    _int32("int32-1400", f"18 bytes {_AT_1400}", Delivery(_INT32, 100_000, 1400), (1.8, 3)),
    _int16("int16-64k", f"18 bytes {_AT_64}", Delivery(_INT16, 100_000, 64 * KIB), (1.8, 3)),
    _int16("int16-1400", f"18 bytes {_AT_1400}", Delivery(_INT16, 100_000, 1400), (1.8, 3)),
    _int32("long-int32", f"16 MiB {_AT_64}", Delivery(_LONG_INT32, 1, 64 * KIB), (20, 20)),
    _amp("parse", "parse boxes of four short keys", "boxes", "boxes", PARSED, parse, (4.5, 16)),
    _amp("serialize", "serialise a box of four short keys", "boxes", "boxes", SERIALIZED, serialize, (1.5, 4)),
    _amp("list", "decode ListOf(Integer()), 1,000 of them", "arguments", "lists", DECODED, listOf, (2, 3.5)),
    _amp("rows", "decode AmpList, 500 rows of two", "arguments", "lists", DECODED, ampList, (2.5, 5)),
    _amp("call", "call and answer, two integers, in memory", "calls", "calls", CALLED, call, (2.3, 4)),
    _calling("calls-100", "100 in flight", 2000, 100, (1.3, 1.6)),
    _calling("calls-1", "one in flight", 500, 1, (1.15, 1.3)),
    _changing("line-pause"),
    _changing("line-pause", isKept=True),
    _changing("int32-pause"),
    _changing("amp-pause"),
    _changing("memcache"),
    _changing("http"),
    _changing("line-delimiter"),
    _changing("line-limit"),
    _changing("netstring-limit"),
    _changing("line-true"),
    _changing("line-clear"),
    _changing("line-read"),
    _changing("line-assign"),
    _changing("netstring-read"),
    _sent("loopback-lines", "LineReceiver, 20 bytes", "lines", "lines", Delivery(_LINE, 100_000, 64 * KIB)),
    _sent("loopback-int32", "Int32StringReceiver, 18 bytes", "int32", "strings", Delivery(_INT32, 100_000, 64 * KIB)),
)

#: The scripts in C{benchmarks} that have cases in this table.
GROUPS: Final = tuple(dict.fromkeys(case.group for case in CASES))


def selected(words: Sequence[str]) -> list[Case]:
    """
    Choose the cases that C{words} select, or all without any words.

    A word selects the case of that name, or else all cases with the word in their name, title or
    group.

    @raise LookupError: a word selects no case.
    """
    for word in words:
        if not any(_has(case, word) for case in CASES):
            raise LookupError(f"no case has {word!r} in its name; see --list")
    return [case for case in CASES if not words or any(_has(case, word) for word in words)]


def _has(case: Case, word: str) -> bool:
    if any(word == each.name for each in CASES):
        return word == case.name
    return any(word.lower() in text.lower() for text in (case.name, case.title, case.group))
