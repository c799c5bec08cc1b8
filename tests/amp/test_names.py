"""Tests for L{twisted_basic_ng.amp._names}."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable

import pytest

from tests.helpers import loadStock
from twisted_basic_ng.amp._names import _MOST_IDENTIFIERS, IDENTIFIERS, PYTHON_KEYWORDS, _wireNameToPythonIdentifier


class TestNames:
    """Arguments have the same Python names as with Twisted."""

    @pytest.mark.parametrize(
        ("wire", "python"),
        [(b"a", "a"), (b"foo-bar-baz", "foo_bar_baz"), (b"print", "Print"), (b"not-in", "not_in"), (b"async", "async")],
    )
    def test_table(self, wire: bytes, python: str) -> None:
        """Dashes become underscores, and keywords are capitalized."""
        assert _wireNameToPythonIdentifier(wire) == python

    def test_keywords(self) -> None:
        """The list has Twisted's keywords, in any order."""
        assert sorted(PYTHON_KEYWORDS) == sorted(loadStock("amp").PYTHON_KEYWORDS)

    def test_copied(self) -> None:
        """A copy or an unpickled copy of the list is a plain list."""
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            for other in (pickle.loads(pickle.dumps(PYTHON_KEYWORDS, protocol)), copy.copy(PYTHON_KEYWORDS)):
                assert (type(other), other) == (list, PYTHON_KEYWORDS)

    def test_extended(self) -> None:
        """A keyword that an application adds or removes takes effect, whatever method it uses."""
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
        """The number of cached names is limited."""
        for each in range(2 * _MOST_IDENTIFIERS):
            assert _wireNameToPythonIdentifier(b"a-%d" % each) == f"a_{each}"
        assert len(IDENTIFIERS) <= _MOST_IDENTIFIERS
        IDENTIFIERS.clear()

    def test_foreign(self) -> None:
        """A name that is not ASCII raises an error."""
        with pytest.raises(UnicodeError):
            _wireNameToPythonIdentifier(b"\xff")
