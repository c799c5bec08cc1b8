"""
Pure functions over bytes: where frames begin and end.

Every C{split…} function cuts the complete frames out of C{data} from C{start} on, a bounded number
at a time.  It returns them with the offset after the last one.  An incomplete frame is not an
error: keep those bytes, and call again when there are more.  If the next frame can never become
complete, the function returns a L{Stop} instead of the number of missing bytes, after the frames
that precede it.

This file knows no protocol, no transport and no callback.  The optional extension compiles the same
functions; L{twisted_basic_ng._accelerate} chooses between the two builds.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from math import floor
from struct import Struct
from typing import Final, TypeVar

__all__ = [
    "LONGEST",
    "Stop",
    "formatBox",
    "formatNetstring",
    "netstringLength",
    "parseBox",
    "splitBoxes",
    "splitLines",
    "splitNetstrings",
    "splitStrings",
]

_Box = TypeVar("_Box", bound=dict[bytes, bytes])

_COLON: Final = b":"
_COMMA: Final = ord(",")
_ZERO: Final = ord("0")

#: The largest netstring length to accept, whatever the limit: no machine could hold a longer one.
LONGEST: Final = 10**17 - 1


class Stop(IntEnum):
    """
    Why no frame can be cut, however many bytes follow.  All are negative, unlike a number of bytes.
    """

    MALFORMED = -1
    """The length is not written as the format requires."""

    TOO_LONG = -2
    """The length is over the limit, or a signed prefix is below zero."""

    UNTERMINATED = -3
    """The byte after a netstring's payload is not a comma."""


def splitLines(data: bytes, start: int, delimiter: bytes, window: int) -> tuple[list[bytes], int]:
    """
    Cut complete lines.

    @param window: how many bytes to search.  A line that ends beyond them is found, too, but alone.
    @return: the lines without their delimiters, and the offset after the last delimiter.  An empty
        delimiter finds no line.
    """
    if not delimiter:
        return [], start
    size = len(data)
    stop = start + window
    if stop >= size:
        stop = size
        lines = (data[start:] if start else data).split(delimiter)
    else:
        lines = data[start:stop].split(delimiter)
    unfinished = lines.pop()
    if lines:
        return lines, stop - len(unfinished)
    end = data.find(delimiter, max(start, stop - len(delimiter) + 1))
    if end < 0:
        return lines, start
    return [data[start:end]], end + len(delimiter)


#: Formats of unsigned prefixes.
_UNSIGNED: Final = frozenset(["!B", "!H", "!I"])


@lru_cache(maxsize=64)
def _prefix(structFormat: str) -> Struct:
    return Struct(structFormat)


def splitStrings(
    data: bytes, start: int, structFormat: str, prefixLength: int, limit: float, most: int
) -> tuple[list[bytes], int, int]:
    """
    Cut complete strings with a binary length prefix.

    @param structFormat: the format of the prefix, as for the C{struct} module.
    @param prefixLength: the size of the prefix in bytes.
    @param limit: the largest length to accept, in bytes.
    @param most: the maximal number of strings to cut.
    @return: the strings without their prefixes; the offset after the last one; and how many bytes
        the next one needs in total from that offset, as far as is known, or L{Stop.TOO_LONG}.  The
        number is 0 if C{most} was reached.
    @raise struct.error: C{prefixLength} is not the size of C{structFormat}.
    """
    prefix = _prefix(structFormat)
    unpackFrom = prefix.unpack_from
    if prefix.size != prefixLength:
        prefix.unpack(data[start : start + prefixLength])
    strings: list[bytes] = []
    size = len(data)
    if limit >= size and structFormat in _UNSIGNED:  # no complete string can be too long
        last = size - prefixLength
        for _ in range(most):
            if start > last:
                break
            (length,) = unpackFrom(data, start)
            payload = start + prefixLength
            end = payload + length
            if end > size:
                break
            strings.append(data[payload:end])
            start = end
        most -= len(strings)
    for _ in range(most):
        payload = start + prefixLength
        if payload > size:
            return strings, start, prefixLength
        (length,) = unpackFrom(data, start)
        if length < 0 or length > limit:
            return strings, start, Stop.TOO_LONG
        end = payload + length
        if end > size:
            return strings, start, prefixLength + length
        strings.append(data[payload:end])
        start = end
    return strings, start, 0


def formatNetstring(string: bytes) -> bytes:
    """Frame C{string} as a netstring."""
    return b"%d:%b," % (len(string), string)


def _bound(limit: float) -> int:
    """Convert C{limit} to an integer from -1 to L{LONGEST}; NaN means no limit."""
    return floor(max(min(LONGEST, limit), -1))


def netstringLength(data: bytes, start: int, limit: float) -> tuple[int, int]:
    """
    Read the length of the netstring at C{start}, which may be incomplete.

    @return: the number, or a L{Stop}; and the offset of the colon.  The offset is -1 if there is no
        colon within one byte more than the limit has digits.
    """
    limit = _bound(limit)
    widest = len(str(limit)) + 1
    colon = data.find(_COLON, start, start + widest)
    digits = data[start : start + widest if colon < 0 else colon]
    if not digits.isdigit() or (digits[0] == _ZERO and len(digits) > 1):
        return Stop.MALFORMED, colon
    length = int(digits)
    return Stop.TOO_LONG if length > limit else length, colon


def splitNetstrings(data: bytes, start: int, limit: float, most: int) -> tuple[list[bytes], int, int]:
    """
    Cut complete netstrings (U{http://cr.yp.to/proto/netstrings.txt}).

    The length consists of decimal digits only, without leading zeros.  It is refused as soon as the
    available digits exceed the limit.

    @param limit: the largest payload to accept, in bytes.
    @param most: the maximal number of netstrings to cut.
    @return: the payloads; the offset after the last comma; and how many bytes the next netstring
        needs in total from that offset, as far as is known, or a L{Stop}.  The number is 0 if
        C{most} was reached or C{data} ends there.
    """
    strings: list[bytes] = []
    size = len(data)
    limit = _bound(limit)
    # The width of the last length, with its colon: the next length often has the same width.
    width = max(data.find(_COLON, start, start + _WIDEST) + 1 - start, 0)
    for _ in range(most):
        payload = start + width
        length = _LENGTHS.get(data[start:payload], -1)
        if length < 0:
            if start >= size:
                break
            length, payload = _readLength(data, start, limit)
            if length < 0:
                return strings, start, length
            if not payload:
                return strings, start, size - start + 1
            width = payload - start
        if length > limit:
            return strings, start, Stop.TOO_LONG
        comma = payload + length
        if comma >= size:  # the data may end before the width that was assumed
            return strings, start, min(payload, size) + length + 1 - start
        if data[comma] != _COMMA:
            return strings, start, Stop.UNTERMINATED
        strings.append(data[payload:comma])
        start = comma + 1
    return strings, start, 0


#: The values of lengths that were read before, with their colons.  Looking one up takes a fifth of
#: the time of finding its colon and checking its digits.
_LENGTHS: Final[dict[bytes, int]] = {}
_KNOWN_LENGTHS: Final = 1024

#: How many bytes a length in L{_LENGTHS} may have, with its colon.
_WIDEST: Final = 8


def _readLength(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """
    Read the length of the netstring at C{start}.

    @return: the number, or a L{Stop}; and the offset after its colon, 0 without a colon.
    """
    length, colon = netstringLength(data, start, limit)
    if length >= 0 <= colon and len(_LENGTHS) < _KNOWN_LENGTHS:
        _LENGTHS[data[start : colon + 1]] = length
    return length, colon + 1


_KEY_LENGTHS: Final = [bytes((0, length)) for length in range(256)]
_valueLength: Final = Struct("!H").pack


def formatBox(box: dict[bytes, bytes]) -> bytes | None:
    """
    Frame C{box} as AMP does: each key and each value after two bytes of length, sorted by key, then
    a length of zero.

    @return: C{None} if a key or a value is not bytes or is too long; the caller has to find out
        which.
    """
    pieces: list[bytes] = []
    for key, value in sorted(box.items()):
        if type(key) is not bytes or type(value) is not bytes:
            return None
        length, size = len(key), len(value)
        if length > 255 or size > 65535:
            return None
        pieces += _KEY_LENGTHS[length], key, _KEY_LENGTHS[size] if size < 256 else _valueLength(size), value
    pieces.append(_KEY_LENGTHS[0])
    return b"".join(pieces)


def parseBox(data: bytes, start: int, box: dict[bytes, bytes], key: bytes | None) -> tuple[int, bytes | None, int]:
    """
    Continue to parse an AMP box: store the complete keys and values in C{box}.

    @param key: the key whose value comes first; C{None} if a key comes first.
    @return: the offset after the last complete string; the key without its value yet, or C{None};
        and how many bytes the next string needs in total from that offset, as far as is known.  The
        number is 0 if the box is complete, and L{Stop.TOO_LONG} if the length of a key is over 255
        bytes.
    """
    size = len(data)
    while True:
        payload = start + 2
        if payload > size:
            return start, key, 2
        if key is None:
            if data[start]:
                return start, None, Stop.TOO_LONG
            end = payload + data[start + 1]
            if end == payload:
                return payload, None, 0
            if end > size:
                return start, None, end - start
            key = data[payload:end]
        else:
            end = payload + (data[start] << 8 | data[start + 1])
            if end > size:
                return start, key, end - start
            box[key] = data[payload:end]
            key = None
        start = end


def splitBoxes(
    data: bytes, start: int, kind: type[_Box], most: int, mostKeys: float, mostBytes: float
) -> tuple[list[_Box], list[int]]:
    """
    Cut complete AMP boxes, up to the first box that is incomplete or not acceptable.

    @param kind: the type of the boxes; its C{__init__} is not called.
    @param most: the maximal number of boxes to cut.
    @param mostKeys: the maximal number of keys in a box.
    @param mostBytes: the maximal size of a box on the wire, without its end, in bytes.
    @return: the boxes, and for each the offset after it.
    """
    boxes: list[_Box] = []
    ends: list[int] = []
    size = len(data)
    make = kind.__new__
    try:
        for _ in range(most):
            box = make(kind)
            at = start
            while data[at + 1]:
                if data[at]:
                    return boxes, ends
                end = at + 2 + data[at + 1]
                key = data[at + 2 : end]
                at = end + 2 + data[end + 1]
                if data[end]:
                    at += data[end] << 8
                if at > size:
                    return boxes, ends
                box[key] = data[end + 2 : at]
            if data[at] or len(box) > mostKeys or at - start > mostBytes:
                break
            start = at + 2
            boxes.append(box)
            ends.append(start)
    except IndexError:
        pass  # the bytes end within a length
    return boxes, ends
