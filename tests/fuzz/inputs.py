"""
What a fuzzer's bytes mean: a payload for the parser, and behind it what else the target wants to know.

The last byte says how many bytes in front of it are no payload; so a seed is the payload as it is on the wire, and
something short behind it.  What runs out is zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Input", "seed"]

Choice = TypeVar("Choice")


def seed(payload: bytes, *control: int) -> bytes:
    """Make the bytes that an L{Input} reads as C{payload} and C{control}."""
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
        """Take a number, from zero to (but not) C{below}, at most 256."""
        return next(self._control, 0) % below

    def choice(self, options: Sequence[Choice]) -> Choice:
        """Take one of C{options}."""
        return options[self.number(len(options))]

    def list(self) -> list[int]:
        """Take everything that is left."""
        return list(self._control)

    def cuts(self) -> list[list[bytes]]:
        """Cut the payload into chunks in four ways: not at all, bytewise, in equal parts, and in unequal ones."""
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
