"""
Our own calls under bounds: how far they may be ahead of the peer, and the line that the others wait
in.

A peer may have to keep the calls that it has not begun with.  L{Window} knows how many bytes these
can be from the answers alone, and L{Line} sends no more than fits.

  - A peer begins with calls in the order in which they come.  An answer therefore says that it has
    begun with every call in front of that one, too, whether these want an answer or not.
  - A peer keeps a call that wants no answer only behind one that does.  Such a call counts from the
    first call on that the peer may not have begun with, and not at all where there is none.
  - Nothing might ever tell that it was taken, if no other call follows.  Some calls that want no
    answer therefore ask for one, and it is dropped when it comes.  On the wire that is an ordinary
    ask, which every responder has to bear.

This file knows boxes, their tags and C{sendBox}.  It does not know what the peer calls.
"""

from __future__ import annotations

import os
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from twisted.python.failure import Failure

from ._boxes import AmpBox
from ._constants import ASK, COMMAND
from ._explain import addText, nameOf

if TYPE_CHECKING:
    from ._types import BoundedSender, CallDropper, WaitingCommand

__all__ = ["ALWAYS_KEPT", "BOX_COST", "Line", "Window", "sizeOf"]

#: How much memory kept calls may take under any bound.  A responder that calls its caller needs
#: that room where the caller's bound is larger than ours, or counts something else.
ALWAYS_KEPT: Final = 2**20

#: How much memory a box takes besides its bytes, about.
BOX_COST: Final = 512


def sizeOf(box: AmpBox) -> int:
    """How many bytes a box has on the wire; of what is not bytes, how long it is."""
    return sum(map(len, box)) + sum(map(len, box.values())) + 4 * len(box) + 2


class Window:
    """
    What we have sent: the calls that the peer has not answered, and those that it may have to keep.

    @ivar underWay: by its tag, each call that is not answered: its place in the order of all calls,
        and its size.
    @ivar size: the size of all of these, and of the calls without an answer that may be kept behind
        them.
    """

    def __init__(self, asks: int | None, unsent: int | None) -> None:
        self._mostAsks = asks
        self._countsBytes = unsent is not None
        self._mostSize = ALWAYS_KEPT // 2 if unsent is None else unsent
        self.clear()

    def clear(self) -> None:
        """Nothing is under way any more."""
        self.underWay: dict[bytes, tuple[int, int]] = {}
        self.size = 0
        self._lastPlace = 0
        self._untaken: deque[int] = deque()  # the places of the calls that the peer may not have begun with
        self._oneWayCalls: deque[tuple[int, int]] = deque()  # place and size of those without an answer behind them
        self._oneWaySize = 0  # the size of these, since the last one that asks nevertheless

    def isOpen(self) -> bool:
        """Is there room for one more call?  One may always be under way."""
        if not self.underWay:
            return True
        if self._mostAsks is not None and len(self.underWay) >= self._mostAsks:
            return False
        return self.size < self._mostSize

    def needsAnswer(self, box: AmpBox) -> bool:
        """Does a call that wants no answer have to ask for one?"""
        if not self._untaken:
            return False
        size = self._sizeOf(box)
        return self._oneWaySize + size >= self._mostSize // 4 or self.size + size >= self._mostSize

    def _sizeOf(self, box: AmpBox) -> int:
        """The size of a call without an answer; in memory, where only calls are bounded."""
        return sizeOf(box) + (0 if self._countsBytes else BOX_COST)

    def add(self, tag: bytes, box: AmpBox, asksAnyway: bool) -> None:
        """
        A call is sent.

        @param asksAnyway: is it one that wants no answer, and asks for one nevertheless?
        """
        if ASK in box:
            self._lastPlace += 1
            size = sizeOf(box) if self._countsBytes else 0
            self.underWay[tag] = self._lastPlace, size
            self._untaken.append(self._lastPlace)
            if asksAnyway:
                self._oneWaySize = 0
        elif self._untaken:
            self._lastPlace += 1
            size = self._sizeOf(box)
            self._oneWayCalls.append((self._lastPlace, size))
            self._oneWaySize += size
        else:
            return
        self.size += size

    def remove(self, tag: bytes) -> None:
        """A call could not be sent, after all."""
        place, size = self.underWay.pop(tag, (0, 0))
        self.size -= size
        if self._untaken and self._untaken[-1] == place:
            self._untaken.pop()

    def answered(self, tag: bytes) -> None:
        """A call was answered: so those in front of it were taken."""
        place, size = self.underWay.pop(tag, (0, 0))
        self.size -= size
        while self._untaken and self._untaken[0] <= place:
            self._untaken.popleft()
        while self._oneWayCalls and (not self._untaken or self._oneWayCalls[0][0] < self._untaken[0]):
            self.size -= self._oneWayCalls.popleft()[1]
        if not self._oneWayCalls:
            self._oneWaySize = 0


class _Postponed:
    """
    A call with descriptors that waits in line.

    A descriptor's number is its place among all that were sent.  It is known only when the call
    leaves the line, so the call's arguments are written anew then.

    @ivar descriptors: its descriptors, in the order in which they are written.
    """

    def __init__(self, command: WaitingCommand, proto: Any) -> None:
        self._command = command
        self._proto = proto
        self._objects: Any = None
        self.descriptors: list[int] = []

    def add(self, descriptor: int) -> int:
        """Take a descriptor; return a number that stands in for the one that it will have."""
        if not self.descriptors:
            self._objects = _copied(self._command.structured)
        self.descriptors.append(descriptor)
        return len(self.descriptors) - 1

    def writeTo(self, box: AmpBox) -> None:
        """
        Send the descriptors and write their numbers.

        @raise OSError: one of them is closed; then none is sent.
        """
        for each in self.descriptors:
            os.fstat(each)
        box.update(self._command.makeArguments(self._objects, self._proto))


def _copied(value: Any) -> Any:
    """Copy a call's lists and dictionaries, which its caller may go on to change."""
    if type(value) is dict:
        return {key: _copied(each) for key, each in value.items()}
    return [*map(_copied, value)] if type(value) is list else value


class Line:
    """
    Sends our own calls as far as there is room.  The others wait in their order.

    @ivar window: what was sent.
    @ivar waiting: by their tags, the boxes of the calls that wait.
    @ivar isUrgent: calls do not wait now.
    """

    def __init__(
        self, dispatcher: CallDropper, sender: BoundedSender, window: Window, readOn: Callable[[], object]
    ) -> None:
        """
        Make a line.

        @param readOn: is called when calls were sent, as their answers have to be read.
        """
        self._dispatcher = dispatcher
        self._sender = sender
        self._readOn = readOn
        self.window = window
        self.waiting: OrderedDict[bytes, AmpBox] = OrderedDict()  # whose first one is found at once, unlike a dict's
        self._postponed: dict[bytes, _Postponed] = {}
        self._callBeingWritten: _Postponed | None = None
        self.isUrgent = False

    def call(self, command: WaitingCommand, proto: Any) -> Any:
        """Make a call; if it has to wait, its descriptors wait with it."""
        outer = self._callBeingWritten
        goesAtOnce = self._goesAtOnce()
        if goesAtOnce and outer is None:
            return command._doCommand(proto)  # as most do
        self._callBeingWritten = None if goesAtOnce else _Postponed(command, proto)
        try:
            return command._doCommand(proto)
        finally:
            self._callBeingWritten = outer

    def isPostponing(self) -> bool:
        """Is a call being written that has to wait?"""
        return self._callBeingWritten is not None

    def postpone(self, descriptor: int) -> int:
        """Take a descriptor of that call; return a number that stands in for its own."""
        assert self._callBeingWritten is not None
        return self._callBeingWritten.add(descriptor)

    def ask(self, tag: bytes, box: AmpBox) -> None:
        """
        Send a call, or have it wait in line.

        @raise Exception: it cannot be sent.
        """
        writing = self._callBeingWritten
        if writing is not None:
            self._callBeingWritten = None  # while it is sent, other boxes may be written
            if writing.descriptors:
                self._postponed[tag] = writing
        if self._goesAtOnce():
            self._send(tag, box)
        else:
            self.waiting[tag] = box

    def _goesAtOnce(self) -> bool:
        if self._sender._locked:
            return True  # and is refused
        return not self.waiting and (self.isUrgent or self.window.isOpen())

    def _send(self, tag: bytes, box: AmpBox) -> None:
        postponed = self._postponed.pop(tag, None)
        if postponed is not None:
            postponed.writeTo(box)
        asksAnyway = ASK not in box and self.window.needsAnswer(box)
        if asksAnyway:
            box[ASK] = tag
            self._dispatcher._ampDropAnswer(tag)
        self.window.add(tag, box, asksAnyway)
        try:
            box._sendTo(self._sender)
        except BaseException:
            self.window.remove(tag)
            if asksAnyway:
                self._dispatcher._ampIsDropped(tag)
            raise
        self._maybeReadOn()

    def _maybeReadOn(self) -> None:
        if not self.isUrgent:
            self._readOn()

    def answered(self, tag: bytes) -> None:
        """A call of ours was answered: the next may go."""
        self.window.answered(tag)
        self.sendWaiting(False)

    def cancelled(self, tag: bytes) -> bool:
        """
        A call of ours was cancelled.

        @return: whether it was sent already.
        """
        self._postponed.pop(tag, None)
        return self.waiting.pop(tag, None) is None

    def sendWaiting(self, evenWithoutRoom: bool) -> None:
        """Send the calls that wait in line, as far as there is room, or all of them."""
        while self.waiting and (evenWithoutRoom or self.window.isOpen()):
            tag, box = self.waiting.popitem(last=False)
            error: Failure | None = None
            try:
                self._send(tag, box)
            except BaseException:
                error = Failure()
            if error is not None:  # behind the handler: its frames are not for what the application raises
                addText(error.value, f"{nameOf(box.get(COMMAND))}, which had waited in line, was not sent")
                self._dispatcher._ampFailUnsent(tag, error)
        self._maybeReadOn()

    def beginUrgent(self) -> None:
        """
        Send all calls that wait, and those that are made until L{endUrgent} at once.

        Nothing is read meanwhile: an answer to what was read could come behind the urgent call,
        where it is wrong.
        """
        self.isUrgent = True
        self._callBeingWritten = None  # the urgent call itself does not wait
        self.sendWaiting(True)

    def endUrgent(self) -> None:
        """Calls wait again."""
        self.isUrgent = False

    def forget(self) -> None:
        """All calls of our own have failed."""
        self.waiting.clear()
        self._postponed.clear()
        self.window.clear()
