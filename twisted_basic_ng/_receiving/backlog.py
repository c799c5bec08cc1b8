"""
The bytes that a receiver has taken in and not delivered yet.

They are in this order, and most of the time there are only those of C{current}:

  1. the frames of the batch that is being delivered, which were found in C{current};
  2. C{unfinishedPieces}, the beginning of a long frame that was found unfinished;
  3. C{current} from C{start} on, the bytes that are searched for frames;
  4. C{arrivedMeanwhile}, bytes that arrived when the others could not be searched.

Every byte is copied a limited number of times, whatever the chunks.  This file knows no protocol
and no transport.
"""

from __future__ import annotations

from .batch import Batch
from .pieces import Pieces

__all__ = ["Backlog"]


class Backlog:
    """
    The undelivered bytes of one receiver.

    @ivar batch: the frames that were found in C{current} before C{start} and are being delivered.
    @ivar current: the bytes in hand, which are searched from C{start} on.
    @ivar start: the offset in C{current} after the frames found so far.
    @ivar isLookedAt: whether the application has read or assigned the undelivered bytes since the
        last frame that was found alone.  While it does so at each frame, each is found alone.
    @ivar isPlain: whether all undelivered bytes are in C{current}, from C{start} on, as far as is
        known at once.
    @ivar isSearched: whether C{current} is known to contain no whole frame, so that new bytes may
        be joined with it.
    @ivar unfinishedPieces: the beginning of an unfinished frame that continues in C{current}.
    @ivar needed: how many bytes the unfinished frame takes in all, as far as its length is known.
    @ivar delimiter: the delimiter that ends the unfinished frame, if it ends with one.
    @ivar seam: the last bytes of C{unfinishedPieces}, in which the delimiter may have begun.
    @ivar arrivedMeanwhile: bytes that arrived while the receiver was delivering or paused.
    """

    __slots__ = (
        "arrivedMeanwhile",
        "batch",
        "current",
        "delimiter",
        "isLookedAt",
        "isPlain",
        "isSearched",
        "needed",
        "seam",
        "start",
        "unfinishedPieces",
    )

    def __init__(self, batch: Batch | None = None) -> None:
        self.batch = Batch() if batch is None else batch
        self.replace(b"")

    def __bool__(self) -> bool:
        """Whether anything is undelivered."""
        return (
            self.start < len(self.current)
            or self.batch.left > 0
            or self.arrivedMeanwhile is not None
            or self.unfinishedPieces is not None
        )

    # Incoming bytes.

    def replace(self, data: bytes) -> None:
        """Discard everything and keep C{data} instead.  This spoils the batch."""
        if self.batch.frames:
            self.batch.spoil()
        self.current = data
        self.start = 0
        self.isLookedAt = self.isPlain = False
        self.isSearched = False
        self.needed = 0
        self.delimiter = self.seam = b""
        self.unfinishedPieces: Pieces | None = None
        self.arrivedMeanwhile: Pieces | None = None

    def add(self, data: bytes) -> None:
        """Add C{data} after everything else, between two deliveries."""
        if self.batch.frames and not self.batch.left:  # the last callback has raised
            self.batch.frames = ()
        if self.batch.frames or self.arrivedMeanwhile is not None:
            self._defer(data)
        elif self.start == len(self.current):
            self.current = data
            self.start = 0
            self.isSearched = False
        elif self.isSearched:
            self._extend(data)
        else:
            self._defer(data)

    def addMeanwhile(self, data: bytes) -> None:
        """Add C{data} after everything else, during a delivery."""
        if self.current or self.arrivedMeanwhile is not None or self.unfinishedPieces is not None:
            self._defer(data)
        else:  # an application hands back bytes that it was given raw
            self.current = data

    def _defer(self, data: bytes) -> None:
        self.isPlain = False
        if self.arrivedMeanwhile is None:
            self.arrivedMeanwhile = Pieces()
        self.arrivedMeanwhile.append(data)

    def _extend(self, data: bytes) -> None:
        """
        Continue with C{data}, now that C{current} contains no whole frame.

        The rest of C{current} is joined with it if that costs no more than C{data} did, else it is
        set aside.
        """
        rest = self.current[self.start :]
        if len(rest) > len(data):
            self._setAside(rest)
        elif rest:
            data = rest + data
        self.current = data
        self.start = 0
        self.isSearched = False

    def _setAside(self, data: bytes) -> None:
        """
        Add C{data}, all that C{current} still contains, to the beginning of the unfinished frame.
        """
        if self.unfinishedPieces is None:
            self.unfinishedPieces = Pieces()
        self.unfinishedPieces.append(data)
        probe = self.seam + data
        self.seam = probe[max(0, len(probe) - len(self.delimiter) + 1) :]
        self.current = b""
        self.start = 0

    # The unfinished frame.

    def unfinished(self, needed: int = 0, delimiter: bytes = b"") -> bool:
        """
        Note that C{current} contains no whole frame, and continue with the bytes that arrived
        later.

        @param needed: how many bytes the frame that it begins takes in all, as far as is known.
        @param delimiter: the delimiter that ends that frame.
        @return: whether any bytes arrived later.
        """
        self.needed = needed
        self.delimiter = delimiter
        if self.arrivedMeanwhile is None:
            self.current = self.current[self.start :]
            self.start = 0
            self.isSearched = True
            return False
        more = self.arrivedMeanwhile.join()
        self.arrivedMeanwhile = None
        self._extend(more)
        return True

    def extendsString(self, data: bytes) -> bool:
        """Set C{data} aside as well if it does not complete the string that was set aside."""
        unfinished = self.unfinishedPieces
        if (
            unfinished is None
            or self.current
            or self.arrivedMeanwhile is not None
            or unfinished.size + len(data) >= self.needed
        ):
            return False
        unfinished.append(data)
        return True

    def extendsLine(self, data: bytes, delimiter: bytes, most: int) -> bool:
        """
        Set C{data} aside as well if it cannot end the line that was begun, up to C{most} bytes in
        all.
        """
        unfinished = self.unfinishedPieces
        last = len(delimiter) - 1
        if (
            unfinished is None
            or self.current
            or self.arrivedMeanwhile is not None
            or delimiter != self.delimiter
            or last < 0
        ):
            return False
        if delimiter[last] in data or unfinished.size + len(data) > most:
            return False
        unfinished.append(data)
        if last:
            self.seam = data[-last:] if len(data) >= last else (self.seam + data)[-last:]
        return True

    def completesString(self) -> bool:
        """
        Whether the bytes in hand complete the string set aside.  If not, they are set aside as
        well.
        """
        unfinished = self.unfinishedPieces
        assert unfinished is not None
        if unfinished.size + len(self.current) >= self.needed:
            return True
        self._setAside(self.current)
        return False

    def takeString(self, prefix: int, suffix: int = 0) -> bytes:
        """
        Take the string that was set aside, whose end is in hand.  No byte of it is copied twice.

        @param prefix: how many bytes precede its payload.
        @param suffix: how many bytes follow the payload, all of them in hand.
        @return: its payload.
        """
        unfinished = self.unfinishedPieces
        assert unfinished is not None
        missing = self.needed - unfinished.size
        string = unfinished.joinBehind(prefix, self.current[: missing - suffix])
        self.current = self.current[missing:]
        self.start = 0
        self.unfinishedPieces = None
        return string

    def completesLine(self, delimiter: bytes) -> bool:
        """
        Whether the bytes in hand complete the line set aside.  If so, it is in C{current} again,
        whole.
        """
        unfinished = self.unfinishedPieces
        assert unfinished is not None
        if delimiter == self.delimiter and delimiter not in self.seam + self.current:
            self._setAside(self.current)
            return False
        self.rejoin()
        return True

    def rejoin(self) -> None:
        """Put the bytes that were set aside back in front of C{current}."""
        assert self.unfinishedPieces is not None
        self.unfinishedPieces.append(self.current)
        self.current = self.takePieces()

    def takePieces(self) -> bytes:
        """Return the bytes that were set aside, and keep none of them."""
        unfinished, self.unfinishedPieces = self.unfinishedPieces, None
        assert unfinished is not None
        self.seam = b""
        return unfinished.join()

    @property
    def size(self) -> int:
        """How many bytes of the unfinished frame have arrived."""
        return len(self.current) - self.start + (0 if self.unfinishedPieces is None else self.unfinishedPieces.size)

    @property
    def kept(self) -> int:
        """How many bytes are undelivered."""
        parked = sum(each.size for each in (self.unfinishedPieces, self.arrivedMeanwhile) if each is not None)
        return len(self.current) - self.offset + parked

    # Outgoing bytes.

    @property
    def offset(self) -> int:
        """The offset in C{current} of the undelivered bytes."""
        return self.batch.offset if self.batch.frames else self.start

    def putBack(self) -> None:
        """End a batch that is no longer valid.  The rest of it is searched again."""
        if self.batch.frames:
            self.start = self.batch.offset
            self.batch.spoil()

    def refuse(self, frame: bytes) -> None:
        """Put back the last frame taken as well, because it is no longer accepted."""
        self.start = self.batch.offset - self.batch.wireSize((frame,))
        self.batch.spoil()

    def peek(self) -> bytes:
        """Return all undelivered bytes."""
        start = self.offset
        if self.arrivedMeanwhile is not None:
            rest = self.arrivedMeanwhile.joinTo(self.current, start)
        else:
            rest = self.current[start:] if start else self.current
        return rest if self.unfinishedPieces is None else self.unfinishedPieces.join() + rest

    def rest(self) -> bytes:
        """
        Return all undelivered bytes, for an application that may read them again after the next
        frame.

        Delivered bytes are cut off, later bytes are joined, and the batch ends, so each read costs
        one copy.
        """
        self.putBack()
        rest = self.peek()
        if self.unfinishedPieces is None:
            self.current = rest
            self.start = 0
            if self.arrivedMeanwhile is not None:
                self.arrivedMeanwhile = None
                self.isSearched = False
        return rest

    def joinMeanwhile(self) -> None:
        """Continue with the bytes that arrived meanwhile as well."""
        arrived, self.arrivedMeanwhile = self.arrivedMeanwhile, None
        if arrived is not None:
            self.current = arrived.joinTo(self.current, 0)

    def take(self) -> bytes:
        """Return all undelivered bytes, and keep none."""
        everything = self.peek()
        self.replace(b"")
        return everything
