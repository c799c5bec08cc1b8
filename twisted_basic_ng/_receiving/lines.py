"""
Lines, with a raw mode.

L{twisted_basic_ng._accelerate.framing} finds where a line ends.  This file delivers lines one at a
time.  After each line, it checks whether the callback changed anything that matters for the next
one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from .. import _accelerate
from .._places import public
from .backlog import Backlog
from .connection import Connection
from .pausing import _PauseableMixin
from .pins import PINNED
from .receiver import Receiver
from .shown import Undelivered
from .wording import amendUnsent, notOverridden

__all__ = ["LineReceiver"]

#: How many bytes to search for lines at once, at first and at most.  If a callback spoils the
#: batch, that search was wasted.
_NEAR: Final = 2048
_FAR: Final = 16384

#: Tells the caller that the delivery has not ended.
_GO_ON: Final = object()

#: While no more than this many bytes are left, cutting a line off is faster than finding it.
_CUT: Final = 4096

#: In fewer bytes than these, looking ahead does not pay.
_SHORT: Final = 64


@public("basic")
class LineReceiver(Receiver, _PauseableMixin):
    """
    A protocol that receives lines, and arbitrary data in raw mode.

    Override L{lineReceived} and L{rawDataReceived}.  A callback can change the mode, the delimiter,
    the limit, C{paused} and the buffer.  The change applies from the next line on.

    @cvar delimiter: the bytes that end a line.
    @cvar MAX_LENGTH: the longest line to accept, in bytes, without its delimiter.
    @ivar line_mode: 1 in line mode, 0 in raw mode.
    @ivar _buffer: the bytes that are not delivered yet.  Applications read and reset it.
    @ivar _busyReceiving: whether a delivery is in progress, for applications with a C{dataReceived}
        of their own.
    """

    _receiverFollowed = ("MAX_LENGTH", "delimiter")
    _receiverPinned = ("line_mode", "paused")
    _receiverShown = ("_buffer",)
    _receiverSaved = "_buffer"
    _buffer: bytes = Undelivered()  # type: ignore[assignment]
    _busyReceiving = False
    line_mode = 1
    delimiter: bytes = b"\r\n"
    MAX_LENGTH: int = 16384

    def clearLineBuffer(self) -> bytes:
        """
        Discard the bytes that are not delivered yet.

        @return: the discarded bytes.
        """
        connection = self._receiverConnection
        if connection is not None and connection.backlog.isPlain:  # the same, in less time
            backlog = connection.backlog
            backlog.isLookedAt = True
            cleared, backlog.current = backlog.current, b""
        else:
            cleared, self._buffer = self._buffer, b""
        return cleared

    def _receiverDeliver(self, connection: Connection) -> object:
        """
        Deliver the bytes that have arrived, in the current mode.

        This is one flat loop, for speed.  Each turn delivers raw data, one line, or a batch of
        lines, which ends when a callback has changed what it relies on.
        """
        if self._busyReceiving:
            return None
        self._busyReceiving = True
        try:
            window = _NEAR
            transport: Any
            while True:
                kind = None
                if connection.pins is not None:
                    kind = type(self)
                    if kind is not connection.pins.kind:
                        self._receiverUnpin(connection)
                if self.paused:
                    return None
                plainTransport = connection.plainTransport
                if plainTransport.TLS:
                    connection = self._receiverLeavePlaintext(connection, b"")
                    plainTransport = connection.plainTransport
                backlog = connection.backlog
                if not self.line_mode:
                    if (
                        backlog.batch.frames
                        or backlog.arrivedMeanwhile is not None
                        or backlog.unfinishedPieces is not None
                    ):
                        data = backlog.take()
                    else:  # the same, in less time
                        data = backlog.current[backlog.start :]
                        backlog.current = b""
                        backlog.start = 0
                    if not data:
                        return None
                    why = self.rawDataReceived(data)
                    if why:
                        return why
                    continue
                delimiter = self.delimiter
                batch = backlog.batch
                lines: Sequence[bytes] = batch.frames
                isChanged = isLast = False
                if lines:
                    if delimiter != batch.terms:
                        backlog.putBack()
                        continue
                    reader = batch.reader
                    mayExceed = True
                elif backlog.unfinishedPieces is None or backlog.completesLine(delimiter):
                    if backlog.isLookedAt and delimiter:
                        why = self._receiverDeliverShown(connection, delimiter)
                        if why is not _GO_ON:
                            return why
                        continue
                    current = backlog.current
                    begin = backlog.start
                    if (batch.cautious or len(current) - begin < _SHORT) and delimiter:
                        if len(current) - begin > _CUT:
                            end = current.find(delimiter, begin)
                            if end >= 0:
                                isChanged = True
                                line = current[begin:end]
                                backlog.start = end + len(delimiter)
                        else:
                            line, found, rest = (current[begin:] if begin else current).partition(delimiter)
                            if found:
                                isChanged = True
                                backlog.current = rest
                                backlog.start = 0
                        if isChanged:
                            if batch.cautious:
                                batch.cautious -= 1
                            connection.hasDelivered = True
                            if len(line) > self.MAX_LENGTH:
                                return self._receiverExceeded(connection, len(line), line + delimiter + backlog.take())
                            why = self.lineReceived(line)
                            if why:
                                return why
                            transport = self.transport
                            if transport is not None and transport.disconnecting:
                                return why
                            if not backlog.current and backlog.arrivedMeanwhile is None:
                                return None
                            continue
                    else:
                        if type(delimiter) is not bytes:
                            delimiter = b"" + delimiter
                        lines, end = _accelerate.splitLines(current, begin, delimiter, window)
                        if lines:
                            reader = batch.start(lines, begin, delimiter, len(delimiter))
                            backlog.start = end
                            isLast = begin + window >= len(current)
                            mayExceed = end - begin > self.MAX_LENGTH
                if lines:
                    connection.hasDelivered = True
                    if len(lines) >= PINNED and connection.pins is None:
                        self._receiverPin(connection)
                        kind = type(self)
                    limit = self.MAX_LENGTH
                    for line in reader:
                        if mayExceed and len(line) > limit:
                            return self._receiverExceeded(connection, len(line), line + delimiter + backlog.take())
                        why = self.lineReceived(line)
                        if why:
                            return why
                        transport = self.transport
                        if transport is not None and transport.disconnecting:
                            return why
                        if (
                            self.paused
                            or (delimiter is not self.delimiter and delimiter != self.delimiter)
                            or not self.line_mode
                            or plainTransport.TLS
                            or (kind is not None and kind is not type(self))
                        ):
                            isChanged = True
                            break
                        if limit is not self.MAX_LENGTH:
                            limit, mayExceed = self.MAX_LENGTH, True
                    else:
                        if batch.frames is not lines:
                            continue  # there are other bytes now
                        batch.finish()
                        if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                            backlog.current = b""
                            backlog.start = 0
                            return None
                        window = min(window * 2, _FAR)
                        isChanged = not isLast
                if isChanged:
                    continue
                # The bytes in hand contain no whole line.
                size = backlog.size
                if size and size >= self.MAX_LENGTH + len(delimiter):
                    return self._receiverExceeded(connection, size, backlog.take())
                if not backlog.unfinished(delimiter=b"" + delimiter):
                    return None
        finally:
            self._busyReceiving = False

    def _receiverDeliverShown(self, connection: Connection, delimiter: bytes) -> object:
        """
        Deliver lines to an application that reads or assigns the rest at each, by cutting each line
        off.

        @return: the value that ends the delivery, or L{_GO_ON} if it continues.
        """
        backlog = connection.backlog
        plainTransport = connection.plainTransport
        pins = connection.pins
        if backlog.start or backlog.arrivedMeanwhile is not None or backlog.unfinishedPieces is not None:
            backlog.rest()
        line, found, rest = backlog.current.partition(delimiter)
        if found:
            connection.hasDelivered = True
        backlog.isPlain = True
        try:
            while found:
                backlog.current = rest
                if len(line) > self.MAX_LENGTH:
                    return self._receiverExceeded(connection, len(line), line + delimiter + backlog.take())
                backlog.isLookedAt = False
                why = self.lineReceived(line)
                if why:
                    return why
                transport: Any = self.transport
                if transport is not None and transport.disconnecting:
                    return why
                if (
                    not backlog.isLookedAt
                    or delimiter is not self.delimiter
                    or self.paused
                    or not self.line_mode
                    or plainTransport.TLS
                    or (pins is not None and pins.kind is not type(self))
                ):
                    return _GO_ON
                line, found, rest = backlog.current.partition(delimiter)
            if backlog.arrivedMeanwhile is not None:
                return _GO_ON
            if line and len(line) >= self.MAX_LENGTH + len(delimiter):
                return self._receiverExceeded(connection, len(line), backlog.take())
            backlog.unfinished(delimiter=b"" + delimiter)
            return None
        finally:
            backlog.isPlain = False

    def _receiverIsUnfinished(self, backlog: Backlog) -> bool:
        return bool(self.line_mode) and super()._receiverIsUnfinished(backlog)

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        if self.paused or not self.line_mode or self._busyReceiving:
            return False
        return backlog.extendsLine(data, self.delimiter, self.MAX_LENGTH + len(self.delimiter) - 1)

    def _receiverExceeded(self, connection: Connection, size: int, line: bytes) -> object:
        self._receiverLogLimit(connection, size)
        return self.lineLengthExceeded(line)

    def setLineMode(self, extra: bytes = b"") -> Any:
        """
        Switch to line mode.

        Do not call it with C{extra} from L{lineReceived}.

        @param extra: the part of the bytes passed to L{rawDataReceived} that is not raw data.  It
            is delivered before all other undelivered bytes.
        """
        self.line_mode = 1
        if extra:
            return self.dataReceived(extra)
        return None

    def setRawMode(self) -> None:
        """
        Switch to raw mode.  All undelivered and future bytes go to L{rawDataReceived}, until you
        call L{setLineMode}.
        """
        self.line_mode = 0

    def rawDataReceived(self, data: bytes) -> object:
        """
        Called with the bytes that arrive in raw mode.  Override it.

        @param data: the bytes, in chunks of any size.
        @return: a true value ends the delivery of the current chunk.
        @raise NotImplementedError: you have not overridden it.
        """
        raise notOverridden(self, "rawDataReceived")

    def lineReceived(self, line: bytes) -> object:
        """
        Called with each line, without its delimiter.  Override it.

        @param line: the line, as bytes.
        @return: a true value ends the delivery of the current chunk.  The other lines wait for the
            next chunk.
        @raise NotImplementedError: you have not overridden it.
        """
        raise notOverridden(self, "lineReceived")

    def sendLine(self, line: bytes) -> Any:
        """
        Send a line.

        @param line: the line without the delimiter, which is added.  A delimiter inside the line is
            not escaped.
        @raise TypeError: the line is not bytes.
        @raise AttributeError: there is no connection yet.
        """
        try:
            return self.transport.write(line + self.delimiter)  # type: ignore[union-attr]
        except (AttributeError, TypeError) as error:
            amendUnsent(error, self, "sendLine", line)
            raise

    def lineLengthExceeded(self, line: bytes) -> object:
        """
        Called when a line is longer than C{MAX_LENGTH}.  It drops the peer; override it to do
        something else.

        @param line: all undelivered bytes, from the beginning of that line on.
        """
        return self._receiverDrop()
