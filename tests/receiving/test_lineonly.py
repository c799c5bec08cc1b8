"""Tests for L{twisted_basic_ng._receiving.lineonly}."""

from __future__ import annotations

from copy import copy
from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from .linescripts import ExceedingOnlyLines, OnlyLines, connected


class LineOnlyReceiverTests(SynchronousTestCase):
    """The behaviour of L{LineOnlyReceiver} alone."""

    def test_sendLine(self) -> None:
        """A line is sent with its delimiter in one call."""
        receiver, transport = connected(OnlyLines, delimiter=b"\n")
        receiver.sendLine(b"abc")
        self.assertEqual(transport.events, [("write", b"abc\n")])

    def test_buffer(self) -> None:
        """
        In a callback, C{_buffer} shows the bytes after the last delimiter of the chunk and can be
        assigned.
        """
        receiver, _ = connected(OnlyLines)
        seen: list[bytes] = []

        def look() -> None:
            seen.append(receiver._buffer)
            receiver._buffer = b"x"

        receiver.actions[b"a"] = look
        receiver.dataReceived(b"a\r\nb\r\nc")
        receiver.dataReceived(b"y\r\n")
        self.assertEqual(seen, [b"c"])
        self.assertEqual([line for _, line in receiver.calls], [b"a", b"b", b"xy"])

    def test_bufferReadBack(self) -> None:
        """
        A callback reads back the value it has assigned to C{_buffer}, at each line of a chunk.
        """
        receiver, _ = connected(OnlyLines)
        seen: list[bytes] = []

        def reset() -> None:
            receiver._buffer = b""
            seen.append(receiver._buffer)

        receiver.actions.update({b"a": reset, b"b": reset})
        receiver.dataReceived(b"a\r\nb\r\nrest")
        self.assertEqual((seen, receiver._buffer), ([b"", b""], b""))

    def test_afterException(self) -> None:
        """
        Lines left after an exception are not part of C{_buffer}, and assigning to it does not lose
        them.
        """
        receiver, _ = connected(OnlyLines)
        receiver.actions[b"a"] = lambda: 1 / 0
        self.assertRaises(ZeroDivisionError, receiver.dataReceived, b"a\r\nb\r\nrest")
        self.assertEqual(receiver._buffer, b"rest")
        receiver._buffer = b"x"
        receiver.dataReceived(b"y\r\n")
        self.assertEqual([line for _, line in receiver.calls], [b"a", b"b", b"xy"])

    def test_exceededReenters(self) -> None:
        """
        Bytes that C{lineLengthExceeded} passes to C{dataReceived} are delivered in the same call.
        """
        for sent in (b"abcd\r\ne\r\n", b"abcdef"):
            receiver, _ = connected(ExceedingOnlyLines, MAX_LENGTH=3)
            receiver.actions.update({sent[:4]: lambda: receiver.dataReceived(b"x\r\n")})  # noqa: B023
            receiver.actions[sent] = lambda: setattr(receiver, "_buffer", b"") or receiver.dataReceived(b"x\r\n")  # type: ignore[func-returns-value] # noqa: B023
            receiver.dataReceived(sent)
            self.assertEqual(receiver.calls[-1], ("line", b"x"))

    def test_emptyDelimiter(self) -> None:
        """An empty delimiter raises an error."""
        receiver, _ = connected(OnlyLines, delimiter=b"")
        self.assertRaises(ValueError, receiver.dataReceived, b"abc")

    def test_exceeded(self) -> None:
        """
        C{lineLengthExceeded} gets the line.  The other lines of the chunk are dropped, and the
        bytes after the last delimiter are kept.
        """
        receiver, _ = connected(ExceedingOnlyLines, MAX_LENGTH=3)
        receiver.dataReceived(b"abcd\r\ne\r\nf")
        self.assertEqual((receiver.calls, receiver._buffer), ([("exceeded", b"abcd")], b"f"))

    def test_delimiterChanged(self) -> None:
        """A changed delimiter applies from the next chunk on."""
        receiver, _ = connected(OnlyLines)
        receiver.actions[b"a"] = lambda: setattr(receiver, "delimiter", b";")
        receiver.dataReceived(b"a\r\nb\r\nc;")
        receiver.dataReceived(b"d;")
        self.assertEqual([line for _, line in receiver.calls], [b"a", b"b", b"c", b"d"])

    def test_half(self) -> None:
        """
        The beginning of a delimiter does not count for the limit, unless it turns out to be data.
        """
        receiver, transport = connected(OnlyLines, MAX_LENGTH=3)
        receiver.dataReceived(b"abc\r")
        self.assertFalse(transport.disconnecting)
        receiver.dataReceived(b"d")
        self.assertTrue(transport.disconnecting)

    def test_assignedForNext(self) -> None:
        """
        A value that a callback assigns to C{_buffer} is searched together with the next chunk.
        """
        receiver, _ = connected(OnlyLines, delimiter=b"aba")
        seen: list[bytes] = []
        receiver.actions[b""] = lambda: setattr(receiver, "_buffer", b"aaba")
        receiver.actions[b"a"] = lambda: seen.append(receiver._buffer)
        receiver.dataReceived(b"aba")
        receiver.dataReceived(b"b")
        self.assertEqual((receiver.calls, seen), ([("line", b""), ("line", b"a")], [b"b"]))

    def test_assignedInPieces(self) -> None:
        """A value that is assigned to C{_buffer} replaces a long line that is kept in pieces."""
        receiver, _ = connected(OnlyLines)
        for _ in range(4):
            receiver.dataReceived(b"x" * 2000)
        receiver._buffer = b"assigned"
        receiver.dataReceived(b"\r\n")
        self.assertEqual(receiver.calls, [("line", b"assigned")])

    def test_assignedLines(self) -> None:
        """
        Whole lines that are assigned to C{_buffer} are delivered with the next chunk, whatever
        their size.
        """
        for size in (4, 4090, 9000):
            receiver, _ = connected(OnlyLines)
            receiver._buffer = b"a\r\n" + b"x" * size
            receiver.dataReceived(b"y")
            self.assertEqual((receiver.calls, receiver._buffer), ([("line", b"a")], b"x" * size + b"y"))

    def inPieces(self, **attributes: Any) -> Any:
        """Make a receiver that keeps a long line in pieces."""
        receiver, _ = connected(ExceedingOnlyLines, **attributes)
        for _ in range(4):
            receiver.dataReceived(b"x" * 2000)
        return receiver

    def test_assignedAndResumed(self) -> None:
        """
        Lines assigned in place of pieces are parsed at the next call, even if it has no bytes.
        """
        for delimiter, limit, expected in (
            (b"\r\n", 9999, [("line", b"a")]),
            (b";", 9999, [("line", b"a\r\n")]),
            (b"|", 9, []),
            (b"|", 4, [("exceeded", b"a\r\n;b")]),
        ):
            receiver = self.inPieces()
            receiver._buffer = b"a\r\n;b"
            receiver.delimiter, receiver.MAX_LENGTH = delimiter, limit
            receiver.dataReceived(b"")
            self.assertEqual(receiver.calls, expected)

    def test_assignedAndCopied(self) -> None:
        """A copy has the value that was assigned in place of pieces."""
        receiver = self.inPieces()
        receiver._buffer = b"ab"
        self.assertEqual(copy(receiver)._buffer, b"ab")

    def test_assignedAndTimed(self) -> None:
        """
        The time limit for a message applies to the assigned value, and a receiver that aborts keeps
        nothing.
        """
        for assigned, expected in ((b"", []), (b"ab", [("abortConnection",)])):
            clock = Clock()
            receiver = self.inPieces(MAX_MESSAGE_TIME=5, _receiverCallLater=clock.callLater)
            receiver._buffer = assigned
            clock.advance(6)
            self.assertEqual((receiver.transport.events, receiver._buffer), (expected, b""))

    def test_keptAfterClose(self) -> None:
        """
        After the application has closed the connection, only a limited part of an endless line is
        kept.
        """
        receiver = self.inPieces(MAX_LENGTH=100)
        receiver.transport.loseConnection()
        for _ in range(20):
            receiver.dataReceived(b"x" * 65536)
        self.assertEqual(len(receiver._buffer), 2**18 + 100)

    def test_exceededBehindReentered(self) -> None:
        """
        Bytes that a callback passes in are delivered even if a later line of the chunk is too long.
        """
        receiver, _ = connected(ExceedingOnlyLines, MAX_LENGTH=3)
        receiver.actions[b"a"] = lambda: receiver.dataReceived(b"z\r\n")
        receiver.dataReceived(b"a\r\nlong\r\nb\r\n")
        self.assertEqual(receiver.calls, [("line", b"a"), ("exceeded", b"long"), ("line", b"z")])

    def test_delimiterInLongLine(self) -> None:
        """If the delimiter changes, it is found in a long line that arrived in one chunk."""
        receiver, _ = connected(OnlyLines)
        receiver.dataReceived(b"a;" + b"x" * 9000)
        receiver.delimiter = b";"
        receiver.dataReceived(b"y")
        self.assertEqual((receiver.calls, receiver._buffer), ([("line", b"a")], b"x" * 9000 + b"y"))

    def test_closedBehindAssigned(self) -> None:
        """If the delimiter changes, it is found in the bytes kept after the application's close."""
        receiver, transport = connected(OnlyLines)
        receiver.actions[b"a"] = transport.loseConnection
        receiver.dataReceived(b"a\r\nb\r\nc;")
        receiver.delimiter = b";"
        receiver.dataReceived(b"d;e")
        self.assertEqual((receiver.calls, receiver._buffer), ([("line", b"a")], b"e"))

    def test_plaintext(self) -> None:
        """Bytes that a callback assigns before it starts TLS are discarded as plaintext."""
        receiver, transport = connected(OnlyLines)

        def start() -> None:
            receiver._buffer = b"assigned"
            transport.startTLS()

        receiver.actions[b"a"] = start
        receiver.dataReceived(b"a\r\nb\r\nc")
        self.assertEqual((receiver.calls, receiver._buffer), ([("line", b"a")], b""))

    def test_otherAttribute(self) -> None:
        """Deleting another attribute works as usual."""
        receiver, _ = connected(OnlyLines, own=1)
        del receiver.own
        self.assertRaises(AttributeError, delattr, receiver, "own")
