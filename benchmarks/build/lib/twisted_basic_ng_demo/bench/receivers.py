"""
The receivers' work in memory: they receive chunks, and call a callback that does nothing for each
message.

The peers are asyncio's streams, with a coroutine that reads the same messages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import perf_counter
from types import ModuleType
from typing import Any, Final

from .sides import Prepare, Run, checked

__all__ = ["Delivery", "Transport", "bareLoop", "readExactly", "readLine", "receiver", "streams"]

#: Reads one message from a stream; raises C{IncompleteReadError} at its end.
Read = Callable[[asyncio.StreamReader], Awaitable[bytes]]

#: More than the longest message of any case, with its framing, in bytes.
LIMIT: Final = 17 << 20


@dataclass(frozen=True)
class Delivery:
    """
    The messages to deliver.

    @ivar frame: a message, as it is on the wire.
    @ivar count: how many times to repeat it.
    @ivar size: the size of a chunk in bytes.
    """

    frame: bytes
    count: int
    size: int

    def chunks(self) -> list[bytes]:
        """Cut all messages into chunks."""
        data = self.frame * self.count
        return [data[at : at + self.size] for at in range(0, len(data), self.size)]


class Transport:
    """A transport that does nothing."""

    TLS = False
    disconnecting = False

    def loseConnection(self) -> None:
        """Do nothing."""


def _deliver(protocol: Any, chunks: list[bytes]) -> float:
    protocol.makeConnection(Transport())
    began = perf_counter()
    for chunk in chunks:
        protocol.dataReceived(chunk)
    return perf_counter() - began


def receiver(name: str, delivery: Delivery) -> Prepare:
    """
    Prepare the work of a receiver.

    @param name: the name of its class.
    """

    def prepare(module: ModuleType) -> Run:
        base: Any = getattr(module, name)

        class Receiver(base):  # type: ignore[misc]
            MAX_LENGTH = LIMIT

            def lineReceived(self, line: bytes) -> None:
                """Do nothing."""

            stringReceived = lineReceived

        class Counting(Receiver):
            count = 0

            def lineReceived(self, line: bytes) -> None:
                self.count += 1

            stringReceived = lineReceived

        chunks = delivery.chunks()
        counting: Any = Counting()
        _deliver(counting, chunks)
        checked(counting.count, delivery.count)
        return lambda: _deliver(Receiver(), chunks)

    return prepare


def bareLoop(delivery: Delivery) -> Callable[[], Run]:
    """
    Prepare the work of a minimal line receiver.

    It cuts each chunk and calls back, and does nothing else that a receiver must do.  No receiver
    that calls back for each line can be faster.
    """

    class Receiver:
        rest = b""
        count = 0

        def makeConnection(self, transport: Transport) -> None:
            """Do nothing."""

        def dataReceived(self, data: bytes) -> None:
            """Deliver the complete lines."""
            lines = (self.rest + data).split(b"\r\n")
            self.rest = lines.pop()
            for line in lines:
                self.lineReceived(line)

        def lineReceived(self, line: bytes) -> None:
            """Do nothing."""

    class Counting(Receiver):
        def lineReceived(self, line: bytes) -> None:
            self.count += 1

    def prepare() -> Run:
        chunks = delivery.chunks()
        counting = Counting()
        _deliver(counting, chunks)
        checked(counting.count, delivery.count)
        return lambda: _deliver(Receiver(), chunks)

    return prepare


async def readLine(stream: asyncio.StreamReader) -> bytes:
    """Read a line in the usual way; the line includes its end."""
    line = await stream.readline()
    if not line:
        raise asyncio.IncompleteReadError(line, None)
    return line


async def readExactly(stream: asyncio.StreamReader) -> bytes:
    """Read a string with a length prefix of four bytes in the usual way."""
    return await stream.readexactly(int.from_bytes(await stream.readexactly(4), "big"))


def streams(read: Read, delivery: Delivery) -> Callable[[], Run]:
    """Prepare the work of a coroutine that reads from an asyncio stream."""

    def prepare() -> Run:
        chunks = delivery.chunks()

        def run() -> float:
            seconds, count = asyncio.run(_read(read, chunks))
            checked(count, delivery.count)
            return seconds

        return run

    return prepare


async def _read(read: Read, chunks: list[bytes]) -> tuple[float, int]:
    """Read all messages; return how many seconds it took, and how many messages there were."""
    stream = asyncio.StreamReader(limit=LIMIT)
    reading = asyncio.ensure_future(_count(read, stream))
    await asyncio.sleep(0)
    began = perf_counter()
    for chunk in chunks:
        stream.feed_data(chunk)
        await asyncio.sleep(0)
    seconds = perf_counter() - began
    stream.feed_eof()
    return seconds, await reading


async def _count(read: Read, stream: asyncio.StreamReader) -> int:
    count = 0
    try:
        while True:
            await read(stream)
            count += 1
    except asyncio.IncompleteReadError:
        return count
