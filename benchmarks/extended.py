"""
Measures what AMP's features beyond Twisted's cost if they are enabled but unused, and how fast a
value of 1 MiB is.

usage: python benchmarks/extended.py [--rounds N]

Everything runs in memory, in this process.  In each round the sides run in a random order, and the
medians are compared, because the machine may be busy with other work.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from twisted_basic_ng import amp  # noqa: E402 - from beside this file, also without an installation
from twisted_basic_ng.basic import Int32StringReceiver  # noqa: E402

#: How many calls a round makes, and the size of each chunk that arrives, in bytes.
CALLS, CHUNK = 50, 65_536

VALUE = b"x" * 2**20


class Add(amp.Command):
    """Adds two numbers."""

    arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
    response = [(b"total", amp.Integer())]


class Put(amp.Command):
    """Accepts a value."""

    arguments = [(b"data", amp.String())]


class Peer(amp.AMP):
    """One end of the connection."""

    logConnections = False

    @Add.responder
    def add(self, a: int, b: int) -> dict[str, int]:
        return {"total": a + b}

    @Put.responder
    def put(self, data: bytes) -> dict[str, Any]:
        return {}


class Receiver(Int32StringReceiver):
    """Receives strings."""

    def stringReceived(self, string: bytes) -> None:
        """Discard the string."""


class Wire:
    """A transport that buffers the written bytes until they are delivered."""

    disconnecting = False

    def __init__(self) -> None:
        self.kept: list[bytes] = []
        self.write = self.kept.append

    def carry(self, receiver: Any) -> None:
        """Deliver the buffered bytes, in chunks."""
        data = b"".join(self.kept)
        self.kept.clear()
        for start in range(0, len(data), CHUNK):
            receiver.dataReceived(data[start : start + CHUNK])


def pair(isExtended: bool) -> tuple[Peer, Peer, Callable[[], None]]:
    """Return two connected ends, and a function that delivers the bytes that they have written."""
    ends, wires = (Peer(), Peer()), (Wire(), Wire())
    for end, wire in zip(ends, wires, strict=True):
        end.extended = isExtended
        end.makeConnection(wire)

    def carry() -> None:
        while wires[0].kept or wires[1].kept:
            wires[0].carry(ends[1])
            wires[1].carry(ends[0])

    return (*ends, carry)


def calls(isExtended: bool) -> Callable[[], None]:
    """Make some calls, one after the other."""
    client, _, carry = pair(isExtended)

    def run() -> None:
        for number in range(CALLS):
            client.callRemote(Add, a=number, b=13)
            carry()

    return run


def value() -> Callable[[], None]:
    """Send a large value as an argument."""
    client, _, carry = pair(True)

    def run() -> None:
        client.callRemote(Put, data=VALUE)
        carry()

    return run


def string() -> Callable[[], None]:
    """Send the same bytes as one string."""
    sender, receiver, wire = Int32StringReceiver(), Receiver(), Wire()
    receiver.MAX_LENGTH = 2 * len(VALUE)
    sender.makeConnection(wire)  # type: ignore[arg-type]
    receiver.makeConnection(Wire())  # type: ignore[arg-type]

    def run() -> None:
        sender.sendString(VALUE)
        wire.carry(receiver)

    return run


def compare(rounds: int, *runs: Callable[[], None]) -> list[float]:
    """Run each function C{rounds} times.  Return the median time of each, in seconds."""
    taken: dict[int, list[float]] = {number: [] for number in range(len(runs))}
    for run in runs:
        run()
    for _ in range(rounds):
        for number in random.sample(range(len(runs)), len(runs)):
            start = perf_counter()
            runs[number]()
            taken[number].append(perf_counter() - start)
    return [median(each) for each in taken.values()]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1000)
    rounds = parser.parse_args().rounds
    off, on = compare(rounds, calls(False), calls(True))
    print(f"a call: {off / CALLS * 1e6:.2f} us off, {on / CALLS * 1e6:.2f} us on and unused, ratio {on / off:.3f}")
    asString, asValue = compare(max(rounds // 10, 1), string(), value())
    print(
        f"1 MiB: {asString * 1e3:.2f} ms as a string, {asValue * 1e3:.2f} ms as a value, ratio {asValue / asString:.2f}"
    )


if __name__ == "__main__":
    main()
