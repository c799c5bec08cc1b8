"""Tests for L{twisted_basic_ng.amp._metering}."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.interfaces import ISSLTransport
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng.amp._metering import MeteredTransport


@implementer(ISSLTransport)
class Transport:
    """Takes producers as Twisted's TCP transports do."""

    note = "its own"

    def __init__(self) -> None:
        self.bytes = b""
        self.producer: Any = None
        self.streaming = False
        self.isPaused = False

    def write(self, data: bytes) -> None:
        self.bytes += data
        if self.streaming and self.producer is not None and len(self.bytes) > 64:
            self.isPaused = True
            self.producer.pauseProducing()

    def send(self) -> None:
        """Send everything."""
        self.bytes = b""
        if self.producer is not None and (self.isPaused or not self.streaming):
            self.isPaused = False
            self.producer.resumeProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        if self.producer is not None:
            raise RuntimeError("there is one")
        self.producer, self.streaming = producer, streaming
        if not streaming:
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        self.producer = None


class Producer:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def stopProducing(self) -> None:
        self.told.append("stop")


class MeteredTransportTests(SynchronousTestCase):
    """L{MeteredTransport} knows what was not sent yet."""

    def setUp(self) -> None:
        self.transport = Transport()
        self.sent = 0
        self.meter = MeteredTransport(self.transport, self.onSent)

    def onSent(self) -> None:
        self.sent += 1

    def test_like(self) -> None:
        """In every other respect it is the transport."""
        self.assertEqual(self.meter.note, "its own")
        self.assertTrue(ISSLTransport.providedBy(self.meter))
        self.assertRaises(AttributeError, getattr, self.meter, "missing")

    def test_counted(self) -> None:
        """What is written is counted, and written."""
        self.meter.write(b"abc")
        self.meter.writeSequence([b"d", b"ef"])
        self.assertEqual((self.meter.unsent, self.transport.bytes), (6, b"abcdef"))

    def test_under(self) -> None:
        """Where it is no more than that, nothing is done about it."""
        self.meter.write(b"x" * 100)
        self.assertFalse(self.meter.isOver(100))
        self.assertIsNone(self.transport.producer)

    def test_over(self) -> None:
        """Where it is more, it is told when that has gone out; and then the transport is let alone again."""
        self.meter.write(b"x" * 101)
        self.assertTrue(self.meter.isOver(100))
        self.assertTrue(self.meter.isOver(100))
        self.assertEqual(self.sent, 0)
        self.transport.send()
        self.assertEqual((self.sent, self.transport.producer, self.meter.isOver(100)), (1, None, False))

    def test_lost(self) -> None:
        """Where it never goes out, that is not told."""
        self.meter.write(b"x" * 101)
        self.meter.isOver(100)
        self.transport.producer.stopProducing()
        self.assertEqual(self.sent, 0)

    def test_shared(self) -> None:
        """A producer of the application's is told what it would be; the meter sees it."""
        producer = Producer()
        self.meter.registerProducer(producer, True)
        self.meter.write(b"x" * 101)
        self.assertEqual(producer.told, ["pause"])
        self.assertTrue(self.meter.isOver(100))
        self.transport.send()
        self.assertEqual((producer.told, self.sent, self.meter.isOver(100)), (["pause", "resume"], 1, False))
        self.transport.producer.stopProducing()
        self.meter.unregisterProducer()
        self.assertEqual((producer.told[-1], self.transport.producer), ("stop", None))

    def test_sharedUnpaused(self) -> None:
        """Where it is not paused, what was written went out."""
        self.meter.registerProducer(Producer(), True)
        for _ in range(3):
            self.meter.write(b"x" * 50)
            self.transport.send()
        self.assertFalse(self.meter.isOver(100))
        self.assertEqual(self.meter.unsent, 0)

    def test_pull(self) -> None:
        """One that is asked for bytes is asked as before."""
        producer = Producer()
        self.meter.registerProducer(producer, False)
        self.transport.send()
        self.assertEqual(producer.told, ["resume", "resume"])

    def test_registeredWhileWaiting(self) -> None:
        """One that is registered while the meter waits takes its place, and the meter waits no more."""
        self.meter.write(b"x" * 101)
        self.meter.isOver(100)
        producer = Producer()
        self.meter.registerProducer(producer, True)
        self.assertEqual(self.sent, 1)
        self.meter.unregisterProducer()
        self.meter.write(b"x" * 101)
        self.assertTrue(self.meter.isOver(100))
