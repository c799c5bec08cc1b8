"""Tests for L{twisted_basic_ng.amp._keepalive}."""

from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionAborted, ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp


class Wait(amp.Command):
    """Waits."""


class Switch(amp.ProtocolSwitchCommand):
    """Changes the protocol."""


class Peer(amp.AMP):
    """Asks after 10 seconds, and waits for 4."""

    KEEPALIVE_INTERVAL = 10
    KEEPALIVE_TIME = 4
    logConnections = False

    waiting: Any = None

    @Wait.responder
    def wait(self) -> Any:
        self.waiting = Deferred()
        return self.waiting


class Case(SynchronousTestCase):
    """A connection that is watched, with the test's clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.proto = self.connected(Peer())

    def connected(self, proto: Any) -> Any:
        proto._ampClock = self.clock
        self.transport = RecordingTransport().connect(proto)
        return proto

    def pass_(self, seconds: float) -> None:
        """Let time pass, half a second at a time."""
        for _ in range(int(seconds * 2)):
            self.clock.advance(0.5)
        self.clock.advance(0)

    def boxes(self) -> list[Any]:
        """What was sent."""
        return amp.parseString(self.transport.written)

    def answer(self, **kw: bytes) -> None:
        self.proto.dataReceived(amp.AmpBox(kw).serialize())

    def lose(self) -> None:
        self.proto.connectionLost(Failure(ConnectionAborted()))

    def assertDropped(self, isDropped: bool = True) -> None:
        self.assertEqual(self.transport.aborted, isDropped)


class SilenceTests(Case):
    """A peer that says nothing is asked, and then dropped."""

    def test_gone(self) -> None:
        """Without an answer the connection is aborted, and calls fail with what has happened."""
        errors: list[Any] = []
        self.proto.callRemote(Wait).addErrback(lambda failure: errors.append(failure.value))
        self.pass_(9.5)
        self.assertEqual(len(self.boxes()), 1)
        self.pass_(0.5)
        self.assertEqual(self.boxes()[1:], [{b"_ask": b"2", b"_command": b"_ping"}])
        self.pass_(3.5)
        self.assertDropped(False)
        self.pass_(0.5)
        self.assertDropped()
        self.lose()
        (error,) = errors
        self.assertIsInstance(error, amp.SilentPeerError)
        self.assertIsInstance(error, ConnectionLost)
        self.assertIsInstance(error, amp.AmpError)
        self.assertEqual((error.interval, error.time), (10, 4))
        self.assertIn("192.0.2.1", error.peer)
        self.assertIn("for 10 seconds, and no answer to a ping for 4.", str(error))
        self.assertEqual(str(pickle.loads(pickle.dumps(error))), str(error))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_alive(self) -> None:
        """Any answer will do, an error too, and is dropped; the peer is asked again after the same time."""
        for tag in (b"1", b"2", b"3"):
            self.pass_(10)
            self.assertEqual(self.boxes()[-1][b"_ask"], tag)
            if tag == b"2":
                self.answer(_answer=tag)
            else:
                self.answer(_error=tag, _error_code=b"UNHANDLED", _error_description=b"")
            self.assertIsNone(self.proto._ampCancelledRequests)
        self.pass_(9.5)
        self.assertEqual(len(self.boxes()), 3)
        self.assertDropped(False)

    def test_anyByte(self) -> None:
        """A peer that sends something is not asked; a byte after the question is an answer."""
        for each in b"\0\x01a\0\x0f" + b"x" * 15:
            self.pass_(3)
            self.proto.dataReceived(bytes([each]))
        self.assertEqual(self.boxes(), [])
        self.pass_(10)
        self.proto.dataReceived(b"\0")
        self.pass_(9)
        self.assertDropped(False)

    def test_oneQuestion(self) -> None:
        """It is asked once as long as it has not answered that question; it is dropped if it then says nothing."""
        self.pass_(10)
        self.proto.dataReceived(b"\0")
        self.pass_(13.5)
        self.assertEqual(len(self.boxes()), 1)
        self.assertDropped(False)
        self.pass_(0.5)
        self.assertDropped()

    def test_interval(self) -> None:
        """A time that is not given is the interval; one longer than that is waited for."""
        self.connected(type("Own", (Peer,), {"KEEPALIVE_TIME": None})())
        self.pass_(19.5)
        self.assertDropped(False)
        self.pass_(0.5)
        self.assertDropped()
        self.connected(type("Own", (Peer,), {"KEEPALIVE_TIME": 25})())
        self.pass_(34.5)
        self.assertDropped(False)
        self.pass_(0.5)
        self.assertDropped()

    def test_busy(self) -> None:
        """A process that was busy for long reads first what has come."""
        self.pass_(10)
        self.clock.callLater(100, self.answer, _answer=b"1")  # as a reactor reads between two rounds of timers
        self.clock.advance(100)
        self.assertDropped(False)


class OffTests(Case):
    """Where it is not wanted, there is nothing."""

    def test_off(self) -> None:
        """By default, or with the time alone, there is no timer."""
        self.proto._ampStopKeepalive()
        for values in ({"KEEPALIVE_INTERVAL": None}, {"KEEPALIVE_INTERVAL": None, "KEEPALIVE_TIME": None}):
            self.assertIsNone(self.connected(type("Own", (Peer,), values)())._ampKeepalive)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual((amp.AMP.KEEPALIVE_INTERVAL, amp.AMP.KEEPALIVE_TIME), (None, None))

    def test_values(self) -> None:
        """What is no positive number is an error."""
        for interval, time in ((0, 4), (-1, 4), (float("inf"), 4), (float("nan"), 4), (1, 0)):
            with self.assertRaises(ValueError):
                self.connected(type("Own", (Peer,), {"KEEPALIVE_INTERVAL": interval, "KEEPALIVE_TIME": time})())

    def test_otherReceiver(self) -> None:
        """A receiver of boxes that cannot ask is not watched."""

        class Receiver:
            def startReceivingBoxes(self, sender: Any) -> None:
                """Do nothing."""

        proto = amp.BinaryBoxProtocol(Receiver())
        proto.KEEPALIVE_INTERVAL = 1
        RecordingTransport().connect(proto)
        self.assertIsNone(proto._ampKeepalive)

    def test_end(self) -> None:
        """Nothing is left when the connection has ended, and nothing holds the protocol."""
        self.pass_(10)
        self.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        proto = weakref.ref(self.proto)
        self.proto = self.transport = None  # type: ignore[assignment]
        gc.collect()
        self.assertIsNone(proto())

    def test_closing(self) -> None:
        """A connection that is being closed has all the time that it needs."""
        self.transport.loseConnection()
        self.pass_(60)
        self.assertEqual((self.boxes(), self.transport.aborted), ([], False))
        self.lose()

    def test_dropped(self) -> None:
        """A peer that was dropped is not asked."""
        self.proto._ampLeavePeer()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lostAtOnce(self) -> None:
        """A transport may lose the connection in the midst of that."""
        self.transport.hooks["loseConnection"] = self.lose
        self.pass_(14)
        self.assertDropped()

    def test_tls(self) -> None:
        """Where the connection may not be used without TLS, nothing is asked, and nothing kept of it."""
        self.proto._ampTLSAbandoned = True
        self.pass_(10)
        self.assertEqual((self.boxes(), self.proto._ampCancelledRequests), ([], None))


class PausedTests(Case):
    """A side that does not read does not drop its peer for that."""

    def test_paused(self) -> None:
        """No time passes while it is paused; all of it does from then on."""
        self.proto.pauseProducing()
        self.pass_(35)
        self.proto.resumeProducing()
        self.pass_(9.5)
        self.assertEqual(self.boxes(), [])
        self.pass_(0.5)
        self.assertEqual(len(self.boxes()), 1)
        self.pass_(3.5)
        self.proto.pauseProducing()
        self.pass_(0.25)
        self.proto.resumeProducing()
        self.pass_(1)
        self.assertDropped(False)

    def test_held(self) -> None:
        """So it is while too much of the peer's is in progress."""
        proto = self.connected(type("Own", (Peer,), {"MAX_ASKS_IN_PROGRESS": 1})())
        for tag in (b"1", b"2"):
            proto.dataReceived(amp.AmpBox(_command=b"Wait", _ask=tag).serialize())
        self.assertTrue(proto.paused)
        self.pass_(60)
        self.assertDropped(False)
        proto.waiting.callback({})
        proto.waiting.callback({})
        self.assertFalse(proto.paused)
        self.pass_(9.5)
        self.assertEqual([each for each in self.boxes() if b"_ask" in each], [])
        self.pass_(4.5)
        self.assertDropped()

    def test_line(self) -> None:
        """The question does not wait in line behind calls."""
        proto = self.connected(type("Own", (Peer,), {"MAX_ASKS_IN_PROGRESS": 1})())
        for _ in range(2):
            proto.callRemote(Wait).addErrback(lambda failure: None)
        self.pass_(10)
        self.assertEqual([each[b"_command"] for each in self.boxes()], [b"Wait", b"_ping"])
        proto.dataReceived(amp.AmpBox(_answer=b"3").serialize())
        proto.dataReceived(amp.AmpBox(_answer=b"1").serialize())
        self.assertEqual([each[b"_ask"] for each in self.boxes()], [b"1", b"3", b"2"])
        proto.connectionLost(Failure(ConnectionAborted()))


class SwitchTests(Case):
    """Another protocol is not watched."""

    def test_switch(self) -> None:
        """While the peer is asked to change over no time passes, and afterwards there is no timer."""
        self.proto.callRemote(Switch, Factory.forProtocol(Protocol))
        self.pass_(60)
        self.assertEqual(len(self.boxes()), 1)
        self.assertDropped(False)
        self.answer(_answer=b"1")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.proto.dataReceived(b"other bytes")


class AnswerTests(Case):
    """Pings are answered."""

    def ping(self, **attributes: Any) -> list[Any]:
        """Have one answered by a class with C{attributes}."""
        proto = self.connected(type("Own", (Peer,), attributes)())
        for command, tag in ((b"Wait", b"7"), (b"Wait", b"8"), (b"_ping", b"9")):
            proto.dataReceived(amp.AmpBox(_command=command, _ask=tag).serialize())
        return self.boxes()

    def test_extended(self) -> None:
        """Where extensions are on, the answer is empty."""
        self.assertEqual(self.ping(extended=True), [{b"_answer": b"9"}])

    def test_stock(self) -> None:
        """Where not, the command is unknown, as it is to a stock peer."""
        self.assertEqual([each[b"_error_code"] for each in self.ping()], [b"UNHANDLED"])

    def test_full(self) -> None:
        """However many calls are in progress, an extended side answers at once if it reads."""

        def connectionMade(proto: Any) -> None:
            proto.callRemote(Wait).addErrback(lambda failure: None)

        answers = self.ping(extended=True, MAX_ASKS_IN_PROGRESS=1, connectionMade=connectionMade)
        self.assertEqual(answers[1:], [{b"_answer": b"9"}])

    def test_own(self) -> None:
        """An application's own command of that name is responded to."""

        def respond(proto: Any, box: Any) -> Any:
            return amp.AmpBox(own=b"")

        self.assertEqual(self.ping(extended=True, amp__PING=respond), [{b"_answer": b"9", b"own": b""}])
