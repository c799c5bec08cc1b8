"""Tests for L{twisted_basic_ng._accelerate}."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator

import pytest

from twisted_basic_ng import _accelerate, _framing


@pytest.fixture(autouse=True)
def asItWas() -> Iterator[None]:
    """The choice is made anew in each test, and as it was after it."""
    before = dict(vars(_accelerate))
    yield
    vars(_accelerate).update(before)


class TestChoice:
    """The compiled build is taken where there is one, unless it is switched off."""

    def test_switchedOff(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment variable switches it off."""
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", "1")
        assert importlib.reload(_accelerate).build == "pure"
        assert _accelerate.splitLines is _framing.splitLines

    @pytest.mark.parametrize("value", ["", "0"])
    def test_built(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        """A module with the compiled functions is taken."""
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", value)
        fake = type(sys)("twisted_basic_ng._framing_ext")
        functions = ("formatBox", "parseBox", "splitBoxes", "splitLines", "splitNetstrings", "splitStrings")
        vars(fake).update({name: object() for name in functions})
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        monkeypatch.setattr("twisted_basic_ng._framing_ext", fake, raising=False)
        reloaded = importlib.reload(_accelerate)
        assert reloaded.build == "ext"
        assert [getattr(reloaded, name) for name in functions] == [getattr(fake, name) for name in functions]

    def test_notBuilt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without one, the pure functions serve."""
        monkeypatch.delenv("TWISTED_BASIC_NG_PURE", raising=False)
        monkeypatch.delattr("twisted_basic_ng._framing_ext", raising=False)
        monkeypatch.setitem(sys.modules, "twisted_basic_ng._framing_ext", None)
        assert importlib.reload(_accelerate).build == "pure"
        assert _accelerate.splitStrings is _framing.splitStrings
