"""
An in-memory transport for the adapter, which records writes and changes of the connection as
events.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.address import IPv4Address
from twisted.internet.interfaces import IPushProducer, ITransport

__all__ = ["Transport"]


class _TLSLayer:
    """Receives the bytes of the TLS handshake."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self._events = events

    def dataReceived(self, data: bytes) -> None:
        """Record C{data}."""
        self._events.append({"handshake": data.hex()})


@implementer(ITransport, IPushProducer)
class Transport:
    """
    One end of a connection.

    @ivar events: the events, oldest first.
    @ivar protocol: the receiver of the bytes that arrive.
    @ivar descriptors: the descriptors that were sent.
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
        """Record C{data}."""
        self.events.append({"sent": data.hex()})

    def writeSequence(self, data: Any) -> None:
        """Record C{data}."""
        self.write(b"".join(data))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a pull producer, which L{drain} calls."""
        self._producer = producer

    def unregisterProducer(self) -> None:
        """Unregister the producer."""
        self._producer = None

    def drain(self) -> None:
        """Call the producer until it has no more bytes."""
        while self._producer is not None:
            self._producer.resumeProducing()

    def loseConnection(self) -> None:
        """Record the first call."""
        if not self.disconnecting:
            self.events.append({"closed": True})
        self.disconnecting = True

    abortConnection = loseConnection

    def sendFileDescriptor(self, descriptor: int) -> None:
        """Record the descriptor."""
        self.descriptors.append(descriptor)

    def startTLS(self, contextFactory: object, normal: bool = True) -> None:
        """Record the start of TLS, and pass later bytes to the TLS layer."""
        self.TLS = True
        self.protocol = _TLSLayer(self.events)
        self.events.append({"tls": True})

    def pauseProducing(self) -> None:
        """Do nothing: bytes are still delivered."""

    def resumeProducing(self) -> None:
        """Do nothing."""

    def stopProducing(self) -> None:
        """Do nothing."""

    def getPeer(self) -> IPv4Address:
        """Return an address from the range for documentation."""
        return IPv4Address("TCP", "192.0.2.1", 12345)

    def getHost(self) -> IPv4Address:
        """Return an address from the range for documentation."""
        return IPv4Address("TCP", "192.0.2.2", 54321)
