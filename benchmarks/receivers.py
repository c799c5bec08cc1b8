"""
The receivers against Twisted's, on the same bytes, in one process, in turn.

usage: python benchmarks/receivers.py [--rounds N] [WORD ...]     (only the cases whose name has one of the words)

Each round times Twisted's class and then ours; the ratio is the median of the rounds' own ratios.  The callback does
nothing.  C{TWISTED_BASIC_NG_PURE=1} measures the pure build.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from twisted.protocols import basic as stock

from twisted_basic_ng import basic as ours, status


class Case(NamedTuple):
    """
    What to deliver.

    @ivar chunks: made anew for the case: what C{dataReceived} is given.
    @ivar messages: how many messages that is.
    """

    name: str
    receiver: str
    chunks: Callable[[], list[bytes]]
    messages: int
    limit: int = 99999


class Transport:
    """Does nothing, as plainly as a TCP transport."""

    TLS = False
    disconnecting = False


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


LINE = b"x" * 20 + b"\r\n"
NETSTRING = b"18:" + b"x" * 18 + b","
INT32 = b"\0\0\0\x12" + b"x" * 18
INT16 = b"\0\x12" + b"x" * 18
MIB = 1 << 20

CASES = [
    Case("LineReceiver, 20 bytes in 64 KiB", "LineReceiver", lambda: cut(LINE * 100_000, 65536), 100_000),
    Case("LineReceiver, 20 bytes in 1,400", "LineReceiver", lambda: cut(LINE * 100_000, 1400), 100_000),
    Case("LineReceiver, 12 lines of 40", "LineReceiver", lambda: [(b"h" * 38 + b"\r\n") * 12] * 5000, 60_000),
    Case("LineReceiver, a line of 1 MiB in 1,400", "LineReceiver", lambda: cut(b"x" * MIB + b"\r\n", 1400), 1, MIB),
    Case("LineOnlyReceiver, 20 bytes in 64 KiB", "LineOnlyReceiver", lambda: cut(LINE * 100_000, 65536), 100_000),
    Case("NetstringReceiver, 18 bytes in 64 KiB", "NetstringReceiver", lambda: cut(NETSTRING * 50_000, 65536), 50_000),
    Case("NetstringReceiver, 18 bytes in 1,400", "NetstringReceiver", lambda: cut(NETSTRING * 50_000, 1400), 50_000),
    Case(
        "NetstringReceiver, 16 MiB in 64 KiB",
        "NetstringReceiver",
        lambda: cut(b"16777216:" + b"x" * (16 * MIB) + b",", 65536),
        1,
        16 * MIB,
    ),
    Case(
        "Int32StringReceiver, 18 bytes in 64 KiB", "Int32StringReceiver", lambda: cut(INT32 * 100_000, 65536), 100_000
    ),
    Case("Int16StringReceiver, 18 bytes in 1,400", "Int16StringReceiver", lambda: cut(INT16 * 100_000, 1400), 100_000),
    Case(
        "Int32StringReceiver, 16 MiB in 64 KiB",
        "Int32StringReceiver",
        lambda: cut(b"\1\0\0\0" + b"x" * (16 * MIB), 65536),
        1,
        16 * MIB,
    ),
]


def nanoseconds(module: Any, case: Case, chunks: list[bytes]) -> float:
    """Deliver once; return the time for each message."""

    class Receiver(getattr(module, case.receiver)):  # type: ignore[misc]
        MAX_LENGTH = case.limit

        def lineReceived(self, line: bytes) -> None:
            """Nothing."""

        stringReceived = lineReceived

    receiver = Receiver()
    receiver.makeConnection(Transport())
    begun = time.perf_counter()
    for chunk in chunks:
        receiver.dataReceived(chunk)
    return (time.perf_counter() - begun) / case.messages * 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    print(status())
    print(f"{'':44} {'Twisted':>14} {'ours':>14} {'ratio':>8}   (ns a message)")
    for case in CASES:
        if options.words and not any(word in case.name for word in options.words):
            continue
        chunks = case.chunks()
        rounds = [(nanoseconds(stock, case, chunks), nanoseconds(ours, case, chunks)) for _ in range(options.rounds)]
        theirs, own = (statistics.median(each) for each in zip(*rounds, strict=True))
        ratio = statistics.median(one / other for one, other in rounds)
        print(f"{case.name:44} {theirs:14,.0f} {own:14,.0f} {ratio:7.2f}x")


if __name__ == "__main__":
    main()
