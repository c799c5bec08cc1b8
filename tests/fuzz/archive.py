"""
The inputs that are kept: a text file for each target, with a line for each input.

A line is a name, a space and the bytes as Python writes them.  Inputs that were made by hand have names of their own;
those that a fuzzer found are called C{found}.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

__all__ = ["FOUND", "Kept", "read", "spread", "write"]

#: The name of each input that was not made by hand.
FOUND = "found"


class Kept(NamedTuple):
    """An input and its name."""

    name: str
    data: bytes


def read(file: Path) -> list[Kept]:
    """Read an archive."""
    pairs = (line.split(" ", 1) for line in file.read_text(encoding="ascii").splitlines())
    return [Kept(name, ast.literal_eval(data)) for name, data in pairs]


def write(file: Path, inputs: list[Kept]) -> None:
    """Write an archive, what was made by hand first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(set(inputs), key=lambda each: (each.name == FOUND, each))
    file.write_text("".join(f"{name} {data!r}\n" for name, data in ordered), encoding="ascii", newline="\n")


def spread(file: Path, directory: Path) -> None:
    """Write each input of an archive, if there is one, to a file in C{directory}: libFuzzer reads nothing else."""
    directory.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(read(file) if file.exists() else []):
        (directory / f"{number}-{each.name}").write_bytes(each.data)
