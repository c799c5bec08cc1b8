"""
The bytes that a receiver has taken in and not delivered yet.

Frames are found in batches and delivered one at a time.  Between two deliveries anything may happen, so a
batch is only a forecast: whoever changes the bytes empties it (the loop that walks it then ends by itself),
and L{Backlog.putBack} turns what is left of it into plain bytes again.

Every byte is copied a bounded number of times, in whatever chunks it came.  This file knows no protocol and
no transport.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import length_hint
from typing import Any, Final

from ._pins import Pins

__all__ = ["FEW", "MANY", "Backlog", "Pieces"]

#: How many strings to find ahead: at first, behind a batch that a callback spoiled (what was found ahead was found in
#: vain), and at the most.
SOME: Final = 128
FEW: Final = 32
MANY: Final = 1024

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

    def join(self) -> bytes:
        """Copy everything into one string."""
        if self._merging or len(self._chunks) != 1:
            return b"".join((*self._chunks, self._merging))
        return self._chunks[0]


class Backlog:
    """
    The undelivered bytes of one receiver, in this order: the frames of the batch that is being delivered,
    C{aside}, C{current} from C{start} on, C{later}.

    @ivar frames: the batch that is being delivered; who has walked it whole empties it.
    @ivar reader: walks it; C{start} is the offset behind it.
    @ivar pins: what was made the receiver's own, for speed.
    @ivar busy: a delivery is going on: what arrives meanwhile waits in C{later}.
    @ivar reentered: C{dataReceived} was called during the delivery.
    @ivar current: the bytes in hand, searched from C{start} on.
    @ivar start: the offset in C{current} behind the frames found so far.
    @ivar before: what this delivery has taken that does not stand in C{current}.
    @ivar base: the offset in C{current} where this delivery began.
    @ivar searched: what comes may be joined with C{current}, which holds no whole frame as far as is known.
    @ivar needed: how many bytes the unfinished frame takes in all, as far as its length is known.
    @ivar delimiter: what ends the unfinished frame, where it is a delimiter that ends it.
    @ivar aside: the beginning of an unfinished frame that C{current} goes on with.
    @ivar seam: the last bytes of C{aside}, in which the delimiter may have begun.
    @ivar skipped: what a C{dataReceived} that an application brings along says it has delivered.
    @ivar later: bytes that came while the receiver was busy or paused.
    @ivar transport: where the bytes come from.
    @ivar watched: the transport below it that may still turn to TLS, if there is one.
    @ivar struck: a limit has struck, and was logged.
    @ivar timer: strikes when the unfinished message takes too long, where that is bounded.
    @ivar hasDelivered: a message was delivered since the last look at the timer.
    @ivar most: how many strings to find ahead.
    @ivar framing: how many bytes each frame of the batch takes on the wire besides its payload.
    """

    __slots__ = (
        "aside",
        "base",
        "before",
        "busy",
        "current",
        "delimiter",
        "frames",
        "framing",
        "hasDelivered",
        "later",
        "most",
        "needed",
        "pins",
        "reader",
        "reentered",
        "seam",
        "searched",
        "skipped",
        "start",
        "struck",
        "timer",
        "transport",
        "watched",
    )

    def __init__(self) -> None:
        self.busy = False
        self.reentered = False
        self.transport: Any = None
        self.watched: Any = None
        self.struck = False
        self.framing = 0
        self.most = SOME
        self.timer: Any = None
        self.hasDelivered = False
        self.pins: Pins | None = None
        self.frames: Sequence[bytes] = ()
        self.reader: Iterator[bytes] = _NOTHING
        self.replace(b"")

    def __bool__(self) -> bool:
        """Is there any byte besides those of the batch?"""
        return self.start < len(self.current) or self.later is not None or self.aside is not None

    # What comes in.

    def replace(self, data: bytes) -> None:
        """Forget everything and hold C{data} instead; ends the batch."""
        if self.frames:
            self.frames.clear()  # type: ignore[attr-defined]
        self.current = data
        self.before: tuple[bytes, ...] = ()
        self.start = self.base = 0
        self.searched = not self.busy
        self.needed = 0
        self.skipped = 0
        self.delimiter = self.seam = b""
        self.aside: Pieces | None = None
        self.later: Pieces | None = None

    def put(self, data: bytes) -> None:
        """Take in C{data} behind everything else."""
        data = b"" + data  # anything with a buffer becomes bytes, anything else is an error; bytes are not copied
        if self.busy or self.later is not None:
            if data:
                self._defer(data)
        elif self.start == len(self.current):
            self.current = data
            self.start = 0
            self.searched = False
        elif not data:
            return
        elif self.searched:
            self._extend(data)
        else:
            self._defer(data)

    def _defer(self, data: bytes) -> None:
        if self.later is None:
            self.later = Pieces()
        self.later.append(data)

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
        self.start = self.base = 0
        self.searched = False

    def _setAside(self, data: bytes) -> None:
        """Add C{data}, all that C{current} still holds, to the beginning of the unfinished frame."""
        if self.aside is None:
            self.aside = Pieces()
        self.aside.append(data)
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
        if self.later is None:
            self.current = self.current[self.start :]
            self.start = 0
            self.searched = True
            return False
        more = self.later.join()
        self.later = None
        self._extend(more)
        return True

    def extendsString(self, data: bytes) -> bool:
        """Set C{data} aside, too, if the string whose beginning was is not complete with it."""
        aside = self.aside
        if aside is None or self.current or self.later is not None or aside.size + len(data) >= self.needed:
            return False
        aside.append(data)
        return True

    def extendsLine(self, data: bytes, delimiter: bytes, most: int) -> bool:
        """Set C{data} aside, too, if it cannot end the line whose beginning was; not beyond C{most} bytes."""
        aside = self.aside
        last = len(delimiter) - 1
        if aside is None or self.current or self.later is not None or delimiter != self.delimiter or last < 0:
            return False
        if delimiter[last] in data or aside.size + len(data) > most:
            return False
        aside.append(data)
        if last:
            self.seam = data[-last:] if len(data) >= last else (self.seam + data)[-last:]
        return True

    def completesString(self) -> bool:
        """Do the bytes in hand complete what was set aside?  If so it is in C{current} again, whole."""
        if self.aside is None:
            return True
        if not self.completesAside():
            return False
        self.rejoin()
        return True

    def completesAside(self) -> bool:
        """Do the bytes in hand complete the string that was set aside?  If not they are set aside, too."""
        aside = self.aside
        assert aside is not None
        if aside.size + len(self.current) >= self.needed:
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
        aside = self.aside
        assert aside is not None
        missing = self.needed - aside.size
        string = aside.joinBehind(prefix, self.current[: missing - suffix])
        self.before = aside.begin(prefix), string
        self.current = self.current[missing:]
        self.start = self.base = 0
        self.aside = None
        return string

    def completesLine(self, delimiter: bytes) -> bool:
        """Do the bytes in hand complete what was set aside?  If so it is in C{current} again, whole."""
        aside = self.aside
        if aside is None:
            return True
        if delimiter == self.delimiter and delimiter not in self.seam + self.current:
            self._setAside(self.current)
            return False
        self.rejoin()
        return True

    def rejoin(self) -> None:
        """Bring what was set aside back in front of C{current}."""
        aside, self.aside = self.aside, None
        assert aside is not None
        aside.append(self.current)
        self.current = aside.join()
        self.seam = b""

    @property
    def size(self) -> int:
        """How many bytes the unfinished frame has so far."""
        return len(self.current) - self.start + (0 if self.aside is None else self.aside.size)

    # What goes out.

    def _ahead(self) -> Sequence[bytes]:
        """The frames of the batch that nobody has taken yet."""
        return self.frames[len(self.frames) - length_hint(self.reader) :]

    def wireSize(self, frames: Sequence[bytes]) -> int:
        """Tell how many bytes C{frames} took on the wire."""
        return sum(map(len, frames)) + len(frames) * self.framing

    @property
    def offset(self) -> int:
        """Where in C{current} the undelivered bytes begin."""
        return self.start - self.wireSize(self._ahead())

    def putBack(self) -> None:
        """End the batch: what is left of it is searched again."""
        if self.frames:
            self.start = self.offset
            self.frames = ()
            self.reader = _NOTHING

    def peek(self) -> bytes:
        """Copy everything that is undelivered."""
        rest = self.current[self.offset :]
        if self.aside is not None:
            rest = self.aside.join() + rest
        return rest if self.later is None else rest + self.later.join()

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
