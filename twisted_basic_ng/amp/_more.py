"""
C{more}: values of any size, and boxes to carry them.

A box that has the key C{_more} is not complete.  The next box continues it, and the value of a key
that the box has already is appended to the value that it has.  The last part has no C{_more}.  No
other box comes between the parts of one box.

This file knows boxes, and of the connection only its limits.
"""

from __future__ import annotations

from typing import Any, Final

from ._boxes import AmpBox
from ._constants import MAX_VALUE_LENGTH, MORE, MORE_FEATURE
from ._errors import BoxTooLargeError
from ._features import Feature, register
from ._line import sizeOf

__all__ = ["More"]

#: The rest of a part that is not the last: the key C{_more}, and the end of the box.
_GOES_ON: Final = b"\0\5_more\0\0\0\0"


@register
class More(Feature):
    """
    Splits the large boxes of one side of a connection, and joins those of its peer.
    """

    name = MORE_FEATURE
    seesAll = True

    def __init__(self, extensions: Any) -> None:
        super().__init__(extensions)
        self.restart()

    def restart(self) -> None:
        """Drop the box of which parts have arrived."""
        self._values: dict[bytes, list[bytes]] = {}
        self._size = 0

    def stop(self, reason: Any) -> None:
        """Drop the box of which parts have arrived."""
        self.restart()

    def serialize(self, box: AmpBox) -> bytes:
        """
        Return the bytes of all parts of a box.

        Values that are short go with the first part, so that each part after it has one value.

        @param box: a box that has a long value, and whose keys are not too long.
        @raise TypeError: a key or a value is a string; it must be bytes.
        """
        short, long = AmpBox(), AmpBox()
        for key, value in box.items():
            if len(value) > MAX_VALUE_LENGTH:
                long[key] = value
            else:
                short[key] = value
        short[MORE] = b""
        pieces: list[bytes | memoryview] = [short.serialize()]
        for key, value in long.items():
            head = AmpBox({key: value[:1]}).serialize()[: len(key) + 2]
            view = memoryview(value)  # so that a large value is copied once
            for start in range(0, len(value), MAX_VALUE_LENGTH):
                part = view[start : start + MAX_VALUE_LENGTH]
                pieces += head, len(part).to_bytes(2, "big"), part, _GOES_ON
        pieces[-1] = b"\0\0"
        return b"".join(pieces)

    def arriving(self, box: AmpBox) -> AmpBox | None:
        """
        Return a box that is complete, and keep one that is not.

        A peer whose box takes more than C{MAX_BOX_LENGTH}, or has more keys than C{MAX_BOX_KEYS},
        is dropped.
        """
        isLast = MORE not in box
        if isLast and not self._size:
            return box
        values = self._values
        for key, value in box.items():
            values.setdefault(key, []).append(value)
        self._size += sizeOf(box)
        if self._isRefused():
            self.restart()
            return None
        if not isLast:
            return None
        del values[MORE]
        self.restart()
        return AmpBox({key: b"".join(parts) for key, parts in values.items()})

    def _isRefused(self) -> bool:
        """Drop the peer if the box, as far as it has arrived, is too large.  Return whether it is."""
        sender = self.extensions.sender
        keys, length = sender.MAX_BOX_KEYS, sender.MAX_BOX_LENGTH
        if length is not None and self._size > length:
            sender._ampRefuse(BoxTooLargeError(self._size, length, "bytes"))
        elif keys is not None and len(self._values) - 1 > keys:
            sender._ampRefuse(BoxTooLargeError(len(self._values) - 1, keys, "keys"))
        else:
            return False
        return True
