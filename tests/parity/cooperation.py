"""
Compares which methods of Twisted's classes and of ours call the next class, and which end the
chain.

An application may combine a class of the module with its own, as in C{class P(LineReceiver,
Session)}.  A method of C{Session} is called if no earlier class defines it, or if the earlier class
calls C{super}.  It must be called in exactly the same cases as with Twisted's class.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

__all__ = ["Cooperation"]

#: The attributes that every class has, and those that C{zope.interface} adds.
_OF_EACH_CLASS = {
    "__abstractmethods__",
    "__annotations__",
    "__dict__",
    "__doc__",
    "__firstlineno__",
    "__hash__",
    "__implemented__",
    "__module__",
    "__orig_bases__",
    "__parameters__",
    "__providedBy__",
    "__provides__",
    "__qualname__",
    "__slots__",
    "__static_attributes__",
    "__weakref__",
    "_abc_impl",
}


class Cooperation:
    """
    Twisted's module and ours.

    @ivar classes: the names of the classes that both define.
    """

    def __init__(self, stock: ModuleType, ours: ModuleType) -> None:
        self.stock = stock
        self.ours = ours
        self.classes = [
            name
            for name, value in vars(stock).items()
            if inspect.isclass(value)
            and value.__module__ == stock.__name__
            and inspect.isclass(getattr(ours, name, None))
        ]

    def hiding(self) -> list[str]:
        """
        Return the attributes that our class defines, Twisted's does not, and that hide an attribute
        of a sibling class.

        These are names that a later base of Twisted's class has, and special names.  A method that
        calls C{super} hides nothing.
        """
        return sorted(
            f"{name}.{attribute}"
            for name in self.classes
            for attribute in self._new(name)
            if not self._passesOn(name, attribute)
        )

    def showing(self) -> list[str]:
        """
        Return the attributes that Twisted's class defines and ours does not, so that a sibling's
        attribute shows through.
        """
        return sorted(
            f"{name}.{attribute}"
            for name in self.classes
            for attribute in vars(getattr(self.stock, name)).keys() - _OF_EACH_CLASS
            if not any(attribute in vars(each) for each in self._block(name))
        )

    def differing(self) -> list[str]:
        """
        Return the methods that call the next class in one module and end the chain in the other.
        """
        return sorted(
            f"{name}.{attribute}"
            for name in self.classes
            for attribute, theirs in vars(getattr(self.stock, name)).items()
            if _function(theirs) is not None
            and any(attribute in vars(each) for each in self._block(name))
            and _callsSuper(theirs, attribute) != self._passesOn(name, attribute)
        )

    def _new(self, name: str) -> Iterator[str]:
        theirs = getattr(self.stock, name)
        inherited = {each for base in theirs.__mro__[1:] for each in vars(base)}
        there = {each for kind in self._block(name) for each in vars(kind)}
        for attribute in there - vars(theirs).keys() - _OF_EACH_CLASS:
            isSpecial = attribute.startswith("__") and attribute.endswith("__")
            if isSpecial or (attribute in inherited and not attribute.startswith("_")):
                yield attribute

    def _block(self, name: str) -> list[type]:
        """
        Return our class of that name, and the bases after it that Twisted does not have.  Together
        they are its counterpart.
        """
        first, *rest = getattr(self.ours, name).__mro__
        block = [first]
        for each in rest:
            if not _isPartOf(each, self.ours) or each.__name__ in vars(self.stock):
                break
            block.append(each)
        return block

    def _passesOn(self, name: str, attribute: str) -> bool:
        found = [vars(each)[attribute] for each in self._block(name) if attribute in vars(each)]
        return all(_callsSuper(each, attribute) for each in found)


def _isPartOf(kind: type, module: ModuleType) -> bool:
    return kind.__module__.partition(".")[0] == module.__name__.partition(".")[0]


def _function(value: Any) -> Any:
    """Return the Python function of a method of any kind, or C{None}."""
    value = getattr(value, "__func__", value)
    value = getattr(value, "fget", value)
    return value if inspect.isfunction(value) else None


def _callsSuper(value: object, attribute: str) -> bool:
    function = _function(value)
    return function is not None and {"super", attribute} <= set(function.__code__.co_names)
