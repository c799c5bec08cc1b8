"""Tests for L{twisted_basic_ng.basic}: where all the names are."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import basic


class NamesTests(SynchronousTestCase):
    """The facade has what it says it has."""

    def test_all(self) -> None:
        """Each name in C{__all__} is there."""
        for name in basic.__all__:
            self.assertTrue(hasattr(basic, name), name)

    def test_star(self) -> None:
        """Importing everything gives the receivers."""
        names: dict[str, object] = {}
        exec("from twisted_basic_ng.basic import *", names)
        self.assertIs(names["LineReceiver"], basic.LineReceiver)

    def test_prefixes(self) -> None:
        """The int-prefixed receivers differ in their length alone."""
        kinds = (basic.Int8StringReceiver, basic.Int16StringReceiver, basic.Int32StringReceiver)
        self.assertEqual([(each.structFormat, each.prefixLength) for each in kinds], [("!B", 1), ("!H", 2), ("!I", 4)])
