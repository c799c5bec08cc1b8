"""Tests for the facade L{twisted_basic_ng.amp}."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.helpers import loadStock
from twisted_basic_ng import amp


class TestFacade:
    """The module re-exports the public names."""

    def test_all(self) -> None:
        """
        C{__all__} has existing names only, among them all of Twisted's and the forgotten
        C{DateTime}.
        """
        assert [name for name in amp.__all__ if not hasattr(amp, name)] == []
        assert {*loadStock("amp").__all__, "DateTime"} - {*amp.__all__} == set()
        assert len(amp.__all__) == len(set(amp.__all__))

    def test_noCode(self) -> None:
        """The file has only imports, C{__all__}, and a block for type checkers."""
        assert amp.__file__ is not None
        body = ast.parse(Path(amp.__file__).read_text(encoding="utf-8")).body[1:]
        kinds = [type(each) for each in body]
        assert set(kinds) == {ast.Import, ast.ImportFrom, ast.If, ast.Assign}
        assert kinds.count(ast.Assign) == 1
        assert [ast.unparse(each.test) for each in body if isinstance(each, ast.If)] == ["TYPE_CHECKING"]
