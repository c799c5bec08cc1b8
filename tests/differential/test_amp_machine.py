"""
Two AMP peers under any sequence of events, against a model that knows no AMP.

The two are joined by a pump that cuts what they write anywhere.  Calls are made in both directions, answered at
once or later, fail, are cancelled; TLS starts, the two change over to another protocol, the connection is lost.  The
model holds what each call has to come to.  Every call comes to exactly one thing, at the latest when the connection is
gone; every responder runs exactly once and in order; nothing is left behind.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost, PeerVerifyError
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp


class Act(amp.Command):
    """Have the other side do something: C{n} modulo 4 says what."""

    arguments = [(b"n", amp.Integer())]
    response = [(b"n", amp.Integer())]
    errors = {ValueError: b"VALUE"}


class Quiet(amp.OneWayCommand):
    """Have it noted."""

    arguments = [(b"n", amp.Integer())]


class Switch(amp.ProtocolSwitchCommand):
    """Change over."""


class Inner(Protocol):
    """What is changed over to."""

    def __init__(self) -> None:
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data


class InnerFactory(ClientFactory):
    """Makes one."""

    noisy = False

    def __init__(self) -> None:
        self.inner = Inner()

    def buildProtocol(self, addr: object) -> Inner:
        return self.inner


class Credentials:
    """Makes what C{startTLS} takes, of nothing."""

    def options(self, *authorities: Any) -> None:
        return None


class Peer(amp.AMP):
    """Responds, and keeps what it was asked."""

    logConnections = False

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[int] = []
        self.waiting: list[tuple[int, Deferred[Any]]] = []
        self.inner: Inner | None = None

    @Act.responder
    def act(self, n: int) -> Any:
        self.asked.append(n)
        if n % 4 == 1:
            raise ValueError(str(n))
        if n % 4 == 2:
            waiting: Deferred[Any] = Deferred()
            self.waiting.append((n, waiting))
            return waiting
        return {"n": n}

    @Quiet.responder
    def quiet(self, n: int) -> Any:
        self.asked.append(n)
        return {}

    @amp.StartTLS.responder
    def secure(self) -> Any:
        return {"tls_localCertificate": Credentials()}

    @Switch.responder
    def switch(self) -> Any:
        self.inner = Inner()
        return self.inner


class Link(RecordingTransport):
    """One end's transport: what is written waits, and no chunk reaches over the beginning of TLS."""

    def __init__(self) -> None:
        super().__init__()
        self.outgoing: deque[bytes] = deque([b""])

    def write(self, data: bytes) -> None:
        if not self.disconnecting:
            self.outgoing[-1] += data

    def startTLS(self, contextFactory: object = None, normal: bool = True) -> None:
        self.TLS = True
        self.outgoing.append(b"")  # a record of its own

    def take(self, size: int) -> bytes:
        while len(self.outgoing) > 1 and not self.outgoing[0]:
            self.outgoing.popleft()
        data, self.outgoing[0] = self.outgoing[0][:size], self.outgoing[0][size:]
        return data


class Conversation(RuleBasedStateMachine):
    """Any sequence of events."""

    def __init__(self) -> None:
        super().__init__()
        self.peers = Peer(), Peer()
        self.links = Link(), Link()
        for peer, link in zip(self.peers, self.links, strict=True):
            link.connect(peer)
        self.count = 0
        self.outcomes: dict[int, list[Any]] = {}
        self.calls: dict[int, Deferred[Any]] = {}
        self.cancelled: set[int] = set()
        self.made: tuple[list[int], list[int]] = ([], [])
        self.secured = self.switched = self.lost = False

    def note(self, number: int, result: Deferred[Any]) -> None:
        """Keep what a call comes to."""
        self.calls[number] = result
        outcomes: list[Any] = []
        self.outcomes[number] = outcomes
        result.addCallbacks(outcomes.append, lambda failure: outcomes.append(failure.value))

    @precondition(lambda self: not self.switched and not self.lost)
    @rule(side=st.integers(0, 1), kind=st.integers(0, 3))
    def call(self, side: int, kind: int) -> None:
        """Make a call; kind 3 wants no answer."""
        number = 4 * self.count + kind
        self.count += 1
        self.made[side].append(number)
        if kind == 3:
            self.peers[side].callRemote(Quiet, n=number)
        else:
            self.note(number, self.peers[side].callRemote(Act, n=number))

    @precondition(lambda self: not self.lost)
    @rule(side=st.integers(0, 1), size=st.integers(1, 200))
    def pump(self, side: int, size: int) -> None:
        """Move some bytes."""
        data = self.links[side].take(size)
        if data:
            self.peers[1 - side].dataReceived(data)

    @precondition(lambda self: not self.lost)
    @rule(side=st.integers(0, 1), data=st.data())
    def answer(self, side: int, data: Any) -> None:
        """Answer a call that waits, whichever."""
        waiting = self.peers[side].waiting
        if waiting:
            number, each = waiting.pop(data.draw(st.integers(0, len(waiting) - 1)))
            each.callback({"n": number})

    @rule(data=st.data())
    def cancel(self, data: Any) -> None:
        """Cancel a call, answered or not."""
        if self.calls:
            number = data.draw(st.sampled_from(sorted(self.calls)))
            if not self.outcomes[number]:
                self.cancelled.add(number)
            self.calls[number].cancel()

    @precondition(lambda self: not self.secured and not self.switched and not self.lost)
    @rule(side=st.integers(0, 1))
    def startTLS(self, side: int) -> None:
        """Start TLS, once."""
        self.secured = True
        self.peers[side].callRemote(amp.StartTLS, tls_localCertificate=Credentials()).addErrback(lambda failure: None)

    @precondition(lambda self: not self.switched and not self.lost)
    @rule(side=st.integers(0, 1))
    def switch(self, side: int) -> None:
        """Change over; no call is made from then on."""
        self.switched = True
        self.peers[side].callRemote(Switch, InnerFactory()).addErrback(lambda failure: None)

    @precondition(lambda self: not self.lost)
    @rule(reason=st.sampled_from([ConnectionDone, ConnectionLost]))
    def lose(self, reason: type[Exception]) -> None:
        """Lose the connection."""
        self.lost = True
        for peer in self.peers:
            peer.connectionLost(Failure(reason()))

    @invariant()
    def once(self) -> None:
        """A call comes to one thing at the most, and to the right one."""
        for number, outcomes in self.outcomes.items():
            assert len(outcomes) <= 1
            for outcome in outcomes:
                if number in self.cancelled:
                    assert isinstance(outcome, CancelledError)
                elif isinstance(outcome, (ConnectionDone, ConnectionLost)):
                    assert self.lost
                elif isinstance(outcome, PeerVerifyError):
                    assert self.lost
                    assert self.secured
                elif number % 4 == 1:
                    assert isinstance(outcome, ValueError)
                    assert str(outcome) == str(number)
                else:
                    assert outcome == {"n": number}

    @invariant()
    def inOrder(self) -> None:
        """What was asked is the beginning of what was called, each once."""
        for side in (0, 1):
            asked = self.peers[1 - side].asked
            assert asked == self.made[side][: len(asked)]

    @invariant()
    def open(self) -> None:
        """Nothing closes the connection but its loss."""
        assert self.lost or not any(link.disconnecting or link.aborted for link in self.links)

    def teardown(self) -> None:
        """Let the two finish, if they are still connected; then lose the connection."""
        if not self.lost:
            moved = True
            while moved:
                moved = False
                for side in (0, 1):
                    while data := self.links[side].take(1000):
                        moved = True
                        self.peers[1 - side].dataReceived(data)
            if not self.switched:
                self.finished()
            self.lose(ConnectionDone)
        self.once()
        self.inOrder()
        assert all(len(outcomes) == 1 for outcomes in self.outcomes.values())

    def finished(self) -> None:
        """All that was called was asked, and all that need not wait is answered; nothing is kept of the rest."""
        waiting = {number for peer in self.peers for number, _ in peer.waiting}
        for side in (0, 1):
            assert self.peers[1 - side].asked == self.made[side]
        unanswered = {number for number, outcomes in self.outcomes.items() if not outcomes}
        assert unanswered == waiting - self.cancelled
        outstanding = [len(peer._outstandingRequests or ()) + len(peer._cancelledRequests) for peer in self.peers]
        assert sum(outstanding) == len(waiting)
        assert [peer.recvd for peer in self.peers] == [b"", b""]


Conversation.TestCase.settings = settings(max_examples=settings().max_examples, stateful_step_count=60)
ConversationTests = Conversation.TestCase
