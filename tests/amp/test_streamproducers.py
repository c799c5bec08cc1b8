"""Tests for L{twisted_basic_ng.amp._streamproducers}: sources that write on their own."""

from __future__ import annotations

from typing import Any

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IConsumer, IPullProducer, IPushProducer
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.test_streamsources import Writer
from twisted_basic_ng.amp._streamproducers import BodySource, ConsumingSource, ProducerSource, bytesOnly

LOST = Failure(ConnectionLost())


class Producer:
    """Records its calls."""

    consumer: Any = None

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")

    def stopProducing(self) -> None:
        self.told.append("stop")


@implementer(IPushProducer)
class Push(Producer):
    pass


@implementer(IPullProducer)
class Pull(Producer):
    pass


class Body(Producer):
    """An C{IBodyProducer}."""

    length = 3

    def startProducing(self, consumer: Any) -> Deferred[None]:
        self.consumer = consumer
        self.done: Deferred[None] = Deferred()
        return self.done


class BytesTests(SynchronousTestCase):
    """A stream of bytes accepts bytes-like values."""

    def test_bytes(self) -> None:
        self.assertEqual([*map(bytesOnly, (b"a", bytearray(b"b"), memoryview(b"c")))], [b"a", b"b", b"c"])
        error = self.assertRaises(TypeError, bytesOnly, "text")
        self.assertEqual(str(error), "a stream of bytes needs bytes, got str")


class ConsumingTests(SynchronousTestCase):
    """A consumer sends what is written to it, and pauses its producer if that is too much."""

    def setUp(self) -> None:
        self.source = ConsumingSource()
        self.writer = Writer(self.source)

    def test_push(self) -> None:
        """A push producer is paused when many bytes wait, and resumed when none do."""
        producer = Push()
        self.source.registerProducer(producer, True)
        self.source.write(bytes(65_535))
        self.assertEqual(producer.told, [])
        self.source.write(b"x")
        self.source.write(b"y")
        self.assertEqual(producer.told, ["pause"])
        self.writer.goOn()
        self.writer.goOn()
        self.assertEqual(producer.told, ["pause", "resume"])
        self.source.unregisterProducer()
        self.writer.goOn()
        self.source.write(bytes(70_000))
        self.assertEqual(producer.told, ["pause", "resume"])

    def test_pushLate(self) -> None:
        """A push producer that is registered while many bytes wait is paused at once."""
        self.source.write(bytes(70_000))
        producer = Push()
        self.source.registerProducer(producer, True)
        self.assertEqual(producer.told, ["pause"])

    def test_pull(self) -> None:
        """A pull producer is asked whenever no bytes wait."""
        producer = Pull()
        self.source.registerProducer(producer, False)
        self.source.write(b"x")
        self.assertEqual(producer.told, ["resume"])
        self.writer.goOn()
        self.assertEqual(producer.told, ["resume", "resume"])

    def test_pullLate(self) -> None:
        """A pull producer that is registered while bytes wait is asked later."""
        self.source.write(b"x")
        producer = Pull()
        self.source.registerProducer(producer, False)
        self.assertEqual(producer.told, [])

    def test_pullEarly(self) -> None:
        """A pull producer that is registered before the stream begins is asked later."""
        producer, source = Pull(), ConsumingSource()
        source.registerProducer(producer, False)
        source.write(b"lost")
        self.assertEqual(producer.told, [])
        Writer(source).goOn()
        self.assertEqual(producer.told, ["resume"])

    def test_one(self) -> None:
        """
        Only one producer can be registered, and one registered after the end is stopped at once.
        """
        first, second = Push(), Push()
        self.source.registerProducer(first, True)
        self.assertRaises(RuntimeError, self.source.registerProducer, second, True)
        self.source.stop(LOST)
        self.source.finished(LOST)
        self.source.registerProducer(second, True)
        self.assertEqual((first.told, second.told), (["stop"], ["stop"]))
        self.source.write(b"late")
        self.assertEqual(self.writer.written, [])
        self.assertTrue(IConsumer.providedBy(self.source))


class ProducerTests(SynchronousTestCase):
    """The source is set as the consumer of a producer."""

    def test_push(self) -> None:
        """A push producer writes, and the stream ends when it unregisters."""
        producer = Push()
        writer = Writer(ProducerSource(producer))
        self.assertIs(producer.consumer, writer.source)
        writer.goOn()
        producer.consumer.write(b"x")
        producer.consumer.unregisterProducer()
        self.assertEqual((producer.told, writer.written, writer.ends), ([], [b"x"], [None]))
        writer.source.finished(None)
        producer.consumer.unregisterProducer()

    def test_pull(self) -> None:
        """A pull producer is asked at once."""
        producer = Pull()
        Writer(ProducerSource(producer))
        self.assertEqual(producer.told, ["resume"])

    def test_stopped(self) -> None:
        """The producer is stopped when the stream ends early."""
        producer = Push()
        writer = Writer(ProducerSource(producer))
        writer.source.stop(LOST)
        self.assertEqual(producer.told, ["stop"])


class BodyTests(SynchronousTestCase):
    """An C{IBodyProducer} writes until its C{Deferred} fires."""

    def setUp(self) -> None:
        self.body = Body()
        self.writer = Writer(BodySource(self.body))

    def test_whole(self) -> None:
        self.body.consumer.write(b"abc")
        self.assertEqual(self.writer.ends, [])
        self.body.done.callback(None)
        self.assertEqual((self.writer.written, self.writer.ends), ([b"abc"], [None]))
        self.writer.source.finished(None)
        self.assertEqual(self.body.told, [])

    def test_paused(self) -> None:
        """It is paused and resumed."""
        self.body.consumer.write(bytes(70_000))
        self.writer.goOn()
        self.assertEqual(self.body.told, ["pause", "resume"])

    def test_fails(self) -> None:
        """Its error is the error of the stream."""
        self.body.done.errback(LookupError())
        self.assertEqual(self.writer.ends, [LookupError])

    def test_stopped(self) -> None:
        """It is stopped when the stream ends early, and may fire after that."""
        self.writer.source.stop(LOST)
        self.assertEqual(self.body.told, ["stop"])
        self.body.done.callback(None)
        self.assertEqual(self.writer.ends, [])

    def test_stoppedFails(self) -> None:
        """It may also fail after that."""
        self.writer.source.stop(LOST)
        self.body.done.errback(LookupError())
        self.assertEqual(self.writer.ends, [])
