"""
Finds the modules that use Twisted's own classes already, which makes it too late to replace them.

This file looks at what is imported, and changes nothing.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

__all__ = ["usersOfClasses", "usersOfModule"]


def usersOfModule(stock: ModuleType) -> Iterator[str]:
    """Name the modules that hold C{stock} or a class of it, or have subclassed one."""
    name = stock.__name__
    own = [each for each in vars(stock).values() if isinstance(each, type) and each.__module__ == name]
    return _users(stock, [stock, *own], own)


def usersOfClasses(stock: ModuleType, classes: list[type]) -> Iterator[str]:
    """
    Name the modules besides C{stock} that hold one of its C{classes}, or have subclassed one.
    """
    return _users(stock, classes, classes)


def _users(stock: ModuleType, things: list[Any], classes: list[type]) -> Iterator[str]:
    name = stock.__name__
    package = sys.modules[name.rpartition(".")[0]]
    sought = {id(each) for each in things}
    for holder, module in list(sys.modules.items()):
        if module is not stock and module is not package and not sought.isdisjoint(_values(module)):
            yield holder
    for each in classes:
        yield from (heir.__module__ for heir in _subclasses(each) if heir.__module__ != name)


def _values(module: ModuleType) -> list[int]:
    """
    The identities of the values in C{module}; empty for an object in C{sys.modules} without a
    C{__dict__}.
    """
    return [id(value) for value in list(getattr(module, "__dict__", {}).values())]


def _subclasses(klass: type) -> Iterator[type]:
    """The subclasses of C{klass}, direct and indirect."""
    subclass: type
    for subclass in type.__subclasses__(klass):  # works for metaclasses, too
        yield subclass
        yield from _subclasses(subclass)
