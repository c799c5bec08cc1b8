"""
Receives an upload over an FTP data connection, and passes it to a consumer.

There may be no consumer yet when data arrives, and the consumer may pause: this file decides what
to buffer, when to stop reading, and how the upload ends.  It does not know what a server sends.
"""

from __future__ import annotations

from typing import Any, Final

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.python import log
from twisted.python.failure import Failure

from .._places import public, publicMethods
from .hangup import hasHungUp

__all__ = ["DataConnectionClosedError", "UploadConnection"]

#: How many bytes, and how many chunks, to buffer while there is no consumer yet.
_KEPT_BYTES: Final = 65536
_KEPT_CHUNKS: Final = 1024

#: How many more bytes the peer may send after this side has closed the connection.
_PATIENCE: Final = 65536


@public("ftp")
class DataConnectionClosedError(Exception):
    """
    The application sent data over a data connection that is not open yet, or is closed already.
    """

    def __init__(self, text: str = "the data connection is not open") -> None:
        super().__init__(text)


def _isClean(reason: object) -> bool:
    """Whether the peer closed the connection in an orderly way."""
    return not isinstance(reason, Failure) or reason.check(ConnectionDone) is not None


class _Connected:
    """
    C{DTP.isConnected}: whether the connection is open.

    The value is stored under that name on the instance.  While this side does not read, it cannot
    notice that the peer has closed the connection, so this attribute asks the operating system.
    """

    def __get__(self, connection: UploadConnection | None, owner: type[UploadConnection]) -> Any:
        return connection is not None and connection._dtpIsOpen() and not connection._dtpIsLeft()

    def __set__(self, connection: UploadConnection, value: object) -> None:
        vars(connection)["isConnected"] = value


@publicMethods("ftp", "DTP")
class UploadConnection(Protocol):
    """
    A data connection that can receive an upload.

    The consumer of the upload uses it as its producer.  Its private names begin with C{_dtp}.

    @ivar isConnected: whether the connection is open.  It is false once the peer has closed the
        connection, even if unread data remains.
    @ivar factory: the L{DTPFactory} that made this instance.
    @ivar _cons: the consumer of the upload in progress, or C{None}.
    @ivar _onConnLost: fires when the upload has ended.
    @ivar _buffer: the chunks that the consumer has not received yet.  It is C{None} without a
        connection and, as in Twisted, when nothing more is to be buffered.
    """

    isConnected = _Connected()
    transport: Any
    factory: Any

    _cons: Any = None
    _onConnLost: Deferred[Any] | None = None
    _buffer: list[bytes] | None = None

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

    def connectionMade(self) -> None:
        """Tell the server that the data connection is established."""
        self.isConnected = True
        self._buffer = []
        self.factory.deferred.callback(None)

    def _dtpIsOpen(self) -> Any:
        """Whether the transport is connected, no matter what the peer has done."""
        return vars(self).get("isConnected", False)

    def _dtpIsLeft(self) -> bool:
        """Whether the peer is known to have closed a connection that was not read to its end."""
        if self._dtpHeld and not self._dtpPeerHasLeft:
            self._dtpPeerHasLeft = hasHungUp(self.transport)
        return self._dtpPeerHasLeft

    def connectionLost(self, reason: Any = None) -> None:
        """
        End the upload: it is complete if the peer closed the connection in an orderly way, and has
        failed otherwise.

        @param reason: why the connection was closed.
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
        elif not self._buffer:  # otherwise the paused consumer receives the rest first
            self._dtpFinish(None)

    # Differs from Twisted: an upload that is cut off fails, and each upload ends once.

    def _dtpFinish(self, result: Any) -> None:
        """Fire the Deferred of the upload with C{None} or a failure, if it has not fired yet."""
        ending, self._onConnLost = self._onConnLost, None
        if ending is None:
            return
        if isinstance(result, Failure):
            ending.errback(result)
        else:
            ending.callback(result)

    def dataReceived(self, data: bytes) -> None:
        """Pass C{data} to the consumer, or buffer it until there is one."""
        if self._dtpIsOver:
            self._dtpDisregard(data)
        elif self._cons is None:
            if not self._dtpIsUsed:
                self._dtpKeep(data)
        elif self._dtpPaused or self._buffer:
            self._dtpKeep(data)
        else:
            self._conswrite(data)

    # Differs from Twisted: the buffer is bounded.  While it is full, this side stops reading, and
    # cannot notice that the peer has closed the connection.

    def _dtpKeep(self, data: bytes) -> None:
        """Buffer C{data}; stop reading when the buffer is full."""
        if self._buffer is None:
            self._buffer = []
        self._buffer.append(data)
        self._dtpKept += len(data)
        if self._cons is None and (self._dtpKept >= _KEPT_BYTES or len(self._buffer) >= _KEPT_CHUNKS):
            self._dtpHold()

    def _dtpHold(self) -> None:
        """Stop reading until there is a consumer; give up if there will never be one."""
        if self._dtpIsAbandoned or getattr(self.transport, "disconnecting", False):
            self._dtpGiveUp()
        elif not self._dtpHeld:
            self._dtpHeld = True
            self.transport.pauseProducing()

    def _dtpLetGo(self) -> None:
        """Resume reading if L{_dtpHold} stopped it."""
        if self._dtpHeld:
            self._dtpHeld = False
            if self._dtpIsOpen() and not self._dtpPaused:
                self.transport.resumeProducing()

    def _dtpDisregard(self, data: bytes) -> None:
        """
        Ignore C{data} that arrives after this side has given up; abort the connection if there is
        too much.
        """
        if 0 <= self._dtpPatience < len(data):
            getattr(self.transport, "abortConnection", self.transport.loseConnection)()
        self._dtpPatience -= len(data)

    def _conswrite(self, data: bytes) -> None:
        """Pass C{data} to the consumer; if it raises, the upload fails."""
        try:
            self._cons.write(data)
        except BaseException:
            self._dtpFail(Failure())  # not in a local variable: the failure refers to this frame

    def _dtpFail(self, why: Failure) -> None:
        """Fail the upload and close the connection."""
        try:
            self._dtpGiveUp()
        finally:
            self._dtpFinish(why)

    # Differs from Twisted: the connection is closed.  Twisted's stays open, and the next bytes
    # raise an AttributeError.

    def _dtpGiveUp(self) -> None:
        """
        Close the connection and ignore further data.

        Reading continues, to notice when the peer has closed its side, too.
        """
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

        @param cons: the consumer of the upload; it also receives the data that has arrived before
            this call.
        @return: fires when the peer has sent everything.  It fails if the connection is lost first,
            if the consumer raises, or if the connection was already used, because it serves one
            transfer.
        """
        assert self._cons is None
        if self._dtpIsUsed or self._dtpIsOver:
            return self._dtpRefuseConsumer(cons, Failure(DataConnectionClosedError()))
        self._dtpIsUsed = True
        if self._dtpLostReason is not None:
            return self._dtpRefuseConsumer(cons, self._dtpLostReason)
        self._dtpIsLeft()  # ask now: reading resumes below
        self._onConnLost = ending = Deferred[Any]()
        ending.addBoth(self._unregConsumer)
        self._dtpBegin(cons)
        self._dtpDeliverKept()
        self._dtpLetGo()
        return ending

    def _dtpBegin(self, cons: Any) -> None:
        """Register with the consumer; it receives the buffered chunks afterwards."""
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
        """
        Report an upload that failed before it began.

        Register with the consumer and unregister, so that it closes what it has opened.
        """
        self._buffer = None
        cons.registerProducer(self, True)
        try:
            cons.unregisterProducer()
        except BaseException:
            log.err(None, "while closing what an upload had failed to be written to")
        return fail(why)

    def _dtpDeliverKept(self) -> None:
        """
        Pass the buffered chunks to the consumer until it pauses.

        If none are left and the connection is closed, end the upload.
        """
        if self._dtpIsDelivering:
            return  # the consumer paused and resumed inside its write: the loop below continues
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
        Unregister from the consumer, however the upload ended.

        @return: C{ignored}, the result of the upload.  If the consumer raises now, that error
            becomes the result of an upload that had succeeded; if the upload had failed, the error
            is logged.
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
                self._dtpGiveUp()  # the application cancelled the Deferred
        return ignored

    def _dtpAbandon(self) -> None:
        """
        Expect no consumer: the control connection is closed, or has another data connection.

        If reading is stopped, close the connection: nothing would notice that the peer has closed
        it.
        """
        self._dtpIsAbandoned = True
        if self._dtpHeld:
            self._dtpGiveUp()

    def resumeProducing(self) -> None:
        """Resume: first pass on the buffered chunks, then read."""
        self._dtpPaused = False
        if self._cons is not None and self._buffer:
            self._dtpDeliverKept()
        if self._dtpIsOpen() and not (self._dtpPaused or self._dtpHeld):
            self.transport.resumeProducing()

    def pauseProducing(self) -> None:
        """Stop reading, and stop passing data to the consumer, until L{resumeProducing}."""
        self._dtpPaused = True
        if self._dtpIsOpen():
            self.transport.pauseProducing()

    def stopProducing(self) -> None:
        """Stop for good: the consumer takes no more data, however the connection ends."""
        self._dtpIsStopped = self._cons is not None  # without a consumer, keep the buffer for it
        if self._dtpIsOpen():
            self.transport.stopProducing()
        elif self._dtpIsStopped:
            self._buffer = None
            self._dtpFinish(None)
