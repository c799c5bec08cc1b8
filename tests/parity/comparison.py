"""
Compares Twisted's module and ours, name by name.

Each difference has a name here.  The tests say which differences are accepted, and why.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeVar

from zope.interface import implementedBy
from zope.interface.interface import InterfaceClass

from twisted.logger import Logger

__all__ = ["Comparison"]

_MISSING = object()


class Comparison:
    """
    Twisted's module and ours.

    @ivar classes: the names of the classes that Twisted's module defines.
    @ivar interfaces: the names of its interfaces.
    """

    def __init__(self, stock: ModuleType, ours: ModuleType) -> None:
        self.stock = stock
        self.ours = ours
        self.classes = self._defined(inspect.isclass)
        self.interfaces = self._defined(lambda value: isinstance(value, InterfaceClass))

    def _defined(self, isWanted: Callable[[object], bool]) -> list[str]:
        names = vars(self.stock).items()
        return [name for name, value in names if isWanted(value) and value.__module__ == self.stock.__name__]

    def missing(self) -> list[str]:
        """Return the names of Twisted's module that ours does not have."""
        return [name for name in dir(self.stock) if not hasattr(self.ours, name)]

    def incidental(self) -> Iterator[str]:
        """
        Return the names of Twisted's module that refer to something else in ours.  Names that the
        modules define themselves are left out.
        """
        for name in dir(self.stock):
            theirs, own = getattr(self.stock, name), getattr(self.ours, name)
            if not name.startswith("__") and not self._isOwn(theirs) and not self._alike(theirs, own):
                yield name

    def _isOwn(self, value: object) -> bool:
        return getattr(value, "__module__", None) == self.stock.__name__ and not isinstance(value, TypeVar)

    def differences(self) -> list[str]:
        """
        Return the differences between classes of the same name.

        They are C{"Name bases"}, C{"Name interfaces"} and C{"Name.attribute"}, with the class in
        which Twisted defines the attribute.
        """
        found: set[str] = set()
        for name in self.classes:
            theirs, own = getattr(self.stock, name), getattr(self.ours, name)
            if _names(theirs.__mro__) != _names(own.__mro__):
                found.add(f"{name} bases")
            if set(_names(implementedBy(theirs))) != set(_names(implementedBy(own))):
                found.add(f"{name} interfaces")
            found.update(self._attributes(theirs, own))
        for name in self.interfaces:
            if _methods(getattr(self.stock, name)) != _methods(getattr(self.ours, name)):
                found.add(name)
        return sorted(found)

    def lostBases(self) -> list[str]:
        """Return the classes that lack one of Twisted's bases, or have them in another order."""
        return [name for name in self.classes if not self._keepsBases(name)]

    def _keepsBases(self, name: str) -> bool:
        theirs = _names(getattr(self.stock, name).__mro__)
        return [each for each in _names(getattr(self.ours, name).__mro__) if each in theirs] == theirs

    def additions(self) -> list[str]:
        """
        Return the public attributes that only our classes have.  An application's subclass might
        use the same names.
        """
        found: set[str] = set()
        for name in self.classes:
            theirs, own = getattr(self.stock, name), getattr(self.ours, name)
            for attribute in set(dir(own)) - set(dir(theirs)):
                if not attribute.startswith("_"):
                    found.add(f"{_definer(own, attribute)}.{attribute}")
        return sorted(found)

    def _attributes(self, theirs: type, own: type) -> Iterator[str]:
        for attribute in dir(theirs):
            if attribute.startswith("__") and attribute.endswith("__"):
                continue
            value, ourValue = getattr(theirs, attribute, _MISSING), getattr(own, attribute, _MISSING)
            if not self._alike(value, ourValue):
                yield f"{_definer(theirs, attribute)}.{attribute}"

    def _alike(self, theirs: Any, own: Any) -> bool:
        """Whether C{own} is equivalent to C{theirs} for callers."""
        if inspect.isfunction(theirs) or inspect.ismethod(theirs):
            return callable(own) and _parameters(theirs) == _parameters(own)
        if inspect.isbuiltin(theirs) or inspect.ismethoddescriptor(theirs):
            return True  # inherited from a built-in base
        if isinstance(theirs, (property, Logger, TypeVar)) or inspect.ismemberdescriptor(theirs):
            return type(theirs) is type(own)
        return bool(own is theirs or self._plain(theirs) == self._plain(own))

    def _plain(self, value: Any) -> Any:
        """Convert a value into one that is equal for both modules."""
        if isinstance(value, dict):
            return {self._plain(key): self._plain(each) for key, each in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._plain(each) for each in value]
        if inspect.isclass(value) or inspect.isfunction(value):
            return value.__name__
        if type(value).__name__ in self.classes:
            return type(value).__name__, self._plain(vars(value))
        return value


def _names(classes: Any) -> list[str]:
    return [each.__name__ for each in classes]


def _definer(kind: type, attribute: str) -> str:
    """
    Return the name of the first class that has C{attribute}.  An attribute of a metaclass counts as
    the class's own.
    """
    return next((each.__name__ for each in kind.__mro__ if attribute in vars(each)), kind.__name__)


def _parameters(function: Any) -> Any:
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return None  # a built-in function
    return [(each.name, each.kind, each.default) for each in parameters]


def _methods(interface: Any) -> Any:
    bases = _names(interface.__bases__)
    return bases, {name: interface[name].getSignatureString() for name in interface.names(all=True)}
