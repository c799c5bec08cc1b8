"""Twisted's C{basic} and ours have the same names, with the same signatures, values, bases and interfaces."""

from __future__ import annotations

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import basic as ours

from .comparing import classesOf, differences

stock = loadStock("basic")

_OWN_PARSER = "Twisted's way to parse: no application touches it, and ours parses otherwise"
_CLASS = "a descriptor, here as there; it has no value on the class"

#: What differs, by name, and why that is right.
ACCEPTED = {
    **dict.fromkeys(
        [
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
        ],
        _OWN_PARSER,
    ),
    "IntNStringReceiver.recvd": _CLASS,
    "Int8StringReceiver.recvd": _CLASS,
    "Int16StringReceiver.recvd": _CLASS,
    "Int32StringReceiver.recvd": _CLASS,
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

CLASSES = classesOf(stock)


class TestParity:
    """Nothing differs but what is meant to."""

    def test_names(self) -> None:
        """Every name of Twisted's module is importable from ours."""
        assert [name for name in dir(stock) if not hasattr(ours, name)] == []

    @pytest.mark.parametrize("name", [name for name in dir(stock) if not name.startswith("__")])
    def test_incidental(self, name: str) -> None:
        """Modules and functions that come along are the same ones; constants are equal."""
        theirs, own = getattr(stock, name), getattr(ours, name)
        if name not in CLASSES and name != "_formatNetstring":
            assert own is theirs or own == theirs

    def test_differences(self) -> None:
        """The differences are those that are accepted, and every one of those is one."""
        assert sorted(differences(stock, ours)) == sorted(ACCEPTED)

    def test_exceptions(self) -> None:
        """Exceptions derive from what they derive from there."""
        for name in ("NetstringParseError", "IncompleteNetstring", "StringTooLongError"):
            assert getattr(ours, name).__bases__ == getattr(stock, name).__bases__

    def test_formatNetstring(self) -> None:
        """The private function gives the same bytes."""
        for data in (b"", b"a", b"x" * 1000):
            assert ours._formatNetstring(data) == stock._formatNetstring(data)
