"""Twisted's C{basic} and ours have the same names, with the same signatures, values, bases and interfaces."""

from __future__ import annotations

from tests.helpers import loadStock
from tests.parity.comparison import Comparison
from twisted_basic_ng import basic as ours

stock = loadStock("basic")
comparison = Comparison(stock, ours)

#: How Twisted parses netstrings.
PARSER = (
    "NetstringReceiver._LENGTH",
    "NetstringReceiver._LENGTH_PREFIX",
    "NetstringReceiver._PARSING_LENGTH",
    "NetstringReceiver._PARSING_PAYLOAD",
    "NetstringReceiver._checkForTrailingComma",
    "NetstringReceiver._checkPartialLengthSpecification",
    "NetstringReceiver._checkStringSize",
    "NetstringReceiver._consumeData",
    "NetstringReceiver._consumePayload",
    "NetstringReceiver._extractLength",
    "NetstringReceiver._extractPayload",
    "NetstringReceiver._maxLengthSize",
    "NetstringReceiver._prepareForPayloadConsumption",
    "NetstringReceiver._processLength",
    "NetstringReceiver._processPayload",
)
OWN_PARSER = "Twisted's way to parse: no application touches it, and ours parses otherwise"

#: What differs, by name, and why that is right.
ACCEPTED = {
    **dict.fromkeys(PARSER, OWN_PARSER),
    "IntNStringReceiver.recvd": "a descriptor, here as there; it has no value on the class",
    **{
        f"{name} bases": "a private base, Receiver, has what all receivers do alike"
        for name in (
            "NetstringReceiver",
            "LineOnlyReceiver",
            "LineReceiver",
            "IntNStringReceiver",
            "Int8StringReceiver",
            "Int16StringReceiver",
            "Int32StringReceiver",
        )
    },
    "_RecvdCompatHack bases": "one of our descriptors for undelivered bytes",
    "FileSender interfaces": "it is a pull producer, and says so",
}

#: What only our classes have, and why that is no trouble for subclasses.
ADDED = {
    "FileSender.file": "Twisted's instances have it",
    "NetstringReceiver.brokenPeer": "Twisted's instances have it",
    "Receiver.MAX_MESSAGE_TIME": "an option against overload",
}


class TestParity:
    """Nothing differs but what is meant to."""

    def test_names(self) -> None:
        """Every name of Twisted's module is importable from ours."""
        assert comparison.missing() == []

    def test_incidental(self) -> None:
        """Modules and functions that come along are the same ones; constants are equal."""
        assert list(comparison.incidental()) == []

    def test_differences(self) -> None:
        """The differences are those that are accepted, and every one of those is one."""
        assert comparison.differences() == sorted(ACCEPTED)

    def test_bases(self) -> None:
        """Every class has Twisted's bases, in their order."""
        assert comparison.lostBases() == []

    def test_additions(self) -> None:
        """No class has public attributes on top that could be those of a subclass of an application's."""
        assert comparison.additions() == sorted(ADDED)

    def test_exceptions(self) -> None:
        """Exceptions derive from what they derive from there."""
        for name in ("NetstringParseError", "IncompleteNetstring", "StringTooLongError"):
            assert getattr(ours, name).__bases__ == getattr(stock, name).__bases__

    def test_formatNetstring(self) -> None:
        """The private function gives the same bytes."""
        for data in (b"", b"a", b"x" * 1000):
            assert ours._formatNetstring(data) == stock._formatNetstring(data)
