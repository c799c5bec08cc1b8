"""
The bytes that a receiver has taken in and not delivered yet.

Frames are found in batches and delivered one at a time.  A batch is a forecast.  It survives a pause, an error
and a look at the bytes, which leave it true.  Whatever makes it untrue, other bytes or another delimiter, spoils
it: L{Backlog.putBack} turns the rest of it into plain bytes again, and the loop that walks it ends by itself.

An application that changes something at each message would spoil each batch.  So behind a spoiled batch, frames
are found one at a time for a while; the while is twice as long each time in a row.

Every byte is copied a bounded number of times, in whatever chunks it came.  This file knows no protocol and
no transport.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import length_hint
from typing import Any, Final

from .pins import Pins

__all__ = ["CAUTION", "FEW", "MANY", "Backlog", "Pieces"]

#: How many strings to find ahead: at first, when looking ahead again after a spoiled batch, and at the most.
SOME: Final = 128
FEW: Final = 32
MANY: Final = 1024

#: How many frames to find one at a time behind a spoiled batch: the first time, and at the most.
CAUTION: Final = 16
_UTMOST_CAUTION: Final = 4096

#: How many frames in a row an application may look behind until each is taken to be looked behind.
_GLANCES: Final = 2

#: A chunk below this size is merged with its neighbours, so that a piece's own overhead stays a few percent.
_SMALL: Final = 2048

#: Merged chunks are closed at this size; what a growing buffer reserves beyond its bytes stays under it.
_MERGED: Final = 65536


#: Walks no batch: so idle receivers share it.
_NOTHING: Final[Iterator[bytes]] = iter(())


class Pieces:
    """
    Bytes in the chunks they came in, joined once, when they are needed whole.

    @ivar size: how many bytes there are.
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
        """Copy everything from the offset C{start} on into one string, and C{last} behind it."""
        pieces: list[bytes | bytearray | memoryview] = [*self._chunks, self._merging, last]
        while start and start >= len(pieces[0]):
            start -= len(pieces.pop(0))  # seldom more than one: there are few bytes in front of a payload
        if start:
            pieces[0] = memoryview(pieces[0])[start:]  # of that one alone: each takes some 200 bytes
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
    The undelivered bytes of one receiver, in this order: the frames of the batch that is being delivered,
    C{unfinishedPieces}, C{current} from C{start} on, C{arrivedMeanwhile}.

    @ivar frames: the batch that is being delivered; empty where nothing was found ahead.
    @ivar reader: walks it; C{start} is the offset behind it.
    @ivar terms: what the batch, or the beginning of a string, was found with: a delimiter, a format or a limit; with
        others it is not true.
    @ivar taken: how many frames of the batch were taken, at the last look.
    @ivar mark: the offset behind these in C{current}.
    @ivar cautious: how many frames to find one at a time before looking ahead again.
    @ivar isLookedAt: whether the application reads what is behind each frame, as far as is known.
    @ivar caution: how many it will be after the next spoiled batch.
    @ivar pinnedAttributes: what was made the receiver's own, for speed.
    @ivar busy: a delivery is going on: what arrives meanwhile waits in C{arrivedMeanwhile}.
    @ivar reentered: C{dataReceived} was called during the delivery.
    @ivar current: the bytes in hand, searched from C{start} on.
    @ivar start: the offset in C{current} behind the frames found so far.
    @ivar takenEarlier: what this delivery has taken that does not stand in C{current}.
    @ivar deliveryStart: the offset in C{current} where this delivery began; where it goes on with a batch, and nobody
        has asked L{begin} yet, how many frames were ahead then, below zero.
    @ivar inHand: what was last shown of this delivery's bytes, and of what it was computed: C{current} and the size of
        C{arrivedMeanwhile}.
    @ivar searched: what comes may be joined with C{current}, which holds no whole frame as far as is known.
    @ivar needed: how many bytes the unfinished frame takes in all, as far as its length is known.
    @ivar delimiter: what ends the unfinished frame, where it is a delimiter that ends it.
    @ivar unfinishedPieces: the beginning of an unfinished frame that C{current} goes on with.
    @ivar seam: the last bytes of C{unfinishedPieces}, in which the delimiter may have begun.
    @ivar skipped: what a C{dataReceived} that an application brings along says it has delivered.
    @ivar arrivedMeanwhile: bytes that came while the receiver was busy or paused.
    @ivar transport: where the bytes come from.
    @ivar plainTransport: the transport below it that may still turn to TLS, if there is one.
    @ivar tellsClose: whether the transport has an attribute that tells of its closing.
    @ivar afterClose: how many bytes came since it was closed from this side; infinite once that was too many.
    @ivar struck: a limit has struck, and was logged.
    @ivar timer: strikes when the unfinished message takes too long, where that is bounded.
    @ivar hasDelivered: a message was delivered since the last look at the timer.
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
        self.reader: Iterator[bytes] = _NOTHING
        self.replace(b"")

    def __bool__(self) -> bool:
        """Whether anything is undelivered."""
        return (
            bool(self.frames)
            or self.start < len(self.current)
            or self.arrivedMeanwhile is not None
            or self.unfinishedPieces is not None
        )

    # What comes in.

    def replace(self, data: bytes) -> None:
        """Forget everything and hold C{data} instead; spoils the batch."""
        if self.frames:
            self._spoil()
        self.reader = _NOTHING
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
        """Take in C{data} behind everything else."""
        data = b"" + data  # anything with a buffer becomes bytes, anything else is an error; bytes are not copied
        if not data:
            return
        if self.frames or self.arrivedMeanwhile is not None:
            self._defer(data)
        elif self.busy:
            if self.current or self.unfinishedPieces is not None:
                self._defer(data)
            else:  # an application hands back what it was given raw
                self.current = data
                self.reader = _NOTHING
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
        Go on to C{data}, now that C{current} holds no whole frame.

        What is left of C{current} is joined with it where that costs no more than C{data} did, else set aside.
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
        """Add C{data}, all that C{current} still holds, to the beginning of the unfinished frame."""
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
        Say that C{current} holds no whole frame, and go on to what came later.

        @param needed: how many bytes the frame that it begins takes in all, as far as is known.
        @param delimiter: what ends that frame.
        @return: whether anything came later.
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
        """Set C{data} aside, too, if they do not complete the string that was set aside."""
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
        """Set C{data} aside, too, if it cannot end the line whose beginning was; not beyond C{most} bytes."""
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
        """Do the bytes in hand complete what was set aside?  If so it is in C{current} again, whole."""
        if self.unfinishedPieces is None:
            return True
        if not self.completesAside():
            return False
        self.rejoin()
        return True

    def completesAside(self) -> bool:
        """Do the bytes in hand complete the string that was set aside?  If not they are set aside, too."""
        unfinished = self.unfinishedPieces
        assert unfinished is not None
        if unfinished.size + len(self.current) >= self.needed:
            return True
        self._setAside(self.current)
        return False

    def takeString(self, prefix: int, suffix: int = 0) -> bytes:
        """
        Take the string that was set aside, of which the bytes in hand are the end: nothing of it is copied twice.

        @param prefix: how many bytes stand in front of its payload.
        @param suffix: how many stand behind it, all of them in hand.
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
        """Do the bytes in hand complete what was set aside?  If so it is in C{current} again, whole."""
        unfinished = self.unfinishedPieces
        if unfinished is None:
            return True
        if delimiter == self.delimiter and delimiter not in self.seam + self.current:
            self._setAside(self.current)
            return False
        self.rejoin()
        return True

    def rejoin(self) -> None:
        """Bring what was set aside back in front of C{current}."""
        unfinished, self.unfinishedPieces = self.unfinishedPieces, None
        assert unfinished is not None
        unfinished.append(self.current)
        self.current = unfinished.join()
        self.seam = b""

    def endsWith(self, begun: bytes) -> bool:
        """
        Whether the unfinished line ends with C{begun}, the first bytes of its delimiter.

        The pieces of a long line are not joined for that.
        """
        if self.unfinishedPieces is None or len(begun) >= len(self.delimiter):
            return self.peek().endswith(begun)
        return (self.seam + self.current[self.start :]).endswith(begun)

    @property
    def size(self) -> int:
        """How many bytes the unfinished frame has so far."""
        return len(self.current) - self.start + (0 if self.unfinishedPieces is None else self.unfinishedPieces.size)

    @property
    def kept(self) -> int:
        """How many bytes are undelivered."""
        offset = self.offset
        parked = sum(each.size for each in (self.unfinishedPieces, self.arrivedMeanwhile) if each is not None)
        return len(self.current) - offset + parked

    # What goes out.

    def wireSize(self, frames: Sequence[bytes]) -> int:
        """Tell how many bytes C{frames} took on the wire."""
        return sum(map(len, frames)) + len(frames) * self.framing

    @property
    def offset(self) -> int:
        """Where in C{current} the undelivered bytes begin; a look costs what was taken since the last."""
        frames = self.frames
        if not frames:
            return self.start
        taken = len(frames) - length_hint(self.reader)
        if taken != self.taken:
            self.mark += self.wireSize(frames[self.taken : taken])
            self.taken = taken
        return self.mark

    def look(self) -> None:
        """Note that the application looks at what is left; end the batch if it does so behind each frame."""
        taken = len(self.frames) - length_hint(self.reader)
        self.looks = self.looks + 1 if taken - self.taken < 2 else 0
        if self.looks > _GLANCES:
            self.looks = 0
            self.putBack()
            self.isLookedAt = True

    def putBack(self) -> None:
        """End a batch that is not true any more: its rest is searched again."""
        if self.frames:
            self.begin()
            self.start = self.offset
            self._spoil()

    def refuse(self, frame: bytes) -> None:
        """Put back the frame that was taken last, too: it is not to be accepted any more."""
        self.begin()
        self.start = self.offset - self.wireSize((frame,))
        self._spoil()

    def _spoil(self) -> None:
        self.frames.clear()  # type: ignore[attr-defined]
        self.frames = ()
        self.most = FEW
        self.cautious = self.caution
        self.caution = min(self.caution * 2, _UTMOST_CAUTION)
        self.reader = _NOTHING

    def begin(self) -> int:
        """Tell where in C{current} this delivery began."""
        if self.deliveryStart < 0:
            self.deliveryStart = self.start - self.wireSize(self.frames[self.deliveryStart :])
        return self.deliveryStart

    def peek(self) -> bytes:
        """Read everything that is undelivered."""
        start = self.offset if self.frames else self.start
        if self.arrivedMeanwhile is not None:
            rest = self.arrivedMeanwhile.joinTo(self.current, start)
        else:
            rest = self.current[start:] if start else self.current
        return rest if self.unfinishedPieces is None else self.unfinishedPieces.join() + rest

    def rest(self) -> bytes:
        """
        Do the same, for an application that may look again behind the next frame.

        What was delivered is cut off, what came later is joined, and the batch ends: so a look costs one copy.
        """
        self.putBack()
        rest = self.peek()
        if self.unfinishedPieces is None:
            self.current = rest
            self.start = self.deliveryStart = 0
            if self.arrivedMeanwhile is not None:
                self.arrivedMeanwhile = None
                self.searched = False
                self.reader = _NOTHING  # there is more to search than was
        return rest

    def joinLater(self) -> None:
        """Go on to what came later, too, without moving what is in hand."""
        arrived, self.arrivedMeanwhile = self.arrivedMeanwhile, None
        if arrived is not None:
            current = arrived.joinTo(self.current, 0)
            if self.inHand is not None and self.inHand[1:] == (self.current, arrived.size):
                self.inHand = self.inHand[0], current, 0
            self.current = current
            self.searched = False

    def stopTimer(self) -> None:
        """No message is under way whose time would run."""
        timer, self.timer = self.timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def take(self) -> bytes:
        """Hand over everything that is undelivered; nothing is left."""
        everything = self.peek()
        self.replace(b"")
        return everything
