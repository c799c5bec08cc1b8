"""
Reads the conformance vectors, expands their bytes, and cuts these into chunks.

This file needs only the standard library, and does not depend on any implementation.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "bytesOf", "chunkings", "hexOf", "load", "plain", "stepsCut"]

#: The directory of the vector files.
FOLDER = Path(__file__).parent

#: One piece of the notation for bytes: quoted text or hexadecimal digits, with an optional
#: repetition count.
_PIECE = re.compile(r"\s*(?:'([^']*)'|((?:[0-9a-fA-F]{2})+))(?:\*([0-9]+))?\s*")

#: Up to this size in bytes, a vector is cut at every point, and sent byte by byte.
_CUT_EVERYWHERE = 1024

#: The size of the pieces of a larger vector, and the number of points at each end to cut at.
_PIECE_LENGTH = 1000
_POINTS_AT_ENDS = 8


def load(folder: Path = FOLDER) -> list[dict[str, Any]]:
    """Read the vectors of all files in C{folder}."""
    files = (path for path in sorted(folder.glob("*.json")) if not path.name.endswith(".schema.json"))
    return [vector for path in files for vector in json.loads(path.read_text(encoding="utf-8"))["vectors"]]


def bytesOf(notation: str) -> bytes:
    """
    Expand bytes: hexadecimal digits or text in single quotes, each optionally followed by C{*} and
    a count.

    @raise ValueError: the notation is invalid.
    """
    data, position = b"", 0
    while position < len(notation):
        piece = _PIECE.match(notation, position)
        if piece is None:
            raise ValueError(f"neither hexadecimal nor text in quotes: {notation[position : position + 20]!r}")
        text, digits, count = piece.groups()
        data += (bytes.fromhex(digits) if text is None else text.encode("ascii")) * int(count or 1)
        position = piece.end()
    return data


def hexOf(notation: str) -> str:
    """Expand bytes into hexadecimal digits.  C{*}, which matches any value, is unchanged."""
    return notation if notation == "*" else bytesOf(notation).hex()


def plain(data: Any, key: str = "") -> Any:
    """Expand the bytes in C{data}, which is a part of a vector."""
    if isinstance(data, dict):
        return {name: plain(each, name) for name, each in data.items()}
    if key in ("boxes", "sent"):
        return [[[hexOf(name), hexOf(value)] for name, value in box] for box in data]
    if isinstance(data, list):
        return [plain(each, key) for each in data]
    return hexOf(data) if key in ("chunks", "receive", "decrypted", "tag", "hex", "inner", "handshake") else data


def chunkings(size: int) -> Iterator[list[int]]:
    """
    Yield where to cut C{size} bytes: nowhere, everywhere, and at each single point.

    Large ones are cut into larger pieces, and at points near their ends.
    """
    yield []
    if size > _CUT_EVERYWHERE:
        yield [*range(_PIECE_LENGTH, size, _PIECE_LENGTH)]
        yield from ([point] for point in (*range(1, _POINTS_AT_ENDS), *range(size - _POINTS_AT_ENDS, size)))
    elif size > 1:
        yield [*range(1, size)]
        yield from ([point] for point in range(1, size))


def stepsCut(steps: list[dict[str, Any]], points: list[int]) -> list[dict[str, Any]]:
    """Join adjacent bytes in C{steps}, and cut them at C{points}, counted over all bytes."""
    cut: list[dict[str, Any]] = []
    begin = 0
    for name, group in itertools.groupby(steps, lambda step: next(iter(step))):
        if name not in ("receive", "decrypted"):
            cut += group
            continue
        data = b"".join(bytes.fromhex(step[name]) for step in group)
        end = begin + len(data)
        bounds = [0, *(point - begin for point in points if begin < point < end), len(data)]
        cut += ({name: data[first:last].hex()} for first, last in itertools.pairwise(bounds))
        begin = end
    return cut
