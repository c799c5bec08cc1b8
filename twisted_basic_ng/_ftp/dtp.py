"""
The data connection of an FTP server (RFC 959): one transfer or listing, in one direction.

L{DTP} stands between the connection and either what sends (a file's producer, or the server's listing) or what
receives (an upload's consumer).  This file knows nothing of commands and replies: C{twisted.protocols.ftp} does.
"""

from __future__ import annotations

from typing import Any, Final

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.internet.protocol import Protocol
from twisted.python import log
from twisted.python.failure import Failure

from .._places import public
from .hangup import hasHungUp
from .listing import formatRow, oneLine

__all__ = ["DTP", "DataConnectionClosedError"]

#: How many bytes, and how many chunks, are kept for a consumer that is not there yet.
_KEPT_BYTES: Final = 65536
_KEPT_CHUNKS: Final = 1024

#: How many bytes the peer may still send after this side has given up.
_PATIENCE: Final = 65536


@public("ftp")
class DataConnectionClosedError(Exception):
    """Something is to be sent over a data connection that is not open: not yet, or not any more."""

    def __init__(self, text: str = "the data connection is not open") -> None:
        super().__init__(text)


def _isClean(reason: object) -> bool:
    """Did the peer close the connection in an orderly way?"""
    return not isinstance(reason, Failure) or reason.check(ConnectionDone) is not None


class _Connected:
    """
    C{DTP.isConnected}: whether the connection is open.

    It is stored under that name on the instance.  While nothing is read from the peer its end would not be seen: the
    system is then asked for it.
    """

    def __get__(self, dtp: DTP | None, owner: type[DTP]) -> Any:
        return dtp is not None and dtp._dtpIsOpen() and not dtp._dtpIsLeft()

    def __set__(self, dtp: DTP, value: object) -> None:
        vars(dtp)["isConnected"] = value


@implementer(IConsumer, IPushProducer)
@public("ftp")
class DTP(Protocol):
    """
    The data connection of an FTP server.

    To the side that sends it is a consumer, to the side that receives it is the producer.

    @ivar isConnected: whether the connection is open.  It is not when the peer has closed it, even if not everything
        was read.
    @ivar pi: the server's protocol on the control connection.
    @ivar factory: the L{DTPFactory} that made this.
    @ivar _cons: the consumer of an upload, while there is one.
    @ivar _onConnLost: fires when the upload is over.
    @ivar _buffer: the chunks that the consumer was not given yet; C{None} without a connection, and, as in Twisted,
        when there is nothing more to keep.
    @cvar _encoding: how owners and groups are written in listings; names are bytes already.
    """

    isConnected = _Connected()
    transport: Any
    factory: Any
    pi: Any

    _cons: Any = None
    _onConnLost: Deferred[Any] | None = None
    _buffer: list[bytes] | None = None
    _encoding = "latin-1"

    _dtpKept = 0
    _dtpPatience = _PATIENCE
    _dtpPaused = False
    _dtpHeld = False
    _dtpPeerHasLeft = False
    _dtpIsAbandoned = False
    _dtpIsOver = False
    _dtpIsStopped = False
    _dtpIsUsed = False
    _dtpIsDelivering = False
    _dtpLostReason: Any = None

    # The connection.

    def connectionMade(self) -> None:
        """Tell the server that the data connection is there."""
        self.isConnected = True
        self._buffer = []
        self.factory.deferred.callback(None)

    def _dtpIsOpen(self) -> Any:
        """Whether the transport is still there, whatever the peer has done."""
        return vars(self).get("isConnected", False)

    def _dtpIsLeft(self) -> bool:
        """Whether the peer has closed a connection that is not, or was not, read to its end."""
        if self._dtpHeld and not self._dtpPeerHasLeft:
            self._dtpPeerHasLeft = hasHungUp(self.transport)
        return self._dtpPeerHasLeft

    def connectionLost(self, reason: Any = None) -> None:
        """
        End an upload: it is complete if the peer closed the connection in an orderly way, and has failed if not.

        @param reason: why the connection is closed.
        """
        self.isConnected = False
        if self._dtpIsStopped:
            self._buffer = None
            self._dtpFinish(None)
        elif not _isClean(reason):
            self._buffer = None
            if not self._dtpIsUsed:
                self._dtpLostReason = reason
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
        self._dtpSendOnly()
        self.transport.write(oneLine(line) + b"\r\n")

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
        return formatRow(name, size, directory, permissions, hardlinks, modified, owner, group, self._encoding)

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
        self._dtpSendOnly()
        if self._dtpPeerHasLeft and self._dtpIsOpen():
            self._dtpGiveUp()
            return producer.stopProducing()  # as a transport does whose connection is lost
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

    # Differs from Twisted: which keeps what is for nobody.

    def _dtpSendOnly(self) -> None:
        """Use the connection to send: what the peer sends is read, to see its end, and is for nobody."""
        if not self._dtpIsUsed:
            self._dtpIsUsed = True
            self._buffer = None
            self._dtpLetGo()

    # The producer of what is received.

    def dataReceived(self, data: bytes) -> None:
        """Give C{data} to the consumer, or keep it until there is one."""
        if self._dtpIsOver:
            self._dtpDisregard(data)
        elif self._cons is None:
            if not self._dtpIsUsed:
                self._dtpKeep(data)
        elif self._dtpPaused or self._buffer:
            self._dtpKeep(data)
        else:
            self._conswrite(data)

    # Differs from Twisted: not more is kept than is good for the server, which does not see the peer's end behind it.

    def _dtpKeep(self, data: bytes) -> None:
        """Keep C{data}; stop reading when that is enough."""
        if self._buffer is None:
            self._buffer = []
        self._buffer.append(data)
        self._dtpKept += len(data)
        if self._cons is None and (self._dtpKept >= _KEPT_BYTES or len(self._buffer) >= _KEPT_CHUNKS):
            self._dtpHold()

    def _dtpHold(self) -> None:
        """Read no more until there is a consumer; give up if there will be none."""
        if self._dtpIsAbandoned or getattr(self.transport, "disconnecting", False):
            self._dtpGiveUp()
        elif not self._dtpHeld:
            self._dtpHeld = True
            self.transport.pauseProducing()

    def _dtpLetGo(self) -> None:
        """Read on, if it was this side that did not."""
        if self._dtpHeld:
            self._dtpHeld = False
            if self._dtpIsOpen() and not self._dtpPaused:
                self.transport.resumeProducing()

    def _dtpDisregard(self, data: bytes) -> None:
        """Ignore what comes after this side has given up; a peer that goes on loses its connection at once."""
        if 0 <= self._dtpPatience < len(data):
            getattr(self.transport, "abortConnection", self.transport.loseConnection)()
        self._dtpPatience -= len(data)

    def _conswrite(self, data: bytes) -> None:
        """Give C{data} to the consumer; where it raises, the upload has failed."""
        try:
            self._cons.write(data)
        except BaseException:
            self._dtpFail(Failure())  # in no name here: it holds this frame

    def _dtpFail(self, why: Failure) -> None:
        """End an upload that has failed."""
        try:
            self._dtpGiveUp()
        finally:
            self._dtpFinish(why)

    # Differs from Twisted: where the connection stays, and the next bytes are an AttributeError.

    def _dtpGiveUp(self) -> None:
        """Take nothing more, and close the connection; it is read on, to see that the peer has closed it, too."""
        self._dtpIsOver = True
        self._buffer = None
        isStopped = self._dtpHeld or self._dtpPaused
        self._dtpHeld = self._dtpPaused = False
        if self._dtpIsOpen():
            self.transport.loseConnection()
            if isStopped:
                self.transport.resumeProducing()

    def registerConsumer(self, cons: Any) -> Deferred[Any]:
        """
        Receive an upload.

        @param cons: what takes the bytes, those that came before included.
        @return: fires when the peer has sent everything; fails if the connection is lost before, if the consumer
            raises, or if the connection was used already: it is for one transfer.
        """
        assert self._cons is None
        if self._dtpIsUsed or self._dtpIsOver:
            return self._dtpRefuseConsumer(cons, Failure(DataConnectionClosedError()))
        self._dtpIsUsed = True
        if self._dtpLostReason is not None:
            return self._dtpRefuseConsumer(cons, self._dtpLostReason)
        self._dtpIsLeft()  # the last moment to ask
        self._onConnLost = ending = Deferred[Any]()
        ending.addBoth(self._unregConsumer)
        self._dtpBegin(cons)
        self._dtpDeliverKept()
        self._dtpLetGo()
        return ending

    def _dtpBegin(self, cons: Any) -> None:
        """Register with the consumer; it is given what was kept after that."""
        self._cons = cons
        self._dtpIsDelivering = True
        try:
            cons.registerProducer(self, True)
        except BaseException:
            self._cons = self._onConnLost = None
            self._dtpGiveUp()
            raise
        finally:
            self._dtpIsDelivering = False

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
        self._buffer = None
        if not self._dtpIsOpen():
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
        finally:
            if self._dtpIsOpen() and not self._dtpIsOver:
                self._dtpGiveUp()  # the Deferred was cancelled
        return ignored

    def _dtpAbandon(self) -> None:
        """
        Expect no consumer any more: the control connection is gone, or has another data connection.

        A connection that is not read is closed: its end would not be seen.
        """
        self._dtpIsAbandoned = True
        if self._dtpHeld:
            self._dtpGiveUp()

    def resumeProducing(self) -> None:
        """Go on: with what was kept, then with reading."""
        self._dtpPaused = False
        if self._cons is not None and self._buffer:
            self._dtpDeliverKept()
        if self._dtpIsOpen() and not (self._dtpPaused or self._dtpHeld):
            self.transport.resumeProducing()

    def pauseProducing(self) -> None:
        """Stop reading, and giving the consumer anything, for a while."""
        self._dtpPaused = True
        if self._dtpIsOpen():
            self.transport.pauseProducing()

    def stopProducing(self) -> None:
        """Stop for good: the consumer wants nothing more, however the connection then ends."""
        self._dtpIsStopped = self._cons is not None  # what came before a consumer is there is kept for it
        if self._dtpIsOpen():
            self.transport.stopProducing()
        elif self._dtpIsStopped:
            self._buffer = None
            self._dtpFinish(None)
