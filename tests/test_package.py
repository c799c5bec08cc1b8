"""Tests for the package L{twisted_basic_ng} itself."""

from __future__ import annotations

import re
from operator import attrgetter
from pathlib import Path

import pytest

import twisted_basic_ng
from tests.processes import python
from twisted_basic_ng._swapping import swap


class TestPackage:
    """The names of the package itself."""

    def test_light(self) -> None:
        """Importing the package imports neither its other modules nor Twisted."""
        code = "import sys, twisted_basic_ng; print([m for m in sys.modules if m.startswith('twisted')])"
        assert python("-c", code).stdout == "['twisted_basic_ng']\n"

    def test_swapIsLight(self) -> None:
        """The swap at the start of an enabled environment imports no slow modules."""
        code = "import sys, twisted_basic_ng as ng; ng.install(); print({'re', 'typing', 'twisted'} & {*sys.modules})"
        assert python("-S", "-c", code).stdout == "set()\n"

    def test_classes(self) -> None:
        """The package's classes are imported when they are first read."""
        assert twisted_basic_ng.AlreadyInUseError is swap.AlreadyInUseError
        assert twisted_basic_ng.TwistedTooOldError is swap.TwistedTooOldError
        assert isinstance(twisted_basic_ng.status(), twisted_basic_ng.Status)
        assert {*twisted_basic_ng.__all__} <= {*dir(twisted_basic_ng)}
        with pytest.raises(AttributeError, match="module 'twisted_basic_ng' has no attribute 'nothing'"):
            attrgetter("nothing")(twisted_basic_ng)

    def test_version(self) -> None:
        """The version has the form of a version."""
        assert re.fullmatch(r"\d+\.\d+\.\d+(\.dev\d+|rc\d+)?", twisted_basic_ng.__version__)

    def test_typed(self) -> None:
        """The package declares its types with C{py.typed}."""
        assert (Path(twisted_basic_ng.__file__).parent / "py.typed").exists()

    def test_functions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The functions call those of the swap."""
        called: list[str] = []
        monkeypatch.setattr(swap, "install", lambda extended: called.append(f"install {extended}"))
        monkeypatch.setattr(swap, "uninstall", lambda: called.append("uninstall"))
        twisted_basic_ng.install()
        twisted_basic_ng.install(extended=True)
        twisted_basic_ng.uninstall()
        assert called == ["install False", "install True", "uninstall"]
