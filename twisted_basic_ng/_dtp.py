"""
The data connection of an FTP server (RFC 959): one transfer or listing, in one direction.

L{DTP} stands between the connection and either what sends (a file's producer, or the server's listing) or what
receives (an upload's consumer).  This file knows nothing of commands and replies: C{twisted.protocols.ftp} does.
"""

from __future__ import annotations

import sys
import time
from typing import Any, Final

from zope.interface import implementer

from twisted.internet.defer import Deferred, TimeoutError as DeferTimeoutError, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python import log
from twisted.python.failure import Failure

__all__ = ["DTP", "DTPFactory", "DataConnectionClosedError", "encodeName"]

#: How many bytes, and how many chunks, are kept for a consumer that is not there yet.
_KEPT_BYTES: Final = 65536
_KEPT_CHUNKS: Final = 1024

#: What would break a line, or a terminal, in a listing; bytes from 0x80 on are parts of names in any encoding.
_CONTROL: Final = bytes.maketrans(bytes([*range(32), 127]), b"?" * 33)

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class DataConnectionClosedError(Exception):
    """Something is to be sent over a data connection that is not open: not yet, or not any more."""

    def __init__(self) -> None:
        super().__init__("the data connection is not open")


def _date(seconds: float) -> str:
    """Write a time as C{ls} does: with the hour in this year, with the year in any other."""
    try:
        then = time.gmtime(seconds)
    except (OverflowError, ValueError, OSError):
        then = time.gmtime(0)  # a time that no calendar has
    day = f"{_MONTHS[then.tm_mon - 1]} {then.tm_mday:02d}"
    if then.tm_year != time.gmtime().tm_year:
        return f"{day} {then.tm_year:5d}"
    return f"{day} {then.tm_hour:02d}:{then.tm_min:02d}"


def encodeName(server: Any, name: str | bytes) -> bytes:  # noqa: ARG001 - it is a method, by itself
    """
    Write a name for a listing, in UTF-8; one that is none comes out as it is in the file system.

    It is a method of Twisted's C{FTP}, where such a name keeps the listing from ending.
    """
    return name.encode("utf-8", "surrogateescape") if isinstance(name, str) else name


def _isClean(reason: object) -> bool:
    """Did the peer close the connection in an orderly way?"""
    return not isinstance(reason, Failure) or reason.check(ConnectionDone) is not None


@implementer(IConsumer, IPushProducer)
class DTP(Protocol):
    """
    The data connection of an FTP server.

    To the side that sends it is a consumer, to the side that receives it is the producer.

    @ivar isConnected: is the connection open?
    @ivar pi: the server's protocol on the control connection.
    @ivar factory: the L{DTPFactory} that made this.
    @ivar _cons: the consumer of an upload, while there is one.
    @ivar _onConnLost: fires when the upload is over.
    @ivar _buffer: the chunks that the consumer was not given yet; C{None} without a connection, and, as in Twisted,
        when there is nothing more to keep.
    @cvar _encoding: how owners and groups are written in listings; names are bytes already.
    """

    isConnected = False
    transport: Any
    factory: Any
    pi: Any

    _cons: Any = None
    _onConnLost: Deferred[Any] | None = None
    _buffer: list[bytes] | None = None
    _encoding = "latin-1"

    _dtpKept = 0
    _dtpPaused = False
    _dtpHeld = False
    _dtpIsOver = False
    _dtpIsUsed = False
    _dtpIsDelivering = False
    _dtpLostReason: Any = None

    # The connection.

    def connectionMade(self) -> None:
        """Tell the server that the data connection is there."""
        self.isConnected = True
        self._buffer = []
        self.factory.deferred.callback(None)

    def connectionLost(self, reason: Any = None) -> None:
        """
        End an upload: it is complete if the peer closed the connection in an orderly way, and has failed if not.

        @param reason: why the connection is closed.
        """
        self.isConnected = False
        self._dtpLostReason = reason
        if not _isClean(reason):
            self._dtpFinish(reason)
        elif not self._buffer:  # else the consumer, which has paused, takes the rest first
            self._dtpFinish(None)

    # Differs from Twisted: an upload that is cut off has failed, and each ends once.

    def _dtpFinish(self, result: Any) -> None:
        """Fire what waits for the end of the upload, with C{None} or a failure."""
        ending, self._onConnLost = self._onConnLost, None
        if ending is None:
            return
        if isinstance(result, Failure):
            ending.errback(result)
        else:
            ending.callback(result)

    # Differs from Twisted: no name makes two lines of one, and none makes it impossible to list the others.

    def sendLine(self, line: bytes) -> None:
        """
        Send a line of a listing.

        @param line: the line; control bytes in it are sent as C{?}.
        """
        self._dtpIsUsed = True
        self.transport.write(line.translate(_CONTROL) + b"\r\n")

    def _formatOneListResponse(
        self,
        name: bytes,
        size: int,
        directory: object,
        permissions: Any,
        hardlinks: int,
        modified: float,
        owner: str,
        group: str,
    ) -> bytes:
        """
        Write an entry as C{ls -l} does.

        @param name: the entry's name, as it is to be sent.
        @param size: in bytes.
        @param directory: is it a directory?
        @param permissions: what has C{shorthand}, a C{twisted.python.filepath.Permissions}.
        @param hardlinks: how many there are.
        @param modified: when it was modified, in seconds since the epoch.
        @param owner: whose it is; eight characters of it are written.
        @param group: whose group's; likewise.
        """
        row = (
            f"{'d' if directory else '-'}{permissions.shorthand()}{int(hardlinks):4d} "
            f"{owner[:8]:<9} {group[:8]:<9} {int(size):15d} {_date(modified):>12} "
        )
        return row.encode(self._encoding, "replace") + name

    def sendListResponse(self, name: bytes, response: Any) -> None:
        """
        Send an entry of a listing.

        @param name: its name.
        @param response: size, directory, permissions, hardlinks, modified, owner and group.
        """
        self.sendLine(self._formatOneListResponse(name, *response))

    # The consumer of what is sent: the transport, in effect.

    def registerProducer(self, producer: Any, streaming: bool) -> Any:
        """Have C{producer} send."""
        self._dtpIsUsed = True
        return self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Take what was sent for all there is, and close the connection."""
        self.transport.unregisterProducer()
        self.transport.loseConnection()

    def write(self, data: bytes) -> Any:
        """
        Send C{data}.

        @raise DataConnectionClosedError: the connection is not open.
        """
        if not self.isConnected:
            raise DataConnectionClosedError
        return self.transport.write(data)

    # The producer of what is received.

    def dataReceived(self, data: bytes) -> None:
        """Give C{data} to the consumer, or keep it until there is one."""
        if self._dtpIsOver:
            return
        if self._cons is not None and not self._dtpPaused and not self._buffer:
            self._conswrite(data)
        else:
            self._dtpKeep(data)

    # Differs from Twisted: not more is kept than is good for the server.

    def _dtpKeep(self, data: bytes) -> None:
        """Keep C{data}; stop reading when that is enough."""
        if self._buffer is None:
            self._buffer = []
        self._buffer.append(data)
        self._dtpKept += len(data)
        if (
            self._cons is None
            and not self._dtpHeld
            and (self._dtpKept >= _KEPT_BYTES or len(self._buffer) >= _KEPT_CHUNKS)
        ):
            self._dtpHeld = True
            self.transport.pauseProducing()

    def _conswrite(self, data: bytes) -> None:
        """Give C{data} to the consumer; where it raises, the upload has failed."""
        try:
            self._cons.write(data)
        except BaseException:
            why = Failure()
            try:
                self._dtpGiveUp()
            finally:
                self._dtpFinish(why)

    def _dtpGiveUp(self) -> None:
        """Take nothing more, and close the connection."""
        self._dtpIsOver = True
        self._buffer = None
        if self.isConnected:
            self.transport.loseConnection()

    def registerConsumer(self, cons: Any) -> Deferred[Any]:
        """
        Receive an upload.

        @param cons: what takes the bytes, those that came before included.
        @return: fires when the peer has sent everything; fails if the connection is lost before, if the consumer
            raises, or if the connection was used already: it is for one transfer.
        """
        assert self._cons is None
        if self._dtpIsUsed:
            return self._dtpRefuseConsumer(cons, Failure(DataConnectionClosedError()))
        self._dtpIsUsed = True
        if not _isClean(self._dtpLostReason):
            return self._dtpRefuseConsumer(cons, self._dtpLostReason)
        try:
            cons.registerProducer(self, True)
        except BaseException:
            self._dtpGiveUp()
            raise
        self._cons = cons
        ending: Deferred[Any] = Deferred()
        self._onConnLost = ending
        ending.addBoth(self._unregConsumer)
        self._dtpDeliverKept()
        if self._dtpHeld:
            self._dtpHeld = False
            if self.isConnected and not self._dtpPaused:
                self.transport.resumeProducing()
        return ending

    def _dtpRefuseConsumer(self, cons: Any, why: Failure) -> Deferred[Any]:
        """Say that the upload had failed before it began; the consumer is opened and closed, to leave nothing open."""
        self._buffer = None
        cons.registerProducer(self, True)
        try:
            cons.unregisterProducer()
        except BaseException:
            log.err(None, "while closing what an upload had failed to be written to")
        return fail(why)

    def _dtpDeliverKept(self) -> None:
        """Give the consumer what was kept for it, as long as it takes it; end the upload where that was all."""
        if self._dtpIsDelivering:
            return  # the consumer pauses and goes on while it is given something: it is given the next behind that
        self._dtpIsDelivering = True
        kept = self._buffer or []
        while kept and not self._dtpPaused and self._onConnLost is not None:
            self._conswrite(kept.pop(0))
        self._dtpIsDelivering = False
        if kept and self._onConnLost is not None:
            return
        self._dtpKept = 0
        if self._buffer is not None:
            self._buffer = None
        if not self.isConnected:
            self._dtpFinish(None)

    def _unregConsumer(self, ignored: Any) -> Any:
        """
        Part with the consumer, whichever way the upload ended.

        @return: how it ended.  What goes wrong with the consumer now is that, if nothing went wrong before; else it is
            logged.
        """
        cons, self._cons = self._cons, None
        self._onConnLost = None
        try:
            cons.unregisterProducer()
        except BaseException:
            if not isinstance(ignored, Failure):
                return Failure()
            log.err(None, "while closing what an upload had failed to be written to")
        return ignored

    def _dtpCloseIfHeld(self) -> None:
        """Close a connection that is not read because nobody takes anything: its end would not be seen."""
        if self._dtpHeld and self._cons is None and self.isConnected:
            self._dtpGiveUp()

    def resumeProducing(self) -> None:
        """Go on: with what was kept, then with reading."""
        self._dtpPaused = False
        if self._cons is not None and self._buffer:
            self._dtpDeliverKept()
        if not self._dtpPaused and self.isConnected:
            self.transport.resumeProducing()

    def pauseProducing(self) -> None:
        """Stop reading, and giving the consumer anything, for a while."""
        self._dtpPaused = True
        if self.isConnected:
            self.transport.pauseProducing()

    def stopProducing(self) -> None:
        """Stop for good: the consumer wants nothing more.  If something was kept for it, the upload has failed."""
        if self._buffer and self._onConnLost is not None:
            self._dtpIsOver = True
            self._buffer = None
            self._dtpFinish(Failure(Exception("Consumer asked us to stop producing")))
        if self.isConnected:
            self.transport.stopProducing()


def _currentDTP() -> Any:
    """The class of data connections: what stands in Twisted's module, if that has our factory."""
    module = sys.modules.get("twisted.protocols.ftp")
    return module.DTP if getattr(module, "DTPFactory", None) is DTPFactory else DTP  # type: ignore[union-attr]


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
    _dtpMade: Any = None

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
        made = _currentDTP()()
        made.factory = self
        made.pi = self.pi
        self.pi.dtpInstance = made
        self._dtpMade = made
        self._state = self._FINISHED  # not before: where an application's class cannot be made, the time limit stays
        self.cancelTimeout()
        return made

    def _dtpIsWelcome(self, addr: Any) -> bool:
        return not self.peerCheck or self.peerHost is None or addr.host == self.peerHost

    def stopFactory(self) -> None:
        """Wait no longer, neither for a connection nor for somebody who takes what came over it."""
        self.cancelTimeout()
        if isinstance(self._dtpMade, DTP):
            self._dtpMade._dtpCloseIfHeld()

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
