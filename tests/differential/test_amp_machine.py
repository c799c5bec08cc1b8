"""
Tests two of our AMP ends over a connection that delivers in random pieces, against a model of the
conversation.

The model knows nothing of bytes, boxes or tags.  It checks two promises.  Each call that one end
sends arrives at the other end exactly once and in order, except that the last ones may be lost with
the connection.  The Deferred of each call fires exactly once, with the responder's answer or with
an error that has a cause.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionClosed, PeerVerifyError
from twisted.python.failure import Failure

from tests.helpers import examples
from twisted_basic_ng import amp

from .amp_calls import KnownError, Switched, SwitchedFactory, UndeclaredError
from .amp_driver import quiet
from .amp_pipe import NotTLSError, Pipe

#: How a call may be answered.  The last one ends the connection.
ANSWERS = [*["value"] * 6, *["known"] * 3, "undeclared"]

#: Steps that may end the connection do so only once in eight times, so that a conversation lasts.
RARELY = st.integers(0, 7).map(lambda number: number == 7)


class Act(amp.Command):
    """A call whose answer the test chooses later."""

    arguments = response = [(b"n", amp.Integer())]
    errors = {KnownError: b"KNOWN"}


class Note(amp.Command):
    """A call without an answer."""

    arguments = [(b"n", amp.Integer())]
    requiresAnswer = False


class Swap(amp.ProtocolSwitchCommand):
    """Switch the protocol, or refuse to."""

    arguments = [(b"willing", amp.Boolean())]
    errors = {KnownError: b"KNOWN"}


class Credentials:
    """Credentials for C{startTLS}.  The transport ignores them."""

    def options(self, *authorities: Any) -> Any:
        return authorities


@dataclass
class Call:
    """
    The model of a call.

    @ivar answered: how its responder was told to answer, if it was.
    @ivar results: the results that its Deferred fired with.
    """

    deferred: Deferred[Any]
    answered: Any = None
    cancelled: bool = False
    results: list[Any] = field(default_factory=list)


class End(amp.AMP):
    """
    One end of the connection.

    @ivar taken: the numbers of the calls that arrived, in order.
    @ivar sent: the numbers of the calls that it sent.
    @ivar calls: the sent calls that expect an answer.
    @ivar held: the calls of the other end that wait for an answer.
    """

    logConnections = False
    noPeerCertificate = True  # the transport has no certificate

    def __init__(self, willing: bool) -> None:
        super().__init__()
        self.willing = willing
        self.taken: list[int] = []
        self.sent: list[int] = []
        self.calls: dict[int, Call] = {}
        self.held: dict[int, Deferred[Any]] = {}
        self.asked: list[Call] = []
        self.inner: Any = None
        self.reasons: list[Any] = []
        self.depth = 0

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.reasons.append(reason.value)
        super().connectionLost(reason)

    @Act.responder
    def act(self, n: int) -> Any:
        self.taken.append(n)
        self.held[n] = Deferred()
        return self.held[n]

    @Note.responder
    def note(self, n: int) -> Any:
        self.taken.append(n)
        return {}

    @amp.StartTLS.responder
    def secure(self) -> Any:
        if not self.willing:
            raise amp.RemoteAmpError(b"TLS_ERROR", "not willing")
        return {"tls_localCertificate": Credentials()}

    @Swap.responder
    def swap(self, willing: bool) -> Any:
        if not willing:
            raise KnownError("not willing")
        self.inner = Switched(b"greeting")
        return self.inner


class Conversation(RuleBasedStateMachine):
    """
    Makes calls, answers, cancellations, TLS, protocol switches and connection losses, in any order.
    """

    @initialize(willing=st.tuples(st.booleans(), st.booleans()))
    def begin(self, willing: tuple[bool, bool]) -> None:
        self.ends = [End(each) for each in willing]
        self.pipe = Pipe(*self.ends)
        self.transports = [self.pipe.client, self.pipe.server]
        self.number = 0
        #: Reasons why an answer may never arrive.
        self.ended = self.swapping = self.securing = False
        #: What the end of the conversation depends on.
        self.changing = self.refusing = False
        self.factories: list[SwitchedFactory] = []
        self.changes: list[Call] = []

    def isOpen(self, side: int) -> bool:
        return not self.transports[side].lost

    def keep(self, side: int, answering: Any) -> Call:
        call = Call(answering)
        answering.addBoth(call.results.append)
        self.ends[side].asked.append(call)
        return call

    # The actions of applications.

    @rule(side=st.integers(0, 1), wants=st.booleans())
    def call(self, side: int, wants: bool) -> None:
        end = self.ends[side]
        self.number += 1
        try:
            answering: Any = end.callRemote(Act if wants else Note, n=self.number)
        except amp.ProtocolSwitched:
            assert self.swapping
            return
        except ConnectionClosed:
            assert self.ended
            return
        if self.isOpen(side):
            end.sent.append(self.number)
        if wants:
            end.calls[self.number] = self.keep(side, answering)

    @rule(
        side=st.integers(0, 1), index=st.integers(0, 99), how=st.sampled_from(["value", "value", "known", "undeclared"])
    )
    def answer(self, side: int, index: int, how: str) -> None:
        held = self.ends[side].held
        if not held:
            return
        number = sorted(held)[index % len(held)]
        self.ends[1 - side].calls[number].answered = how
        if how == "undeclared":
            self.ended = True
        with quiet():
            if how == "value":
                held.pop(number).callback({"n": number + 1000})
            else:
                held.pop(number).errback(KnownError("known") if how == "known" else UndeclaredError())

    @rule(side=st.integers(0, 1), index=st.integers(0, 99))
    def cancel(self, side: int, index: int) -> None:
        calls = list(self.ends[side].calls.values())
        if calls:
            call = calls[index % len(calls)]
            call.cancelled = call.cancelled or not call.results
            call.deferred.cancel()

    def isSecuring(self) -> bool:
        """
        Whether a request for TLS is in progress.

        The two ends cannot agree if one asks for TLS while the other asks for a protocol switch.
        """
        return self.securing and not all(transport.TLS for transport in self.transports)

    @precondition(lambda self: not self.swapping and not self.isSecuring())
    @rule(side=st.integers(0, 1))
    def startTLS(self, side: int) -> None:
        try:
            answering = self.ends[side].callRemote(amp.StartTLS, tls_localCertificate=Credentials())
        except (amp.OnlyOneTLS, amp.ProtocolSwitched, ConnectionClosed):
            return
        self.securing = True
        if not self.ends[1 - side].willing:
            self.ended = self.refusing = True
        self.keep(side, answering)

    def isChanging(self) -> bool:
        """
        Whether an end waits for the answer to a protocol switch.  It sends nothing until then.
        """
        return any(not each.results for each in self.changes)

    @rule(side=st.integers(0, 1), willing=st.booleans())
    def changeOver(self, side: int, willing: bool) -> None:
        factory = SwitchedFactory(b"greeting")
        if self.isSecuring() or self.isChanging():
            return
        try:
            answering = self.ends[side].callRemote(Swap, factory, willing=willing)
        except (amp.ProtocolSwitched, ConnectionClosed):
            return
        if self.isOpen(side):
            self.factories.append(factory)
        self.swapping = True
        self.changing = self.changing or willing
        self.changes.append(self.keep(side, answering))

    # The actions of the network.

    @rule(side=st.integers(0, 1), size=st.one_of(st.none(), st.integers(1, 40)))
    def move(self, side: int, size: int | None) -> None:
        with quiet():
            self.pipe.send(self.transports[side], size)

    @rule(really=RARELY)
    def flush(self, really: bool) -> None:
        if really:
            with quiet():
                self.pipe.flush()

    @rule(side=st.integers(0, 1), really=RARELY)
    def close(self, side: int, really: bool) -> None:
        if really and self.isOpen(side):
            self.ended = True
            self.transports[side].loseConnection()

    @rule(side=st.integers(0, 1), really=RARELY)
    def lose(self, side: int, really: bool) -> None:
        if really:
            self.ended = True
            with quiet():
                self.pipe.loseEnd(self.transports[side])

    # The promises.

    @invariant()
    def exactlyOnceAndInOrder(self) -> None:
        for end, other in (self.ends, self.ends[::-1]):
            assert end.taken == other.sent[: len(end.taken)]

    @invariant()
    def firesOnceAndRightly(self) -> None:
        for end in self.ends:
            for number, call in end.calls.items():
                assert len(call.results) <= 1
                for result in call.results:
                    self.isRight(number, call, result)

    def isRight(self, number: int, call: Call, result: Any) -> None:
        """Assert that C{result} is a possible result of the call."""
        if not isinstance(result, Failure):
            assert (call.answered, result) == ("value", {"n": number + 1000})
        elif result.check(KnownError):
            assert call.answered == "known"
        elif result.check(amp.UnknownRemoteError):
            assert call.answered == "undeclared"
        elif result.check(CancelledError):
            assert call.cancelled
        else:
            assert result.check(ConnectionClosed, PeerVerifyError), result
            assert self.ended or self.swapping

    @invariant()
    def onlyTLSAfterTLS(self) -> None:
        for end in self.ends:
            assert not any(isinstance(reason, NotTLSError) for reason in end.reasons)

    def teardown(self) -> None:
        if not hasattr(self, "ends"):
            return
        with quiet():
            self.pipe.flush()
            self.answerAll()
            if self.refusing:  # a connection whose peer refused TLS is closed
                assert any(transport.lost for transport in self.transports)
            if not (self.ended or self.changing):
                self.usable()
            if not (self.ended or self.swapping):
                self.everythingAnswered()
            self.pipe.drop()
        self.exactlyOnceAndInOrder()
        self.firesOnceAndRightly()
        for end in self.ends:
            assert [len(call.results) for call in end.asked] == [1] * len(end.asked)
            assert len(end.reasons) == 1
            assert not end._outstandingRequests
        for factory in self.factories:
            assert len(factory.told) == 1

    def answerAll(self) -> None:
        for side in (0, 1):
            while self.ends[side].held:
                self.answer(side, 0, "value")
        self.pipe.flush()

    def usable(self) -> None:
        """Assert that a call succeeds, since nothing prevents it."""
        for side in (0, 1):
            self.call(side, True)
            self.pipe.flush()
            self.answerAll()
            assert self.ends[side].asked[-1].results == [{"n": self.number + 1000}]

    def everythingAnswered(self) -> None:
        """Assert that every call was answered, and that nothing is kept for any of them."""
        for end, other in (self.ends, self.ends[::-1]):
            assert end.taken == other.sent
            assert not end._outstandingRequests
            assert not end._ampCancelledRequests


TestConversation = Conversation.TestCase
TestConversation.settings = settings(max_examples=examples(400), stateful_step_count=50, deadline=None)
