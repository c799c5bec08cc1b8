"""
The receiving end of one stream: what has arrived and is not read yet.

An inbox allows the peer to send as much as it has room for.  It allows only C{STREAM_CREDIT} bytes
until it is read, then as much as the window says.  When half of that is read, it allows that half
again.

This file knows no box.  The table (L{twisted_basic_ng.amp._streams}) gives it what arrives, and a
reader (L{twisted_basic_ng.amp._streamreader}) takes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twisted.python.failure import Failure

from ._constants import STREAM_CREDIT, STREAM_STOPPED_CODE, UNKNOWN_ERROR_CODE
from ._errors import RemoteAmpError, UnknownRemoteError
from ._streamerrors import StreamStoppedError

if TYPE_CHECKING:
    from ._types import InboxesTable

__all__ = ["StreamInbox"]


class StreamInbox:
    """
    Holds what has arrived of one stream.

    @ivar number: the number of the stream.
    @ivar key: the same as it is written.
    @ivar credit: how many bytes the peer may still send.
    @ivar size: how many bytes wait to be read.
    @ivar borrowed: how many bytes were lent to this stream, above C{STREAM_CREDIT}.
    @ivar isTaken: whether a value of the call or answer stands for it.
    @ivar errors: the errors that the command declares, by their codes.
    @ivar onArrival: called when something has arrived; C{None} while nobody waits for it.
    """

    def __init__(self, table: InboxesTable, number: int) -> None:
        self.number = number
        self.key = b"%d" % number
        self.credit = STREAM_CREDIT
        self.size = self.borrowed = 0
        self.errors: dict[bytes, Any] = {}
        self.isTaken = False
        self.onArrival: Callable[[], object] | None = None
        self._table: InboxesTable | None = table
        self._pieces: deque[bytes] = deque()
        self._isEnded = False
        self._end: Failure | None = None
        # How many more bytes the peer could be allowed to send, and how many are worth a box.
        self._room = self._leastGrant = 0

    # For the table.

    def arrived(self, piece: bytes | None, isLast: bool = False, error: tuple[bytes, str] | None = None) -> None:
        """Keep a piece, for which there is credit, or the end, or both."""
        if piece is not None:
            self._pieces.append(piece)
            self.size += len(piece)
            self.credit -= len(piece)
        if isLast:
            self._isEnded = True
            if error is not None:
                self._end = self._declared(*error)
            self._maybeRelease()
        if self.onArrival is not None:
            self.onArrival()

    def lose(self, failure: Failure) -> None:
        """End: the connection is lost.  What has arrived can still be read."""
        if not self._isEnded:
            self._isEnded = True
            self._end = failure
        self._table = None
        if self.onArrival is not None:
            self.onArrival()

    # For the reader.

    def isOver(self) -> bool:
        """Whether there is nothing to read, and there will be nothing."""
        return self._isEnded and not self._pieces

    def read(self) -> bytes | None:
        """
        Take the next piece.

        @return: C{None} if there is none yet, or none any more.
        """
        if not self._pieces:
            if not self._leastGrant:
                self._grant()  # the first attempt to read
            return None
        piece = self._pieces.popleft()
        self.size -= len(piece)
        self._room += len(piece)
        if self._isEnded:
            self._maybeRelease()
        elif self._room >= self._leastGrant:
            self._grant()
        return piece

    def failure(self) -> Failure | None:
        """Why the stream ended; C{None} if its sender ended it as it should."""
        return self._end

    def stop(self, code: bytes, text: str, error: Exception | None = None) -> None:
        """
        Want no more of it, and drop what has arrived.

        @param error: what reading it raises from now on.
        """
        if self.isOver():
            return
        self._pieces.clear()
        self.size = 0
        self._isEnded = True
        self._end = Failure(StreamStoppedError(code, text) if error is None else error)
        table = self._table
        if table is not None:
            table.stop(self, code, text)
        self._maybeRelease()
        if self.onArrival is not None:
            self.onArrival()

    def abandon(self, code: bytes) -> None:
        """Stop it soon, because its reader was dropped; any thread may call this at any time."""
        table = self._table
        if table is not None and not self.isOver():
            table.soon(self.stop, code, "")

    # The parts of these.

    def _grant(self) -> None:
        """Let the peer send as much as there is room for."""
        table = self._table
        if table is None or self._isEnded:
            return
        wanted = table.window - STREAM_CREDIT - self.borrowed
        lent = table.lend(wanted) if wanted > 0 else 0
        self.borrowed += lent
        self._leastGrant = (STREAM_CREDIT + self.borrowed) // 2
        room = self._room + lent
        self._room = 0
        if room:
            self.credit += room
            table.grant(self, room)

    def _maybeRelease(self) -> None:
        """Give back what was lent, when the stream has ended and everything is read."""
        if self.isOver() and self._table is not None:
            table, self._table = self._table, None
            table.release(self)

    def _declared(self, code: bytes, text: str) -> Failure:
        """Make the error that ended the stream at its sender."""
        kind = self.errors.get(code)
        try:
            if kind is not None:
                return Failure(kind(text))
            if code == STREAM_STOPPED_CODE:
                return Failure(StreamStoppedError(code, text))
            return Failure(UnknownRemoteError(text) if code == UNKNOWN_ERROR_CODE else RemoteAmpError(code, text))
        except BaseException:
            return Failure()
