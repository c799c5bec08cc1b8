"""Tests for L{twisted_basic_ng_demo.bench.sides}."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import amp, basic
from twisted_basic_ng_demo.bench.sides import (
    OURS,
    STOCK,
    Run,
    Side,
    WorkError,
    checked,
    inMemory,
    peerInMemory,
    whySwapped,
)


class TestChecked:
    """Tests for checking that the work was done."""

    def test_all(self) -> None:
        """Fewer or more messages than expected raise an error with both numbers."""
        checked(3, 3)
        with pytest.raises(WorkError, match="2 came out, and not 3"):
            checked(2, 3)


class TestSide:
    """Tests for the sides."""

    def test_peer(self) -> None:
        """Every side that is neither Twisted's nor ours is a peer."""
        sides = [Side(name, lambda: peerInMemory("x", lambda: lambda: 1.0).opened()) for name in (STOCK, OURS, "PB")]
        assert [side.isPeer for side in sides] == [False, False, True]

    def test_missing(self) -> None:
        """Missing packages are listed."""
        needing = Side("x", peerInMemory("x", lambda: lambda: 1.0).opened, ("json", "no_such_package_anywhere"))
        assert needing.missing == ["no_such_package_anywhere"]


class TestInMemory:
    """The same work is prepared with both modules."""

    def test_modules(self) -> None:
        """Twisted's module comes first, then ours."""
        seen: list[ModuleType] = []

        def prepare(module: ModuleType) -> Run:
            seen.append(module)
            return lambda: float(len(seen))

        for side in inMemory("amp", prepare):
            with side.opened() as run:
                assert run() == len(seen)
        assert seen == [sys.modules["twisted.protocols.amp"], amp]
        assert seen[0].__file__ == loadStock("amp").__file__


class TestWhySwapped:
    """Under the swap there is nothing to compare with."""

    def test_not(self) -> None:
        """Without the swap, there is no reason to refuse."""
        assert whySwapped() == ""

    @pytest.mark.parametrize("module", [basic, amp])
    def test_swapped(self, module: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        """The reason names the module, and how to remove the swap."""
        name = module.__name__.rpartition(".")[2]
        monkeypatch.setitem(sys.modules, f"twisted.protocols.{name}", module)
        reason = whySwapped()
        assert f"twisted.protocols.{name} is ours" in reason
        assert "twisted-basic-ng disable" in reason
