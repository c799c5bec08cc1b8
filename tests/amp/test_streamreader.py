"""Tests for L{twisted_basic_ng.amp._streamreader}: reading a stream."""

from __future__ import annotations

import gc
from contextlib import aclosing
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.streamends import stepped
from tests.amp.test_streaminbox import Table
from twisted_basic_ng import amp
from twisted_basic_ng.amp._streaminbox import StreamInbox
from twisted_basic_ng.amp._streamreader import _Reader


class ReaderCase(SynchronousTestCase):
    """A stream that is received."""

    def setUp(self) -> None:
        self.table = Table()
        self.inbox = StreamInbox(self.table, 1)

    def stops(self) -> list[bytes]:
        """The codes with which the stream was stopped."""
        return [event[1] for event in self.table.events if event[0] == "stop"]


class BytesTests(ReaderCase):
    """A stream of bytes."""

    def setUp(self) -> None:
        super().setUp()
        self.reader = amp.StreamReader(self.inbox)

    def test_iterated(self) -> None:
        """C{async for} iterates over the pieces, and waits for them."""
        taken: list[bytes] = []

        async def take() -> str:
            async for piece in self.reader:
                taken.append(piece)  # noqa: PERF401 - so that each is seen when it comes
            return "done"

        result = Deferred.fromCoroutine(take())
        self.inbox.arrived(b"a")
        self.inbox.arrived(b"b")
        self.assertEqual(taken, [b"a", b"b"])
        self.assertNoResult(result)
        self.inbox.arrived(b"c", True)
        self.assertEqual((self.successResultOf(result), taken), ("done", [b"a", b"b", b"c"]))
        self.assertEqual(self.reader.bytesRead, 3)

    def test_fails(self) -> None:
        """The sender's error is raised after the received bytes, and repeatedly."""
        self.inbox.errors = {b"ZERO": ZeroDivisionError}
        self.inbox.arrived(b"a")
        self.inbox.arrived(None, True, (b"ZERO", "why"))
        self.assertEqual(self.successResultOf(stepped(self.reader)), b"a")
        for _ in range(2):
            self.failureResultOf(stepped(self.reader), ZeroDivisionError)

    def test_busy(self) -> None:
        """A stream can be read in one way at a time."""
        step = stepped(self.reader)
        self.failureResultOf(stepped(self.reader), amp.StreamBusyError)
        self.assertRaises(amp.StreamBusyError, self.reader.collect, 10)
        self.assertRaises(amp.StreamBusyError, self.reader.deliverTo, None)
        self.inbox.arrived(b"a")
        self.successResultOf(step)
        collecting = self.reader.collect(10)
        self.failureResultOf(stepped(self.reader), amp.StreamBusyError)
        self.inbox.arrived(b"b", True)
        self.assertEqual(self.successResultOf(collecting), b"b")

    def test_cancelled(self) -> None:
        """A piece is not lost if waiting for it is cancelled."""
        step = stepped(self.reader)
        step.cancel()
        self.failureResultOf(step, CancelledError)
        self.inbox.arrived(b"a")
        self.assertEqual(self.successResultOf(stepped(self.reader)), b"a")

    def test_collect(self) -> None:
        """C{collect} returns the whole stream if it is within the limit."""
        collecting = self.reader.collect(3)
        self.inbox.arrived(b"ab")
        self.inbox.arrived(b"c", True)
        self.assertEqual(self.successResultOf(collecting), b"abc")

    def test_collectRest(self) -> None:
        """The limit applies to the rest of the stream."""
        self.inbox.arrived(b"abc")
        self.successResultOf(stepped(self.reader))
        collecting = self.reader.collect(1)
        self.inbox.arrived(b"d", True)
        self.assertEqual(self.successResultOf(collecting), b"d")

    def test_delivered(self) -> None:
        """C{deliverTo} passes the stream to a consumer."""
        taken: list[bytes] = []
        pipe = amp.StreamPipe()
        pipe.write = taken.append  # type: ignore[method-assign]
        delivering = self.reader.deliverTo(pipe)
        self.inbox.arrived(b"a", True)
        self.successResultOf(delivering)
        self.assertEqual(taken, [b"a"])

    def test_tooLong(self) -> None:
        """A longer stream is stopped, with an error that names the limit."""
        collecting = self.reader.collect(3)
        self.inbox.arrived(b"abcd")
        error = self.failureResultOf(collecting, amp.StreamTooLongError).value
        self.assertEqual((error.limit, self.stops()), (3, [b"TOO_LONG"]))

    def test_stop(self) -> None:
        """C{stop} ends the stream for its sender and its reader."""
        step = stepped(self.reader)
        self.reader.stop(b"ENOUGH", "no more")
        error = self.failureResultOf(step, amp.StreamStoppedError).value
        self.assertEqual((error.code, error.text), (b"ENOUGH", "no more"))
        self.failureResultOf(stepped(self.reader), amp.StreamStoppedError)
        self.assertEqual(self.stops(), [b"ENOUGH"])

    def test_aclosing(self) -> None:
        """C{contextlib.aclosing} stops the stream."""

        async def take() -> None:
            async with aclosing(self.reader) as pieces:
                async for _ in pieces:
                    break

        self.inbox.arrived(b"a")
        self.successResultOf(Deferred.fromCoroutine(take()))
        self.assertEqual(self.stops(), [b"STOPPED"])

    def test_dropped(self) -> None:
        """A stream whose reader is no longer referenced is stopped."""
        del self.reader
        gc.collect()
        self.assertEqual(self.stops(), [b"UNREAD"])

    def test_notDropped(self) -> None:
        """A reader that is being read stays alive."""
        collecting = self.reader.collect(10)
        del self.reader
        gc.collect()
        self.inbox.arrived(b"a", True)
        self.assertEqual(self.successResultOf(collecting), b"a")
        gc.collect()
        self.assertEqual(self.stops(), [])

    def test_droppedAtEnd(self) -> None:
        """A reader that was read to its end stops nothing."""
        self.inbox.arrived(b"a", True)
        self.successResultOf(self.reader.collect(1))
        del self.reader
        gc.collect()
        self.assertEqual(self.stops(), [])

    def test_lost(self) -> None:
        """The loss of the connection is raised."""
        step = stepped(self.reader)
        self.inbox.lose(Failure(ConnectionLost()))
        self.failureResultOf(step, ConnectionLost)

    def test_arrivedAgain(self) -> None:
        """More data may arrive before the waiting code continues."""
        waiting = stepped(self.reader)
        waiting.pause()
        self.inbox.arrived(b"a")
        self.reader._ampArrived()
        self.reader._ampWaiting = Deferred()
        self.reader._ampWaiting.callback(None)
        self.reader._ampArrived()
        self.reader._ampWaiting = None
        waiting.unpause()
        self.assertEqual(self.successResultOf(waiting), b"a")

    def test_repr(self) -> None:
        self.inbox.arrived(b"abc")
        self.assertEqual(repr(self.reader), "<StreamReader of stream 1, 3 bytes unread>")

    def test_base(self) -> None:
        """The base class leaves taking and joining values to its subclasses."""
        base: Any = _Reader(self.inbox)
        self.assertRaises(NotImplementedError, base._ampNext)
        self.assertRaises(NotImplementedError, base._ampJoin, [])


def items(*values: bytes) -> bytes:
    """Return the bytes of items."""
    return b"".join(len(each).to_bytes(2, "big") + each for each in values)


class ItemTests(ReaderCase):
    """A stream of items."""

    def setUp(self) -> None:
        super().setUp()
        self.reader = amp.ItemReader(self.inbox, amp.Integer(), None)

    def test_cut(self) -> None:
        """Items are read in any chunks."""
        data = items(b"1", b"22", b"", b"333")
        self.reader._ampElementType = amp.String()
        for index in range(len(data)):
            self.inbox.arrived(data[index : index + 1], index == len(data) - 1)
        self.assertEqual(self.successResultOf(self.reader.collect(100)), [b"1", b"22", b"", b"333"])

    def test_iterated(self) -> None:
        """C{async for} iterates over the items."""
        self.inbox.arrived(items(b"1", b"2"), True)
        self.assertEqual(self.successResultOf(stepped(self.reader)), 1)
        self.assertEqual(self.successResultOf(stepped(self.reader)), 2)
        self.failureResultOf(stepped(self.reader), StopAsyncIteration)

    def test_long(self) -> None:
        """An item may have up to 65,535 bytes."""
        self.reader._ampElementType = amp.String()
        self.inbox.credit = 10**6
        data = items(bytes(65_535))
        for start in range(0, len(data), 16384):
            self.inbox.arrived(data[start : start + 16384], start + 16384 >= len(data))
        self.assertEqual(self.successResultOf(self.reader.collect(10**6)), [bytes(65_535)])

    def test_wrongItem(self) -> None:
        """An item that cannot be read stops the stream, with the error of its type."""
        self.inbox.arrived(items(b"1", b"x", b"2"))
        self.assertEqual(self.successResultOf(stepped(self.reader)), 1)
        self.failureResultOf(stepped(self.reader), ValueError)
        self.assertEqual(self.stops(), [b"BAD_ITEM"])
        self.failureResultOf(stepped(self.reader), amp.StreamStoppedError)

    def test_unfinished(self) -> None:
        """A stream that ends within an item raises an error."""
        self.inbox.arrived(items(b"1", b"22")[:-1], True)
        self.assertEqual(self.successResultOf(stepped(self.reader)), 1)
        error = self.failureResultOf(stepped(self.reader), amp.StreamError).value
        self.assertEqual(str(error), "the stream ends in an item of which 3 bytes have arrived")

    def test_failsInItem(self) -> None:
        """If the sender has failed, its error is raised instead."""
        self.inbox.arrived(b"\0", True, (b"OTHER", "why"))
        self.failureResultOf(self.reader.collect(10), amp.RemoteAmpError)

    def test_tooLong(self) -> None:
        """The limit of C{collect} is in bytes, including the lengths."""
        self.inbox.arrived(items(b"1", b"2"), True)
        self.failureResultOf(self.reader.collect(5), amp.StreamTooLongError)

    def test_stop(self) -> None:
        """C{stop} drops all received items."""
        self.inbox.arrived(items(b"1", b"2"))
        self.successResultOf(stepped(self.reader))
        self.reader.stop()
        self.failureResultOf(stepped(self.reader), amp.StreamStoppedError)
