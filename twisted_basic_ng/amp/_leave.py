"""
C{leave}: a connection that is closed when nothing is under way.

The side that wants to close sends a box with the key C{_leave}.  Its peer answers with the same box,
once it has sent all calls that it has made so far.  Neither side makes new calls after that, except
for those that a responder makes to answer a call of this connection.  When everything is answered,
the side that wanted to close does so.

This file knows the agreement, and of dispatchers and connections what is under way there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from ._beyonderrors import LeavingError
from ._boxes import AmpBox
from ._constants import LEAVE, LEAVE_FEATURE
from ._currentcall import CURRENT
from ._deadlines import clockOf
from ._errors import ProtocolSwitched
from ._explain import describePeerOf
from ._features import Feature, register

__all__ = ["Leave"]


class _Watched(dict[Any, Any]):
    """
    Calls of a connection that is being left.

    @ivar watcher: called when a call is over.
    """

    def __init__(self, calls: dict[Any, Any], watcher: Callable[[], object]) -> None:
        super().__init__(calls)
        self.watcher = watcher

    def pop(self, *args: Any) -> Any:
        self.watcher()
        return super().pop(*args)


@register
class Leave(Feature):
    """
    Leaves one connection, or lets its peer leave.
    """

    name = LEAVE_FEATURE
    keys = (LEAVE,)

    def __init__(self, extensions: Any) -> None:
        super().__init__(extensions)
        # What our own callers of leave wait for.
        self._waiting: list[Deferred[None]] = []
        self._isRefusing = False
        self._isPeerLeaving = False
        # Whether the peer was told that we make no new calls.
        self._isSaid = False
        self._isClosing = False
        self._isLooking = False

    def leave(self) -> Deferred[None]:
        """Leave the connection."""
        left: Deferred[None] = Deferred(self._hurry)
        self._waiting.append(left)
        self._refuse()
        self.extensions.ask()
        self.look()
        return left

    def _hurry(self, left: Deferred[None]) -> None:
        """Close the connection at once: one who waits for it does not want to wait any more."""
        self._waiting.remove(left)
        self.extensions.sender.transport.loseConnection()

    def received(self, box: AmpBox) -> None:
        """Let the peer leave, or learn that it has sent all its calls."""
        if not self._isPeerLeaving:
            self._isPeerLeaving = True
            self._refuse()
            self.look()
            self.extensions.dispatcher.peerLeaves()

    def learned(self) -> None:
        """Go on, if this side leaves."""
        self.look()

    def look(self) -> None:
        """See later in this turn of the reactor whether the connection can be closed."""
        if self._isRefusing and not self._isLooking:
            self._isLooking = True
            clockOf(self.extensions.dispatcher).callLater(0, self._look)

    def _look(self) -> None:
        self._isLooking = False
        extensions = self.extensions
        if extensions.known is None or not self._isRefusing or self._isClosing:
            return
        hasPeer = extensions.has(LEAVE_FEATURE)
        if hasPeer and not self._isSaid and not self._hasUnsentCalls():
            self._isSaid = True
            try:
                extensions.sender.sendBox(AmpBox({LEAVE: b""}))
            except (ConnectionLost, ProtocolSwitched):
                return
        if self._waiting and (self._isPeerLeaving or not hasPeer) and not self._isBusy():
            self._isClosing = True
            extensions.sender.transport.loseConnection()

    def _hasUnsentCalls(self) -> bool:
        overload = self.extensions.dispatcher._ampOverload
        return overload is not None and bool(overload.line.waiting)

    def _isBusy(self) -> bool:
        """Whether anything is under way, in either direction."""
        dispatcher = self.extensions.dispatcher
        overload = dispatcher._ampOverload
        return bool(
            dispatcher._outstandingRequests
            or dispatcher._ampResponding
            or self.extensions.isBusy()
            or (overload is not None and overload.kept)
        )

    def _refuse(self) -> None:
        """Make no new calls, and watch those under way."""
        if self._isRefusing:
            return
        self._isRefusing = True
        dispatcher = self.extensions.dispatcher
        dispatcher._ampSendCallsBy(self._callOrRefuse)
        dispatcher._ampKeepCallsIn(_Watched(dispatcher._outstandingRequests or {}, self.look))
        dispatcher._ampResponding = _Watched(dispatcher._ampResponding or {}, self.look)

    def _callOrRefuse(self, command: bytes, box: AmpBox, requiresAnswer: bool = True) -> Any:
        """Make a call if it is made to answer a call of this connection.  Refuse any other."""
        dispatcher = self.extensions.dispatcher
        asked = CURRENT.get()
        if dispatcher._failAllReason is not None or (asked is not None and asked[0] is dispatcher):
            return type(dispatcher)._sendBoxCommand(dispatcher, command, box, requiresAnswer)
        return fail(LeavingError(command, describePeerOf(dispatcher.boxSender))) if requiresAnswer else None

    def restart(self) -> None:
        """Forget that the peer leaves, which it has said in plaintext, and say again that this side does."""
        self._isPeerLeaving = self._isSaid = False
        if self._waiting:
            self.extensions.ask()
        elif self._isRefusing:
            self._isRefusing = False
            self.extensions.dispatcher._ampSendCallsBy(None)

    def stop(self, reason: Failure) -> None:
        """Tell those who wait that the connection has ended."""
        waiting, self._waiting = self._waiting, []
        if self._isRefusing:
            self._isRefusing = False
            self.extensions.dispatcher._ampSendCallsBy(None)
        for each in waiting:
            if self._isClosing:
                each.callback(None)
            else:
                each.errback(reason)
