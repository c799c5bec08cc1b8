"""Tests for L{twisted_basic_ng.amp._names}."""

from __future__ import annotations

import pytest

from tests.helpers import loadStock
from twisted_basic_ng.amp._names import PYTHON_KEYWORDS, _wireNameToPythonIdentifier


class TestNames:
    """Arguments have the names in Python that they have with Twisted."""

    @pytest.mark.parametrize(
        ("wire", "python"),
        [(b"a", "a"), (b"foo-bar-baz", "foo_bar_baz"), (b"print", "Print"), (b"not-in", "not_in"), (b"async", "async")],
    )
    def test_table(self, wire: bytes, python: str) -> None:
        """Dashes become underscores, and the keywords of the list are capitalized."""
        assert _wireNameToPythonIdentifier(wire) == python

    def test_keywords(self) -> None:
        """The list has Twisted's words, whose order means nothing."""
        assert sorted(PYTHON_KEYWORDS) == sorted(loadStock("amp").PYTHON_KEYWORDS)

    def test_extended(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A word that an application adds counts."""
        monkeypatch.setattr("twisted_basic_ng.amp._names.PYTHON_KEYWORDS", [*PYTHON_KEYWORDS, "match"])
        assert _wireNameToPythonIdentifier(b"match") == "Match"

    def test_foreign(self) -> None:
        """A name that is not in ASCII has none in Python."""
        with pytest.raises(UnicodeError):
            _wireNameToPythonIdentifier(b"\xff")
