"""
Lines, without a raw mode.

All lines of a chunk are found at once, and delivered one at a time.  This follows Twisted, where the
delimiter that counts is the one that was set when the chunk arrived, and where the bytes after the
last line are in a plain attribute, C{_buffer}.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import Any, Final

from .. import _accelerate
from .._places import public
from .backlog import Backlog
from .connection import Connection
from .pins import PINNED
from .receiver import Receiver
from .shown import Shown
from .wording import amendUnsent, notOverridden

__all__ = ["LineOnlyReceiver"]

#: An unfinished line of more bytes than these is kept in pieces, so that no byte is copied at each
#: chunk.
_LONG: Final = 4096


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

    def __get__(self, receiver: Any, owner: type[Any]) -> bytes:
        connection: Connection | None = None if receiver is None else receiver._receiverConnection
        if connection is None or connection.backlog.unfinishedPieces is None:
            return b""
        receiver._buffer = line = connection.backlog.takePieces()
        return line


class _LineBacklog(Backlog):
    """
    The undelivered lines.  The unfinished line behind them is in the receiver's C{_buffer}, or in
    C{unfinishedPieces} if it is long.
    """

    __slots__ = ()

    @property
    def offset(self) -> int:
        """The offset in C{current} of the undelivered bytes, which do not include the batch."""
        return self.start

    @property
    def lines(self) -> bytes:
        """The undelivered lines of the batch, as they arrived."""
        left = self.batch.left
        delimiter: Any = self.batch.terms
        return b"".join(line + delimiter for line in self.batch.frames[-left:]) if left else b""

    def begin(self, line: bytes, delimiter: bytes) -> None:
        """Keep the unfinished C{line} in pieces from now on."""
        self.delimiter = delimiter
        current = self.current
        self._setAside(line)
        self.current = current


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

    #: Whether the flags of the transport were cached.
    _receiverHasPinned = False

    def _receiverMakeBacklog(self) -> Backlog:
        return _LineBacklog()

    def _receiverRestore(self, backlog: Backlog) -> None:
        """Do nothing: the bytes are already in C{_buffer}."""

    def _receiverUndelivered(self, connection: Connection) -> bytes:
        return self._buffer if connection.isDelivering else self._receiverKept(connection)

    def _receiverKept(self, connection: Connection) -> bytes:
        """Return all undelivered bytes."""
        backlog: Any = connection.backlog
        self._receiverForgetReplaced(backlog)
        unfinished = self._buffer  # this joins its pieces
        return b"".join((backlog.lines, unfinished, backlog.peek()))

    def _receiverDeliver(self, connection: Connection) -> object:
        """
        Deliver the lines that have arrived.

        This is one flat loop, for speed: it runs once for each chunk.
        """
        while True:
            plainTransport = connection.plainTransport
            if plainTransport.TLS:
                connection = self._receiverLeavePlaintext(connection, b"")
                plainTransport = connection.plainTransport
            backlog: Any = connection.backlog
            batch = backlog.batch
            lines: Sequence[bytes] = batch.frames
            if lines:  # an error interrupted their delivery
                reader = batch.reader
            else:
                delimiter = self.delimiter
                if not delimiter or type(delimiter) is not bytes:
                    delimiter = self._receiverDelimiter()
                chunk = backlog.current
                if backlog.arrivedMeanwhile is not None or backlog.unfinishedPieces is not None or self._buffer:
                    chunk = self._receiverJoined(backlog, delimiter)
                if chunk:
                    found = _accelerate.splitLines(chunk, 0, delimiter, len(chunk))
                    lines = found[0]
                    self._buffer = chunk[found[1] :]
                    backlog.current = b""
                    if lines:
                        batch.terms = delimiter
                        batch.frames = lines
                        batch.reader = reader = iter(lines)
            if lines:
                connection.hasDelivered = True
                if len(lines) >= PINNED and not self._receiverHasPinned:
                    self._receiverHasPinned = True
                    self._receiverPinFlags(connection)
                for line in reader:
                    if self.transport.disconnecting:  # type: ignore[union-attr]
                        backlog.replace(b"")
                        return None
                    if len(line) > self.MAX_LENGTH:
                        batch.spoil()  # as in Twisted, but not what callbacks have passed in
                        self._receiverLogLimit(connection, len(line))
                        why = self.lineLengthExceeded(line)
                        if self._receiverConnection is not connection or not backlog:
                            return why
                        break
                    self.lineReceived(line)
                    if plainTransport.TLS:
                        break
                else:
                    batch.frames = ()
            if batch.frames or backlog.current or backlog.arrivedMeanwhile is not None:
                continue
            if backlog.unfinishedPieces is None and not self._buffer:
                return None
            size = self._receiverSize(backlog)
            if not size > self.MAX_LENGTH:
                return None
            connection.isReentered = False
            why = self._receiverCheckLastLine(connection, size)
            if not connection.isReentered or self._receiverConnection is not connection:
                return why

    def _receiverJoined(self, backlog: Any, delimiter: bytes) -> bytes:
        """
        Return the unfinished line with everything behind it, or nothing if that does not end the
        line and is kept in pieces.
        """
        backlog.joinMeanwhile()
        self._receiverForgetReplaced(backlog)
        if backlog.unfinishedPieces is None:
            line = self._buffer
            if type(line) is not bytes:
                line = b"" + line if line else b""
            if len(line) <= _LONG or delimiter in line:  # an application has assigned lines, or another delimiter
                return line + backlog.current  # type: ignore[no-any-return]
            backlog.begin(line, delimiter)
            del self._buffer
        return backlog.current if backlog.completesLine(delimiter) else b""

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        self._receiverForgetReplaced(backlog)
        return backlog.extendsLine(data, self.delimiter, self.MAX_LENGTH)

    def _receiverForgetReplaced(self, backlog: Backlog) -> None:
        """
        Forget the pieces of an unfinished line if an application has assigned another line since.
        """
        if backlog.unfinishedPieces is not None and "_buffer" in self.__dict__:
            backlog.takePieces()

    def _receiverKeeps(self, backlog: Backlog) -> int:
        self._receiverForgetReplaced(backlog)
        return backlog.kept + (len(self._buffer or b"") if backlog.unfinishedPieces is None else 0)

    def _receiverLeavePlaintext(self, connection: Connection, decrypted: bytes) -> Connection:
        connection.backlog.replace(self._receiverKept(connection))
        self._buffer = b""
        return super()._receiverLeavePlaintext(connection, decrypted)

    def _receiverDrop(self) -> object:
        self._buffer = b""
        return super()._receiverDrop()

    def _receiverAbort(self) -> None:
        self._buffer = b""
        super()._receiverAbort()

    def _receiverDelimiter(self) -> bytes:
        """The delimiter for a chunk."""
        if not self.delimiter:
            raise ValueError("empty separator")
        return b"" + self.delimiter

    def _receiverIsUnfinished(self, backlog: Backlog) -> bool:
        self._receiverForgetReplaced(backlog)
        return bool(backlog) or bool(self._buffer)

    def _receiverSize(self, backlog: Backlog) -> int:
        """How many bytes of the unfinished line have arrived."""
        if backlog.unfinishedPieces is not None:
            return backlog.size
        return len(self._buffer) if self._buffer else 0

    # Differs from Twisted: bytes that may begin the delimiter do not count as part of the line.

    def _receiverCheckLastLine(self, connection: Connection, size: int) -> object:
        """Refuse an unfinished line of C{size} bytes that is too long already, however it ends."""
        over = size - self.MAX_LENGTH
        if over < len(self.delimiter) and self._buffer.endswith(self.delimiter[: ceil(over)]):
            return None
        self._receiverLogLimit(connection, size)
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
