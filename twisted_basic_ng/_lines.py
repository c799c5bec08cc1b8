"""
Lines, with and without a raw mode.

Where a line ends, L{twisted_basic_ng._framing} knows; this file delivers lines one at a time and looks, after
each, whether its callback changed anything that matters for the next one.
"""

from __future__ import annotations

from typing import Any, Final

from . import _accelerate
from ._accelerate import lastLineEnd
from ._backlog import Backlog
from ._pausing import _PauseableMixin
from ._pins import PINNED
from ._places import public
from ._receiver import Receiver, Undelivered

__all__ = ["LineOnlyReceiver", "LineReceiver"]

#: How many bytes to search for lines at once, at first and at the most: what a callback spoils was searched in vain.
_NEAR: Final = 2048
_FAR: Final = 16384


class _LastLine(Undelivered):
    """What L{LineOnlyReceiver._buffer} shows: the bytes behind the last delimiter."""

    def read(self, backlog: Backlog) -> bytes:
        return self._cut(backlog)[1]

    def write(self, backlog: Backlog, value: bytes) -> None:
        if backlog.frames:  # the batch is about lines that stay
            rest = backlog.current[backlog.start :]
            backlog.current = backlog.current[: backlog.start + lastLineEnd(rest, backlog.delimiter)] + value
            backlog.later = None
        else:
            backlog.replace(self._cut(backlog)[0] + value)

    @staticmethod
    def _cut(backlog: Backlog) -> tuple[bytes, bytes]:
        undelivered = backlog.peek()
        end = lastLineEnd(undelivered, backlog.delimiter) if backlog.delimiter else 0
        return undelivered[:end], undelivered[end:]


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

    _receiverFollowed = ("MAX_LENGTH",)
    _receiverShown = ("_buffer",)
    _buffer: bytes = _LastLine()  # type: ignore[assignment]
    delimiter: bytes = b"\r\n"
    MAX_LENGTH: int = 16384

    def _receiverDeliver(self, backlog: Backlog) -> object:
        """
        Deliver what there is.

        One flat loop, for its speed: it is walked once for each batch of lines.
        """
        watched = backlog.watched
        delimiter = self._receiverDelimiter()
        window = _NEAR
        while backlog.start < len(backlog.current) or backlog:
            if watched is not None and watched.TLS:
                backlog, watched = self._receiverLeavePlaintext(backlog, b""), None
                continue
            begin = backlog.start
            if backlog.aside is None or backlog.completesLine(delimiter):
                current = backlog.current
                lines, end = _accelerate.splitLines(current, begin, delimiter, window)
            else:
                lines = []
            if lines:
                if len(lines) >= PINNED and backlog.pins is None:
                    self._receiverPin(backlog)
                limit = self.MAX_LENGTH
                mayExceed = end - begin > limit
                backlog.delimiter = delimiter
                backlog.framing = len(delimiter)
                backlog.hasDelivered = True
                backlog.frames = lines
                backlog.reader = reader = iter(lines)
                backlog.start = end
                for line in reader:
                    if self.transport.disconnecting:  # type: ignore[union-attr]
                        backlog.replace(self._buffer)
                        return None
                    if (mayExceed or limit is not self.MAX_LENGTH) and len(line) > self.MAX_LENGTH:
                        backlog.replace(self._buffer)
                        self._receiverLogLimit(backlog, len(line))
                        why = self.lineLengthExceeded(line)
                        if self._receiverIsOver(backlog):
                            return why
                        break
                    self.lineReceived(line)
                    if watched is not None and watched.TLS:
                        backlog.putBack()
                        break
                if not backlog.frames:
                    continue
                backlog.frames = ()
                if end == len(backlog.current) and backlog.later is None:
                    return None
                if begin + window < len(current) or backlog.current is not current:
                    window = _FAR
                    continue
                # All that is in hand was searched: what is left of it holds no line.
            if not backlog.unfinished(delimiter=delimiter):
                why = self._receiverCheckLastLine(backlog)
                if self._receiverIsOver(backlog):
                    return why
            delimiter = self._receiverDelimiter()
        return None

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        return backlog.extendsLine(data, self.delimiter, self.MAX_LENGTH)

    def _receiverDelimiter(self) -> bytes:
        """The delimiter for a chunk."""
        if not self.delimiter:
            raise ValueError("empty separator")
        return self.delimiter

    def _receiverIsOver(self, backlog: Backlog) -> bool:
        """After a line that is too long: is there nothing that its callback has sent in, or nobody to hear it?"""
        return backlog.later is None or self._receiverState is not backlog

    # Differs from Twisted: what may be the beginning of the delimiter is no part of the line.

    def _receiverCheckLastLine(self, backlog: Backlog) -> object:
        """Refuse an unfinished line that is too long already, however it ends."""
        over = backlog.size - self.MAX_LENGTH
        if over <= 0 or (over < len(self.delimiter) and self._buffer.endswith(self.delimiter[:over])):
            return None
        self._receiverLogLimit(backlog, backlog.size)
        return self.lineLengthExceeded(self._buffer)

    def lineReceived(self, line: bytes) -> object:
        """
        Called with each line, without its delimiter.  Override it.
        """
        raise NotImplementedError

    def sendLine(self, line: bytes) -> Any:
        """
        Send a line.

        @param line: the line without the delimiter, which is added; a delimiter inside is not looked for.
        """
        return self.transport.writeSequence((line, self.delimiter))  # type: ignore[union-attr]

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
        cleared, self._buffer = self._buffer, b""
        return cleared

    def _receiverDeliver(self, backlog: Backlog) -> object:
        """
        Deliver what there is, in the mode of the moment.

        One flat loop, for its speed: it is walked once for each batch of lines.
        """
        if self._busyReceiving:
            return None
        self._busyReceiving = True
        watched = backlog.watched
        window = _NEAR
        try:
            while not self.paused and (backlog.start < len(backlog.current) or backlog):
                if watched is not None and watched.TLS:
                    backlog, watched = self._receiverLeavePlaintext(backlog, b""), None
                    continue
                if not self.line_mode:
                    why = self.rawDataReceived(backlog.take())
                    if why:
                        return why
                    continue
                delimiter = self.delimiter
                begin = backlog.start
                if backlog.aside is None or backlog.completesLine(delimiter):
                    lines, end = _accelerate.splitLines(backlog.current, begin, delimiter, window)
                else:
                    lines = []
                if lines:
                    if len(lines) >= PINNED and backlog.pins is None:
                        self._receiverPin(backlog)
                    limit = self.MAX_LENGTH
                    mayExceed = end - begin > limit
                    backlog.framing = len(delimiter)
                    backlog.hasDelivered = True
                    backlog.frames = lines
                    backlog.reader = reader = iter(lines)
                    backlog.start = end
                    for line in reader:
                        if mayExceed and len(line) > limit:
                            return self._receiverExceeded(backlog, len(line), line + delimiter + backlog.take())
                        why = self.lineReceived(line)
                        if why:
                            return why
                        transport: Any = self.transport
                        if transport is not None and transport.disconnecting:
                            return why
                        if (
                            (delimiter is not self.delimiter and delimiter != self.delimiter)
                            or (limit is not self.MAX_LENGTH and limit != self.MAX_LENGTH)
                            or self.paused
                            or not self.line_mode
                            or (watched is not None and watched.TLS)
                        ):
                            backlog.putBack()
                            break
                    if not backlog.frames:
                        window = _NEAR
                        continue
                    backlog.frames = ()
                    if end == len(backlog.current) and backlog.later is None:
                        return None
                    if begin + window < len(backlog.current):
                        window = min(window * 2, _FAR)
                        continue
                    # All that is in hand was searched: what is left of it holds no line.
                if backlog.size >= self.MAX_LENGTH + len(delimiter):
                    return self._receiverExceeded(backlog, backlog.size, backlog.take())
                if not backlog.unfinished(delimiter=delimiter):
                    return None
            return None
        finally:
            self._busyReceiving = False

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
        raise NotImplementedError

    def lineReceived(self, line: bytes) -> object:
        """
        Called with each line, without its delimiter.  Override it.

        @return: a true value ends the delivery of this chunk: the other lines wait for the next one.
        """
        raise NotImplementedError

    def sendLine(self, line: bytes) -> Any:
        """
        Send a line.

        @param line: the line without the delimiter, which is added; a delimiter inside is not looked for.
        """
        return self.transport.write(line + self.delimiter)  # type: ignore[union-attr]

    def lineLengthExceeded(self, line: bytes) -> object:
        """
        Called when a line is longer than C{MAX_LENGTH}: drops the peer.  Override it to do something else.

        @param line: everything that is not delivered yet, from the beginning of that line on.
        """
        return self._receiverDrop()
