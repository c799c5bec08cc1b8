"""
Every input that a small alphabet gives, in every split there is, and inputs of twelve bytes with every action.

The same bytes give the same callbacks, whatever these do, and on both builds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import pytest

from tests.helpers import fewCuts, isThorough, partitions

from .builds import Build, builds
from .of_amp import observeBoxes
from .of_receivers import observe

Split = Callable[[bytes], Iterator[list[bytes]]]
Observe = Callable[[list[int], Build, list[bytes]], Any]

#: The receivers; those of strings take two bytes at most, so that what is too long is among the inputs.
RECEIVERS: dict[str, Observe] = {
    "lines": partial(observe, "LineReceiver", 2, b"\r\n"),
    "linesOfTwoLetters": partial(observe, "LineReceiver", 2, b"aa"),
    "linesOnly": partial(observe, "LineOnlyReceiver", 2, b"\r\n"),
    "netstrings": partial(observe, "NetstringReceiver", 2, b""),
    "int8Strings": partial(observe, "Int8StringReceiver", 2, b""),
    "int16Strings": partial(observe, "Int16StringReceiver", 2, b""),
    "int32Strings": partial(observe, "Int32StringReceiver", 2, b""),
    "boxes": partial(observeBoxes, 2, 10),
}

#: Of which bytes all inputs are made, and how long they are.
ALPHABETS: dict[str, tuple[bytes, int]] = {
    "lines": (b"a\r\n", 5),
    "linesOfTwoLetters": (b"ab", 7),
    "linesOnly": (b"a\r\n", 5),
    "netstrings": (b"01:,", 5),
    "int8Strings": (b"\0\1\2\3", 5),
    "int16Strings": (b"\0\1\2", 5),
    "int32Strings": (b"\0\1", 7),
    "boxes": (b"\0\1\2", 6),
}

#: Inputs of twelve bytes: several frames, one of them empty, and the beginning of another, or what is refused.
TWELVE: dict[str, list[bytes]] = {
    "lines": [b"ab\r\n\r\nc\r\nde\r", b"a\r\nabcde\r\nfg"],
    "linesOfTwoLetters": [b"baaaaabaaaba"],
    "linesOnly": [b"ab\r\n\r\nc\r\nde\r", b"a\r\nabcde\r\nfg"],
    "netstrings": [b"1:a,0:,2:bc,", b"0:,1:a,01:b,", b"0:,1:a,3:bcd"],
    "int8Strings": [b"\1a\0\2bc\1d\0\1e\2", b"\0\1a\2bc\3defgh"],
    "int16Strings": [b"\0\1a\0\0\0\2bc\0\1d", b"\0\1a\0\0\0\3bcd\0\0"],
    "int32Strings": [b"\0\0\0\1a\0\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\3bcde"],
    "boxes": [
        b"\0\1a\0\1b\0\0\0\0\0\0",
        b"\0\1a\0\0\0\1b\0\0\0\0",
        b"\0\0\0\1a\0\2bc\0\0\1",
        b"\0\0\0\1a\0\0\0\1b\0\0",
    ],
}

#: What callbacks do, each time anew: nothing, pause, raise, change a limit, start TLS, take bytes raw, close, by turns.
ACTIONS: dict[str, list[list[int]]] = {
    **{kind: [[], [1] * 9, [2] * 9, [0, 3], [0, 4], [0, 13, 1, 2], [0, 6], [4], [3, 1]] for kind in RECEIVERS},
    "boxes": [[], [32] * 9, [64] * 9, [0, 128], [96], [0, 160], [32, 64, 128 + 1], [128 + 1]],
}


def check(kind: str, data: bytes, actions: list[int], split: Split = partitions) -> int:
    """Compare what comes of each split of C{data} with what comes of it whole; return how many there were."""
    seen = RECEIVERS[kind]
    expected = seen(actions, builds()[0], [data])
    number = 0
    for chunks in split(data):
        for build in builds():
            found = seen(actions, build, chunks)
            assert found == expected, f"{build.name}, {chunks}, {actions}:\n{found}\nbut, whole:\n{expected}"
        number += 1
    return number


@pytest.mark.parametrize("kind", RECEIVERS)
class TestEverySplit:
    """In whatever chunks they come."""

    def test_allInputs(self, kind: str) -> None:
        """All the inputs that there are, up to a length."""
        alphabet, longest = ALPHABETS[kind]
        for length in range(1, longest + 1):
            for letters in product(alphabet, repeat=length):
                assert check(kind, bytes(letters), []) == 2 ** (length - 1)

    def test_twelve(self, kind: str) -> None:
        """Twelve bytes, with each of the actions; all splits of them take half a minute."""
        split, number = (partitions, 2**11) if isThorough() else (fewCuts, 244)
        for data, actions in product(TWELVE[kind], ACTIONS[kind]):
            assert check(kind, data, actions, split) == number

    def test_shape(self, kind: str) -> None:
        """The inputs are of twelve bytes, several things are told of each, and actions make a difference."""
        first = builds()[0]
        for data in TWELVE[kind]:
            seen = [RECEIVERS[kind](actions, first, [data]) for actions in ACTIONS[kind]]
            assert (len(data), len(seen[0][0]) > 1) == (12, True)
            assert any(each != seen[0] for each in seen)
