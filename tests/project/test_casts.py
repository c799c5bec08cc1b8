"""Pointers in the compiled build are compared with objects, and with nothing that Cython takes for a number."""

from __future__ import annotations

import re

import pytest

from .sources import ROOT, sources

#: What is a constant to Cython: C{<PyObject *> False} is the pointer 0.
CAST = re.compile(r"<\s*\w+\s*\*\s*>\s*(?:(?:True|False)\b|\d|['\"])")


class TestCasts:
    """No constant is cast to a pointer."""

    def test_seen(self) -> None:
        """What is looked for would be found."""
        wrong = ("<PyObject *> False", "<PyObject*>True", "<void *> 1", "<PyObject *> 'a'")
        assert all(CAST.search(each) for each in wrong)
        assert not CAST.search("optional == <PyObject *> None or <PyObject *> Trueness")

    @pytest.mark.parametrize("source", [each for each in sources() if each.suffix == ".pyx"], ids=str)
    def test_none(self, source: str) -> None:
        """There is none, but in comments."""
        text = (ROOT / "twisted_basic_ng" / source).read_text(encoding="utf-8")
        assert CAST.findall(re.sub(r"#.*", "", text)) == []
