"""Tests for L{twisted_basic_ng._receiving.batch}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng._receiving.batch import CAUTION, NOTHING, Batch


class BatchTests(SynchronousTestCase):
    """
    L{Batch} counts its undelivered frames, and decides how far to look ahead for the next batch.
    """

    def started(self) -> Batch:
        """Start a batch of three frames, each with one byte besides its payload, at offset 10."""
        batch = Batch()
        batch.start([b"a", b"bc", b""], 10, b";", 1)
        return batch

    def test_empty(self) -> None:
        """A new batch has no frames."""
        batch = Batch()
        self.assertEqual((batch.left, list(batch.reader), batch.cautious), (0, [], 0))
        self.assertIs(batch.reader, NOTHING)

    def test_offset(self) -> None:
        """
        The offset is that of the next frame, however many frames were taken since the last look.
        """
        for looks in ({0, 1, 2, 3}, {1, 3}, {3}):
            batch = self.started()
            expected = [10, 12, 15, 16]
            for taken in range(4):
                self.assertEqual(batch.left, 3 - taken)
                if taken in looks:
                    self.assertEqual([batch.offset, batch.offset], [expected[taken]] * 2)
                next(batch.reader, None)

    def test_finished(self) -> None:
        """A batch that is delivered to its end has no frames left and resets the caution."""
        batch = self.started()
        batch.spoil()
        batch.start([b"a"], 0, b";", 1)
        batch.finish()
        self.assertEqual((batch.left, batch.frames, batch.caution), (0, (), CAUTION))

    def test_spoiled(self) -> None:
        """
        The loop over a spoiled batch ends.  Each spoiled batch in a row doubles the caution, up to
        a maximum.
        """
        cautions = []
        batch = Batch()
        for _ in range(12):
            reader = batch.start([b"a", b"b"], 0, b";", 1)
            next(reader)
            batch.spoil()
            self.assertEqual((list(reader), batch.left), ([], 0))
            cautions.append(batch.cautious)
        self.assertEqual(cautions, [min(CAUTION << number, 4096) for number in range(12)])
