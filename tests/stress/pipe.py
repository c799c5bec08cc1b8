"""
An in-memory transport with a buffer, and with a network of limited size behind it.

It handles producers, descriptors and TLS as Twisted's transports do.  Bytes move only when told to.
"""

from __future__ import annotations

import os
from collections import deque
from typing import Any

from zope.interface import directlyProvides

from twisted.internet.interfaces import IFileDescriptorReceiver, ISSLTransport

from tests.differential.amp_pipe import _Layer
from tests.helpers import RecordingTransport

__all__ = ["Socket"]


class Socket(RecordingTransport):
    """
    One end of the connection.

    @ivar buffer: the bytes that were written and not yet sent.
    @ivar network: the bytes that were sent and have not arrived, each with the descriptor that
        travels with them.
    @ivar other: the other end.
    @ivar complaints: descriptions of errors.
    """

    def __init__(self, isClient: bool, enough: int, room: int) -> None:
        super().__init__()
        self.isClient = isClient
        self.broken = self.lost = False
        self.buffer = bytearray()
        self.network: deque[tuple[bytes, int | None]] = deque()
        self.inNetwork = 0
        self.other: Any = None
        self.complaints: list[str] = []
        self._enough = enough
        self._room = room
        self._descriptors: deque[int] = deque()
        self._isPaused = False

    def _record(self, name: str, *arguments: object) -> None:
        """Record nothing, because there would be too much."""

    # Methods for the protocol.

    def write(self, data: bytes) -> None:
        if self.TLS:
            self.protocol.write(data)
        else:
            self.sendRaw(data)
        self._maybePause()

    def sendRaw(self, data: bytes) -> None:
        """Queue bytes for sending, below TLS."""
        if not self.lost and not self.aborted:
            self.buffer += data

    def sendFileDescriptor(self, descriptor: int) -> None:
        self._descriptors.append(descriptor)

    def _unsent(self) -> int:
        return len(self.buffer) + (len(self.protocol.held) if self.TLS else 0)

    def _maybePause(self) -> None:
        if self.producer is not None and self.streamingProducer and self._unsent() > self._enough:
            self._isPaused = True
            self.producer.pauseProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        super().registerProducer(producer, streaming)
        self._isPaused = False
        if not streaming:
            producer.resumeProducing()

    def startTLS(self, contextFactory: object = None, normal: bool = True) -> None:
        producer, streaming, self.producer = self.producer, self.streamingProducer, None
        self.TLS = True
        self.protocol = _Layer(self, self.protocol)  # type: ignore[arg-type]
        directlyProvides(self, ISSLTransport)
        if producer is not None:
            self.registerProducer(producer, streaming)

    # Methods for the network.

    def maySend(self) -> bool:
        """Whether something can be sent."""
        return bool(self.buffer or self._descriptors) and self.inNetwork < self._room and not self.lost

    def send(self, size: int) -> None:
        """
        Send bytes to the network.  Each queued descriptor travels with one of the first bytes.
        """
        if len(self._descriptors) > len(self.buffer):
            self.complaints.append("more descriptors than bytes were to be sent")
            self._descriptors.clear()
        size = min(size, self._room - self.inNetwork, len(self.buffer))
        while self._descriptors and size:
            self._give(bytes(self.buffer[:1]), os.dup(self._descriptors.popleft()))
            size -= 1
        if size:
            self._give(bytes(self.buffer[:size]), None)
        if not self._unsent() and self.producer is not None and (self._isPaused or not self.streamingProducer):
            self._isPaused = False
            self.producer.resumeProducing()

    def _give(self, data: bytes, descriptor: int | None) -> None:
        del self.buffer[: len(data)]
        self.inNetwork += len(data)
        self.network.append((data, descriptor))

    def mayArrive(self) -> bool:
        """Whether the other end can read something."""
        return bool(self.network) and self.other.reading and not self.other.lost

    def arrive(self, size: int) -> None:
        """Deliver bytes.  A descriptor arrives before its bytes."""
        data, descriptor = self.network.popleft()
        if len(data) > size:
            self.network.appendleft((data[size:], None))
            data = data[:size]
        self.inNetwork -= len(data)
        protocol = self.other.protocol
        if descriptor is not None:
            if IFileDescriptorReceiver.providedBy(protocol):
                protocol.fileDescriptorReceived(descriptor)
            else:
                os.close(descriptor)
        protocol.dataReceived(data)

    def close(self) -> None:
        """Close this end."""
        for _, descriptor in self.network:
            if descriptor is not None:
                os.close(descriptor)
        self.network.clear()
        self.buffer.clear()
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()
        self.lost = True
