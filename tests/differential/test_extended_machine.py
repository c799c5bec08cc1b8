"""
Tests two AMP ends that call each other with deadlines and large values, cancel calls, and leave.

In any order of actions: Each call ends exactly once, at the latest at its deadline.  Its responder
is cancelled if the deadline passes before it has answered or if the call is cancelled, and never
otherwise.  A side that leaves closes the connection after all calls are answered.  Nothing is left
at the end.
"""

from __future__ import annotations

from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, examples
from twisted_basic_ng import amp

SIDES = st.integers(0, 1)


class Act(amp.Command):
    """A call that is answered later.  Its responder may call back first."""

    arguments = [(b"n", amp.Integer()), (b"depth", amp.Integer()), (b"data", amp.String())]
    response = [(b"n", amp.Integer()), (b"data", amp.String())]
    errors = {ZeroDivisionError: b"ZERO"}


class Note(Act):
    """The same call without an answer."""

    response: Any = []
    requiresAnswer = False


class Made:
    """
    A call that was made.

    @ivar until: when its caller stops waiting.
    @ivar results: its results.
    """

    def __init__(self, until: float | None) -> None:
        self.until = until
        self.results: list[Any] = []
        self.deferred: Any = None

    def keep(self, result: Any) -> Any:
        self.results.append(result)
        return result


class Taken:
    """A call that a responder is working on: the Deferred that it waits for, and its deadline."""

    def __init__(self, until: float | None) -> None:
        self.until = until
        self.hasEnded = False
        self.waiting: Deferred[Any] = Deferred()


class End(amp.AMP):
    """One end of the connection."""

    extended = True
    logConnections = False
    machine: Machine

    def unhandledError(self, failure: Any) -> None:
        """Accept only errors of responders to calls without an answer."""
        assert failure.check(amp.RemoteAmpError, ZeroDivisionError, CancelledError), failure
        assert getattr(failure.value, "errorCode", b"ZERO") == b"ZERO"

    @Act.responder
    @Note.responder
    async def act(self, n: int, depth: int, data: bytes) -> Any:
        call = amp.currentCall()
        assert call is not None
        assert call.protocol is self
        machine = self.machine
        taken = Taken(None if call.deadline is None else machine.clock.seconds() + call.deadline)
        machine.taken.append(taken)
        assert not n or (taken.until is None) == (machine.made[n - 1].until is None)
        try:
            if depth:
                await machine.call(self, None, depth - 1, call.deadline)
            await taken.waiting
        except CancelledError:
            isLate = taken.until is not None and taken.until <= machine.clock.seconds()
            isOver = n > 0 and bool(machine.made[n - 1].results)
            if not (isLate or isOver) or not call.isCancelled or amp.currentCall() != call:
                machine.wrong.append((n, isLate, isOver, call.isCancelled))
            raise
        finally:
            taken.hasEnded = True
            taken.waiting.addErrback(lambda failure: None)  # the responder may not await it any more
        assert amp.currentCall() == call
        return {"n": n, "data": data}


class Machine(RuleBasedStateMachine):
    """Two ends and their clock."""

    @initialize(most=st.sampled_from([None, 1, 3]))
    def connect(self, most: int | None) -> None:
        self.clock = Clock()
        self.made: list[Made] = []
        self.own: list[Made] = []
        self.taken: list[Taken] = []
        self.wrong: list[Any] = []
        self.leaving: list[Any] = []
        self.ends = [End(), End()]
        self.transports = [RecordingTransport(), RecordingTransport()]
        self.sent = [0, 0]
        self.isLost = False
        for end, transport in zip(self.ends, self.transports, strict=True):
            end.machine, end._ampClock, end.MAX_ASKS_IN_PROGRESS = self, self.clock, most
            end.makeConnection(transport)

    def call(
        self, end: End, seconds: float | None, depth: int, outer: float | None = None, size: int = 0
    ) -> Deferred[Any]:
        """Make a call, and keep its result."""
        left = min((each for each in (seconds, outer) if each is not None), default=None)
        made = Made(None if left is None else self.clock.seconds() + left)
        self.made.append(made)
        n = len(self.made)
        if seconds is None:
            made.deferred = end.callRemote(Act, n=n, depth=depth, data=b"x" * size)
        else:
            made.deferred = end.callRemoteWithin(seconds, Act, n=n, depth=depth, data=b"x" * size)
        made.deferred.addBoth(made.keep)
        return made.deferred  # type: ignore[no-any-return]

    @rule(
        side=SIDES,
        seconds=st.sampled_from([None, 0, 0.5, 1, 3]),
        depth=st.integers(0, 2),
        size=st.sampled_from([0, 0, 70_000]),
    )
    def ask(self, side: int, seconds: float | None, depth: int, size: int) -> None:
        self.call(self.ends[side], seconds, depth, None, size).addErrback(lambda failure: None)
        self.own.append(self.made[-1])

    @rule(side=SIDES, seconds=st.sampled_from([0, 1, 3]))
    def note(self, side: int, seconds: float) -> None:
        self.ends[side].callRemoteWithin(seconds, Note, n=0, depth=0, data=b"")

    @precondition(lambda self: not self.isLost)
    @rule(side=SIDES, size=st.sampled_from([1, 7, 100, 60_000]))
    def carry(self, side: int, size: int) -> None:
        """Deliver some bytes to the other end, unless that is paused."""
        other = self.ends[1 - side]
        if self.transports[1 - side].reading:
            data = self.transports[side].written[self.sent[side] :][:size]
            self.sent[side] += len(data)
            if data:
                other.dataReceived(data)

    @precondition(lambda self: not self.isLost)
    @rule()
    def carryAll(self) -> None:
        """Deliver all bytes in both directions, until there are no more."""
        for _ in range(4):
            for side in (0, 1, 0, 1):
                self.carry(side, 10**6)
            self.clock.advance(0)
        if any(each.disconnecting for each in self.transports):
            for side in (0, 1):
                self.carry(side, 10**7)
            assert all(made.results for made in self.made), "a connection was left with calls under way"
            self.lose()

    @rule(seconds=st.sampled_from([0.25, 1, 2]))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @rule(data=st.data(), fails=st.booleans())
    def respond(self, data: Any, fails: bool) -> None:
        waiting = [each for each in self.taken if not each.waiting.called]
        if waiting:
            deferred = data.draw(st.sampled_from(waiting)).waiting
            if fails:
                deferred.errback(ZeroDivisionError())
            else:
                deferred.callback(None)

    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        waiting = [each for each in self.own if not each.results]
        if waiting:
            data.draw(st.sampled_from(waiting)).deferred.cancel()

    @precondition(lambda self: not self.isLost)
    @rule(side=SIDES, isCarried=st.booleans())
    def leave(self, side: int, isCarried: bool) -> None:
        self.leaving.append([])
        self.ends[side].leave().addBoth(self.leaving[-1].append)
        if isCarried:
            self.carryAll()

    @precondition(lambda self: not self.isLost)
    @rule()
    def lose(self) -> None:
        self.isLost = True
        for end in self.ends:
            end.connectionLost(Failure(ConnectionDone()))

    @invariant()
    def once(self) -> None:
        """
        Each call, and its responder, has ended at most once and by its deadline.  No connection is
        closed without a reason.
        """
        now = self.clock.seconds()
        assert not self.wrong
        assert self.isLost or self.leaving or not any(each.disconnecting for each in self.transports)
        assert all(len(each) <= 1 for each in self.leaving)
        for made in self.made:
            assert len(made.results) <= 1
            assert made.results or made.until is None or made.until > now
            for each in made.results:
                if isinstance(each, Failure) and each.check(amp.DeadlineError):
                    assert made.until is not None
                    assert made.until <= now
                assert not isinstance(each, Failure) or not each.check(amp.UnknownRemoteError)
        for taken in self.taken:
            if taken.until is not None and not self.isLost and taken.until <= now:
                assert taken.hasEnded

    def teardown(self) -> None:
        if not hasattr(self, "ends"):
            return
        if not self.isLost:
            self.lose()
        self.clock.advance(0)
        assert all(len(each) == 1 for each in self.leaving)
        assert all(len(made.results) == 1 for made in self.made)
        assert self.clock.getDelayedCalls() == []
        for end in self.ends:
            assert not end._ampResponding
            assert not end._outstandingRequests


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=examples(300), stateful_step_count=30, deadline=None)
