"""
Tests two ends that send each other streams, with everything that may happen to a stream.

In any order of actions: A reader gets what the source provided, in order.  Each stream ends exactly
once on both sides.  No side buffers more than its window.  When everything is read, nothing waits.
Nothing is left at the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from twisted.python.failure import Failure

from tests.amp.streamends import StreamEnd, connectStreams, stepped
from tests.helpers import examples
from twisted_basic_ng.amp._streampipes import StreamPipe, StreamSender

SIDES = st.integers(0, 1)


def pattern(number: int, size: int) -> bytes:
    """Return bytes in which a gap differs from a repetition."""
    return (b"%d," % number * (size // 2 + 1))[:size]


@implementer(IConsumer)
class Consumer:
    """Collects the bytes, and pauses after each piece if told so."""

    def __init__(self, reading: Reading, pausing: bool) -> None:
        self.reading = reading
        self.producer: Any = None
        self.pausing = pausing

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        assert self.producer is not None
        self.producer = None

    def write(self, data: bytes) -> None:
        self.reading.data += data
        if self.pausing:
            self.producer.pauseProducing()


class Given:
    """
    A stream that is sent.

    @ivar data: the bytes that its source has provided so far.
    @ivar ends: how its sender was told that it ended.
    """

    def __init__(self) -> None:
        self.data = b""
        self.ends: list[Failure | None] = []
        self.pipe: Any = None
        self.hasEnded = False
        self.error: Exception | None = None
        self.closed = 0

    def watch(self, sender: Any) -> None:
        sender.whenFinished().addBoth(self.ends.append)

    def generate(self, sizes: list[int]) -> Iterator[bytes]:
        try:
            for number, size in enumerate(sizes):
                data = pattern(number, size)
                self.data += data
                yield data
        finally:
            self.closed += 1
        if self.error is not None:
            raise self.error

    async def generateLater(self, sizes: list[int], waiting: list[Deferred[None]]) -> Any:
        try:
            for number, size in enumerate(sizes):
                waits: Deferred[None] = Deferred()
                waiting.append(waits)
                await waits
                data = pattern(number, size)
                self.data += data
                yield data
        finally:
            self.closed += 1
        if self.error is not None:
            raise self.error


class Reading:
    """
    A stream that is received.

    @ivar data: the bytes that were read.
    @ivar ends: how its reader was told that it ended.
    """

    def __init__(self, given: Given, reader: Any) -> None:
        self.given = given
        self.reader = reader
        self.data = b""
        self.ends: list[Any] = []
        self.step: Deferred[Any] | None = None
        self.consumer: Any = None
        self.isDropped = False

    def stepped(self, result: Any) -> None:
        self.step = None
        if not isinstance(result, Failure):
            self.data += result
        elif result.check(StopAsyncIteration):
            self.ends.append(None)
        else:
            self.ends.append(result)

    def collected(self, result: Any) -> None:
        if isinstance(result, Failure):
            self.ends.append(result)
        else:
            self.data += result
            self.ends.append(None)


class Machine(RuleBasedStateMachine):
    """Two connected ends."""

    @initialize(size=st.sampled_from([None, 1000, 100_000]), window=st.sampled_from([20_000, 2**18]))
    def connect(self, size: int | None, window: int) -> None:
        client, server, self.connection = connectStreams(size)
        self.ends: list[StreamEnd] = [client, server]
        self.given: list[list[Given]] = [[], []]
        self.readings: list[list[Reading]] = [[], []]
        self.waiting: list[Deferred[None]] = []
        self.isLost = False
        for end in self.ends:
            end.STREAM_WINDOW = window
            end.MAX_STREAMS = 5
            end.MAX_STREAM_BYTES = 5 * 2**14 + window

    @precondition(lambda self: not self.isLost)
    @rule(
        side=SIDES,
        kind=st.sampled_from(["bytes", "generator", "later", "pipe"]),
        sizes=st.lists(st.sampled_from([1, 100, 16384, 50_000]), max_size=4),
        fails=st.booleans(),
    )
    def send(self, side: int, kind: str, sizes: list[int], fails: bool) -> None:
        given = Given()
        given.error = ZeroDivisionError("declared") if fails else None
        value: Any
        if kind == "bytes":
            value = given.data = b"".join(pattern(index, size) for index, size in enumerate(sizes))
            given.error = None
        elif kind == "generator":
            value = given.generate(sizes)
        elif kind == "later":
            value = given.generateLater(sizes, self.waiting)
        else:
            value = given.pipe = StreamPipe()
        if kind != "pipe":
            value = StreamSender(value)
        given.watch(value)
        self.given[side].append(given)
        self.ends[side].give(value, errors={ZeroDivisionError: b"ZERO"})

    @rule(data=st.data(), size=st.sampled_from([0, 10, 40_000]))
    def write(self, data: Any, size: int) -> None:
        pipes = [each for side in self.given for each in side if each.pipe is not None and not each.hasEnded]
        if pipes:
            given = data.draw(st.sampled_from(pipes))
            if given.pipe._ampSource.writer is not None:
                given.data += pattern(len(given.data), size)
            given.pipe.write(pattern(len(given.data) - size, size))

    @rule(data=st.data())
    def end(self, data: Any) -> None:
        pipes = [each for side in self.given for each in side if each.pipe is not None and not each.hasEnded]
        if pipes:
            given = data.draw(st.sampled_from(pipes))
            given.hasEnded = True
            if given.error is None:
                given.pipe.end()
            else:
                given.pipe.fail(given.error)

    @rule(data=st.data())
    def goOn(self, data: Any) -> None:
        """Let an asynchronous generator continue."""
        if self.waiting:
            waiting = self.waiting.pop(data.draw(st.integers(0, len(self.waiting) - 1)))
            if not waiting.called:
                waiting.callback(None)

    def _take(self, side: int) -> None:
        """Make readers for the streams that have arrived."""
        end, known = self.ends[side], self.readings[side]
        while len(known) < len(end.arrived):
            reading = Reading(self.given[1 - side][len(known)], end.reader(len(known)))
            reading.reader._ampInbox.errors = {b"ZERO": ZeroDivisionError}
            known.append(reading)

    def _open(self, side: int) -> list[Reading]:
        self._take(side)
        return [each for each in self.readings[side] if not each.ends and not each.isDropped]

    @rule(data=st.data(), side=SIDES)
    def read(self, data: Any, side: int) -> None:
        idle = [each for each in self._open(side) if each.step is None and each.consumer is None]
        if idle:
            reading = data.draw(st.sampled_from(idle))
            step = reading.step = stepped(reading.reader)
            step.addBoth(reading.stepped)

    @rule(data=st.data(), side=SIDES, kind=st.sampled_from(["collect", "deliver", "pause"]))
    def readAll(self, data: Any, side: int, kind: str) -> None:
        idle = [each for each in self._open(side) if each.step is None and each.consumer is None]
        if not idle:
            return
        reading = data.draw(st.sampled_from(idle))
        if kind == "collect":
            reading.consumer = kind
            reading.reader.collect(2**30).addBoth(reading.collected)
        else:
            reading.consumer = Consumer(reading, kind == "pause")
            reading.reader.deliverTo(reading.consumer).addBoth(reading.ends.append)

    @rule(data=st.data(), side=SIDES)
    def resume(self, data: Any, side: int) -> None:
        paused = [each for each in self._open(side) if isinstance(each.consumer, Consumer)]
        if paused:
            data.draw(st.sampled_from(paused)).consumer.producer.resumeProducing()

    @rule(data=st.data(), side=SIDES)
    def stop(self, data: Any, side: int) -> None:
        readings = self._open(side)
        if readings:
            reading = data.draw(st.sampled_from(readings))
            wasIdle = reading.step is None and reading.consumer is None
            reading.reader.stop(b"ENOUGH", "no more")
            if wasIdle:
                reading.isDropped = True
            elif isinstance(reading.consumer, Consumer) and not reading.ends:
                reading.consumer.producer.resumeProducing()

    @rule(data=st.data(), side=SIDES)
    def drop(self, data: Any, side: int) -> None:
        idle = [each for each in self._open(side) if each.step is None and each.consumer is None]
        if idle:
            reading = data.draw(st.sampled_from(idle))
            reading.reader = None
            reading.isDropped = True
            self.ends[side].arrived[self.readings[side].index(reading)] = None  # type: ignore[call-overload]

    @precondition(lambda self: not self.isLost)
    @rule(times=st.integers(1, 20))
    def carry(self, times: int) -> None:
        for _ in range(times):
            self.connection.pump()

    @precondition(lambda self: not self.isLost)
    @rule()
    def carryAll(self) -> None:
        self.connection.flush()

    @precondition(lambda self: not self.isLost)
    @rule(rarely=st.integers(0, 9))
    def endAll(self, rarely: int) -> None:
        """Rarely, end all streams of one side, as before a protocol change."""
        if rarely == 7:
            self.ends[0].table.endAll("a change")

    @precondition(lambda self: not self.isLost)
    @rule(rarely=st.integers(0, 19))
    def lose(self, rarely: int) -> None:
        if rarely == 7:
            self.isLost = True
            self.connection.drop()

    @invariant()
    def inOrder(self) -> None:
        """
        The bytes read are a prefix of the bytes sent, and each stream ends at most once and in the
        right way.
        """
        if not hasattr(self, "ends"):
            return
        for end in self.ends:
            assert end.refusals == []
            size = sum(each.size for each in end.table.unread)
            assert size + sum(each.credit for each in end.table.unread) <= end.MAX_STREAM_BYTES
        for side in (0, 1):
            for given in self.given[side]:
                assert len(given.ends) <= 1
                assert given.closed <= 1
            for reading in self.readings[side]:
                given = reading.given
                assert given.data.startswith(reading.data)
                assert len(reading.ends) <= 1
                if reading.ends == [None]:
                    assert reading.data == given.data
                    assert given.ends == [None]
                    assert given.error is None or given.pipe is not None
                elif reading.ends and reading.ends[0].check(ZeroDivisionError):
                    assert reading.data == given.data or reading.consumer == "collect"
                    assert given.ends[0] is not None

    def teardown(self) -> None:
        if not hasattr(self, "ends"):
            return
        if not self.isLost:
            self._finish()
        self.connection.drop()
        for waiting in self.waiting:
            if not waiting.called:
                waiting.callback(None)
        for side in (0, 1):
            end = self.ends[side]
            for given in self.given[side]:
                assert len(given.ends) == 1
            for reading in self._open(side):
                if reading.step is None and reading.consumer is None:
                    reading.reader.collect(2**30).addBoth(reading.collected)
                elif isinstance(reading.consumer, Consumer):
                    reading.consumer.pausing = False
                    reading.consumer.producer.resumeProducing()
                assert len(reading.ends) == 1
            table = end.table
            kept = (table.writers, table.inboxes, table.unread, table.announced, table.stopped, table._ready)
            assert not any(kept)

    def _finish(self) -> None:
        """End every source and read everything.  Then nothing waits."""
        for side in (0, 1):
            for given in self.given[side]:
                if given.pipe is not None and not given.hasEnded:
                    given.pipe.end()
        for _ in range(20):
            self.connection.flush()
            for waiting in [*self.waiting]:
                self.waiting.remove(waiting)
                if not waiting.called:
                    waiting.callback(None)
            for side in (0, 1):
                for reading in self._open(side):
                    if isinstance(reading.consumer, Consumer):
                        reading.consumer.pausing = False
                        reading.consumer.producer.resumeProducing()
                    elif reading.step is None and reading.consumer is None:
                        reading.consumer = "collect"
                        reading.reader.collect(2**30).addBoth(reading.collected)
        self.connection.flush()
        for side in (0, 1):
            assert all(len(each.ends) == 1 for each in self.given[side])
            assert all(each.isDropped or len(each.ends) == 1 for each in self.readings[side])
            table = self.ends[side].table
            assert not any((table.writers, table.inboxes, table.unread, table.stopped, table.lent))


TestStreams = Machine.TestCase
TestStreams.settings = settings(max_examples=examples(300), stateful_step_count=40, deadline=None)
