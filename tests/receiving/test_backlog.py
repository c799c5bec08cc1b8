"""Tests for L{twisted_basic_ng._receiving.backlog}."""

from __future__ import annotations

from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng._receiving.backlog import Backlog, Pieces


class PiecesTests(SynchronousTestCase):
    """L{Pieces} gives back what it was given, in order."""

    def test_empty(self) -> None:
        """Without any, there are no bytes."""
        pieces = Pieces()
        self.assertEqual((pieces.size, pieces.join()), (0, b""))

    def test_large(self) -> None:
        """A large piece alone is not copied."""
        large = b"x" * 5000
        pieces = Pieces()
        pieces.append(large)
        self.assertIs(pieces.join(), large)

    def test_mixed(self) -> None:
        """Small and large ones keep their order, and their number is their sum."""
        expected = b""
        pieces = Pieces()
        for size in (1, 2, 5000, 3, 1999, 2048, 70_000, 1):
            data = bytes([size % 251]) * size
            expected += data
            pieces.append(data)
        self.assertEqual((pieces.size, pieces.join()), (len(expected), expected))

    def test_parts(self) -> None:
        """The beginning, and what is behind it, wherever one piece ends and the next begins."""
        for sizes in ((3, 5), (2048, 3, 4000), (3000,), (1, 2, 2047, 2)):
            pieces = Pieces()
            whole = b""
            for number, size in enumerate(sizes):
                pieces.append(bytes([97 + number]) * size)
                whole += bytes([97 + number]) * size
            for start in (0, 1, 3, 4):
                self.assertEqual(pieces.begin(start), whole[:start])
            for start in {0, 1, 3, 4, 7, 2048, 2050, len(whole)} & {*range(len(whole) + 1)}:
                self.assertEqual(pieces.joinBehind(start, b"last"), whole[start:] + b"last")

    def test_merged(self) -> None:
        """Many small ones are kept in few large ones."""
        pieces = Pieces()
        for _ in range(200_000):
            pieces.append(b"y")
        self.assertEqual(pieces.join(), b"y" * 200_000)
        self.assertEqual(len(pieces._chunks), 3)


def deliver(backlog: Backlog, frames: list[bytes], end: int) -> Iterator[bytes]:
    """Begin a batch, of frames with one byte each besides their payload."""
    backlog.framing = 1
    backlog.frames = frames
    backlog.reader = iter(frames)
    backlog.start = end
    return backlog.reader


class BacklogTests(SynchronousTestCase):
    """L{Backlog} keeps the undelivered bytes, whatever happens to them."""

    def test_empty(self) -> None:
        """At first there are none."""
        backlog = Backlog()
        self.assertEqual((bool(backlog), backlog.peek(), backlog.size), (False, b"", 0))

    def test_put(self) -> None:
        """What is taken in is in hand, without a copy; nothing is nothing."""
        data = b"abc" * 10
        backlog = Backlog()
        backlog.put(data)
        backlog.put(b"")
        self.assertIs(backlog.current, data)
        self.assertTrue(backlog)

    def test_buffers(self) -> None:
        """Anything with a buffer becomes bytes."""
        backlog = Backlog()
        backlog.put(bytearray(b"ab"))
        backlog.busy = True
        backlog.put(memoryview(b"cd"))  # type: ignore[arg-type]
        self.assertEqual((type(backlog.current), backlog.take()), (bytes, b"abcd"))

    def test_waiting(self) -> None:
        """Bytes that nobody has looked at yet keep the later ones waiting."""
        backlog = Backlog()
        for each in (b"ab", b"cd", b"ef"):
            backlog.put(each)
        self.assertEqual((backlog.current, backlog.peek()), (b"ab", b"abcdef"))
        self.assertTrue(backlog.unfinished())
        self.assertEqual(backlog.current, b"abcdef")
        self.assertFalse(backlog.unfinished())

    def test_joined(self) -> None:
        """A short unfinished frame is joined with what comes."""
        backlog = Backlog()
        backlog.put(b"ab")
        backlog.unfinished(9)
        backlog.put(b"cde")
        self.assertEqual((backlog.current, backlog.unfinishedPieces), (b"abcde", None))

    def test_setAside(self) -> None:
        """A long one is set aside until it is complete."""
        backlog = Backlog()
        backlog.put(b"abcdef")
        backlog.unfinished(9)
        backlog.put(b"gh")
        self.assertEqual((backlog.current, backlog.size, backlog.completesString()), (b"gh", 8, False))
        backlog.unfinished(9)
        backlog.put(b"ijk")
        self.assertEqual((backlog.peek(), bool(backlog)), (b"abcdefghijk", True))
        self.assertTrue(backlog.completesString())
        self.assertEqual((backlog.current, backlog.unfinishedPieces), (b"abcdefghijk", None))
        self.assertTrue(backlog.completesString())

    def test_takeString(self) -> None:
        """One that was set aside is taken when it is complete; what is behind it stays in hand."""
        backlog = Backlog()
        backlog.put(b"4:abcd")
        backlog.unfinished(9)
        backlog.put(b"ef")
        self.assertFalse(backlog.completesAside())
        self.assertFalse(backlog.unfinished(9))
        backlog.busy = True
        backlog.put(b"ghi")
        self.assertTrue(backlog.unfinished(9))
        self.assertTrue(backlog.completesAside())
        self.assertEqual(backlog.takeString(2), b"abcdefg")
        self.assertEqual(
            (backlog.current, backlog.unfinishedPieces, backlog.takenEarlier), (b"hi", None, (b"4:", b"abcdefg"))
        )
        backlog.replace(b"x")
        self.assertEqual((backlog.peek(), backlog.takenEarlier), (b"x", ()))

    def test_seam(self) -> None:
        """A delimiter is found in the middle of the pieces that it came in."""
        backlog = Backlog()
        backlog.put(b"abcdefg")
        backlog.unfinished(delimiter=b"--->")
        for each in (b"-", b"-", b"-"):
            backlog.put(each)
            self.assertFalse(backlog.completesLine(b"--->"))
            backlog.unfinished(delimiter=b"--->")
        backlog.put(b">")
        self.assertTrue(backlog.completesLine(b"--->"))
        self.assertEqual(backlog.current, b"abcdefg--->")
        self.assertTrue(backlog.completesLine(b"--->"))

    def test_otherDelimiter(self) -> None:
        """What was searched for one delimiter has to be searched for another."""
        backlog = Backlog()
        backlog.put(b"abc;def")
        backlog.unfinished(delimiter=b"\n")
        backlog.put(b"g")
        self.assertTrue(backlog.completesLine(b";"))
        self.assertEqual(backlog.current, b"abc;defg")

    def unfinished(self, data: bytes, needed: int = 0, delimiter: bytes = b"") -> Backlog:
        """Make a backlog that has set C{data} aside."""
        backlog = Backlog()
        backlog.put(data)
        backlog.unfinished(needed, delimiter)
        backlog._setAside(backlog.current)
        return backlog

    def test_extendsString(self) -> None:
        """What goes on with a string is set aside at once, until it is the last of it."""
        backlog = self.unfinished(b"abc", needed=6)
        self.assertTrue(backlog.extendsString(b"d"))
        self.assertTrue(backlog.extendsString(b"e"))
        self.assertFalse(backlog.extendsString(b"f"))
        self.assertEqual(backlog.peek(), b"abcde")

    def test_extendsLine(self) -> None:
        """What goes on with a line is set aside at once, unless it may end it, or it is too long with it."""
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
        """Nothing is set aside where nothing is already, or where it is not its turn."""
        waiting = self.unfinished(b"abc", 9, b"\n")
        waiting.busy = True
        waiting.put(b"d")
        searching = self.unfinished(b"abc", 9, b"\n")
        searching.current = b"d"
        for backlog in (Backlog(), waiting, searching):
            backlog.needed, backlog.delimiter = 9, b"\n"
            before = backlog.peek()
            self.assertFalse(backlog.extendsString(b"e"))
            self.assertFalse(backlog.extendsLine(b"e", b"\n", 9))
            self.assertEqual(backlog.peek(), before)

    def test_putBack(self) -> None:
        """What is left of a batch counts as undelivered, and is put back."""
        backlog = Backlog()
        backlog.put(b"a;bc;d;ef")
        frames = deliver(backlog, [b"a", b"bc", b"d"], 7)
        self.assertEqual((next(frames), backlog.peek(), backlog.offset), (b"a", b"bc;d;ef", 2))
        backlog.putBack()
        self.assertEqual((backlog.start, backlog.peek(), backlog.frames), (2, b"bc;d;ef", ()))
        backlog.putBack()
        self.assertEqual((backlog.start, backlog.peek()), (2, b"bc;d;ef"))

    def test_replaced(self) -> None:
        """Other bytes end the batch for who walks it."""
        backlog = Backlog()
        backlog.put(b"a;b;c;")
        frames = deliver(backlog, [b"a", b"b", b"c"], 6)
        next(frames)
        backlog.replace(b"xy")
        self.assertEqual((list(frames), backlog.peek()), ([], b"xy"))

    def test_unfinishedRest(self) -> None:
        """An unfinished frame alone is held of the bytes that it came in."""
        backlog = Backlog()
        backlog.put(b"a;b")
        list(deliver(backlog, [b"a"], 2))
        backlog.unfinished()
        self.assertEqual((backlog.current, backlog.start), (b"b", 0))

    def test_take(self) -> None:
        """Everything goes in one string, and nothing stays."""
        backlog = Backlog()
        backlog.put(b"abcdef")
        backlog.unfinished(99)
        backlog.put(b"g")
        backlog.busy = True
        backlog.put(b"h")
        self.assertEqual((backlog.take(), bool(backlog)), (b"abcdefgh", False))
