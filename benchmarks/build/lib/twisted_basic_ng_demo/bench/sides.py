"""
The parts of a measurement: cases, and the sides that do the work of each.

This file does not know what the work is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Final

__all__ = [
    "OURS",
    "PACKAGES",
    "STOCK",
    "Case",
    "Prepare",
    "Run",
    "Side",
    "WorkError",
    "checked",
    "inMemory",
    "peerInMemory",
    "whySwapped",
]

#: The two sides of every case.
STOCK: Final = "stock"
OURS: Final = "ours"

#: The package of each side's modules.
PACKAGES: Final = {STOCK: "twisted.protocols", OURS: "twisted_basic_ng"}

#: Does the work once, and returns how many seconds it took.
Run = Callable[[], float]

#: Prepares the work with Twisted's module or ours.
Prepare = Callable[[ModuleType], Run]


class WorkError(Exception):
    """A side did not do the work to measure; the message says what it did instead."""


def checked(count: int, expected: int) -> None:
    """
    Check that all of the work was done.

    @raise WorkError: it was not.
    """
    if count != expected:
        raise WorkError(f"{count} came out, and not {expected}")


@dataclass(frozen=True)
class Side:
    """
    A side that does the work of a case: L{STOCK}, L{OURS}, or a peer.

    @ivar name: its name.
    @ivar opened: returns a context manager that prepares the work, gives the function that does it,
        and cleans up at the end.
    @ivar needs: the packages, other than ours, that must be installed for it.
    """

    name: str
    opened: Callable[[], AbstractContextManager[Run]]
    needs: tuple[str, ...] = ()

    @property
    def isPeer(self) -> bool:
        """Whether this side is neither Twisted's module nor ours."""
        return self.name not in PACKAGES

    @property
    def missing(self) -> list[str]:
        """The packages in C{needs} that are not installed."""
        return [each for each in self.needs if find_spec(each) is None]


@dataclass(frozen=True)
class Case:
    """
    Work that each side does.

    @ivar name: its name on the command line.
    @ivar title: a description for people.
    @ivar group: the script in C{benchmarks} that it belongs to.
    @ivar unit: the unit of C{count}, in the plural.
    @ivar count: how many units one run does.
    @ivar sides: the sides: L{STOCK}, L{OURS}, then the peers.
    @ivar floors: how many times as fast as Twisted's our module must be, pure and compiled; empty
        if nothing is promised.
    """

    name: str
    title: str
    group: str
    unit: str
    count: int
    sides: Sequence[Side]
    floors: tuple[float, ...] = ()


class _Ready:
    """A context manager for work in this process, without anything to close."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> Run:
        return self._run

    def __exit__(self, *_: object) -> None:
        """Do nothing."""


def inMemory(module: str, prepare: Prepare) -> list[Side]:
    """
    Make the two sides of work in this process.

    @param module: the name of the module in either package.
    @param prepare: called with that module.
    """

    def side(name: str, package: str) -> Side:
        return Side(name, lambda: _Ready(prepare(import_module(f"{package}.{module}"))))

    return [side(*each) for each in PACKAGES.items()]


def peerInMemory(name: str, prepare: Callable[[], Run]) -> Side:
    """Make a peer that does its work in this process."""
    return Side(name, lambda: _Ready(prepare()))


def whySwapped() -> str:
    """
    Say why nothing can be compared in this process; empty if it can.

    Under the swap, Twisted's modules are ours.
    """
    for name in ("basic", "amp"):
        module = import_module(f"{PACKAGES[STOCK]}.{name}")
        if module is sys.modules.get(f"{PACKAGES[OURS]}.{name}"):
            return (
                f"{PACKAGES[STOCK]}.{name} is ours in this process, so there is nothing to compare with: start it"
                " without 'run' and without TWISTED_BASIC_NG_SWAP; 'twisted-basic-ng status' says whether"
                " 'twisted-basic-ng disable' is needed, too"
            )
    return ""
