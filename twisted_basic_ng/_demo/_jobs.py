"""
The jobs of the demo: what one end sends and the other receives.

A job is an entry in L{JOBS}: whoever connects sends C{load} in large writes, whoever listens receives it with
C{receiver} and answers, at the end, with a digest of what it was given.  This file is how such servers are written with
Twisted; it imports C{twisted.protocols.basic} and cannot tell whose that is.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol
from twisted.protocols.basic import FileSender, Int32StringReceiver, LineReceiver, NetstringReceiver

__all__ = ["JOBS", "Asker", "Job", "digest", "implementation"]

_WRITE = 65536


def digest(pieces: Iterable[bytes]) -> str:
    """Digest C{pieces} and where each of them ends."""
    every = hashlib.sha256()
    for piece in pieces:
        every.update(b"%d:" % len(piece))
        every.update(piece)
    return every.hexdigest()


def implementation() -> str:
    """Name the module that the receivers come from."""
    return LineReceiver.__module__


class Receiving:
    """
    What each receiver of the demo does: keep what it is given, and time that.

    @ivar expected: how many messages there will be.
    @ivar done: fires when the last one is there and the connection is lost.
    @ivar seconds: the time from the first byte to the last message.
    """

    expected: int
    transport: Any

    def __init__(self, expected: int) -> None:
        self.expected = expected
        self.messages: list[bytes] = []
        self.chunks: list[bytes] = []
        self.seconds = 0.0
        self.done: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        if not self.chunks:
            self.begun = time.perf_counter()
        self.chunks.append(data)
        super().dataReceived(data)  # type: ignore[misc]

    def received(self, message: bytes) -> None:
        """Keep C{message}; answer the last one."""
        self.messages.append(message)
        if len(self.messages) == self.expected:
            self.seconds = time.perf_counter() - self.begun
            self.answer(digest(self.messages).encode())
            self.transport.loseConnection()

    def answer(self, message: bytes) -> None:
        """Send C{message} in the format of the messages that came."""
        raise NotImplementedError

    def connectionLost(self, reason: object = None) -> None:
        self.done.callback(None)


class Lines(Receiving, LineReceiver):
    def lineReceived(self, line: bytes) -> None:
        self.received(line)

    def answer(self, message: bytes) -> None:
        self.sendLine(message)


class Netstrings(Receiving, NetstringReceiver):
    def stringReceived(self, string: bytes) -> None:
        self.received(string)

    def answer(self, message: bytes) -> None:
        self.sendString(message)


class Strings(Receiving, Int32StringReceiver):
    MAX_LENGTH = 1 << 30

    def stringReceived(self, string: bytes) -> None:
        self.received(string)

    def answer(self, message: bytes) -> None:
        self.sendString(message)


class Raw(Receiving, LineReceiver):
    """Receives a file: so many bytes, in whatever pieces."""

    def connectionMade(self) -> None:
        self.setRawMode()
        self.missing = self.expected
        self.expected = 1
        self.file: list[bytes] = []

    def rawDataReceived(self, data: bytes) -> None:
        self.file.append(data)
        self.missing -= len(data)
        if not self.missing:
            self.received(b"".join(self.file))

    def answer(self, message: bytes) -> None:
        self.sendLine(message)


class Asker(Protocol):
    """
    Sends the load and keeps the answer, bytes and all.

    @ivar done: fires when the connection is lost.
    """

    def __init__(self, load: bytes) -> None:
        self.load = load
        self.chunks: list[bytes] = []
        self.done: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        FileSender.CHUNK_SIZE = _WRITE
        FileSender().beginFileTransfer(BytesIO(self.load), self.transport)

    def dataReceived(self, data: bytes) -> None:
        self.chunks.append(data)

    def connectionLost(self, reason: object = None) -> None:
        self.done.callback(None)


@dataclass(frozen=True)
class Job:
    """
    One kind of work.

    @ivar title: what people read.
    @ivar unit: what is counted: C{"messages"} or C{"MiB"}.
    @ivar amount: how much there is to do, in messages or in bytes.
    @ivar load: makes what is sent, of the amount.
    @ivar receiver: makes what receives it, of the amount.
    """

    title: str
    unit: str
    amount: int
    load: Callable[[int], bytes]
    receiver: Callable[[int], Any]

    def rate(self, amount: int, seconds: float) -> float:
        """How much was done in a second, in the job's unit."""
        return (amount if self.unit == "messages" else amount / 2**20) / seconds


def _message(number: int) -> bytes:
    """A message of 20 bytes."""
    return b"message %012d" % number


def _lines(amount: int) -> bytes:
    return b"".join(_message(number) + b"\r\n" for number in range(amount))


def _netstrings(amount: int) -> bytes:
    return b"".join(b"20:%b," % _message(number) for number in range(amount))


def _strings(amount: int) -> bytes:
    return b"".join(b"\0\0\0\x14" + _message(number) for number in range(amount))


def _bytes(amount: int) -> bytes:
    return bytes(range(256)) * (amount // 256) + bytes(amount % 256)


#: The jobs by the names that the command line knows.
JOBS: dict[str, Job] = {
    "lines": Job("lines of 20 bytes", "messages", 400_000, _lines, Lines),
    "netstrings": Job("netstrings of 20 bytes", "messages", 150_000, _netstrings, Netstrings),
    "strings": Job("int32 strings of 20 bytes", "messages", 400_000, _strings, Strings),
    "large": Job(
        "one int32 string, in pieces",
        "MiB",
        32 << 20,
        lambda amount: amount.to_bytes(4, "big") + _bytes(amount),
        lambda _: Strings(1),
    ),
    "file": Job("a file, by FileSender", "MiB", 64 << 20, _bytes, Raw),
}
