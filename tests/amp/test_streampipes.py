"""Tests for L{twisted_basic_ng.amp._streampipes}: pipes, and senders that report their progress."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

from zope.interface.verify import verifyObject

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IConsumer
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.streamends import connectStreams
from tests.amp.test_streamproducers import Push
from tests.amp.test_streamsources import Writer
from twisted_basic_ng import amp
from twisted_basic_ng.amp._streampipes import SenderSource
from twisted_basic_ng.amp._streamsources import BytesSource, IterableSource

LOST = Failure(ConnectionLost())


def dropping(drop: Any) -> None:
    """Call C{drop}, and run the calls it delays to the reactor's thread at once."""
    with patch("twisted.internet.reactor.callFromThread", lambda function, *args: function(*args)):
        drop()


class PipeTests(SynchronousTestCase):
    """A pipe sends what is written to it, before and after it is sent itself."""

    def setUp(self) -> None:
        self.pipe = amp.StreamPipe()

    def begin(self) -> Writer:
        return Writer(self.pipe._ampSource)

    def test_write(self) -> None:
        """Values written to the pipe are sent in order."""
        self.pipe.write(b"early")
        writer = self.begin()
        self.pipe.write(b"late")
        self.pipe.end()
        self.pipe.end()
        self.pipe.write(b"too late")
        self.assertEqual((writer.written, writer.ends), ([b"early", b"late"], [None]))

    def test_endedEarly(self) -> None:
        """A pipe may be written to and ended before it is sent."""
        self.pipe.write(b"x")
        self.pipe.end()
        self.pipe.write(b"y")
        writer = self.begin()
        self.assertEqual((writer.written, writer.ends), ([b"x"], [None]))

    def test_fail(self) -> None:
        """A pipe may fail once, before or after it is sent."""
        writer = self.begin()
        self.pipe.fail(LookupError())
        self.pipe.fail(ValueError())
        self.assertEqual(writer.ends, [LookupError])
        self.pipe = amp.StreamPipe()
        self.pipe.fail(Failure(ValueError()))
        self.assertEqual(self.begin().ends, [ValueError])

    def test_wrongValue(self) -> None:
        """A value that cannot be sent raises an error in C{write}."""
        self.begin()
        self.assertRaises(TypeError, self.pipe.write, "text")

    def test_overflow(self) -> None:
        """If too many bytes wait, the stream fails with both numbers."""
        self.pipe = amp.StreamPipe(limit=10)
        writer = self.begin()
        self.pipe.write(bytes(10))
        self.assertEqual(writer.ends, [])
        self.pipe.write(b"x")
        self.assertEqual(writer.ends, [amp.StreamOverflowError])
        self.pipe.write(b"y")
        self.assertEqual(len(writer.written), 2)

    def test_overflowEarly(self) -> None:
        """The limit also applies before the pipe is sent."""
        for value in (bytes(100), 5):
            self.pipe = amp.StreamPipe(limit=60)
            self.pipe._ampSource.encode = lambda item: b"x"
            self.pipe.write(value)
            self.assertEqual(self.begin().ends, [amp.StreamOverflowError])

    def test_producer(self) -> None:
        """A pipe is a consumer, and pauses its producer if the reader is slow."""
        verifyObject(IConsumer, self.pipe)
        self.begin()
        producer = Push()
        self.pipe.registerProducer(producer, True)
        self.pipe.write(bytes(70_000))
        self.assertEqual(producer.told, ["pause"])
        self.pipe.unregisterProducer()
        self.pipe._ampSource.finished(None)
        self.assertEqual(producer.told, ["pause"])

    def test_finished(self) -> None:
        """C{whenFinished} fires when the stream is finished, or at once after that."""
        early = self.pipe.whenFinished()
        self.begin()
        self.pipe._ampSource.finished(None)
        self.successResultOf(early)
        self.successResultOf(self.pipe.whenFinished())
        self.pipe.write(b"late")

    def test_finishedEarly(self) -> None:
        """It fails with the reason if the stream ends early."""
        waiting = self.pipe.whenFinished()
        self.begin()
        self.pipe._ampSource.finished(LOST)
        self.failureResultOf(waiting, ConnectionLost)
        self.failureResultOf(self.pipe.whenFinished(), ConnectionLost)

    def test_cancelled(self) -> None:
        """Cancelling one Deferred does not affect the others."""
        first, second = self.pipe.whenFinished(), self.pipe.whenFinished()
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.begin()
        self.pipe._ampSource.finished(None)
        self.successResultOf(second)

    def test_once(self) -> None:
        """A pipe can be sent once."""
        client, server, connection = connectStreams()
        client.give(self.pipe)
        error = self.assertRaises(ValueError, client.give, self.pipe)
        self.assertEqual(str(error), "a StreamPipe can be sent once")
        connection.flush()
        self.pipe.write(b"x")
        self.pipe.end()
        connection.flush()
        self.assertEqual(self.successResultOf(server.reader().collect(10)), b"x")

    def test_dropped(self) -> None:
        """If the call is not sent, C{whenFinished} fails."""
        waiting = self.pipe.whenFinished()
        dropping(self.pipe._ampSource.dropped)
        self.assertIn("was not sent", str(self.failureResultOf(waiting, amp.StreamError).value))


class SenderTests(SynchronousTestCase):
    """A sender reports its progress."""

    def test_progress(self) -> None:
        """It counts the bytes, and reports each piece."""
        told: list[int] = []
        sender = amp.StreamSender(b"x" * 20_000, told.append)
        client, server, connection = connectStreams()
        client.give(sender)
        connection.flush()
        self.assertEqual((sender.bytesSent, told), (16384, [16361, 16384]))
        read = server.reader().collect(10**6)
        connection.flush()
        self.assertEqual((sender.bytesSent, told), (20_000, [16361, 16384, 20_000]))
        self.successResultOf(sender.whenFinished())
        self.successResultOf(read)

    def test_noProgress(self) -> None:
        """The callback is optional, and an end is not reported."""
        told: list[int] = []
        for progress in (None, told.append):
            source = SenderSource(amp.StreamSender(b"", progress), BytesSource(b""))
            writer = Writer(source)
            source.more()
            source.sent(0)
            self.assertEqual(writer.ends, [None])
        self.assertEqual(told, [])

    def test_stop(self) -> None:
        """The source of a sender is stopped with it."""
        closed: list[Deferred[None]] = []
        sender = amp.StreamSender(None)

        def generate() -> Any:
            try:
                yield b"x" * 16384
                yield b"y"
            finally:
                closed.append(sender.whenFinished())

        source = SenderSource(sender, IterableSource(generate(), bytes))
        Writer(source).goOn()
        source.stop(LOST)
        source.finished(LOST)
        self.failureResultOf(closed[0], ConnectionLost)

    def test_dropped(self) -> None:
        """If the call is not sent, C{whenFinished} fails."""
        sender = amp.StreamSender(b"")
        waiting = sender.whenFinished()
        dropping(SenderSource(sender, BytesSource(b"")).dropped)
        self.failureResultOf(waiting, amp.StreamError)
