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
from .backlog import CAUTION, Backlog
from .pausing import _PauseableMixin
from .pins import PINNED
from .receiver import Receiver, Undelivered
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
        backlog = self._receiverState
        # This does the same as the last two lines, in a third of their time.
        if backlog is not None and backlog.isSeen is not None:
            backlog.isSeen = True
            cleared, backlog.current = backlog.current, b""
        else:
            cleared, self._buffer = self._buffer, b""
        return cleared

    def _receiverDeliver(self, backlog: Backlog) -> object:
        """
        Deliver the bytes that have arrived, in the current mode.

        This is one flat loop, for speed: it runs once for each batch of lines.  A change by a
        callback interrupts the batch, and the head of the loop decides whether the rest of the
        batch is still valid.
        """
        if self._busyReceiving:
            return None
        self._busyReceiving = True
        plainTransport = backlog.plainTransport
        window = _NEAR
        try:
            while True:
                pinned = backlog.pinnedAttributes
                if pinned is not None and type(self) is not pinned.kind:
                    self._receiverUnpin(backlog)
                    pinned = None
                lines: Sequence[bytes] = backlog.frames
                if self.paused or not (lines or backlog.start < len(backlog.current) or backlog):
                    return None
                if plainTransport is not None and plainTransport.TLS:
                    backlog, plainTransport = self._receiverLeavePlaintext(backlog, b""), None
                    continue
                if not self.line_mode:
                    if lines or backlog.unfinishedPieces is not None or backlog.arrivedMeanwhile is not None:
                        data = backlog.take()
                        if not data:
                            return None
                    else:
                        data = backlog.current[backlog.start :]
                        backlog.current = b""
                        backlog.start = 0
                    why = self.rawDataReceived(data)
                    if why:
                        return why
                    continue
                delimiter = self.delimiter
                if type(delimiter) is not bytes:
                    delimiter = b"" + delimiter
                limit = self.MAX_LENGTH
                isSearched = False
                if lines:
                    if delimiter != backlog.terms:
                        backlog.putBack()
                        continue
                    reader, mayExceed = backlog.reader, True
                else:
                    if backlog.isLookedAt:
                        why = self._receiverCutOff(backlog, plainTransport)
                        if why is not _GO_ON:
                            return why
                        continue
                    begin = backlog.start
                    if (
                        (backlog.cautious or len(backlog.current) - begin < _SHORT)
                        and delimiter
                        and backlog.unfinishedPieces is None
                    ):
                        # Something changes at each line, so looking ahead would be wasted.
                        window = _NEAR
                        transport: Any
                        if pinned is None and len(backlog.current) - begin >= PINNED * _SHORT:
                            self._receiverPin(backlog)
                        kind = None if backlog.pinnedAttributes is None else type(self)
                        while True:
                            current = backlog.current
                            begin = backlog.start
                            if self.line_mode:
                                if len(current) - begin > _CUT:
                                    end = current.find(delimiter, begin)
                                    if end < 0:
                                        break
                                    line = current[begin:end]
                                    backlog.start = end + len(delimiter)
                                else:
                                    line, found, rest = (current[begin:] if begin else current).partition(delimiter)
                                    if not found:
                                        end = -1
                                        break
                                    backlog.current = rest
                                    backlog.start = 0
                                backlog.hasDelivered = True
                                if len(line) > self.MAX_LENGTH:
                                    return self._receiverExceeded(backlog, len(line), line + delimiter + backlog.take())
                                why = self.lineReceived(line)
                                if why:
                                    return why
                                transport = self.transport
                                if transport is not None and transport.disconnecting:
                                    return why
                            else:
                                if begin == len(current) or backlog.arrivedMeanwhile is not None:
                                    end = begin
                                    break
                                backlog.current = b""
                                backlog.start = 0
                                why = self.rawDataReceived(current[begin:])
                                if why:
                                    return why
                            if not backlog.current and backlog.arrivedMeanwhile is None:
                                return None
                            if (
                                self.paused
                                or delimiter is not self.delimiter
                                or (plainTransport is not None and plainTransport.TLS)
                                or (kind is not None and kind is not type(self))
                                or backlog.isLookedAt
                            ):
                                end = begin
                                break
                            if backlog.cautious:
                                backlog.cautious -= 1
                            elif len(backlog.current) - backlog.start >= _SHORT:
                                end = begin
                                break
                        if end >= 0:
                            continue
                        if begin == len(current) and backlog.arrivedMeanwhile is None:
                            return None
                        limit = self.MAX_LENGTH
                    if backlog.unfinishedPieces is None or backlog.completesLine(delimiter):
                        lines, end = split = _accelerate.splitLines(backlog.current, begin, delimiter, window)
                        isSearched = begin + window >= len(backlog.current)
                        if lines:
                            if len(lines) > 1:
                                if len(lines) >= PINNED and pinned is None:
                                    self._receiverPin(backlog)
                                    pinned = backlog.pinnedAttributes
                                backlog.frames = split[0]
                                backlog.terms = delimiter
                                backlog.framing = len(delimiter)
                                backlog.taken = 0
                                backlog.mark = begin
                            backlog.reader = reader = iter(lines)
                            backlog.start = end
                            mayExceed = end - begin > limit
                if lines:
                    backlog.hasDelivered = True
                    kind = type(self)
                    for line in reader:
                        if mayExceed and len(line) > limit:
                            return self._receiverExceeded(backlog, len(line), line + delimiter + backlog.take())
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
                            or (plainTransport is not None and plainTransport.TLS)
                            or (pinned is not None and kind is not type(self))
                        ):
                            isSearched = False
                            break
                        if limit is not self.MAX_LENGTH:
                            limit, mayExceed = self.MAX_LENGTH, True
                    else:
                        if backlog.reader is not reader:
                            continue  # there are other bytes now
                        if backlog.frames:
                            backlog.frames = ()
                            backlog.caution = CAUTION
                        if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                            return None
                        window = min(window * 2, _FAR)
                    if not isSearched:
                        continue
                # The bytes in hand contain no whole line.
                if backlog.size >= self.MAX_LENGTH + len(delimiter):
                    return self._receiverExceeded(backlog, backlog.size, backlog.take())
                if not backlog.unfinished(delimiter=delimiter):
                    return None
        finally:
            self._busyReceiving = False

    def _receiverCutOff(self, backlog: Backlog, plainTransport: Any) -> object:
        """
        Deliver lines to an application that reads the rest after each, by cutting each line off.

        @return: the value that ends the delivery, or L{_GO_ON} if it continues.
        """
        if backlog.start or backlog.arrivedMeanwhile is not None:
            backlog.rest()
        if backlog.pinnedAttributes is None and len(backlog.current) >= PINNED * _SHORT:
            self._receiverPin(backlog)
        kind = None if backlog.pinnedAttributes is None else type(self)
        delimiter = self.delimiter
        line, found, rest = backlog.current.partition(delimiter) if delimiter else (backlog.current, b"", b"")
        if found:
            backlog.hasDelivered = True
        backlog.isSeen = True
        try:
            while found:
                backlog.current = rest
                if len(line) > self.MAX_LENGTH:
                    return self._receiverExceeded(backlog, len(line), line + delimiter + backlog.take())
                backlog.isSeen = False
                why = self.lineReceived(line)
                if why:
                    return why
                transport: Any = self.transport
                if transport is not None and transport.disconnecting:
                    return why
                if (
                    not backlog.isSeen
                    or delimiter is not self.delimiter
                    or self.paused
                    or not self.line_mode
                    or (plainTransport is not None and plainTransport.TLS)
                    or (kind is not None and kind is not type(self))
                ):
                    return _GO_ON
                line, found, rest = backlog.current.partition(delimiter)
            if len(line) < self.MAX_LENGTH + len(delimiter):
                backlog.unfinished(delimiter=b"" + delimiter)
                return None
            return self._receiverExceeded(backlog, len(line), backlog.take())
        finally:
            backlog.isLookedAt = backlog.isSeen is True
            backlog.isSeen = None

    def _receiverIsUnfinished(self, backlog: Backlog) -> bool:
        return bool(self.line_mode) and super()._receiverIsUnfinished(backlog)

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        if self.paused or not self.line_mode or self._busyReceiving:
            return False
        return backlog.extendsLine(data, self.delimiter, self.MAX_LENGTH + len(self.delimiter) - 1)

    def _receiverExceeded(self, backlog: Backlog, size: int, line: bytes) -> object:
        self._receiverLogLimit(backlog, size)
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
