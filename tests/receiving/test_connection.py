"""Tests for L{twisted_basic_ng._receiving.connection}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng._receiving.backlog import Backlog
from twisted_basic_ng._receiving.connection import Connection, Dropped, _mayTurnToTLS, abort, describePeer


class DescribeTests(SynchronousTestCase):
    """L{describePeer} describes the peer, if it can."""

    def test_known(self) -> None:
        """The description contains the peer's address."""
        self.assertIn("192.0.2.1", describePeer(RecordingTransport()))

    def test_unknown(self) -> None:
        """A transport without a known peer is described as "an unknown peer"."""
        silent = RecordingTransport()
        silent.getPeer = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        for each in (None, object(), silent, RecordingTransport(lacking=["getPeer"])):
            self.assertEqual(describePeer(each), "an unknown peer")


class AbortTests(SynchronousTestCase):
    """L{abort} uses the best method that the transport has."""

    def test_abort(self) -> None:
        """It aborts the connection."""
        transport = RecordingTransport()
        abort(transport)
        self.assertEqual(transport.names(), ["abortConnection"])

    def test_lose(self) -> None:
        """It closes the connection if the transport cannot abort it."""
        transport = RecordingTransport(lacking=["abortConnection"])
        abort(transport)
        self.assertEqual(transport.names(), ["loseConnection"])


class PlainTransportTests(SynchronousTestCase):
    """L{_mayTurnToTLS} finds the transport that C{startTLS} changes."""

    def test_layerItself(self) -> None:
        """A transport that is a TLS layer itself cannot start TLS."""

        class Layer:
            def __init__(self) -> None:
                self.wrappedProtocol = None
                self.transport = RecordingTransport()

            def getPeerCertificate(self) -> None:
                """Exists, as on a TLS layer."""

        self.assertIsNone(_mayTurnToTLS(Layer()))
        self.assertIsNone(_mayTurnToTLS(object()))


class ConnectionTests(SynchronousTestCase):
    """L{Connection} keeps the properties of its transport."""

    def test_unattached(self) -> None:
        """Without a usable transport, the flags C{TLS} and C{disconnecting} are false."""
        connection = Connection(Backlog())
        self.assertFalse(connection.plainTransport.TLS or connection.closingTransport.disconnecting)
        connection.attach(object())
        self.assertFalse(connection.plainTransport.TLS or connection.closingTransport.disconnecting)

    def test_attached(self) -> None:
        """The flags are those of the transport, until TLS starts or the transport is forgotten."""
        connection = Connection(Backlog())
        transport = RecordingTransport()
        connection.attach(transport)
        self.assertIs(connection.plainTransport, transport)
        self.assertIs(connection.closingTransport, transport)
        self.assertIs(connection.leavePlaintext(), transport)
        transport.startTLS()
        self.assertFalse(connection.plainTransport.TLS)
        connection.forgetTransport()
        self.assertIsNot(connection.closingTransport, transport)
        self.assertIsNone(connection.transport)

    def test_addMeanwhile(self) -> None:
        """
        Bytes that arrive during a delivery are converted to bytes and kept; an empty call is noted,
        too.
        """
        connection = Connection(Backlog())
        connection.addMeanwhile(b"")
        self.assertTrue(connection.isReentered)
        self.assertFalse(connection.backlog)
        for each in (bytearray(b"ab"), memoryview(b"cd")):
            connection.addMeanwhile(each)  # type: ignore[arg-type]
        self.assertEqual((type(connection.backlog.current), connection.backlog.take()), (bytes, b"abcd"))
        self.assertRaises(TypeError, connection.addMeanwhile, "text")

    def test_dropped(self) -> None:
        """A dropped peer is aborted once it has sent more than 64 KiB."""
        transport = RecordingTransport()
        dropped = Dropped(Backlog(), transport)
        for size, expected in ((65536, []), (1, ["abortConnection"]), (65536, ["abortConnection"])):
            dropped.addMeanwhile(b"x" * size)
            self.assertEqual((transport.names(), bool(dropped.backlog)), (expected, False))

    def test_afterClose(self) -> None:
        """After a close, a limited number of bytes is accepted.  Once it is exceeded, none are."""
        connection = Connection(Backlog())
        for _ in range(16):
            self.assertEqual(len(connection.acceptAfterClose(b"x" * 2**20, 2**20, 0)), 2**20)
        self.assertEqual(len(connection.acceptAfterClose(b"x" * 2**21, 2**20, 0)), 2**20)
        self.assertEqual(connection.acceptAfterClose(b"x", 2**20, 0), b"")

    def test_keptAfterClose(self) -> None:
        """Fewer bytes are accepted if undelivered ones are kept."""
        connection = Connection(Backlog())
        self.assertEqual(connection.acceptAfterClose(b"abc", 2, 2**18), b"ab")
