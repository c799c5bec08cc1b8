"""Tests for L{twisted_basic_ng.amp._streams}: the streams of a connection."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.streamends import StreamEnd, connectStreams
from twisted_basic_ng import amp
from twisted_basic_ng.amp._constants import STREAM_CREDIT
from twisted_basic_ng.amp._streamerrors import StreamViolationError
from twisted_basic_ng.amp._streams import PIECES_AT_ONCE


class StreamsCase(SynchronousTestCase):
    """Two ends with streams."""

    def setUp(self) -> None:
        self.client, self.server, self.connection = connectStreams()

    def kept(self, end: StreamEnd) -> list[Any]:
        table = end.table
        return [each for each in (table.writers, table.inboxes, table.unread, table.announced, table.stopped) if each]

    def refusal(self, end: StreamEnd) -> str:
        """Assert that a side has dropped its peer once, and return the reason."""
        (error,) = end.refusals
        self.assertIsInstance(error, amp.StreamError)
        self.assertTrue(end.transport.disconnecting)
        return str(error)


class OrderTests(StreamsCase):
    """Streams arrive complete and in order, and take turns."""

    def test_several(self) -> None:
        """Several streams of one box arrive at the same time."""
        self.client.give(b"a" * 100_000, b"b" * 50_000, b"")
        self.connection.flush()
        read = [self.server.reader(index).collect(10**6) for index in range(3)]
        self.connection.flush()
        self.assertEqual([self.successResultOf(each) for each in read], [b"a" * 100_000, b"b" * 50_000, b""])
        self.assertEqual(self.kept(self.client) + self.kept(self.server), [])

    def test_turns(self) -> None:
        """Streams that can send take turns, one piece each."""
        self.client.give(b"a" * 16384 * 4, b"b" * 16384 * 4)
        self.connection.flush()
        table = self.client.table
        table._isPumping = True
        for writer, inbox in zip(table.writers.values(), self.server.arrived, strict=True):
            inbox.credit = 10**6
            writer.grant(10**6)
        table._isPumping = False
        table.pump()
        self.connection.flush()
        pieces = [box[b"_stream"] for box in amp.parseString(self.client.transport.written) if b"_data" in box]
        self.assertEqual(pieces, [b"1", b"1", b"2", b"2", *[b"1", b"2"] * 4])  # before there are two

    def test_fewAtOnce(self) -> None:
        """Only a few pieces are written before the transport has sent them."""
        self.client.give(b"a" * 10**6)
        self.client.table.writers[1].grant(10**6)
        self.connection.pump()
        written = len(self.client.transport.written)
        self.assertLess(written, (PIECES_AT_ONCE + 2) * 16500)

    def test_smallIsOneBox(self) -> None:
        """A short stream is announced, sent and ended without waiting."""
        self.client.give(b"short")
        boxes = amp.parseString(self.client.transport.written)
        self.assertEqual(boxes[1:], [{b"_stream": b"1", b"_data": b"short", b"_end": b""}])

    def test_announcement(self) -> None:
        """The box that announces streams lists them and holds their numbers."""
        self.client.give(b"a", b"b")
        box = amp.parseString(self.client.transport.written)[0]
        self.assertEqual((box[b"_streams"], box[b"value0"], box[b"value1"]), (b"1 2", b"1", b"2"))
        self.connection.flush()
        self.client.give(b"c")
        self.assertIn(
            {b"note": b"", b"_streams": b"3", b"value0": b"3"}, amp.parseString(self.client.transport.written)
        )

    def test_noStream(self) -> None:
        """A box without streams announces none, even if the answer has some."""
        box = amp.AmpBox(_streams=b"", value=b"x")
        self.assertEqual(self.client.table.announce(box), [])
        self.assertEqual(box, {b"value": b"x"})

    def test_bothDirections(self) -> None:
        """Each side numbers its own streams."""
        self.client.give(b"from the client")
        self.server.give(b"from the server")
        self.connection.flush()
        self.assertEqual(self.successResultOf(self.client.reader().collect(100)), b"from the server")
        self.assertEqual(self.successResultOf(self.server.reader().collect(100)), b"from the client")


class WindowTests(StreamsCase):
    """An unread stream takes at most its window."""

    def test_unread(self) -> None:
        """Without a reader, only the initial credit is sent."""
        sender = self.client.send(b"x" * 10**6)
        self.connection.flush()
        self.assertEqual(sender.bytesSent, STREAM_CREDIT)

    def test_begun(self) -> None:
        """The first read opens the window, and the sender fills it."""
        sender = self.client.send(b"x" * 10**6)
        self.connection.flush()
        piece = self.server.arrived[0].read()
        self.connection.flush()
        self.assertEqual(sender.bytesSent - len(piece or b""), self.server.STREAM_WINDOW)

    def test_connectionWindow(self) -> None:
        """All streams together take at most C{MAX_STREAM_BYTES}."""
        self.server.MAX_STREAMS, self.server.MAX_STREAM_BYTES = 10, 10 * STREAM_CREDIT + 2**18
        self.client.give(*[b"x" * 10**6] * 10)
        self.connection.flush()
        taken = [inbox.read() for inbox in self.server.arrived]
        self.connection.flush()
        size = sum(inbox.size for inbox in self.server.arrived)
        self.assertGreater(size, 2**18)
        self.assertLessEqual(size, self.server.MAX_STREAM_BYTES)
        read = [self.server.reader(index).collect(10**6) for index in range(10)]
        self.connection.flush()
        for each, before in zip(read, taken, strict=True):
            self.assertEqual(len(self.successResultOf(each)) + len(before or b""), 10**6)
        self.assertEqual(self.server.table.lent, 0)

    def test_smallWindow(self) -> None:
        """A window smaller than a piece only slows the stream down."""
        self.server.STREAM_WINDOW = 10
        self.client.give(b"x" * 10**5)
        self.connection.flush()
        read = self.server.reader().collect(10**5)
        self.connection.flush()
        self.assertEqual(len(self.successResultOf(read)), 10**5)

    def test_tooManyStreams(self) -> None:
        """A stream above C{MAX_STREAMS} is stopped with an error, and the others continue."""
        self.server.MAX_STREAMS = 2
        senders = [self.client.send(b"x" * 10**5) for _ in range(3)]
        self.connection.flush()
        error = self.failureResultOf(self.server.reader(2).collect(10), amp.TooManyStreamsError).value
        self.assertEqual((error.count, error.limit), (3, 2))
        stopped = self.failureResultOf(senders[2].whenFinished(), amp.StreamStoppedError).value
        self.assertEqual(stopped.code, b"TOO_MANY_STREAMS")
        read = [self.server.reader(index).collect(10**6) for index in range(2)]
        self.connection.flush()
        self.assertEqual([len(self.successResultOf(each)) for each in read], [10**5] * 2)
        self.assertEqual(self.kept(self.server), [])


class HostileTests(StreamsCase):
    """A violation closes the connection, with an error that explains it."""

    def test_unknownNumber(self) -> None:
        """A piece of an unknown stream is a violation."""
        self.server.box(_stream=b"1", _data=b"x")
        self.assertEqual(self.refusal(self.server), "stream 1: there is no such stream, or it is over")

    def test_afterEnd(self) -> None:
        """A second end is a violation."""
        self.server.box(_streams=b"1", value0=b"1")
        self.server.box(_stream=b"1", _end=b"")
        self.server.box(_stream=b"1", _end=b"")
        self.assertIn("it is over", self.refusal(self.server))

    def test_beyondWindow(self) -> None:
        """More bytes than granted are a violation."""
        self.server.box(_streams=b"1", value0=b"1")
        self.server.box(_stream=b"1", _data=b"x" * 16384)
        self.assertEqual(self.server.refusals, [])
        self.server.box(_stream=b"1", _data=b"x")
        text = "stream 1: 1 bytes more than its reader has allowed (STREAM_WINDOW)"
        self.assertEqual(self.refusal(self.server), text)

    def test_beyondWindowOfStopped(self) -> None:
        """A stopped stream has the same window, and its bytes are dropped."""
        self.server.box(_streams=b"1", value0=b"1")
        self.server.reader().stop()
        for _ in range(4):
            self.server.box(_stream=b"1", _data=b"x" * 4096)
        self.assertEqual((self.server.refusals, self.server.table.stopped), ([], {1: 0}))
        self.server.box(_stream=b"1", _data=b"x")
        self.assertIn("STREAM_WINDOW", self.refusal(self.server))

    def test_stoppedEnds(self) -> None:
        """A stopped stream is forgotten when its end arrives."""
        self.server.box(_streams=b"1", value0=b"1")
        self.server.reader().stop()
        self.server.box(_stream=b"1", _reset=b"STOPPED")
        self.assertEqual(self.kept(self.server), [])

    def test_wrongAnnouncement(self) -> None:
        """Announced numbers must be consecutive."""
        self.server.box(_streams=b"1 3")
        self.assertEqual(self.refusal(self.server), "stream 3: 2 is the next one")

    def test_repeatedAnnouncement(self) -> None:
        """A number cannot be announced twice."""
        self.server.box(_streams=b"1", value0=b"1")
        self.server.box(_streams=b"1", value0=b"1")
        self.assertEqual(self.refusal(self.server), "stream 1: 2 is the next one")

    def test_windowOfUnknown(self) -> None:
        """A window for a stream that was never sent is a violation."""
        self.server.box(_stream=b"1", _window=b"1")
        self.assertEqual(self.refusal(self.server), "stream 1: this side has sent no such stream")

    def test_windowAfterEnd(self) -> None:
        """A window or a stop that crosses the end is ignored."""
        self.server.give(b"short")
        self.server.box(_stream=b"1", _window=b"1")
        self.server.box(_stream=b"1", _stop=b"A")
        self.assertEqual(self.server.refusals, [])

    def test_windowTooLarge(self) -> None:
        """Windows must not add up to more than the maximum credit."""
        self.server.give(b"x" * 100_000)
        self.server.box(_stream=b"1", _window=b"2147483647")
        self.server.box(_stream=b"1", _window=b"2147483647")
        self.assertIn("its credit would be over 2147483647 bytes", self.refusal(self.server))

    def test_neverEnds(self) -> None:
        """A peer that does not end its stopped streams is dropped, and nothing is kept."""
        self.server.MAX_STREAMS = 5
        for number in range(1, 30):
            self.server.box(_streams=b"%d" % number, value0=b"%d" % number)
            self.server.reader().stop()
        self.assertEqual(self.refusal(self.server), "too many streams: got 21, at most 5 (MAX_STREAMS)")
        self.connection.drop()
        self.assertEqual(self.kept(self.server), [])

    def test_unnumberedValue(self) -> None:
        """A value that is not an announced number is no stream, and a number can be taken once."""
        table = self.server.table
        table.open(amp.AmpBox(_streams=b"1"))
        self.assertIsNone(table.take(b"x"))
        self.assertIsNone(table.take(b"2"))
        self.assertIsNotNone(table.take(b"1"))
        self.assertIsNone(table.take(b"1"))


class EndTests(StreamsCase):
    """Each end is reported to both sides once."""

    def test_settled(self) -> None:
        """A stream that no value has taken is stopped."""
        sender = self.client.send(b"x" * 10**5)
        self.connection._size = None
        self.server.ampBoxReceived = lambda box: None  # type: ignore[method-assign]
        box = amp.parseString(self.client.transport.written)[0]
        self.server.table.open(box)
        (inbox,) = self.server.table.settle(box)
        self.assertFalse(inbox.isTaken)
        del self.server.ampBoxReceived
        self.client.transport.outgoing.clear()
        self.connection.flush()
        stopped = self.failureResultOf(sender.whenFinished(), amp.StreamStoppedError).value
        self.assertEqual(stopped.code, b"UNREAD")

    def test_lost(self) -> None:
        """The loss of the connection ends all streams, but received bytes can still be read."""
        sender = self.client.send(b"x" * 10**6)
        self.connection.flush()
        reader = self.server.reader()
        self.connection.drop()
        self.failureResultOf(sender.whenFinished(), ConnectionLost)
        read: list[bytes] = []

        class Keeping:
            def registerProducer(self, producer: Any, streaming: bool) -> None: ...
            def unregisterProducer(self) -> None: ...

            write = read.append

        self.failureResultOf(reader.deliverTo(Keeping()), ConnectionLost)
        self.assertEqual(b"".join(read), b"x" * STREAM_CREDIT)
        self.assertEqual(self.kept(self.client) + self.kept(self.server), [])

    def test_idle(self) -> None:
        """The end of the last stream is reported."""
        self.client.give(b"x" * 20_000, b"y")
        self.assertTrue(self.client.table.isBusy())
        self.connection.flush()
        self.assertEqual((self.client.idle, self.server.idle), (0, 0))
        self.server.reader(0).stop()
        self.assertTrue(self.server.table.isBusy())
        self.connection.flush()
        self.assertEqual((self.client.idle, self.server.idle), (1, 1))
        self.assertFalse(self.client.table.isBusy() or self.server.table.isBusy())

    def test_lostKeepsNothing(self) -> None:
        """Nothing keeps a lost connection in memory, except references of the application."""
        self.client.send(b"x" * 10**6)
        self.connection.flush()
        reader = self.server.reader()
        self.connection.drop()
        server = weakref.ref(self.server)
        self.server.arrived.clear()
        del self.server, self.connection
        gc.collect()
        self.assertIsNone(server())
        reader.stop()

    def test_changing(self) -> None:
        """Before the connection changes, all streams end at both sides, and new ones may follow."""
        sent, sending = self.client.send(b"x" * 10**6), self.server.send(b"y" * 10**6)
        self.connection.flush()
        reading = [self.server.reader().collect(10**7), self.client.reader().collect(10**7)]
        self.connection.pump()
        self.client.table.endAll("a change")
        self.connection.flush()
        for each in (sent.whenFinished(), sending.whenFinished(), *reading):
            self.assertIn("a change", str(self.failureResultOf(each, amp.StreamStoppedError).value))
        self.assertEqual(self.kept(self.client), [])
        self.client.give(b"after")
        self.connection.flush()
        self.assertEqual(self.successResultOf(self.server.reader().collect(10)), b"after")

    def test_startOver(self) -> None:
        """After StartTLS, streams get new numbers."""
        sender = self.client.send(b"x" * 10**6)
        self.client.table.startOver()
        self.server.table.startOver()
        self.failureResultOf(sender.whenFinished(), amp.StreamStoppedError)
        self.client.transport.outgoing.clear()
        self.client.give(b"after")
        self.connection.flush()
        self.assertEqual(self.server.table.writers, {})
        self.assertEqual(self.successResultOf(self.server.reader().collect(10)), b"after")

    def test_notWhileChanging(self) -> None:
        """While the connection changes, no stream is announced and no stream box is sent."""
        self.client._startingTLSBuffer = []
        self.assertRaises(amp.StreamsUnsupportedError, self.client.give, b"x")
        self.client.table.emit(amp.AmpBox(_stream=b"1"))
        self.client.table.emitBytes(b"x")
        self.assertEqual(self.client.transport.written, b"")

    def test_sendFails(self) -> None:
        """A box that cannot be sent any more is dropped."""
        self.client._ampTLSAbandoned = True
        self.client.table.emit(amp.AmpBox(_stream=b"1"))
        self.assertEqual(self.client.transport.written, b"")

    def test_sourceLosesConnection(self) -> None:
        """The source of one stream may lose the connection before the next one begins."""

        def lose() -> Any:
            self.connection.drop()
            yield b"x"

        self.client.give(lose(), b"never")
        self.assertEqual(self.kept(self.client), [])

    def test_sourceStopsOther(self) -> None:
        """A stream that waits for its turn may end before that."""

        def stop() -> Any:
            yield b"x" * 16384
            self.client.table.writers[2].lose(Failure(ConnectionLost()))
            yield b"y"

        self.client.give(stop(), b"z" * 16384)
        self.connection.flush()
        self.assertEqual(list(self.client.table.writers), [1])

    def test_nothingToSend(self) -> None:
        """If the streams that waited for their turn have ended, the producer is unregistered."""
        table = self.client.table
        self.client.give(b"x" * 10**6)
        self.connection.flush()
        writer = table.writers[1]
        writer.credit = 10
        table._isPumping = True
        table.queue(writer)
        table._isPumping = False
        writer.lose(Failure(ConnectionLost()))
        table.pump()
        self.assertIsNone(self.client.transport.wrapped.producer)
        self.assertFalse(table._isWaiting)

    def test_violationIsAnError(self) -> None:
        """The caller of C{received} gets the violation as an exception."""
        self.assertRaises(StreamViolationError, self.client.table.received, amp.AmpBox(_stream=b"1"))

    def test_stopTwice(self) -> None:
        """The peer is told once that a stream is stopped."""
        self.server.box(_streams=b"1", value0=b"1")
        inbox = self.server.arrived[0]
        inbox.stop(b"A", "")
        self.server.table.stop(inbox, b"B", "")
        stops = [box[b"_stop"] for box in amp.parseString(self.server.transport.written)]
        self.assertEqual(stops, [b"A"])

    def test_quick(self) -> None:
        """Only a plain piece within the window takes the fast path."""
        table = self.server.table
        self.server.box(_streams=b"1", value0=b"1")
        self.assertTrue(table.takesPiece(amp.AmpBox(_stream=b"1", _data=b"x")))
        for box in ({"_stream": b"1", "_end": b""}, {"_stream": b"2", "_data": b"x"}, {"_stream": b"1", "_data": b""}):
            self.assertFalse(table.takesPiece(amp.AmpBox(**box)))
        self.assertFalse(table.takesPiece(amp.AmpBox(_stream=b"1", _data=b"x", _end=b"")))
        self.assertEqual(self.server.arrived[0].size, 1)
