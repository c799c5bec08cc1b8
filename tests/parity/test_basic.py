"""
Tests that Twisted's C{basic} and ours have the same names, with the same signatures, values, bases
and interfaces.
"""

from __future__ import annotations

from tests.helpers import loadStock
from tests.parity.comparison import Comparison
from twisted_basic_ng import basic as ours

stock = loadStock("basic")
comparison = Comparison(stock, ours)

#: The parts of Twisted's netstring parser.
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

#: The accepted differences, with their reasons.
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

#: The attributes that only our classes have, and why they do not affect subclasses.
ADDED = {
    "FileSender.file": "Twisted's instances have it",
    "NetstringReceiver.brokenPeer": "Twisted's instances have it",
    "Receiver.MAX_MESSAGE_TIME": "an option against overload",
}


class TestParity:
    """Tests that only the accepted differences exist."""

    def test_names(self) -> None:
        """Every name of Twisted's module can be imported from ours."""
        assert comparison.missing() == []

    def test_incidental(self) -> None:
        """Imported modules and functions are the same objects, and constants are equal."""
        assert list(comparison.incidental()) == []

    def test_differences(self) -> None:
        """The differences are exactly the accepted ones."""
        assert comparison.differences() == sorted(ACCEPTED)

    def test_bases(self) -> None:
        """Every class has Twisted's bases, in the same order."""
        assert comparison.lostBases() == []

    def test_additions(self) -> None:
        """The only new public attributes are the listed ones."""
        assert comparison.additions() == sorted(ADDED)

    def test_exceptions(self) -> None:
        """The exceptions have the same bases."""
        for name in ("NetstringParseError", "IncompleteNetstring", "StringTooLongError"):
            assert getattr(ours, name).__bases__ == getattr(stock, name).__bases__

    def test_formatNetstring(self) -> None:
        """The private function C{_formatNetstring} returns the same bytes."""
        for data in (b"", b"a", b"x" * 1000):
            assert ours._formatNetstring(data) == stock._formatNetstring(data)
