"""Tests for L{tests.safety.promises}: a check that shows no difference is detected."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from .promises import OURS, STOCK, BrokenPromise, Modules, alike, differs, holds, missing, require, sound


def kept(*, modules: Modules) -> None:
    """A promise that both sides keep."""


def broken(*, modules: Modules) -> None:
    """A promise that Twisted breaks."""
    require(modules is OURS, "it is kept")


def forgotten(*, modules: Modules) -> None:
    """A promise that neither side keeps."""
    require(False, "it is kept")


def mistaken(*, modules: Modules) -> None:
    """A check that is itself wrong."""
    raise AttributeError("no such thing")


class TestDiffers:
    """L{differs} requires a difference."""

    def test_broken(self) -> None:
        """A promise that Twisted breaks and we keep passes on both sides."""
        differs(broken)(side="stock")
        differs(broken)(side="ours")

    def test_kept(self) -> None:
        """A promise that Twisted keeps, too, fails on Twisted's side."""
        with pytest.raises(pytest.fail.Exception, match="shows no difference"):
            differs(kept)(side="stock")

    def test_forgotten(self) -> None:
        """A promise that we break fails on our side."""
        with pytest.raises(BrokenPromise):
            differs(forgotten)(side="ours")

    @pytest.mark.parametrize("side", ["stock", "ours"])
    def test_mistaken(self, side: str) -> None:
        """An error in the check does not count as a broken promise."""
        with pytest.raises(AttributeError):
            differs(mistaken)(side=side)

    def test_signature(self) -> None:
        """pytest sees the parameter C{side} and the check's others, but not C{modules}."""
        made: Any = differs(broken)
        assert list(inspect.signature(made).parameters) == ["side"]
        assert made.__doc__ == broken.__doc__
        name, (stock, ours) = made.pytestmark[0].args
        assert (name, stock.values, ours) == ("side", ("stock",), "ours")
        assert [mark.name for mark in stock.marks] == ["stock"]

    def test_missing(self) -> None:
        """A promise that we do not keep yet is expected to fail, with C{BrokenPromise} alone."""
        made: Any = missing("not yet")(forgotten)
        stock, ours = made.pytestmark[0].args[1]
        assert (stock.values, ours.values) == (("stock",), ("ours",))
        assert ours.marks[0].kwargs == {"strict": True, "raises": BrokenPromise, "reason": "not yet"}
        made(side="stock")
        with pytest.raises(BrokenPromise):
            made(side="ours")


class TestAlike:
    """L{alike} requires that both sides keep the promise."""

    @pytest.mark.parametrize("side", ["stock", "ours"])
    def test_kept(self, side: str) -> None:
        """A promise that both sides keep passes, and one that a side breaks fails there."""
        alike(kept)(side=side)
        with pytest.raises(BrokenPromise):
            alike(forgotten)(side=side)


class TestModules:
    """Each side has the right modules."""

    def test_whose(self) -> None:
        """Twisted's modules are Twisted's, and ours are ours."""
        for module in ("basic", "amp", "ftp"):
            assert getattr(STOCK, module).__name__ == f"stock_twisted_{module}"
            assert getattr(OURS, module).__name__ == f"twisted_basic_ng.{module}"
        assert not issubclass(STOCK.amp.AMP, OURS.basic.Int16StringReceiver)

    def test_patience(self) -> None:
        """L{alike} waits long for Twisted's modules, and L{holds} does not."""
        given: list[Modules] = []

        def check(*, modules: Modules) -> None:
            given.append(modules)

        alike(check)(side="stock")
        holds(check, STOCK)
        assert [each.name for each in given] == ["stock", "stock"]
        assert given[0].patience == OURS.patience > 10 * given[1].patience


class TestSound:
    """L{sound} turns any error into a broken promise."""

    def test_sound(self) -> None:
        """The error is named in the message."""
        with sound("it works"):
            pass
        with pytest.raises(BrokenPromise, match="it works: KeyError: 'x'"), sound("it works"):
            raise KeyError("x")
        with pytest.raises(BrokenPromise, match=r"^it is kept$"), sound("it works"):
            require(False, "it is kept")

    def test_holds(self) -> None:
        """L{holds} is false for a broken promise alone."""
        assert holds(kept, STOCK)
        assert not holds(forgotten, OURS)
