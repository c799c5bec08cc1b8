"""Tests for L{twisted_basic_ng._dtp}."""

from __future__ import annotations

import sys
import time
from types import ModuleType, SimpleNamespace
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.internet.task import Clock
from twisted.protocols.ftp import PortConnectionError
from twisted.python.failure import Failure
from twisted.python.filepath import Permissions
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng._dtp import DTP, DataConnectionClosedError, DTPFactory, encodeName

DONE, LOST = Failure(ConnectionDone()), Failure(ConnectionLost())


class Consumer:
    """Keeps what it is given, and does what it is told to with it."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.onWrite: Any = lambda data: None
        self.onEnd: Any = lambda: None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer
        self.events.append(("registered", streaming))

    def write(self, data: bytes) -> None:
        self.events.append(data)
        self.onWrite(data)

    def unregisterProducer(self) -> None:
        self.events.append("unregistered")
        self.onEnd()

    @property
    def received(self) -> bytes:
        return b"".join(each for each in self.events if isinstance(each, bytes))


class DTPCase(SynchronousTestCase):
    """A data connection, with its factory."""

    def setUp(self) -> None:
        self.factory = DTPFactory(self, None, Clock())
        dtp = self.factory.buildProtocol(None)
        assert dtp is not None
        self.dtp = dtp
        self.transport = RecordingTransport()
        self.consumer = Consumer()

    def connect(self) -> None:
        self.transport.connect(self.dtp)

    def register(self) -> list[Any]:
        """Begin an upload; what it comes to will be in the list."""
        outcomes: list[Any] = []
        self.dtp.registerConsumer(self.consumer).addBoth(outcomes.append)
        return outcomes


class ConnectionTests(DTPCase):
    """A data connection begins and ends."""

    def test_begin(self) -> None:
        """The server is told."""
        connected: list[Any] = []
        assert self.factory.deferred is not None
        self.factory.deferred.addCallback(connected.append)
        self.assertFalse(self.dtp.isConnected)
        self.connect()
        self.assertEqual((connected, self.dtp.isConnected, self.dtp._buffer), ([None], True, []))

    def test_interfaces(self) -> None:
        """It is a consumer and a producer."""
        self.assertTrue(verifyObject(IConsumer, self.dtp))
        self.assertTrue(verifyObject(IPushProducer, self.dtp))

    def test_end(self) -> None:
        """Without an upload nothing waits for its end."""
        self.connect()
        self.dtp.connectionLost(LOST)
        self.assertFalse(self.dtp.isConnected)

    def test_send(self) -> None:
        """What sends has the transport, and closes the connection at its end."""
        self.connect()
        producer = object()
        self.dtp.registerProducer(producer, False)
        self.assertIs(self.transport.producer, producer)
        self.dtp.write(b"data")
        self.dtp.unregisterProducer()
        self.assertEqual(
            self.transport.events,
            [("registerProducer", False), ("write", b"data"), ("unregisterProducer",), ("loseConnection",)],
        )

    def test_closed(self) -> None:
        """Without a connection nothing can be sent, and that has a name."""
        error = self.assertRaises(DataConnectionClosedError, self.dtp.write, b"data")
        self.assertEqual(str(error), "the data connection is not open")
        self.connect()
        self.dtp.connectionLost(DONE)
        self.assertRaises(DataConnectionClosedError, self.dtp.write, b"data")

    def test_own(self) -> None:
        """Servers keep things of their own on it."""
        self.dtp.bytesSent = 5  # type: ignore[attr-defined]
        self.assertEqual((self.dtp.pi, self.dtp.factory), (self, self.factory))


class ListingTests(DTPCase):
    """Listings are what Twisted's are."""

    def row(self, dtp: Any, name: bytes, **changes: Any) -> Any:
        entry = {
            "size": 531,
            "directory": False,
            "permissions": Permissions(0o644),
            "hardlinks": 1,
            "modified": 0.0,
            "owner": "root",
            "group": "other",
        }
        return dtp._formatOneListResponse(name, **{**entry, **changes})

    def test_rows(self) -> None:
        """To the byte."""
        theirs = loadStock("ftp").DTP()
        now = time.time()
        for changes in (
            {},
            {"directory": True, "permissions": Permissions(0o7777), "size": 10**14, "hardlinks": 12345},
            {"owner": "a-very-long-name", "group": "another long one"},
            {"modified": now},
            {"modified": now - 400 * 86400},
            {"owner": "h\xe9l\xe8ne"},
        ):
            for name in (b"name", b"\xff\xfe with spaces", "\N{SNOWMAN}".encode()):
                self.assertEqual(self.row(self.dtp, name, **changes), self.row(theirs, name, **changes))

    def test_encoding(self) -> None:
        """Owners are written in the class's encoding; what that has not is replaced."""
        self.assertIn(b"????     ", self.row(self.dtp, b"name", owner="\N{SNOWMAN}" * 4))
        self.dtp._encoding = "utf-8"
        self.assertIn("\N{SNOWMAN}".encode(), self.row(self.dtp, b"name", owner="\N{SNOWMAN}"))

    def test_numbers(self) -> None:
        """A size may be any number."""
        self.assertEqual(self.row(self.dtp, b"name", size=5.7), self.row(loadStock("ftp").DTP(), b"name", size=5.7))

    def test_names(self) -> None:
        """A name is written in UTF-8; one that is no UTF-8 is what it is in the file system."""
        for name, written in (("\N{SNOWMAN}", "\N{SNOWMAN}".encode()), ("bad\udcff", b"bad\xff"), (b"\xff", b"\xff")):
            self.assertEqual(encodeName(None, name), written)

    def test_noDate(self) -> None:
        """A time that no calendar has is the first one."""
        self.assertIn(b"Jan 01  1970", self.row(self.dtp, b"name", modified=1e300))

    def test_line(self) -> None:
        """A row is one line, whatever is in its names."""
        self.connect()
        permissions = Permissions(0o600)
        self.dtp.sendListResponse(b"a\r\nb\x00\x1b", (1, False, permissions, 1, 0.0, "x\ny", "g\tg"))
        self.dtp.sendLine(b"c\nd\x7f\xff")
        row = b"-rw-------   1 x?y       g?g                     1 Jan 01  1970 a??b??\r\n"
        self.assertEqual(self.transport.written, row + b"c?d?\xff\r\n")


class UploadTests(DTPCase):
    """What is received goes to the consumer, and the end is told once."""

    def test_clean(self) -> None:
        """An upload is complete when the peer closes in an orderly way."""
        self.connect()
        outcomes = self.register()
        self.dtp.dataReceived(b"one")
        self.dtp.dataReceived(b"two")
        self.assertEqual((outcomes, self.consumer.events), ([], [("registered", True), b"one", b"two"]))
        self.assertIs(self.consumer.producer, self.dtp)
        self.dtp.connectionLost(DONE)
        self.assertEqual((outcomes, self.consumer.events[-1]), ([None], "unregistered"))
        self.assertEqual((self.dtp._cons, self.dtp._onConnLost), (None, None))

    def test_reset(self) -> None:
        """It has failed when the connection is cut, and the consumer is told that there is no more."""
        self.connect()
        outcomes = self.register()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(LOST)
        self.assertEqual((outcomes, self.consumer.events[-1]), ([LOST], "unregistered"))

    def test_before(self) -> None:
        """What came before there was a consumer goes first."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.dataReceived(b"two")
        self.assertEqual(self.dtp._buffer, [b"one", b"two"])
        outcomes = self.register()
        self.assertEqual((self.consumer.received, self.dtp._buffer), (b"onetwo", None))
        self.dtp.dataReceived(b"three")
        self.dtp.connectionLost(DONE)
        self.assertEqual((self.consumer.received, outcomes), (b"onetwothree", [None]))

    def test_allBefore(self) -> None:
        """That may be all there is."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(DONE)
        self.assertEqual(self.register(), [None])
        self.assertEqual(self.consumer.events, [("registered", True), b"one", "unregistered"])

    def test_neverConnected(self) -> None:
        """Without a connection there is nothing to receive."""
        self.assertEqual(self.register(), [None])
        self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])

    def test_cutBefore(self) -> None:
        """What was cut off before there was a consumer has failed, and nothing of it is written."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(LOST)
        self.assertEqual(self.register(), [LOST])
        self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])

    def test_bounded(self) -> None:
        """Before there is a consumer, no more is read than is good; then reading goes on."""
        for size, count in ((65536, 1), (1000, 66), (1, 1024)):
            self.setUp()
            self.connect()
            for _ in range(count - 1):
                self.dtp.dataReceived(b"x" * size)
            self.assertTrue(self.transport.reading)
            self.dtp.dataReceived(b"x" * size)
            self.assertFalse(self.transport.reading)
            self.dtp.dataReceived(b"y")  # what was read already
            outcomes = self.register()
            self.assertEqual(len(self.consumer.received), size * count + 1)
            self.assertEqual(self.transport.names(), ["pauseProducing", "resumeProducing"])
            self.dtp.connectionLost(DONE)
            self.assertEqual(outcomes, [None])

    def test_pauses(self) -> None:
        """A consumer that pauses is given nothing more, and no end, until it goes on."""
        self.connect()
        for data in (b"one", b"two", b"three"):
            self.dtp.dataReceived(data)
        self.consumer.onWrite = lambda data: self.dtp.pauseProducing()
        outcomes = self.register()
        self.assertEqual((self.consumer.received, self.transport.reading), (b"one", False))
        self.dtp.dataReceived(b"four")
        self.dtp.resumeProducing()
        self.assertEqual((self.consumer.received, self.transport.reading), (b"onetwo", False))
        self.dtp.connectionLost(DONE)
        self.assertEqual(outcomes, [])
        self.dtp.resumeProducing()
        self.dtp.resumeProducing()
        self.assertEqual((self.consumer.received, outcomes), (b"onetwothreefour", [None]))

    def test_pausesLater(self) -> None:
        """What was read already when a consumer pauses waits for it, too."""
        self.connect()
        outcomes = self.register()
        self.dtp.pauseProducing()
        self.dtp.dataReceived(b"one")
        self.assertEqual((self.consumer.received, self.dtp._buffer), (b"", [b"one"]))
        self.dtp.resumeProducing()
        self.dtp.connectionLost(DONE)
        self.assertEqual((self.consumer.received, outcomes), (b"one", [None]))

    def test_pausesWhileHeld(self) -> None:
        """A transport that was paused because nobody took anything stays so for a consumer that pauses."""
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        self.consumer.onWrite = lambda data: self.dtp.pauseProducing()
        self.register()
        self.assertFalse(self.transport.reading)
        self.dtp.resumeProducing()
        self.assertTrue(self.transport.reading)

    def test_stops(self) -> None:
        """A consumer that wants no more has the connection closed."""
        self.connect()
        self.register()
        self.dtp.stopProducing()
        self.assertEqual(self.transport.names(), ["stopProducing"])
        self.dtp.connectionLost(DONE)
        self.dtp.stopProducing()
        self.dtp.pauseProducing()
        self.assertEqual(self.transport.names(), ["stopProducing"])

    def test_stopsBeforeTheEnd(self) -> None:
        """One for which something was kept has not had the whole upload, which has failed; with a connection or not."""
        for isLost in (True, False):
            self.setUp()
            self.connect()
            outcomes = self.register()
            self.dtp.pauseProducing()
            self.dtp.dataReceived(b"one")
            if isLost:
                self.dtp.connectionLost(DONE)
            self.assertEqual(outcomes, [])
            self.dtp.stopProducing()
            self.assertEqual([each.getErrorMessage() for each in outcomes], ["Consumer asked us to stop producing"])
            self.dtp.dataReceived(b"two")
            self.dtp.resumeProducing()
            self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])
            self.assertEqual("stopProducing" in self.transport.names(), not isLost)

    def test_stopsBeforeItBegins(self) -> None:
        """What was kept for a consumer that is still to come stays."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.stopProducing()
        self.dtp.connectionLost(DONE)
        self.assertEqual((self.register(), self.consumer.received), ([None], b"one"))

    def test_closingRaises(self) -> None:
        """A transport that raises when it is to be closed keeps no upload waiting."""
        self.connect()
        self.consumer.onWrite = lambda data: 1 / 0
        outcomes = self.register()
        self.transport.hooks["loseConnection"] = lambda: {}["closed"]
        self.assertRaises(KeyError, self.dtp.dataReceived, b"one")
        self.assertEqual([each.type for each in outcomes], [ZeroDivisionError])

    def test_raises(self) -> None:
        """A consumer that raises ends the upload with its error, and the connection; it is given nothing more."""

        def explode(data: bytes) -> None:
            raise OSError(28, "no space left")

        for before in (True, False):
            self.setUp()
            self.connect()
            self.consumer.onWrite = explode
            if before:
                self.dtp.dataReceived(b"one")
                self.dtp.dataReceived(b"two")
            outcomes = self.register()
            self.dtp.dataReceived(b"three")
            self.dtp.dataReceived(b"four")
            self.dtp.connectionLost(LOST)
            self.assertEqual([each.type for each in outcomes], [OSError])
            self.assertEqual(len([each for each in self.consumer.events if isinstance(each, bytes)]), 1)
            self.assertEqual((self.consumer.events[-1], self.transport.disconnecting), ("unregistered", True))

    def test_raisesAfterLoss(self) -> None:
        """Also when the connection has ended before."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(DONE)
        self.consumer.onWrite = lambda data: 1 / 0
        self.assertEqual([each.type for each in self.register()], [ZeroDivisionError])

    def test_endRaises(self) -> None:
        """An error at the end, when a file is closed, is what the upload comes to; but it does not hide another."""

        def explode() -> None:
            raise OSError(28, "no space left")

        for reason, kind, logged in ((DONE, OSError, 0), (LOST, ConnectionLost, 1)):
            self.setUp()
            self.connect()
            self.consumer.onEnd = explode
            outcomes = self.register()
            self.dtp.connectionLost(reason)
            self.assertEqual([each.type for each in outcomes], [kind])
            self.assertEqual(len(self.flushLoggedErrors(OSError)), logged)

    def test_notRegistered(self) -> None:
        """A consumer that does not begin ends the connection."""

        def explode(producer: Any, streaming: bool) -> None:
            raise RuntimeError("not now")

        self.connect()
        self.consumer.registerProducer = explode  # type: ignore[method-assign]
        self.assertRaises(RuntimeError, self.dtp.registerConsumer, self.consumer)
        self.dtp.dataReceived(b"x" * 70000)
        self.assertEqual(self.transport.names(), ["loseConnection"])

    def test_used(self) -> None:
        """A connection is for one transfer: another consumer has nothing to receive, and is told so."""
        for use in (
            lambda: self.dtp.registerConsumer(Consumer()),
            lambda: self.dtp.sendLine(b"x"),
            lambda: self.dtp.registerProducer(object(), False),
        ):
            self.setUp()
            self.connect()
            use()
            self.dtp.connectionLost(DONE)
            self.assertEqual([each.type for each in self.register()], [DataConnectionClosedError])
            self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])

    def test_usedAndClosingRaises(self) -> None:
        """An error of such a consumer's at its end is logged: it hides nothing."""
        self.connect()
        self.dtp.sendLine(b"x")
        self.consumer.onEnd = lambda: 1 / 0
        self.assertEqual([each.type for each in self.register()], [DataConnectionClosedError])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_flatStack(self) -> None:
        """A consumer that pauses and goes on at each piece is given all of them, one behind the other."""
        self.connect()
        for _ in range(1000):
            self.dtp.dataReceived(b"x")

        def pauseAndGoOn(data: bytes) -> None:
            self.dtp.pauseProducing()
            self.dtp.resumeProducing()

        self.consumer.onWrite = pauseAndGoOn
        outcomes = self.register()
        self.dtp.connectionLost(DONE)
        self.assertEqual((len(self.consumer.received), outcomes), (1000, [None]))

    def test_nobodyComes(self) -> None:
        """A connection that is not read, as nobody takes anything, is closed with the control connection."""
        self.connect()
        self.factory.stopFactory()
        self.assertEqual(self.transport.names(), [])
        self.dtp.dataReceived(b"x" * 70000)
        self.factory.stopFactory()
        self.assertEqual(self.transport.names(), ["pauseProducing", "loseConnection"])

    def test_two(self) -> None:
        """There is one at a time."""
        self.connect()
        self.register()
        self.assertRaises(AssertionError, self.dtp.registerConsumer, Consumer())


class FactoryTests(SynchronousTestCase):
    """One data connection is waited for, for a while."""

    dtpInstance: Any = None

    def setUp(self) -> None:
        self.clock = Clock()
        self.factory = DTPFactory(self, "192.0.2.1", self.clock)

    def test_one(self) -> None:
        """The first connection is the one; its protocol knows where it belongs."""
        dtp = self.factory.buildProtocol(None)
        self.assertIs(self.dtpInstance, dtp)
        self.assertIs(self.factory._state, DTPFactory._FINISHED)
        self.assertIsNone(self.factory.buildProtocol(None))

    def test_late(self) -> None:
        """When time is up nobody may connect any more."""
        self.factory.setTimeout(10)
        waiting = self.factory.deferred
        assert waiting is not None
        self.clock.advance(10)
        self.failureResultOf(waiting, PortConnectionError)
        self.assertEqual((self.factory.deferred, self.factory.buildProtocol(None)), (None, None))
        self.assertIs(self.factory._state, DTPFactory._FAILED)

    def test_inTime(self) -> None:
        """The time limit ends with the connection, or with the factory."""
        for end in (lambda: self.factory.buildProtocol(None), self.factory.stopFactory):
            self.factory.setTimeout(10)
            end()
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.factory.cancelTimeout()

    def test_refused(self) -> None:
        """Nobody there is a failure, once."""
        waiting = self.factory.deferred
        assert waiting is not None
        self.factory.clientConnectionFailed(None, LOST)
        self.factory.clientConnectionFailed(None, LOST)
        self.factory.timeoutFactory()
        self.assertEqual(self.failureResultOf(waiting, PortConnectionError).value.args, (LOST,))

    def test_peer(self) -> None:
        """Whoever is not the peer of the control connection is refused, where that is asked for."""
        transport = RecordingTransport()
        other = type(transport.getPeer())("TCP", "192.0.2.9", 5)
        self.factory.peerCheck = True
        self.assertIsNone(self.factory.buildProtocol(other))
        self.assertIsInstance(self.factory.buildProtocol(transport.getPeer()), DTP)
        anybody = DTPFactory(self, None, self.clock)
        anybody.peerCheck = True
        self.assertIsInstance(anybody.buildProtocol(other), DTP)

    def test_application(self) -> None:
        """Where Twisted's module has this factory, an application's class that stands there is the one."""

        class Own(DTP):
            pass

        module = ModuleType("twisted.protocols.ftp")
        vars(module).update(DTP=Own, DTPFactory=DTPFactory)
        self.patch(sys, "modules", {**sys.modules, "twisted.protocols.ftp": module})
        self.assertIsInstance(self.factory.buildProtocol(None), Own)
        vars(module).update(DTPFactory=object)
        self.assertIs(type(DTPFactory(self, None, self.clock).buildProtocol(None)), DTP)
        vars(module).update(DTPFactory=DTPFactory, DTP=SimpleNamespace)
        foreign = DTPFactory(self, None, self.clock)
        self.assertIsInstance(foreign.buildProtocol(None), SimpleNamespace)
        foreign.stopFactory()

    def test_unmakeable(self) -> None:
        """Where the application's class or server raises, somebody else may connect, until time is up."""

        class Refusing:
            dtpInstance = property()

        def explode() -> Any:
            raise ZeroDivisionError

        module = ModuleType("twisted.protocols.ftp")
        vars(module).update(vars(sys.modules["twisted.protocols.ftp"]))
        vars(module).update(DTP=explode, DTPFactory=DTPFactory)
        for pi, error in ((self, ZeroDivisionError), (Refusing(), AttributeError)):
            factory = DTPFactory(pi, None, self.clock)
            factory.setTimeout(10)
            waiting = factory.deferred
            assert waiting is not None
            patch = self.patch(sys, "modules", {**sys.modules, "twisted.protocols.ftp": module})
            self.assertRaises(error, factory.buildProtocol, None)
            patch.restore()
            vars(module).update(DTP=DTP)
            self.clock.advance(10)
            self.failureResultOf(waiting, PortConnectionError)

    def test_reactor(self) -> None:
        """Without a reactor of one's own it is the global one."""
        from twisted.internet import reactor

        self.assertIs(DTPFactory(self)._reactor, reactor)
        self.assertIsInstance(DTPFactory(self).deferred, Deferred)
