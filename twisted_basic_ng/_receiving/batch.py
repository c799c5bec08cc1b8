"""
The frames that were found ahead and are delivered one at a time, and how far ahead to look.

A batch is a forecast.  It stays valid after a pause, an error, or more bytes.  A change that makes
it invalid, such as other bytes or another delimiter, spoils it: L{Backlog.putBack
<twisted_basic_ng._receiving.backlog.Backlog.putBack>} turns the rest of it into plain bytes again,
and the loop over the batch ends.

An application that changes something at each message would spoil each batch, and so would one that
reads the rest of the bytes at each message.  So after a spoiled batch, frames are found one at a
time for a while.  That while doubles with each batch that is spoiled in a row.

This file knows no bytes but those of the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import length_hint
from typing import Any, Final

__all__ = ["CAUTION", "MANY", "NOTHING", "Batch"]

#: How many strings to find ahead: at first, after a spoiled batch, and at most.
SOME: Final = 128
FEW: Final = 32
MANY: Final = 1024

#: How many frames to find one at a time after a spoiled batch: the first time, and at most.
CAUTION: Final = 16
_UTMOST_CAUTION: Final = 4096

#: The iterator of an empty batch; idle receivers share it.
NOTHING: Final[Iterator[Any]] = iter(())


class Batch:
    """
    The frames that are being delivered.

    @ivar frames: the frames; empty if there is no batch.
    @ivar reader: the iterator over them.
    @ivar terms: the delimiter, format or limit with which the frames, or the beginning of a string,
        were found.  If these change, the batch is invalid.
    @ivar framing: how many bytes each frame takes on the wire besides its payload.
    @ivar taken: how many frames had been taken at the last look.
    @ivar mark: the offset of the bytes after these frames.
    @ivar most: how many strings to find ahead.
    @ivar cautious: how many frames to find one at a time before looking ahead again.
    @ivar caution: the value of C{cautious} after the next spoiled batch.
    """

    __slots__ = ("caution", "cautious", "frames", "framing", "mark", "most", "reader", "taken", "terms")

    def __init__(self) -> None:
        self.frames: Sequence[Any] = ()
        self.reader: Iterator[Any] = NOTHING
        self.terms: object = None
        self.framing = self.taken = self.mark = 0
        self.most = SOME
        self.cautious = 0
        self.caution = CAUTION

    @property
    def left(self) -> int:
        """How many frames are not delivered yet."""
        return length_hint(self.reader) if self.frames else 0

    def start(self, frames: Sequence[bytes], mark: int, terms: object, framing: int) -> Iterator[bytes]:
        """
        Start to deliver C{frames}.

        @param mark: the offset of the first of them.
        @return: the iterator to take them from.
        """
        self.frames = frames
        self.terms = terms
        self.framing = framing
        self.taken = 0
        self.mark = mark
        self.reader = reader = iter(frames)
        return reader

    def finish(self) -> None:
        """Note that all frames were delivered."""
        self.frames = ()
        self.caution = CAUTION

    def wireSize(self, frames: Sequence[bytes]) -> int:
        """Return how many bytes C{frames} took on the wire."""
        return sum(map(len, frames)) + len(frames) * self.framing

    @property
    def offset(self) -> int:
        """
        The offset of the first frame that is not delivered yet, if there is a batch.  Its cost
        grows with the frames taken since the last look.
        """
        frames = self.frames
        taken = len(frames) - length_hint(self.reader)
        if taken != self.taken:
            self.mark += self.wireSize(frames[self.taken : taken])
            self.taken = taken
        return self.mark

    def spoil(self) -> None:
        """End the batch before its end, and be more cautious."""
        self.frames.clear()  # type: ignore[attr-defined]
        self.frames = ()
        self.reader = NOTHING
        self.most = FEW
        self.cautious = self.caution
        self.caution = min(self.caution * 2, _UTMOST_CAUTION)
