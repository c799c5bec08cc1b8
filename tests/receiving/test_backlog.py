"""Tests for L{twisted_basic_ng._receiving.backlog}."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng._receiving.backlog import Backlog
from twisted_basic_ng._receiving.recvd import StringBacklog


def deliver(backlog: Backlog, frames: list[bytes], end: int) -> Iterator[bytes]:
    """Start a batch of frames that take one byte each besides their payload."""
    backlog.start = end
    return backlog.batch.start(frames, 0, b";", 1)


class BacklogTests(SynchronousTestCase):
    """L{Backlog} keeps the undelivered bytes."""

    def test_empty(self) -> None:
        """A new backlog is empty."""
        backlog = Backlog()
        self.assertEqual((bool(backlog), backlog.peek(), backlog.size), (False, b"", 0))

    def test_put(self) -> None:
        """
        Added bytes become the current bytes without a copy, and adding no bytes changes nothing.
        """
        data = b"abc" * 10
        backlog = Backlog()
        backlog.add(data)
        backlog.add(b"")
        self.assertIs(backlog.current, data)
        self.assertTrue(backlog)

    def test_waiting(self) -> None:
        """Bytes that arrive before the current ones are parsed wait behind them."""
        backlog = Backlog()
        for each in (b"ab", b"cd", b"ef"):
            backlog.add(each)
        self.assertEqual((backlog.current, backlog.peek()), (b"ab", b"abcdef"))
        self.assertTrue(backlog.unfinished())
        self.assertEqual(backlog.current, b"abcdef")
        self.assertFalse(backlog.unfinished())

    def test_joined(self) -> None:
        """A short unfinished frame is joined with the next bytes."""
        backlog = Backlog()
        backlog.add(b"ab")
        backlog.unfinished(9)
        backlog.add(b"cde")
        self.assertEqual((backlog.current, backlog.unfinishedPieces), (b"abcde", None))

    def test_setAside(self) -> None:
        """A long unfinished frame is set aside until it is complete."""
        backlog = Backlog()
        backlog.add(b"abcdef")
        backlog.unfinished(9)
        backlog.add(b"gh")
        self.assertEqual((backlog.current, backlog.size, backlog.completesString()), (b"gh", 8, False))
        backlog.unfinished(9)
        backlog.add(b"ijk")
        self.assertEqual((backlog.peek(), bool(backlog)), (b"abcdefghijk", True))
        self.assertTrue(backlog.completesString())
        backlog.rejoin()
        self.assertEqual((backlog.current, backlog.unfinishedPieces), (b"abcdefghijk", None))

    def test_takeString(self) -> None:
        """A string that was set aside is taken when it is complete, and the bytes after it stay."""
        backlog = StringBacklog()
        backlog.add(b"4:abcd")
        backlog.unfinished(9)
        backlog.add(b"ef")
        self.assertFalse(backlog.completesString())
        self.assertFalse(backlog.unfinished(9))
        backlog.addMeanwhile(b"ghi")
        self.assertTrue(backlog.unfinished(9))
        self.assertTrue(backlog.completesString())
        self.assertEqual(backlog.takeString(2), b"abcdefg")
        self.assertEqual(
            (backlog.current, backlog.unfinishedPieces, backlog.takenEarlier), (b"hi", None, (b"4:", b"abcdefg"))
        )
        backlog.replace(b"x")
        self.assertEqual((backlog.peek(), backlog.takenEarlier), (b"x", ()))

    def test_seam(self) -> None:
        """A delimiter that is split over several pieces is found."""
        backlog = Backlog()
        backlog.add(b"abcdefg")
        backlog.unfinished(delimiter=b"--->")
        for each in (b"-", b"-", b"-"):
            backlog.add(each)
            self.assertFalse(backlog.completesLine(b"--->"))
            backlog.unfinished(delimiter=b"--->")
        backlog.add(b">")
        self.assertTrue(backlog.completesLine(b"--->"))
        self.assertEqual(backlog.current, b"abcdefg--->")

    def test_otherDelimiter(self) -> None:
        """Bytes that were searched for one delimiter are searched again for another one."""
        backlog = Backlog()
        backlog.add(b"abc;def")
        backlog.unfinished(delimiter=b"\n")
        backlog.add(b"g")
        self.assertTrue(backlog.completesLine(b";"))
        self.assertEqual(backlog.current, b"abc;defg")

    def unfinished(self, data: bytes, needed: int = 0, delimiter: bytes = b"") -> Backlog:
        """Make a backlog that has set C{data} aside."""
        backlog = Backlog()
        backlog.add(data)
        backlog.unfinished(needed, delimiter)
        backlog._setAside(backlog.current)
        return backlog

    def test_extendsString(self) -> None:
        """Bytes that continue a string are set aside at once, until the last of them arrives."""
        backlog = self.unfinished(b"abc", needed=6)
        self.assertTrue(backlog.extendsString(b"d"))
        self.assertTrue(backlog.extendsString(b"e"))
        self.assertFalse(backlog.extendsString(b"f"))
        self.assertEqual(backlog.peek(), b"abcde")

    def test_extendsLine(self) -> None:
        """
        Bytes that continue a line are set aside at once, unless they may end the line or make it
        too long.
        """
        for delimiter, seam in ((b"\n", b""), (b"\r\n", b"f"), (b"<end>", b"cdef"), (b"<the end>", b"abcdef")):
            backlog = self.unfinished(b"abc", delimiter=delimiter)
            self.assertTrue(backlog.extendsLine(b"de", delimiter, 6))
            self.assertTrue(backlog.extendsLine(b"f", delimiter, 6))
            self.assertEqual((backlog.peek(), backlog.seam), (b"abcdef", seam))
            self.assertFalse(backlog.extendsLine(b"g", delimiter, 6))
            self.assertFalse(backlog.extendsLine(delimiter[-1:], delimiter, 60))
            self.assertFalse(backlog.extendsLine(b"g", b"other", 60))
            self.assertEqual(backlog.peek(), b"abcdef")

    def test_extendsNothing(self) -> None:
        """
        Bytes are set aside only behind others that are set aside, and only if no other bytes wait.
        """
        waiting = self.unfinished(b"abc", 9, b"\n")
        waiting.addMeanwhile(b"d")
        searching = self.unfinished(b"abc", 9, b"\n")
        searching.current = b"d"
        for backlog in (Backlog(), waiting, searching):
            backlog.needed, backlog.delimiter = 9, b"\n"
            before = backlog.peek()
            self.assertFalse(backlog.extendsString(b"e"))
            self.assertFalse(backlog.extendsLine(b"e", b"\n", 9))
            self.assertEqual(backlog.peek(), before)

    def test_putBack(self) -> None:
        """The undelivered frames of a batch count as undelivered bytes, and can be put back."""
        backlog = Backlog()
        backlog.add(b"a;bc;d;ef")
        frames = deliver(backlog, [b"a", b"bc", b"d"], 7)
        self.assertEqual((next(frames), backlog.peek(), backlog.offset), (b"a", b"bc;d;ef", 2))
        backlog.putBack()
        self.assertEqual((backlog.start, backlog.peek(), backlog.batch.frames), (2, b"bc;d;ef", ()))
        backlog.putBack()
        self.assertEqual((backlog.start, backlog.peek()), (2, b"bc;d;ef"))

    def test_exhausted(self) -> None:
        """A batch keeps no later bytes waiting once all its frames are taken."""
        backlog = Backlog()
        backlog.add(b"a;")
        list(deliver(backlog, [b"a"], 2))
        self.assertFalse(backlog)
        backlog.add(b"b")
        self.assertEqual((backlog.current, backlog.start, backlog.arrivedMeanwhile), (b"b", 0, None))

    def test_replaced(self) -> None:
        """Replacing the bytes ends the loop over the current batch."""
        backlog = Backlog()
        backlog.add(b"a;b;c;")
        frames = deliver(backlog, [b"a", b"b", b"c"], 6)
        next(frames)
        backlog.replace(b"xy")
        self.assertEqual((list(frames), backlog.peek()), ([], b"xy"))

    def test_unfinishedRest(self) -> None:
        """An unfinished frame does not keep the delivered bytes of its chunk alive."""
        backlog = Backlog()
        backlog.add(b"a;b")
        list(deliver(backlog, [b"a"], 2))
        backlog.unfinished()
        self.assertEqual((backlog.current, backlog.start), (b"b", 0))

    def test_take(self) -> None:
        """All bytes are taken as one string, and the backlog is then empty."""
        backlog = Backlog()
        backlog.add(b"abcdef")
        backlog.unfinished(99)
        backlog.add(b"g")
        backlog.addMeanwhile(b"h")
        self.assertEqual((backlog.take(), bool(backlog)), (b"abcdefgh", False))
