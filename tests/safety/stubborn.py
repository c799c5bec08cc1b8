"""
A TLS client that never answers the server's close_notify.

Twisted's own client would answer it.  This one is Python's C{ssl} module, between two buffers, on a
Twisted connection.
"""

from __future__ import annotations

import ssl
from typing import Any

from .sockets import Raw

__all__ = ["Stubborn"]


class Stubborn(Raw):
    """
    Sends what it is told to send over TLS, and goes on after the other side has closed.

    @ivar isReady: whether the handshake is done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.isReady = False
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname="server")

    def connectionMade(self) -> None:
        """Start the handshake."""
        self._shakeHands()

    def dataReceived(self, data: bytes) -> None:
        """Continue the handshake.  After it, all bytes are ignored."""
        if not self.isReady:
            self._incoming.write(data)
            self._shakeHands()

    def _shakeHands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        else:
            self.isReady = True
        self._flush()

    def _flush(self) -> None:
        transport: Any = self.transport
        transport.write(self._outgoing.read())

    def say(self, data: bytes) -> None:
        """Send C{data}."""
        self._tls.write(data)
        self._flush()
