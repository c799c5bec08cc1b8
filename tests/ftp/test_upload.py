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
    """Methods of the private base show the name of the public class."""

    def test_methods(self) -> None:
        """The methods can be pickled by the name of L{DTP}."""
        methods = [each for each in vars(UploadConnection).values() if isinstance(each, FunctionType)]
        self.assertIn(UploadConnection.dataReceived, methods)
        for method in methods:
            self.assertEqual(
                (method.__module__, method.__qualname__),
                (DTP.__module__, f"DTP.{method.__name__}"),
            )
            self.assertIs(pickle.loads(pickle.dumps(method)), method)


class _Socket(RecordingTransport):
    """A transport with a socket whose peer can close it."""

    def __init__(self) -> None:
        super().__init__()
        self.here, self.peer = socket.socketpair()

    def fileno(self) -> int:
        return self.here.fileno()


class LeftTests(DTPCase):
    """A peer that has closed the connection is noticed, even if unread data remains."""

    def setUp(self) -> None:
        super().setUp()
        self.transport = _Socket()
        self.addCleanup(self.transport.here.close)
        self.addCleanup(self.transport.peer.close)
        self.connect()

    def test_noticed(self) -> None:
        """The check is made while reading is paused, and not otherwise."""
        self.transport.peer.close()
        self.dtp.dataReceived(b"x" * 65535)
        self.assertIs(self.dtp.isConnected, True)
        self.dtp.dataReceived(b"x")
        self.assertIs(self.dtp.isConnected, False)
        self.assertRaises(DataConnectionClosedError, self.dtp.write, b"data")

    def test_there(self) -> None:
        """A peer that has not closed counts as connected."""
        self.dtp.dataReceived(b"x" * 70000)
        self.assertIs(self.dtp.isConnected, True)
        outcomes = self.register()
        self.assertEqual((self.dtp.isConnected, outcomes), (True, []))

    def test_upload(self) -> None:
        """All data of a peer that has closed is still read."""
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
        """A producer is stopped, as by a transport without a connection."""
        self.dtp.dataReceived(b"x" * 70000)
        self.transport.peer.close()
        self.assertFalse(self.dtp.isConnected)
        stopped: list[int] = []
        self.dtp.registerProducer(SimpleNamespace(stopProducing=lambda: stopped.append(1)), False)
        self.assertEqual((stopped, self.transport.producer, self.transport.disconnecting), ([1], None, True))


class UploadTests(DTPCase):
    """Received data goes to the consumer, and the end is reported once."""

    def test_clean(self) -> None:
        """An upload is complete when the peer closes the connection normally."""
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
        """An upload fails when the connection is cut off, and the consumer is unregistered."""
        self.connect()
        outcomes = self.register()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(LOST)
        self.assertEqual((outcomes, self.consumer.events[-1]), ([LOST], "unregistered"))

    def test_before(self) -> None:
        """Data that arrived before the consumer is delivered first."""
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
        """All data may arrive before the consumer."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(DONE)
        self.assertEqual(self.register(), [None])
        self.assertEqual(self.consumer.events, [("registered", True), b"one", "unregistered"])

    def test_neverConnected(self) -> None:
        """Without a connection, the consumer receives nothing."""
        self.assertEqual(self.register(), [None])
        self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])

    def test_cutBefore(self) -> None:
        """
        If the connection was cut off before the consumer came, the upload fails and nothing is
        written.
        """
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(LOST)
        self.assertEqual(self.register(), [LOST])
        self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])

    def test_bounded(self) -> None:
        """
        Before the consumer comes, only a limited amount is read.  Reading continues afterwards.
        """
        for size, count in ((65536, 1), (1000, 66), (1, 1024)):
            self.setUp()
            self.connect()
            for _ in range(count - 1):
                self.dtp.dataReceived(b"x" * size)
            self.assertTrue(self.transport.reading)
            self.dtp.dataReceived(b"x" * size)
            self.assertFalse(self.transport.reading)
            self.dtp.dataReceived(b"y")  # data that was already read
            outcomes = self.register()
            self.assertEqual(len(self.consumer.received), size * count + 1)
            self.assertEqual(self.transport.names(), ["pauseProducing", "resumeProducing"])
            self.dtp.connectionLost(DONE)
            self.assertEqual(outcomes, [None])

    def test_pauses(self) -> None:
        """A consumer that pauses receives neither data nor the end until it resumes."""
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
        """Data that was already read when the consumer pauses waits, too."""
        self.connect()
        outcomes = self.register()
        self.dtp.pauseProducing()
        self.dtp.dataReceived(b"one")
        self.assertEqual((self.consumer.received, self.dtp._buffer), (b"", [b"one"]))
        self.dtp.resumeProducing()
        self.dtp.connectionLost(DONE)
        self.assertEqual((self.consumer.received, outcomes), (b"one", [None]))

    def test_pausesWhileHeld(self) -> None:
        """
        A transport that was paused because no consumer had come stays paused if the consumer
        pauses, too.
        """
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        self.consumer.onWrite = lambda data: self.dtp.pauseProducing()
        self.register()
        self.assertFalse(self.transport.reading)
        self.dtp.resumeProducing()
        self.assertTrue(self.transport.reading)

    def test_stops(self) -> None:
        """A consumer that stops closes the connection."""
        self.connect()
        self.register()
        self.dtp.stopProducing()
        self.assertEqual(self.transport.names(), ["stopProducing"])
        self.dtp.connectionLost(DONE)
        self.dtp.stopProducing()
        self.dtp.pauseProducing()
        self.assertEqual(self.transport.names(), ["stopProducing"])

    def test_stopsWhilePaused(self) -> None:
        """A stopped upload ends, whatever the consumer has not received yet."""
        self.connect()
        outcomes = self.register()
        self.dtp.pauseProducing()
        self.dtp.dataReceived(b"more")
        self.dtp.stopProducing()
        self.dtp.connectionLost(DONE)
        self.assertEqual((outcomes, self.consumer.received, self.dtp._buffer), ([None], b"", None))

    def test_stopsAtTheEnd(self) -> None:
        """A stopped upload is complete even if the peer resets the connection then."""
        self.connect()
        outcomes = self.register()
        self.dtp.dataReceived(b"all of it")
        self.dtp.stopProducing()
        self.dtp.connectionLost(LOST)
        self.assertEqual((outcomes, self.consumer.events[-1]), ([None], "unregistered"))

    def test_stopsBehindTheEnd(self) -> None:
        """If the connection has already ended, stopping ends the upload at once."""
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
        """Stopping before there is a consumer keeps the data for it."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.stopProducing()
        self.dtp.connectionLost(DONE)
        self.assertEqual((self.register(), self.consumer.received), ([None], b"one"))

    def test_closingRaises(self) -> None:
        """An upload ends even if the transport raises when it is closed."""
        self.connect()
        self.consumer.onWrite = lambda data: 1 / 0
        outcomes = self.register()
        self.transport.hooks["loseConnection"] = lambda: {}["closed"]
        self.assertRaises(KeyError, self.dtp.dataReceived, b"one")
        self.assertEqual([each.type for each in outcomes], [ZeroDivisionError])

    def test_raises(self) -> None:
        """
        A consumer that raises ends the upload with its error and closes the connection.  It
        receives no more data.
        """

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
        """A consumer may also raise after the connection has ended."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(DONE)
        self.consumer.onWrite = lambda data: 1 / 0
        self.assertEqual([each.type for each in self.register()], [ZeroDivisionError])

    def test_endRaises(self) -> None:
        """
        An error at the end, such as in closing a file, is the result of the upload.  It does not
        replace an earlier error.
        """

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
        """A consumer whose C{registerProducer} raises closes the connection."""

        def explode(producer: Any, streaming: bool) -> None:
            raise RuntimeError("not now")

        self.connect()
        self.consumer.registerProducer = explode  # type: ignore[method-assign]
        self.assertRaises(RuntimeError, self.dtp.registerConsumer, self.consumer)
        self.dtp.dataReceived(b"x" * 65536)
        self.assertEqual(self.transport.names(), ["loseConnection"])
        self.assertIsNone(self.dtp._buffer)

    def test_goesOn(self) -> None:
        """A peer that sends more than 64 KiB after that is aborted, once."""
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
        """A transport that cannot abort is asked to close again."""
        self.transport = RecordingTransport(lacking=("abortConnection",))
        self.connect()
        self.consumer.onWrite = lambda data: 1 / 0
        self.register()
        self.dtp.dataReceived(b"x")
        self.dtp.dataReceived(b"x" * 65537)
        self.assertEqual(self.transport.names(), ["loseConnection", "loseConnection"])

    def test_cancelled(self) -> None:
        """Cancelling an upload closes the connection, and nothing more is kept."""
        self.connect()
        ending = self.dtp.registerConsumer(self.consumer)
        self.dtp.pauseProducing()
        self.dtp.dataReceived(b"one")
        ending.cancel()
        self.failureResultOf(ending, CancelledError)
        self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])
        # Over TLS, the peer's close must be read.
        self.assertEqual(self.transport.names(), ["pauseProducing", "loseConnection", "resumeProducing"])
        self.dtp.dataReceived(b"two")
        self.assertEqual((self.dtp._buffer, self.dtp._cons, self.dtp._onConnLost), (None, None, None))
        self.dtp.connectionLost(LOST)

    def test_begins(self) -> None:
        """
        A consumer may pause, resume or end the upload while it is registered.  It receives the kept
        data after that.
        """
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
        """After the server has given up the connection, an upload fails."""
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        self.factory.stopFactory()
        self.dtp.connectionLost(DONE)
        self.assertEqual([each.type for each in self.register()], [DataConnectionClosedError])
        self.assertEqual(self.consumer.events, [("registered", True), "unregistered"])

    def test_used(self) -> None:
        """A connection serves one transfer.  Another consumer gets an error."""
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
        """
        An error of such a consumer at its end is logged, and does not replace the first error.
        """
        self.connect()
        self.dtp.sendLine(b"x")
        self.consumer.onEnd = lambda: 1 / 0
        self.assertEqual([each.type for each in self.register()], [DataConnectionClosedError])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_flatStack(self) -> None:
        """The stack does not grow if a consumer pauses and resumes at each chunk."""
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
        """
        A connection whose reading is paused because no consumer came is closed with the control
        connection.
        """
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        self.factory.stopFactory()
        self.factory.stopFactory()
        self.assertEqual(self.transport.names(), ["pauseProducing", "loseConnection", "resumeProducing"])

    def test_nobodyCame(self) -> None:
        """
        After the control connection has ended, the connection is closed as soon as reading would
        pause.
        """
        self.connect()
        self.factory.stopFactory()
        self.dtp.dataReceived(b"x" * 65535)
        self.assertEqual(self.transport.names(), [])
        self.dtp.dataReceived(b"x")
        self.assertEqual((self.transport.names(), self.dtp._buffer), (["loseConnection"], None))

    def test_underWay(self) -> None:
        """An upload in progress continues after the end of the control connection."""
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        outcomes = self.register()
        self.factory.stopFactory()
        self.dtp.dataReceived(b"y" * 70000)
        self.dtp.connectionLost(DONE)
        self.assertEqual((outcomes, len(self.consumer.received)), ([None], 140000))

    def test_closedHere(self) -> None:
        """After the application closes the connection, only a limited amount is accepted."""
        self.connect()
        self.transport.loseConnection()
        for _ in range(64):
            self.dtp.dataReceived(b"x" * 1024)
        self.assertEqual((self.transport.reading, self.dtp._buffer), (True, None))
        self.dtp.dataReceived(b"x" * 65537)
        self.assertEqual(self.transport.names()[-1], "abortConnection")

    def test_stillHeld(self) -> None:
        """Until a consumer comes, reading stays paused, even if C{resumeProducing} is called."""
        self.connect()
        self.dtp.dataReceived(b"x" * 70000)
        self.dtp.pauseProducing()
        self.dtp.resumeProducing()
        self.assertFalse(self.transport.reading)
        self.register()
        self.assertTrue(self.transport.reading)

    def test_nothingKept(self) -> None:
        """Nothing is kept of an upload that is cut off before there is a consumer."""
        self.connect()
        self.dtp.dataReceived(b"one")
        self.dtp.connectionLost(LOST)
        self.assertIsNone(self.dtp._buffer)

    def test_two(self) -> None:
        """A second consumer is refused."""
        self.connect()
        self.register()
        self.assertRaises(AssertionError, self.dtp.registerConsumer, Consumer())
