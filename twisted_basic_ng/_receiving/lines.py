"""
Lines, with and without a raw mode.

L{twisted_basic_ng._accelerate.framing} finds where a line ends.  This file delivers lines one at a
time, and checks after each whether its callback changed anything that matters for the next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

from .. import _accelerate
from .._places import public
from .backlog import CAUTION, Backlog
from .pausing import _PauseableMixin
from .pins import PINNED
from .receiver import Receiver, Shown, Undelivered
from .wording import amendUnsent, notOverridden

__all__ = ["LineOnlyReceiver", "LineReceiver"]

#: How many bytes to search for lines at once, at first and at the most: what a callback spoils was searched in vain.
_NEAR: Final = 2048
_FAR: Final = 16384

#: Not the end of a delivery.
_GO_ON: Final = object()

#: In fewer bytes than these, looking ahead does not pay.
_SHORT: Final = 64


# Differs from Twisted: a long line in pieces cannot be deleted before a look at it.  A __delattr__ could do that, but
# Python then calls it, or looks for a __setattr__, for each attribute that the application sets: 150 ns.


class _LastLine(Shown):
    """
    What L{LineOnlyReceiver._buffer} shows if the instance has none: a long line that is kept in pieces.

    A look joins the pieces.  The line is a plain attribute of the instance then, like any other line, as in Twisted; it
    may be assigned and deleted as one.
    """

    def __get__(self, receiver: Receiver | None, owner: type[Receiver]) -> bytes:
        backlog: Any = None if receiver is None else receiver._receiverState
        if receiver is None or backlog is None or getattr(backlog, "shown", b"") is not None:
            return b""
        if backlog.unfinishedPieces is not None:
            backlog.rejoin()
        line: bytes = backlog.rest()
        receiver._buffer = backlog.shown = line  # type: ignore[attr-defined]
        return line


class _LineBacklog(Backlog):
    """
    A backlog of lines alone.

    @ivar shown: what the receiver's C{_buffer} was set to, the bytes behind the last delimiter; C{None} where it is not
        set, for pieces of it are kept.
    @ivar isPinned: whether the flags of the transport were pinned.
    """

    __slots__ = ("isPinned", "shown")

    def __init__(self, unfinished: bytes) -> None:
        super().__init__()
        self.shown: bytes | None = unfinished
        self.isPinned = False
        self.replace(unfinished)


@public("basic")
class LineOnlyReceiver(Receiver):
    """
    A protocol of lines, and of nothing else.

    Override L{lineReceived}.  All lines of a chunk end with the delimiter that was set when the chunk came;
    once the connection is told to close, the chunk's other lines are ignored.

    @cvar delimiter: what ends a line.
    @cvar MAX_LENGTH: the longest line to accept, in bytes, without its delimiter.
    @ivar _buffer: the bytes behind the last delimiter; applications read and reset it.
    """

    _receiverShown = ("_buffer",)
    _receiverSaved = "_buffer"
    _buffer: bytes = _LastLine()  # type: ignore[assignment]
    delimiter: bytes = b"\r\n"
    MAX_LENGTH: int = 16384

    def _receiverMakeBacklog(self) -> Backlog:
        return _LineBacklog(b"" + self._buffer if self._buffer else b"")

    def _receiverRestore(self, backlog: Backlog) -> None:
        """The bytes are where they belong."""

    def _receiverUndelivered(self, backlog: Any) -> bytes:
        if not backlog.busy and self._buffer is not backlog.shown is not None:
            self._receiverTakeAssigned(backlog)
        return self._buffer if backlog.busy else backlog.peek()

    def dataReceived(self, data: bytes) -> Any:
        """
        Deliver the lines that C{data} completes.
        """
        backlog: Any = self._receiverState
        if type(backlog) is _LineBacklog and (
            "_buffer" in self.__dict__ if backlog.shown is None else self._buffer is not backlog.shown
        ):
            self._receiverTakeAssigned(backlog)
        return Receiver.dataReceived(self, data)

    def _receiverTakeAssigned(self, backlog: Any) -> None:
        """The application has assigned to C{_buffer}: this is the last line now."""
        backlog.shown = line = b"" + self._buffer if self._buffer else b""
        if backlog.frames:  # an error has interrupted the delivery of these
            backlog.current = backlog.current[: backlog.start] + line
            backlog.arrivedMeanwhile = None
        else:
            backlog.replace(line)
            backlog.searched = True  # it is searched with the next chunk, as in Twisted

    def _receiverDeliver(self, backlog: Any) -> object:
        """
        Deliver what there is.

        One flat loop, for its speed: it is walked once for each chunk.
        """
        plainTransport = backlog.plainTransport
        delimiter = self.delimiter
        if not delimiter or type(delimiter) is not bytes:
            delimiter = self._receiverDelimiter()
        if backlog.arrivedMeanwhile is not None and not backlog.frames:
            backlog.rest()  # all lines of a chunk are found at once, and what ends the last of them
        while backlog.start < len(backlog.current) or backlog:
            if plainTransport is not None and plainTransport.TLS:
                backlog, plainTransport = self._receiverLeavePlaintext(backlog, b""), None
                continue
            isUnfinished = False
            begin = backlog.start
            lines: Sequence[bytes] = backlog.frames
            if lines:
                reader, mayExceed = backlog.reader, True
            elif backlog.unfinishedPieces is None or backlog.completesLine(delimiter):
                lines, end = split = _accelerate.splitLines(backlog.current, begin, delimiter, len(backlog.current))
                if lines:
                    if len(lines) >= PINNED and not backlog.isPinned:
                        backlog.isPinned = True
                        self._receiverPinFlags(backlog)
                    backlog.framing = len(delimiter)
                    backlog.frames = split[0]
                    backlog.reader = reader = iter(lines)
                    backlog.taken = 0
                    backlog.mark = begin
                    backlog.start = end
                    mayExceed = end - begin > self.MAX_LENGTH
            if lines:
                self._buffer = backlog.shown = shown = backlog.current[backlog.start :]
                limit = self.MAX_LENGTH
                backlog.hasDelivered = True
                isInterrupted = True
                for line in reader:
                    if self.transport.disconnecting:  # type: ignore[union-attr]
                        self._receiverKeepLast(backlog)
                        return None
                    if not mayExceed and limit is not self.MAX_LENGTH:
                        mayExceed = True
                    if mayExceed and len(line) > self.MAX_LENGTH:
                        self._receiverKeepLast(backlog)
                        self._receiverLogLimit(backlog, len(line))
                        backlog.reentered = False
                        why = self.lineLengthExceeded(line)
                        if self._receiverIsOver(backlog):
                            return why
                        break
                    self.lineReceived(line)
                    if plainTransport is not None and plainTransport.TLS:
                        break
                else:
                    isInterrupted = False
                    backlog.frames = ()
                    backlog.current = shown
                    backlog.start = 0
                    if self._buffer is not shown:
                        self._receiverTakeAssigned(backlog)
                        isUnfinished = True
                    elif not shown and backlog.arrivedMeanwhile is None:
                        return None
                if isInterrupted:
                    continue
            if isUnfinished or not backlog.unfinished(delimiter=delimiter):
                self._receiverShow(backlog)
                backlog.reentered = False
                why = self._receiverCheckLastLine(backlog)
                if self._receiverIsOver(backlog):
                    return why
            delimiter = self._receiverDelimiter()
        return None

    def _receiverShow(self, backlog: Any) -> None:
        """Show the unfinished line: as a plain attribute, unless it is long and in pieces."""
        if backlog.unfinishedPieces is None:
            self._buffer = backlog.shown = backlog.current
        elif backlog.shown is not None:
            backlog.shown = None
            del self._buffer

    def _receiverKeepLast(self, backlog: Any) -> None:
        """Ignore the other lines of the chunk."""
        backlog.replace(b"")
        self._receiverTakeAssigned(backlog)

    def _receiverLeavePlaintext(self, backlog: Any, decrypted: bytes) -> Backlog:
        if self._buffer is not backlog.shown is not None:
            self._receiverTakeAssigned(backlog)
        left = super()._receiverLeavePlaintext(backlog, decrypted)
        self._buffer = backlog.shown = b""
        return left

    def _receiverDrop(self) -> object:
        self._buffer = b""
        return super()._receiverDrop()

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        return backlog.extendsLine(data, self.delimiter, self.MAX_LENGTH)

    def _receiverDelimiter(self) -> bytes:
        """The delimiter for a chunk."""
        if not self.delimiter:
            raise ValueError("empty separator")
        return b"" + self.delimiter

    def _receiverIsOver(self, backlog: Backlog) -> bool:
        """After a line that is too long: is there nothing that its callback has sent in, or nobody to hear it?"""
        return not backlog.reentered or self._receiverState is not backlog

    # Differs from Twisted: what may be the beginning of the delimiter is no part of the line.

    def _receiverCheckLastLine(self, backlog: Backlog) -> object:
        """Refuse an unfinished line that is too long already, however it ends."""
        over = backlog.size - self.MAX_LENGTH
        if not over > 0 or (over < len(self.delimiter) and backlog.endsWith(self.delimiter[: ceil(over)])):
            return None
        self._receiverLogLimit(backlog, backlog.size)
        return self.lineLengthExceeded(self._buffer)

    def lineReceived(self, line: bytes) -> object:
        """
        Called with each line, without its delimiter.  Override it.
        """
        raise notOverridden(self, "lineReceived")

    def sendLine(self, line: bytes) -> Any:
        """
        Send a line.

        @param line: the line without the delimiter, which is added; a delimiter inside is not looked for.
        """
        try:
            return self.transport.writeSequence((line, self.delimiter))  # type: ignore[union-attr]
        except (AttributeError, TypeError) as error:
            amendUnsent(error, self, "sendLine", line)
            raise

    def lineLengthExceeded(self, line: bytes) -> object:
        """
        Called when a line is longer than C{MAX_LENGTH}: drops the peer.  Override it to do something else.

        @param line: the line, or what has come of it.
        """
        return self._receiverDrop()


@public("basic")
class LineReceiver(Receiver, _PauseableMixin):
    """
    A protocol of lines and, in raw mode, of data as it comes.

    Override L{lineReceived} and L{rawDataReceived}.  What a callback changes (the mode, the delimiter, the
    limit, C{paused}, the buffer) holds from the very next line on.

    @cvar delimiter: what ends a line.
    @cvar MAX_LENGTH: the longest line to accept, in bytes, without its delimiter.
    @ivar line_mode: 1 in line mode, 0 in raw mode.
    @ivar _buffer: the bytes that are not delivered yet; applications read and reset it.
    @ivar _busyReceiving: a delivery is going on; applications that bring their own C{dataReceived} use it.
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
        Forget what is not delivered yet.

        @return: what is forgotten.
        """
        backlog = self._receiverState
        if backlog is not None and backlog.isSeen is not None:  # what the next two lines do, at a third of their time
            backlog.isSeen = True
            cleared, backlog.current = backlog.current, b""
        else:
            cleared, self._buffer = self._buffer, b""
        return cleared

    def _receiverDeliver(self, backlog: Backlog) -> object:
        """
        Deliver what there is, in the mode of the moment.

        One flat loop, for its speed: it is walked once for each batch of lines.  A callback's change interrupts the
        batch; the head of the loop decides whether the rest of it is still true.
        """
        if self._busyReceiving:
            return None
        self._busyReceiving = True
        plainTransport = backlog.plainTransport
        window = _NEAR
        try:
            while True:
                pinned = backlog.pinnedAttributes
                if pinned is not None and (
                    (backlog.cautious and not backlog.isLookedAt) or type(self) is not pinned.kind
                ):
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
                        # Something changes at each line: what is found ahead, and checked each time, would be in vain.
                        window = _NEAR
                        end = backlog.current.find(delimiter, begin)
                        if end >= 0:
                            line = backlog.current[begin:end]
                            backlog.start = end + len(delimiter)
                            if backlog.cautious:
                                backlog.cautious -= 1
                            backlog.hasDelivered = True
                            if end - begin > limit:
                                return self._receiverExceeded(backlog, len(line), line + delimiter + backlog.take())
                            why = self.lineReceived(line)
                            transport: Any = self.transport
                            if why or (transport is not None and transport.disconnecting):
                                return why
                            if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                                return None
                            continue
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
                # What is in hand holds no line.
                if backlog.size >= self.MAX_LENGTH + len(delimiter):
                    return self._receiverExceeded(backlog, backlog.size, backlog.take())
                if not backlog.unfinished(delimiter=delimiter):
                    return None
        finally:
            self._busyReceiving = False

    def _receiverCutOff(self, backlog: Backlog, plainTransport: Any) -> object:
        """
        Deliver lines as long as the application looks, behind each, at what is left: so that is cut off each time.

        @return: what ends the delivery; L{_GO_ON} if it may go on.
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
        Turn to line mode.

        @param extra: bytes that L{rawDataReceived} was given and that are not raw data any more.  They come
            before everything that is still to be delivered.  Not to be used by L{lineReceived}.
        """
        self.line_mode = 1
        if extra:
            return self.dataReceived(extra)
        return None

    def setRawMode(self) -> None:
        """Turn to raw mode: what is not delivered yet, and what comes, goes to L{rawDataReceived}."""
        self.line_mode = 0

    def rawDataReceived(self, data: bytes) -> object:
        """
        Called with the bytes that come in raw mode.  Override it.

        @return: a true value ends the delivery of this chunk.
        """
        raise notOverridden(self, "rawDataReceived")

    def lineReceived(self, line: bytes) -> object:
        """
        Called with each line, without its delimiter.  Override it.

        @return: a true value ends the delivery of this chunk: the other lines wait for the next one.
        """
        raise notOverridden(self, "lineReceived")

    def sendLine(self, line: bytes) -> Any:
        """
        Send a line.

        @param line: the line without the delimiter, which is added; a delimiter inside is not looked for.
        """
        try:
            return self.transport.write(line + self.delimiter)  # type: ignore[union-attr]
        except (AttributeError, TypeError) as error:
            amendUnsent(error, self, "sendLine", line)
            raise

    def lineLengthExceeded(self, line: bytes) -> object:
        """
        Called when a line is longer than C{MAX_LENGTH}: drops the peer.  Override it to do something else.

        @param line: everything that is not delivered yet, from the beginning of that line on.
        """
        return self._receiverDrop()
