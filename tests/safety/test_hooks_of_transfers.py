"""
Whatever a file, a consumer or a server raises, wherever it is called, each transfer ends once and
nothing is left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.differential.amp_driver import quiet
from tests.helpers import RecordingTransport
from twisted_basic_ng._ftp.dtpfactory import DTPFactory
from twisted_basic_ng.basic import FileSender

from .hooks import Aborted, Plan, Planned
from .promises import require


class Consumer:
    """
    Discards its data, and asks a plan each time.

    @ivar producer: its producer.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.plan("registerProducer")
        self.producer = producer
        self.plan("registerProducer done")

    def unregisterProducer(self) -> None:
        self.plan("unregisterProducer")
        self.producer = None
        self.plan("unregisterProducer done")

    def write(self, data: bytes) -> None:
        self.plan("write")
        self.plan("write done")


class Transfer:
    """
    A transfer in which something goes wrong.

    @cvar KINDS: the faults of a hook.
    @ivar begun: its Deferred.
    @ivar ends: the results of that Deferred.
    """

    KINDS: tuple[str, ...] = ()

    def __init__(self, faults: dict[int, str]) -> None:
        self.plan = Plan({place: getattr(self, kind) for place, kind in faults.items()})
        self.consumer = Consumer(self.plan)
        self.begun: Any = None
        self.ends: list[Any] = []

    def watch(self, begin: Callable[[], Any]) -> None:
        """Begin, and record each result."""
        self.tryTo(lambda: setattr(self, "begun", begin()))
        if self.begun is not None:
            self.begun.addBoth(self.ends.append)

    def tryTo(self, act: Callable[[], object]) -> None:
        """Call C{act}, and ignore a planned error."""
        try:
            act()
        except (Planned, Aborted):
            pass

    def check(self) -> None:
        require(self.begun is None or len(self.ends) == 1, f"it ends once: {self.ends}")

    def fail(self, hook: str) -> None:
        raise Planned(hook)

    def abort(self, hook: str) -> None:
        raise Aborted(hook)

    def cancel(self, hook: str) -> None:
        if self.begun is not None:
            self.begun.cancel()


class Sending(Transfer):
    """A file that is sent."""

    KINDS = ("fail", "abort", "cancel", "again", "stop")

    def again(self, hook: str) -> None:
        if self.consumer.producer is not None:
            self.sender.resumeProducing()

    def stop(self, hook: str) -> None:
        if self.consumer.producer is not None:
            self.sender.stopProducing()

    def run(self) -> None:
        plan = self.plan

        class File(BytesIO):
            def read(self, size: int | None = -1) -> bytes:
                plan("read")
                return super().read(size)

        def transform(data: bytes) -> bytes:
            plan("transform")
            return data.upper()

        self.sender = FileSender()
        self.sender.CHUNK_SIZE = 2
        file = File(b"abcde")
        consumer: Any = self.consumer
        self.watch(lambda: self.sender.beginFileTransfer(file, consumer, transform))
        for _ in range(6):
            if consumer.producer is not None:
                self.tryTo(self.sender.resumeProducing)
        if consumer.producer is not None:
            self.tryTo(self.sender.stopProducing)  # as a transport does when its connection is lost
        self.check()
        require(self.sender.file is None and self.sender.deferred is None, "nothing is left of it")
        require(not file.closed, "the file is its owner's")


class Receiving(Transfer):
    """An upload that is received."""

    KINDS = ("fail", "abort", "cancel", "pause", "goOn", "stop", "lose", "more")

    reason = Failure(ConnectionDone())
    dtp: Any = None
    isLost = False

    def pause(self, hook: str) -> None:
        if self.dtp is not None:
            self.dtp.pauseProducing()

    def goOn(self, hook: str) -> None:
        if self.dtp is not None:
            self.dtp.resumeProducing()

    def stop(self, hook: str) -> None:
        if self.dtp is not None:
            self.dtp.stopProducing()

    def lose(self, hook: str) -> None:
        if self.dtp is not None and not self.isLost:
            self.isLost = True
            self.dtp.connectionLost(self.reason)

    def more(self, hook: str) -> None:
        if self.dtp is not None and not self.isLost:
            self.dtp.dataReceived(b"more")

    @property
    def dtpInstance(self) -> Any:
        """The server's attribute for the data connection, which the factory sets."""
        return self.dtp

    @dtpInstance.setter
    def dtpInstance(self, made: Any) -> None:
        self.plan("dtpInstance")
        self.plan("dtpInstance done")

    def run(self) -> None:
        clock = Clock()
        factory = DTPFactory(self, None, clock)
        waiting: Any = factory.deferred
        connected: list[Any] = []
        waiting.addBoth(connected.append)
        factory.setTimeout(10)
        made: list[Any] = []
        self.tryTo(lambda: made.append(factory.buildProtocol(None)))
        if made:
            self.receive(made[0])
        clock.advance(10)
        require(len(connected) == 1, "the factory's Deferred fires once")
        require(clock.getDelayedCalls() == [], "no timer is left")

    def receive(self, dtp: Any) -> None:
        """Connect, and receive data."""
        RecordingTransport().connect(dtp)
        self.dtp = dtp
        dtp.dataReceived(b"before")
        self.watch(lambda: dtp.registerConsumer(self.consumer))
        for _ in range(3):
            if not self.isLost:
                dtp.dataReceived(b"data")
        self.lose("")
        dtp.resumeProducing()
        dtp.stopProducing()  # for a consumer that does not resume
        self.check()
        require(dtp._cons is None and not dtp._onConnLost, "nothing is left of it")


class Cut(Receiving):
    """An upload that is cut off."""

    reason = Failure(ConnectionLost())


TRANSFERS: tuple[Any, ...] = (Sending, Receiving, Cut)


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Log nothing."""
    with quiet():
        yield


@pytest.mark.parametrize("kind", TRANSFERS)
class TestTransfers:
    """Transfers with faults."""

    def test_once(self, kind: Any) -> None:
        """Each hook fails once, one after the other."""
        sound = kind({})
        sound.run()
        for place in range(len(sound.plan.trace)):
            for fault in kind.KINDS:
                kind({place: fault}).run()

    @settings(max_examples=max(settings().max_examples, 300))
    @given(st.data())
    def test_often(self, kind: Any, data: Any) -> None:
        """Several hooks fail."""
        faults = st.dictionaries(st.integers(0, 25), st.sampled_from(kind.KINDS), max_size=5)
        kind(data.draw(faults)).run()
