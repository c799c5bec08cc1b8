"""
A TLS client that does not do what is expected of it: it never answers the end of a connection.

Twisted's own would.  This one is Python's C{ssl}, between two buffers, on a Twisted connection.
"""

from __future__ import annotations

import ssl
from typing import Any

from .sockets import Raw

__all__ = ["Stubborn"]


class Stubborn(Raw):
    """
    Says what it is told to say, over TLS, and goes on when the other side has said that it is done.

    @ivar isReady: is the handshake done?
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
        """Begin the handshake."""
        self._shakeHands()

    def dataReceived(self, data: bytes) -> None:
        """Go on with the handshake; behind it, nothing that comes is even looked at."""
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
