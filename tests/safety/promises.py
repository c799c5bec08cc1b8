"""
A promise is a check that our modules pass and Twisted's own do not.

L{differs} makes two tests of a check, C{stock} and C{ours}.  The first one passes only if the check
raises L{BrokenPromise}.  L{alike} makes two tests that both have to pass, for behaviour that was
already right in Twisted.
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
    """A promise does not hold."""


class Modules(NamedTuple):
    """
    The modules that a check tests.

    @ivar name: C{"stock"} or C{"ours"}.
    @ivar patience: how many seconds to wait for a promised event: long enough for a slow machine if
        it will happen, and short if it will not.
    """

    name: str
    basic: ModuleType
    amp: ModuleType
    ftp: ModuleType
    patience: float


STOCK: Final = Modules("stock", loadStock("basic"), loadStock("amp"), loadStock("ftp"), 0.4)
OURS: Final = Modules("ours", basic, amp, ftp, 30.0)

#: Twisted's modules, for promises that they keep.
PATIENT: Final = STOCK._replace(patience=OURS.patience)


def require(kept: object, what: str) -> None:
    """
    Raise L{BrokenPromise} unless a promise is C{kept}.

    @param what: the promise, or what happened instead.
    """
    if not kept:
        raise BrokenPromise(what)


@contextmanager
def sound(what: str) -> Iterator[None]:
    """Raise L{BrokenPromise} if the block raises anything."""
    try:
        yield
    except BrokenPromise:
        raise
    except Exception as error:
        raise BrokenPromise(f"{what}: {type(error).__name__}: {error}") from error


def holds(check: Callable[..., object], modules: Modules, *arguments: Any, **named: Any) -> bool:
    """
    Whether C{modules} keep the promise.  Any other error than L{BrokenPromise} is an error in the
    check.
    """
    try:
        check(*arguments, modules=modules, **named)
    except BrokenPromise as broken:
        print(f"{modules.name}: {broken}")
        return False
    return True


def differs(check: Callable[..., None]) -> Callable[..., None]:
    """
    Make two tests of a method that takes C{modules}: Twisted's modules break the promise, and ours
    keep it.
    """
    return _difference(check, "ours")


def missing(reason: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Like L{differs}, for a promise that we do not keep yet.

    The test of our modules fails as soon as we keep it.  Then use L{differs} instead.
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
    """Make two tests of a method that takes C{modules}: both sides keep the promise."""

    def run(*arguments: Any, side: str, **named: Any) -> None:
        check(*arguments, modules=OURS if side == "ours" else PATIENT, **named)

    return _bothSides(check, run, "ours")


def _bothSides(check: Callable[..., None], run: Callable[..., None], ours: object) -> Callable[..., None]:
    """Parametrize C{run} like C{check}, with a C{side} in place of C{modules}."""
    functools.update_wrapper(run, check)
    signature = inspect.signature(check)
    parameters = [
        each.replace(name="side", annotation=str) if each.name == "modules" else each
        for each in signature.parameters.values()
    ]
    run.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    return pytest.mark.parametrize("side", [pytest.param("stock", marks=pytest.mark.stock), ours])(run)
