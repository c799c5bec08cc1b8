"""Twisted's C{amp} and ours have the same names, with the same signatures, values, bases and interfaces."""

from __future__ import annotations

import collections.abc
from typing import Any

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours, basic

from .comparing import classesOf, differences

stock = loadStock("amp")

_BASE = "private bases, BoxReader and Receiver, have what is common or a half of it"
_OWN_OBJECTS = "the same names, and types of ours"

#: What differs in the classes, by name, and why that is right.
ACCEPTED = {
    "AMP bases": _BASE,
    "BinaryBoxProtocol bases": _BASE,
    "AMP.recvd": "a descriptor, here as there; it has no value on the class",
    "BinaryBoxProtocol.recvd": "a descriptor, here as there; it has no value on the class",
    "AMP._commandDispatch": _OWN_OBJECTS,
    "StartTLS.arguments": _OWN_OBJECTS,
    "StartTLS.response": _OWN_OBJECTS,
    "_ParserHelper.parse": "may be strict about what is cut short",
    "_ParserHelper.parseString": "may be strict about what is cut short",
}

#: Names that are ours, where others come along as they are.
OWN = {
    *classesOf(stock),
    *("IArgumentType", "IBoxReceiver", "IBoxSender", "IResponderLocator"),
    *("PROTOCOL_ERRORS", "PYTHON_KEYWORDS", "parse", "parseString", "_log", "_Self", "_T_Callable"),
    *("_objectsToStrings", "_stringsToObjects", "_wireNameToPythonIdentifier"),
}

CLASSES = [each for each in classesOf(stock) if each not in ("_Self", "_T_Callable")]


class TestParity:
    """Nothing differs but what is meant to."""

    def test_names(self) -> None:
        """Every name of Twisted's module is importable from ours."""
        assert [name for name in dir(stock) if not hasattr(ours, name)] == []

    def test_all(self) -> None:
        """What C{*} gives is Twisted's, and what Twisted has not or forgot."""
        assert {*ours.__all__} - {*stock.__all__} == {
            *("BoxTooLargeError", "DateTime", "ElementTooLongError", "ForgedAnswerError", "KeyTooLongError"),
            *("OneWayCommand", "TooManyDescriptorsError", "TruncatedBoxError", "UnknownTagError"),
        }

    @pytest.mark.parametrize("name", [name for name in dir(stock) if not name.startswith("__") and name not in OWN])
    def test_incidental(self, name: str) -> None:
        """Modules, classes and functions that come along are the same ones; constants are equal."""
        theirs, own = getattr(stock, name), getattr(ours, name)
        swapped = {
            "Int16StringReceiver": basic.Int16StringReceiver,
            "StatefulStringProtocol": basic.StatefulStringProtocol,
        }
        if name == "Callable":
            assert own is collections.abc.Callable
        else:
            assert own == swapped.get(name, theirs)

    def test_differences(self) -> None:
        """The classes' differences are those that are accepted, and every one of those is one."""
        assert sorted(differences(stock, ours)) == sorted(ACCEPTED)

    def test_startTLS(self) -> None:
        """StartTLS has the same arguments, by name and type."""
        for attribute in ("arguments", "response"):
            theirs, own = getattr(stock.StartTLS, attribute), getattr(ours.StartTLS, attribute)
            assert [(name, type(each).__name__, each.optional) for name, each in own] == [
                (name, type(each).__name__, each.optional) for name, each in theirs
            ]

    def test_dispatch(self) -> None:
        """AMP responds to the same command out of the box, with a method of the same name."""
        ((name, (command, function)),) = ours.AMP._commandDispatch.items()
        assert (name, command, function.__name__) == (b"StartTLS", ours.StartTLS, "_defaultStartTLSResponder")
        assert [*stock.AMP._commandDispatch] == [name]

    @pytest.mark.parametrize("name", CLASSES)
    def test_slots(self, name: str) -> None:
        """Who may have attributes of its own there, may here."""

        def isOpen(kind: Any) -> bool:
            return any("__dict__" in vars(each) for each in kind.__mro__)

        assert isOpen(getattr(ours, name)) == isOpen(getattr(stock, name))

    @pytest.mark.parametrize("name", ["IArgumentType", "IBoxReceiver", "IBoxSender", "IResponderLocator"])
    def test_interface(self, name: str) -> None:
        """Interfaces ask for the same methods."""

        def methods(interface: Any) -> dict[str, str]:
            return {each: method.getSignatureString() for each, method in interface.namesAndDescriptions()}

        assert methods(getattr(ours, name)) == methods(getattr(stock, name))

    @pytest.mark.parametrize("name", [each for each in CLASSES if issubclass(getattr(stock, each), Exception)])
    def test_exception(self, name: str) -> None:
        """Exceptions derive from what they derive from there."""
        theirs, own = getattr(stock, name), getattr(ours, name)
        assert [each.__name__ for each in own.__mro__] == [each.__name__ for each in theirs.__mro__]

    def test_identifiers(self) -> None:
        """Names on the wire are the same in Python."""
        assert sorted(ours.PYTHON_KEYWORDS) == sorted(stock.PYTHON_KEYWORDS)
        for key in (b"a", b"a-b_c", b"from", b"is-not", *map(str.encode, stock.PYTHON_KEYWORDS)):
            assert ours._wireNameToPythonIdentifier(key) == stock._wireNameToPythonIdentifier(key)
