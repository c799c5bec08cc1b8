"""
A promise is a check that our modules pass and that Twisted's own do not.

L{differs} makes two tests of a check, C{stock} and C{ours}: the first one passes if, and only if, the check says
L{BrokenPromise}.  L{alike} makes two of a check that both have to pass: what was sound is to stay so.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final, NamedTuple

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import amp, basic, ftp

__all__ = ["OURS", "PATIENT", "STOCK", "BrokenPromise", "Modules", "alike", "differs", "missing", "require", "sound"]


class BrokenPromise(AssertionError):
    """Something that is promised does not hold."""


class Modules(NamedTuple):
    """
    The modules that a check is about.

    @ivar name: whose they are, C{"stock"} or C{"ours"}.
    @ivar patience: how many seconds to wait for what is promised to happen; long enough for any machine where it will,
        short where it will not.
    """

    name: str
    basic: ModuleType
    amp: ModuleType
    ftp: ModuleType
    patience: float


STOCK: Final = Modules("stock", loadStock("basic"), loadStock("amp"), loadStock("ftp"), 0.4)
OURS: Final = Modules("ours", basic, amp, ftp, 30.0)

#: Twisted's, where they keep the promise.
PATIENT: Final = STOCK._replace(patience=OURS.patience)


def require(kept: object, what: str) -> None:
    """
    Say that a promise is broken unless it is C{kept}.

    @param what: what is promised, or what there is instead.
    """
    if not kept:
        raise BrokenPromise(what)


@contextmanager
def sound(what: str) -> Iterator[None]:
    """Say that a promise is broken where the block raises anything."""
    try:
        yield
    except BrokenPromise:
        raise
    except Exception as error:
        raise BrokenPromise(f"{what}: {type(error).__name__}: {error}") from error


def holds(check: Callable[..., object], modules: Modules, *arguments: Any, **named: Any) -> bool:
    """Does C{modules} keep the promise?  Any other error than L{BrokenPromise} is the check's own."""
    try:
        check(*arguments, modules=modules, **named)
    except BrokenPromise as broken:
        print(f"{modules.name}: {broken}")
        return False
    return True


def differs(check: Callable[..., None]) -> Callable[..., None]:
    """Make of a method that takes C{modules} a test that Twisted's break the promise, and a test that ours keep it."""
    return _difference(check, "ours")


def missing(reason: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Do the same for a promise that we do not keep yet.

    The day we do, the test of ours fails until it is L{differs} that makes it.
    """
    mark = pytest.mark.xfail(strict=True, raises=BrokenPromise, reason=reason)
    return functools.partial(_difference, ours=pytest.param("ours", marks=mark))


def _difference(check: Callable[..., None], ours: object) -> Callable[..., None]:
    def run(*arguments: Any, side: str, **named: Any) -> None:
        if side == "ours":
            check(*arguments, modules=OURS, **named)
        elif holds(check, STOCK, *arguments, **named):
            pytest.fail("Twisted keeps this promise, too: the check shows no difference")

    run.isDifference = True  # type: ignore[attr-defined]
    return _bothSides(check, run, ours)


def alike(check: Callable[..., None]) -> Callable[..., None]:
    """Make of a method that takes C{modules} a test for each side: both keep the promise."""

    def run(*arguments: Any, side: str, **named: Any) -> None:
        check(*arguments, modules=OURS if side == "ours" else PATIENT, **named)

    return _bothSides(check, run, "ours")


def _bothSides(check: Callable[..., None], run: Callable[..., None], ours: object) -> Callable[..., None]:
    """Parametrize C{run}, which looks like C{check}, but that it takes a C{side} in place of C{modules}."""
    functools.update_wrapper(run, check)
    signature = inspect.signature(check)
    parameters = [
        each.replace(name="side", annotation=str) if each.name == "modules" else each
        for each in signature.parameters.values()
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return pytest.mark.parametrize("side", [pytest.param("stock", marks=pytest.mark.stock), ours])(run)
