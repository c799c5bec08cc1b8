"""
The streams of one connection.

The side that sends a stream numbers it, from 1 on, in the order in which its boxes announce them.
So each direction has its own numbers, and the key of a box tells which of them is meant: C{_data},
C{_end} and C{_reset} come from the side that sends the stream, C{_window} and C{_stop} from its
reader.  The specification is in docs/wire.rst.

The streams that can send take turns.  They send a few pieces, and go on when the transport has sent
these (L{twisted_basic_ng.amp._metering}).  So a call that is made beside them waits for a few
pieces, and not for a stream.

Memory is bounded by the reader.  A sender may send C{STREAM_CREDIT} bytes of each of C{MAX_STREAMS}
streams; the rest of C{MAX_STREAM_BYTES} is lent to the streams that are read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Final

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from ._boxes import AmpBox
from ._constants import (
    STREAM,
    STREAM_CREDIT,
    STREAM_DATA,
    STREAM_PIECE,
    STREAM_STOP,
    STREAM_STOPPED_CODE,
    STREAM_TOO_MANY_CODE,
    STREAM_UNREAD_CODE,
    STREAMS,
)
from ._errors import ProtocolSwitched
from ._streamboxes import FromReader, FromSender, announced, endBox, readStreamBox, streamNumber, windowBox
from ._streamerrors import StreamStoppedError, StreamsUnsupportedError, StreamViolationError, TooManyStreamsError
from ._streaminbox import StreamInbox
from ._streamsources import Announced
from ._streamwriter import StreamWriter

if TYPE_CHECKING:
    from ._types import StreamConnection

__all__ = ["StreamTable"]

#: How many pieces are sent before the transport has to send them.
PIECES_AT_ONCE: Final = 4

#: How many streams that were stopped may wait for their end, in multiples of C{MAX_STREAMS}.
STOPPED_PER_OPEN: Final = 4


class StreamTable:
    """
    The streams of one connection.

    @ivar writers: the streams that this side sends, by number.
    @ivar inboxes: the streams that the peer sends, by number, until their end has arrived.
    @ivar announced: those that a box of the peer has announced, until a value takes them.
    @ivar stopped: the streams of the peer that this side has stopped and whose end has not arrived:
        how many bytes may still come, by number.
    @ivar unread: the inboxes that hold, or may get, bytes that nobody has read yet.
    @ivar lent: how many bytes of C{MAX_STREAM_BYTES} are lent to the streams that are read.
    """

    def __init__(self, connection: StreamConnection, soon: Callable[..., object], onIdle: Callable[[], object]) -> None:
        """
        Make the table of a connection.

        @param soon: calls a function in a later turn of the reactor; any thread may call it.
        @param onIdle: called when no stream is under way any more.
        """
        self._connection = connection
        self.soon = soon
        self._onIdle = onIdle
        self.isLost = False
        self._begin()

    def _begin(self) -> None:
        self.writers: dict[int, StreamWriter] = {}
        self.inboxes: dict[bytes, StreamInbox] = {}
        self.announced: dict[int, StreamInbox] = {}
        self.stopped: dict[int, int] = {}
        self.unread: dict[StreamInbox, None] = {}
        self.lent = 0
        self._lastSent = self._lastReceived = 0
        self._ready: deque[StreamWriter] = deque()
        self._isPumping = self._isWaiting = False

    # Sending boxes.

    def announce(self, box: AmpBox) -> list[tuple[int, Announced]]:
        """
        Number the streams among the values of a box that is being sent.

        @return: the numbers and the streams, for L{commit} and L{begin}; empty for most boxes.
        @raise StreamsUnsupportedError: the connection is being changed, which ends all streams.
        """
        box.pop(STREAMS, None)  # which said that the call needs streams
        found: list[tuple[int, Announced]] = []
        for name, value in box.items():
            if type(value) is Announced:
                found.append((self._lastSent + len(found) + 1, value))
                box[name] = b"%d" % found[-1][0]
        if found:
            if not self._maySend():
                raise StreamsUnsupportedError("the connection is being changed: no stream can be sent")
            box[STREAMS] = b" ".join(b"%d" % number for number, _ in found)
        return found

    def commit(self, found: Iterable[tuple[int, Announced]]) -> None:
        """Count the streams of a box that is sent next."""
        for number, value in found:
            self._lastSent = number
            value.isBegun = True
            self.writers[number] = StreamWriter(self, number, value.source, value.errors)

    def begin(self, found: Iterable[tuple[int, Announced]]) -> None:
        """Begin to send the streams of a box that was sent."""
        for number, _ in found:
            writer = self.writers.get(number)
            if writer is not None:  # the source of one may have ended the connection
                writer.begin()

    def emit(self, box: AmpBox) -> None:
        """Send a box of a stream, if that is still possible."""
        if self._maySend():
            try:
                self._connection.sendBox(box)
            except (ConnectionLost, ProtocolSwitched):
                pass

    def emitBytes(self, data: bytes) -> None:
        """Send a box of a stream that is serialized already, if that is still possible."""
        if self._maySend():
            self._connection._ampWritePiece(data)

    def _maySend(self) -> bool:
        connection = self._connection
        return not (self.isLost or connection._locked or connection._startingTLSBuffer is not None)

    # Taking turns.

    def queue(self, writer: StreamWriter) -> None:
        """Let a writer that can send something wait for its turn."""
        if not writer.isQueued:
            writer.isQueued = True
            self._ready.append(writer)
        if not self._isWaiting:
            self.pump()

    def pump(self) -> None:
        """Send a few pieces, and wait until the transport has sent them."""
        if self._isPumping:
            return
        self._isPumping = True
        try:
            self._isWaiting = False
            if not self._ready or self.isLost:
                return
            self._isWaiting = True
            if self._connection._ampWaitUntilSent(self.pump) and not self._sendPieces():
                self._isWaiting = False
                self._connection._ampWaitNoMore()  # since the transport has nothing to send for us
        finally:
            self._isPumping = False

    def _sendPieces(self) -> int:
        """Send a few pieces, and return how many."""
        sent = 0
        while self._ready and sent < PIECES_AT_ONCE:
            writer = self._ready.popleft()
            writer.isQueued = False
            if not writer.isOver and writer.isReady():
                sent += 1
                writer.send()
                if not writer.isOver and writer.isReady():
                    self.queue(writer)
        return sent

    def forgetWriter(self, writer: StreamWriter) -> None:
        """Remove a stream that is over."""
        self.writers.pop(writer.number, None)
        self._maybeIdle()

    def isBusy(self) -> bool:
        """Whether a stream is under way, or waits for its end."""
        return bool(self.writers or self.inboxes or self.stopped)

    def _maybeIdle(self) -> None:
        if not self.isBusy():
            self._onIdle()

    # Receiving boxes.

    def open(self, box: AmpBox) -> None:
        """
        Open the streams that a box of the peer announces.

        @raise StreamViolationError: its list of streams is wrong.
        """
        most = self._connection.MAX_STREAMS
        for number in announced(box):
            if number != self._lastReceived + 1:
                raise StreamViolationError(b"%d" % number, f"{self._lastReceived + 1} is the next one")
            self._lastReceived = number
            inbox = StreamInbox(self, number)
            self.announced[number] = self.inboxes[inbox.key] = inbox
            if len(self.unread) < most:
                self.unread[inbox] = None
            else:
                inbox.stop(STREAM_TOO_MANY_CODE, "", TooManyStreamsError(len(self.unread) + 1, most))

    def take(self, number: bytes) -> StreamInbox | None:
        """Find the stream that a value stands for.  It can be taken once."""
        try:
            inbox = self.announced.get(streamNumber(number))
        except StreamViolationError:
            return None
        if inbox is None or inbox.isTaken:
            return None
        inbox.isTaken = True
        return inbox

    def settle(self, box: AmpBox) -> list[StreamInbox]:
        """
        Stop those of the streams that C{box} has announced that no value has taken.

        @return: all of them.
        """
        inboxes = [self.announced.pop(number) for number in announced(box) if number in self.announced]
        for inbox in inboxes:
            if not inbox.isTaken:
                inbox.stop(STREAM_UNREAD_CODE, "")
        return inboxes

    def received(self, box: AmpBox) -> None:
        """
        Handle a box of a stream.

        @raise StreamViolationError: the peer breaks the rules.
        """
        event = readStreamBox(box)
        if isinstance(event, FromSender):
            self._fromSender(event)
        else:
            self._fromReader(event)

    def takesPiece(self, box: AmpBox) -> bool:
        """
        Handle a box that is the next piece of a stream, as nearly all boxes are; this is quicker.

        @return: whether it was one.
        """
        piece = box.get(STREAM_DATA)
        inbox = self.inboxes.get(box[STREAM])
        if piece is None or inbox is None or len(box) != 2 or not 0 < len(piece) <= min(STREAM_PIECE, inbox.credit):
            return False
        inbox.arrived(piece)
        return True

    def _fromReader(self, event: FromReader) -> None:
        if event.number > self._lastSent:
            raise StreamViolationError(b"%d" % event.number, "this side has sent no such stream")
        writer = self.writers.get(event.number)
        if writer is None:
            return  # it was over before the box arrived
        if event.why is None:
            writer.grant(event.window)
        else:
            writer.stop(*event.why)

    def _fromSender(self, event: FromSender) -> None:
        key, size = b"%d" % event.number, 0 if event.piece is None else len(event.piece)
        inbox = self.inboxes.get(key)
        credit = self.stopped.get(event.number) if inbox is None else inbox.credit
        if credit is None:
            raise StreamViolationError(key, "there is no such stream, or it is over")
        if size > credit:
            raise StreamViolationError(key, f"{size - credit} bytes more than its reader has allowed (STREAM_WINDOW)")
        if inbox is not None:
            if event.isLast:
                del self.inboxes[key]
            inbox.arrived(event.piece, event.isLast, event.error)
        elif event.isLast:
            del self.stopped[event.number]
        else:
            self.stopped[event.number] = credit - size
        if event.isLast:
            self._maybeIdle()

    # For inboxes.

    def stop(self, inbox: StreamInbox, code: bytes, text: str) -> None:
        """Tell the peer that a stream is not wanted, unless its end has arrived."""
        if self.inboxes.pop(inbox.key, None) is None:
            return
        self.stopped[inbox.number] = inbox.credit
        self.emit(endBox(inbox.number, STREAM_STOP, code, text))
        limit = self._connection.MAX_STREAMS
        if len(self.stopped) > limit * STOPPED_PER_OPEN:
            self._connection._ampRefuse(TooManyStreamsError(len(self.stopped), limit))

    def grant(self, inbox: StreamInbox, size: int) -> None:
        """Let the peer send more."""
        self.emit(windowBox(inbox.number, size))

    def lend(self, wanted: int) -> int:
        """Lend a part of C{MAX_STREAM_BYTES} to a stream that is read: as much as there is."""
        connection = self._connection
        available = connection.MAX_STREAM_BYTES - connection.MAX_STREAMS * STREAM_CREDIT - self.lent
        size = max(0, min(wanted, available))
        self.lent += size
        return size

    def release(self, inbox: StreamInbox) -> None:
        """Forget a stream that holds nothing any more."""
        if inbox in self.unread:
            del self.unread[inbox]
            self.lent -= inbox.borrowed

    @property
    def window(self) -> int:
        """How many bytes of a stream may wait to be read."""
        return self._connection.STREAM_WINDOW

    # The end.

    def endAll(self, text: str) -> None:
        """End every stream, and tell the peer: the connection changes."""
        self.stopAll(STREAM_STOPPED_CODE, text)
        for writer in list(self.writers.values()):
            writer.stop(STREAM_STOPPED_CODE, text, text)

    def stopAll(self, code: bytes, text: str) -> None:
        """Stop every stream of the peer."""
        for inbox in list(self.inboxes.values()):
            inbox.stop(code, text)

    def startOver(self) -> None:
        """Forget everything: TLS has started, and no stream of the plaintext goes on."""
        self.lose(Failure(StreamStoppedError(STREAM_STOPPED_CODE, "TLS was started")))
        self.isLost = False
        self._begin()

    def lose(self, failure: Failure) -> None:
        """End every stream without telling the peer: the connection is lost."""
        self.isLost = True
        for writer in list(self.writers.values()):
            writer.lose(failure)
        inboxes = [*self.inboxes.values(), *self.unread]
        self.inboxes.clear()
        self.unread.clear()
        self.announced.clear()
        for inbox in inboxes:
            inbox.lose(failure)
        self.stopped.clear()
        self._ready.clear()
