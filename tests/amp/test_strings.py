"""Tests for L{twisted_basic_ng.amp._strings}."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, deliver, deliveries
from twisted_basic_ng import amp

from .boxes import Boxes, Hooked, ReadingCase, numbered


class LimitTests(ReadingCase):
    """A peer that exceeds a limit is dropped."""

    def test_longKey(self) -> None:
        """A too long key is refused at any place in a box, and the reason names its length."""
        for before in (b"", self.data(1), numbered(0).serialize()[:-2], b"\x00\x01a\x00\x00"):
            self.renew()
            self.protocol.dataReceived(before + b"\x01\x00" + b"k" * 300)
            self.protocol.dataReceived(self.data(1))
            self.assertEqual((self.transport.disconnecting, self.protocol._keyLengthLimitExceeded), (True, True))
            self.assertNotIn(b"k", self.protocol.recvd)
            self.assertIsNone(self.protocol._currentBox)
            self.protocol.connectionLost(Failure(ConnectionDone()))
            error = self.boxes.calls[-1]
            self.assertIsInstance(error, amp.TooLong)
            self.assertEqual((error.isKey, error.isLocal, error.value, error.keyName), (True, False, None, None))
            self.assertIn("; the peer sent the length 256, the bytes b'\\x01\\x00': it is no AMP", str(error))

    def test_longKeyBehindTheEnd(self) -> None:
        """After a callback has ended the connection, there is no peer to drop."""
        self.boxes.actions[1] = lambda: setattr(self.protocol, "transport", None)
        self.protocol.dataReceived(self.data(1) + b"\1\0")
        self.assertEqual((len(self.boxes.calls), self.transport.names()), (1, []))

    def test_ownLimit(self) -> None:
        """A subclass may handle a too long key itself."""
        lengths: list[int] = []
        self.protocol.lengthLimitExceeded = lengths.append  # type: ignore[method-assign, assignment]
        self.protocol.dataReceived(b"\x01\x02rest")
        self.assertEqual((lengths, self.protocol.recvd), ([258], b"\x01\x02rest"))
        self.assertFalse(self.transport.disconnecting)

    def keys(self, count: int) -> bytes:
        return b"".join(b"\x00\x04%04d\x00\x00" % number for number in range(count))

    def test_keys(self) -> None:
        """The number of keys is limited, whether the box is complete or not."""
        for chunks in ([self.keys(4097) + b"\0\0"], [self.keys(4097)], [self.keys(2000), self.keys(4097)]):
            self.renew()
            deliver(self.protocol, chunks)
            self.assertEqual((self.boxes.calls, self.transport.disconnecting), ([], True))
            self.assertEqual((self.protocol._currentBox, self.protocol.state), (None, "init"))
            self.protocol.connectionLost(Failure(ConnectionDone()))
            (error,) = self.boxes.calls
            self.assertEqual((type(error), error.limit, error.unit), (amp.BoxTooLargeError, 4096, "keys"))
        self.renew()
        self.protocol.dataReceived(self.keys(4096) + b"\0\0")
        self.assertEqual([len(box) for box in self.boxes.calls], [4096])

    def test_length(self) -> None:
        """The number of bytes is limited, too.  A repeated key counts again."""
        self.protocol.MAX_BOX_LENGTH = 1000  # type: ignore[misc]
        pair = b"\x00\x01k\x00\x60" + b"v" * 96
        self.protocol.dataReceived(pair * 9)
        self.assertFalse(self.transport.disconnecting)
        self.protocol.dataReceived(pair)
        self.assertTrue(self.transport.disconnecting)
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual([(error.size, error.limit, error.unit) for error in self.boxes.calls], [(1010, 1000, "bytes")])

    def test_exact(self) -> None:
        """A box may have exactly the limit in bytes, not counting its end, in any chunks."""
        data = amp.AmpBox(a=b"b", c=b"d").serialize()
        for limit, count in ((12, 1), (11, 0)):
            for chunks in deliveries(data):
                self.renew()
                self.protocol.MAX_BOX_LENGTH = limit  # type: ignore[misc]
                deliver(self.protocol, chunks)
                self.assertEqual((len(self.boxes.calls), self.transport.disconnecting), (count, not count))

    def test_changed(self) -> None:
        """A limit that a callback changes applies from the next box on, in any chunks."""
        for name, most in (("MAX_BOX_KEYS", 1), ("MAX_BOX_LENGTH", 5)):
            for chunks in deliveries(self.data(4)):
                self.renew()
                self.boxes.actions[2] = lambda name=name, most=most: setattr(self.protocol, name, most)
                deliver(self.protocol, chunks)
                self.assertEqual(self.boxes.calls, [numbered(0), numbered(1)])
                self.assertTrue(self.transport.disconnecting)

    def test_none(self) -> None:
        """Both limits can be switched off."""
        self.protocol.MAX_BOX_KEYS = None  # type: ignore[misc]
        self.protocol.MAX_BOX_LENGTH = None  # type: ignore[misc]
        self.protocol.dataReceived(self.keys(5000) + b"\0\0")
        self.assertEqual([len(box) for box in self.boxes.calls], [5000])


class HookedLimitTests(LimitTests):
    """The same tests, string by string."""

    kind = Hooked


class DirectTests(SynchronousTestCase):
    """The methods of the states can be called without received bytes."""

    def test_box(self) -> None:
        """They build a box from strings."""
        boxes = Boxes()
        protocol = amp.BinaryBoxProtocol(boxes)
        self.assertEqual(protocol.proto_init(b"a"), "value")
        self.assertEqual(protocol.proto_value(b"b"), "key")
        self.assertEqual(protocol.proto_key(b""), "init")
        self.assertEqual(boxes.calls, [{b"a": b"b"}])


class TimeTests(ReadingCase):
    """C{MAX_MESSAGE_TIME} limits the time from a box's first byte to its last."""

    def renew(self) -> None:
        super().renew()
        self.clock = Clock()
        self.protocol.MAX_MESSAGE_TIME = 10  # type: ignore[misc]
        self.protocol._receiverCallLater = self.clock.callLater  # type: ignore[method-assign]

    def test_timely(self) -> None:
        """Boxes that arrive in time never reach the limit."""
        data = self.data(1)
        for _ in range(5):
            self.protocol.dataReceived(data[:9])
            self.clock.advance(6)
            self.protocol.dataReceived(data[9:] + data[:1])
            self.clock.advance(6)
            self.protocol.dataReceived(data[1:])
            self.clock.advance(60)
            self.protocol.dataReceived(data)
        self.assertEqual((len(self.boxes.calls), self.clock.getDelayedCalls()), (15, []))

    def test_slow(self) -> None:
        """A peer that sends single keys is aborted, and calls fail with the reason."""
        for first, second in ((b"\0\1a\0\1b", b"\0\1c\0\1d"), (b"\0", b"\1c\0\1d")):
            self.renew()
            self.protocol.dataReceived(self.data(1) + first)
            self.clock.advance(6)
            self.protocol.dataReceived(second)
            self.clock.advance(6)
            self.assertEqual(self.transport.names(), ["abortConnection"])
            self.protocol.connectionLost(Failure(ConnectionDone()))
            error = self.boxes.calls[-1]
            self.assertEqual((type(error), error.limit), (amp.UnfinishedBoxError, 10))

    def test_paused(self) -> None:
        """The time does not run while the application has paused."""
        self.protocol.dataReceived(self.data(1)[:9])
        self.protocol.pauseProducing()
        self.clock.advance(11)
        self.assertEqual(self.transport.names(), ["pauseProducing"])

    def test_lost(self) -> None:
        """No timer runs after the connection is lost."""
        self.protocol.dataReceived(self.data(1)[:9])
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lostMeanwhile(self) -> None:
        """
        If a box ends the connection while another one is unfinished, no timer runs until there is a
        new connection.
        """
        self.boxes.actions[1] = lambda: self.protocol.connectionLost(Failure(ConnectionDone()))
        self.protocol.dataReceived(self.data(1) + b"\0\1a")
        self.assertEqual(self.clock.getDelayedCalls(), [])
        RecordingTransport().connect(self.protocol)
        self.protocol.dataReceived(b"\0\1b")
        self.assertEqual(len(self.clock.getDelayedCalls()), 1)


class HookedTimeTests(TimeTests):
    """The same tests, string by string."""

    kind = Hooked


class LeavingTests(ReadingCase):
    """A peer that was left is ignored."""

    def test_left(self) -> None:
        """
        Its earlier and later bytes are ignored, and its connection is aborted if it sends too many.
        """
        self.boxes.actions[1] = self.protocol._ampLeavePeer
        self.protocol.dataReceived(self.data(3))
        self.protocol.dataReceived(self.data(1))
        self.assertEqual((len(self.boxes.calls), self.transport.names()), (1, ["loseConnection"]))
        self.protocol.dataReceived(b"x" * 70000)
        self.assertEqual(self.transport.names(), ["loseConnection", "abortConnection"])

    def test_unconnected(self) -> None:
        """Without a connection, there is no peer to leave."""
        self.protocol.transport = None
        self.protocol._ampLeavePeer()
        self.assertEqual(self.transport.names(), [])


class HookedLeavingTests(LeavingTests):
    """The same tests, string by string."""

    kind = Hooked
