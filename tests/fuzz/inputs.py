"""
The meaning of a fuzzer's bytes: a payload for the parser, followed by control bytes for the target.

The last byte says how many bytes before it are control bytes.  So a seed is the payload as it is on
the wire, with a short suffix.  Missing control bytes count as zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Input", "seed"]

Choice = TypeVar("Choice")


def seed(payload: bytes, *control: int) -> bytes:
    """Return the bytes that an L{Input} parses as C{payload} and C{control}."""
    return payload + bytes(control) + bytes([len(control)])


class Input:
    """
    One input.

    @ivar payload: the bytes for the parser.
    """

    def __init__(self, data: bytes) -> None:
        size = min(data[-1], len(data) - 1) if data else 0
        end = len(data) - 1 - size
        self.payload = data[: max(end, 0)]
        self._control = iter(data[end:-1] if size else b"")

    def number(self, below: int) -> int:
        """
        Take a control byte as a number from zero to C{below} (exclusive), which is at most 256.
        """
        return next(self._control, 0) % below

    def choice(self, options: Sequence[Choice]) -> Choice:
        """Take a control byte as the choice of one of C{options}."""
        return options[self.number(len(options))]

    def list(self) -> list[int]:
        """Take all remaining control bytes."""
        return list(self._control)

    def cuts(self) -> list[list[bytes]]:
        """
        Cut the payload into chunks in four ways: not at all, bytewise, in equal parts, and in
        unequal parts.
        """
        payload, step, first, second = self.payload, 2 + self.number(40), self.number(256), self.number(256)
        unequal, start = [], 0
        while start < len(payload):
            size = 1 + first % 61
            first = (first * 5 + second + 1) % 256
            unequal.append(payload[start : start + size])
            start += size
        return [
            [payload],
            [payload[at : at + 1] for at in range(len(payload))],
            [payload[at : at + step] for at in range(0, len(payload), step)],
            unequal,
        ]
