"""
Options against overload: what a peer may have in progress, what it may leave unread, and how both sides stay alive.

A connection under such a bound stops reading from a peer that asks faster than it is answered, or that does not read
its answers, and goes on when it does.  Two things keep two such connections from waiting for each other for ever:

  - Where calls of our own wait for their answers, reading goes on: the answers are delivered, and the peer's calls are
    kept for later, in their order.
  - No side has more calls under way than the bound says, so what the other has to keep is bounded, too.  Further
    calls wait in line, on the side that makes them.

That a peer has sent a call is when it is held, and nothing else: before that, it may be a handshake of TLS that is
to be read.

This file knows boxes, and of the connection only how it is held and let go.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from ._boxes import AmpBox
from ._constants import ASK

if TYPE_CHECKING:
    from ._dispatch import BoxDispatcher

__all__ = ["Overload", "sizeOf"]


def sizeOf(box: AmpBox) -> int:
    """How many bytes a box has on the wire; of what is not bytes, how long it is."""
    return sum(map(len, box)) + sum(map(len, box.values())) + 4 * len(box) + 2


class Overload:
    """
    What a dispatcher has under way, where that is bounded.

    @ivar asks: how many calls may be in progress, in each direction; C{None} for any number.
    @ivar unsent: how many bytes may wait to be sent, and how many the calls may have that are under way; C{None}
        for any number.
    @ivar inProgress: how many calls of the peer wait for their responders.
    @ivar underWay: the sizes of our own calls that were sent and not answered yet, by their tags.
    @ivar waiting: our own calls that wait in line.
    @ivar kept: calls of the peer that came while its earlier ones were too many.
    @ivar keptSize: their size.
    @ivar isUrgent: calls do not wait in line now.
    @ivar isHolding: nothing is read from the peer.
    @ivar isOver: the connection is gone, or the peer was left.
    """

    def __init__(self, dispatcher: BoxDispatcher, sender: Any, asks: int | None, unsent: int | None) -> None:
        self.dispatcher = dispatcher
        self.sender = sender
        self.asks = None if asks is None else max(asks, 1)  # with none at all there would be no conversation
        self.unsent = unsent
        self.inProgress = 0
        self.underWay: dict[bytes, int] = {}
        self.underWaySize = 0
        self.waiting: OrderedDict[bytes, AmpBox] = OrderedDict()  # whose first one is found at once, unlike a dict's
        self.kept: deque[AmpBox] = deque()
        self.keptSize = 0
        self.isUrgent = False
        self.isHolding = False
        self.isRelieving = False
        self.isOver = False

    # Calls of the peer.

    def isFull(self) -> bool:
        """Is there as much of the peer's under way as there may be?"""
        return self._hasAllAsks() or (self.unsent is not None and self.sender._ampIsUnsent())

    def _hasAllAsks(self) -> bool:
        return self.asks is not None and self.inProgress >= self.asks

    def _hasToWait(self, box: AmpBox) -> bool:
        """Can a call not be responded to now?  One that wants no answer adds nothing to what is not sent."""
        return self.isFull() if ASK in box else self._hasAllAsks()

    def take(self, box: AmpBox) -> None:
        """Have a call responded to, now or later."""
        if self.kept or self._hasToWait(box):
            self.kept.append(box)
            self.keptSize += sizeOf(box)
            self._maybeHold(box)
            return
        try:
            self.dispatcher._commandReceived(box)
        finally:
            self._maybeHold(box)

    def await_(self, answer: Deferred[Any]) -> None:
        """Count a call of the peer until it is answered."""
        self.inProgress += 1
        answer.addBoth(self._finished)

    def _finished(self, result: object) -> object:
        self.inProgress -= 1
        self.relieve()
        return result

    def relieve(self) -> None:
        """Go on with what was kept, as far as there is room again."""
        if self.isRelieving:
            return  # the loop below us sees to it
        self.isRelieving = True
        try:
            while self.kept and not self.sender._ampIsPausedByApplication and not self._hasToWait(self.kept[0]):
                self._respondToKept()
        finally:
            self.isRelieving = False
            self._maybeLetGo()

    def _respondToKept(self) -> None:
        box = self.kept.popleft()
        self.keptSize -= sizeOf(box)
        try:
            self.dispatcher._commandReceived(box)
        except BaseException:
            fail().addErrback(self.sender.unhandledError)  # which may raise itself

    def leavePlaintext(self, isAsking: bool) -> bytes:
        """
        TLS is to start: what was kept must not look as if it had come over TLS.

        @param isAsking: is it this side that asked for TLS?  Then the peer has called before it answered, and these
            calls are responded to at once, as they would have been without a bound.
        @return: what came behind the peer's own call for TLS.
        """
        while isAsking and self.kept:
            self._respondToKept()
        behind = b"".join(box.serialize() for box in self.kept)
        self.kept.clear()
        self.keptSize = 0
        return behind

    def _maybeHold(self, box: AmpBox) -> None:
        """Read no more, after C{box} came, where that is too much."""
        if self.isHolding or self.isRelieving or self.isOver or not (self.kept or self._hasToWait(box)):
            return
        if not self._mayReadOn():
            self.isHolding = True
            self.sender._ampHoldPeer()

    def _mayReadOn(self) -> bool:
        """Is there something to be read that must not wait?"""
        # A handshake's bytes are those that let ours go.
        return self.sender._justStartedTLS or (bool(self.underWay) and self._hasRoom())

    def _maybeLetGo(self) -> None:
        """Read on, where there is room again."""
        if self.isHolding and not self.isRelieving and not self.isOver and (not self.isFull() or self._mayReadOn()):
            self.isHolding = False
            self.sender._ampLetPeerGo()

    def _hasRoom(self) -> bool:
        """
        Is there room to keep more than a peer sends that has the same bounds?

        Of two sides that wait for each other to read, both with too many bytes unsent, one always has: what each has
        under way is, but for the last call, less than its own bound, and that cannot be more than twice the other's
        on both sides.
        """
        if self.unsent is not None:
            return not self.kept or self.keptSize - sizeOf(self.kept[-1]) <= 2 * self.unsent
        assert self.asks is not None
        return len(self.kept) <= 2 * self.asks

    def forget(self) -> None:
        """The connection is gone, or the peer was left: nothing more is done for it."""
        self.isOver = True
        self.kept.clear()
        self.keptSize = 0
        self.forgetOwn()

    # Our own calls.

    def mayAsk(self) -> bool:
        """Is there room for one more call of our own?"""
        if self.isUrgent or not self.underWay:
            return True
        if self.asks is not None and len(self.underWay) >= self.asks:
            return False
        return self.unsent is None or self.underWaySize < self.unsent

    def ask(self, tag: bytes, box: AmpBox) -> None:
        """
        Send a call, or have it wait in line.

        @raise Exception: it cannot be sent.
        """
        if self.isUrgent or self.sender._locked or not (self.waiting or not self.mayAsk()):
            self._send(tag, box)
        else:
            self.waiting[tag] = box

    def _send(self, tag: bytes, box: AmpBox) -> None:
        if ASK in box:
            size = sizeOf(box)
            self.underWay[tag] = size
            self.underWaySize += size
        try:
            box._sendTo(self.sender)
        except BaseException:
            self._leftLine(tag)
            raise
        self._maybeLetGo()

    def _leftLine(self, tag: bytes) -> None:
        self.underWaySize -= self.underWay.pop(tag, 0)

    def answered(self, tag: bytes) -> None:
        """A call of ours was answered: the next may go."""
        self._leftLine(tag)
        self.sendWaiting(False)

    def forgetOwn(self) -> None:
        """All calls of our own have failed."""
        self.waiting.clear()
        self.underWay.clear()
        self.underWaySize = 0

    def cancelled(self, tag: bytes) -> bool:
        """
        A call of ours was cancelled.

        @return: whether it was sent already.
        """
        return self.waiting.pop(tag, None) is None

    def sendWaiting(self, all_: bool) -> None:
        """Send the calls that wait in line, as far as there is room, or all of them."""
        while self.waiting and (all_ or self.mayAsk()):
            tag, box = self.waiting.popitem(last=False)
            error: Failure | None = None
            try:
                self._send(tag, box)
            except BaseException:
                error = Failure()
            if error is not None:  # behind the handler: its frames are not for what the application raises
                self.dispatcher._ampFailUnsent(tag, error)
        self._maybeLetGo()
