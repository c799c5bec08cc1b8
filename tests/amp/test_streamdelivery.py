"""
Tests for L{twisted_basic_ng.amp._streamdelivery}: delivering a stream to consumers and protocols.
"""

from __future__ import annotations

from typing import Any

from zope.interface import implementer
from zope.interface.verify import verifyObject

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from tests.amp.test_streamreader import ReaderCase, items
from twisted_basic_ng import amp


@implementer(IConsumer)
class Consumer:
    """Collects its data."""

    def __init__(self) -> None:
        self.data: list[Any] = []
        self.producer: Any = None
        self.ended = 0
        self.onWrite: Any = lambda: None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.ended += 1

    def write(self, data: Any) -> None:
        self.data.append(data)
        self.onWrite()


class Receiver(Protocol):
    """Collects its data and the reason of C{connectionLost}."""

    def __init__(self) -> None:
        self.data = b""
        self.lost: list[Any] = []

    def dataReceived(self, data: bytes) -> None:
        self.data += data

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.lost.append(reason.type)


class ConsumerTests(ReaderCase):
    """A consumer receives the stream."""

    def setUp(self) -> None:
        super().setUp()
        self.reader = amp.StreamReader(self.inbox)
        self.consumer = Consumer()

    def test_whole(self) -> None:
        """It receives the bytes that have arrived, those that arrive later, and the end."""
        self.inbox.arrived(b"a")
        done = self.reader.deliverTo(self.consumer)
        self.inbox.arrived(b"b")
        self.assertNoResult(done)
        self.inbox.arrived(b"c", True)
        self.assertIsNone(self.successResultOf(done))
        self.assertEqual((self.consumer.data, self.consumer.ended), ([b"a", b"b", b"c"], 1))
        verifyObject(IPushProducer, self.consumer.producer)

    def test_items(self) -> None:
        """It may receive items."""
        reader = amp.ItemReader(self.inbox, amp.Integer(), None)
        self.inbox.arrived(items(b"1", b"2"), True)
        self.successResultOf(reader.deliverTo(self.consumer))
        self.assertEqual(self.consumer.data, [1, 2])

    def test_paused(self) -> None:
        """A paused consumer receives neither data nor the end until it resumes."""
        done = self.reader.deliverTo(self.consumer)
        self.consumer.onWrite = self.consumer.producer.pauseProducing
        self.inbox.arrived(b"a")
        self.inbox.arrived(b"b", True)
        self.assertEqual(self.consumer.data, [b"a"])
        self.consumer.producer.resumeProducing()
        self.assertEqual((self.consumer.data, self.consumer.ended), ([b"a", b"b"], 0))
        self.consumer.producer.resumeProducing()
        self.successResultOf(done)
        self.consumer.producer.resumeProducing()
        self.assertEqual(self.consumer.ended, 1)

    def test_resumedInside(self) -> None:
        """It may pause and resume at each write.  The stack does not grow."""
        self.inbox.credit = 10**6
        for _ in range(5000):
            self.inbox.arrived(b"x")

        def resume() -> None:
            self.consumer.producer.pauseProducing()
            self.consumer.producer.resumeProducing()

        self.consumer.onWrite = resume
        self.reader.deliverTo(self.consumer)
        self.assertEqual(len(self.consumer.data), 5000)

    def test_stopped(self) -> None:
        """A consumer may stop the stream."""
        done = self.reader.deliverTo(self.consumer)
        self.inbox.arrived(b"a")
        self.consumer.producer.stopProducing()
        self.failureResultOf(done, amp.StreamStoppedError)
        self.assertEqual((self.stops(), self.consumer.ended), ([b"STOPPED"], 1))

    def test_stoppedInside(self) -> None:
        """It may do so during a write."""
        self.inbox.arrived(b"a")
        self.inbox.arrived(b"b")
        self.consumer.onWrite = lambda: self.consumer.producer.stopProducing()  # noqa: PLW0108 - there is none yet
        done = self.reader.deliverTo(self.consumer)
        self.failureResultOf(done, amp.StreamStoppedError)
        self.assertEqual((self.consumer.data, self.consumer.ended), ([b"a"], 1))

    def test_raises(self) -> None:
        """A consumer that raises stops the stream."""

        def fail() -> None:
            raise LookupError

        self.consumer.onWrite = fail
        done = self.reader.deliverTo(self.consumer)
        self.inbox.arrived(b"a")
        self.failureResultOf(done, LookupError)
        self.assertEqual((self.stops(), self.consumer.ended), ([b"STOPPED"], 1))

    def test_endRaises(self) -> None:
        """An error in C{unregisterProducer} is the result, unless the stream has failed."""

        def fail() -> None:
            raise LookupError

        self.consumer.unregisterProducer = fail  # type: ignore[method-assign]
        done = self.reader.deliverTo(self.consumer)
        self.inbox.arrived(None, True)
        self.failureResultOf(done, LookupError)
        self.setUp()
        self.consumer.unregisterProducer = fail  # type: ignore[method-assign]
        done = self.reader.deliverTo(self.consumer)
        self.inbox.lose(Failure(ConnectionLost()))
        self.failureResultOf(done, ConnectionLost)

    def test_cancelled(self) -> None:
        """Cancelling stops the stream, and the consumer is unregistered."""
        done = self.reader.deliverTo(self.consumer)
        done.cancel()
        self.failureResultOf(done, CancelledError)
        self.assertEqual((self.stops(), self.consumer.ended), ([b"STOPPED"], 1))

    def test_cancelledInside(self) -> None:
        """Cancelling is possible during a write, too."""
        self.inbox.arrived(b"a")
        self.inbox.arrived(b"b")
        done = self.reader.deliverTo(self.consumer)
        self.consumer.onWrite = done.cancel
        self.inbox.arrived(b"c")
        self.failureResultOf(done, CancelledError)
        self.assertEqual((self.consumer.data, self.consumer.ended), ([b"a", b"b", b"c"], 1))


class ProtocolTests(ReaderCase):
    """A protocol receives a stream as if it came from a connection."""

    def setUp(self) -> None:
        super().setUp()
        self.reader = amp.StreamReader(self.inbox)
        self.receiver = Receiver()

    def test_whole(self) -> None:
        """The end of the stream is reported like that of a connection."""
        done = self.reader.deliverTo(self.receiver)
        self.assertTrue(self.receiver.connected)
        self.inbox.arrived(b"a")
        self.inbox.arrived(b"b", True)
        self.successResultOf(done)
        self.assertEqual((self.receiver.data, self.receiver.lost), (b"ab", [ConnectionDone]))

    def test_fails(self) -> None:
        """An error of the stream is reported in the same way."""
        done = self.reader.deliverTo(self.receiver)
        self.inbox.lose(Failure(ConnectionLost()))
        self.failureResultOf(done, ConnectionLost)
        self.assertEqual(self.receiver.lost, [ConnectionLost])

    def test_transport(self) -> None:
        """The protocol's transport can be paused and closed, and refuses writes."""
        done = self.reader.deliverTo(self.receiver)
        transport: Any = self.receiver.transport
        verifyObject(ITransport, transport)
        self.assertEqual((transport.getPeer(), transport.getHost()), ("stream", "stream"))
        self.assertRaises(NotImplementedError, transport.write, b"x")
        self.assertRaises(NotImplementedError, transport.writeSequence, [b"x"])
        transport.pauseProducing()
        self.inbox.arrived(b"a")
        self.assertEqual(self.receiver.data, b"")
        transport.resumeProducing()
        self.assertEqual(self.receiver.data, b"a")
        transport.loseConnection()
        self.assertTrue(transport.disconnecting)
        self.failureResultOf(done, amp.StreamStoppedError)
        self.assertEqual(self.receiver.lost, [amp.StreamStoppedError])
