"""
Limits on our own calls: how far they may be ahead of the peer, and the line in which the others
wait.

A peer may have to keep the calls that it has not begun to handle.  L{Window} works out from the
answers alone how many bytes these can be, and L{Line} sends no more than fits.

  - A peer begins to handle calls in the order in which they arrive.  An answer therefore shows that
    it has begun every call before that one as well, whether that call wants an answer or not.
  - A peer keeps a call that wants no answer only behind one that does.  Such a call counts only if
    it follows a call that the peer may not have begun.
  - If no other call follows, nothing would ever show that such a call was begun.  Some calls that
    want no answer therefore ask for one, which is dropped when it arrives.  On the wire, such a
    call is an ordinary ask, which every responder must accept.

This file knows boxes, their tags and C{sendBox}.  It does not know which commands the calls are
for.
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

#: How much memory, in bytes, kept calls may take under any limit.  A responder that calls its
#: caller needs that room if the caller's limit is larger than ours, or counts something else.
ALWAYS_KEPT: Final = 2**20

#: Roughly how much memory, in bytes, a box takes besides its content.
BOX_COST: Final = 512


def sizeOf(box: AmpBox) -> int:
    """
    Return how many bytes a box takes on the wire.  Keys and values that are not bytes count by
    their length.
    """
    return sum(map(len, box)) + sum(map(len, box.values())) + 4 * len(box) + 2


class Window:
    """
    The calls sent so far that the peer has not answered, and those that it may have to keep.

    @ivar underWay: the calls that are not answered, by their tags: each as its place in the order
        of all calls and its size.
    @ivar size: the size of all of these, in bytes, and of the calls without an answer that the peer
        may keep behind them.
    """

    def __init__(self, asks: int | None, unsent: int | None) -> None:
        self._mostAsks = asks
        self._countsBytes = unsent is not None
        self._mostSize = ALWAYS_KEPT // 2 if unsent is None else unsent
        self.clear()

    def clear(self) -> None:
        """Forget all calls under way."""
        self.underWay: dict[bytes, tuple[int, int]] = {}
        self.size = 0
        self._lastPlace = 0
        # The places of the calls that the peer may not have begun.
        self._untaken: deque[int] = deque()
        # Place and size of the calls without an answer that follow those.
        self._oneWayCalls: deque[tuple[int, int]] = deque()
        self._oneWaySize = 0  # their size since one last asked for an answer anyway

    def isOpen(self) -> bool:
        """Whether there is room for another call.  One call may always be under way."""
        if not self.underWay:
            return True
        if self._mostAsks is not None and len(self.underWay) >= self._mostAsks:
            return False
        return self.size < self._mostSize

    def needsAnswer(self, box: AmpBox) -> bool:
        """Whether a call that wants no answer has to ask for one."""
        if not self._untaken:
            return False
        size = self._sizeOf(box)
        return self._oneWaySize + size >= self._mostSize // 4 or self.size + size >= self._mostSize

    def _sizeOf(self, box: AmpBox) -> int:
        """
        Return the size of a call without an answer; its size in memory if only the number of calls
        is limited.
        """
        return sizeOf(box) + (0 if self._countsBytes else BOX_COST)

    def add(self, tag: bytes, box: AmpBox, asksAnyway: bool) -> None:
        """
        Count a call that is being sent.

        @param asksAnyway: whether it wants no answer but asks for one anyway.
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
        """Remove a call that could not be sent after all."""
        place, size = self.underWay.pop(tag, (0, 0))
        self.size -= size
        if self._untaken and self._untaken[-1] == place:
            self._untaken.pop()

    def answered(self, tag: bytes) -> None:
        """Remove a call that was answered.  The peer has begun every call before it."""
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

    A descriptor's number is its position among all descriptors that were sent.  It is known only
    when the call leaves the line, so the call's arguments are then written again.

    @ivar descriptors: the call's descriptors, in the order in which they are written.
    """

    def __init__(self, command: WaitingCommand, proto: Any) -> None:
        self._command = command
        self._proto = proto
        self._objects: Any = None
        self.descriptors: list[int] = []

    def add(self, descriptor: int) -> int:
        """Keep a descriptor, and return a placeholder for its number."""
        if not self.descriptors:
            self._objects = _copied(self._command.structured)
        self.descriptors.append(descriptor)
        return len(self.descriptors) - 1

    def writeTo(self, box: AmpBox) -> None:
        """
        Send the descriptors and write their numbers.

        @raise OSError: a descriptor is closed; none is sent then.
        """
        for each in self.descriptors:
            os.fstat(each)
        box.update(self._command.makeArguments(self._objects, self._proto))


def _copied(value: Any) -> Any:
    """Copy a call's lists and dictionaries, since its caller may change them later."""
    if type(value) is dict:
        return {key: _copied(each) for key, each in value.items()}
    return [*map(_copied, value)] if type(value) is list else value


class Line:
    """
    Sends our own calls as long as there is room.  The others wait in order.

    @ivar window: the calls that were sent.
    @ivar waiting: the boxes of the calls that wait, by their tags.
    @ivar isUrgent: whether calls are sent without waiting.
    """

    def __init__(
        self, dispatcher: CallDropper, sender: BoundedSender, window: Window, readOn: Callable[[], object]
    ) -> None:
        """
        Make a line.

        @param readOn: called after calls were sent, because their answers have to be read.
        """
        self._dispatcher = dispatcher
        self._sender = sender
        self._readOn = readOn
        self.window = window
        # Unlike a dict, an OrderedDict finds its first item at once.
        self.waiting: OrderedDict[bytes, AmpBox] = OrderedDict()
        self._postponed: dict[bytes, _Postponed] = {}
        self._callBeingWritten: _Postponed | None = None
        self.isUrgent = False

    def call(self, command: WaitingCommand, proto: Any) -> Any:
        """Make a call.  If it has to wait, its descriptors wait with it."""
        outer = self._callBeingWritten
        goesAtOnce = self._goesAtOnce()
        if goesAtOnce and outer is None:
            return command._doCommand(proto)  # the usual case
        self._callBeingWritten = None if goesAtOnce else _Postponed(command, proto)
        try:
            return command._doCommand(proto)
        finally:
            self._callBeingWritten = outer

    def isPostponing(self) -> bool:
        """Whether a call that has to wait is being written."""
        return self._callBeingWritten is not None

    def postpone(self, descriptor: int) -> int:
        """Keep a descriptor of that call, and return a placeholder for its number."""
        assert self._callBeingWritten is not None
        return self._callBeingWritten.add(descriptor)

    def ask(self, tag: bytes, box: AmpBox) -> None:
        """
        Send a call, or put it in the line.

        @raise Exception: the call cannot be sent.
        """
        writing = self._callBeingWritten
        if writing is not None:
            self._callBeingWritten = None  # while the call is sent, other boxes may be written
            if writing.descriptors:
                self._postponed[tag] = writing
        if self._goesAtOnce():
            self._send(tag, box)
        else:
            self.waiting[tag] = box

    def _goesAtOnce(self) -> bool:
        if self._sender._locked:
            return True  # and the call is refused
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
        """Count one of our calls as answered, and send the next ones."""
        self.window.answered(tag)
        self.sendWaiting(False)

    def unsent(self, tag: bytes) -> None:
        """Do not count one of our calls that could not be sent after all, and send the next ones."""
        self.window.remove(tag)
        self.sendWaiting(False)

    def cancelled(self, tag: bytes) -> bool:
        """
        Remove one of our calls that was cancelled.

        @return: whether it was sent already.
        """
        self._postponed.pop(tag, None)
        return self.waiting.pop(tag, None) is None

    def sendWaiting(self, evenWithoutRoom: bool) -> None:
        """Send the calls that wait in line: as many as there is room for, or all of them."""
        while self.waiting and (evenWithoutRoom or self.window.isOpen()):
            tag, box = self.waiting.popitem(last=False)
            error: Failure | None = None
            try:
                self._send(tag, box)
            except BaseException:
                error = Failure()
            # Outside the handler, so that errors of the application do not hold its frames.
            if error is not None:
                addText(error.value, f"{nameOf(box.get(COMMAND))}, which had waited in line, was not sent")
                self._dispatcher._ampFailUnsent(tag, error)
        self._maybeReadOn()

    def beginUrgent(self) -> None:
        """
        Send all waiting calls at once, and do the same with new calls until L{endUrgent}.

        Nothing is read meanwhile.  The answer to a call that was read could be sent after the
        urgent call, where it would be wrong.
        """
        self.isUrgent = True
        self._callBeingWritten = None  # the urgent call itself does not wait
        self.sendWaiting(True)

    def endUrgent(self) -> None:
        """Let calls wait in line again."""
        self.isUrgent = False

    def forget(self) -> None:
        """Forget all of our calls after they have failed."""
        self.waiting.clear()
        self._postponed.clear()
        self.window.clear()
