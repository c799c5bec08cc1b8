"""
How the work grows with the input: each input is doubled, and who is linear works twice as long.

usage: python benchmarks/programs/growth.py [--from KIB] [--to KIB] [--seconds S] [--json FILE] [WORD ...]

With words, only the cases that have one in their names.  Each receiver of C{basic}, AMP and the data connection of FTP
get 32 KiB of an input, then 64, and so on, in chunks of 1,400 bytes where nothing else is said; what is timed is the
processor's time in C{dataReceived}, the least of up to five runs.  A side that took longer than S seconds gets no
larger input.  Every run checks that all was delivered.

C{exponent} is the slope of the curve on scales of powers, over all sizes: 1 is linear, 2 quadratic.  C{doubling} is how
many times as long the largest input took as the one of half its size.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from measuring import builds, environmentOf, interpreter, save

PACKAGES = {"stock": "twisted.protocols", "ours": "twisted_basic_ng"}
CHUNK = 1400

#: What no run comes near to, and so no limit strikes.
LIMIT = 1 << 40


class Transport:
    """Does nothing, but remembers whether it is paused."""

    TLS = False
    disconnecting = False
    paused = False

    def pauseProducing(self) -> None:
        """Wait."""
        self.paused = True

    def resumeProducing(self) -> None:
        """Wait no more."""
        self.paused = False

    def write(self, data: bytes) -> None:
        """Nothing."""

    def loseConnection(self) -> None:
        """Nothing; whoever is dropped too early fails the check of what was delivered."""

    def getPeer(self) -> str:
        """Nobody."""
        return "nobody"

    abortConnection = loseConnection
    writeSequence = write
    getHost = getPeer


class Counted:
    """
    Counts what is delivered.

    @ivar each: is called after each message.
    """

    def __init__(self) -> None:
        self.count = 0
        self.size = 0
        self.each: Callable[[], object] | None = None

    def take(self, message: bytes) -> None:
        """Take a message."""
        self.count += 1
        self.size += len(message)
        if self.each is not None:
            self.each()


class Ready(NamedTuple):
    """
    A connection and what it will get.

    @ivar run: does all that is timed.
    @ivar delivered: how much of what there is to deliver came out, once it was run.
    @ivar expected: how much there is.
    """

    run: Callable[[], object]
    delivered: Callable[[], int]
    expected: int


class Case(NamedTuple):
    """
    A kind of input.

    @ivar ready: given a package's name and a size in bytes, prepares a run.
    """

    name: str
    ready: Callable[[str, int], Ready]


def cut(data: bytes) -> list[bytes]:
    """Make chunks."""
    return [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]


# The receivers.  Each message is written by a function of its payload.

Frame = Callable[[bytes], bytes]

FRAMES: dict[str, Frame] = {
    "LineReceiver": lambda payload: payload + b"\r\n",
    "LineOnlyReceiver": lambda payload: payload + b"\r\n",
    "NetstringReceiver": lambda payload: b"%d:%s," % (len(payload), payload),
    "Int8StringReceiver": lambda payload: len(payload).to_bytes(1, "big") + payload,
    "Int16StringReceiver": lambda payload: len(payload).to_bytes(2, "big") + payload,
    "Int32StringReceiver": lambda payload: len(payload).to_bytes(4, "big") + payload,
}
LONG = ("LineReceiver", "LineOnlyReceiver", "NetstringReceiver", "Int32StringReceiver")
PAUSEABLE = ("LineReceiver", "Int8StringReceiver", "Int16StringReceiver", "Int32StringReceiver")


def connected(package: str, name: str) -> tuple[Any, Counted]:
    """Make a receiver that is connected, and what counts."""
    counted = Counted()

    class Counting(getattr(import_module(package + ".basic"), name)):  # type: ignore[misc]
        MAX_LENGTH = LIMIT
        lineReceived = stringReceived = staticmethod(counted.take)

    receiver = Counting()
    receiver.makeConnection(Transport())
    return receiver, counted


def fed(receiver: Any, chunks: Sequence[bytes]) -> Callable[[], None]:
    """Prepare to give it these chunks."""

    def run() -> None:
        for chunk in chunks:
            receiver.dataReceived(chunk)

    return run


def short(name: str, size: int) -> tuple[bytes, int]:
    """Write messages of 20 bytes; tell how many they are."""
    message = FRAMES[name](b"x" * 20)
    count = size // len(message)
    return message * count, count


def chunked(name: str) -> Case:
    """Short messages, as a network brings them."""

    def ready(package: str, size: int) -> Ready:
        receiver, counted = connected(package, name)
        data, count = short(name, size)
        return Ready(fed(receiver, cut(data)), lambda: counted.count, count)

    return Case(f"{name}, short messages", ready)


def atOnce(name: str) -> Case:
    """The same in one chunk, as after a pause."""

    def ready(package: str, size: int) -> Ready:
        receiver, counted = connected(package, name)
        data, count = short(name, size)
        return Ready(fed(receiver, [data]), lambda: counted.count, count)

    return Case(f"{name}, short messages in one chunk", ready)


def oneMessage(name: str) -> Case:
    """One long message."""

    def ready(package: str, size: int) -> Ready:
        receiver, counted = connected(package, name)
        return Ready(fed(receiver, cut(FRAMES[name](b"x" * size))), lambda: counted.size, size)

    return Case(f"{name}, one message", ready)


def whilePaused(name: str) -> Case:
    """What comes while it is paused, and is delivered once it is resumed."""

    def ready(package: str, size: int) -> Ready:
        receiver, counted = connected(package, name)
        data, count = short(name, size)
        feed = fed(receiver, cut(data))

        def run() -> None:
            receiver.pauseProducing()
            feed()
            receiver.resumeProducing()

        return Ready(run, lambda: counted.count, count)

    return Case(f"{name}, short messages while paused", ready)


def pausing(name: str) -> Case:
    """All in one chunk, to a callback that pauses at each message."""

    def ready(package: str, size: int) -> Ready:
        receiver, counted = connected(package, name)
        data, count = short(name, size)
        counted.each = receiver.pauseProducing

        def run() -> None:
            receiver.dataReceived(data)
            while receiver.paused:
                receiver.resumeProducing()

        return Ready(run, lambda: counted.count, count)

    return Case(f"{name}, a pause at each message", ready)


def rawMode() -> Case:
    """Raw data."""

    def ready(package: str, size: int) -> Ready:
        receiver, counted = connected(package, "LineReceiver")
        receiver.rawDataReceived = counted.take
        receiver.setRawMode()
        return Ready(fed(receiver, cut(bytes(size))), lambda: counted.size, size)

    return Case("LineReceiver, raw data", ready)


# AMP.


def box(*pairs: tuple[bytes, bytes]) -> bytes:
    """Write a box."""
    strings = (string for pair in pairs for string in pair)
    return b"".join(len(string).to_bytes(2, "big") + string for string in strings) + b"\0\0"


def boxes(package: str) -> tuple[Any, Counted]:
    """Make what reads boxes, and counts their values."""
    counted = Counted()

    class Boxes:
        def startReceivingBoxes(self, sender: object) -> None:
            """Nothing."""

        stopReceivingBoxes = startReceivingBoxes

        def ampBoxReceived(self, received: dict[bytes, bytes]) -> None:
            """Count."""
            for value in received.values():
                counted.take(value)

    protocol = import_module(package + ".amp").BinaryBoxProtocol(Boxes())
    protocol.makeConnection(Transport())
    return protocol, counted


def manyBoxes(at: str, arrange: Callable[[bytes], list[bytes]]) -> Case:
    """Boxes of three short keys."""

    def ready(package: str, size: int) -> Ready:
        protocol, counted = boxes(package)
        one = box((b"_answer", b"1"), (b"name", b"x" * 20), (b"count", b"123"))
        return Ready(fed(protocol, arrange(one * (size // len(one)))), lambda: counted.count, size // len(one) * 3)

    return Case(f"AMP, boxes{at}", ready)


def oneBox() -> Case:
    """One box of many keys."""

    def ready(package: str, size: int) -> Ready:
        protocol, counted = boxes(package)
        value = bytes(8192)  # the least size that there is a key for
        data = box(*((b"key %d" % number, value) for number in range(size // len(value))))
        return Ready(fed(protocol, cut(data)), lambda: counted.size, size)

    return Case("AMP, one box of many keys", ready)


def calls() -> Case:
    """Calls that are answered at once."""

    def ready(package: str, size: int) -> Ready:
        amp = import_module(package + ".amp")
        counted = Counted()

        class Put(amp.Command):  # type: ignore[misc]
            arguments = [(b"text", amp.String())]

        class Peer(amp.AMP):  # type: ignore[misc]
            @Put.responder
            def put(self, text: bytes) -> dict[str, Any]:
                counted.take(text)
                return {}

        peer = Peer()
        peer.makeConnection(Transport())
        one = box((b"_ask", b"1"), (b"_command", b"Put"), (b"text", b"x" * 20))
        return Ready(fed(peer, cut(one * (size // len(one)))), lambda: counted.count, size // len(one))

    return Case("AMP, calls that are answered at once", ready)


# FTP.


class Upload(Counted):
    """Takes an upload."""

    write = Counted.take

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Begin."""

    def unregisterProducer(self) -> None:
        """End."""


def upload(pauses: bool) -> Case:
    """An upload; to a consumer that pauses at each chunk, or to one that does not."""

    def ready(package: str, size: int) -> Ready:
        protocol = import_module(package + ".ftp").DTP()
        protocol.factory = _Factory()
        transport, consumer = Transport(), Upload()
        protocol.makeConnection(transport)
        protocol.registerConsumer(consumer)
        if pauses:
            consumer.each = protocol.pauseProducing

        def run() -> None:
            for chunk in cut(bytes(size)):
                protocol.dataReceived(chunk)
                if transport.paused:
                    protocol.resumeProducing()

        return Ready(run, lambda: consumer.size, size)

    return Case("FTP, an upload to a consumer that pauses at each chunk" if pauses else "FTP, an upload", ready)


class _Factory:
    """What a data connection asks of its factory."""

    class deferred:
        """Nobody waits for the connection."""

        @staticmethod
        def callback(result: object) -> None:
            """Nothing."""


def listing() -> Case:
    """A listing."""

    def ready(package: str, size: int) -> Ready:
        protocol = import_module(package + ".ftp").DTP()
        protocol.factory = _Factory()
        sent = Counted()
        transport = Transport()
        transport.write = sent.take  # type: ignore[method-assign]
        protocol.makeConnection(transport)
        line = b"x" * 60
        count = size // 62

        def run() -> None:
            for _ in range(count):
                protocol.sendLine(line)

        return Ready(run, lambda: sent.size, count * 62)

    return Case("FTP, a listing", ready)


CASES = [
    *map(chunked, FRAMES),
    *map(atOnce, FRAMES),
    *map(oneMessage, LONG),
    *map(whilePaused, PAUSEABLE),
    *map(pausing, PAUSEABLE),
    rawMode(),
    manyBoxes("", cut),
    manyBoxes(" in one chunk", lambda data: [data]),
    oneBox(),
    calls(),
    upload(False),
    upload(True),
    listing(),
]


# The measurement.


def timed(case: Case, package: str, size: int) -> float:
    """Run it once, and return the seconds that the processor worked."""
    ready = case.ready(package, size)
    gc.collect()
    gc.disable()
    try:
        begun = time.process_time()
        ready.run()
        taken = time.process_time() - begun
    finally:
        gc.enable()
    if ready.delivered() != ready.expected:
        raise RuntimeError(f"{case.name}: {ready.delivered()} of {ready.expected} came out of {package}")
    return taken


def curve(case: Case, package: str, sizes: Sequence[int], most: float) -> list[float]:
    """Time each size until one takes too long."""
    timed(case, package, sizes[0])  # what is done once is done now
    found: list[float] = []
    for size in sizes:
        least = timed(case, package, size)
        for _ in range(4 if least < most / 5 else 1):
            least = min(least, timed(case, package, size))
        found.append(least)
        if least > most:
            break
    return found


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float | None:
    """The slope on scales of powers, by least squares; C{None} of a single point."""
    points = [(math.log(size), math.log(each)) for size, each in zip(sizes, seconds, strict=False)]
    across, up = (sum(each) / len(points) for each in zip(*points, strict=True))
    spread = sum((x - across) ** 2 for x, _ in points)
    return sum((x - across) * (y - up) for x, y in points) / spread if spread else None


def chosen(words: Sequence[str]) -> Iterator[Case]:
    """The cases that have one of the words, or all."""
    return (case for case in CASES if not words or any(word in case.name for word in words))


def curvesOf(side: str, build: str, words: Sequence[str], sizes: Sequence[int], most: float) -> dict[str, list[float]]:
    """Have a process time all cases."""
    command = interpreter(__file__, "--child", PACKAGES[side], json.dumps(sizes), most, *words)
    done = subprocess.run(command, env=environmentOf(build), stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, list[float]] = json.loads(done.stdout)
    return found


def summed(name: str, side: str, build: str, sizes: Sequence[int], seconds: Sequence[float]) -> dict[str, Any]:
    """Sum up one curve."""
    doubling = seconds[-1] / seconds[-2] if len(seconds) > 1 else None
    more = {"exponent": exponent(sizes, seconds), "doubling": doubling}
    return {"case": name, "side": side, "build": build, "sizes": sizes[: len(seconds)], "seconds": seconds, **more}


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print the curves as a table."""
    print(f"{'growth':58} {'side':>5} {'build':>5} {'largest':>9} {'took':>11} {'exponent':>9} {'doubling':>9}")
    for each in rows:
        numbers = ("" if each[key] is None else f"{each[key]:.2f}" for key in ("exponent", "doubling"))
        largest = f"{each['sizes'][-1] // 1024:,} KiB"
        took = f"{each['seconds'][-1] * 1000:,.2f} ms"
        print(
            f"{each['case']:58} {each['side']:>5} {each['build']:>5} {largest:>9} {took:>11}",
            *map("{:>9}".format, numbers),
        )


def main(arguments: Sequence[str]) -> None:
    """Measure, and print."""
    if arguments[:1] == ["--child"]:
        if sys.implementation.name == "cpython":
            gc.freeze()  # the imported modules need not be looked at again before each run
        package, sizes, most, *words = arguments[1:]
        curves = {case.name: curve(case, package, json.loads(sizes), float(most)) for case in chosen(words)}
        print(json.dumps(curves))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--from", type=int, default=32, dest="least", metavar="KIB")
    parser.add_argument("--to", type=int, default=2048, dest="largest", metavar="KIB")
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args(arguments)
    steps = int(math.log2(options.largest / options.least))
    doubled = [options.least * 1024 << step for step in range(steps + 1)]
    sides = [("stock", "pure"), *(("ours", build) for build in builds())]
    found = {side: curvesOf(*side, options.words, doubled, options.seconds) for side in sides}
    rows = [
        summed(case.name, *side, doubled, found[side][case.name]) for case in chosen(options.words) for side in sides
    ]
    show(rows)
    save(options.json, "growth", rows)


if __name__ == "__main__":
    main(sys.argv[1:])
