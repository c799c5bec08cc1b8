"""
Waits for the data connection of an FTP server, either passive (the server listens) or active (the
server connects).

This file makes one L{DTP}.  It does not know what the server does with it.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.defer import Deferred, TimeoutError as DeferTimeoutError
from twisted.internet.protocol import ClientFactory
from twisted.python import log

from .._places import public
from .dtp import DTP

__all__ = ["DTPFactory"]


def _currentDTP() -> Any:
    """
    The class of data connections: Twisted's module's, if the swap put our factory there.
    """
    module = sys.modules.get("twisted.protocols.ftp")
    return module.DTP if getattr(module, "DTPFactory", None) is DTPFactory else DTP  # type: ignore[union-attr]


@public("ftp")
class DTPFactory(ClientFactory):
    """
    Makes one L{DTP} for one data connection, within a time limit.

    @ivar pi: the server's protocol on the control connection; its C{dtpInstance} is set to the new
        protocol, a C{DTP} of the module that holds this factory.
    @ivar peerHost: the host of the control connection's peer.
    @ivar deferred: fires with C{None} when the data connection is established.  It fails with
        C{PortConnectionError} if the connection cannot be made or does not arrive in time.  The
        attribute is C{None} after that failure.
    @ivar delayedCall: the delayed call of the time limit, or C{None}.
    @cvar peerCheck: whether only C{peerHost} may connect.
    @ivar _state: one of the three states below.
    @cvar _IN_PROGRESS: waiting for a connection.
    @cvar _FAILED: there will be no connection.
    @cvar _FINISHED: the connection was made.
    """

    _IN_PROGRESS = object()
    _FAILED = object()
    _FINISHED = object()

    _state = _IN_PROGRESS
    peerCheck = False
    deferred: Deferred[None] | None
    _dtpPortCloses = False

    def __init__(self, pi: Any, peerHost: str | None = None, reactor: Any = None) -> None:
        """
        Begin to wait for a connection.

        @param reactor: measures the time limit; the default is the global reactor.
        """
        self.pi = pi
        self.peerHost = peerHost
        self.deferred = Deferred()
        self.delayedCall: Any = None
        if reactor is None:
            from twisted.internet import reactor
        self._reactor = reactor

    def buildProtocol(self, addr: Any) -> Any:
        """Make the protocol of the first connection; refuse any other connection."""
        if self._state is not self._IN_PROGRESS or not self._dtpIsWelcome(addr):
            return None
        # Differs from Twisted: if the application's class raises, the factory still waits for a
        # connection, and the time limit stays.
        made = _currentDTP()()
        made.factory = self
        made.pi = self.pi
        self.pi.dtpInstance = made
        self._state = self._FINISHED
        self.cancelTimeout()
        return made

    def _dtpIsWelcome(self, addr: Any) -> bool:
        return not self.peerCheck or self.peerHost is None or addr.host == self.peerHost

    def doStop(self) -> None:
        """
        Stop with the port or the connector; a consumer may still take the data that arrived.
        """
        self._dtpPortCloses = True
        try:
            super().doStop()  # type: ignore[no-untyped-call]
        finally:
            self._dtpPortCloses = False

    def stopFactory(self) -> None:
        """Stop waiting, both for a connection and for a consumer of its data."""
        self.cancelTimeout()
        made = getattr(self.pi, "dtpInstance", None)
        if not self._dtpPortCloses and isinstance(made, DTP) and made.factory is self:
            made._dtpAbandon()

    def timeoutFactory(self) -> None:
        """Fail: no connection was made in time."""
        log.msg("timed out waiting for DTP connection")
        self._dtpFail(DeferTimeoutError("DTPFactory timeout"))

    def cancelTimeout(self) -> None:
        """Cancel the time limit."""
        if self.delayedCall is not None and self.delayedCall.active():
            self.delayedCall.cancel()

    def setTimeout(self, seconds: float) -> None:
        """
        Set the time limit.

        @param seconds: how many seconds to wait for the connection.
        """
        self.delayedCall = self._reactor.callLater(seconds, self.timeoutFactory)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """Fail: the connection cannot be made."""
        self._dtpFail(reason)

    def _dtpFail(self, reason: Any) -> None:
        # Not at the top: the swap puts these classes into that module while it is being imported.
        from twisted.protocols.ftp import PortConnectionError

        if self._state is self._IN_PROGRESS:
            self._state = self._FAILED
            waiting, self.deferred = self.deferred, None
            assert waiting is not None
            waiting.errback(PortConnectionError(reason))
