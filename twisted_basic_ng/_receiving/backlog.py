"""
The bytes that a receiver has taken in and not delivered yet.

Frames are found in batches and delivered one at a time.  A batch is a forecast.  It stays valid
after a pause, an error, or a read of the undelivered bytes.  A change that makes it invalid, such
as other bytes or another delimiter, spoils it: L{Backlog.putBack} turns the rest of it into plain
bytes again, and the loop over the batch ends.

An application that changes something at each message would spoil each batch.  So after a spoiled
batch, frames are found one at a time for a while.  That while doubles with each batch that is
spoiled in a row.

Every byte is copied a limited number of times, whatever the chunks.  This file knows no protocol
and no transport.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import length_hint
from typing import Any, Final

from .pins import Pins

__all__ = ["CAUTION", "FEW", "MANY", "NOTHING", "Backlog", "Pieces"]

#: How many strings to find ahead: at first, after a spoiled batch, and at most.
SOME: Final = 128
FEW: Final = 32
MANY: Final = 1024

#: How many frames to find one at a time after a spoiled batch: the first time, and at most.
CAUTION: Final = 16
_UTMOST_CAUTION: Final = 4096

#: How often in a row an application may read the rest after a frame until it is assumed to do so
#: each time.
_GLANCES: Final = 2

#: A chunk below this size is merged with its neighbours, so that the overhead of a piece stays a
#: few percent.
_SMALL: Final = 2048

#: Merged chunks are closed at this size.  A growing buffer reserves less than that beyond its
#: bytes.
_MERGED: Final = 65536


#: The iterator of an empty batch; idle receivers share it.
NOTHING: Final[Iterator[bytes]] = iter(())


class Pieces:
    """
    Bytes in the chunks in which they arrived, joined once, when they are needed whole.

    @ivar size: the number of bytes.
    """

    __slots__ = ("_chunks", "_merging", "size")

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._merging = bytearray()
        self.size = 0

    def append(self, data: bytes) -> None:
        """Add C{data} at the end."""
        self.size += len(data)
        if len(data) < _SMALL:
            self._merging += data
            if len(self._merging) < _MERGED:
                return
            data = b""
        if self._merging:
            self._chunks.append(bytes(self._merging))
            self._merging.clear()
        if data:
            self._chunks.append(data)

    def begin(self, size: int) -> bytes:
        """Copy the first C{size} bytes."""
        return b"".join(self._chunks[:1])[:size] or bytes(self._merging[:size])

    def joinBehind(self, start: int, last: bytes) -> bytes:
        """Copy everything from the offset C{start} on into one string, with C{last} at the end."""
        pieces: list[bytes | bytearray | memoryview] = [*self._chunks, self._merging, last]
        while start and start >= len(pieces[0]):
            # Seldom more than one piece, since few bytes precede a payload.
            start -= len(pieces.pop(0))
        if start:
            # Only of that piece, because each memoryview takes some 200 bytes.
            pieces[0] = memoryview(pieces[0])[start:]
        return b"".join(pieces)

    def joinTo(self, first: bytes, start: int) -> bytes:
        """Copy C{first}, from the offset C{start} on, and everything into one string."""
        return b"".join((memoryview(first)[start:], *self._chunks, self._merging))

    def join(self) -> bytes:
        """Copy everything into one string."""
        if self._merging or len(self._chunks) != 1:
            return b"".join((*self._chunks, self._merging))
        return self._chunks[0]


class Backlog:
    """
    The undelivered bytes of one receiver.

    They are in this order: the frames of the current batch, C{unfinishedPieces}, C{current} from
    C{start} on, C{arrivedMeanwhile}.

    @ivar frames: the batch that is being delivered; empty if no frames were found ahead.
    @ivar reader: the iterator over the batch; C{start} is the offset after the batch.
    @ivar terms: the delimiter, format or limit with which the batch, or the beginning of a string,
        was found.  If these change, the batch is invalid.
    @ivar taken: how many frames of the batch had been taken at the last look.
    @ivar mark: the offset in C{current} after these frames.
    @ivar cautious: how many frames to find one at a time before looking ahead again.
    @ivar isLookedAt: whether the application reads the rest after each frame, as far as is known.
        If so, there is no batch, and nothing is set aside.
    @ivar isSeen: C{None} unless frames are delivered one by one to such an application; then,
        whether it has read or assigned the rest since the last frame.  All undelivered bytes are
        then in C{current}.
    @ivar looks: after how many frames of the batch in a row the application has read the rest.
    @ivar caution: the value of C{cautious} after the next spoiled batch.
    @ivar pinnedAttributes: the attributes that are cached on the receiver, for speed.
    @ivar busy: whether a delivery is in progress.  Bytes that arrive meanwhile wait in
        C{arrivedMeanwhile}.
    @ivar reentered: whether C{dataReceived} was called during the delivery.
    @ivar current: the bytes in hand, which are searched from C{start} on.
    @ivar start: the offset in C{current} after the frames found so far.
    @ivar takenEarlier: the bytes that this delivery has taken and that are not in C{current}.
    @ivar deliveryStart: the offset in C{current} where this delivery began.  If the delivery
        continues a batch and L{begin} was not called yet, it is negative: the number of frames that
        were ahead then.
    @ivar inHand: the bytes of this delivery that were shown last, and what they were computed from:
        C{current} and the size of C{arrivedMeanwhile}.
    @ivar searched: whether new bytes may be joined with C{current}, which contains no whole frame
        as far as is known.
    @ivar needed: how many bytes the unfinished frame takes in all, as far as its length is known.
    @ivar delimiter: the delimiter that ends the unfinished frame, if it ends with one.
    @ivar unfinishedPieces: the beginning of an unfinished frame that continues in C{current}.
    @ivar seam: the last bytes of C{unfinishedPieces}, in which the delimiter may have begun.
    @ivar skipped: how many bytes an application's own C{dataReceived} says it has delivered.
    @ivar arrivedMeanwhile: bytes that arrived while the receiver was busy or paused.
    @ivar transport: the transport that the bytes come from.
    @ivar plainTransport: the transport below it that may still change to TLS, if there is one.
    @ivar tellsClose: whether the transport has an attribute that shows that it is closing.
    @ivar afterClose: how many bytes arrived since this side closed the connection; infinite once
        they were too many.
    @ivar struck: whether a limit was exceeded and logged.
    @ivar timer: fires when the unfinished message takes too long, if there is a limit.
    @ivar hasDelivered: whether a message was delivered since the timer was last checked.
    @ivar most: how many strings to find ahead.
    @ivar framing: how many bytes each frame of the batch takes on the wire besides its payload.
    """

    __slots__ = (
        "afterClose",
        "arrivedMeanwhile",
        "busy",
        "caution",
        "cautious",
        "current",
        "delimiter",
        "deliveryStart",
        "frames",
        "framing",
        "hasDelivered",
        "inHand",
        "isLookedAt",
        "isSeen",
        "looks",
        "mark",
        "most",
        "needed",
        "pinnedAttributes",
        "plainTransport",
        "reader",
        "reentered",
        "seam",
        "searched",
        "skipped",
        "start",
        "struck",
        "taken",
        "takenEarlier",
        "tellsClose",
        "terms",
        "timer",
        "transport",
        "unfinishedPieces",
    )

    def __init__(self) -> None:
        self.busy = False
        self.reentered = False
        self.transport: Any = None
        self.plainTransport: Any = None
        self.struck = False
        self.tellsClose = False
        self.afterClose: float = 0
        self.framing = 0
        self.most = SOME
        self.cautious = 0
        self.isLookedAt = False
        self.isSeen: bool | None = None
        self.looks = 0
        self.caution = CAUTION
        self.terms: object = None
        self.taken = self.mark = 0
        self.timer: Any = None
        self.hasDelivered = False
        self.inHand: tuple[bytes, bytes, int] | None = None
        self.pinnedAttributes: Pins | None = None
        self.frames: Sequence[bytes] = ()
        self.reader: Iterator[bytes] = NOTHING
        self.replace(b"")

    def __bool__(self) -> bool:
        """Whether anything is undelivered."""
        return (
            bool(self.frames)
            or self.start < len(self.current)
            or self.arrivedMeanwhile is not None
            or self.unfinishedPieces is not None
        )

    # Incoming bytes.

    def replace(self, data: bytes) -> None:
        """Discard everything and keep C{data} instead.  This spoils the batch."""
        if self.frames:
            self._spoil()
        self.reader = NOTHING
        self.current = data
        self.takenEarlier: tuple[bytes, ...] = ()
        self.start = self.deliveryStart = 0
        self.searched = not self.busy
        self.needed = 0
        self.skipped = 0
        self.delimiter = self.seam = b""
        self.unfinishedPieces: Pieces | None = None
        self.arrivedMeanwhile: Pieces | None = None

    def put(self, data: bytes) -> None:
        """Add C{data} after everything else."""
        # This converts anything with a buffer to bytes, without copying bytes.  It raises for
        # anything else.
        data = b"" + data
        if not data:
            return
        if self.frames or self.arrivedMeanwhile is not None:
            self._defer(data)
        elif self.busy:
            if self.current or self.unfinishedPieces is not None:
                self._defer(data)
            else:  # an application hands back bytes that it was given raw
                self.current = data
                self.reader = NOTHING
        elif self.start == len(self.current):
            self.current = data
            self.start = 0
            self.searched = False
        elif self.searched:
            self._extend(data)
        else:
            self._defer(data)

    def _defer(self, data: bytes) -> None:
        self.isSeen = None
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
        self.start = self.deliveryStart = 0
        self.searched = False

    def _setAside(self, data: bytes) -> None:
        """
        Add C{data}, all that C{current} still contains, to the beginning of the unfinished frame.
        """
        if self.unfinishedPieces is None:
            self.unfinishedPieces = Pieces()
        self.unfinishedPieces.append(data)
        self.isLookedAt = False
        probe = self.seam + data
        self.seam = probe[max(0, len(probe) - len(self.delimiter) + 1) :]
        self.current = b""
        self.start = 0

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
            self.searched = True
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
        Whether the bytes in hand complete the frame set aside.  If so, it is in C{current} again,
        whole.
        """
        if self.unfinishedPieces is None:
            return True
        if not self.completesAside():
            return False
        self.rejoin()
        return True

    def completesAside(self) -> bool:
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
        self.takenEarlier = unfinished.begin(prefix), string
        self.current = self.current[missing:]
        self.start = self.deliveryStart = 0
        self.unfinishedPieces = None
        return string

    def completesLine(self, delimiter: bytes) -> bool:
        """
        Whether the bytes in hand complete the line set aside.  If so, it is in C{current} again,
        whole.
        """
        unfinished = self.unfinishedPieces
        if unfinished is None:
            return True
        if delimiter == self.delimiter and delimiter not in self.seam + self.current:
            self._setAside(self.current)
            return False
        self.rejoin()
        return True

    def rejoin(self) -> None:
        """Put the bytes that were set aside back in front of C{current}."""
        unfinished, self.unfinishedPieces = self.unfinishedPieces, None
        assert unfinished is not None
        unfinished.append(self.current)
        self.current = unfinished.join()
        self.seam = b""

    def endsWith(self, begun: bytes) -> bool:
        """
        Whether the unfinished line ends with C{begun}, the first bytes of its delimiter.

        This does not join the pieces of a long line.
        """
        if self.unfinishedPieces is None or len(begun) >= len(self.delimiter):
            return self.peek().endswith(begun)
        return (self.seam + self.current[self.start :]).endswith(begun)

    @property
    def size(self) -> int:
        """How many bytes of the unfinished frame have arrived."""
        return len(self.current) - self.start + (0 if self.unfinishedPieces is None else self.unfinishedPieces.size)

    @property
    def kept(self) -> int:
        """How many bytes are undelivered."""
        offset = self.offset
        parked = sum(each.size for each in (self.unfinishedPieces, self.arrivedMeanwhile) if each is not None)
        return len(self.current) - offset + parked

    # Outgoing frames.

    def wireSize(self, frames: Sequence[bytes]) -> int:
        """Return how many bytes C{frames} took on the wire."""
        return sum(map(len, frames)) + len(frames) * self.framing

    @property
    def offset(self) -> int:
        """
        The offset in C{current} of the undelivered bytes.  Its cost grows with the frames taken
        since the last look.
        """
        frames = self.frames
        if not frames:
            return self.start
        taken = len(frames) - length_hint(self.reader)
        if taken != self.taken:
            self.mark += self.wireSize(frames[self.taken : taken])
            self.taken = taken
        return self.mark

    def look(self) -> None:
        """
        Note that the application reads the rest.  If it does so after each frame, end the batch.
        """
        taken = len(self.frames) - length_hint(self.reader)
        self.looks = self.looks + 1 if taken - self.taken < 2 else 0
        if self.looks > _GLANCES:
            self.looks = 0
            self.putBack()
            self.isLookedAt = True

    def putBack(self) -> None:
        """End a batch that is no longer valid.  The rest of it is searched again."""
        if self.frames:
            self.begin()
            self.start = self.offset
            self._spoil()

    def refuse(self, frame: bytes) -> None:
        """Put back the last frame taken as well, because it is no longer accepted."""
        self.begin()
        self.start = self.offset - self.wireSize((frame,))
        self._spoil()

    def _spoil(self) -> None:
        self.frames.clear()  # type: ignore[attr-defined]
        self.frames = ()
        self.most = FEW
        self.cautious = self.caution
        self.caution = min(self.caution * 2, _UTMOST_CAUTION)
        self.reader = NOTHING

    def begin(self) -> int:
        """Return the offset in C{current} where this delivery began."""
        if self.deliveryStart < 0:
            self.deliveryStart = self.start - self.wireSize(self.frames[self.deliveryStart :])
        return self.deliveryStart

    def peek(self) -> bytes:
        """Return all undelivered bytes."""
        start = self.offset if self.frames else self.start
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
            self.start = self.deliveryStart = 0
            if self.arrivedMeanwhile is not None:
                self.arrivedMeanwhile = None
                self.searched = False
                self.reader = NOTHING  # there is more to search than before
        return rest

    def joinLater(self) -> None:
        """Continue with the bytes that arrived later as well, without moving those in hand."""
        arrived, self.arrivedMeanwhile = self.arrivedMeanwhile, None
        if arrived is not None:
            current = arrived.joinTo(self.current, 0)
            if self.inHand is not None and self.inHand[1:] == (self.current, arrived.size):
                self.inHand = self.inHand[0], current, 0
            self.current = current
            self.searched = False

    def stopTimer(self) -> None:
        """Stop the timer, because no message is in progress."""
        timer, self.timer = self.timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def take(self) -> bytes:
        """Return all undelivered bytes, and keep none."""
        everything = self.peek()
        self.replace(b"")
        return everything
