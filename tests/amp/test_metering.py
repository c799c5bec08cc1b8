"""Tests for L{twisted_basic_ng.amp._metering}."""

from __future__ import annotations

import weakref
from typing import Any

from zope.interface import directlyProvides, implementer

from twisted.internet.interfaces import ISSLTransport
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng.amp._metering import MeteredTransport


class Transport:
    """A transport that handles producers like Twisted's TCP transports."""

    note = "its own"

    def __init__(self) -> None:
        self.bytes = b""
        self.producer: Any = None
        self.streaming = False
        self.isPaused = False
        self.onWrite: Any = list
        self.closed = 0
        self.options: Any = None
        self.protocol: Any = None

    def write(self, data: bytes) -> None:
        self.onWrite()
        self.bytes += data
        if self.streaming and self.producer is not None and len(self.bytes) > 64:
            self.isPaused = True
            self.producer.pauseProducing()

    def send(self) -> None:
        """Send all written bytes."""
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

    def loseConnection(self) -> None:
        self.closed += 1

    stopProducing = loseConnection

    def startTLS(self, options: Any) -> None:
        self.options = options
        directlyProvides(self, ISSLTransport)
        self.isPaused = False


@implementer(ISSLTransport)
class TLS(Transport):
    """A transport that collects writes until the end of the reactor's turn."""

    def __init__(self) -> None:
        super().__init__()
        self.gathered = b""

    def write(self, data: bytes) -> None:
        self.gathered += data

    def turn(self) -> None:
        """End the reactor's turn."""
        data, self.gathered = self.gathered, b""
        super().write(data)


class Plain:
    """A transport that takes no producers."""

    def write(self, data: bytes) -> None:
        """Do nothing."""


class Producer:
    """Records its calls."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.onResume: Any = list

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")
        self.onResume()

    def stopProducing(self) -> None:
        self.told.append("stop")


class MeterCase(SynchronousTestCase):
    """A metered transport."""

    def setUp(self) -> None:
        self.transport = Transport()
        self.events: list[str] = []
        self.meter = self.wrap(self.transport)

    def wrap(self, transport: Any, limit: int | None = 100) -> MeteredTransport:
        """Meter a transport."""
        return MeteredTransport(
            transport, limit, lambda: self.events.append("sent"), lambda: self.events.append("closing")
        )


class MeteredTransportTests(MeterCase):
    """L{MeteredTransport} counts the bytes that are not sent yet."""

    def test_repr(self) -> None:
        """Its C{repr} is that of the wrapped transport."""
        transport = Transport()
        self.assertEqual(repr(MeteredTransport(transport, None, list, list)), repr(transport))

    def test_like(self) -> None:
        """Its other attributes are those of the wrapped transport."""
        self.assertEqual(self.meter.note, "its own")
        self.assertFalse(ISSLTransport.providedBy(self.meter))
        self.assertTrue(ISSLTransport.providedBy(self.wrap(TLS())))
        self.assertRaises(AttributeError, getattr, self.meter, "missing")
        self.meter.protocol = "another"
        self.assertEqual(self.transport.protocol, "another")

    def test_counted(self) -> None:
        """Written bytes are counted and written."""
        self.meter.write(b"abc")
        self.meter.writeSequence([b"d", b"ef"])
        self.assertEqual((self.meter.unsent, self.transport.bytes), (6, b"abcdef"))

    def test_under(self) -> None:
        """Within the limit, no producer is registered."""
        self.meter.write(b"x" * 100)
        self.assertFalse(self.meter.isOver())
        self.assertIsNone(self.transport.producer)

    def test_over(self) -> None:
        """Above the limit, the meter registers a producer until the bytes are sent."""
        self.meter.write(b"x" * 101)
        self.meter.write(b"x")
        self.assertTrue(self.meter.isOver())
        self.assertEqual(self.events, [])
        self.transport.send()
        self.assertEqual((self.events, self.transport.producer, self.meter.isOver()), (["sent"], None, False))

    def test_waitsBeforehand(self) -> None:
        """
        The producer is registered before the write, since some transports report only later writes.
        """
        registered: list[object] = []
        self.transport.onWrite = lambda: registered.append(self.transport.producer)
        self.meter.write(b"x" * 101)
        self.assertEqual(len(registered), 1)
        self.assertIsNotNone(registered[0])

    def test_secondAsking(self) -> None:
        """The transport's first request for bytes after registration does not count."""
        for _ in range(2):
            self.meter.write(b"x" * 101)
            self.assertTrue(self.meter.isOver())
            self.transport.send()
        self.assertEqual(self.events, ["sent", "sent"])

    def test_noLimit(self) -> None:
        """Without a limit, or with a transport that takes no producer, there is no excess."""
        for meter in (self.wrap(self.transport, None), self.wrap(Plain())):
            meter.write(b"x" * 1000)
            self.assertFalse(meter.isOver())
            self.assertEqual(meter.unsent, 1000)

    def test_lost(self) -> None:
        """If the bytes are never sent, nothing is reported."""
        self.meter.write(b"x" * 101)
        self.transport.producer.stopProducing()
        self.assertEqual(self.events, [])

    def test_forgotten(self) -> None:
        """After the connection is lost, nothing is reported, and no callback is referenced."""

        class Told:
            def tell(self) -> None:
                raise AssertionError

        told = Told()
        meter = MeteredTransport(self.transport, 100, told.tell, told.tell)
        meter.write(b"x" * 101)
        meter._ampForget()
        self.transport.send()
        meter.loseConnection()
        kept = weakref.ref(told)
        del told
        self.assertIsNone(kept())

    def test_passedBy(self) -> None:
        """A producer that was registered past the meter is kept."""
        producer = Producer()
        self.transport.registerProducer(producer, True)
        self.meter.write(b"x" * 101)
        self.assertEqual((self.meter.isOver(), len(self.transport.bytes)), (False, 101))
        self.assertIs(self.transport.producer, producer)


class TLSTests(MeterCase):
    """Over TLS, the state is known at the end of the reactor's turn."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.tls = TLS()
        self.meter = self.wrap(self.tls)
        self.meter._sendingWatcher.callLater = self.clock.callLater  # type: ignore[method-assign]

    def test_over(self) -> None:
        """The meter waits for bytes that exceed the room of the transport below."""
        for _ in range(2):
            self.meter.write(b"x" * 101)
            self.meter.write(b"x")
            self.assertTrue(self.meter.isOver())
            self.tls.turn()
            self.clock.advance(0)
            self.assertEqual((self.events, self.meter.isOver()), ([], True))
            self.tls.send()
            self.assertEqual((self.events, self.meter.isOver(), self.tls.producer), (["sent"], False, None))
            self.events.clear()

    def test_under(self) -> None:
        """The meter does not wait for fewer bytes."""
        self.meter = self.wrap(self.tls, 10)
        self.meter._sendingWatcher.callLater = self.clock.callLater  # type: ignore[method-assign]
        self.meter.write(b"x" * 20)
        self.assertTrue(self.meter.isOver())
        self.tls.turn()
        self.clock.advance(0)
        self.assertEqual((self.events, self.meter.isOver(), self.tls.producer), (["sent"], False, None))

    def test_lost(self) -> None:
        """After the connection is lost, no delayed call is left."""
        self.meter.write(b"x" * 101)
        self.tls.producer.stopProducing()
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_gone(self) -> None:
        """A transport that refuses producers after its connection is lost is still written to."""

        def refuse(producer: object, streaming: bool) -> None:
            raise AttributeError("protocol")

        self.tls.registerProducer = refuse  # type: ignore[method-assign]
        self.meter.write(b"x" * 101)
        self.tls.turn()
        self.assertEqual((self.meter.isOver(), len(self.tls.bytes)), (False, 101))
        self.assertEqual((self.events, self.clock.getDelayedCalls()), ([], []))

    def test_pausedAtOnce(self) -> None:
        """A transport that does not collect writes reports at once."""
        self.tls.onWrite = list
        self.tls.write = super(TLS, self.tls).write  # type: ignore[method-assign]
        self.meter.write(b"x" * 101)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.tls.send()
        self.assertEqual(self.events, ["sent"])

    def test_pausedBehind(self) -> None:
        """A transport that pauses after the end of the turn is waited for."""
        self.meter.write(b"x" * 101)
        self.tls.producer.pauseProducing()
        self.clock.advance(0)
        self.assertEqual(self.events, [])

    def test_reactor(self) -> None:
        """The meter waits for the reactor's turn."""
        from twisted.internet import reactor

        called: list[object] = []
        self.patch(reactor, "callLater", lambda *args: called.append(args))
        self.wrap(self.tls).write(b"x" * 101)
        self.assertEqual(len(called), 1)


class SharedTests(MeterCase):
    """The application registers its own producer."""

    def test_shared(self) -> None:
        """The producer gets the usual calls, and the meter sees them."""
        producer = Producer()
        self.meter.registerProducer(producer, True)
        self.meter.write(b"x" * 101)
        self.assertEqual(producer.told, ["pause"])
        self.assertTrue(self.meter.isOver())
        self.transport.send()
        self.assertEqual((producer.told, self.events, self.meter.isOver()), (["pause", "resume"], ["sent"], False))
        self.transport.producer.stopProducing()
        self.meter.unregisterProducer()
        self.assertEqual((producer.told[-1], self.transport.producer), ("stop", None))

    def test_sharedUnpaused(self) -> None:
        """If the producer is not paused, the written bytes were sent."""
        self.meter.registerProducer(Producer(), True)
        for _ in range(3):
            self.meter.write(b"x" * 50)
            self.transport.send()
        self.assertFalse(self.meter.isOver())
        self.assertEqual(self.meter.unsent, 0)

    def test_alternate(self) -> None:
        """The producer is paused once and resumed once, even if the transport repeats its calls."""
        producer = Producer()
        self.meter.registerProducer(producer, True)
        self.transport.producer.resumeProducing()  # meant for a producer that was paused earlier
        self.meter.write(b"x" * 101)
        self.meter.write(b"x")
        self.assertEqual(producer.told, ["pause"])
        self.transport.send()
        self.transport.producer.resumeProducing()
        self.assertEqual((producer.told, self.events), (["pause", "resume"], ["sent"]))

    def test_pausedAgain(self) -> None:
        """
        If waiting boxes fill the transport again at once, the producer is not resumed in between.
        """
        producer = Producer()
        self.meter.registerProducer(producer, True)
        self.meter.write(b"x" * 101)
        self.meter._onSent = self.fill
        self.transport.send()
        self.assertEqual(producer.told, ["pause"])
        self.meter._onSent = list
        self.transport.send()
        self.assertEqual(producer.told, ["pause", "resume"])

    def fill(self) -> None:
        """Write more than the limit."""
        self.meter.write(b"x" * 101)

    def test_pull(self) -> None:
        """A pull producer is asked as usual, and the limit counts until then."""
        producer = Producer()
        self.meter.registerProducer(producer, False)
        self.meter.write(b"x" * 101)
        self.assertTrue(self.meter.isOver())
        self.assertEqual((producer.told, self.events), (["resume"], []))
        self.transport.send()
        self.assertEqual((producer.told, self.events, self.meter.isOver()), (["resume", "resume"], ["sent"], False))

    def test_pullWhileWaiting(self) -> None:
        """A pull producer that is registered while the meter waits replaces the meter's."""
        self.meter.write(b"x" * 101)
        producer = Producer()
        self.meter.registerProducer(producer, False)
        self.assertEqual((self.events, self.meter.isOver()), ([], True))
        self.transport.send()
        self.assertEqual((self.events, self.meter.isOver()), (["sent"], False))

    def test_pullWritesAtOnce(self) -> None:
        """A pull producer may write while it is registered."""
        self.meter.write(b"x" * 101)
        producer = Producer()
        producer.onResume = self.fill
        self.meter.registerProducer(producer, False)
        self.assertTrue(self.meter.isOver())
        producer.onResume = list
        self.meter.unregisterProducer()
        self.transport.send()
        self.assertEqual((self.events, self.meter.isOver()), (["sent"], False))

    def test_registeredWhileWaiting(self) -> None:
        """A push producer that is registered then ends the waiting."""
        self.meter.write(b"x" * 101)
        self.meter.registerProducer(Producer(), True)
        self.assertEqual(self.events, ["sent"])
        self.meter.unregisterProducer()
        self.meter.write(b"x" * 101)
        self.assertTrue(self.meter.isOver())

    def test_unregisteredWhilePaused(self) -> None:
        """If the producer unregisters above the limit, the meter waits itself."""
        for streaming in (True, False):
            self.meter.registerProducer(Producer(), streaming)
            self.meter.write(b"x" * 101)
            self.meter.unregisterProducer()
            self.assertTrue(self.meter.isOver())
            self.events.clear()
            self.transport.send()
            self.assertEqual((self.events, self.meter.isOver(), self.transport.producer), (["sent"], False, None))

    def test_unregisteredUnpaused(self) -> None:
        """If it was not paused, the meter does not wait."""
        self.meter.registerProducer(Producer(), True)
        for _ in range(3):
            self.meter.write(b"x" * 50)
            self.transport.send()
        self.meter.unregisterProducer()
        self.assertEqual((self.meter.isOver(), self.transport.producer, self.meter.unsent), (False, None, 0))

    def test_unregisterNone(self) -> None:
        """C{unregisterProducer} without a producer does not end the waiting."""
        self.meter.write(b"x" * 101)
        self.meter.unregisterProducer()
        self.transport.send()
        self.assertEqual(self.events, ["sent"])

    def test_two(self) -> None:
        """Only one producer can be registered at a time."""
        self.meter.registerProducer(Producer(), True)
        self.assertRaises(RuntimeError, self.meter.registerProducer, Producer(), True)
        self.assertIsNotNone(self.transport.producer)
        self.meter.unregisterProducer()
        self.assertIsNone(self.transport.producer)


class ClosingTests(MeterCase):
    """Closing the connection, and changing it."""

    def test_close(self) -> None:
        """Closing a connection without unsent bytes is reported at once."""
        for close in (self.meter.loseConnection, self.meter.stopProducing):
            close()
        self.assertEqual((self.events, self.transport.closed), (["closing", "closing"], 2))

    def test_closeOver(self) -> None:
        """Otherwise it is reported when all bytes are sent."""
        self.meter.write(b"x" * 101)
        self.meter.loseConnection()
        self.assertEqual(self.events, [])
        self.transport.send()
        self.assertEqual((self.events, self.transport.producer), (["closing"], None))

    def test_closeShared(self) -> None:
        """It is reported after the application's producer has finished."""
        self.meter.registerProducer(Producer(), True)
        self.meter.loseConnection()
        self.assertEqual(self.events, [])
        self.meter.unregisterProducer()
        self.assertEqual(self.events, ["closing"])

    def test_startTLS(self) -> None:
        """When TLS starts, the count starts again."""
        self.meter.write(b"x" * 101)
        self.meter.startTLS("options")
        self.assertEqual(
            (self.meter.isOver(), self.transport.producer, self.transport.options), (False, None, "options")
        )
        self.assertTrue(ISSLTransport.providedBy(self.meter))

    def test_startTLSShared(self) -> None:
        """The application's producer is registered again, since the transport has forgotten it."""
        producer = Producer()
        self.meter.registerProducer(producer, True)
        self.meter.startTLS("options")
        self.assertEqual(producer.told, [])
        self.meter.write(b"x" * 101)
        self.meter.startTLS("options")
        self.assertEqual((producer.told, self.meter.isOver()), (["pause", "resume"], False))

    def test_leave(self) -> None:
        """After C{unwrap}, the transport has no producer of the meter."""
        self.meter.write(b"x" * 101)
        self.assertIs(self.meter.unwrap(), self.transport)
        self.meter.write(b"x" * 101)
        self.assertEqual((self.transport.producer, self.meter.isOver()), (None, False))


class ListeningTests(MeterCase):
    """Streams write when the transport has sent, and give way to the application's producer."""

    def setUp(self) -> None:
        super().setUp()
        self.told = 0
        self.onTold: Any = list

    def wrap(self, transport: Any, limit: int | None = None) -> MeteredTransport:
        meter = super().wrap(transport, limit)
        self.clock = Clock()
        meter._sendingWatcher.callLater = self.clock.callLater  # type: ignore[method-assign]
        return meter

    def listen(self) -> bool:
        return self.meter.tellWhenSent(self.tell)

    def tell(self) -> None:
        self.told += 1
        self.onTold()

    def goOn(self) -> None:
        """Write again, and wait again."""
        self.assertTrue(self.listen())
        self.meter.writeStream(b"y" * 10)

    def test_sent(self) -> None:
        """The listener is called once when all bytes are sent, and the producer is unregistered."""
        self.assertTrue(self.listen())
        self.meter.writeStream(b"x" * 10)
        self.assertEqual(self.told, 0)
        self.transport.send()
        self.transport.send()
        self.assertEqual((self.told, self.transport.producer, self.meter.unsent), (1, None, 0))

    def test_again(self) -> None:
        """A listener that waits again stays registered."""
        self.listen()
        self.meter.writeStream(b"x")
        watcher = self.transport.producer
        self.onTold = self.goOn
        for _ in range(3):
            self.transport.send()
            self.assertIs(self.transport.producer, watcher)
        self.assertEqual(self.told, 3)
        self.onTold = list
        self.transport.send()
        self.assertIsNone(self.transport.producer)

    def test_noMore(self) -> None:
        """If there is nothing more to write, the producer is unregistered."""
        self.listen()
        self.meter.tellNoMore()
        self.transport.send()
        self.assertEqual((self.told, self.transport.producer), (0, None))

    def test_limit(self) -> None:
        """If the number of bytes is limited, too, both callbacks are called."""
        self.meter = self.wrap(self.transport, 100)
        self.listen()
        self.meter.write(b"x" * 101)
        self.meter.tellNoMore()
        self.assertIsNotNone(self.transport.producer)
        self.transport.send()
        self.assertEqual((self.events, self.transport.producer), (["sent"], None))
        self.listen()
        self.onTold = lambda: self.meter.write(b"x" * 101)
        self.transport.send()
        self.assertTrue(self.meter.isOver())
        self.transport.send()
        self.assertEqual((self.events, self.told), (["sent"] * 3, 1))

    def test_closing(self) -> None:
        """On a closing connection, the listener is not called and does not keep it open."""
        self.listen()
        self.meter.writeStream(b"x")
        self.meter.loseConnection()
        self.transport.send()
        self.assertEqual((self.told, self.events, self.transport.producer), (0, ["closing"], None))
        self.assertFalse(self.listen())

    def test_closingBelow(self) -> None:
        """This also holds if the transport itself was closed."""
        transport: Any = self.transport
        self.listen()
        self.meter.writeStream(b"x")
        transport.disconnecting = True
        self.transport.send()
        self.assertEqual((self.told, self.transport.producer), (0, None))
        self.assertFalse(self.listen())

    def test_tls(self) -> None:
        """With TLS, the listener is called in the next turn, unless the transport has paused."""
        self.transport = TLS()
        self.meter = self.wrap(self.transport)
        self.assertTrue(self.listen())
        self.meter.writeStream(b"x")
        self.transport.turn()  # type: ignore[attr-defined]
        self.clock.advance(0)
        self.assertEqual(self.told, 1)
        self.assertTrue(self.listen())
        self.meter.writeStream(b"x" * 100)
        self.transport.turn()  # type: ignore[attr-defined]
        self.clock.advance(0)
        self.assertFalse(self.listen())
        self.transport.send()
        self.assertEqual(self.told, 2)

    def test_noProducers(self) -> None:
        """On a transport that takes no producers, the listener is called in the next turn."""
        self.meter = self.wrap(Plain())
        self.assertTrue(self.listen())
        self.meter.writeStream(b"x")
        self.clock.advance(0)
        self.assertEqual(self.told, 1)

    def test_pastUs(self) -> None:
        """A producer registered past the meter takes precedence."""
        self.transport.registerProducer(Producer(), True)
        self.assertFalse(self.listen())
        self.clock.advance(0.05)
        self.assertEqual(self.told, 1)
        self.transport.unregisterProducer()
        self.assertTrue(self.listen())

    def test_cancelledLater(self) -> None:
        """A listener that no longer waits is not called."""
        self.meter = self.wrap(Plain())
        self.listen()
        self.meter.tellNoMore()
        self.clock.advance(0)
        self.assertEqual(self.told, 0)

    def test_applicationPushes(self) -> None:
        """While the application's push producer is not paused, streams write, too."""
        producer = Producer()
        self.meter.registerProducer(producer, True)
        self.assertTrue(self.listen())
        self.clock.advance(0)
        self.assertEqual(self.told, 1)
        self.meter.write(b"x" * 100)
        self.assertFalse(self.listen())
        self.transport.send()
        self.assertEqual((self.told, producer.told), (2, ["pause", "resume"]))

    def test_toldBefore(self) -> None:
        """A listener that was called because of the application's producer is not called again."""
        self.meter.registerProducer(Producer(), True)
        self.listen()
        self.meter.write(b"x" * 100)
        self.transport.send()
        self.clock.advance(0)
        self.assertEqual(self.told, 1)

    def test_applicationPulls(self) -> None:
        """The application's pull producer and the streams are asked at the same time."""
        producer = Producer()
        self.meter.registerProducer(producer, False)
        self.assertTrue(self.listen())
        self.transport.send()
        self.assertEqual((self.told, producer.told), (1, ["resume", "resume"]))

    def test_applicationComes(self) -> None:
        """A producer may be registered while a stream is sent."""
        self.listen()
        self.meter.writeStream(b"x")
        self.meter.registerProducer(Producer(), True)
        self.assertEqual(self.told, 1)

    def test_applicationGoes(self) -> None:
        """A producer may be unregistered while a stream waits."""
        producer = Producer()
        self.meter.registerProducer(producer, True)
        self.meter.write(b"x" * 100)
        self.assertFalse(self.listen())
        self.meter.unregisterProducer()
        self.clock.advance(0)
        self.assertEqual(self.told, 1)

    def test_startTLS(self) -> None:
        """After StartTLS, the earlier streams no longer write."""
        self.listen()
        self.meter.startTLS(None)
        self.clock.advance(1)
        self.assertEqual((self.told, self.transport.producer), (0, None))

    def test_forgotten(self) -> None:
        """Streams no longer write after the connection is lost or switched."""
        for end in ("_ampForget", "unwrap"):
            self.meter = self.wrap(Plain())
            self.listen()
            getattr(self.meter, end)()
            self.clock.advance(1)
        self.assertEqual(self.told, 0)
