"""
Runs one end of a job on a reactor, records what it receives, and measures the time.

This file knows endpoints and connections.  It knows no processes, and does not know whose classes a
job uses.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import clientFromString, connectProtocol, serverFromString
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from .jobs import Job, Link
from .transcript import Record

__all__ = ["IncompleteError", "Tap", "ask", "serve"]


class IncompleteError(Exception):
    """
    The connection was closed before the job was done.

    @ivar delivered: how many messages were delivered at this end.
    @ivar expected: how many should have been delivered.
    """

    def __init__(self, delivered: int, expected: int) -> None:
        super().__init__(delivered, expected)
        self.delivered = delivered
        self.expected = expected

    def __str__(self) -> str:
        return f"the connection was closed after {self.delivered:,} of {self.expected:,} messages"


class Tap(Protocol):
    """
    Sits between a transport and a job's protocol, and records the received data.

    The protocol writes directly to the transport.

    @ivar finished: fires with the duration of the connection in seconds, or fails with the reason
        for its loss.
    """

    def __init__(self, tapped: Protocol, received: list[bytes], clock: Callable[[], float] = perf_counter) -> None:
        """
        Sit in front of C{tapped}.

        @param received: the list to which each chunk is appended.
        """
        self._tapped = tapped
        self._received = received
        self._clock = clock
        self._began = 0.0
        self.finished: Deferred[float] = Deferred()

    def connectionMade(self) -> None:
        """Start the clock, then the protocol."""
        self._began = self._clock()
        self._tapped.makeConnection(self.transport)

    def dataReceived(self, data: bytes) -> None:
        """Record a chunk and pass it on."""
        self._received.append(data)
        self._tapped.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop the clock, then the protocol."""
        seconds = self._clock() - self._began
        self._tapped.connectionLost(reason)
        if reason.check(ConnectionDone) is None:
            self.finished.errback(reason)
        else:
            self.finished.callback(seconds)


async def serve(reactor: Any, job: Job, size: int, announce: Callable[[str], object]) -> tuple[Record, float]:
    """
    Run the server of C{job} for one connection.

    @param announce: called with the endpoint for the client to connect to.
    @return: the record of this end, and how many seconds the job took.
    @raise IncompleteError: the connection was closed too early.
    """
    record = Record()
    tap = Tap(job.server(size, record.delivered), record.received)
    with TemporaryDirectory() as directory:
        socket = f"unix:{directory}/socket"
        endpoint = serverFromString(reactor, socket if job.link is Link.UNIX else "tcp:0:interface=127.0.0.1")
        port = await endpoint.listen(Factory.forProtocol(lambda: tap))
        try:
            announce(socket if job.link is Link.UNIX else f"tcp:127.0.0.1:{port.getHost().port}")
            return await _completed(tap.finished, record, job.delivers(size)[0], job.chance)
        finally:
            await port.stopListening()


async def ask(reactor: Any, job: Job, size: int, where: Awaitable[str]) -> tuple[Record, float]:
    """
    Run the client of C{job}.

    @param where: the server's endpoint; it is awaited when everything else is ready.
    @return: the record of this end, and how many seconds the job took.
    @raise IncompleteError: the connection was closed too early.
    """
    record = Record()
    tap = Tap(job.client(size, record.delivered), record.received)
    await connectProtocol(clientFromString(reactor, await where), tap)
    return await _completed(tap.finished, record, job.delivers(size)[1], job.chance)


async def _completed(finished: Deferred[float], record: Record, expected: int, chance: bytes) -> tuple[Record, float]:
    seconds = await finished
    if chance:
        record.received = [re.sub(chance, b"", b"".join(record.received))]
    if len(record.delivered) != expected:
        raise IncompleteError(len(record.delivered), expected)
    return record, seconds
