"""
Two modules side by side: which methods of their classes pass on to the next class, and which end the chain.

An application's class may stand beside one of the module's, C{class P(LineReceiver, Session)}.
What it has is called if no class in front of it has the same, or if that one calls C{super}.  It is
to be called exactly when it is called beside Twisted's class.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

__all__ = ["Cooperation"]

#: What every class has of its own, and what C{zope.interface} puts there.
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
        Name what ours defines where Twisted's class does not, and what so hides something of a class beside it.

        That is a name that a later base of Twisted's has, or a special one; a method that calls C{super} hides nothing.
        """
        return sorted(
            f"{name}.{attribute}"
            for name in self.classes
            for attribute in self._new(name)
            if not self._passesOn(name, attribute)
        )

    def showing(self) -> list[str]:
        """Name what Twisted's class defines where ours does not, and what so shows something of a class beside it."""
        return sorted(
            f"{name}.{attribute}"
            for name in self.classes
            for attribute in vars(getattr(self.stock, name)).keys() - _OF_EACH_CLASS
            if not any(attribute in vars(each) for each in self._block(name))
        )

    def differing(self) -> list[str]:
        """Name the methods that pass on in one of the modules and end the chain in the other one."""
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
        """List the class of that name, and the bases behind it that Twisted has not: they are its other half."""
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
    """Find the Python function of a method of any kind; C{None} if there is none."""
    value = getattr(value, "__func__", value)
    value = getattr(value, "fget", value)
    return value if inspect.isfunction(value) else None


def _callsSuper(value: object, attribute: str) -> bool:
    function = _function(value)
    return function is not None and {"super", attribute} <= set(function.__code__.co_names)
