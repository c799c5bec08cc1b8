"""
An in-memory connection between two protocols, whose transports can start TLS.

This TLS has no cryptography, only the properties that matter to a protocol above it.  Each side
begins with a hello.  After that, bytes travel in records that no parser would take for boxes.  Any
other bytes end the connection.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from tests.helpers import MemoryConnection, _MemoryEnd

__all__ = ["HELLO", "NotTLSError", "Pipe", "sealed"]

#: The first bytes of each side.
HELLO = b"\x16hello"

_MASK = bytes(each ^ 0xA5 for each in range(256))


class NotTLSError(Exception):
    """Raised if bytes arrive that are not TLS."""


def sealed(data: bytes) -> bytes:
    """Return C{data} as records."""
    pieces = [data[start : start + 1000] for start in range(0, len(data), 1000)]
    return b"".join(b"\x17" + len(piece).to_bytes(2, "big") + piece.translate(_MASK) for piece in pieces)


class _Layer:
    """
    The TLS layer of one end, between its transport and its protocol.

    @ivar held: the bytes to send after the handshake.
    @ivar greeted: whether the hello of the other side has arrived.
    """

    def __init__(self, end: PipeEnd, protocol: Any) -> None:
        self.held = b""
        self.greeted = False
        self._end, self._protocol = end, protocol
        self._received = b""
        if end.isClient:
            end.sendRaw(HELLO)

    def write(self, data: bytes) -> None:
        if self.greeted:
            self._end.sendRaw(sealed(data))
        else:
            self.held += data

    def dataReceived(self, data: bytes) -> None:
        self._received += data
        while not self._end.lost and (plain := self._next()) is not None:
            if plain:
                self._protocol.dataReceived(plain)

    def _next(self) -> bytes | None:
        """Remove the hello or the next record from the received bytes."""
        if not self.greeted:
            return self._greet()
        if self._received[:1] not in (b"", b"\x17"):
            return self._break()
        size = int.from_bytes(self._received[1:3], "big") + 3
        if len(self._received) < max(size, 4):
            return None
        record, self._received = self._received[3:size], self._received[size:]
        return record.translate(_MASK)

    def _greet(self) -> bytes | None:
        head = self._received[: len(HELLO)]
        if head != HELLO:
            return None if HELLO.startswith(head) else self._break()
        self._received = self._received[len(HELLO) :]
        self.greeted = True
        if not self._end.isClient:
            self._end.sendRaw(HELLO)
        held, self.held = self.held, b""
        if held:
            self.write(held)
        return b""

    def _break(self) -> bytes | None:
        self._received = self.held = b""
        self._end.broken = True
        self._end.abortConnection()
        return None

    def connectionLost(self, reason: Failure) -> None:
        self._protocol.connectionLost(Failure(NotTLSError()) if self._end.broken else reason)


class PipeEnd(_MemoryEnd):
    """
    One end of a L{Pipe}.

    @ivar isClient: whether this side opened the connection.  The client sends the first hello.
    @ivar broken: whether bytes arrived that are not TLS, although TLS has started.
    @ivar sent: the bytes that went over the wire.
    """

    def __init__(self, isClient: bool) -> None:
        super().__init__()
        self.isClient = isClient
        self.broken = False
        self.sent = b""

    def write(self, data: bytes) -> None:
        """Send C{data}.  With TLS, send it in records, and nothing after C{loseConnection}."""
        self._record("write", data)
        if not self.TLS:
            self.sendRaw(data)
        elif not self.disconnecting and not self.lost:
            self.protocol.write(data)

    def loseConnection(self) -> None:
        """Begin to close.  Without TLS, nothing more is read."""
        self.reading = self.reading and self.TLS
        super().loseConnection()

    def sendRaw(self, data: bytes) -> None:
        """Queue bytes for the wire."""
        if not self.lost and not self.aborted:
            self.sent += data
            self.outgoing.append(data)

    @property
    def waits(self) -> bool:
        """Whether there are bytes to send that wait for the handshake."""
        return self.TLS and bool(self.protocol.held) and not self.lost and not self.aborted

    def startTLS(self, contextFactory: object = None, normal: bool = True) -> None:
        """Start TLS."""
        self.TLS = True
        self.protocol = _Layer(self, self.protocol)
        self._record("startTLS")


class Pipe(MemoryConnection):
    """Two connected protocols.  Bytes move only when a test moves them."""

    client: PipeEnd
    server: PipeEnd

    def __init__(self, client: Any, server: Any, size: int | None = None) -> None:
        self._size = size
        self.client, self.server = PipeEnd(True), PipeEnd(False)
        self.client.protocol, self.server.protocol = client, server
        server.makeConnection(self.server)
        client.makeConnection(self.client)

    def send(self, source: PipeEnd, size: int | None) -> bool:
        """Move one chunk of at most C{size} bytes from C{source} to the other end."""
        self._size = size
        return self._move(source, self.server if source is self.client else self.client)

    def close(self) -> bool:
        """Finish closing an end that is closing."""
        return self._close()

    def loseEnd(self, end: PipeEnd) -> None:
        """Lose the connection of C{end} before the other end notices."""
        end.lose(ConnectionLost)

    def _move(self, source: _MemoryEnd, target: _MemoryEnd) -> bool:
        if target.disconnecting and not target.reading:
            source.outgoing.clear()  # sent, but never read
        return super()._move(source, target)

    def _close(self) -> bool:
        ends = self.client, self.server
        if any(end.waits for end in ends) and not any(end.lost or end.aborted for end in ends):
            return False
        return super()._close()
