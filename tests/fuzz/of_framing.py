"""
Targets for the framing functions: both builds return the same, and the pieces are the original
bytes.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from .builds import builds, forget
from .inputs import Input

__all__ = ["FUNCTIONS"]

_LIMITS = (0, 1, 2, 9, 10, 99, 255, 1000, 65535, 2**31, 10**17, 2**70, float("inf"))
_DELIMITERS = (b"\r\n", b"\n", b"\0", b"aa", b"aba", b"abcab", b"")
_FORMATS = (("!H", 2), ("!B", 1), ("!I", 4), (">H", 2), ("!L", 4), ("<H", 2), ("!h", 2), ("!Q", 8), ("!I", 2))


def both(name: str, *arguments: Any) -> Any:
    """
    Call a function of each build with its own copy of the arguments, and then again with filled
    caches.

    @return: the results, and the arguments after the call.
    """
    outcomes = []
    forget()
    for build in [*builds(), *builds()]:
        own = copy.deepcopy(arguments)
        try:
            result = getattr(build.framing, name)(*own)
        except Exception as error:
            result = (type(error).__name__, str(error))
        outcomes.append((result, own))
    first = outcomes[0]
    assert all(each == first for each in outcomes), f"{name}{arguments}: {outcomes}"
    assert all(type(each[0]) is type(first[0]) for each in outcomes)
    return first


def splitLines(data: bytes) -> None:
    given = Input(data)
    delimiter, start, window = given.choice(_DELIMITERS), given.number(256), 1 + given.number(256)
    payload = given.payload
    start = min(start, len(payload))
    (lines, end), _ = both("splitLines", payload, start, delimiter, window)
    assert b"".join(each + delimiter for each in lines) == payload[start:end]
    assert not any(delimiter in each for each in lines)
    if not lines and delimiter:
        assert delimiter not in payload[start:]


def splitStrings(data: bytes) -> None:
    given = Input(data)
    (layout, width), limit = given.choice(_FORMATS), given.choice(_LIMITS)
    start, most = given.number(256), given.number(40)
    payload = given.payload
    start = min(start, len(payload))
    result, _ = both("splitStrings", payload, start, layout, width, limit, most)
    if result[0] == "error":  # struct's error if the format does not match the prefix
        assert (layout, width) in _FORMATS[-1:]
        return
    strings, end, needed = result
    assert end == start + sum(map(len, strings)) + width * len(strings)
    assert len(strings) <= most
    assert all(len(each) <= limit for each in strings)
    assert needed <= 0 or end + needed > len(payload)


def splitNetstrings(data: bytes) -> None:
    given = Input(data)
    limit, start, most = given.choice(_LIMITS), given.number(256), given.number(40)
    payload = given.payload
    start = min(start, len(payload))
    (strings, end, needed), _ = both("splitNetstrings", payload, start, limit, most)
    assert b"".join(b"%d:%b," % (len(each), each) for each in strings) == payload[start:end]
    assert len(strings) <= most
    assert all(len(each) <= limit for each in strings)
    assert needed <= 0 or end + needed > len(payload)


def parseBox(data: bytes) -> None:
    given = Input(data)
    start = min(given.number(256), len(given.payload))
    key = given.choice([None, b"key", b""])
    before = {b"key": b"before"} if given.number(2) else {}
    (end, key, needed), (_, _, box, _) = both("parseBox", given.payload, start, before, key)
    assert start <= end <= len(given.payload)
    assert needed <= 0 or end + needed > len(given.payload)
    assert all(len(each) <= 255 for each in box)
    assert needed or key is None


class _Kind(dict[bytes, bytes]):
    """A type of boxes whose C{__init__} must not be called."""

    def __init__(self) -> None:
        raise AssertionError


def _boxes(payload: bytes, start: int, most: int, mostKeys: float, mostBytes: float) -> Iterator[tuple[Any, int]]:
    """Yield the boxes that L{parseBox} accepts one by one, with the end of each."""
    for _ in range(most):
        (end, _, needed), (_, _, box, _) = both("parseBox", payload, start, {}, None)
        if needed or len(box) > mostKeys or end - 2 - start > mostBytes:
            return
        yield box, end
        start = end


def splitBoxes(data: bytes) -> None:
    given = Input(data)
    kind, mostKeys, mostBytes = given.choice((dict, _Kind)), given.choice(_LIMITS), given.choice(_LIMITS)
    start, most = given.number(256), given.number(40)
    start = min(start, len(given.payload))
    (boxes, ends), _ = both("splitBoxes", given.payload, start, kind, most, mostKeys, mostBytes)
    assert all(type(each) is kind for each in boxes)
    assert list(zip(boxes, ends, strict=True)) == list(_boxes(given.payload, start, most, mostKeys, mostBytes))


def _pairs(given: Input) -> Iterator[tuple[Any, Any]]:
    """
    Cut the payload into keys and values.  Some are too long for a box, and some are not bytes.
    """
    payload, kinds = given.payload, given.list()
    for number, at in enumerate(range(0, len(payload), 4)):
        key, value = payload[at : at + 1 + number % 3], payload[at + 2 : at + 4]
        kind = kinds[number] if number < len(kinds) else 0
        yield {
            1: (key * 200, value),
            2: (key, value * 40000),
            3: (key.decode("latin-1"), value),
            4: (key, value.decode("latin-1")),
            5: (key, bytearray(value)),
            6: (key, None),
            7: (b"", value),
        }.get(kind, (key, value))


def formatBox(data: bytes) -> None:
    box = dict(_pairs(Input(data)))
    framed, _ = both("formatBox", box)
    usual = all(type(key) is bytes and type(value) is bytes for key, value in box.items())
    fits = usual and all(len(key) < 256 and len(value) < 65536 for key, value in box.items())
    assert isinstance(framed, bytes) == fits, framed
    if fits and b"" not in box:
        (end, key, needed), (_, _, parsed, _) = both("parseBox", framed, 0, {}, None)
        assert (end, key, needed, parsed) == (len(framed), None, 0, box)


FUNCTIONS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (splitLines, splitStrings, splitNetstrings, parseBox, splitBoxes, formatBox)
}
