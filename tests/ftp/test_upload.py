"""Tests for L{twisted_basic_ng._ftp.upload}."""

from __future__ import annotations

import pickle
import socket
from types import FunctionType, SimpleNamespace
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng._ftp.dtp import DTP
from twisted_basic_ng._ftp.upload import DataConnectionClosedError, UploadConnection

from .cases import DONE, LOST, Consumer, DTPCase


class NameTests(SynchronousTestCase):
    """What leaves the process names the public class alone."""

    def test_methods(self) -> None:
        """The methods say that they are those of the data connection."""
        methods = [each for each in vars(UploadConnection).values() if isinstance(each, FunctionType)]
        self.assertIn(UploadConnection.dataReceived, methods)
        for method in methods:
            self.assertEqual(
                (method.__module__, method.__qualname__),
                (DTP.__module__, f"DTP.{method.__name__}"),
            )
            self.assertIs(pickle.loads(pickle.dumps(method)), method)


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
