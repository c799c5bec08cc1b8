"""
After C{loseConnection}, Twisted's TCP and UNIX transports read nothing, however long the connection
stays open.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.protocol import Protocol
from twisted.trial.unittest import TestCase

from tests.helpers import loadStock
from twisted_basic_ng import basic as ours

from .test_amp import Accept, LiveCase

#: How much the peer sends after the close: far more than the system's buffers and one read.
SENT = 60 * 2**20

#: How many messages go back and forth on another connection meanwhile.  A transport that still read
#: would get 64 KiB in each of these turns.
TURNS = 500

#: The message that closes the connection, and the one sent after it.
MESSAGES: dict[str, tuple[bytes, bytes]] = {
    "LineReceiver": (b"quit\r\n", b"x" * 62 + b"\r\n"),
    "LineOnlyReceiver": (b"quit\r\n", b"x" * 62 + b"\r\n"),
    "Int32StringReceiver": (b"\0\0\0\4quit", b"\0\0\0\x3c" + b"x" * 60),
    "NetstringReceiver": (b"4:quit,", b"60:" + b"x" * 60 + b","),
}


def receiver(module: ModuleType, name: str) -> Any:
    """
    Make a server that closes its connection at a message, while a producer keeps it open.

    C{total} is how many bytes it has received.  C{closed} and C{lost} fire when it has closed the
    connection and when the connection is lost.
    """

    class Closing(getattr(module, name)):  # type: ignore[misc]
        total = 0

        def __init__(self) -> None:
            self.closed: Deferred[None] = Deferred()
            self.lost: Deferred[None] = Deferred()

        def dataReceived(self, data: bytes) -> Any:
            self.total += len(data)
            return super().dataReceived(data)

        def lineReceived(self, line: bytes) -> None:
            if line == b"quit":
                self.transport.registerProducer(Idle(), False)
                self.transport.loseConnection()
                self.closed.callback(None)

        stringReceived = lineReceived

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            self.lost.callback(None)

    return Closing()


class Idle:
    """A pull producer that never produces anything, and so keeps a connection open."""

    def resumeProducing(self) -> None:
        """Produce nothing."""

    stopProducing = resumeProducing


class Peer(Protocol):
    """A client; C{lost} fires when its connection is lost."""

    def __init__(self) -> None:
        self.lost: Deferred[None] = Deferred()

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.callback(None)


class Bouncing(Peer):
    """Sends back a byte a number of times, then C{done} fires."""

    transport: Any

    def __init__(self) -> None:
        super().__init__()
        self.turns = 0
        self.done: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.turns += 1
        if self.turns == TURNS:
            self.done.callback(None)
        else:
            self.transport.write(data)


class ClosedCase(TestCase):
    """
    A peer that sends after the close.

    @cvar link: the kind of the connection.
    """

    timeout = 20
    link = "tcp"
    endpoints = LiveCase.endpoints

    async def connect(self, server: Any, client: Any) -> None:
        """Connect the two."""
        listening, connecting = self.endpoints()
        port = await listening.listen(Accept(server))
        self.addCleanup(port.stopListening)
        await connectProtocol(connecting(port), client)

    async def turns(self) -> None:
        """Let the reactor run for many turns: each waits for a byte of another connection."""
        first, second = Bouncing(), Bouncing()
        await self.connect(first, second)
        second.transport.write(b"x")
        await first.done
        second.transport.abortConnection()
        await first.lost
        await second.lost

    async def goOn(self, module: ModuleType, name: str) -> None:
        closing, again = MESSAGES[name]
        server, client = receiver(module, name), Peer()
        await self.connect(server, client)
        transport: Any = client.transport
        transport.write(closing)
        await server.closed
        total = server.total
        transport.write(again * (SENT // len(again)))
        await self.turns()
        self.assertEqual(server.total, total)
        self.assertFalse(server.lost.called, "it is still open")
        server.transport.resumeProducing()
        await self.turns()
        self.assertEqual(server.total, total)
        server.transport.unregisterProducer()
        await server.lost
        transport.abortConnection()
        await client.lost
        self.assertEqual(server.total, total)

    async def test_ours(self) -> None:
        """No bytes after the close reach our receivers, even if the application resumes reading."""
        for name in MESSAGES:
            await self.goOn(ours, name)

    async def test_stock(self) -> None:
        """Twisted's own receivers get nothing either, since the transport does not read."""
        await self.goOn(loadStock("basic"), "LineReceiver")


class TCPTests(ClosedCase):
    """Over TCP."""


class UNIXTests(ClosedCase):
    """Over a UNIX socket."""

    link = "unix"


del ClosedCase
