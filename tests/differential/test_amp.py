"""
Twisted's AMP and ours do the same with the same script.

A script is boxes and other bytes, cut anywhere, and what callbacks do when they are called.  Where the two are meant to
differ, the comparison ends: behind an exception (Twisted may deliver again what it has delivered), and behind the
moment when the library itself closes the connection (Twisted goes on to parse).  What ours does then has tests of its
own, in C{tests/amp}.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, cutAt, loadStock, partitions
from twisted_basic_ng import amp as ours

stock = loadStock("amp")


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Any:
    """Log to nobody: what is logged here is meant to be."""
    observers = list(globalLogPublisher._observers)  # type: ignore[attr-defined]
    for each in observers:
        globalLogPublisher.removeObserver(each)
    yield
    for each in observers:
        globalLogPublisher.addObserver(each)


class Planned(Exception):
    """What a callback raises when the script says so."""


def kindOf(error: BaseException) -> str:
    """An error's type, where ours may be a subclass of Twisted's."""
    return next((each.__name__ for each in (KeyError, AttributeError) if isinstance(error, each)), type(error).__name__)


class Inner:
    """What is changed over to."""

    def __init__(self, log: list[Any]) -> None:
        self.log = log

    def makeConnection(self, transport: object) -> None:
        self.log.append("inner connected")

    def dataReceived(self, data: bytes) -> None:
        # Twisted gives what came in one chunk and what comes later in calls of their own, and so do we.
        self.log.append(("inner", data))

    def connectionLost(self, reason: Any) -> None:
        self.log.append(("inner lost", reason.type.__name__))


class Receiver:
    """Takes boxes, and does with each what the script says."""

    def __init__(self, log: list[Any], actions: list[Any]) -> None:
        self.log = log
        self.actions = iter(actions)

    def startReceivingBoxes(self, boxSender: Any) -> None:
        self.wire = boxSender

    def ampBoxReceived(self, box: Any) -> None:
        wire = self.wire
        self.log.append(("box", dict(box), wire.recvd, wire._unprocessed[wire._compatibilityOffset :]))
        action, argument = next(self.actions, (None, None))
        if action == "raise":
            raise Planned()
        if action == "recvd":
            wire.recvd = argument
        elif action == "set":
            setattr(wire, *argument)
        elif action == "pause":
            wire.pauseProducing()
        elif action == "send":
            wire.sendBox(type(box)(a=b"1"))
        elif action == "lose":
            wire.transport.loseConnection()
        elif action == "switch":
            wire._switchTo(Inner(self.log))

    def stopReceivingBoxes(self, reason: Any) -> None:
        self.log.append(("stopped", reason.type.__name__))


def driveWire(module: ModuleType, chunks: list[Any], actions: list[Any]) -> list[Any]:
    """Give C{chunks} to a C{BinaryBoxProtocol}; C{None} among them resumes a paused one."""
    log: list[Any] = []
    wire = module.BinaryBoxProtocol(Receiver(log, actions))
    transport = RecordingTransport().connect(wire)
    for chunk in chunks:
        try:
            if chunk is None:
                wire.resumeProducing()
            else:
                wire.dataReceived(chunk)
        except Exception as error:
            log.append(("raised", kindOf(error)))
            return log
        if transport.disconnecting and wire._keyLengthLimitExceeded:
            log.append("dropped")
            break
        log.append((wire.state, wire.MAX_LENGTH, wire.recvd or b"", wire.paused, list(transport.events)))
    wire.connectionLost(Failure(ConnectionDone()))
    return log


keys = st.sampled_from([b"a", b"key", b"_ask", b"k" * 255])
values = st.one_of(st.binary(max_size=6), st.sampled_from([b"v" * 300, b"w" * 65535]))


def serialize(pairs: list[tuple[bytes, bytes]]) -> bytes:
    """Write a box, with keys that come twice, too."""
    return b"".join(len(each).to_bytes(2, "big") + each for pair in pairs for each in pair) + b"\0\0"


boxes = st.lists(st.tuples(keys, values), max_size=3).map(serialize)
junk = st.one_of(st.binary(max_size=8), st.sampled_from([b"\x01\x00", b"\x00\xff", b"\xff\xff"]))
streams = st.lists(st.one_of(boxes, boxes, boxes, junk), max_size=6).map(b"".join)
boxActions = st.one_of(
    st.just((None, None)),
    st.just((None, None)),
    st.sampled_from(
        [
            ("raise", None),
            ("recvd", b""),
            ("recvd", b"\x00\x01a\x00\x00\x00\x00"),
            ("recvd", b"\x00\x01"),
            ("set", ("MAX_LENGTH", 2)),
            ("set", ("MAX_LENGTH", 1000)),
            ("set", ("paused", True)),
            ("set", ("state", "key")),
            ("pause", None),
            ("send", None),
            ("lose", None),
            ("switch", None),
        ]
    ),
)


@st.composite
def chunked(draw: Callable[[Any], Any]) -> list[Any]:
    """A stream, cut anywhere; at some of the cuts the protocol is resumed."""
    data = draw(streams)
    points = sorted(draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=6)))
    chunks: list[Any] = []
    for chunk in cutAt(data, points):
        chunks.append(chunk)
        if draw(st.integers(0, 3)) == 0:
            chunks.append(None)
    return [*chunks, None]


class TestWire:
    """The connection: bytes to boxes."""

    @settings(max_examples=settings().max_examples * 8)
    @given(chunked(), st.lists(boxActions, max_size=5))
    def test_script(self, chunks: list[Any], actions: list[Any]) -> None:
        """Any script."""
        assert driveWire(ours, chunks, actions) == driveWire(stock, chunks, actions)

    def test_everyPartition(self) -> None:
        """Two boxes and the beginning of a third, in every way to cut them."""
        for data in (b"\x00\x01a\x00\x01b\x00\x00\x00\x00\x00\x01", b"\x00\x01a\x00\x00\x00\x01b\x01\x00"):
            for chunks in partitions(data):
                assert driveWire(ours, chunks, []) == driveWire(stock, chunks, [])


class Words:
    """Commands and a peer of one implementation."""

    def __init__(self, amp: Any) -> None:
        class Echo(amp.Command):  # type: ignore[misc]
            arguments = [(b"n", amp.Integer()), (b"o", amp.Unicode(optional=True))]
            response = [(b"n", amp.Integer())]
            errors = {ValueError: b"VALUE"}

        class Later(Echo):
            pass

        class Fail(Echo):
            fatalErrors = {KeyError: b"KEY"}

        class Peer(amp.AMP):  # type: ignore[misc]
            def __init__(self, log: list[Any]) -> None:
                super().__init__()
                self.log = log
                self.waiting: list[Deferred[Any]] = []

            @Echo.responder
            def echo(self, n: int, o: str | None) -> Any:
                self.log.append(("echo", n, o))
                return {"n": n}

            @Later.responder
            def later(self, n: int, o: str | None) -> Any:
                self.log.append(("later", n, o))
                self.waiting.append(Deferred())
                return self.waiting[-1]

            @Fail.responder
            def fail(self, n: int, o: str | None) -> Any:
                self.log.append(("fail", n))
                raise (ValueError("value"), KeyError("key"), OSError("other"), amp.RemoteAmpError(b"OWN", "own"))[n % 4]

            def amp_NAMED(self, box: Any) -> Any:
                self.log.append(("named", dict(box)))
                return amp.Box(n=b"1")

        self.Echo, self.Peer = Echo, Peer


WORDS = {module: Words(module) for module in (stock, ours)}


def drivePeer(module: ModuleType, steps: list[Any]) -> list[Any]:
    """Lead an AMP peer through C{steps}: chunks, calls, cancels, and answers that were waited for."""
    log: list[Any] = []
    words = WORDS[module]
    peer = words.Peer(log)
    transport = RecordingTransport().connect(peer)
    calls: list[Deferred[Any]] = []
    for step, argument in steps:
        mark = len(log)
        try:
            if step == "data":
                peer.dataReceived(argument)
            elif step == "call":
                number = len(calls)
                calls.append(peer.callRemote(words.Echo, n=argument))
                calls[-1].addCallbacks(
                    lambda answer, number=number: log.append(("answer", number, answer)),
                    lambda failure, number=number: log.append(("error", number, failure.type.__name__)),
                )
            elif step == "answer" and peer.waiting:
                peer.waiting.pop(0).callback({"n": argument})
            elif step == "fail" and peer.waiting:
                peer.waiting.pop(0).errback(ValueError("later"))
        except Exception as error:
            if not transport.disconnecting:
                return [*log[:mark], ("raised", kindOf(error))]
        if transport.disconnecting:
            return [*log[:mark], "closed"]
        log.append((sorted(peer._outstandingRequests), list(transport.events), peer.recvd))
    peer.connectionLost(Failure(ConnectionDone()))
    return log


asks = st.builds(
    lambda command, tag, rest: [(b"_command", command), *([(b"_ask", tag)] if tag else []), *rest],
    st.sampled_from([b"Echo", b"Later", b"Fail", b"named", b"Unknown", b""]),
    st.sampled_from([None, b"", b"1", b"ff"]),
    st.lists(st.tuples(st.sampled_from([b"n", b"o"]), st.sampled_from([b"1", b"2", b"3", b"x", b"\xff"])), max_size=2),
)
answers = st.builds(
    lambda tag, number: [(b"_answer", tag), (b"n", number)],
    st.sampled_from([b"1", b"2", b"3", b"9"]),
    st.sampled_from([b"1", b"x"]),
)
errors = st.builds(
    lambda tag, code: [(b"_error", tag), (b"_error_code", code), (b"_error_description", b"text\xff")],
    st.sampled_from([b"1", b"2", b"3"]),
    st.sampled_from([b"VALUE", b"UNKNOWN", b"UNHANDLED", b"\xff", b""]),
)
messages = st.one_of(asks, asks, answers, errors, st.just([(b"a", b"b")]), st.just([])).map(serialize)


@st.composite
def conversations(draw: Callable[[Any], Any]) -> list[Any]:
    """Steps of a conversation: what the peer says is cut anywhere."""
    steps: list[Any] = []
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["data", "data", "data", "call", "call", "answer", "fail"]))
        if kind != "data":
            steps.append((kind, draw(st.integers(0, 5))))
            continue
        data = b"".join(draw(st.lists(messages, max_size=3)))
        points = sorted(draw(st.sets(st.integers(1, max(1, len(data) - 1)), max_size=3)))
        steps += [("data", chunk) for chunk in cutAt(data, points)]
    return steps


class TestPeer:
    """The conversation: asks, answers and errors."""

    @settings(max_examples=settings().max_examples * 2)
    @given(conversations())
    def test_script(self, steps: list[Any]) -> None:
        """Any script."""
        assert drivePeer(ours, steps) == drivePeer(stock, steps)


class TestArguments:
    """Any bytes mean the same, or are the same error."""

    KINDS = {
        "Integer": lambda amp: amp.Integer(),
        "Float": lambda amp: amp.Float(),
        "Boolean": lambda amp: amp.Boolean(),
        "Unicode": lambda amp: amp.Unicode(),
        "Path": lambda amp: amp.Path(),
        "Decimal": lambda amp: amp.Decimal(),
        "DateTime": lambda amp: amp.DateTime(),
        "ListOf": lambda amp: amp.ListOf(amp.Integer()),
        "AmpList": lambda amp: amp.AmpList([(b"a", amp.Integer()), (b"b", amp.Unicode(optional=True))]),
    }
    likely = st.one_of(
        st.binary(max_size=34),
        st.sampled_from([b" 1 ", b"1_0", b"nan", b"True", b"1E+5", b"2012-01-23T12:34:56.054321-01:23"]),
        st.text("0123456789.eE+-_T: ", max_size=34).map(str.encode),
        st.lists(st.sampled_from([b"a", b"1", b"b", b"", b"\xff"]), max_size=4).map(
            lambda strings: b"".join(len(each).to_bytes(2, "big") + each for each in strings)
        ),
    )

    @given(st.sampled_from(sorted(KINDS)), likely)
    def test_read(self, kind: str, string: bytes) -> None:
        """Each type, and any bytes."""
        found = []
        for module in (stock, ours):
            argument = self.KINDS[kind](module)
            try:
                found.append(repr(self.plain(argument.fromStringProto(string, None))))
            except Exception as error:
                found.append(kindOf(error))
        assert found[0] == found[1]

    def plain(self, value: Any) -> Any:
        """A moment, without the object that is its zone."""
        return (value.replace(tzinfo=None), value.utcoffset()) if hasattr(value, "utcoffset") else value
