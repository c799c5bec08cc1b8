"""
Deadlines: how long a caller waits, told to the peer with the call.

On the wire a deadline is the key C{_timeout} in the box that asks, the milliseconds that are left when the box is sent.
A peer without deadlines ignores the key, as it does any key that is no argument.

This file knows dispatchers, commands and boxes, and no bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, inf
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.python.failure import Failure

from ._beyonderrors import DeadlineError
from ._boxes import AmpBox
from ._constants import ASK, COMMAND, DEADLINE_ERROR_CODE, TIMEOUT
from ._currentcall import CURRENT
from ._errors import RemoteAmpError
from ._explain import describePeerOf, nameOf

__all__ = [
    "ARRIVED",
    "LONGEST_WAIT",
    "Deadline",
    "Timer",
    "clockOf",
    "deadlineOf",
    "inherited",
    "stamp",
    "tooLate",
    "within",
]

#: The longest time that a reactor is asked to wait at once, in seconds: a day.  Some cannot wait for a month.
LONGEST_WAIT: Final = 86400.0

#: Not empty once a call with a deadline has arrived in this process: until then, none can be inherited.
ARRIVED: Final[dict[bool, None]] = {}

#: How many digits C{_timeout} may have; more are no deadline.
_MOST_DIGITS: Final = 15


def clockOf(dispatcher: Any) -> Any:
    """Find the clock of a connection: the reactor, but in tests."""
    clock = dispatcher._ampClock
    if clock is None:
        from twisted.internet import reactor as clock
    return clock


class Timer:
    """
    Calls a function once, when a deadline has passed.
    """

    def __init__(self, deadline: Deadline, function: Callable[[], object]) -> None:
        self._deadline = deadline
        self._function = function
        self._wait()

    def _wait(self) -> None:
        left = min(self._deadline.left(), LONGEST_WAIT)
        self._delayed = self._deadline.clock.callLater(left, self._check)

    def _check(self) -> None:
        if self._deadline.left():
            self._wait()
        else:
            self._function()

    def stop(self) -> None:
        """Forget the function."""
        del self._function  # it holds the call, and the call holds this object
        if self._delayed.active():
            self._delayed.cancel()


class Deadline:
    """
    A moment at which a caller stops waiting.

    @ivar clock: tells the time.
    @ivar seconds: how many seconds there were at first.
    @ivar isAnswered: whether the call has been answered: what still runs for it is bound no more.
    """

    __slots__ = ("_moment", "clock", "isAnswered", "seconds")

    def __init__(self, clock: Any, seconds: float, since: float | None = None) -> None:
        self.clock = clock
        self.seconds = seconds
        self.isAnswered = False
        self._moment: float = (clock.seconds() if since is None else since) + seconds

    def left(self) -> float:
        """How many seconds are left; 0 if it has passed."""
        left: float = self._moment - self.clock.seconds()
        return max(left, 0.0)

    def written(self, box: AmpBox) -> AmpBox:
        """Put the deadline into a box that asks."""
        if type(box) is AmpBox:
            return _TimedBox(self, box)
        box[TIMEOUT] = self._milliseconds()
        return box

    def _milliseconds(self) -> bytes:
        return b"%d" % min(ceil(self.left() * 1000), 10**_MOST_DIGITS - 1)

    # Our own calls.

    def call(self, dispatcher: Any, command: Any) -> Any:
        """Make a call with this deadline."""
        if hasattr(command, "_ampDeadline"):  # else it is no Command, and tells its peer nothing
            command._ampDeadline = self
            makeArguments = command.makeArguments
            command.makeArguments = lambda objects, proto: self.written(makeArguments(objects, proto))
        name = getattr(command, "commandName", b"")
        return self.bind(dispatcher, name, getattr(command, "requiresAnswer", True), dispatcher._ampCall, command)

    def bind(self, dispatcher: Any, name: bytes, hasAnswer: bool, call: Callable[..., Any], *args: Any) -> Any:
        """
        Make a call by C{call}, unless the deadline has passed; when it passes, the C{Deferred} of the answer fails.

        @param name: the command's name on the wire.
        """
        waiting = _Waiting(name, describePeerOf(dispatcher.boxSender), self.seconds)
        if not self.left():
            return fail(waiting.error()) if hasAnswer else None
        answering = call(*args)
        if isinstance(answering, Deferred):
            waiting.begin(answering, self)
        return answering

    # Calls of the peer.

    def refusal(self, box: AmpBox) -> Any:
        """Make the answer to a call whose deadline has passed before its responder could begin."""
        self.isAnswered = True
        return fail(tooLate(box[COMMAND], self.seconds)) if ASK in box else AmpBox()


class _TimedBox(AmpBox):
    """A box that asks, and says how much time is left when it is sent: it may have to wait before."""

    def __init__(self, deadline: Deadline, box: AmpBox) -> None:
        super().__init__(box)
        self._deadline = deadline
        self[TIMEOUT] = deadline._milliseconds()

    def serialize(self) -> bytes:
        self[TIMEOUT] = self._deadline._milliseconds()
        return super().serialize()


class _Waiting:
    """
    A call of ours that has a deadline.
    """

    _isOver = False

    def __init__(self, name: bytes, peer: str, seconds: float) -> None:
        self._args = name, peer, seconds

    def error(self) -> DeadlineError:
        """Make the error that the call fails with."""
        return DeadlineError(*self._args)

    def begin(self, answering: Deferred[Any], deadline: Deadline) -> None:
        """Wait for the answer."""
        self._answering = answering
        self._timer = Timer(deadline, self._expire)
        answering.addBoth(self._end)

    def _expire(self) -> None:
        self._isOver = True
        self._answering.cancel()

    def _end(self, result: object) -> object:
        self._timer.stop()
        del self._answering
        if isinstance(result, Failure) and (_isDeadline(result) or (self._isOver and result.check(CancelledError))):
            return Failure(self.error())
        return result


def _isDeadline(error: Failure) -> bool:
    """Whether the peer has answered that the deadline has passed; its clock may be ahead of ours."""
    return bool(error.check(RemoteAmpError)) and getattr(error.value, "errorCode", b"") == DEADLINE_ERROR_CODE


def tooLate(name: bytes, seconds: float, local: Failure | None = None) -> RemoteAmpError:
    """Make the error that tells the peer that its deadline has passed."""
    text = f"{nameOf(name)} was not responded to within {seconds:g} seconds"
    return RemoteAmpError(DEADLINE_ERROR_CODE, text, local=local)


# Reading a deadline.


class _Arrived(bytes):
    """
    The deadline of a call that is kept, and that has begun all the same.

    @ivar moment: when it arrived.
    """

    moment: float


def stamp(dispatcher: Any, box: AmpBox) -> None:
    """Note when a box arrived that may have to wait before it is responded to."""
    if TIMEOUT in box:
        arrived = box[TIMEOUT] = _Arrived(box[TIMEOUT])
        arrived.moment = clockOf(dispatcher).seconds()


def deadlineOf(dispatcher: Any, box: AmpBox) -> Deadline | None:
    """Read the deadline of a call of the peer; what is not a number of milliseconds is none."""
    value = box.get(TIMEOUT)
    if value is None or not value.isdigit() or len(value) > _MOST_DIGITS:
        return None
    ARRIVED[True] = None
    return Deadline(clockOf(dispatcher), int(value) / 1000, getattr(value, "moment", None))


def inherited(dispatcher: Any) -> Deadline | None:
    """Find the deadline of the call whose responder makes a call over C{dispatcher}; its clock may be another one."""
    asked = CURRENT.get()
    deadline: Deadline | None = None if asked is None else asked[3]
    if deadline is None or deadline.isAnswered:
        return None
    return Deadline(clockOf(dispatcher), deadline.left())


def within(dispatcher: Any, seconds: float) -> Deadline | None:
    """
    Make the deadline of a call: in C{seconds}, or that of the call whose responder makes it, if that is sooner.

    @raise TypeError: C{seconds} is not a number.
    @raise ValueError: it is C{nan}.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)):
        raise TypeError(f"the seconds of a deadline have to be a number, not {seconds!r}")
    if seconds != seconds:  # math.isnan refuses large integers
        raise ValueError("the seconds of a deadline cannot be nan")
    outer = inherited(dispatcher)
    if seconds == inf or (outer is not None and outer.left() <= seconds):
        return outer
    return Deadline(clockOf(dispatcher), float(min(seconds, 10**_MOST_DIGITS)))
