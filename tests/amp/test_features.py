"""Tests for L{twisted_basic_ng.amp._features}."""

from __future__ import annotations

from typing import Any

from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp
from twisted_basic_ng.amp import _features


class RegistryTests(SynchronousTestCase):
    """A feature is known by its name and its keys."""

    def setUp(self) -> None:
        for name in ("FEATURES", "OWNERS"):
            before = dict(getattr(_features, name))
            self.addCleanup(getattr(_features, name).update, before)
            self.addCleanup(getattr(_features, name).clear)
        observers = [*_features.OBSERVERS]
        self.addCleanup(_features.OBSERVERS.extend, observers)
        self.addCleanup(_features.OBSERVERS.clear)

    def test_register(self) -> None:
        """
        A registered feature is offered and owns its keys.  One that sees all boxes is listed
        separately.
        """

        @_features.register
        class Plain(_features.Feature):
            name = b"plain"
            keys = (b"_a", b"_b")

        @_features.register
        class Seeing(_features.Feature):
            name = b"seeing"
            seesAll = True

        self.assertEqual((_features.FEATURES[b"plain"], _features.FEATURES[b"seeing"]), (Plain, Seeing))
        self.assertEqual((_features.OWNERS[b"_a"], _features.OWNERS[b"_b"]), (b"plain", b"plain"))
        self.assertEqual(_features.OBSERVERS[-1], b"seeing")
        self.assertNotIn(b"plain", _features.OBSERVERS)

    def test_reading(self) -> None:
        """Only names that are known here are read, and an unreadable list is empty."""
        cases: list[tuple[Any, set[bytes]]] = [
            (None, set()),
            (b"", set()),
            (_features.NAMES.toString([b"more", b"other", b"more"]), {b"more"}),
            (b"\0\x09mo", set()),
        ]
        for value, expected in cases:
            self.assertEqual(_features.readNames(value), expected)


class FeatureTests(SynchronousTestCase):
    """The base class of features does nothing."""

    def test_base(self) -> None:
        """Boxes are delivered as they are."""
        feature = _features.Feature(None)
        box = amp.AmpBox(a=b"1")
        self.assertIs(feature.arriving(box), box)
        feature.received(box)
        feature.restart()
        feature.stop(Failure(ValueError()))
