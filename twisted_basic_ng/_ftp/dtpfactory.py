"""
Waiting for the data connection of an FTP server, on the port that it offered or with the one that it was offered.

This file makes one L{DTP}, and knows nothing of what is done with it.
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
    """The class of data connections: what stands in Twisted's module, if that has our factory."""
    module = sys.modules.get("twisted.protocols.ftp")
    return module.DTP if getattr(module, "DTPFactory", None) is DTPFactory else DTP  # type: ignore[union-attr]


@public("ftp")
class DTPFactory(ClientFactory):
    """
    Makes one L{DTP}, for one data connection, within some time.

    @ivar pi: the server's protocol on the control connection; its C{dtpInstance} is set to what is made, a C{DTP} of
        the module that holds this factory.
    @ivar peerHost: the host of the control connection's peer.
    @ivar deferred: fires with C{None} when the data connection is there; fails with C{PortConnectionError} when it
        cannot be, or does not come in time.  C{None} when it has failed.
    @ivar delayedCall: the time limit, if there is one.
    @cvar peerCheck: whether only C{peerHost} may connect.
    @ivar _state: one of the three below.
    @cvar _IN_PROGRESS: nobody has connected yet.
    @cvar _FAILED: nobody will.
    @cvar _FINISHED: somebody has.
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
        Wait for a connection.

        @param reactor: what measures the time; the global one if it is not given.
        """
        self.pi = pi
        self.peerHost = peerHost
        self.deferred = Deferred()
        self.delayedCall: Any = None
        if reactor is None:
            from twisted.internet import reactor
        self._reactor = reactor

    def buildProtocol(self, addr: Any) -> Any:
        """Make the protocol of the first connection; any other is refused."""
        if self._state is not self._IN_PROGRESS or not self._dtpIsWelcome(addr):
            return None
        # Differs from Twisted: where an application's class cannot be made, nobody has connected, and time runs on.
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
        """Stop with the port or the connector; what came over it may still be taken."""
        self._dtpPortCloses = True
        try:
            super().doStop()  # type: ignore[no-untyped-call]
        finally:
            self._dtpPortCloses = False

    def stopFactory(self) -> None:
        """Wait no longer, neither for a connection nor for a consumer of what came over it."""
        self.cancelTimeout()
        made = getattr(self.pi, "dtpInstance", None)
        if not self._dtpPortCloses and isinstance(made, DTP) and made.factory is self:
            made._dtpAbandon()

    def timeoutFactory(self) -> None:
        """Fail: nobody has connected in time."""
        log.msg("timed out waiting for DTP connection")
        self._dtpFail(DeferTimeoutError("DTPFactory timeout"))

    def cancelTimeout(self) -> None:
        """Forget the time limit."""
        if self.delayedCall is not None and self.delayedCall.active():
            self.delayedCall.cancel()

    def setTimeout(self, seconds: float) -> None:
        """
        Wait for so long.

        @param seconds: how long.
        """
        self.delayedCall = self._reactor.callLater(seconds, self.timeoutFactory)

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        """Fail: nobody is there to connect to."""
        self._dtpFail(reason)

    def _dtpFail(self, reason: Any) -> None:
        # Not at the top: who swaps puts these classes into that module while it is imported.
        from twisted.protocols.ftp import PortConnectionError

        if self._state is self._IN_PROGRESS:
            self._state = self._FAILED
            waiting, self.deferred = self.deferred, None
            assert waiting is not None
            waiting.errback(PortConnectionError(reason))
