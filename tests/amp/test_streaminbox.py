"""Tests for L{twisted_basic_ng.amp._streaminbox}: the received part of a stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp
from twisted_basic_ng.amp._constants import STREAM_CREDIT
from twisted_basic_ng.amp._streaminbox import StreamInbox


class Table:
    """Lends what is available, and records its calls."""

    def __init__(self) -> None:
        self.window = 2**18
        self.available = 2**20
        self.events: list[Any] = []

    def soon(self, function: Callable[..., object], *args: object) -> None:
        self.events.append(("soon", *args))
        function(*args)

    def stop(self, inbox: StreamInbox, code: bytes, text: str) -> None:
        self.events.append(("stop", code, text))

    def grant(self, inbox: StreamInbox, size: int) -> None:
        self.events.append(("grant", size))

    def lend(self, wanted: int) -> int:
        size = min(wanted, self.available)
        self.available -= size
        return size

    def release(self, inbox: StreamInbox) -> None:
        self.available += inbox.borrowed
        self.events.append("release")


class TwoTextsError(Exception):
    """An error that needs two texts."""

    def __init__(self, user: str, why: str) -> None:
        super().__init__(user, why)


class InboxTests(SynchronousTestCase):
    """An inbox keeps the received bytes until they are read."""

    def setUp(self) -> None:
        self.table = Table()
        self.inbox = StreamInbox(self.table, 7)
        self.told = 0

    def tell(self) -> None:
        self.told += 1

    def test_read(self) -> None:
        """Pieces are read in order, and counted."""
        self.inbox.onArrival = self.tell
        self.inbox.arrived(b"ab")
        self.inbox.arrived(b"c", True)
        self.assertEqual((self.inbox.size, self.told), (3, 2))
        self.assertEqual((self.inbox.credit, self.inbox.key), (STREAM_CREDIT - 3, b"7"))
        self.assertFalse(self.inbox.isOver())
        self.assertEqual([self.inbox.read(), self.inbox.read(), self.inbox.read()], [b"ab", b"c", None])
        self.assertTrue(self.inbox.isOver())
        self.assertIsNone(self.inbox.failure())
        self.assertEqual(self.table.events, ["release"])

    def test_firstRead(self) -> None:
        """The first attempt to read opens the window, once."""
        self.assertIsNone(self.inbox.read())
        self.assertIsNone(self.inbox.read())
        self.assertEqual(self.table.events, [("grant", 2**18 - STREAM_CREDIT)])
        self.assertEqual(self.inbox.credit, 2**18)

    def test_halfRead(self) -> None:
        """When half of the window is read, the same amount is granted again."""
        self.inbox.read()
        for _ in range(8):
            self.inbox.arrived(bytes(16384))
        for _ in range(7):
            self.inbox.read()
        self.assertEqual(len(self.table.events), 1)
        self.inbox.read()
        self.assertEqual(self.table.events[1:], [("grant", 2**17)])
        self.assertEqual(self.inbox.credit, 2**18)

    def test_nothingToLend(self) -> None:
        """If nothing can be lent, a stream has its initial credit, and gets more later."""
        self.table.available = 0
        self.inbox.read()
        self.assertEqual(self.table.events, [])
        self.inbox.arrived(bytes(8192))
        self.table.available = 1000
        self.inbox.read()
        self.assertEqual(self.table.events, [("grant", 9192)])
        self.assertEqual(self.inbox.credit, STREAM_CREDIT + 1000)

    def test_smallWindow(self) -> None:
        """A window below the initial credit has no effect."""
        self.table.window = 5
        self.inbox.read()
        self.assertEqual((self.table.events, self.inbox.credit), ([], STREAM_CREDIT))

    def test_noGrantAtEnd(self) -> None:
        """After the end, nothing is granted."""
        self.inbox.arrived(b"x", True)
        self.inbox.read()
        self.inbox.read()
        self.assertEqual(self.table.events, ["release"])

    def test_stop(self) -> None:
        """Stopping drops the received bytes and tells the peer."""
        self.inbox.onArrival = self.tell
        self.inbox.arrived(b"x")
        self.inbox.stop(b"ENOUGH", "no more")
        self.assertEqual(self.table.events, [("stop", b"ENOUGH", "no more"), "release"])
        self.assertEqual((self.inbox.read(), self.inbox.size, self.told), (None, 0, 2))
        self.assertIsInstance(self.inbox.failure().value, amp.StreamStoppedError)  # type: ignore[union-attr]
        self.inbox.stop(b"AGAIN", "")
        self.assertEqual(len(self.table.events), 2)

    def test_stopWithError(self) -> None:
        """The error of a stopped stream may be of another type."""
        self.inbox.stop(b"TOO_MANY_STREAMS", "", amp.TooManyStreamsError(2, 1))
        self.assertIsInstance(self.inbox.failure().value, amp.TooManyStreamsError)  # type: ignore[union-attr]

    def test_abandon(self) -> None:
        """An inbox whose reader was dropped is stopped soon, unless it has ended."""
        self.inbox.abandon(b"UNREAD")
        self.inbox.abandon(b"UNREAD")
        self.assertEqual(self.table.events, [("soon", b"UNREAD", ""), ("stop", b"UNREAD", ""), "release"])

    def test_lost(self) -> None:
        """The loss of the connection ends the stream, after the received bytes."""
        self.inbox.onArrival = self.tell
        self.inbox.arrived(b"x")
        self.inbox.lose(Failure(ConnectionLost()))
        self.assertEqual(self.told, 2)
        self.assertEqual([self.inbox.read(), self.inbox.read()], [b"x", None])
        self.assertTrue(self.inbox.failure().check(ConnectionLost))  # type: ignore[union-attr]
        self.inbox.stop(b"A", "")
        self.assertEqual(self.table.events, [])

    def test_lostUnread(self) -> None:
        """An unread inbox of a lost connection grants nothing, and can be stopped."""
        self.inbox.arrived(b"x")
        self.inbox.lose(Failure(ConnectionLost()))
        self.inbox.abandon(b"A")
        self.inbox.stop(b"A", "")
        self.assertEqual(self.table.events, [])

    def test_lostAfterEnd(self) -> None:
        """A stream that has ended is not affected by the loss."""
        self.inbox.arrived(b"x", True)
        self.inbox.lose(Failure(ConnectionLost()))
        self.inbox.read()
        self.assertIsNone(self.inbox.failure())

    def test_readLost(self) -> None:
        """Reading a lost stream grants nothing."""
        self.inbox.lose(Failure(ConnectionLost()))
        self.assertIsNone(self.inbox.read())
        self.assertEqual(self.table.events, [])

    def test_errors(self) -> None:
        """The sender's error is the one declared for its code, or one that names the code."""
        cases = [
            (b"ZERO", ZeroDivisionError),
            (b"TWO", TypeError),
            (b"UNKNOWN", amp.UnknownRemoteError),
            (b"STOPPED", amp.StreamStoppedError),
            (b"OTHER", amp.RemoteAmpError),
        ]
        for code, kind in cases:
            inbox = StreamInbox(self.table, 1)
            inbox.errors = {b"ZERO": ZeroDivisionError, b"TWO": TwoTextsError}
            inbox.arrived(None, True, (code, "text"))
            failure = inbox.failure()
            assert failure is not None
            self.assertIs(failure.type, kind)
