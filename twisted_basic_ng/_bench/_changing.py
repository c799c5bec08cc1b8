"""
Applications that change something at each message: what a receiver found ahead may then be worth nothing.

Each is measured with its messages in chunks, and with messages that were kept while the receiver was paused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from math import isqrt
from time import perf_counter
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

from ._sides import Prepare, Run, WorkError

__all__ = ["CHANGES", "Change", "Load", "changing", "inChunks", "kept"]

#: How many bytes come at once.
CHUNK: Final = 1 << 16

#: How many messages make the time of a run worth something.
ENOUGH: Final = 4096


class Transport:
    """Does nothing, as plainly as a TCP transport; paused, it goes on to deliver what it has."""

    TLS = False
    disconnecting = False

    def write(self, data: bytes) -> None:
        """Nothing."""

    def loseConnection(self) -> None:
        """Nothing."""

    pauseProducing = resumeProducing = loseConnection

    def getPeer(self) -> str:
        """Name nobody."""
        return "nobody"

    getHost = getPeer


#: Makes the class of an application of the class of a receiver.
Application = Callable[[Any], Any]


def _applied(change: Callable[[Any], object]) -> Application:
    """Make an application that counts each message and then does C{change} to its receiver."""

    def application(base: Any) -> Any:
        class Changing(base):  # type: ignore[misc]
            count = 0

            def lineReceived(self, line: bytes) -> object:
                self.count += 1
                return change(self)

            stringReceived = lineReceived

        return Changing

    return application


def _turning(base: Any) -> Any:
    """Make an application that expects the ends C{\\r\\n} and C{\\n} in turn."""

    class Turning(base):  # type: ignore[misc]
        count = 0

        def lineReceived(self, line: bytes) -> None:
            self.count += 1
            self.delimiter = b"\n" if self.count & 1 else b"\r\n"

    return Turning


def _limiting(base: Any) -> Any:
    """Make an application that changes its limit."""

    class Limiting(base):  # type: ignore[misc]
        count = 0

        def lineReceived(self, line: bytes) -> None:
            self.count += 1
            self.MAX_LENGTH = 70_000 + (self.count & 1)

        stringReceived = lineReceived

    return Limiting


def _requests(base: Any) -> Any:
    """Make an application that takes requests with bodies, as HTTP's are."""

    class Requests(base):  # type: ignore[misc]
        count = 0
        missing = 0

        def lineReceived(self, line: bytes) -> None:
            if line.startswith(b"Content-Length: "):
                self.missing = int(line[16:])
            elif not line:
                self.setRawMode()
                self.count += 1

        def rawDataReceived(self, data: bytes) -> None:
            missing = self.missing
            self.missing = missing - len(data[:missing])
            if not self.missing:
                self.setLineMode(data[missing:])

    return Requests


def _pausingBoxes(base: Any) -> Any:
    """Make an application that takes boxes of AMP's, and pauses at each."""

    class Boxes(base):  # type: ignore[misc]
        count = 0

        def __init__(self) -> None:
            super().__init__(self)

        def startReceivingBoxes(self, sender: object) -> None:
            """Nothing."""

        def ampBoxReceived(self, box: object) -> None:
            self.count += 1
            self.pauseProducing()

    return Boxes


def _cache(base: Any) -> Any:
    """Make Twisted's own client of memcached, which asked before anything is timed."""

    class Cache(base):  # type: ignore[misc]
        count = 0

        def expect(self, count: int) -> None:
            """Ask for C{count} values."""
            self.persistentTimeOut = None
            for _ in range(count):
                self.get(b"key").addCallback(self.counted)

        def counted(self, value: object) -> None:
            self.count += 1

    return Cache


def _resume(receiver: Any) -> None:
    """Resume it, from outside, until nothing is left."""
    while receiver.paused:
        receiver.resumeProducing()


def _goOn(receiver: Any) -> None:
    """Have it go on, from outside, until nothing is left."""
    before = -1
    while before != receiver.count:
        before = receiver.count
        receiver.dataReceived(b"")


def _line(size: int) -> bytes:
    return b"x" * size + b"\r\n"


def _lineOfEach(size: int) -> bytes:
    return b"x" * size + b"\r\n" + b"x" * size + b"\n"


def _netstring(size: int) -> bytes:
    return b"%d:%b," % (size, b"x" * size)


def _string(width: int) -> Callable[[int], bytes]:
    return lambda size: size.to_bytes(width, "big") + b"x" * size


def _request(size: int) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * size)


def _value(size: int) -> bytes:
    return b"VALUE key 0 %d\r\n%b\r\nEND\r\n" % (size, b"x" * size)


def _box(size: int) -> bytes:
    return b"\0\1k" + size.to_bytes(2, "big") + b"x" * size + b"\0\0"


@dataclass(frozen=True)
class Change:
    """
    What an application changes at each message.

    @ivar name: how a command line names it.
    @ivar title: what is done, for people.
    @ivar receiver: the class of the receiver.
    @ivar application: makes the application of it.
    @ivar frame: writes messages that carry so many bytes each.
    @ivar many: how many messages that are.
    @ivar goOn: has it go on from outside, where it stopped; C{None} where it does not stop.
    @ivar pauses: can it be paused, and keeps what comes then?
    @ivar copies: does each message ask for a copy of everything that is undelivered?
    """

    name: str
    title: str
    receiver: str
    application: Application
    frame: Callable[[int], bytes]
    many: int = 1
    goOn: Callable[[Any], None] | None = None
    pauses: bool = True
    copies: bool = False

    def made(self, module: ModuleType) -> Any:
        """Make the class of the application, from the receivers of C{module}."""
        return self.application(
            _memcache(module) if self.receiver == "MemCacheProtocol" else getattr(module, self.receiver)
        )


def _memcache(basic: ModuleType) -> Any:
    """Make Twisted's C{MemCacheProtocol}, with the receiver of C{basic} for a base."""
    spec = find_spec("twisted.protocols.memcache")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    with patch.dict(sys.modules, {"twisted.protocols.basic": basic}):
        spec.loader.exec_module(module)
    return module.MemCacheProtocol


def _pause(receiver: Any) -> None:
    receiver.pauseProducing()


def _read(name: str) -> Callable[[Any], None]:
    def read(receiver: Any) -> None:
        getattr(receiver, name)

    return read


def _assign(name: str) -> Callable[[Any], None]:
    def assign(receiver: Any) -> None:
        if receiver.count > receiver.expected:
            raise WorkError("what was delivered is delivered again")
        setattr(receiver, name, getattr(receiver, name))

    return assign


def _takeBack(receiver: Any) -> None:
    receiver.dataReceived(receiver.clearLineBuffer())


def _looks(prefix: str, receiver: str, frame: Callable[[int], bytes], *names: str) -> list[Change]:
    """List the looks at what is undelivered, by name."""
    pauses = receiver not in ("LineOnlyReceiver", "NetstringReceiver")
    return [
        Change(
            f"{prefix}-{verb}-{name.lstrip('_')}",
            f"{receiver}, {name} {verb}",
            receiver,
            _applied(do(name)),
            frame,
            pauses=pauses,
            copies=True,
        )
        for name in names
        for verb, do in (("read", _read), ("assign", _assign))
    ]


_INTS: Final = [("Int8StringReceiver", 1), ("Int16StringReceiver", 2), ("Int32StringReceiver", 4)]

CHANGES: Final = (
    Change("line-pause", "LineReceiver, paused", "LineReceiver", _applied(_pause), _line, goOn=_resume),
    *(
        Change(f"int{8 * width}-pause", f"{name}, paused", name, _applied(_pause), _string(width), goOn=_resume)
        for name, width in _INTS
    ),
    Change("amp-pause", "BinaryBoxProtocol, paused", "BinaryBoxProtocol", _pausingBoxes, _box, goOn=_resume),
    Change("memcache", "Twisted's memcache client", "MemCacheProtocol", _cache, _value, copies=True),
    Change("http", "LineReceiver, requests with bodies", "LineReceiver", _requests, _request, copies=True),
    Change("line-delimiter", "LineReceiver, delimiter", "LineReceiver", _turning, _lineOfEach, 2),
    Change("only-delimiter", "LineOnlyReceiver, delimiter", "LineOnlyReceiver", _turning, _line, pauses=False),
    Change("line-limit", "LineReceiver, MAX_LENGTH", "LineReceiver", _limiting, _line),
    Change("only-limit", "LineOnlyReceiver, MAX_LENGTH", "LineOnlyReceiver", _limiting, _line, pauses=False),
    Change(
        "netstring-limit", "NetstringReceiver, MAX_LENGTH", "NetstringReceiver", _limiting, _netstring, pauses=False
    ),
    Change("int16-limit", "Int16StringReceiver, MAX_LENGTH", "Int16StringReceiver", _limiting, _string(2)),
    Change("line-true", "LineReceiver, a true value", "LineReceiver", _applied(bool), _line, goOn=_goOn),
    Change("line-clear", "LineReceiver, clearLineBuffer", "LineReceiver", _applied(_takeBack), _line, copies=True),
    *_looks("line", "LineReceiver", _line, "_buffer"),
    *_looks("only", "LineOnlyReceiver", _line, "_buffer"),
    *_looks("netstring", "NetstringReceiver", _netstring, "_remainingData"),
    *_looks("int16", "Int16StringReceiver", _string(2), "recvd", "_unprocessed"),
)


@dataclass(frozen=True)
class Load:
    """
    What is delivered.

    @ivar frame: some messages, as they are on the wire.
    @ivar times: how often.
    @ivar count: how many messages that are.
    @ivar isKept: does it come while the receiver is paused?
    @ivar chunk: how many bytes come at once.
    """

    frame: bytes
    times: int
    count: int
    isKept: bool = False
    chunk: int = CHUNK


def inChunks(change: Change, size: int) -> Load:
    """Tell how many messages of C{size} bytes to deliver in chunks of 64 KiB."""
    frame = change.frame(size)
    each = CHUNK // len(frame)
    times = each * max(1, ENOUGH // (each * change.many))
    return Load(frame, times, times * change.many)


def kept(change: Change, size: int, amount: int = 0) -> Load:
    """
    Tell how many messages of C{size} bytes to deliver while the receiver is paused.

    @param amount: how many bytes in all; 0 for so many as Twisted's, which copies all that is left at each message,
        takes less than some tenths of a second for.
    """
    frame = change.frame(size)
    times = (amount or CHUNK * (1 + isqrt(len(frame)))) // len(frame)
    return Load(frame, times, times * change.many, change.pauses, CHUNK if change.pauses else len(frame) * times)


def changing(change: Change, load: Load, clock: Callable[[], float] = perf_counter) -> Prepare:
    """
    Let an application change something at each message.

    @param clock: what measures.
    """

    def prepare(module: ModuleType) -> Run:
        made = change.made(module)
        data = load.frame * load.times
        chunks = [data[at : at + load.chunk] for at in range(0, len(data), load.chunk)]

        def run() -> float:
            receiver = made()
            receiver.expected = load.count
            receiver.makeConnection(Transport())
            if change.receiver == "MemCacheProtocol":
                receiver.expect(load.count)
            seconds = (
                _kept(receiver, chunks, change.goOn, clock)
                if load.isKept
                else _delivered(receiver, chunks, change.goOn, clock)
            )
            if receiver.count != load.count:
                raise WorkError(f"{receiver.count} came out, and not {load.count}")
            return seconds

        return run

    return prepare


def _delivered(
    receiver: Any, chunks: list[bytes], goOn: Callable[[Any], None] | None, clock: Callable[[], float]
) -> float:
    """Deliver the chunks."""
    began = clock()
    for chunk in chunks:
        receiver.dataReceived(chunk)
        if goOn is not None:
            goOn(receiver)
    return clock() - began


def _kept(receiver: Any, chunks: list[bytes], goOn: Callable[[Any], None] | None, clock: Callable[[], float]) -> float:
    """Have the chunks kept, and then delivered."""
    receiver.pauseProducing()
    for chunk in chunks:
        receiver.dataReceived(chunk)
    began = clock()
    receiver.resumeProducing()
    if goOn is not None:
        goOn(receiver)
    return clock() - began
