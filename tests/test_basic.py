"""Tests for L{twisted_basic_ng.basic}, which re-exports the public names."""

from __future__ import annotations

import ast
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.processes import python
from twisted_basic_ng import basic

LATE = """
import sys
from twisted_basic_ng import basic
print("twisted" in sys.modules, "LineReceiver" in dir(basic), "LineReceiver" in vars(basic))
basic.LineReceiver
print("twisted" in sys.modules, "twisted_basic_ng._receiving.netstrings" in sys.modules, "LineReceiver" in vars(basic))
"""


class NamesTests(SynchronousTestCase):
    """The module has its public names."""

    def test_all(self) -> None:
        """Each name in C{__all__} exists."""
        for name in basic.__all__:
            self.assertTrue(hasattr(basic, name), name)

    def test_star(self) -> None:
        """C{import *} imports the receivers."""
        names: dict[str, object] = {}
        exec("from twisted_basic_ng.basic import *", names)
        self.assertIs(names["LineReceiver"], basic.LineReceiver)

    def test_prefixes(self) -> None:
        """The int-prefixed receivers differ only in the length of their prefix."""
        kinds = (basic.Int8StringReceiver, basic.Int16StringReceiver, basic.Int32StringReceiver)
        self.assertEqual([(each.structFormat, each.prefixLength) for each in kinds], [("!B", 1), ("!H", 2), ("!I", 4)])

    def test_late(self) -> None:
        """A name is imported when it is first read."""
        ended = python("-c", LATE)
        self.assertEqual(ended.stdout, "False True False\nTrue False True\n", ended.stderr)

    def test_unknown(self) -> None:
        """An unknown name raises the usual C{AttributeError}."""
        error = self.assertRaises(AttributeError, getattr, basic, "nothing")
        self.assertEqual(str(error), "module 'twisted_basic_ng.basic' has no attribute 'nothing'")

    def test_places(self) -> None:
        """The imports for type checkers agree with the table of places."""
        assert basic.__file__ is not None
        body = ast.parse(Path(basic.__file__).read_text(encoding="utf-8")).body
        (late,) = (each for each in body if isinstance(each, ast.If))
        imports = {
            name.asname or name.name: (f"{'.' * statement.level}{statement.module}", name.name)
            for statement in late.body
            if isinstance(statement, ast.ImportFrom)
            for name in statement.names
        }
        places = {
            name: tuple(place.split(":")) if ":" in place else tuple(place.rsplit(".", 1))
            for name, place in basic._PLACES.items()
        }
        self.assertEqual(places, imports)
