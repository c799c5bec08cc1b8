"""
Pure functions over bytes: where frames begin and end.

Every C{split…} function cuts the complete frames out of C{data} from C{start} on, a bounded number at a
time, and returns them with the offset behind the last one.  What is not complete yet is not an error: the
caller keeps those bytes and asks again when there are more.  What can never become complete is told by a
L{Stop} in place of the number of bytes that are missing; frames that stand in front of it are returned first.

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

#: No netstring is believed to be longer, whatever the limit: no machine could hold it.
LONGEST: Final = 10**17 - 1


class Stop(IntEnum):
    """Why no frame can be cut, however many bytes still come; all are negative, a number of bytes is not."""

    MALFORMED = -1
    """The length is not written in the way the format asks for."""

    TOO_LONG = -2
    """The length is over the limit (or below zero, in a signed prefix)."""

    UNTERMINATED = -3
    """The byte behind a netstring's payload is not a comma."""


def splitLines(data: bytes, start: int, delimiter: bytes, window: int) -> tuple[list[bytes], int]:
    """
    Cut complete lines.

    @param window: how many bytes to look at, in bytes; a line that does not end within them is found too,
        but alone.
    @return: the lines without their delimiters, and the offset behind the last delimiter.  No line is
        found with an empty delimiter.
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


#: Prefixes that cannot be below zero.
_UNSIGNED: Final = frozenset(["!B", "!H", "!I"])


@lru_cache(maxsize=64)
def _prefix(structFormat: str) -> Struct:
    return Struct(structFormat)


def splitStrings(
    data: bytes, start: int, structFormat: str, prefixLength: int, limit: float, most: int
) -> tuple[list[bytes], int, int]:
    """
    Cut complete strings that a binary length precedes.

    @param structFormat: the prefix, as C{struct} writes it.
    @param prefixLength: its size in bytes.
    @param limit: the largest length to accept, in bytes.
    @param most: how many strings to cut at the most.
    @return: the strings without their prefixes, the offset behind the last one, and how many bytes the next
        one needs from there in all as far as is known (0 where C{most} was reached), or L{Stop.TOO_LONG}.
    @raise struct.error: C{prefixLength} is not the size of C{structFormat}.
    """
    prefix = _prefix(structFormat)
    unpackFrom = prefix.unpack_from
    if prefix.size != prefixLength:
        prefix.unpack(data[start : start + prefixLength])
    strings: list[bytes] = []
    size = len(data)
    if limit >= size and structFormat in _UNSIGNED:  # what is in hand whole is not too long
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
    """Take C{limit} as a number between those that no length is below and beyond; what is not a number is no limit."""
    return floor(max(min(LONGEST, limit), -1))


def netstringLength(data: bytes, start: int, limit: float) -> tuple[int, int]:
    """
    Read the length of the netstring at C{start}, or what there is of it.

    @return: the number, or a L{Stop}; and the offset of the colon, -1 where it has not come within the digits that
        the limit has, and one more.
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

    The length is decimal digits alone, without leading zeros; it is refused as soon as the digits that are
    there pass the limit.

    @param limit: the largest payload to accept, in bytes.
    @param most: how many netstrings to cut at the most.
    @return: the payloads, the offset behind the last comma, and how many bytes the next netstring needs from
        there in all as far as is known (0 where C{most} was reached or C{data} ends there), or a L{Stop}.
    """
    strings: list[bytes] = []
    size = len(data)
    limit = _bound(limit)
    # The width of the length in front of the string before, with its colon: the next one is often as wide.
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
        if comma >= size:  # behind the last byte there may be less of a length than was looked for
            return strings, start, min(payload, size) + length + 1 - start
        if data[comma] != _COMMA:
            return strings, start, Stop.UNTERMINATED
        strings.append(data[payload:comma])
        start = comma + 1
    return strings, start, 0


#: What lengths mean that were read before, with their colons: looking one up takes a fifth of the time that finding
#: its colon and checking its digits does.
_LENGTHS: Final[dict[bytes, int]] = {}
_KNOWN_LENGTHS: Final = 1024

#: How many bytes a length that was read before may have, with its colon.
_WIDEST: Final = 8


def _readLength(data: bytes, start: int, limit: int) -> tuple[int, int]:
    """
    Read the length at C{start} of a netstring.

    @return: the number, or a L{Stop}; and the offset behind its colon, 0 without one.
    """
    length, colon = netstringLength(data, start, limit)
    if length >= 0 <= colon and len(_LENGTHS) < _KNOWN_LENGTHS:
        _LENGTHS[data[start : colon + 1]] = length
    return length, colon + 1


_KEY_LENGTHS: Final = [bytes((0, length)) for length in range(256)]
_valueLength: Final = Struct("!H").pack


def formatBox(box: dict[bytes, bytes]) -> bytes | None:
    """
    Frame C{box} as AMP writes one: each key and each value behind two bytes of length, in the order of the keys,
    and a length of zero at the end.

    @return: C{None} where something is not bytes or is too long; which, it is not for this function to say.
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
    Go on with an AMP box: put the keys and values that are there into C{box}.

    @param key: the key whose value comes first; C{None} where a key comes first.
    @return: the offset behind the last complete string, the key that still waits for its value, and how many bytes
        the next string needs from there in all as far as is known: 0 where the box is complete, L{Stop.TOO_LONG}
        where a key is announced that is longer than 255 bytes.
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
    Cut complete AMP boxes, up to the first that is not complete, or not to be accepted.

    @param kind: their type, whose C{__init__} is not called.
    @param most: how many to cut at the most.
    @param mostKeys: how many keys a box may have.
    @param mostBytes: how many bytes a box may take on the wire, without its end.
    @return: the boxes, and for each the offset behind it.
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
