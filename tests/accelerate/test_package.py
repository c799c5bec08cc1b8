"""Tests for L{twisted_basic_ng._accelerate}."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from twisted_basic_ng import _accelerate
from twisted_basic_ng._accelerate import framing, values


@pytest.fixture(autouse=True)
def asItWas() -> Iterator[None]:
    """Repeat the choice of the build in each test, and restore it afterwards."""
    before = dict(vars(_accelerate))
    yield
    vars(_accelerate).update(before)


#: The modules of the compiled build and their functions, read from the source files.
BUILDS = {
    path.stem: re.findall(r"(?m)^def (\w+)\(", path.read_text(encoding="utf-8"))
    for path in sorted(Path(_accelerate.__file__).parent.glob("*_ext.pyx"))
}


class TestSources:
    """Each compiled function has a counterpart in Python."""

    def test_twins(self) -> None:
        """
        The counterpart has the same name, in a file of the same name, and the package exports it.
        """
        assert [*BUILDS] == ["framing_ext", "values_ext"]
        for module, functions in BUILDS.items():
            pure = {"framing_ext": framing, "values_ext": values}[module]
            assert {*functions} <= {*pure.__all__} & {*_accelerate.__all__}


class TestChoice:
    """The compiled build is used if it exists and is not switched off."""

    def test_switchedOff(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The environment variable switches it off."""
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", "1")
        assert importlib.reload(_accelerate).build == "pure"
        assert _accelerate.splitLines is framing.splitLines

    @pytest.mark.parametrize("value", ["", "0"])
    def test_built(self, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
        """The compiled functions are used if they can be imported."""
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", value)
        for module, functions in BUILDS.items():
            fake = type(sys)(f"twisted_basic_ng._accelerate.{module}")
            vars(fake).update({name: object() for name in functions})
            monkeypatch.setitem(sys.modules, fake.__name__, fake)
            monkeypatch.setattr(fake.__name__, fake, raising=False)
        reloaded = importlib.reload(_accelerate)
        assert reloaded.build == "ext"
        for module, functions in BUILDS.items():
            fake = sys.modules[f"twisted_basic_ng._accelerate.{module}"]
            assert [getattr(reloaded, name) for name in functions] == [getattr(fake, name) for name in functions]

    @pytest.mark.parametrize("missing", BUILDS)
    def test_notWhole(self, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
        """If one of its modules is missing, the compiled build is not used."""
        monkeypatch.delenv("TWISTED_BASIC_NG_PURE", raising=False)
        monkeypatch.delattr(f"twisted_basic_ng._accelerate.{missing}", raising=False)
        monkeypatch.setitem(sys.modules, f"twisted_basic_ng._accelerate.{missing}", None)
        assert importlib.reload(_accelerate).build == "pure"
        assert _accelerate.readBox is values.readBox

    def test_notBuilt(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """If there is no compiled build, the pure functions are used."""
        monkeypatch.delenv("TWISTED_BASIC_NG_PURE", raising=False)
        monkeypatch.delattr("twisted_basic_ng._accelerate.framing_ext", raising=False)
        monkeypatch.setitem(sys.modules, "twisted_basic_ng._accelerate.framing_ext", None)
        assert importlib.reload(_accelerate).build == "pure"
        assert _accelerate.splitStrings is framing.splitStrings
