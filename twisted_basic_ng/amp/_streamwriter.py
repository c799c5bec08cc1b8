"""
The sending end of one stream.

A writer takes bytes from its source, and keeps them until the reader's credit and the turns of the
connection let it send them, a piece at a time.  It asks its source for more whenever it keeps
nothing.  So a source is at most one chunk ahead of what is sent, and stops when the reader does not
read.

This file knows boxes, and of the connection only its table (L{twisted_basic_ng.amp._streams}).
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from twisted.logger import Logger
from twisted.python.failure import Failure

from ._boxes import AmpBox
from ._constants import (
    STREAM,
    STREAM_CREDIT,
    STREAM_DATA,
    STREAM_END,
    STREAM_MAX_CREDIT,
    STREAM_PIECE,
    STREAM_RESET,
    STREAM_STOPPED_CODE,
    UNKNOWN_ERROR_CODE,
    UNKNOWN_ERROR_TEXT,
)
from ._errors import RemoteAmpError
from ._streamboxes import endBox
from ._streamerrors import StreamStoppedError, StreamViolationError

if TYPE_CHECKING:
    from ._types import StreamSource, WritersTable

__all__ = ["StreamWriter"]

_log = Logger("twisted.protocols.amp")

#: A source that writes by itself is paused when this many bytes wait.
FULL: Final = 4 * STREAM_PIECE

#: The keys of a box, in front of the values.  The keys of a box are sorted, so these come first.
_DATA: Final = b"\0\5" + STREAM_DATA
_END: Final = b"\0\4" + STREAM_END + b"\0\0"


class StreamWriter:
    """
    Sends one stream.

    @ivar number: the number of the stream.
    @ivar credit: how many bytes may be sent before the reader allows more.
    @ivar size: how many bytes wait to be sent.
    @ivar piece: how many bytes are sent at once.
    @ivar isQueued: whether it waits for its turn, for the table.
    @ivar isOver: whether the end was sent, or cannot be sent any more.
    """

    def __init__(self, table: WritersTable, number: int, source: StreamSource, errors: dict[Any, bytes]) -> None:
        """
        Make the writer of a stream that was announced to the peer.

        @param errors: the codes of the errors that the command declares.
        """
        self.number = number
        self.credit = STREAM_CREDIT
        self.isQueued = self.isOver = False
        self._table = table
        self._source = source
        self._errors = errors
        self._id = b"%d" % number
        # What follows a piece or an end in its box: the number of the stream, and the end of the box.
        self._tail = AmpBox({STREAM: self._id}).serialize()
        # Boxes of 16 KiB: a TLS record holds one, and a read from a socket a whole number of them.
        self.piece = STREAM_PIECE - len(_DATA) - 2 - len(self._tail)
        self._pending: deque[bytes] = deque()
        self._offset = 0
        self.size = 0
        self._isEnding = False
        self._failure: Failure | None = None

    def begin(self) -> None:
        """Let the source begin."""
        try:
            self._source.begin(self)
        except BaseException:
            self.fail(Failure())
        self._askForMore()

    # For the source.

    def isFull(self) -> bool:
        """Whether the source is to pause."""
        return self.size >= FULL

    def wantsMore(self) -> bool:
        """Whether the source is to go on."""
        return not self.size and not self._isEnding

    def write(self, data: bytes) -> None:
        """
        Send bytes, when it is possible.

        @param data: any number of bytes.
        """
        if data and not self._isEnding:
            self._pending.append(data)
            self.size += len(data)
            self._queue()

    def end(self) -> None:
        """End the stream after what was written."""
        if not self._isEnding:
            self._isEnding = True
            self._queue()

    def fail(self, failure: Failure) -> None:
        """End the stream with an error, after what was written."""
        if not self._isEnding:
            self._failure = failure
            self.end()

    # For the table.

    def isReady(self) -> bool:
        """Whether there is something that can be sent now."""
        return self.credit > 0 if self.size else self._isEnding

    def send(self) -> None:
        """Send one piece, or the end, or both; and ask for more."""
        piece = self._take()
        if piece:
            self.credit -= len(piece)
            if not self.size:
                self._askForMore()  # before the piece is sent, since its box may hold the end as well
                if self.isOver:
                    return  # the source has ended the connection, or the peer the stream
        isLast = self._isEnding and not self.size
        isEnd = isLast and self._failure is None
        if piece or isEnd:
            self._table.emitBytes(self._framed(piece, isEnd))
            self._tellSent(len(piece))
        if isLast and not self.isOver:
            if self._failure is not None:
                self._reset(*self._declared(self._failure))
            self._finish(self._failure)

    def _framed(self, piece: bytes, isEnd: bool) -> bytes:
        """Make the bytes of a box with a piece, the end, or both."""
        end = _END if isEnd else b""
        if not piece:
            return end + self._tail
        return b"".join((_DATA, len(piece).to_bytes(2, "big"), piece, end, self._tail))

    def grant(self, size: int) -> None:
        """
        Send more: the reader has room.

        @raise StreamViolationError: it grants more than can be counted.
        """
        if self.credit + size > STREAM_MAX_CREDIT:
            raise StreamViolationError(self._id, f"its credit would be over {STREAM_MAX_CREDIT} bytes")
        self.credit += size
        self._queue()

    def stop(self, code: bytes, text: str, told: str = "") -> None:
        """
        End the stream early.

        @param code: why, for the source.
        @param text: the same in words.
        @param told: the words for the reader, which has none if it has stopped the stream itself.
        """
        if not self.isOver:
            self._reset(STREAM_STOPPED_CODE, told)
            self.lose(Failure(StreamStoppedError(code, text)))

    def lose(self, failure: Failure) -> None:
        """End the stream without telling the peer."""
        if not self.isOver:
            wasEnding, self._isEnding = self._isEnding, True
            self._pending.clear()
            self.size = 0
            if not wasEnding:
                self._stopSource(failure)
            self._finish(failure)

    # The parts of these.

    def _queue(self) -> None:
        if not self.isOver and self.isReady():
            self._table.queue(self)

    def _askForMore(self) -> None:
        if self.wantsMore():
            try:
                self._source.more()
            except BaseException:
                self.fail(Failure())

    def _take(self) -> bytes:
        """Take the next piece, as long as it may be."""
        pending, most = self._pending, min(self.piece, self.credit, self.size)
        if most <= 0:
            return b""
        first = pending[0]
        end = self._offset + most
        if end < len(first):  # the first chunk is long: a part of it
            piece = first[self._offset : end]
            self._offset = end
        else:
            piece = first if self._offset == 0 else first[self._offset :]
            self._offset = 0
            pending.popleft()
            if len(piece) < most:
                piece = self._join(piece, most)
        self.size -= most
        return piece

    def _join(self, piece: bytes, most: int) -> bytes:
        """Add chunks to a piece until it has C{most} bytes; there are as many."""
        pending, pieces, size = self._pending, [piece], len(piece)
        while size < most:
            pieces.append(pending[0][: most - size])
            size += len(pieces[-1])
            if len(pieces[-1]) < len(pending[0]):
                self._offset = len(pieces[-1])
            else:
                pending.popleft()
        return b"".join(pieces)

    def _reset(self, code: bytes, text: str) -> None:
        self._table.emit(endBox(self.number, STREAM_RESET, code, text))

    def _declared(self, failure: Failure) -> tuple[bytes, str]:
        """Find the code and the text of an error, as for a command."""
        if failure.check(RemoteAmpError):
            remote: Any = failure.value
            return remote.errorCode, str(remote.description)
        if failure.check(StreamStoppedError):
            return STREAM_STOPPED_CODE, str(failure.value)  # of a stream that this one is made of
        kind: Any = failure.check(*self._errors)
        if kind is not None:
            return self._errors[kind], str(failure.value)
        _log.failure("while sending stream {number}", failure, number=self.number)
        return UNKNOWN_ERROR_CODE, UNKNOWN_ERROR_TEXT

    def _stopSource(self, failure: Failure) -> None:
        try:
            self._source.stop(failure)
        except Exception:
            _log.failure("while stopping the source of stream {number}", number=self.number)

    def _tellSent(self, size: int) -> None:
        try:
            self._source.sent(size)
        except Exception:
            _log.failure("while telling the source of stream {number} what was sent", number=self.number)

    def _finish(self, failure: Failure | None) -> None:
        self.isOver = True
        self._table.forgetWriter(self)
        try:
            self._source.finished(failure)
        except Exception:
            _log.failure("while telling the source of stream {number} that it is over", number=self.number)
