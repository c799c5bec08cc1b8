"""Tests for L{twisted_basic_ng._receiving.lines}."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, bytewise, deliveries, partitions
from twisted_basic_ng import _accelerate

from .linescripts import ExceedingLines, ExceedingOnlyLines, Lines, OnlyLines, connected


class CommonTests(SynchronousTestCase):
    """The behaviour that both line receivers share."""

    def test_anyCut(self) -> None:
        """The same bytes give the same lines, whatever chunks they arrive in."""
        for kind in (Lines, OnlyLines):
            for delimiter in (b"\r\n", b"\n", b"aa", b"abab"):
                data = b"x" + delimiter + delimiter + b"yz" + delimiter + b"a"
                expected = connected(kind, delimiter=delimiter)[0]
                expected.dataReceived(data)
                for chunks in partitions(data) if len(data) < 12 else deliveries(data):
                    receiver = connected(kind, delimiter=delimiter)[0]
                    for each in chunks:
                        receiver.dataReceived(each)
                    self.assertEqual((receiver.calls, receiver._buffer), (expected.calls, expected._buffer))

    def test_pausedInLongLine(self) -> None:
        """
        Bytes that arrive while a receiver is paused within a long line are delivered when it is
        resumed.
        """
        receiver, _ = connected(Lines)
        receiver.dataReceived(b"x" * 3000)
        receiver.dataReceived(b"x" * 1000)
        receiver.pauseProducing()
        receiver.dataReceived(b"x\r\ny")
        receiver.dataReceived(b"z\r\n")
        self.assertEqual(receiver.calls, [])
        receiver.resumeProducing()
        self.assertEqual(receiver.calls, [("line", b"x" * 4001), ("line", b"yz")])

    def test_loggedSize(self) -> None:
        """The logged size of a too long line does not depend on the bytes after it."""
        for kind in (Lines, OnlyLines):
            observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
            connected(kind, MAX_LENGTH=10)[0].dataReceived(b"x" * 11 + b"\r\n" + b"good\r\n" * 9)
            (event,) = observer
            self.assertEqual(event["size"], 11)

    def test_long(self) -> None:
        """
        A line much longer than a chunk is delivered as one line, and the lines after it are right.
        """
        for kind in (Lines, OnlyLines):
            for size in (1, 7, 1400, 65536):
                receiver = connected(kind, MAX_LENGTH=1 << 20)[0]
                data = b"x" * 100_000 + b"\r\n" + b"y" * 50_000 + b"\r\nz\r\n"
                for at in range(0, len(data), size):
                    receiver.dataReceived(data[at : at + size])
                self.assertEqual([len(line) for _, line in receiver.calls], [100_000, 50_000, 1])

    def test_limit(self) -> None:
        """
        A line may be as long as the limit, in any chunks.  One byte more closes the connection.
        """
        for kind in (Lines, OnlyLines):
            for data, lines in ((b"abc\r\nd\r\n", 2), (b"abcd\r\nd\r\n", 0)):
                for chunks in deliveries(data):
                    receiver, transport = connected(kind, MAX_LENGTH=3)
                    for each in chunks:
                        receiver.dataReceived(each)
                    self.assertEqual((len(receiver.calls), transport.disconnecting), (lines, not lines), chunks)

    def test_endless(self) -> None:
        """An unfinished line is refused as soon as it is too long."""
        for kind in (ExceedingLines, ExceedingOnlyLines):
            receiver = connected(kind, MAX_LENGTH=3)[0]
            for each in bytewise(b"abcde"):
                receiver.dataReceived(each)
            self.assertEqual(receiver.calls[0][0], "exceeded")

    def test_emptied(self) -> None:
        """The application may read C{_buffer} and assign other bytes to it."""
        for kind in (Lines, OnlyLines):
            receiver = connected(kind)[0]
            receiver.dataReceived(b"abc")
            self.assertEqual(receiver._buffer, b"abc")
            receiver._buffer = b"x"
            receiver.dataReceived(b"y\r\n")
            self.assertEqual(receiver.calls, [("line", b"xy")])

    def test_limitChanged(self) -> None:
        """A changed limit applies from the next line on."""
        for kind in (Lines, OnlyLines):
            receiver, transport = connected(kind)
            receiver.actions[b"a"] = lambda: setattr(receiver, "MAX_LENGTH", 1)  # noqa: B023
            receiver.dataReceived(b"a\r\nb\r\nccc\r\nd\r\n")
            self.assertEqual((len(receiver.calls), transport.disconnecting), (2, True))

    def test_replacedOnInstance(self) -> None:
        """A callback assigned on the instance is called from the next line on."""
        for kind in (Lines, OnlyLines):
            receiver, _ = connected(kind)
            other: list[bytes] = []
            receiver.actions[b"a"] = lambda: setattr(receiver, "lineReceived", other.append)  # noqa: B023
            receiver.dataReceived(b"a\r\nb\r\n")
            self.assertEqual((receiver.calls, other), ([("line", b"a")], [b"b"]))

    def test_closing(self) -> None:
        """
        After the application closes the connection, the other lines of the chunk are not delivered.
        """
        for kind in (Lines, OnlyLines):
            receiver, transport = connected(kind)
            receiver.actions[b"a"] = transport.loseConnection
            receiver.dataReceived(b"a\r\nb\r\n")
            self.assertEqual(receiver.calls, [("line", b"a")])


class LineReceiverTests(SynchronousTestCase):
    """The behaviour of L{LineReceiver} alone."""

    def test_sendLine(self) -> None:
        """A line is sent with its delimiter in one write."""
        receiver, transport = connected(Lines, delimiter=b"\n")
        receiver.sendLine(b"abc")
        self.assertEqual(transport.events, [("write", b"abc\n")])

    def test_rawMode(self) -> None:
        """
        The receiver changes to raw mode at a line, and back to line mode in C{rawDataReceived}.
        """
        receiver, _ = connected(Lines)
        receiver.actions[b"raw"] = receiver.setRawMode
        receiver.actions[b"data\r\n"] = lambda: receiver.setLineMode(b"a\r\nb")
        receiver.dataReceived(b"x\r\nraw\r\ndata\r\n")
        receiver.dataReceived(b"c\r\n")
        self.assertEqual(
            receiver.calls, [("line", b"x"), ("line", b"raw"), ("raw", b"data\r\n"), ("line", b"a"), ("line", b"bc")]
        )

    def test_rawStops(self) -> None:
        """A true value from C{rawDataReceived} ends the delivery and is returned."""
        receiver, _ = connected(Lines)
        receiver.setRawMode()
        receiver.actions[b"x"] = lambda: receiver.setLineMode(b"y\r\n") or "why"
        self.assertEqual(receiver.dataReceived(b"x"), "why")
        self.assertEqual((receiver.calls, receiver._buffer), ([("raw", b"x")], b"y\r\n"))

    def test_setLineMode(self) -> None:
        """Outside a callback, the extra bytes of C{setLineMode} are delivered at once."""
        receiver, _ = connected(Lines)
        receiver.setRawMode()
        self.assertIsNone(receiver.setLineMode())
        receiver.setLineMode(b"a\r\n")
        self.assertEqual((receiver.calls, receiver.line_mode), ([("line", b"a")], 1))

    def test_lineStops(self) -> None:
        """
        A true value from C{lineReceived} ends the delivery.  The rest is delivered with the next
        chunk.
        """
        receiver, _ = connected(Lines)
        receiver.actions[b"a"] = lambda: "why"
        self.assertEqual(receiver.dataReceived(b"a\r\nb\r\n"), "why")
        self.assertEqual(receiver._buffer, b"b\r\n")
        receiver.dataReceived(b"c\r\n")
        self.assertEqual([line for _, line in receiver.calls], [b"a", b"b", b"c"])

    def test_delimiterChanged(self) -> None:
        """A changed delimiter applies from the next line on."""
        receiver, _ = connected(Lines)
        receiver.actions[b"a"] = lambda: setattr(receiver, "delimiter", b";")
        receiver.dataReceived(b"a\r\nb\r\nc;")
        self.assertEqual([line for _, line in receiver.calls], [b"a", b"b\r\nc"])

    def test_buffer(self) -> None:
        """
        In a callback, C{_buffer} shows the undelivered bytes, and assigning to it replaces them.
        """
        receiver, _ = connected(Lines)
        seen: list[bytes] = []

        def replace() -> None:
            seen.append(receiver._buffer)
            receiver._buffer += b"d\r\n"

        receiver.actions[b"a"] = replace
        receiver.actions[b"c"] = lambda: seen.append(receiver.clearLineBuffer())
        receiver.dataReceived(b"a\r\nb\r\nc\r\n")
        self.assertEqual(seen, [b"b\r\nc\r\n", b"d\r\n"])
        self.assertEqual([line for _, line in receiver.calls], [b"a", b"b", b"c"])

    def test_exceeded(self) -> None:
        """
        C{lineLengthExceeded} gets all bytes from the too long line on, and its return value is
        returned.
        """
        receiver, _ = connected(ExceedingLines, MAX_LENGTH=3)
        receiver.actions[b"abcd\r\ne\r\nf"] = lambda: "why"
        self.assertEqual(receiver.dataReceived(b"x\r\nabcd\r\ne\r\nf"), "why")
        self.assertEqual(receiver.calls, [("line", b"x"), ("exceeded", b"abcd\r\ne\r\nf")])
        self.assertEqual(receiver._buffer, b"")

    def test_spoiled(self) -> None:
        """The receiver does not search far ahead if each callback spoils the batch."""
        receiver, _ = connected(Lines)
        found: list[int] = []
        split = _accelerate.splitLines
        self.patch(
            _accelerate,
            "splitLines",
            lambda *given: (found.append(given[3]), split(*given))[1],  # type: ignore[func-returns-value]
        )
        receiver.actions[b""] = lambda: setattr(receiver, "_buffer", receiver._buffer)
        receiver.dataReceived(b"\r\n" * 3000)
        self.assertEqual((len(receiver.calls), set(found)), (3000, {2048}))
        self.assertLess(len(found), 10)

    def test_busy(self) -> None:
        """If the application sets C{_busyReceiving}, bytes are kept and not delivered."""
        receiver, _ = connected(Lines)
        receiver._busyReceiving = True
        receiver.dataReceived(b"a\r\n")
        self.assertEqual((receiver.calls, receiver._buffer), ([], b"a\r\n"))
        receiver._busyReceiving = False
        receiver.dataReceived(b"")
        self.assertEqual(receiver.calls, [("line", b"a")])

    def test_emptyDelimiter(self) -> None:
        """An empty delimiter ends no line."""
        receiver, _ = connected(Lines, delimiter=b"")
        receiver.dataReceived(b"abc")
        receiver.dataReceived(b"d")
        self.assertEqual((receiver.calls, receiver._buffer), ([], b"abcd"))

    def test_noTransport(self) -> None:
        """Lines are delivered before there is a transport."""
        receiver = Lines()
        receiver.dataReceived(b"a\r\nb\r\n")
        self.assertEqual([line for _, line in receiver.calls], [b"a", b"b"])


class ChangingTests(SynchronousTestCase):
    """A batch of lines survives the changes that leave it valid, and no others."""

    def delivered(self, kind: Any, change: Any, rest: bytes = b"long\r\n" * 40, **attributes: Any) -> Any:
        """Deliver a batch and call C{change} in the callback for its eleventh line."""
        receiver, transport = connected(kind, **attributes)
        receiver.actions[b"now"] = lambda: change(receiver)
        receiver.dataReceived(b"long\r\n" * 10 + b"now\r\n" + rest)
        return receiver, transport

    def lines(self, receiver: Any) -> list[bytes]:
        return [data for _, data in receiver.calls[11:]]

    def test_paused(self) -> None:
        """After a pause, the rest of the batch is delivered when the receiver is resumed."""
        receiver, _ = self.delivered(Lines, lambda it: it.pauseProducing())
        self.assertEqual((len(receiver.calls), receiver._buffer), (11, b"long\r\n" * 40))
        receiver.dataReceived(b"x\r\n")
        receiver.resumeProducing()
        self.assertEqual(self.lines(receiver), [b"long"] * 40 + [b"x"])

    def test_why(self) -> None:
        """After a true value, the rest of the batch is delivered with the next chunk."""
        receiver, _ = self.delivered(Lines, lambda it: "why")
        receiver.dataReceived(b"x\r\n")
        self.assertEqual(self.lines(receiver), [b"long"] * 40 + [b"x"])

    def test_raised(self) -> None:
        """After an error in any line of a batch, the rest is delivered with the next chunk."""
        for kind in (Lines, OnlyLines):
            for rest, expected in ((b"a\r\n" * 40, [b"a"] * 40), (b"", [])):
                receiver, _ = connected(kind)
                receiver.actions[b"now"] = lambda: 1 / 0
                self.assertRaises(ZeroDivisionError, receiver.dataReceived, b"a\r\n" * 11 + b"now\r\n" + rest + b"x")
                receiver.dataReceived(b"y\r\n")
                self.assertEqual([data for _, data in receiver.calls[12:]], [*expected, b"xy"])

    def test_delimiterAfterPause(self) -> None:
        """After the delimiter changes, the kept bytes are split anew."""
        receiver, _ = self.delivered(Lines, lambda it: it.pauseProducing())
        receiver.delimiter = b"g"
        receiver.resumeProducing()
        self.assertEqual(self.lines(receiver), [b"lon"] + [b"\r\nlon"] * 39)

    def test_limit(self) -> None:
        """
        A changed limit applies from the next line on, and C{lineLengthExceeded} gets the rest.
        """
        receiver, _ = self.delivered(ExceedingLines, lambda it: setattr(it, "MAX_LENGTH", 3))
        self.assertEqual(receiver.calls[11:], [("exceeded", b"long\r\n" * 40)])

    def test_rawAndBack(self) -> None:
        """C{rawDataReceived} gets all undelivered bytes, and can hand some of them back."""
        receiver, _ = connected(Lines)
        receiver.actions[b"raw"] = receiver.setRawMode

        def back() -> None:
            receiver.setLineMode(receiver.calls[-1][1][1:])

        receiver.rawDataReceived = lambda data: (receiver.calls.append(("raw", data)), back())[1]  # type: ignore[func-returns-value]
        receiver.dataReceived(b"raw\r\nx" * 100)
        self.assertEqual([data for kind, data in receiver.calls if kind == "line"], [b"raw"] * 100)
        self.assertEqual(len(receiver.calls), 200)

    def test_nothingRaw(self) -> None:
        """C{rawDataReceived} is not called if the bytes have been taken."""
        receiver, _ = connected(Lines)
        receiver.dataReceived(b"x" * 100)
        receiver.dataReceived(b"x" * 10)
        receiver.clearLineBuffer()
        receiver.setRawMode()
        receiver.dataReceived(b"")
        self.assertEqual(receiver.calls, [])

    def test_rawAtTheEnd(self) -> None:
        """Raw mode that begins after the last byte waits for the next chunk."""
        receiver, _ = self.delivered(Lines, lambda it: it.setRawMode(), b"")
        self.assertEqual(len(receiver.calls), 11)
        receiver.dataReceived(b"x")
        self.assertEqual(receiver.calls[11:], [("raw", b"x")])

    def test_rawAndFed(self) -> None:
        """
        Bytes that a callback passes in after it sets raw mode are delivered behind the earlier
        ones.
        """
        receiver, _ = connected(Lines)
        receiver.actions[b"a"] = lambda: (receiver.setRawMode(), receiver.dataReceived(b"more"))[0]
        receiver.dataReceived(b"a\r\nrest")
        self.assertEqual((receiver.calls[0], receiver.calls[1:]), (("line", b"a"), [("raw", b"restmore")]))

    def test_rawReturns(self) -> None:
        """A true value from C{rawDataReceived} ends the delivery and is returned."""
        receiver, _ = connected(Lines)
        receiver.actions[b"a"] = receiver.setRawMode
        receiver.actions[b"rest"] = lambda: "why"
        self.assertEqual(receiver.dataReceived(b"a\r\nrest"), "why")

    def test_longAtTheEnd(self) -> None:
        """A long line after lines that change the delimiter is delivered with its chunk."""
        receiver, _ = connected(Lines)
        receiver.actions[b"a"] = lambda: setattr(receiver, "delimiter", b";")
        receiver.actions[b"b"] = lambda: setattr(receiver, "delimiter", b"\r\n")
        receiver.dataReceived(b"a\r\nb;" * 20 + b"x" * 5000 + b"\r\n")
        self.assertEqual((len(receiver.calls), receiver.calls[-1]), (41, ("line", b"x" * 5000)))
        receiver.dataReceived(b"c\r\n")
        self.assertEqual(receiver.calls[-1], ("line", b"c"))

    def test_backAndForth(self) -> None:
        """The delimiter can change at each line."""
        receiver, _ = connected(Lines)
        receiver.actions[b"a"] = lambda: setattr(receiver, "delimiter", b";")
        receiver.actions[b"b"] = lambda: setattr(receiver, "delimiter", b"\r\n")
        receiver.dataReceived(b"a\r\nb;" * 200)
        self.assertEqual([line for _, line in receiver.calls], [b"a", b"b"] * 200)

    def test_looks(self) -> None:
        """An application that reads the rest at each line sees it, after a spoiled batch, too."""
        receiver, _ = connected(Lines)
        seen: list[bytes] = []
        receiver.actions[b"a"] = lambda: seen.append(receiver._buffer)
        receiver.actions[b"b"] = lambda: setattr(receiver, "_buffer", receiver._buffer)
        receiver.dataReceived(b"b\r\n" * 20 + b"a\r\n" * 60 + b"x")
        self.assertEqual(seen, [b"a\r\n" * left + b"x" for left in range(59, -1, -1)])

    def looking(self, then: Any = lambda it: None, **attributes: Any) -> tuple[Any, RecordingTransport, list[bytes]]:
        """
        Connect a receiver that reads the rest at each line C{a} or C{b}, and calls C{then} at each
        C{b}.
        """
        receiver, transport = connected(ExceedingLines, **attributes)
        seen: list[bytes] = []
        receiver.actions[b"a"] = lambda: seen.append(receiver._buffer)
        receiver.actions[b"b"] = lambda: (seen.append(receiver._buffer), then(receiver))[1]
        return receiver, transport, seen

    def test_looksAtEach(self) -> None:
        """
        An application that reads the rest at each line sees it, whatever chunks the bytes arrive
        in.
        """
        data = b"a\r\n" * 400 + b"xyz"
        for size in (1, 2, 7, 100, 600, len(data)):
            receiver, _, seen = self.looking()
            for at in range(0, len(data), size):
                before = len(receiver.calls)
                receiver.dataReceived(data[at : at + size])
                left = data[3 * before : at + size]
                count = len(receiver.calls) - before
                self.assertEqual(seen[before:], [left[3 * number :] for number in range(1, count + 1)], size)
            self.assertEqual((len(receiver.calls), receiver._buffer), (400, b"xyz"))

    def test_looksNoMore(self) -> None:
        """Lines where the application reads the rest can alternate with lines where it does not."""
        receiver, _, seen = self.looking()
        receiver.dataReceived((b"a\r\n" * 5 + b"c\r\n" * 40) * 9)
        self.assertEqual(b"".join(line for _, line in receiver.calls), (b"a" * 5 + b"c" * 40) * 9)
        self.assertEqual(len(seen), 45)

    def test_looksAndChanges(self) -> None:
        """
        If an application reads the rest at each line, its other changes apply from the next line
        on.
        """

        def again(it: Any) -> None:
            it.dataReceived(it.clearLineBuffer()[3:])

        def more(it: Any) -> None:
            it.dataReceived(b"d\r\n")
            self.assertTrue(it._buffer.endswith(b"d\r\n"))

        raised = ("line", b"b"), ("raw", b"a\r\n" * 300)
        changes: list[tuple[Any, list[Any]]] = [
            (lambda it: it.setRawMode(), list(raised)),
            (lambda it: it.pauseProducing(), [("line", b"b")]),
            (lambda it: "why", [("line", b"b")]),
            (lambda it: it.transport.loseConnection(), [("line", b"b")]),
            (lambda it: setattr(it, "delimiter", b"\n"), [("line", b"b"), *[("line", b"a\r")] * 300]),
            (lambda it: setattr(it, "MAX_LENGTH", 0), [("line", b"b"), ("exceeded", b"a\r\n" * 300)]),
            (lambda it: setattr(it, "_buffer", bytearray(b"c\r\n")), [("line", b"b"), ("line", b"c")]),
            (lambda it: delattr(it, "_buffer"), [("line", b"b")]),
            (again, [("line", b"b"), *[("line", b"a")] * 299]),
            (more, [("line", b"b"), *[("line", b"a")] * 300, ("line", b"d")]),
            (lambda it: it.transport.startTLS(), [("line", b"b")]),
            (
                lambda it: setattr(it, "__class__", type("Other", (ExceedingLines,), {"delimiter": b"\n"})),
                [("line", b"b"), *[("line", b"a\r")] * 300],
            ),
        ]
        for number, (change, expected) in enumerate(changes):
            receiver, _, _ = self.looking(change)
            receiver.dataReceived(b"a\r\n" * 300 + b"b\r\n" + b"a\r\n" * 300)
            self.assertEqual(receiver.calls[300:], expected, number)

    def test_looksAndRaises(self) -> None:
        """
        After an error in a callback that reads the rest, the rest is delivered with the next chunk.
        """
        receiver, _, seen = self.looking(lambda it: 1 / 0)
        self.assertRaises(ZeroDivisionError, receiver.dataReceived, b"a\r\n" * 30 + b"b\r\n" + b"a\r\n" * 30)
        self.assertEqual(receiver._buffer, b"a\r\n" * 30)
        receiver.dataReceived(b"a\r\n")
        self.assertEqual(seen[31:], [b"a\r\n" * left for left in range(30, -1, -1)])

    def test_looksAndResumes(self) -> None:
        """Bytes that arrive during a pause appear behind the rest when the receiver is resumed."""
        receiver, _, seen = self.looking(lambda it: it.pauseProducing())
        receiver.dataReceived(b"a\r\n" * 30 + b"b\r\n" + b"a\r\n" * 3)
        receiver.dataReceived(b"a\r\n" * 2)
        receiver.resumeProducing()
        self.assertEqual(seen[31:], [b"a\r\n" * left for left in range(4, -1, -1)])

    def test_looksAndFeeds(self) -> None:
        """
        Bytes that a callback passes in after it reads the rest are behind it, even behind half a
        line.
        """
        receiver, _, _ = self.looking(lambda it: it.dataReceived(b"d\r\n"))
        receiver.dataReceived(b"a\r\n" * 30 + b"b\r\nhalf")
        self.assertEqual(receiver.calls[30:], [("line", b"b"), ("line", b"halfd")])

    def test_looksInLongLine(self) -> None:
        """
        While the application reads the rest at each line, a too long line still reaches
        C{lineLengthExceeded}, finished or not.  With an empty delimiter, bytes are kept.
        """
        for rest, size in ((b"x" * 20 + b"\r\na", 9), (b"x" * 20, 9)):
            receiver, _, _ = self.looking(MAX_LENGTH=size)
            receiver.dataReceived(b"a\r\n" * 30 + rest)
            self.assertEqual(receiver.calls[30:], [("exceeded", rest)])
        receiver, _, _ = self.looking()
        receiver.dataReceived(b"a\r\n" * 30)
        receiver.delimiter = b""
        receiver.dataReceived(b"a\r\n")
        self.assertEqual((len(receiver.calls), receiver._buffer), (30, b"a\r\n"))

    def test_handedBack(self) -> None:
        """Any object with a buffer can be passed to C{setLineMode}."""
        for form in (bytes, bytearray, memoryview):
            receiver, _ = connected(Lines)
            receiver.actions[b"raw"] = receiver.setRawMode
            receiver.actions[b"a\r\n"] = lambda: receiver.setLineMode(form(b"b\r\n"))  # noqa: B023
            receiver.dataReceived(b"raw\r\na\r\n")
            self.assertEqual(receiver.calls[1:], [("raw", b"a\r\n"), ("line", b"b")])

    def test_rawAtLast(self) -> None:
        """
        Raw mode that begins after the last line of a batch delivers nothing before the next chunk.
        """
        receiver, _ = connected(Lines)
        receiver.actions[b"raw"] = receiver.setRawMode
        receiver.dataReceived(b"a\r\n" * 30 + b"raw\r\n")
        receiver.dataReceived(b"x")
        self.assertEqual(receiver.calls[30:], [("line", b"raw"), ("raw", b"x")])

    def test_muchWhileCautious(self) -> None:
        """
        After a spoiled batch, many lines are delivered, and the bytes of an unfinished one are
        kept.
        """
        receiver, _ = connected(Lines)
        receiver.actions[b"b"] = lambda: setattr(receiver, "_buffer", receiver._buffer + b"")
        receiver.dataReceived(b"b\r\n" + b"c\r\n" * 8 + b"x" * 6000)
        self.assertEqual((len(receiver.calls), receiver._buffer), (9, b"x" * 6000))
        receiver.dataReceived(b"\r\n" + b"c\r\n" * 3000)
        self.assertEqual([line for _, line in receiver.calls[9:]], [b"x" * 6000] + [b"c"] * 3000)
        receiver, _ = connected(Lines)
        receiver.actions[b"b"] = lambda: setattr(receiver, "_buffer", receiver._buffer + b"")
        receiver.dataReceived(b"b\r\n" + (b"c" * 500 + b"\r\n") * 20)
        self.assertEqual([line for _, line in receiver.calls], [b"b"] + [b"c" * 500] * 20)

    def test_longWhileCautious(self) -> None:
        """
        A too long line after a spoiled batch is passed to C{lineLengthExceeded} with the bytes
        after it.
        """
        receiver, _ = connected(ExceedingLines, MAX_LENGTH=9)
        receiver.actions[b"b"] = lambda: setattr(receiver, "_buffer", receiver._buffer)
        receiver.dataReceived(b"b\r\n" * 20 + b"0123456789\r\nx" + b"y" * 60)
        self.assertEqual(receiver.calls[20:], [("exceeded", b"0123456789\r\nx" + b"y" * 60)])

    def test_forms(self) -> None:
        """A delimiter may be any object with a buffer."""
        for kind in (Lines, OnlyLines):
            for form in (bytearray, memoryview):
                for data in (b"a;b;" + b"c;" * 60, b"a;"):
                    receiver, _ = connected(kind, delimiter=form(b";"))
                    for chunk in (data, b"d", b";"):
                        receiver.dataReceived(chunk)
                    self.assertEqual(len(receiver.calls), data.count(b";") + 1)

    def test_limits(self) -> None:
        """A limit may be infinite, not a number, or a fraction."""
        for kind in (Lines, OnlyLines):
            for limit, expected in ((float("inf"), 3), (float("nan"), 3), (2.5, 2), (float("-inf"), 0)):
                for chunks in ([b"a\r\nbb\r\nccc\r\n"], bytewise(b"a\r\nbb\r\nccc\r\n")):
                    receiver, transport = connected(kind, MAX_LENGTH=limit)
                    for each in chunks:
                        receiver.dataReceived(each)
                    self.assertEqual((len(receiver.calls), transport.disconnecting), (expected, expected < 3), limit)
