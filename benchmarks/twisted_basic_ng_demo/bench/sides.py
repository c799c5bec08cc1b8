"""
What a measurement is made of: cases, and the sides that do the work of each.

Nothing here knows what the work is.
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

#: The two sides that every case has.
STOCK: Final = "stock"
OURS: Final = "ours"

#: The package that the modules of each of these are in.
PACKAGES: Final = {STOCK: "twisted.protocols", OURS: "twisted_basic_ng"}

#: Does the work once, and returns how many seconds it took.
Run = Callable[[], float]

#: Makes the work ready, with Twisted's module or ours.
Prepare = Callable[[ModuleType], Run]


class WorkError(Exception):
    """A side did not do the work that was to be measured; the message says what it did."""


def checked(count: int, expected: int) -> None:
    """
    See that all of the work was done.

    @raise WorkError: it was not.
    """
    if count != expected:
        raise WorkError(f"{count} came out, and not {expected}")


@dataclass(frozen=True)
class Side:
    """
    Who does the work of a case: L{STOCK}, L{OURS}, or a peer.

    @ivar name: what to call it.
    @ivar opened: makes it ready; what that gives does the work; it is put away at the end.
    @ivar needs: the packages, none of ours, that have to be installed for it.
    """

    name: str
    opened: Callable[[], AbstractContextManager[Run]]
    needs: tuple[str, ...] = ()

    @property
    def isPeer(self) -> bool:
        """Is it neither Twisted's module nor ours?"""
        return self.name not in PACKAGES

    @property
    def missing(self) -> list[str]:
        """Which of the packages that it needs are not installed."""
        return [each for each in self.needs if find_spec(each) is None]


@dataclass(frozen=True)
class Case:
    """
    Some work that each side does.

    @ivar name: how a command line names it.
    @ivar title: what is done, for people.
    @ivar group: the script in C{benchmarks} that it belongs to.
    @ivar unit: what is counted, in the plural.
    @ivar count: how many of these there are each time.
    @ivar sides: who does it: L{STOCK}, L{OURS}, and then the peers.
    @ivar floors: how many times as fast as Twisted's ours has to be, pure and compiled; empty where nothing is said.
    """

    name: str
    title: str
    group: str
    unit: str
    count: int
    sides: Sequence[Side]
    floors: tuple[float, ...] = ()


class _Ready:
    """Work in this process: there is nothing to put away."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __enter__(self) -> Run:
        return self._run

    def __exit__(self, *_: object) -> None:
        """Nothing."""


def inMemory(module: str, prepare: Prepare) -> list[Side]:
    """
    Make the two sides of work that is done in this process.

    @param module: the name of the module in either package.
    @param prepare: is given that module.
    """

    def side(name: str, package: str) -> Side:
        return Side(name, lambda: _Ready(prepare(import_module(f"{package}.{module}"))))

    return [side(*each) for each in PACKAGES.items()]


def peerInMemory(name: str, prepare: Callable[[], Run]) -> Side:
    """Make a peer that does its work in this process."""
    return Side(name, lambda: _Ready(prepare()))


def whySwapped() -> str:
    """
    Say why nothing can be compared in this process; empty where it can.

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
