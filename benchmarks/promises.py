"""
Measures the promises of C{docs/safety.rst} that limit times: P1, P2 and P8, on Twisted's modules
and on both builds of ours.

usage: python benchmarks/promises.py [--limit SECONDS] [WORD ...]     (only the cases whose name has
one of the words)

It runs unattended, for some minutes.  All times are processor time.  Each case runs in a separate
process.  Twisted's side stops at a limit (60 s), since some cases would take hours.  Ours is the
best of five rounds.  C{growth} is how much longer the pure build takes for twice the input, if the
time is long enough to measure that.  The promises are for the pure build on two shared cores.  The
exit status is 1 if it breaks one.
"""

from __future__ import annotations

import argparse
import gc
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MIB = 1 << 20

#: How much longer twice the input may take, and the shortest time in seconds for which that is
#: measured.
GROWTH, MEASURABLE = 2.3, 0.1

#: How many rounds to measure ours.  The rounds end early after this many seconds.
ROUNDS, ENOUGH = 5, 3.0


class Transport:
    """
    A transport that does nothing, like a plain TCP transport.  After C{loseConnection}, it reports
    that it is closing.
    """

    TLS = False
    disconnecting = False

    def write(self, data: bytes) -> None:
        """Do nothing."""

    def pauseProducing(self) -> None:
        """Do nothing."""

    resumeProducing = pauseProducing

    def startTLS(self, *options: object) -> None:
        """Do nothing."""

    def loseConnection(self) -> None:
        """Report from now on that the connection is closing."""
        self.disconnecting = True

    abortConnection = loseConnection

    def getPeer(self) -> str:
        """Return a fixed name."""
        return "nobody"

    getHost = getPeer


class Case(NamedTuple):
    """
    What to measure, and how long it may take.

    @ivar work: takes the modules and a size, and returns the function to time.
    @ivar size: the size of the input.
    @ivar promised: how many seconds it may take.
    @ivar grows: whether to measure the growth, too.
    """

    name: str
    work: Callable[[Any, int], Callable[[], object]]
    size: int
    promised: float
    grows: bool = False


def receiver(modules: Any, name: str, pauses: bool = False) -> Any:
    """Return a receiver that counts its messages."""
    base = modules.amp.BinaryBoxProtocol if name == "AMP" else getattr(modules.basic, name)

    class Counting(base):  # type: ignore[misc]
        count = 0

        if name != "AMP":
            MAX_LENGTH = 1 << 30

            def __init__(self) -> None:
                """Ignore the arguments of the base class."""

        def lineReceived(self, line: bytes) -> None:
            self.count += 1
            if pauses:
                self.pauseProducing()

        if name != "AMP":
            stringReceived = lineReceived

        def ampBoxReceived(self, box: object) -> None:
            self.lineReceived(b"")

        def startReceivingBoxes(self, sender: object) -> None:
            """Do nothing."""

    made = Counting(None) if name == "AMP" else Counting()
    if name == "AMP":
        made.boxReceiver = made
    made.makeConnection(Transport())
    return made


FRAMES: dict[str, Callable[[bytes], bytes]] = {
    "LineReceiver": lambda payload: payload + b"\r\n",
    "LineOnlyReceiver": lambda payload: payload + b"\r\n",
    "NetstringReceiver": lambda payload: b"%d:%b," % (len(payload), payload),
    "Int8StringReceiver": lambda payload: bytes([len(payload)]) + payload,
    "Int16StringReceiver": lambda payload: len(payload).to_bytes(2, "big") + payload,
    "Int32StringReceiver": lambda payload: len(payload).to_bytes(4, "big") + payload,
    "AMP": lambda payload: b"\0\1k" + len(payload).to_bytes(2, "big") + payload + b"\0\0",
}


def cut(name: str, chunk: int) -> Callable[[Any, int], Callable[[], object]]:
    """Deliver one message in chunks."""

    def prepare(modules: Any, size: int) -> Callable[[], object]:
        taking = receiver(modules, name)
        data = FRAMES[name](b"x" * size)

        def work() -> None:
            for at in range(0, len(data), chunk):
                taking.dataReceived(data[at : at + chunk])
            assert taking.count == 1

        return work

    return prepare


def empty(name: str) -> Callable[[Any, int], Callable[[], object]]:
    """Deliver empty messages, C{size} bytes in total, in one chunk."""

    def prepare(modules: Any, size: int) -> Callable[[], object]:
        taking = receiver(modules, name)
        frame = FRAMES[name](b"")
        data = frame * (size // len(frame))

        def work() -> None:
            taking.dataReceived(data)
            assert taking.count == size // len(frame)

        return work

    return prepare


def backlog(name: str, payload: int, each: bool) -> Callable[[Any, int], Callable[[], object]]:
    """
    Deliver messages that arrived while the receiver was paused: all at once, or one each time the
    receiver resumes.
    """

    def prepare(modules: Any, size: int) -> Callable[[], object]:
        taking = receiver(modules, name, each)
        frame = FRAMES[name](b"x" * payload)
        count = size // len(frame)
        data = frame * count
        taking.pauseProducing()
        for at in range(0, len(data), 65536):
            taking.dataReceived(data[at : at + 65536])

        def work() -> None:
            for _ in range(count if each else 1):
                taking.resumeProducing()
            assert taking.count == count

        return work

    return prepare


def box(*pairs: tuple[bytes, bytes]) -> bytes:
    """Serialise a box."""
    return b"".join(
        len(key).to_bytes(2, "big") + key + len(value).to_bytes(2, "big") + value for key, value in pairs
    ) + bytes(2)


def ask(command: bytes, *pairs: tuple[bytes, bytes]) -> bytes:
    """Serialise a box that asks."""
    return box((b"_ask", b"1"), (b"_command", command), *pairs)


#: The frames that cause the most work, with which one read of a connection may be filled.
READS: dict[str, bytes] = {
    "calls": ask(b"Nothing"),
    "unknown commands": ask(b"x"),
    "bad arguments": ask(b"Numbers", (b"numbers", b"\0\1x")),
    "lists of numbers": ask(b"Numbers", (b"numbers", b"\0\0011" * 10_000)),
    "long numbers": ask(b"Numbers", (b"numbers", b"\x10\0" + b"9" * 4096)),
    "very long numbers": ask(b"Numbers", (b"numbers", b"\xe0\0" + b"9" * 0xE000)),
    "keys": b"".join(b"\0\2%b\0\0" % number.to_bytes(2, "big") for number in range(4000)) + bytes(2),
    "answers to nothing": box((b"_answer", b"7")),
    "errors to nothing": box((b"_error", b"7")),
    "empty boxes": bytes(2),
    "calls of StartTLS": ask(b"StartTLS"),
    "calls that fail": ask(b"Fails"),
}


def read(what: str) -> Callable[[Any, int], Callable[[], object]]:
    """Deliver one read that is full of one kind of frame."""

    def prepare(modules: Any, size: int) -> Callable[[], object]:
        amp = modules.amp

        class Nothing(amp.Command):  # type: ignore[misc]
            pass

        class Numbers(amp.Command):  # type: ignore[misc]
            arguments = [(b"numbers", amp.ListOf(amp.Integer()))]

        class Fails(amp.Command):  # type: ignore[misc]
            errors = {ValueError: b"FAILS"}

        class Peer(amp.AMP):  # type: ignore[misc]
            logConnections = False
            unknownErrorsAreFatal = False

            @Nothing.responder
            def nothing(self) -> dict[str, object]:
                return {}

            @Numbers.responder
            def take(self, numbers: object) -> dict[str, object]:
                return {}

            @Fails.responder
            def fail(self) -> dict[str, object]:
                raise ValueError("as planned")

        peer = Peer()
        peer.makeConnection(Transport())
        frame = READS[what]
        data = (frame * (size // len(frame) + 1))[:size]

        def work() -> None:
            try:
                peer.dataReceived(data)
            except (amp.AmpError, KeyError):
                pass  # an answer to no ask: Twisted closes the connection

        return work

    return prepare


LONG = 16_000_000
BOUNDS = {1: 10.0, 100: 0.5, 1400: 0.2, 65536: 0.1}
LONGS = ["LineReceiver", "LineOnlyReceiver", "NetstringReceiver", "Int32StringReceiver"]
PAUSING = ["LineReceiver", "Int8StringReceiver", "Int16StringReceiver", "Int32StringReceiver", "AMP"]

CASES = [
    *(
        Case(f"P1 {name}, 16 MB in chunks of {chunk:,}", cut(name, chunk), LONG, promised, True)
        for chunk, promised in BOUNDS.items()
        for name in LONGS
    ),
    *(Case(f"P2 {name}, 4 MiB of empty messages", empty(name), 4 * MIB, 2.5, True) for name in FRAMES),
    *(
        Case(f"P2 {name}, a backlog of 2 MiB, resumed", backlog(name, 20, False), 2 * MIB, 1.0, True)
        for name in PAUSING
    ),
    *(
        Case(f"P2 {name}, the same, 250 bytes at a time", backlog(name, 250, True), 2 * MIB, 1.0, True)
        for name in PAUSING
    ),
    *(Case(f"P8 64 KiB of {what}", read(what), 65536, 0.25) for what in READS),
]


class Sides(NamedTuple):
    """The modules of one side."""

    basic: Any
    amp: Any


def measure(case: Case, side: str) -> None:
    """
    Do the work and print how long it took, and how long half of it took.  This runs in a separate
    process.
    """
    from twisted.logger import globalLogBeginner, textFileLogObserver

    log = textFileLogObserver(io.StringIO())  # writing the log takes time as well
    globalLogBeginner.beginLoggingTo([log], redirectStandardIO=False)
    if side == "stock":
        from twisted.protocols import amp, basic
    else:
        from twisted_basic_ng import amp, basic  # type: ignore[no-redef]
    modules = Sides(basic, amp)
    sizes = [case.size, case.size // 2] if case.grows and side != "stock" else [case.size]
    print(*(seconds(case, modules, size, 1 if side == "stock" else ROUNDS) for size in sizes))


def seconds(case: Case, modules: Any, size: int, rounds: int) -> float:
    """Return the processor time of C{case}: the best of some rounds, unless they take long."""
    times: list[float] = []
    while len(times) < rounds and sum(times) < ENOUGH:
        work = case.work(modules, size)
        gc.collect()
        begun = process_time()
        work()
        times.append(process_time() - begun)
    return min(times)


def run(case: Case, side: str, limit: float) -> list[float]:
    """
    Measure in a separate process.  Return an empty list if Twisted's side exceeds C{limit}, or ours
    ten times C{limit}.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TWISTED_BASIC_NG_PURE": "1" if side == "pure" else "0"}
    environment.pop("TWISTED_BASIC_NG_SWAP", None)
    try:
        done = subprocess.run(
            [sys.executable, __file__, "--measure", side, case.name],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            timeout=limit if side == "stock" else 10 * limit,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return []
    return [float(each) for each in done.stdout.split()]


def show(times: list[float], limit: float) -> str:
    """Format a time."""
    return f"{times[0]:.3f}" if times else f"> {limit:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    parser.add_argument("--limit", type=float, default=60.0)
    parser.add_argument("--measure", choices=["stock", "pure", "ext"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(next(case for case in CASES if case.name == options.words[0]), options.measure)
        return 0
    broken = 0
    print(f"{'seconds':58} {'promised':>8} {'Twisted':>9} {'pure':>9} {'extension':>9} {'growth':>6}", flush=True)
    for case in CASES:
        if options.words and not any(word in case.name for word in options.words):
            continue
        stock, pure, ext = (run(case, side, options.limit) for side in ("stock", "pure", "ext"))
        growth = pure[0] / pure[1] if len(pure) > 1 and pure[0] > MEASURABLE else None
        isKept = bool(pure) and pure[0] <= case.promised and (growth is None or growth <= GROWTH)
        broken += not isKept
        shown = " ".join(f"{show(each, options.limit):>9}" for each in (stock, pure, ext))
        factor = "" if growth is None else f"{growth:.1f}"
        print(f"{case.name:58} {case.promised:8g} {shown} {factor:>6} {'' if isKept else '  BROKEN'}", flush=True)
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
