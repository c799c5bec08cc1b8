"""The table of all cases: what is claimed to be faster, and who is beside us."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ._boxes import CALLED, DECODED, PARSED, SERIALIZED, ampList, call, listOf, parse, serialize
from ._loopback import calls, sending
from ._receivers import Delivery, Read, readExactly, readLine, receiver, streams
from ._sides import OURS, STOCK, Case, Prepare, Side, inMemory, peerInMemory

__all__ = ["CASES", "GROUPS", "selected"]

KIB: Final = 1 << 10
MIB: Final = 1 << 20

_LINE: Final = b"x" * 20 + b"\r\n"
_HEADER: Final = b"h" * 38 + b"\r\n"
_NETSTRING: Final = b"18:" + b"x" * 18 + b","
_INT32: Final = b"\0\0\0\x12" + b"x" * 18
_INT16: Final = b"\0\x12" + b"x" * 18


def _receiving(name: str, title: str, group: str, what: str, delivery: Delivery, read: Read | None = None) -> Case:
    """A case of a receiver; C{read} is how a coroutine of asyncio reads the same."""
    sides = inMemory("basic", receiver(what, delivery))
    if read is not None:
        sides.append(peerInMemory("asyncio", streams(read, delivery)))
    unit = "lines" if "Line" in what else "strings"
    return Case(name, f"{what}, {title}", group, unit, delivery.count, sides)


def _amp(name: str, title: str, group: str, unit: str, count: int, prepare: Prepare) -> Case:
    """A case of AMP's, in memory."""
    return Case(name, title, group, unit, count, inMemory("amp", prepare))


def _calling(name: str, title: str, count: int, window: int, peers: Iterable[tuple[str, tuple[str, ...]]]) -> Case:
    """A case of calls over loopback; C{peers} are names, and the packages that they need."""
    sides: list[tuple[str, tuple[str, ...]]] = [
        (STOCK, ()),
        (OURS, ()),
        ("stock on uvloop", ("uvloop",)),
        ("ours on uvloop", ("uvloop",)),
        *peers,
    ]
    made = [Side(side, calls(side, count, window), needs) for side, needs in sides]
    return Case(name, title, "calls", "calls", count, made)


def _sent(name: str, title: str, work: str, unit: str, delivery: Delivery) -> Case:
    """A case of messages over loopback."""
    sides: list[tuple[str, tuple[str, ...]]] = [
        (STOCK, ()),
        (OURS, ()),
        ("asyncio", ()),
        ("asyncio on uvloop", ("uvloop",)),
        ("stock on uvloop", ("uvloop",)),
        ("ours on uvloop", ("uvloop",)),
    ]
    made = [Side(side, sending(work, side, delivery), needs) for side, needs in sides]
    return Case(name, title, "loopback", unit, delivery.count, made)


_PEERS: Final[list[tuple[str, tuple[str, ...]]]] = [
    ("PB", ()),
    ("grpc.aio", ("grpc",)),
    ("aio-msgpack-rpc", ("aio_msgpack_rpc",)),
]

CASES: Final[Sequence[Case]] = (
    _receiving(
        "lines-64k",
        "20 bytes in chunks of 64 KiB",
        "lines",
        "LineReceiver",
        Delivery(_LINE, 100_000, 64 * KIB),
        readLine,
    ),
    _receiving(
        "lines-1400", "20 bytes in chunks of 1,400", "lines", "LineReceiver", Delivery(_LINE, 100_000, 1400), readLine
    ),
    _receiving(
        "headers", "12 of 40 bytes in each chunk", "lines", "LineReceiver", Delivery(_HEADER, 60_000, 480), readLine
    ),
    _receiving(
        "long-line",
        "1 MiB in chunks of 1,400",
        "lines",
        "LineReceiver",
        Delivery(b"x" * MIB + b"\r\n", 1, 1400),
        readLine,
    ),
    _receiving(
        "lines-only", "20 bytes in chunks of 64 KiB", "lines", "LineOnlyReceiver", Delivery(_LINE, 100_000, 64 * KIB)
    ),
    _receiving(
        "netstrings-64k",
        "18 bytes in chunks of 64 KiB",
        "netstrings",
        "NetstringReceiver",
        Delivery(_NETSTRING, 20_000, 64 * KIB),
    ),
    _receiving(
        "netstrings-1400",
        "18 bytes in chunks of 1,400",
        "netstrings",
        "NetstringReceiver",
        Delivery(_NETSTRING, 20_000, 1400),
    ),
    _receiving(
        "long-netstring",
        "16 MiB in chunks of 64 KiB",
        "netstrings",
        "NetstringReceiver",
        Delivery(b"%d:%b," % (16 * MIB, b"x" * (16 * MIB)), 1, 64 * KIB),
    ),
    _receiving(
        "int32-64k",
        "18 bytes in chunks of 64 KiB",
        "intstrings",
        "Int32StringReceiver",
        Delivery(_INT32, 100_000, 64 * KIB),
        readExactly,
    ),
    _receiving(
        "int16-1400",
        "18 bytes in chunks of 1,400",
        "intstrings",
        "Int16StringReceiver",
        Delivery(_INT16, 100_000, 1400),
    ),
    _receiving(
        "long-int32",
        "16 MiB in chunks of 64 KiB",
        "intstrings",
        "Int32StringReceiver",
        Delivery(b"\1\0\0\0" + b"x" * (16 * MIB), 1, 64 * KIB),
        readExactly,
    ),
    _amp(
        "parse",
        "AMP, parse boxes of four short keys",
        "boxes",
        "boxes",
        PARSED,
        parse,
    ),
    _amp("serialize", "AMP, serialise a box of four short keys", "boxes", "boxes", SERIALIZED, serialize),
    _amp("list", "AMP, decode ListOf(Integer()), 1,000 of them", "arguments", "lists", DECODED, listOf),
    _amp("rows", "AMP, decode AmpList, 500 rows of two", "arguments", "lists", DECODED, ampList),
    _amp("call", "AMP, call and answer, in memory", "calls", "calls", CALLED, call),
    _calling("calls-100", "AMP, calls over loopback, 100 in flight", 2000, 100, _PEERS),
    _calling("calls-1", "AMP, calls over loopback, one in flight", 500, 1, [*_PEERS, ("echo", ())]),
    _sent(
        "loopback-lines", "LineReceiver, 20 bytes, over loopback", "lines", "lines", Delivery(_LINE, 100_000, 64 * KIB)
    ),
    _sent(
        "loopback-int32",
        "Int32StringReceiver, 18 bytes, over loopback",
        "int32",
        "strings",
        Delivery(_INT32, 100_000, 64 * KIB),
    ),
)

#: The scripts in C{benchmarks} that have cases here.
GROUPS: Final = tuple(dict.fromkeys(case.group for case in CASES))


def selected(words: Sequence[str]) -> list[Case]:
    """
    Choose the cases that one of C{words} names, or in whose name, title or group it is; all where there are none.

    @raise LookupError: a word is in none.
    """
    for word in words:
        if not any(_has(case, word) for case in CASES):
            raise LookupError(f"no case has {word!r} in its name; see --list")
    return [case for case in CASES if not words or any(_has(case, word) for word in words)]


def _has(case: Case, word: str) -> bool:
    if any(word == each.name for each in CASES):
        return word == case.name
    return any(word.lower() in text.lower() for text in (case.name, case.title, case.group))
