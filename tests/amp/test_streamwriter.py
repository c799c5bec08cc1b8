"""Tests for L{twisted_basic_ng.amp._streamwriter}: the sending end of a stream."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp
from twisted_basic_ng.amp._streamsources import Source
from twisted_basic_ng.amp._streamwriter import StreamWriter


class Table:
    """Records its calls."""

    def __init__(self) -> None:
        self.queued = 0
        self.boxes: list[amp.AmpBox] = []
        self.forgotten = 0

    def queue(self, writer: StreamWriter) -> None:
        self.queued += 1

    def emit(self, box: amp.AmpBox) -> None:
        self.boxes.append(box)

    def emitBytes(self, data: bytes) -> None:
        self.boxes += amp.parseString(data)

    def forgetWriter(self, writer: StreamWriter) -> None:
        self.forgotten += 1


class Told(Source):
    """A source that the test controls."""

    def __init__(self) -> None:
        self.asked = 0
        self.stopped: list[Failure] = []
        self.ends: list[Failure | None] = []
        self.sizes: list[int] = []
        self.error: Exception | None = None
        self.onMore: Any = lambda: None

    def begin(self, writer: Any) -> None:
        self.writer = writer
        self._maybeRaise()

    def more(self) -> None:
        self.asked += 1
        self.onMore()

    def stop(self, failure: Failure) -> None:
        self.stopped.append(failure)
        self._maybeRaise()

    def sent(self, size: int) -> None:
        self.sizes.append(size)
        self._maybeRaise()

    def finished(self, failure: Failure | None) -> None:
        self.ends.append(failure)
        self._maybeRaise()

    def _maybeRaise(self) -> None:
        if self.error is not None:
            raise self.error


class WriterTests(SynchronousTestCase):
    """A writer sends its source's data in pieces, as far as it has credit."""

    def setUp(self) -> None:
        self.table = Table()
        self.source = Told()
        self.writer = StreamWriter(self.table, 3, self.source, {ZeroDivisionError: b"ZERO"})
        self.writer.begin()

    def test_piece(self) -> None:
        """A piece is sent, and the source is asked for more when no data waits."""
        self.assertEqual(self.source.asked, 1)
        self.writer.write(b"ab")
        self.assertEqual((self.table.queued, self.writer.isReady(), self.writer.wantsMore()), (1, True, False))
        self.writer.send()
        self.assertEqual(self.table.boxes, [{b"_stream": b"3", b"_data": b"ab"}])
        self.assertEqual((self.source.asked, self.source.sizes), (2, [2]))
        self.assertFalse(self.writer.isReady())

    def test_cut(self) -> None:
        """Long chunks are cut into pieces, and short ones are joined."""
        self.writer.credit = 10**6
        data = [b"a" * 20_000, b"b" * 10, b"c" * 20_000, b"d"]
        for each in data:
            self.writer.write(each)
        while self.writer.isReady():
            self.writer.send()
        pieces = [box[b"_data"] for box in self.table.boxes]
        self.assertEqual([len(each) for each in pieces], [16361, 16361, 7289])
        self.assertEqual(b"".join(pieces), b"".join(data))
        self.assertEqual(self.writer.size, 0)

    def test_boxSize(self) -> None:
        """A box with a full piece has 16,384 bytes, whatever the stream's number."""
        for number in (1, 10, 12345):
            table = Table()
            writer = StreamWriter(table, number, self.source, {})
            writer.write(bytes(20_000))
            writer.send()
            self.assertEqual(len(table.boxes[0].serialize()), 16_384)

    def test_cutOften(self) -> None:
        """The bytes stay in order, however the credit cuts a chunk."""
        data = bytes(range(256)) * 40
        self.writer.credit = 0
        for start in range(0, len(data), 300):
            self.writer.write(data[start : start + 300])
        size = 1
        while self.writer.size:
            self.assertFalse(self.writer.isReady())
            self.writer.grant(size)
            self.writer.send()
            size = size * 3 % 1000 + 1
        self.assertEqual(b"".join(box[b"_data"] for box in self.table.boxes), data)

    def test_exactChunk(self) -> None:
        """A chunk that a piece uses up is not cut again."""
        self.writer.credit = 3
        self.writer.write(b"a")
        self.writer.write(b"bc")
        self.writer.write(b"d")
        self.writer.send()
        self.assertEqual(self.table.boxes[0][b"_data"], b"abc")
        self.writer.grant(1)
        self.writer.send()
        self.assertEqual(self.table.boxes[1][b"_data"], b"d")

    def test_full(self) -> None:
        """The writer is full when 64 KiB wait."""
        self.writer.write(b"x" * 65_535)
        self.assertFalse(self.writer.isFull())
        self.writer.write(b"x")
        self.assertTrue(self.writer.isFull())

    def test_end(self) -> None:
        """The end is sent with the last piece, if it is known by then."""
        self.writer.write(b"")
        self.writer.write(b"x")
        self.writer.end()
        self.writer.end()
        self.writer.write(b"late")
        self.writer.send()
        self.assertEqual(self.table.boxes, [{b"_stream": b"3", b"_data": b"x", b"_end": b""}])
        self.assertEqual((self.source.ends, self.table.forgotten, self.source.stopped), ([None], 1, []))
        self.assertTrue(self.writer.isOver)

    def test_lateEnd(self) -> None:
        """A later end has its own box, and needs no credit."""
        self.writer.credit = 1
        self.writer.write(b"x")
        self.writer.send()
        self.writer.end()
        self.assertTrue(self.writer.isReady())
        self.writer.send()
        self.assertEqual(self.table.boxes[1:], [{b"_stream": b"3", b"_end": b""}])

    def test_endFoundByAsking(self) -> None:
        """A source that ends when it is asked for more ends with its last piece."""
        self.source.onMore = self.writer.end
        self.writer.write(b"x")
        self.writer.send()
        self.assertIn(b"_end", self.table.boxes[0])

    def test_fail(self) -> None:
        """A declared error is sent with its code and text, after the written data."""
        self.writer.write(b"x")
        self.writer.fail(Failure(ZeroDivisionError("why")))
        self.writer.fail(Failure(ValueError()))
        self.writer.send()
        reset = {b"_stream": b"3", b"_reset": b"ZERO", b"_text": b"why"}
        self.assertEqual(self.table.boxes, [{b"_stream": b"3", b"_data": b"x"}, reset])
        self.assertTrue(self.source.ends[0].check(ZeroDivisionError))  # type: ignore[union-attr]

    def test_failAtOnce(self) -> None:
        """After an error before the first piece, only the error is sent."""
        self.writer.fail(Failure(amp.RemoteAmpError(b"OWN", "own text")))
        self.writer.send()
        self.assertEqual(self.table.boxes, [{b"_stream": b"3", b"_reset": b"OWN", b"_text": b"own text"}])

    def test_undeclared(self) -> None:
        """The text of an undeclared error is logged and not sent."""
        self.writer.fail(Failure(LookupError("a secret")))
        self.writer.send()
        self.assertEqual(self.table.boxes[0][b"_reset"], b"UNKNOWN")
        self.assertEqual(self.table.boxes[0][b"_text"], b"Unknown Error")
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)

    def test_stopped(self) -> None:
        """
        If the source fails because another stream was stopped, the stream counts as stopped, too.
        """
        self.writer.fail(Failure(amp.StreamStoppedError(b"ENOUGH")))
        self.writer.send()
        self.assertEqual(self.table.boxes[0][b"_reset"], b"STOPPED")

    def test_grantTooMuch(self) -> None:
        """Credit above the maximum is a violation."""
        self.writer.grant(2**31 - 1 - 16384)
        self.assertRaises(amp.StreamViolationError, self.writer.grant, 1)

    def test_stop(self) -> None:
        """A reader's stop ends the source, and is answered with one reset."""
        self.writer.write(b"x")
        self.writer.stop(b"ENOUGH", "no more")
        self.writer.stop(b"ENOUGH", "no more")
        self.assertEqual(self.table.boxes, [{b"_stream": b"3", b"_reset": b"STOPPED", b"_text": b""}])
        (failure,) = self.source.stopped
        self.assertEqual((failure.value.code, failure.value.text), (b"ENOUGH", "no more"))  # type: ignore[attr-defined]
        self.assertEqual(self.source.ends, [failure])
        self.assertEqual(self.writer.size, 0)

    def test_stopAfterSource(self) -> None:
        """A source that has ended is not stopped."""
        self.writer.write(b"x")
        self.writer.end()
        self.writer.stop(b"A", "")
        self.assertEqual((self.source.stopped, len(self.source.ends)), ([], 1))

    def test_lose(self) -> None:
        """When the connection is lost, only the source is told."""
        self.writer.lose(Failure(ConnectionLost()))
        self.writer.lose(Failure(ConnectionLost()))
        self.writer.write(b"x")
        self.writer.end()
        self.assertEqual((self.table.boxes, len(self.source.stopped), len(self.source.ends)), ([], 1, 1))

    def test_overWhileAsking(self) -> None:
        """If the stream ends while its source is asked for more, the piece is not sent."""
        self.writer.write(b"x")
        self.source.onMore = lambda: self.writer.lose(Failure(ConnectionLost()))
        self.writer.send()
        self.assertEqual((self.table.boxes, self.source.sizes), ([], []))

    def test_overWhileTelling(self) -> None:
        """If the stream ends while its source is told what was sent, it ends once."""
        self.writer.write(b"x")
        self.writer.end()
        self.source.sent = lambda size: self.writer.lose(Failure(ConnectionLost()))  # type: ignore[method-assign]
        self.writer.send()
        self.assertEqual(len(self.source.ends), 1)

    def test_beginFails(self) -> None:
        """If the source cannot begin, the stream fails."""
        self.source.error = ZeroDivisionError("begin")
        self.writer.begin()
        self.source.error = None
        self.writer.send()
        self.assertEqual(self.table.boxes[0][b"_reset"], b"ZERO")

    def test_moreFails(self) -> None:
        """If the source cannot continue, the stream fails."""

        def fail() -> None:
            raise ZeroDivisionError("more")

        self.source.onMore = fail
        self.writer.write(b"x")
        self.writer.send()
        self.assertEqual([*self.table.boxes[1]], [b"_stream", b"_reset", b"_text"])

    def test_tellingFails(self) -> None:
        """Other errors of the source are logged, and the stream continues and ends."""
        self.source.error = LookupError()
        self.writer.write(b"x")
        self.writer.send()
        self.writer.stop(b"A", "")
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 3)
        self.assertEqual((len(self.source.ends), self.table.forgotten), (1, 1))
