"""
The corpus: a text file for each target, with one line per input.

A line has a name, a space, and the bytes as a Python literal.  Inputs made by hand have their own
names.  Inputs that a fuzzer found have the name C{found}.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import NamedTuple

__all__ = ["FOUND", "Kept", "read", "spread", "write"]

#: The name of each input that a fuzzer found.
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
    """Write an archive.  The inputs made by hand come first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    ordered = sorted(set(inputs), key=lambda each: (each.name == FOUND, each))
    file.write_text("".join(f"{name} {data!r}\n" for name, data in ordered), encoding="ascii", newline="\n")


def spread(file: Path, directory: Path) -> None:
    """
    Write each input of an archive to a file in C{directory}, for libFuzzer.  The archive may be
    missing.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for number, each in enumerate(read(file) if file.exists() else []):
        (directory / f"{number}-{each.name}").write_bytes(each.data)
