"""
Tests that the compiled build compares pointers with objects only, and not with Cython constants.
"""

from __future__ import annotations

import re

import pytest

from .sources import ROOT, sources

#: A cast of a Cython constant: C{<PyObject *> False} is the null pointer.
CAST = re.compile(r"<\s*\w+\s*\*\s*>\s*(?:(?:True|False)\b|\d|['\"])")


class TestCasts:
    """No constant is cast to a pointer."""

    def test_seen(self) -> None:
        """The pattern finds such casts."""
        wrong = ("<PyObject *> False", "<PyObject*>True", "<void *> 1", "<PyObject *> 'a'")
        assert all(CAST.search(each) for each in wrong)
        assert not CAST.search("optional == <PyObject *> None or <PyObject *> Trueness")

    @pytest.mark.parametrize("source", [each for each in sources() if each.suffix == ".pyx"], ids=str)
    def test_none(self, source: str) -> None:
        """The source has no such cast, except in comments."""
        text = (ROOT / "twisted_basic_ng" / source).read_text(encoding="utf-8")
        assert CAST.findall(re.sub(r"#.*", "", text)) == []
