"""Tests for L{twisted_basic_ng.amp._names}."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from tests.helpers import loadStock
from twisted_basic_ng.amp._names import _MOST_IDENTIFIERS, IDENTIFIERS, PYTHON_KEYWORDS, _wireNameToPythonIdentifier


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

    def test_copied(self) -> None:
        """A copy of the list, or what a pickle of it brings, is a list as any other."""
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            for other in (pickle.loads(pickle.dumps(PYTHON_KEYWORDS, protocol)), copy.copy(PYTHON_KEYWORDS)):
                assert (type(other), other) == (list, PYTHON_KEYWORDS)

    def test_extended(self) -> None:
        """A word that an application adds counts, and counts no more when it is taken away; in whatever way."""
        changes: list[tuple[Callable[[], object], Callable[[], object]]] = [
            (lambda: PYTHON_KEYWORDS.append("match"), lambda: PYTHON_KEYWORDS.remove("match")),
            (lambda: PYTHON_KEYWORDS.extend(["match"]), PYTHON_KEYWORDS.pop),
            (lambda: PYTHON_KEYWORDS.insert(0, "match"), lambda: PYTHON_KEYWORDS.__delitem__(0)),
            (lambda: PYTHON_KEYWORDS.__iadd__(["match"]), lambda: PYTHON_KEYWORDS.__setitem__(-1, "and")),
            (lambda: PYTHON_KEYWORDS.__setitem__(-1, "match"), PYTHON_KEYWORDS.pop),
        ]
        for add, remove in changes:
            assert _wireNameToPythonIdentifier(b"match") == "match"
            add()
            assert _wireNameToPythonIdentifier(b"match") == "Match"
            remove()
        assert _wireNameToPythonIdentifier(b"match") == "match"

    def test_many(self) -> None:
        """However many names there are, not all of them are remembered."""
        for each in range(2 * _MOST_IDENTIFIERS):
            assert _wireNameToPythonIdentifier(b"a-%d" % each) == f"a_{each}"
        assert len(IDENTIFIERS) <= _MOST_IDENTIFIERS
        IDENTIFIERS.clear()

    def test_foreign(self) -> None:
        """A name that is not in ASCII has none in Python."""
        with pytest.raises(UnicodeError):
            _wireNameToPythonIdentifier(b"\xff")
