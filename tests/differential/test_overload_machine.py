"""
Tests two AMP ends with overload bounds, over a connection with small buffers, and all actions of
applications.

With any bounds and in any order: once both applications release what they hold, every call ends,
each call has arrived once and in order, and no end waits for anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, examples
from twisted_basic_ng import amp
from twisted_basic_ng.amp import _line, _overload

#: How many bytes a transport buffers before it pauses its producer, and how many bytes the network
#: holds.
ENOUGH, NETWORK = 64, 100

SIDES = st.integers(0, 1)
BOUNDS = st.tuples(st.sampled_from([None, 0, 1, 2, 5]), st.sampled_from([None, 0, 30, 100, 400]))


class Act(amp.Command):
    """A call that is answered at once or later, with C{size} bytes."""

    arguments = [(b"n", amp.Integer()), (b"later", amp.Boolean()), (b"size", amp.Integer()), (b"load", amp.String())]
    response = [(b"load", amp.String())]


class Note(amp.Command):
    """A call without an answer."""

    arguments = [(b"n", amp.Integer()), (b"load", amp.String(optional=True))]
    requiresAnswer = False


class Socket(RecordingTransport):
    """
    A transport with a buffer, which handles producers as Twisted's does, and with a network behind
    it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.buffer = b""
        self.network = b""
        self.isPaused = False
        self.other: Any = None

    def write(self, data: bytes) -> None:
        self.buffer += data
        if self.producer is not None and self.streamingProducer and len(self.buffer) > ENOUGH:
            self.isPaused = True
            self.producer.pauseProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        super().registerProducer(producer, streaming)
        if not streaming:
            producer.resumeProducing()

    def send(self, size: int) -> bool:
        """
        Send bytes to the network, as far as it has room.  When the buffer is empty, resume the
        producer.
        """
        size = min(size, NETWORK - len(self.network))
        sent, self.buffer = self.buffer[:size], self.buffer[size:]
        self.network += sent
        if sent and not self.buffer and self.producer is not None and (self.isPaused or not self.streamingProducer):
            self.isPaused = False
            self.producer.resumeProducing()
        return bool(sent)

    def lose(self) -> None:
        """Lose the connection."""
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()
        self.buffer = self.network = b""

    def arrive(self, size: int) -> bool:
        """Deliver bytes, unless the receiving end has paused reading."""
        if not self.other.reading or not self.network:
            return False
        data, self.network = self.network[:size], self.network[size:]
        self.other.protocol.dataReceived(data)
        return True


class Producer:
    """
    A producer that checks whether it is paused and resumed in turns.

    @ivar isStreaming: whether it is a push producer.
    @ivar write: writes something; it is called up to three times.
    @ivar wrong: the calls that came out of turn.
    """

    def __init__(self, isStreaming: bool, write: Callable[[], object]) -> None:
        self.isStreaming = isStreaming
        self.write = write
        self.count = 0
        self.isPaused = False
        self.wrong: list[str] = []

    def pauseProducing(self) -> None:
        if self.isPaused or not self.isStreaming:
            self.wrong.append("pause")
        self.isPaused = True

    def resumeProducing(self) -> None:
        if self.isStreaming and not self.isPaused:
            self.wrong.append("resume")
        self.isPaused = False
        self.count += 1
        if self.count < 4:
            self.write()

    def stopProducing(self) -> None:
        """Do nothing."""


class End(amp.AMP):
    """
    One end of the connection.

    @ivar sent: the numbers of its calls, in order, without those that were cancelled before they
        were sent.
    @ivar taken: the numbers of the other end's calls.
    @ivar held: the calls to answer later.
    @ivar passed: the numbers of the calls that its producer wrote directly to the transport.
    @ivar results: the results of its calls.
    """

    logConnections = False

    def __init__(self, bounds: tuple[int | None, int | None]) -> None:
        super().__init__()
        self.MAX_ASKS_IN_PROGRESS, self.MAX_UNSENT_BYTES = bounds  # type: ignore[misc]
        self.sent: list[int] = []
        self.taken: list[int] = []
        self.passed: set[int] = set()
        self.held: list[tuple[Deferred[Any], int]] = []
        self.results: dict[int, list[Any]] = {}
        self.calls: dict[int, Any] = {}
        self.producer: Any = None

    @Act.responder
    def act(self, n: int, later: bool, size: int, load: bytes) -> Any:
        self.taken.append(n)
        if not later:
            return {"load": b"x" * size}
        answer: Deferred[Any] = Deferred()
        self.held.append((answer, size))
        return answer

    @Note.responder
    def note(self, n: int, load: bytes | None) -> Any:
        self.taken.append(n)
        return {}

    def answer(self, index: int) -> None:
        """Answer a call."""
        answer, size = self.held.pop(index % len(self.held))
        answer.callback({"load": b"x" * size})


class Overloaded(RuleBasedStateMachine):
    """Makes calls, answers, cancellations, pauses, producers and moves of bytes, in any order."""

    isLost = False

    @initialize(bounds=st.tuples(BOUNDS, BOUNDS), anyway=st.sampled_from([0, 0, 3000, 2**20]))
    def begin(self, bounds: Any, anyway: int) -> None:
        self.patches = [patch.object(_overload, "ALWAYS_KEPT", anyway), patch.object(_line, "ALWAYS_KEPT", anyway)]
        for each in self.patches:
            each.start()
        self.ends = [End(each) for each in bounds]
        self.sockets = [Socket(), Socket()]
        self.number = 0
        for index in (0, 1):
            self.sockets[index].other = self.sockets[1 - index]
            self.sockets[index].connect(self.ends[index])

    def nextNumber(self, end: End) -> int:
        self.number += 1
        end.sent.append(self.number)
        return self.number

    @precondition(lambda self: not self.isLost)
    @rule(
        side=SIDES,
        count=st.integers(1, 8),
        later=st.booleans(),
        size=st.sampled_from([0, 50, 300]),
        load=st.sampled_from([0, 50, 300]),
        chain=st.integers(0, 2),
    )
    def call(self, side: int, count: int, later: bool, size: int, load: int, chain: int) -> None:
        """Make calls.  Optionally make another call when one is answered."""
        end = self.ends[side]
        for _ in range(count):
            number = self.nextNumber(end)
            calling: Any = end.callRemote(Act, n=number, later=later, size=size, load=b"x" * load)
            results: list[Any] = []
            end.calls[number], end.results[number] = calling, results

            def done(result: Any, results: list[Any] = results) -> None:
                results.append(result)
                if chain and isinstance(result, dict):
                    self.call(side, 1, later, size, load, chain - 1)

            calling.addBoth(done)

    @precondition(lambda self: not self.isLost)
    @rule(side=SIDES, count=st.integers(1, 8), load=st.sampled_from([0, 50, 300]))
    def notify(self, side: int, count: int, load: int) -> None:
        """Send calls without an answer."""
        for _ in range(count):
            self.ends[side].callRemote(Note, n=self.nextNumber(self.ends[side]), load=b"x" * load)

    @precondition(lambda self: not self.isLost)
    @rule(side=SIDES, index=st.integers(0, 9))
    def answer(self, side: int, index: int) -> None:
        if self.ends[side].held:
            self.ends[side].answer(index)

    @precondition(lambda self: not self.isLost)
    @rule(side=SIDES, index=st.integers(0, 99))
    def cancel(self, side: int, index: int) -> None:
        end = self.ends[side]
        if end.calls:
            number = sorted(end.calls)[index % len(end.calls)]
            overload = end._ampOverload
            tag = end.calls[number]._ampTag
            if overload is not None and tag in overload.line.waiting:
                end.sent.remove(number)
            end.calls.pop(number).cancel()

    @precondition(lambda self: not self.isLost)
    @rule(side=SIDES, stop=st.booleans())
    def pause(self, side: int, stop: bool) -> None:
        if stop:
            self.ends[side].pauseProducing()
        else:
            self.ends[side].resumeProducing()

    def write(self, side: int) -> None:
        """Write directly to the transport, on one side only.  AMP does not count these bytes."""
        if side == 0:
            end = self.ends[0]
            number = b"%d" % self.nextNumber(end)
            end.passed.add(int(number))
            end.transport.write(amp.Box(_command=b"Note", n=number).serialize())

    @precondition(lambda self: not self.isLost)
    @rule(side=SIDES, isStreaming=st.booleans())
    def produce(self, side: int, isStreaming: bool) -> None:
        end = self.ends[side]
        if end.producer is None:
            end.producer = Producer(isStreaming, lambda: self.write(side))
            end.transport.registerProducer(end.producer, isStreaming)
        else:
            assert end._ampOverload is None or end.producer.wrong == []
            end.producer = None
            end.transport.unregisterProducer()

    @precondition(lambda self: not self.isLost)
    @rule(side=SIDES, size=st.integers(1, 200))
    def move(self, side: int, size: int) -> None:
        self.sockets[side].send(size)
        self.sockets[side].arrive(size)

    @invariant()
    def bounded(self) -> None:
        """No end has more asks in progress than its bound."""
        for end in getattr(self, "ends", ()):
            if end.MAX_ASKS_IN_PROGRESS is not None:
                assert len(end.held) <= max(end.MAX_ASKS_IN_PROGRESS, 1)

    @precondition(lambda self: not self.isLost)
    @rule(dice=st.integers(0, 30))
    def lose(self, dice: int) -> None:
        """
        Rarely, lose the connection.  Then every call fails, and the queued boxes are discarded.
        """
        if dice:
            return
        self.isLost = True
        for end, socket in zip(self.ends, self.sockets, strict=True):
            socket.lose()
            end.connectionLost(Failure(ConnectionDone()))
            taken = len(end.taken)
            while end.held:
                end.answer(0)
            assert len(end.taken) == taken
            assert [len(results) for results in end.results.values()] == [1] * len(end.results)

    @precondition(lambda self: self.isLost)
    @rule(side=SIDES)
    def callLost(self, side: int) -> None:
        """A call after the connection is lost fails."""
        results: list[Any] = []
        self.ends[side].callRemote(Act, n=0, later=False, size=0, load=b"").addErrback(results.append)
        assert [each.type for each in results] == [ConnectionDone]

    def teardown(self) -> None:
        """Release everything, and check that every call ends."""
        try:
            if hasattr(self, "ends") and not self.isLost:
                self.goOn()
        finally:
            for each in getattr(self, "patches", ()):
                each.stop()

    def goOn(self) -> None:
        """Answer and deliver everything, then assert that every call has ended."""
        for end in self.ends:
            if end._ampIsPausedByApplication:
                end.resumeProducing()
        moving = True
        while moving:
            moving = False
            for end, socket in zip(self.ends, self.sockets, strict=True):
                moving = socket.send(1000) or moving
                moving = socket.arrive(1000) or moving
                while end.held:
                    end.answer(0)
                    moving = True
        for index, end in enumerate(self.ends):
            assert [len(results) for results in end.results.values()] == [1] * len(end.results)
            taken = self.ends[1 - index].taken
            assert [n for n in taken if n not in end.passed] == [n for n in end.sent if n not in end.passed]
            assert sorted(taken) == end.sent
            assert self.sockets[index].reading
            assert not end._ampIsHeld
            assert not self.sockets[index].disconnecting
            if end._ampOverload is not None:
                assert (len(end._ampOverload.kept), end._ampOverload.keptSize, len(end._ampOverload.line.waiting)) == (
                    0,
                    0,
                    0,
                )
                window = end._ampOverload.line.window
                assert (end._ampOverload.inProgress, window.size, window.underWay) == (0, 0, {})


TestOverloaded = Overloaded.TestCase
TestOverloaded.settings = settings(max_examples=examples(100), stateful_step_count=40)
