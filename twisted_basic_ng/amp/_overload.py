"""
Limits against overload: how many calls a peer may have in progress, how many bytes it may leave
unread, and why neither side waits forever.

The rules.  A side is I{full} while the limit on its peer's calls in progress is reached, or while
more bytes wait to be sent than its limit allows.  It keeps the calls that arrive then, in order,
and begins to handle them when there is room.  It I{holds} its peer, which means that it reads
nothing, while it is full and

  1. no call of its own waits for an answer, or
  2. it has no room to keep more: it keeps over a MiB (L{ALWAYS_KEPT}), and over twice its own
     limit.

Each side limits what it sends.  The calls that its peer may have to keep never exceed its own
limit, except that the last one may be of any size (L{twisted_basic_ng.amp._line}).

Why neither side waits forever.  Suppose that two sides wait for each other forever.  Responders
finish, so both sides hold because of unsent bytes, and neither reads the other's bytes.

  - The side that began to hold later did so because of a call of the other side.  The earlier one
    has read nothing since, so that call has no answer yet.  The earlier one therefore has a call
    under way, and holds by rule 2.
  - It therefore keeps more than twice its limit.  All of that is under way at the later one, so the
    later one's limit is more than twice the earlier one's.
  - So the later one has calls under way as well, and also holds by rule 2.  By the same argument,
    the earlier one's limit is more than twice the later one's.  Both cannot be true.

Neither side needs to know the other's limits.  A peer without limits always reads.

Changing the connection.  A side that asks for TLS or for another protocol first sends all calls
that wait in line.  That may be more than its limits allow, and its peer may hold it for that.
Until it is answered, it can send nothing: its answers wait for TLS, or are discarded.  Unsent bytes
therefore do not make it full meanwhile, and it reads everything.  When the answer arrives, the peer
has begun all these calls, and the rules above apply again.  A handshake is read in any case.

The peer's responders may wait for those answers, and be as many as may be in progress.  The peer
therefore begins the call that changes the connection, and all calls that it keeps before it,
however many are in progress.  It does so once for a connection.

Streams.  A responder may wait for a stream of the peer.  So a side that receives a stream reads on,
as one does that waits for an answer, as long as rule 2 allows.  After that, it stops these streams,
and no responder waits for what is not read.

What the argument does not cover:

  - Answers that wait for TLS take memory, for everything that the peer has asked by then.  These
    are the peer's calls under way, which depend on the peer's limits, and are unlimited if it has
    none.  The peer is dropped if the answers take more than a box may (C{MAX_BOX_LENGTH}) and more
    than twice the limit.
  - A responder may wait for a call of its own.  Both calls count.  The answer arrives after
    everything that the peer sent before it, so rule 2 must leave room for that.  A peer without
    limits, or one that changes the connection, may send more.

This file knows boxes, and of the connection only how to hold the peer and let it go.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred, fail

from ._boxes import AmpBox
from ._constants import ASK, COMMAND, STREAM_OVERLOADED_CODE
from ._errors import TooManyAnswersError
from ._line import ALWAYS_KEPT, BOX_COST, Line, Window, sizeOf

if TYPE_CHECKING:
    from ._types import BoundedSender, Dispatcher

__all__ = ["Overload"]

#: How much memory, in bytes, the answers that wait for TLS may take in any case, if the size of
#: boxes is not limited.
_MOST_WITHHELD: Final = 16 * 2**20


class Overload:
    """
    What a dispatcher has under way, when that is limited.

    @ivar mostAsks: how many calls may be in progress in each direction; C{None} for no limit.
    @ivar mostUnsent: how many bytes may wait to be sent, and how many bytes the calls under way may
        take; C{None} for no limit.
    @ivar line: our own calls.
    @ivar inProgress: how many of the peer's calls wait for their responders.
    @ivar kept: the calls of the peer that arrived while too many were in progress.
    @ivar keptSize: the size of these calls, in bytes.
    @ivar keptChange: the first call of the peer that changes the connection, while it is kept.
    @ivar withheldSize: how much memory the answers that wait for TLS take, in bytes.
    @ivar isHolding: whether reading from the peer has stopped.
    @ivar isForgotten: whether the connection is lost, or the peer was dropped.
    """

    def __init__(self, dispatcher: Dispatcher, sender: BoundedSender, asks: int | None, unsent: int | None) -> None:
        self.dispatcher = dispatcher
        self.sender = sender
        # With no calls at all, there would be no conversation.
        self.mostAsks = None if asks is None else max(asks, 1)
        self.mostUnsent = unsent
        self.line = Line(dispatcher, sender, Window(self.mostAsks, unsent), self._maybeLetGo)
        self.inProgress = 0
        self.kept: deque[AmpBox] = deque()
        self.keptSize = 0
        self.keptChange: AmpBox | None = None
        # The tags of kept calls that their caller has cancelled.
        self._cancelled: set[bytes] = set()
        self.hadChange = False
        self.withheldSize = 0
        self.isHolding = False
        self.isRelieving = False
        self.isForgotten = False

    # Calls of the peer.

    def isFull(self) -> bool:
        """Whether the limit on the peer's calls or on unsent bytes is reached."""
        return self._hasAllAsks() or self._isUnsent()

    def _hasAllAsks(self) -> bool:
        return self.mostAsks is not None and self.inProgress >= self.mostAsks and self.keptChange is None

    def _isUnsent(self) -> bool:
        return self.mostUnsent is not None and not self._isChanging() and self.sender._ampIsUnsent()

    def _isChanging(self) -> bool:
        """
        Whether this side has asked for TLS or for another protocol.  Nothing can be sent until the
        answer.
        """
        return self.sender._startingTLSBuffer is not None or self.sender._locked

    def _hasToWait(self, box: AmpBox) -> bool:
        """Whether a call must wait.  A call that wants no answer adds no unsent bytes."""
        return self.isFull() if ASK in box else self._hasAllAsks()

    def receive(self, box: AmpBox) -> None:
        """Let a call be responded to, now or later."""
        if self.kept or self._hasToWait(box):
            self.kept.append(box)
            self.keptSize += sizeOf(box)
            if not self.hadChange and self.dispatcher._ampChangesConnection(box):
                self.hadChange = True  # once: the peer may have its calls refused
                self.keptChange = box
                self.relieve()
            self._maybeHold(box)
            return
        try:
            self.dispatcher._commandReceived(box)
        finally:
            self._maybeHold(box)

    def countUntilAnswered(self, answer: Deferred[Any]) -> None:
        """Count a call of the peer until it is answered."""
        self.inProgress += 1
        answer.addBoth(self._finished)

    def _finished(self, result: object) -> object:
        self.inProgress -= 1
        self.relieve()
        return result

    def relieve(self) -> None:
        """Continue with the calls that were kept, as long as there is room."""
        if self.isRelieving or self.line.isUrgent:
            return  # the loop that led here does it, or the end of the urgent calls
        self.isRelieving = True
        try:
            while self.kept and not self.sender._ampIsPausedByApplication and not self._hasToWait(self.kept[0]):
                self._respondToFirst()
        finally:
            self.isRelieving = False
            self._maybeLetGo()

    def _respondToFirst(self) -> None:
        box = self.kept.popleft()
        self.keptSize -= sizeOf(box)
        if box is self.keptChange:
            self.keptChange = None
        isCancelled = bool(self._cancelled) and box.get(ASK) in self._cancelled
        try:
            if isCancelled:
                self._cancelled.discard(box[ASK])
                self.dispatcher._ampAnswerCancelled(box)
            else:
                self.dispatcher._commandReceived(box)
        except BaseException:
            fail().addErrback(self.sender.unhandledError)  # this may raise as well

    def cancelKept(self, tag: bytes) -> None:
        """
        Do not respond to a call that is kept, because its caller has cancelled it.

        It is answered when its turn comes: an answer tells the peer that all calls before it are
        begun.
        """
        if any(box.get(ASK) == tag for box in self.kept):
            self._cancelled.add(tag)

    def _maybeHold(self, box: AmpBox) -> None:
        """Stop reading if C{box}, which has arrived, is too much."""
        if self.isHolding or self.isRelieving or self.isForgotten or not (self.kept or self._hasToWait(box)):
            return
        if not self._mayReadOn():
            self.isHolding = True
            self.sender._ampHoldPeer()
            if self._hasStreams() and self._hasAllAsks():
                streams: Any = getattr(self.sender, "_ampStreams", None)
                streams.stopAll(STREAM_OVERLOADED_CODE, "too many calls wait")

    def _mayReadOn(self) -> bool:
        """Whether something must be read without delay."""
        # Our own bytes can go out only after the handshake's bytes are read.
        if self.sender._justStartedTLS:
            return True
        return (bool(self.line.window.underWay) or self._hasStreams()) and self._hasRoom()

    def _hasStreams(self) -> bool:
        """Whether a responder may wait for a stream, which can only be read from the peer."""
        streams = getattr(self.sender, "_ampStreams", None)
        return streams is not None and bool(streams.inboxes)

    def _maybeLetGo(self) -> None:
        """Read again if there is room."""
        if not self.isHolding or self.isRelieving or self.line.isUrgent or self.isForgotten:
            return
        if not self.isFull() or self._mayReadOn():
            self.isHolding = False
            self.sender._ampLetPeerGo()

    def _hasRoom(self) -> bool:
        """
        Whether there is room to keep more calls.  The last one does not count, since it may be of
        any size.
        """
        if self.keptSize + len(self.kept) * BOX_COST <= ALWAYS_KEPT:
            return True
        if self.mostUnsent is not None:
            return self.keptSize - sizeOf(self.kept[-1]) <= 2 * self.mostUnsent
        assert self.mostAsks is not None
        return len(self.kept) <= 2 * self.mostAsks

    def _forgetKept(self) -> None:
        self.kept.clear()
        self._cancelled.clear()
        self.keptSize = 0
        self.keptChange = None

    def forget(self) -> None:
        """Do nothing more for a peer whose connection is lost, or that was dropped."""
        self.isForgotten = True
        self._forgetKept()
        self.line.forget()

    # Changes of the connection.

    def beginChange(self) -> None:
        """Send all our waiting calls, because the next box changes the connection."""
        self.line.beginUrgent()

    def endChange(self) -> None:
        """Read everything until that box, which was sent, is answered."""
        self.line.endUrgent()
        self.relieve()

    def withhold(self, box: AmpBox, size: int) -> None:
        """
        Count an answer that waits for TLS, and drop the peer if these answers take too much memory.

        @param box: the answer; our own calls are counted elsewhere.
        @param size: its size in bytes.
        """
        if self.mostUnsent is None or COMMAND in box:
            return
        self.withheldSize += size + BOX_COST
        length = self.sender.MAX_BOX_LENGTH
        most = max(2 * self.mostUnsent, _MOST_WITHHELD if length is None else length)
        if self.withheldSize > most:
            self.sender._ampAbort(TooManyAnswersError(self.withheldSize, most))

    def respondToKept(self) -> None:
        """Begin every call that was kept, because the bytes that follow are not boxes."""
        while self.kept:
            self._respondToFirst()

    def leavePlaintext(self, isAsking: bool) -> bytes:
        """
        Prepare for TLS, so that no kept call looks as if it had arrived over TLS.

        @param isAsking: whether this side has asked for TLS.  If so, the peer made these calls
            before it answered, and they are responded to at once, as they would be without a limit.
        @return: the bytes of the calls that followed the peer's own call for TLS.
        """
        if isAsking:
            self.respondToKept()
        behind = b"".join(box.serialize() for box in self.kept)
        self._forgetKept()
        return behind
