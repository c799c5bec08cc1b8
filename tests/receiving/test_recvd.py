"""Tests for L{twisted_basic_ng._receiving.recvd}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng._receiving.recvd import StringBacklog


class StringBacklogTests(SynchronousTestCase):
    """L{StringBacklog} knows which bytes the current delivery has delivered."""

    def delivering(self, start: int) -> StringBacklog:
        """Start a delivery of nine bytes, of which C{start} were delivered before."""
        backlog = StringBacklog()
        backlog.add(b"\x01a\x02bc\x03def")
        backlog.start = backlog.deliveryStart = start
        return backlog

    def test_inProgress(self) -> None:
        """
        C{inProgress} stays the same during a delivery, and is the same object until more bytes
        arrive.
        """
        backlog = self.delivering(2)
        backlog.start = 5
        shown = backlog.inProgress
        self.assertEqual((shown, backlog.delivered), (b"\x02bc\x03def", 3))
        self.assertIs(backlog.inProgress, shown)
        backlog.addMeanwhile(b"\x01x")
        self.assertEqual(backlog.inProgress, shown + b"\x01x")

    def test_resumed(self) -> None:
        """A delivery that continues a batch begins at the first undelivered frame."""
        for looks in (False, True):
            backlog = self.delivering(0)
            reader = backlog.batch.start([b"a", b"bc", b"def"], 0, ("!B", 1), 1)
            backlog.start = 9
            next(reader)
            backlog.resume()
            if looks:
                self.assertEqual(backlog.inProgress, b"\x02bc\x03def")
            next(reader)
            self.assertEqual((backlog.delivered, backlog.inProgress), (3, b"\x02bc\x03def"))
            backlog.putBack()
            self.assertEqual((backlog.delivered, backlog.peek()), (3, b"\x03def"))

    def test_refused(self) -> None:
        """A refused frame counts as undelivered."""
        backlog = self.delivering(0)
        reader = backlog.batch.start([b"a", b"bc", b"def"], 0, ("!B", 1), 1)
        backlog.start = 9
        next(reader)
        backlog.refuse(next(reader))
        self.assertEqual((backlog.delivered, backlog.peek()), (2, b"\x02bc\x03def"))

    def test_takenEarlier(self) -> None:
        """A string that was taken out of its pieces counts as delivered."""
        backlog = StringBacklog()
        backlog.add(b"\x05abcd")
        backlog.unfinished(6)
        backlog._setAside(backlog.current)
        backlog.current = b"e\x01f"
        self.assertEqual(backlog.takeString(1), b"abcde")
        self.assertEqual((backlog.delivered, backlog.inProgress), (6, b"\x05abcde\x01f"))
        backlog.replace(b"x")
        self.assertEqual((backlog.delivered, backlog.inProgress), (0, b"x"))
