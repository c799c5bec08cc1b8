"""Tests for L{twisted_basic_ng._ftp.dtp}."""

from __future__ import annotations

import copy
import pickle
import socket
import time
from types import SimpleNamespace
from typing import Any

from zope.interface.verify import verifyObject

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.python.filepath import Permissions
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng._ftp.dtp import DataConnectionClosedError
from twisted_basic_ng._ftp.dtpfactory import DTPFactory

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
        for again in (copy.copy(error), pickle.loads(pickle.dumps(error))):
            self.assertEqual((type(again), str(again)), (DataConnectionClosedError, str(error)))
        self.assertEqual(str(error), "the data connection is not open")
        self.connect()
        self.dtp.connectionLost(DONE)
        self.assertRaises(DataConnectionClosedError, self.dtp.write, b"data")

    def test_own(self) -> None:
        """Servers keep things of their own on it."""
        self.dtp.bytesSent = 5  # type: ignore[attr-defined]
        self.assertEqual((self.dtp.pi, self.dtp.factory), (self, self.factory))


class _Socket(RecordingTransport):
    """A transport with a socket, whose peer can close it."""

    def __init__(self) -> None:
        super().__init__()
        self.here, self.peer = socket.socketpair()

    def fileno(self) -> int:
        return self.here.fileno()


class LeftTests(DTPCase):
    """A peer that has closed the connection is gone, even if not everything was read."""

    def setUp(self) -> None:
        super().setUp()
        self.transport = _Socket()
        self.addCleanup(self.transport.here.close)
        self.addCleanup(self.transport.peer.close)
        self.connect()

    def test_noticed(self) -> None:
        """It is asked for while nothing is read, and not else."""
        self.transport.peer.close()
        self.dtp.dataReceived(b"x" * 65535)
        self.assertIs(self.dtp.isConnected, True)
        self.dtp.dataReceived(b"x")
        self.assertIs(self.dtp.isConnected, False)
        self.assertRaises(DataConnectionClosedError, self.dtp.write, b"data")

    def test_there(self) -> None:
        """A peer that has not closed it is there."""
        self.dtp.dataReceived(b"x" * 70000)
        self.assertIs(self.dtp.isConnected, True)
        outcomes = self.register()
        self.assertEqual((self.dtp.isConnected, outcomes), (True, []))

    def test_upload(self) -> None:
        """All that it has sent is read nevertheless."""
        self.dtp.dataReceived(b"x" * 70000)
        self.transport.peer.close()
        outcomes = self.register()
        self.assertEqual((self.dtp.isConnected, self.transport.reading, outcomes), (False, True, []))
        self.dtp.pauseProducing()
        self.dtp.resumeProducing()
        self.assertTrue(self.transport.reading)
        self.dtp.dataReceived(b"rest")
        self.dtp.connectionLost(DONE)
        self.assertEqual((outcomes, len(self.consumer.received)), ([None], 70004))

    def test_download(self) -> None:
        """What is to send is told to stop, as by a transport without a connection."""
        self.dtp.dataReceived(b"x" * 70000)
        self.transport.peer.close()
        self.assertFalse(self.dtp.isConnected)
        stopped: list[int] = []
        self.dtp.registerProducer(SimpleNamespace(stopProducing=lambda: stopped.append(1)), False)
        self.assertEqual((stopped, self.transport.producer, self.transport.disconnecting), ([1], None, True))


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
            {"owner": b"root", "group": b"a long group"},
            {"size": -1, "hardlinks": 2.5, "modified": None},
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

    def test_notFor(self) -> None:
        """What the peer sends during a listing or download is for nobody: it is read, and not kept."""
        for before in (0, 10, 70000):
            for use in (lambda: self.dtp.sendLine(b"x"), lambda: self.dtp.registerProducer(object(), False)):
                self.setUp()
                self.connect()
                self.dtp.dataReceived(b"x" * before)
                use()
                self.assertTrue(self.transport.reading)
                for _ in range(10):
                    self.dtp.dataReceived(b"x" * 70000)
                self.assertEqual((self.transport.reading, self.dtp._buffer), (True, None))

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

    def test_stopsWhilePaused(self) -> None:
        """It is over then, too, whatever it was not given yet."""
        self.connect()
        outcomes = self.register()
        self.dtp.pauseProducing()
        self.dtp.dataReceived(b"more")
        self.dtp.stopProducing()
        self.dtp.connectionLost(DONE)
        self.assertEqual((outcomes, self.consumer.received, self.dtp._buffer), ([None], b"", None))

    def test_stopsAtTheEnd(self) -> None:
        """It has what it wants, even if the peer has gone when the connection is to be closed."""
        self.connect()
        outcomes = self.register()
        self.dtp.dataReceived(b"all of it")
        self.dtp.stopProducing()
        self.dtp.connectionLost(LOST)
        self.assertEqual((outcomes, self.consumer.events[-1]), ([None], "unregistered"))

    def test_stopsBehindTheEnd(self) -> None:
        """It is over at once if the connection has ended before, whatever was still kept for it."""
        self.connect()
        outcomes = self.register()
        self.dtp.pauseProducing()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(DONE)
        self.assertEqual(outcomes, [])
        self.dtp.stopProducing()
        self.dtp.resumeProducing()
        self.assertEqual((outcomes, self.consumer.events), ([None], [("registered", True), "unregistered"]))

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
        self.dtp.dataReceived(b"x" * 65536)
        self.assertEqual(self.transport.names(), ["loseConnection"])
        self.assertIsNone(self.dtp._buffer)

    def test_goesOn(self) -> None:
        """A peer that sends more than 64 KiB after that loses its connection at once, and once."""
        self.connect()
        self.consumer.onWrite = lambda data: 1 / 0
        outcomes = self.register()
        self.dtp.dataReceived(b"x")
        self.assertEqual([each.type for each in outcomes], [ZeroDivisionError])
        for size, names in ((65536, []), (1, ["abortConnection"]), (70000, ["abortConnection"])):
            self.dtp.dataReceived(b"x" * size)
            self.assertEqual(self.transport.names(), ["loseConnection", *names])
        self.assertEqual((len(self.consumer.received), self.dtp._buffer), (1, None))

    def test_goesOnWithoutAbort(self) -> None:
        """Where a transport cannot do that, it is asked to close again."""
        self.transport = RecordingTransport(lacking=("abortConnection",))
        self.connect()
        self.consumer.onWrite = lambda data: 1 / 0
        self.register()
        self.dtp.dataReceived(b"x")
        self.dtp.dataReceived(b"x" * 65537)
        self.assertEqual(self.transport.names(), ["loseConnection", "loseConnection"])

    def test_cancelled(self) -> None:
        """An upload that is cancelled is over: the connection is closed, and nothing more is kept."""
        self.connect()
        ending = self.dtp.registerConsumer(self.consumer)
        self.dtp.pauseProducing()
        self.dtp.dataReceived(b"one")
        ending.cancel()
        self.failureResultOf(ending, CancelledError)
        self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])
        # Over TLS the peer's own end has to be read.
        self.assertEqual(self.transport.names(), ["pauseProducing", "loseConnection", "resumeProducing"])
        self.dtp.dataReceived(b"two")
        self.assertEqual((self.dtp._buffer, self.dtp._cons, self.dtp._onConnLost), (None, None, None))
        self.dtp.connectionLost(LOST)

    def test_begins(self) -> None:
        """A consumer may pause, go on or end it all while it is registered; it is given what was kept after that."""
        for act, expected, outcome in (
            (("resumeProducing",), b"one", []),
            (("pauseProducing",), b"", []),
            (("connectionLost", DONE), b"one", [None]),
            (("connectionLost", LOST), b"", [LOST]),
        ):
            self.setUp()
            self.connect()
            self.dtp.dataReceived(b"one")
            received: list[bytes] = []

            def register(producer: Any, streaming: bool) -> None:
                getattr(producer, act[0])(*act[1:])  # noqa: B023
                received.append(self.consumer.received)  # noqa: B023

            self.consumer.registerProducer = register  # type: ignore[method-assign]
            self.assertEqual((self.register(), received, self.consumer.received), (outcome, [b""], expected))

    def test_givenUp(self) -> None:
        """Once this side has given up, there is nothing to be received any more."""
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        self.factory.stopFactory()
        self.dtp.connectionLost(DONE)
        self.assertEqual([each.type for each in self.register()], [DataConnectionClosedError])
        self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])

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
        self.dtp.dataReceived(b"x" * 70000)
        self.factory.stopFactory()
        self.factory.stopFactory()
        self.assertEqual(self.transport.names(), ["pauseProducing", "loseConnection", "resumeProducing"])

    def test_nobodyCame(self) -> None:
        """One that would not be read from now on is closed, too; one that is read is not."""
        self.connect()
        self.factory.stopFactory()
        self.dtp.dataReceived(b"x" * 65535)
        self.assertEqual(self.transport.names(), [])
        self.dtp.dataReceived(b"x")
        self.assertEqual((self.transport.names(), self.dtp._buffer), (["loseConnection"], None))

    def test_underWay(self) -> None:
        """The end of the control connection leaves an upload that has begun alone."""
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        outcomes = self.register()
        self.factory.stopFactory()
        self.dtp.dataReceived(b"y" * 70000)
        self.dtp.connectionLost(DONE)
        self.assertEqual((outcomes, len(self.consumer.received)), ([None], 140000))

    def test_closedHere(self) -> None:
        """What comes after the application has closed the connection is bounded, as its end may come behind it."""
        self.connect()
        self.transport.loseConnection()
        for _ in range(64):
            self.dtp.dataReceived(b"x" * 1024)
        self.assertEqual((self.transport.reading, self.dtp._buffer), (True, None))
        self.dtp.dataReceived(b"x" * 65537)
        self.assertEqual(self.transport.names()[-1], "abortConnection")

    def test_stillHeld(self) -> None:
        """Where nobody takes what was kept, nothing is read, whoever says so."""
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        self.dtp.pauseProducing()
        self.dtp.resumeProducing()
        self.assertFalse(self.transport.reading)
        self.register()
        self.assertTrue(self.transport.reading)

    def test_nothingKept(self) -> None:
        """Of an upload that is cut off before there is a consumer, nothing is kept."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(LOST)
        self.assertIsNone(self.dtp._buffer)

    def test_two(self) -> None:
        """There is one at a time."""
        self.connect()
        self.register()
        self.assertRaises(AssertionError, self.dtp.registerConsumer, Consumer())
