"""
Bytes in the chunks in which they arrived.

Every byte is copied a limited number of times, whatever the chunks.
"""

from __future__ import annotations

from typing import Final

__all__ = ["Pieces"]

#: A chunk below this size is merged with its neighbours, so that the overhead of a piece stays a
#: few percent.
_SMALL: Final = 2048

#: Merged chunks are closed at this size.  A growing buffer reserves less than that beyond its
#: bytes.
_MERGED: Final = 65536


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
