"""
Options against overload: what a peer may have in progress, what it may leave unread, and how both sides stay alive.

A connection under such a bound stops reading from a peer that asks faster than it is answered, or that does not read
its answers, and goes on when it does.  Two things keep two such connections from waiting for each other for ever:

  - Where calls of our own wait for their answers, reading goes on: the answers are delivered, and the peer's calls are
    kept for later, in their order.
  - No side has more calls under way than the bound says, so what the other has to keep is bounded, too.  Further
    calls wait in line, on the side that makes them.

This file knows boxes, and of the connection only how it is held and let go.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
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
    """

    def __init__(self, dispatcher: BoxDispatcher, sender: Any, asks: int | None, unsent: int | None) -> None:
        self.dispatcher = dispatcher
        self.sender = sender
        self.asks = asks
        self.unsent = unsent
        self.inProgress = 0
        self.underWay: dict[bytes, int] = {}
        self.underWaySize = 0
        self.waiting: dict[bytes, AmpBox] = {}
        self.kept: deque[AmpBox] = deque()
        self.keptSize = 0
        self.isUrgent = False
        self.isHolding = False
        self.isRelieving = False

    # Calls of the peer.

    def isFull(self) -> bool:
        """Is there as much of the peer's under way as there may be?"""
        if self.asks is not None and self.inProgress >= self.asks:
            return True
        return self.unsent is not None and self.sender._isUnsent(self.unsent)

    def take(self, box: AmpBox) -> None:
        """Have a call responded to, now or later."""
        if self.kept or self.isFull():
            self.kept.append(box)
            self.keptSize += sizeOf(box)
            self._check()
            return
        try:
            self.dispatcher._commandReceived(box)
        finally:
            self._check()

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
            while self.kept and not self.isFull():
                box = self.kept.popleft()
                self.keptSize -= sizeOf(box)
                try:
                    self.dispatcher._commandReceived(box)
                except Exception:
                    self.sender.unhandledError(Failure())
        finally:
            self.isRelieving = False
        self._check()

    def _check(self) -> None:
        """Read on, or do not."""
        if self.isRelieving:
            return
        shouldHold = self.isFull() and not (self.underWay and self._hasRoom())
        if shouldHold and not self.isHolding:
            self.isHolding = True
            self.sender._holdPeer()
        elif self.isHolding and not shouldHold:
            self.isHolding = False
            self.sender._letPeerGo()

    def _hasRoom(self) -> bool:
        """Is there room to keep more than a peer sends that has the same bounds?"""
        if self.asks is not None and len(self.kept) > 2 * self.asks:
            return False
        return self.unsent is None or self.keptSize <= 2 * self.unsent

    def forget(self) -> None:
        """The connection is gone, or the peer was left: nothing more is done for it."""
        self.kept.clear()
        self.keptSize = 0
        self.waiting.clear()
        self.underWay.clear()
        self.underWaySize = 0

    # Our own calls.

    def mayAsk(self) -> bool:
        """Is there room for one more call of our own?"""
        if self.isUrgent:
            return True
        if self.asks is not None and len(self.underWay) >= self.asks:
            return False
        return self.unsent is None or self.underWaySize < self.unsent

    def ask(self, tag: bytes, box: AmpBox) -> None:
        """
        Send a call, or have it wait in line.

        @raise Exception: it cannot be sent.
        """
        if not self.isUrgent and (self.waiting or not self.mayAsk()):
            self.waiting[tag] = box
        else:
            self._send(tag, box)

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
        self._check()

    def _leftLine(self, tag: bytes) -> None:
        self.underWaySize -= self.underWay.pop(tag, 0)

    def answered(self, tag: bytes) -> None:
        """A call of ours was answered: the next may go."""
        self._leftLine(tag)
        self.sendWaiting(False)

    def cancelled(self, tag: bytes) -> bool:
        """
        A call of ours was cancelled.

        @return: whether it was sent already.
        """
        return self.waiting.pop(tag, None) is None

    def sendWaiting(self, all_: bool) -> None:
        """Send the calls that wait in line, as far as there is room, or all of them."""
        while self.waiting and (all_ or self.mayAsk()):
            tag = next(iter(self.waiting))
            box = self.waiting.pop(tag)
            try:
                self._send(tag, box)
            except Exception:
                self.dispatcher._failUnsent(tag)
        self._check()
