"""
Tests every input over a small alphabet in every split, and inputs of twelve bytes with every
action.

The same bytes cause the same callbacks on both builds, whatever the callbacks do.
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

#: The receivers.  Those of strings accept at most two bytes, so that some inputs are too long.
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

#: The bytes of each receiver's alphabet, and the longest input.
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

#: Inputs of twelve bytes: several frames, one of them empty, and the beginning of another, or a
#: refused one.
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

#: The actions of the callbacks: nothing, pause, raise, change a limit, start TLS, take raw bytes,
#: close, and mixtures.
ACTIONS: dict[str, list[list[int]]] = {
    **{kind: [[], [1] * 9, [2] * 9, [0, 3], [0, 4], [0, 13, 1, 2], [0, 6], [4], [3, 1]] for kind in RECEIVERS},
    "boxes": [[], [32] * 9, [64] * 9, [0, 128], [96], [0, 160], [32, 64, 128 + 1], [128 + 1]],
}


def check(kind: str, data: bytes, actions: list[int], split: Split = partitions) -> int:
    """
    Compare the result of each split of C{data} with that of the whole.  Return the number of
    splits.
    """
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
    """Tests that the result does not depend on the chunks."""

    def test_allInputs(self, kind: str) -> None:
        """All inputs up to a length give the same result in every split."""
        alphabet, longest = ALPHABETS[kind]
        for length in range(1, longest + 1):
            for letters in product(alphabet, repeat=length):
                assert check(kind, bytes(letters), []) == 2 ** (length - 1)

    def test_twelve(self, kind: str) -> None:
        """
        Inputs of twelve bytes give the same result with each action.  All their splits would take
        half a minute.
        """
        split, number = (partitions, 2**11) if isThorough() else (fewCuts, 244)
        for data, actions in product(TWELVE[kind], ACTIONS[kind]):
            assert check(kind, data, actions, split) == number

    def test_shape(self, kind: str) -> None:
        """
        The inputs have twelve bytes and cause several callbacks, and the actions make a difference.
        """
        first = builds()[0]
        for data in TWELVE[kind]:
            seen = [RECEIVERS[kind](actions, first, [data]) for actions in ACTIONS[kind]]
            assert (len(data), len(seen[0][0]) > 1) == (12, True)
            assert any(each != seen[0] for each in seen)
