"""A transport in memory for the adapter: what is written, and what becomes of the connection, are events."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IPushProducer, ITransport

__all__ = ["Transport"]


class _TLSLayer:
    """Stands for the layer that gets the bytes of the handshake."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._events = events

    def dataReceived(self, data: bytes) -> None:
        """Note C{data}."""
        self._events.append({"handshake": data.hex()})


@implementer(ITransport, IPushProducer)
class Transport:
    """
    One end of a connection.

    @ivar events: what happened, oldest first.
    @ivar protocol: what gets the bytes that arrive.
    @ivar descriptors: those that were sent.
    """

    def __init__(self, isClient: bool = True) -> None:
        self.events: list[dict[str, Any]] = []
        self.descriptors: list[int] = []
        self.protocol: Any = None
        self._producer: Any = None
        self.disconnecting = self.TLS = False
        self._tlsClientDefault = isClient

    def connect(self, protocol: Any) -> None:
        """Make this the transport of C{protocol}."""
        self.protocol = protocol
        protocol.makeConnection(self)

    def write(self, data: bytes) -> None:
        """Note C{data}."""
        self.events.append({"sent": data.hex()})

    def writeSequence(self, data: Any) -> None:
        """Note C{data}."""
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Take a pull producer, which L{drain} asks."""
        self._producer = producer

    def unregisterProducer(self) -> None:
        """Let it go."""
        self._producer = None

    def drain(self) -> None:
        """Ask the producer for bytes, since all are sent, until it has no more."""
        while self._producer is not None:
            self._producer.resumeProducing()

    def loseConnection(self) -> None:
        """Note it, once."""
        if not self.disconnecting:
            self.events.append({"closed": True})
        self.disconnecting = True

    abortConnection = loseConnection

    def sendFileDescriptor(self, descriptor: int) -> None:
        """Note it."""
        self.descriptors.append(descriptor)

    def startTLS(self, contextFactory: object, normal: bool = True) -> None:
        """Note it, and hand what arrives to the layer of TLS."""
        self.TLS = True
        self.protocol = _TLSLayer(self.events)
        self.events.append({"tls": True})

    def pauseProducing(self) -> None:
        """Deliver everything nevertheless."""

    def resumeProducing(self) -> None:
        """Deliver everything, as before."""

    def stopProducing(self) -> None:
        """Deliver everything, as before."""

    def getPeer(self) -> IPv4Address:
        """An address of the range that is kept for documentation."""
        return IPv4Address("TCP", "192.0.2.1", 12345)

    def getHost(self) -> IPv4Address:
        """An address of the range that is kept for documentation."""
        return IPv4Address("TCP", "192.0.2.2", 54321)
