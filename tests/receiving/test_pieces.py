"""Tests for L{twisted_basic_ng._receiving.pieces}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng._receiving.pieces import Pieces


class PiecesTests(SynchronousTestCase):
    """L{Pieces} returns the bytes it was given, in order."""

    def test_empty(self) -> None:
        """Without pieces, there are no bytes."""
        pieces = Pieces()
        self.assertEqual((pieces.size, pieces.join()), (0, b""))

    def test_large(self) -> None:
        """A single large piece is not copied."""
        large = b"x" * 5000
        pieces = Pieces()
        pieces.append(large)
        self.assertIs(pieces.join(), large)

    def test_mixed(self) -> None:
        """Small and large pieces keep their order, and C{size} is the sum of their sizes."""
        expected = b""
        pieces = Pieces()
        for size in (1, 2, 5000, 3, 1999, 2048, 70_000, 1):
            data = bytes([size % 251]) * size
            expected += data
            pieces.append(data)
        self.assertEqual((pieces.size, pieces.join()), (len(expected), expected))

    def test_parts(self) -> None:
        """The bytes before and after an offset are returned, wherever the pieces begin and end."""
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
        """Many small pieces are merged into a few large ones."""
        pieces = Pieces()
        for _ in range(200_000):
            pieces.append(b"y")
        self.assertEqual(pieces.join(), b"y" * 200_000)
        self.assertEqual(len(pieces._chunks), 3)
