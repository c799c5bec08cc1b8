"""
The work of an application that changes something at each message: the messages arrive in chunks, or
were buffered while the receiver was paused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import isqrt
from time import perf_counter
from types import ModuleType
from typing import Any, Final

from .applications import Change
from .sides import Prepare, Run, checked

__all__ = ["Load", "Transport", "changing", "inChunks", "kept"]

#: How many bytes arrive at once.
CHUNK: Final = 1 << 16

#: How many messages make a run long enough to be timed.
ENOUGH: Final = 4096


class Transport:
    """A transport that does nothing, and delivers while it is paused, too."""

    TLS = False
    disconnecting = False

    def write(self, data: bytes) -> None:
        """Do nothing."""

    def loseConnection(self) -> None:
        """Do nothing."""

    pauseProducing = resumeProducing = loseConnection

    def getPeer(self) -> str:
        """Return a placeholder."""
        return "nobody"

    getHost = getPeer


@dataclass(frozen=True)
class Load:
    """
    The messages to deliver.

    @ivar frame: some messages, as they are on the wire.
    @ivar times: how often to repeat C{frame}.
    @ivar count: how many messages there are in total.
    @ivar chunk: how many bytes arrive at once.
    @ivar isKept: whether they arrive while the receiver is paused.
    """

    frame: bytes
    times: int
    count: int
    chunk: int = CHUNK
    isKept: bool = False

    def chunks(self) -> list[bytes]:
        """Cut all messages into chunks."""
        data = self.frame * self.times
        return [data[at : at + self.chunk] for at in range(0, len(data), self.chunk)]


def inChunks(change: Change, size: int) -> Load:
    """Make a load of messages of C{size} bytes that arrive in chunks of 64 KiB."""
    frame = change.frame(size)
    each = CHUNK // len(frame)
    times = each * max(1, ENOUGH // (each * change.many))
    return Load(frame, times, times * change.many)


def kept(change: Change, size: int, amount: int = 0) -> Load:
    """
    Make a load of messages of C{size} bytes that are buffered until the receiver is resumed.

    If the receiver cannot be paused, they all arrive in one chunk.

    @param amount: how many bytes there are in total.  0 means as many as Twisted's receivers, which
        copy all undelivered bytes at each message, handle in some tenths of a second.
    """
    frame = change.frame(size)
    times = (amount or CHUNK * isqrt(len(frame))) // len(frame)
    return Load(frame, times, times * change.many, CHUNK if change.pauses else times * len(frame), change.pauses)


def changing(change: Change, load: Load, clock: Callable[[], float] = perf_counter) -> Prepare:
    """
    Prepare the work of an application that changes something at each message.

    @param clock: returns the time in seconds.
    """

    def prepare(module: ModuleType) -> Run:
        application = change.made(module)
        chunks = load.chunks()

        def run() -> float:
            receiver = application()
            receiver.expected = load.count
            receiver.makeConnection(Transport())
            deliver = _deliverKept if load.isKept else _deliver
            seconds = deliver(receiver, chunks, change.goOn or _nothing, clock)
            checked(receiver.count, load.count)
            return seconds

        return run

    return prepare


def _nothing(receiver: object) -> None:
    """Do nothing: C{receiver} has not stopped."""


def _deliver(receiver: Any, chunks: Sequence[bytes], goOn: Callable[[Any], None], clock: Callable[[], float]) -> float:
    began = clock()
    for chunk in chunks:
        receiver.dataReceived(chunk)
        goOn(receiver)
    return clock() - began


def _deliverKept(
    receiver: Any, chunks: Sequence[bytes], goOn: Callable[[Any], None], clock: Callable[[], float]
) -> float:
    receiver.pauseProducing()
    for chunk in chunks:
        receiver.dataReceived(chunk)
    began = clock()
    receiver.resumeProducing()
    goOn(receiver)
    return clock() - began
