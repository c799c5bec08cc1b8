"""
Tests that FTP's data connections, and the file sender over them, do the same as Twisted's with the
same script.

L{DIFFERENCES} lists the documented differences and the scripts that they concern.  All other
scripts cause the same events.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple

import pytest
from hypothesis import assume, event, example, given, strategies as st

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.python.filepath import Permissions

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng import basic, ftp


class Modules(NamedTuple):
    """The modules of one side."""

    ftp: Any
    basic: Any


STOCK = Modules(loadStock("ftp"), loadStock("basic"))
OURS = Modules(ftp, basic)

Step = tuple[Any, ...]


class Wire(RecordingTransport):
    """
    A TCP transport that records the calls to it, until the connection is lost.

    @ivar isLost: whether the connection is lost.
    """

    isLost = False

    def _record(self, name: str, *arguments: object) -> None:
        if not self.isLost:
            super()._record(name, *arguments)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self.isLost:
            producer.stopProducing()
            return
        super().registerProducer(producer, streaming)
        if not streaming:
            producer.resumeProducing()

    def stopProducing(self) -> None:
        super().stopProducing()
        self.loseConnection()

    def resumeProducing(self) -> None:
        if not self.disconnecting:
            super().resumeProducing()

    def loseConnection(self) -> None:
        if not self.disconnecting:
            super().loseConnection()
        self.reading = False

    def deliver(self, data: bytes) -> None:
        """Deliver C{data}, unless reading is paused."""
        if self.reading and not self.isLost:
            self.protocol.dataReceived(data)

    def pull(self) -> None:
        """Ask the producer for more, or close if there is none."""
        if self.isLost:
            return
        if self.producer is not None and not self.streamingProducer:
            self.producer.resumeProducing()
        elif self.disconnecting:
            self.lose(ConnectionDone)

    def lose(self, reason: type[Exception]) -> None:
        """Lose the connection."""
        if self.isLost:
            return
        self.isLost = self.disconnecting = True
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()
        self.protocol.connectionLost(Failure(reason()))


class Consumer:
    """Consumes an upload, and executes the script's next actions at each piece."""

    def __init__(self, events: list[Any], actions: tuple[str | None, ...]) -> None:
        self.events = events
        self.actions = list(actions)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer
        self.events.append(("registered", streaming))

    def unregisterProducer(self) -> None:
        self.events.append("unregistered")

    def write(self, data: bytes) -> None:
        self.events.append(("written", data))
        for action in (self.actions.pop(0) if self.actions else None) or ():
            if action == "lose":
                self.producer.transport.loseConnection()
            else:
                getattr(self.producer, f"{action}Producing")()


class Player:
    """Plays a script on one side, and records the events."""

    def __init__(self, modules: Modules) -> None:
        self.modules = modules
        self.events: list[Any] = []
        self.dtp = modules.ftp.DTP()
        self.dtp.factory = modules.ftp.DTPFactory(self, None, object())
        self.wire = Wire().connect(self.dtp)

    def play(self, steps: list[Step]) -> list[Any]:
        """Play a script, and return the events."""
        for name, *arguments in steps:
            self.events.append(("step", name))
            try:
                getattr(self, name)(*arguments)
            except (AssertionError, RuntimeError) as error:
                self.events.append(type(error))
            except Exception as error:
                isClosed = type(error) is getattr(self.modules.ftp, "DataConnectionClosedError", Exception)
                self.events.append("closed" if isClosed else error)
            self.events.append((self.dtp.isConnected, [*self.wire.events]))
            if self.dtp.isConnected and not USING & {step[0] for step in steps}:
                self.events.append([*(self.dtp._buffer or ())])
        return self.events

    def receive(self, data: bytes) -> None:
        self.wire.deliver(data)

    def register(self, actions: tuple[str | None, ...]) -> None:
        consumer: Any = Consumer(self.events, actions)
        outcome = self.dtp.registerConsumer(consumer)
        outcome.addBoth(lambda result: self.events.append(("outcome", result)))

    def pause(self) -> None:
        self.dtp.pauseProducing()

    def resume(self) -> None:
        self.dtp.resumeProducing()

    def stop(self) -> None:
        self.dtp.stopProducing()

    def row(self, name: bytes, size: int, modified: float, owner: str) -> None:
        self.dtp.sendListResponse(name, (size, False, Permissions(0o644), 1, modified, owner, "group"))

    def write(self, data: bytes) -> None:
        self.dtp.write(data)

    def file(self, content: bytes, size: int, transform: Callable[[bytes], bytes] | None) -> None:
        sender = self.modules.basic.FileSender()
        sender.CHUNK_SIZE = size
        outcome = sender.beginFileTransfer(BytesIO(content), self.dtp, transform)
        outcome.addCallbacks(
            lambda last: self.events.append(("sent", last)),
            lambda failure: self.events.append(("failed", failure.getErrorMessage())),
        )

    def pull(self) -> None:
        self.wire.pull()

    def close(self) -> None:
        self.dtp.transport.loseConnection()

    def unregister(self) -> None:
        self.dtp.unregisterProducer()

    def end(self, isClean: bool) -> None:
        self.wire.lose(ConnectionDone if isClean else ConnectionLost)


#: The steps that send over the connection.  It cannot be used for an upload any more.
USING = {"row", "file"}

_PIECES = st.binary(min_size=1, max_size=20)
_ACTIONS = st.lists(
    st.sampled_from([None, None, ("pause",), ("resume",), ("pause", "resume"), ("stop",), ("lose",)]), max_size=4
).map(tuple)
_NAMES = st.one_of(st.text(" aä.~", min_size=1).map(str.encode), st.binary(min_size=1, max_size=8)).filter(
    lambda name: all(32 <= each != 127 for each in name)
)
_STEPS: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("receive"), _PIECES),
    st.tuples(st.just("receive"), _PIECES),
    st.tuples(st.just("register"), _ACTIONS),
    st.sampled_from([("pause",), ("resume",), ("pull",), ("close",), ("unregister",), ("stop",)]),
    st.tuples(
        st.just("row"), _NAMES, st.integers(0, 10**16), st.floats(0, 2**33), st.text("aéß0", min_size=1, max_size=12)
    ),
    st.tuples(st.just("write"), _PIECES),
    st.tuples(st.just("file"), st.binary(max_size=9), st.integers(1, 5), st.sampled_from([None, bytes.upper])),
    st.sampled_from([("pull",), ("end", True), ("end", True), ("end", False)]),
)


class Difference(NamedTuple):
    """
    A deliberate difference from Twisted.

    @ivar concerns: whether the difference may show in a script.
    @ivar shown: a script that shows the difference.
    """

    name: str
    reason: str
    concerns: Callable[[list[Step]], bool]
    shown: list[Step]


def _names(steps: list[Step]) -> list[str]:
    return [step[0] for step in steps]


def _registers(steps: list[Step]) -> int:
    return _names(steps).count("register")


def _isUsedTwice(steps: list[Step]) -> bool:
    return _registers(steps) > 1 or bool(_registers(steps) and USING & {*_names(steps)})


def _isCut(steps: list[Step]) -> bool:
    return _registers(steps) > 0 and ("end", False) in steps


def _pausesWhileKept(steps: list[Step]) -> bool:
    """Whether the consumer or the application pauses while there are buffered pieces."""
    if not _registers(steps):
        return False
    at = _names(steps).index("register")
    kept = _names(steps[:at]).count("receive")
    pauses = any("pause" in (action or ()) for action in steps[at][1][:kept])
    return kept > 0 and (pauses or "pause" in _names(steps[:at]))


DIFFERENCES = [
    Difference(
        "used twice",
        "a data connection is for one transfer",
        _isUsedTwice,
        [("row", b"name", 1, 0.0, "owner"), ("end", True), ("register", ())],
    ),
    Difference(
        "cut",
        "an upload that is cut off has failed",
        _isCut,
        [("register", ()), ("end", False)],
    ),
    Difference(
        "paused",
        "a consumer that pauses is given nothing, what was kept included",
        _pausesWhileKept,
        [("receive", b"one"), ("receive", b"two"), ("register", (("pause",),))],
    ),
]


class TestScripts:
    """Tests for scripts."""

    @given(st.lists(_STEPS, max_size=12))
    @example([("receive", b"a"), ("register", (("stop",),)), ("receive", b"b"), ("pull",)])
    @example([("file", b"abcdef", 2, None), ("file", b"x", 1, None), ("pull",), ("end", False)])
    def test_same(self, steps: list[Step]) -> None:
        """The events are the same, if no difference concerns the script."""
        for each in DIFFERENCES:
            if each.concerns(steps):
                event(each.name)
                assume(False)
        assert Player(OURS).play(steps) == Player(STOCK).play(steps)

    @pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda each: each.name)
    def test_differs(self, difference: Difference) -> None:
        """The script of each difference causes different events."""
        assert difference.concerns(difference.shown)
        assert Player(OURS).play(difference.shown) != Player(STOCK).play(difference.shown)
