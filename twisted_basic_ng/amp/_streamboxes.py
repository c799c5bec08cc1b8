"""
The boxes of streams: what they may hold, and what they mean.

A box of a stream has the key C{_stream}.  The side that sends the stream sends C{_data}, C{_end} or
both, or C{_reset} with C{_text}.  Its reader sends C{_window}, or C{_stop} with C{_text}.  Keys
that are not in this list are ignored.

This file knows no connection and no state: whether there is such a stream, its table knows
(L{twisted_basic_ng.amp._streams}).
"""

from __future__ import annotations

from typing import NamedTuple

from ._boxes import AmpBox
from ._constants import (
    STREAM,
    STREAM_DATA,
    STREAM_END,
    STREAM_MAX_CREDIT,
    STREAM_MAX_NUMBER,
    STREAM_PIECE,
    STREAM_RESET,
    STREAM_STOP,
    STREAM_TEXT,
    STREAM_WINDOW,
    STREAMS,
)
from ._errorboxes import cutText
from ._streamerrors import StreamViolationError

__all__ = ["FromReader", "FromSender", "announced", "endBox", "readStreamBox", "streamNumber", "windowBox"]


class FromSender(NamedTuple):
    """
    What the sender of a stream says.

    @ivar piece: the next bytes; C{None} if there are none.
    @ivar isLast: whether the stream is over.
    @ivar error: the code and the text of the error that ended it.
    """

    number: int
    piece: bytes | None
    isLast: bool
    error: tuple[bytes, str] | None


class FromReader(NamedTuple):
    """
    What the reader of a stream says.

    @ivar window: how many more bytes it takes; 0 if it stops the stream.
    @ivar why: the code and the text with which it stops the stream.
    """

    number: int
    window: int
    why: tuple[bytes, str] | None


_OF_SENDER = frozenset((STREAM_DATA, STREAM_END, STREAM_RESET))
_OF_READER = frozenset((STREAM_WINDOW, STREAM_STOP))

#: What a box may hold of these.
_MEANINGS = frozenset(
    map(
        frozenset,
        (
            *((STREAM_DATA,), (STREAM_END,), (STREAM_DATA, STREAM_END), (STREAM_RESET,)),
            *((STREAM_WINDOW,), (STREAM_STOP,)),
        ),
    )
)


def readStreamBox(box: AmpBox) -> FromSender | FromReader:
    """
    Read a box of a stream.

    @raise StreamViolationError: it has a value or a set of keys that it may not have.
    """
    number = streamNumber(box[STREAM])
    piece = box.get(STREAM_DATA)
    if piece is not None and len(box) == 2:  # nearly every box
        return FromSender(number, _checked(box, piece), False, None)
    keys = frozenset((_OF_SENDER | _OF_READER) & box.keys())
    if keys not in _MEANINGS:
        shown = b", ".join(sorted(keys)).decode()
        raise StreamViolationError(box[STREAM], f"a box with {shown or 'none of the keys of a stream'}")
    if keys <= _OF_READER:
        isStop = STREAM_STOP in keys
        return FromReader(number, 0 if isStop else _window(box), (box[STREAM_STOP], _text(box)) if isStop else None)
    if box.get(STREAM_END):
        raise StreamViolationError(box[STREAM], "an end with a value")
    error = (box[STREAM_RESET], _text(box)) if STREAM_RESET in keys else None
    if piece is not None:
        return FromSender(number, _checked(box, piece), STREAM_END in keys, None)
    return FromSender(number, None, True, error)


def _checked(box: AmpBox, piece: bytes) -> bytes:
    if 0 < len(piece) <= STREAM_PIECE:
        return piece
    raise StreamViolationError(box[STREAM], f"a piece of {len(piece)} bytes: 1 to {STREAM_PIECE} are right")


def _window(box: AmpBox) -> int:
    value = box[STREAM_WINDOW]
    window = _decimal(value)
    if 0 < window <= STREAM_MAX_CREDIT:
        return window
    shown = value[:20].decode("ascii", "backslashreplace")
    raise StreamViolationError(box[STREAM], f"a window of {shown!r}: 1 to {STREAM_MAX_CREDIT} are right")


def _text(box: AmpBox) -> str:
    return box.get(STREAM_TEXT, b"").decode("utf-8", "replace")


def _decimal(value: bytes) -> int:
    """Read decimal digits without leading zeros; 0 if it is anything else."""
    return int(value) if len(value) <= 16 and value.isdigit() and value[:1] != b"0" else 0


def streamNumber(value: bytes) -> int:
    """
    Read the number of a stream.

    @raise StreamViolationError: it is not a number from 1 on, in decimal digits.
    """
    number = _decimal(value)
    if 0 < number <= STREAM_MAX_NUMBER:
        return number
    raise StreamViolationError(value, "not the number of a stream")


def announced(box: AmpBox) -> list[int]:
    """
    Read which streams a call or an answer announces.

    @raise StreamViolationError: one of them is not the number of a stream.
    """
    return [streamNumber(each) for each in box[STREAMS].split(b" ")]


def windowBox(number: int, size: int) -> AmpBox:
    """Make the box that lets the peer send more."""
    return AmpBox({STREAM: b"%d" % number, STREAM_WINDOW: b"%d" % size})


def endBox(number: int, key: bytes, code: bytes, text: str) -> AmpBox:
    """
    Make the box that ends a stream early.

    @param key: C{_reset} for its sender, C{_stop} for its reader.
    """
    return AmpBox({STREAM: b"%d" % number, key: code, STREAM_TEXT: cutText(text.encode("utf-8", "replace"))})
