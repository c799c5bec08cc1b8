"""
Lines, without a raw mode.

L{twisted_basic_ng._accelerate.framing} finds where a line ends.  This file delivers all lines of a chunk,
one at a time.  It follows Twisted, where the delimiter that counts is the one that was set when the
chunk arrived.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any

from .. import _accelerate
from .._places import public
from .backlog import Backlog
from .pins import PINNED
from .receiver import Receiver, Shown
from .wording import amendUnsent, notOverridden

__all__ = ["LineOnlyReceiver"]


# Differs from Twisted: a long line in pieces cannot be deleted before it is read.  A __delattr__
# would allow that, but Python would then call it, or look for a __setattr__, for each attribute
# that the application sets, which takes 150 ns.


class _LastLine(Shown):
    """
    The value of L{LineOnlyReceiver._buffer} if the instance has none: a long line that is kept in
    pieces.

    Reading it joins the pieces.  The line is then a plain attribute of the instance like any other
    line, as in Twisted.  You can assign and delete it.
    """

    def __get__(self, receiver: Receiver | None, owner: type[Receiver]) -> bytes:
        backlog: Any = None if receiver is None else receiver._receiverState
        if receiver is None or backlog is None or getattr(backlog, "shown", b"") is not None:
            return b""
        backlog.rejoin()
        line: bytes = backlog.rest()
        receiver._buffer = backlog.shown = line  # type: ignore[attr-defined]
        return line


class _LineBacklog(Backlog):
    """
    A backlog of lines without a raw mode.

    @ivar shown: the value last set as the receiver's C{_buffer}, which is the bytes after the last
        delimiter; C{None} if it is not set because the line is kept in pieces.
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
    A protocol that receives lines and has no raw mode.

    Override L{lineReceived}.  All lines of a chunk are split at the delimiter that was set when the
    chunk arrived.  When the connection is told to close, the other lines of the chunk are ignored.

    @cvar delimiter: the bytes that end a line.
    @cvar MAX_LENGTH: the longest line to accept, in bytes, without its delimiter.
    @ivar _buffer: the bytes after the last delimiter.  Applications read and reset it.
    """

    _receiverShown = ("_buffer",)
    _receiverSaved = "_buffer"
    _buffer: bytes = _LastLine()  # type: ignore[assignment]
    delimiter: bytes = b"\r\n"
    MAX_LENGTH: int = 16384

    def _receiverMakeBacklog(self) -> Backlog:
        return _LineBacklog(b"" + self._buffer if self._buffer else b"")

    def _receiverRestore(self, backlog: Backlog) -> None:
        """Do nothing: the bytes are already in C{_buffer}."""

    def _receiverUndelivered(self, backlog: Any) -> bytes:
        if not backlog.busy and self._buffer is not backlog.shown is not None:
            self._receiverTakeAssigned(backlog)
        return self._buffer if backlog.busy else backlog.peek()

    def dataReceived(self, data: bytes) -> Any:
        """
        Deliver the lines that C{data} completes.

        @param data: the received bytes; a chunk may end anywhere.
        """
        backlog: Any = self._receiverState
        if type(backlog) is _LineBacklog and (
            "_buffer" in self.__dict__ if backlog.shown is None else self._buffer is not backlog.shown
        ):
            self._receiverTakeAssigned(backlog)
        return Receiver.dataReceived(self, data)

    def _receiverTakeAssigned(self, backlog: Any) -> None:
        """Use the value that the application has assigned to C{_buffer} as the last line."""
        backlog.shown = line = b"" + self._buffer if self._buffer else b""
        if backlog.frames:  # an error interrupted their delivery
            backlog.current = backlog.current[: backlog.start] + line
            backlog.arrivedMeanwhile = None
        else:
            backlog.replace(line)
            backlog.searched = True  # it is searched together with the next chunk, as in Twisted

    def _receiverDeliver(self, backlog: Any) -> object:
        """
        Deliver the lines that have arrived.

        This is one flat loop, for speed: it runs once for each chunk.
        """
        plainTransport = backlog.plainTransport
        delimiter = self.delimiter
        if not delimiter or type(delimiter) is not bytes:
            delimiter = self._receiverDelimiter()
        if backlog.arrivedMeanwhile is not None and not backlog.frames:
            backlog.rest()  # all lines of a chunk, and the end of the last one, are found at once
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
        """Show the unfinished line as a plain attribute, unless it is long and in pieces."""
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
        """
        Whether to end the delivery after a line that is too long.

        It ends if the callback has passed in no bytes, or if the backlog has been replaced.
        """
        return not backlog.reentered or self._receiverState is not backlog

    # Differs from Twisted: bytes that may begin the delimiter do not count as part of the line.

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

        @param line: the line, as bytes.
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
            return self.transport.writeSequence((line, self.delimiter))  # type: ignore[union-attr]
        except (AttributeError, TypeError) as error:
            amendUnsent(error, self, "sendLine", line)
            raise

    def lineLengthExceeded(self, line: bytes) -> object:
        """
        Called when a line is longer than C{MAX_LENGTH}.  It drops the peer; override it to do
        something else.

        @param line: the line, or the part of it that has arrived.
        """
        return self._receiverDrop()
