"""Tests for L{twisted_basic_ng.amp._description}."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp
from twisted_basic_ng.amp._description import describe, describeType


class Own(amp.Argument):
    """An application's own type."""


class TypeTests(SynchronousTestCase):
    """The types of arguments have names."""

    def test_names(self) -> None:
        """Simple types, lists, streams and an application's own types have names."""
        rows = amp.AmpList([(b"a", amp.Unicode()), (b"b\xff", amp.ListOf(amp.Float(), optional=True))])
        cases = [
            (amp.Integer(), "Integer"),
            (Own(), "Own"),
            (amp.ListOf(amp.ListOf(amp.DateTime())), "ListOf(ListOf(DateTime))"),
            (amp.Stream(), "Stream"),
            (amp.StreamOf(amp.Integer()), "StreamOf(Integer)"),
            (rows, "AmpList(a: Unicode, b\\xff?: ListOf(Float))"),
        ]
        self.assertEqual([describeType(argument) for argument, _ in cases], [name for _, name in cases])


class DescribeTests(SynchronousTestCase):
    """The responders of a locator are described."""

    def test_nothing(self) -> None:
        """A locator without responders has none."""
        self.assertEqual(describe(object()), {b"commands": b""})

    def test_long(self) -> None:
        """A long text is cut, and a missing one is empty."""

        class Long(amp.Command):
            pass

        class Silent(amp.Command):
            pass

        Long.__doc__, Silent.__doc__ = "\U0001f600" * 70_000, None

        class Locator(amp.CommandLocator):
            @Long.responder
            def long(self) -> None:
                pass

            @Silent.responder
            def silent(self) -> None:
                pass

        commands = amp.Describe.parseResponse(describe(Locator()), None)["commands"]
        self.assertEqual([len(each["text"]) for each in commands], [16_383, 0])
