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
    """A command whose responder waits."""


class Switch(amp.ProtocolSwitchCommand):
    """A command that switches the protocol."""


class Peer(amp.AMP):
    """A peer that asks after 10 seconds of silence, and waits 4 seconds for an answer."""

    KEEPALIVE_INTERVAL = 10
    KEEPALIVE_TIME = 4
    logConnections = False

    waiting: Any = None

    @Wait.responder
    def wait(self) -> Any:
        self.waiting = Deferred()
        return self.waiting


class Case(SynchronousTestCase):
    """A connection with keepalive that uses the test's clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.proto = self.connected(Peer())

    def connected(self, proto: Any) -> Any:
        proto._ampClock = self.clock
        self.transport = RecordingTransport().connect(proto)
        return proto

    def pass_(self, seconds: float) -> None:
        """Advance the clock in steps of half a second."""
        for _ in range(int(seconds * 2)):
            self.clock.advance(0.5)
        self.clock.advance(0)

    def boxes(self) -> list[Any]:
        """Return the sent boxes."""
        return amp.parseString(self.transport.written)

    def answer(self, **kw: bytes) -> None:
        self.proto.dataReceived(amp.AmpBox(kw).serialize())

    def lose(self) -> None:
        self.proto.connectionLost(Failure(ConnectionAborted()))

    def assertDropped(self, isDropped: bool = True) -> None:
        self.assertEqual(self.transport.aborted, isDropped)


class SilenceTests(Case):
    """A silent peer is asked, and then dropped."""

    def test_gone(self) -> None:
        """Without an answer, the connection is aborted, and calls fail with the reason."""
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
        """Any answer counts, even an error.  The peer is asked again after the same time."""
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
        """A peer that sends bytes is not asked, and a single byte counts as an answer."""
        for each in b"\0\x01a\0\x0f" + b"x" * 15:
            self.pass_(3)
            self.proto.dataReceived(bytes([each]))
        self.assertEqual(self.boxes(), [])
        self.pass_(10)
        self.proto.dataReceived(b"\0")
        self.pass_(9)
        self.assertDropped(False)

    def test_oneQuestion(self) -> None:
        """The peer is asked once until it has answered, and is dropped if it then stays silent."""
        self.pass_(10)
        self.proto.dataReceived(b"\0")
        self.pass_(13.5)
        self.assertEqual(len(self.boxes()), 1)
        self.assertDropped(False)
        self.pass_(0.5)
        self.assertDropped()

    def test_interval(self) -> None:
        """The default of the time is the interval, and it may be longer than that."""
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
        """A process that was busy reads the received bytes before it decides."""
        self.pass_(10)
        self.clock.callLater(100, self.answer, _answer=b"1")  # read between two timers
        self.clock.advance(100)
        self.assertDropped(False)


class OffTests(Case):
    """Without keepalive, there is no timer."""

    def test_off(self) -> None:
        """By default, or with C{KEEPALIVE_TIME} alone, there is no timer."""
        self.proto._ampStopKeepalive()
        for values in ({"KEEPALIVE_INTERVAL": None}, {"KEEPALIVE_INTERVAL": None, "KEEPALIVE_TIME": None}):
            self.assertIsNone(self.connected(type("Own", (Peer,), values)())._ampKeepalive)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual((amp.AMP.KEEPALIVE_INTERVAL, amp.AMP.KEEPALIVE_TIME), (None, None))

    def test_values(self) -> None:
        """A value that is not a positive number raises an error."""
        for interval, time in ((0, 4), (-1, 4), (float("inf"), 4), (float("nan"), 4), (1, 0)):
            with self.assertRaises(ValueError):
                self.connected(type("Own", (Peer,), {"KEEPALIVE_INTERVAL": interval, "KEEPALIVE_TIME": time})())

    def test_otherReceiver(self) -> None:
        """With a receiver of boxes that cannot ask, there is no keepalive."""

        class Receiver:
            def startReceivingBoxes(self, sender: Any) -> None:
                """Do nothing."""

        proto = amp.BinaryBoxProtocol(Receiver())
        proto.KEEPALIVE_INTERVAL = 1
        RecordingTransport().connect(proto)
        self.assertIsNone(proto._ampKeepalive)

    def test_end(self) -> None:
        """After the connection is lost, no timer and no reference to the protocol is left."""
        self.pass_(10)
        self.lose()
        self.assertEqual(self.clock.getDelayedCalls(), [])
        proto = weakref.ref(self.proto)
        self.proto = self.transport = None  # type: ignore[assignment]
        gc.collect()
        self.assertIsNone(proto())

    def test_closing(self) -> None:
        """A closing connection has no time limit."""
        self.transport.loseConnection()
        self.pass_(60)
        self.assertEqual((self.boxes(), self.transport.aborted), ([], False))
        self.lose()

    def test_dropped(self) -> None:
        """A dropped peer is not asked."""
        self.proto._ampLeavePeer()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lostAtOnce(self) -> None:
        """A transport may lose the connection while it is closed."""
        self.transport.hooks["loseConnection"] = self.lose
        self.pass_(14)
        self.assertDropped()

    def test_tls(self) -> None:
        """If the connection may not be used without TLS, nothing is asked and nothing is kept."""
        self.proto._ampTLSAbandoned = True
        self.pass_(10)
        self.assertEqual((self.boxes(), self.proto._ampCancelledRequests), ([], None))


class PausedTests(Case):
    """A side that does not read does not drop its peer."""

    def test_paused(self) -> None:
        """No time passes while the protocol is paused.  The full time passes after that."""
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
        """No time passes either while too many of the peer's calls are in progress."""
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
    """After a switch, there is no keepalive."""

    def test_switch(self) -> None:
        """No time passes while the peer is asked to switch, and no timer is left afterwards."""
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
        """Answer a ping with a class that has C{attributes}."""
        proto = self.connected(type("Own", (Peer,), attributes)())
        for command, tag in ((b"Wait", b"7"), (b"Wait", b"8"), (b"_ping", b"9")):
            proto.dataReceived(amp.AmpBox(_command=command, _ask=tag).serialize())
        return self.boxes()

    def test_extended(self) -> None:
        """With the features on, the answer is empty."""
        self.assertEqual(self.ping(extended=True), [{b"_answer": b"9"}])

    def test_stock(self) -> None:
        """With the features off, the command is unhandled, as with Twisted."""
        self.assertEqual([each[b"_error_code"] for each in self.ping()], [b"UNHANDLED"])

    def test_full(self) -> None:
        """With the features on, a ping is answered at once, however many calls are in progress."""

        def connectionMade(proto: Any) -> None:
            proto.callRemote(Wait).addErrback(lambda failure: None)

        answers = self.ping(extended=True, MAX_ASKS_IN_PROGRESS=1, connectionMade=connectionMade)
        self.assertEqual(answers[1:], [{b"_answer": b"9"}])

    def test_own(self) -> None:
        """An application's own command of that name is responded to."""

        def respond(proto: Any, box: Any) -> Any:
            return amp.AmpBox(own=b"")

        self.assertEqual(self.ping(extended=True, amp__PING=respond), [{b"_answer": b"9", b"own": b""}])
