"""Tests for L{twisted_basic_ng.amp._schema}; the loops themselves are tested in C{tests/test_values.py}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp
from twisted_basic_ng.amp import _schema


class SchemaTests(SynchronousTestCase):
    """A whole box is read and written by the names and types of its arguments."""

    def test_untouched(self) -> None:
        """The source of reading or writing is never changed, whatever the argument's type does."""
        schema = [(b"a", amp.Integer())]
        objects, box = {"a": 1}, amp.AmpBox()
        self.assertIs(_schema._objectsToStrings(objects, schema, box, None), box)
        self.assertEqual(objects, {"a": 1})
        self.assertEqual(_schema._stringsToObjects(box, schema, None), objects)
        self.assertEqual(box, {b"a": b"1"})

    def test_discarded(self) -> None:
        """The values of a box that cannot be read completely are discarded."""
        discarded: list[Any] = []

        class Holding(amp.Integer):
            def _ampDiscard(self, value: Any) -> None:
                discarded.append(value)

        class Foreign:
            def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
                objects["b"] = strings.pop(name)

            def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None: ...

        schema = [(b"a", Holding()), (b"b", Foreign()), (b"c", amp.Integer()), (b"d", amp.Integer(optional=True))]
        box = amp.AmpBox(a=b"1", b=b"2", c=b"no number")
        self.assertRaises(ValueError, _schema._stringsToObjects, box, schema, None)
        self.assertEqual(discarded, [1])
