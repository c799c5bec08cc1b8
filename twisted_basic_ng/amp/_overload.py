"""
Options against overload: what a peer may have in progress, what it may leave unread, and why
neither side waits for ever.

The rules.  A side is I{full} while as many of its peer's calls are in progress as may be, or while
more bytes wait to be sent than may.  It keeps the calls that come then, in their order, and begins
with them when there is room.  It I{holds} its peer, which means that it reads nothing, while it is
full and

  1. no call of its own waits for an answer, or
  2. it has no room to keep more: it keeps over a MiB (L{ALWAYS_KEPT}), and over twice its own bound.

Each side limits what it sends: the calls that its peer may have to keep are no more than its own
bound allows, but for the last one, which may be of any size (L{twisted_basic_ng.amp._line}).

The argument.  Suppose that two sides wait for each other for ever.  Responders come to an end, so
both hold because of unsent bytes, and neither reads the other's.

  - A call of the other side made the later of the two begin to hold.  The earlier one has read
    nothing since, so that call has no answer yet: the earlier one has a call under way, and holds
    by rule 2.
  - It therefore keeps more than twice its bound, and all of that is under way at the later one, so
    the later one's bound is more than twice the earlier one's.
  - So the later one has calls under way, too.  It holds by rule 2 as well, and by the same argument
    the earlier one's bound is more than twice the later one's.  Both cannot be.

Neither needs to know the other's bounds.  A peer without bounds always reads.

Changing the connection.  A side that asks for TLS or for another protocol sends all its calls in
front of that one, which may be more than its bounds allow, and its peer may hold it for that.
Until it is answered it can send nothing: its answers wait for TLS, or go nowhere.  Unsent bytes
therefore do not make it full meanwhile, and it reads everything.  When the answer comes, the peer
has begun with all these calls, and the rules above apply again.  A handshake is read in any case.

Its peer's responders may wait for those answers, and be as many as may be in progress.  The peer
therefore begins with the call that changes the connection, and with all that it keeps in front of
it, however many are in progress.  It does so once for a connection.

What the argument leaves open:

  - Answers that wait for TLS take memory, for all that the peer has asked by then.  That is what
    the peer has under way, which depends on the peer's bounds, and on nothing where it has none.
    The peer is dropped if they take more than a box may (C{MAX_BOX_LENGTH}) and more than twice
    the bound.
  - A responder may wait for a call of its own.  Both calls count.  The answer comes behind what the
    peer has sent before it, so there has to be room for that by rule 2; a peer without bounds, or
    one that changes the connection, may send more.

This file knows boxes, and of the connection only how it is held and let go.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred, fail

from ._boxes import AmpBox
from ._constants import ASK, COMMAND
from ._errors import TooManyAnswersError
from ._line import ALWAYS_KEPT, BOX_COST, Line, Window, sizeOf

if TYPE_CHECKING:
    from ._types import BoundedSender, Dispatcher

__all__ = ["Overload"]

#: How much memory the answers that wait for TLS may take in any case, where boxes may have any
#: size.
_MOST_WITHHELD: Final = 16 * 2**20


class Overload:
    """
    What a dispatcher has under way, where that is bounded.

    @ivar mostAsks: how many calls may be in progress, in each direction; C{None} for any number.
    @ivar mostUnsent: how many bytes may wait to be sent, and how many the calls may have that are under way; C{None}
        for any number.
    @ivar line: our own calls.
    @ivar inProgress: how many calls of the peer wait for their responders.
    @ivar kept: calls of the peer that came while its earlier ones were too many.
    @ivar keptSize: their size.
    @ivar keptChange: the first call of the peer that changes the connection, while it is kept.
    @ivar withheldSize: how much memory the answers take that wait for TLS.
    @ivar isHolding: nothing is read from the peer.
    @ivar isForgotten: the connection is gone, or the peer was left.
    """

    def __init__(self, dispatcher: Dispatcher, sender: BoundedSender, asks: int | None, unsent: int | None) -> None:
        self.dispatcher = dispatcher
        self.sender = sender
        self.mostAsks = None if asks is None else max(asks, 1)  # with none at all there would be no conversation
        self.mostUnsent = unsent
        self.line = Line(dispatcher, sender, Window(self.mostAsks, unsent), self._maybeLetGo)
        self.inProgress = 0
        self.kept: deque[AmpBox] = deque()
        self.keptSize = 0
        self.keptChange: AmpBox | None = None
        self.hadChange = False
        self.withheldSize = 0
        self.isHolding = False
        self.isRelieving = False
        self.isForgotten = False

    # Calls of the peer.

    def isFull(self) -> bool:
        """Is there as much of the peer's under way as there may be?"""
        return self._hasAllAsks() or self._isUnsent()

    def _hasAllAsks(self) -> bool:
        return self.mostAsks is not None and self.inProgress >= self.mostAsks and self.keptChange is None

    def _isUnsent(self) -> bool:
        return self.mostUnsent is not None and not self._isChanging() and self.sender._ampIsUnsent()

    def _isChanging(self) -> bool:
        """Have we asked for TLS, or for another protocol?  Nothing is sent then."""
        return self.sender._startingTLSBuffer is not None or self.sender._locked

    def _hasToWait(self, box: AmpBox) -> bool:
        """Can a call not be responded to now?  One that wants no answer adds nothing to what is not sent."""
        return self.isFull() if ASK in box else self._hasAllAsks()

    def receive(self, box: AmpBox) -> None:
        """Have a call responded to, now or later."""
        if self.kept or self._hasToWait(box):
            self.kept.append(box)
            self.keptSize += sizeOf(box)
            if not self.hadChange and self.dispatcher._ampChangesConnection(box):
                self.hadChange = True  # once: a peer may have its calls refused
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
        """Go on with what was kept, as far as there is room again."""
        if self.isRelieving or self.line.isUrgent:
            return  # the loop below us sees to it, or the end of what is urgent
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
        try:
            self.dispatcher._commandReceived(box)
        except BaseException:
            fail().addErrback(self.sender.unhandledError)  # which may raise itself

    def _maybeHold(self, box: AmpBox) -> None:
        """Read no more, after C{box} came, where that is too much."""
        if self.isHolding or self.isRelieving or self.isForgotten or not (self.kept or self._hasToWait(box)):
            return
        if not self._mayReadOn():
            self.isHolding = True
            self.sender._ampHoldPeer()

    def _mayReadOn(self) -> bool:
        """Is there something to be read that must not wait?"""
        # A handshake's bytes are those that let ours go.
        return self.sender._justStartedTLS or (bool(self.line.window.underWay) and self._hasRoom())

    def _maybeLetGo(self) -> None:
        """Read on, where there is room again."""
        if not self.isHolding or self.isRelieving or self.line.isUrgent or self.isForgotten:
            return
        if not self.isFull() or self._mayReadOn():
            self.isHolding = False
            self.sender._ampLetPeerGo()

    def _hasRoom(self) -> bool:
        """Is there room to keep more calls?  The last one does not count: it may be of any size."""
        if self.keptSize + len(self.kept) * BOX_COST <= ALWAYS_KEPT:
            return True
        if self.mostUnsent is not None:
            return self.keptSize - sizeOf(self.kept[-1]) <= 2 * self.mostUnsent
        assert self.mostAsks is not None
        return len(self.kept) <= 2 * self.mostAsks

    def _forgetKept(self) -> None:
        self.kept.clear()
        self.keptSize = 0
        self.keptChange = None

    def forget(self) -> None:
        """The connection is gone, or the peer was left: nothing more is done for it."""
        self.isForgotten = True
        self._forgetKept()
        self.line.forget()

    # The connection changes.

    def beginChange(self) -> None:
        """Send all calls of our own that wait: the next box changes the connection."""
        self.line.beginUrgent()

    def endChange(self) -> None:
        """That box was sent: read everything until it is answered."""
        self.line.endUrgent()
        self.relieve()

    def withhold(self, box: AmpBox, size: int) -> None:
        """
        Count an answer that waits for TLS, and drop the peer if too many do.

        @param box: the answer; calls of our own are counted elsewhere.
        @param size: how many bytes it has.
        """
        if self.mostUnsent is None or COMMAND in box:
            return
        self.withheldSize += size + BOX_COST
        length = self.sender.MAX_BOX_LENGTH
        most = max(2 * self.mostUnsent, _MOST_WITHHELD if length is None else length)
        if self.withheldSize > most:
            self.sender._ampAbort(TooManyAnswersError(self.withheldSize, most))

    def respondToKept(self) -> None:
        """Begin with every call that was kept, as what comes next is none."""
        while self.kept:
            self._respondToFirst()

    def leavePlaintext(self, isAsking: bool) -> bytes:
        """
        TLS is to start: what was kept must not look as if it had come over TLS.

        @param isAsking: is it this side that asked for TLS?  Then the peer has called before it
            answered, and these calls are responded to at once, as they would have been without a
            bound.
        @return: what came behind the peer's own call for TLS.
        """
        if isAsking:
            self.respondToKept()
        behind = b"".join(box.serialize() for box in self.kept)
        self._forgetKept()
        return behind
