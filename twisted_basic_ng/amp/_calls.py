"""
One call to the peer that waits for its answer.

L{Call} is the C{Deferred} that C{callRemote} returns.  All this file knows of a command is that it
reads an answer.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ._currentcall import CURRENT, Asked
from ._explain import addToRepr
from ._types import AnswerReader, ErrorGuardian

__all__ = ["Call"]


class Call(Deferred[Any]):
    """
    The answer to a call.

    It saves each call two callbacks that nobody else would see: the one that reads the answer box,
    and the one for errors that nobody handled.  Once it has fired, it holds no reference to the
    connection.

    @ivar _ampTag: the tag of the call, which its answer repeats.
    @ivar _ampIsSent: whether the call was sent and its caller has this C{Deferred}.  If both ends
        are in one process, the answer may arrive before that.
    @ivar _ampCommand: the command, if it reads its own answer; C{None} as soon as the answer has
        arrived.
    @ivar _ampProto: the protocol that the command reads the answer with; C{None} at the same times.
    @ivar _ampAskedIn: the call of the peer whose responder made this one; the callbacks of this one
        see it as the current call.
    @ivar _ampGuardian: the dispatcher to tell of an error that no callback handles; set only while
        the answer is delivered.
    """

    _ampTag: bytes
    _ampIsSent = False
    _ampCommand: AnswerReader | None = None
    _ampProto: Any = None
    _ampAskedIn: Asked | None = None
    _ampGuardian: ErrorGuardian | None = None

    def callback(self, result: Any) -> None:
        """Answer the call with a box."""
        current = CURRENT.get()
        if self._ampAskedIn is not current:
            self._ampFireThere(self.callback, result)
            return
        command = self._ampCommand
        if command is not None:
            proto = self._ampProto
            self._ampCommand = self._ampProto = None
            try:
                result = command._ampReadResponse(result, proto)
            except BaseException:
                result = Failure()
            if self.called:
                return  # an application's hook called it while it read the answer
        Deferred.callback(self, result)
        self._canceller = None  # as newer versions of Twisted do
        if current is not None:
            self._ampAskedIn = None
        if self._ampGuardian is not None:
            if isinstance(self.result, Failure) or self.paused:
                self._ampAddGuardian()
            self._ampGuardian = None

    def errback(self, fail: Any = None) -> None:
        """Answer the call with an error."""
        if self._ampAskedIn is not CURRENT.get():
            self._ampFireThere(self.errback, Failure() if fail is None else fail)
            return
        command = self._ampCommand
        if command is not None:
            fail = fail if isinstance(fail, Failure) else Failure(fail)
            proto = self._ampProto
            self._ampCommand = self._ampProto = None
            fail = command._ampAsDeclared(fail, proto)
            if self.called:
                return  # the constructor of the declared error called it
        if self._ampGuardian is not None:
            self._ampAddGuardian()
        Deferred.errback(self, fail)
        self._canceller = self._ampAskedIn = None

    def _ampFireThere(self, fire: Callable[[Any], None], result: Any) -> None:
        """Fire where the call was made: its callbacks belong to that responder, and not to the code that runs now."""
        before = CURRENT.set(self._ampAskedIn)
        try:
            fire(result)
        finally:
            CURRENT.reset(before)

    def __repr__(self) -> str:
        more = (
            f", tag {self._ampTag!r}" if self._ampCommand is None else f" of {self._ampCommand!r}, tag {self._ampTag!r}"
        )
        return addToRepr(super().__repr__(), more)

    def cancel(self) -> None:
        """Cancel the call.  This has no effect while its answer is being read, as in Twisted."""
        if self.called or self._ampGuardian is None:
            Deferred.cancel(self)

    def _ampAddGuardian(self) -> None:
        """Add the guardian as an ordinary callback."""
        guardian, self._ampGuardian = self._ampGuardian, None
        assert guardian is not None
        Deferred.addErrback(self, guardian.unhandledError)


def _addingBehindGuardian(add: Any) -> Any:
    """
    Wrap a method that adds a callback, so that the guardian is added first if the answer is being
    delivered.
    """

    @wraps(add)
    def addBehind(self: Call, *args: Any, **kw: Any) -> Any:
        if self._ampGuardian is not None:
            self._ampAddGuardian()
        return add(self, *args, **kw)

    return addBehind


for _name in ("addBoth", "addCallback", "addCallbacks", "addErrback"):
    setattr(Call, _name, _addingBehindGuardian(getattr(Deferred, _name)))
