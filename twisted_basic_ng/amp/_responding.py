"""
Responders that have not answered yet: they are cancelled when their caller cancels its call, or at
its deadline.

Only a side that has features beyond Twisted's AMP keeps track of them.  This file knows
dispatchers, boxes and errors, and nothing of the agreement.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._beyonderrors import DeadlineError
from ._boxes import AmpBox
from ._constants import ASK, CANCELLED_ERROR_CODE
from ._deadlines import Timer, tooLate
from ._errors import RemoteAmpError
from ._explain import nameOf

if TYPE_CHECKING:
    from ._currentcall import Asked

__all__ = ["Responding", "cancelledError", "follow"]

_log = Logger("twisted.protocols.amp")


def follow(dispatcher: Any, box: AmpBox, asked: Asked, answer: AmpBox | Deferred[Any]) -> None:
    """
    Cancel what a responder has begun when it is to be cancelled, unless the connection ends before.

    @param asked: the call, as L{twisted_basic_ng.amp._currentcall} keeps it.
    @param answer: what the responder has returned.
    """
    deadline = asked[3]
    if isinstance(answer, AmpBox) or dispatcher._failAllReason is not None:
        if deadline is not None:
            deadline.isAnswered = True
    elif deadline is not None or (ASK in box and not answer.called):
        Responding(dispatcher, box, asked).begin(answer)


def cancelledError(name: bytes, local: Failure | None = None) -> RemoteAmpError:
    """Make the error that tells the peer that its call was cancelled."""
    return RemoteAmpError(CANCELLED_ERROR_CODE, f"{nameOf(name)} was cancelled by its caller", local=local)


class Responding:
    """
    A responder that has not answered yet.

    @ivar key: the tag of the call; another object if it has none, or if the peer has used it twice.
    """

    _isExpired = False
    _timer: Timer | None = None

    def __init__(self, dispatcher: Any, box: AmpBox, asked: Asked) -> None:
        if dispatcher._ampResponding is None:
            dispatcher._ampResponding = {}
        self._dispatcher = dispatcher
        self._asked = asked
        self._hasAnswer = ASK in box
        tag = box.get(ASK)
        self.key: object = self if tag is None or tag in dispatcher._ampResponding else tag

    def begin(self, answer: Deferred[Any]) -> None:
        """Wait for the responder."""
        self._dispatcher._ampResponding[self.key] = self
        self._answer = answer
        deadline = self._asked[3]
        if deadline is not None:
            self._timer = Timer(deadline, self._expire)
        answer.addBoth(self._end)

    def stop(self) -> None:
        """Do not cancel it any more."""
        if self._dispatcher._ampResponding.pop(self.key, None) is not None:
            if self._timer is not None:
                self._timer.stop()
            del self._answer

    def cancel(self) -> None:
        """Cancel it, once."""
        isCancelled = self._asked[4]
        if isCancelled:
            return
        isCancelled.append(True)  # type: ignore[union-attr]
        try:
            self._answer.cancel()
        except Exception:
            _log.failure("while cancelling the responder to {command}", command=nameOf(self._asked[1]))

    def _expire(self) -> None:
        self._isExpired = True
        self.cancel()

    def _end(self, result: Any) -> Any:
        """Say that the call was cancelled, whatever error the responder has made of that."""
        name, deadline, isCancelled = self._asked[1], self._asked[3], self._asked[4]
        if deadline is not None:
            deadline.isAnswered = True
        self.stop()
        if not isinstance(result, Failure) or result.check(RemoteAmpError):
            return result
        isLate = deadline is not None and (self._isExpired or result.check(DeadlineError))
        if not isLate and not isCancelled:
            return result
        if not result.check(CancelledError, DeadlineError):
            _log.warn(
                "the responder to {command} was cancelled{why}, and failed: {error!r}",
                command=nameOf(name),
                why=" at its deadline" if isLate else "",
                error=result.value,
            )
        if not self._hasAnswer:
            return None
        return Failure(tooLate(name, deadline.seconds, result) if isLate else cancelledError(name, result))
