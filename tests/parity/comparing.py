"""Finds what two modules' classes do not have in common, by name."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from zope.interface import implementedBy

__all__ = ["classesOf", "differences"]

_MISSING = object()


def classesOf(module: ModuleType) -> list[str]:
    """Name the classes that C{module} defines."""
    return [
        name for name, value in vars(module).items() if inspect.isclass(value) and value.__module__ == module.__name__
    ]


def _parameters(function: Any) -> list[tuple[str, Any, Any]]:
    return [(each.name, each.kind, each.default) for each in inspect.signature(function).parameters.values()]


def _bases(kind: type) -> list[str]:
    return [each.__name__ for each in kind.__mro__]


def _members(theirs: type, own: type) -> Iterator[tuple[str, Any, Any]]:
    """Each attribute of Twisted's class, as Twisted's and as ours has it."""
    for attribute in dir(theirs):
        if not (attribute.startswith("__") and attribute.endswith("__")):
            yield attribute, getattr(theirs, attribute, _MISSING), getattr(own, attribute, _MISSING)


def _differ(value: Any, ourValue: Any) -> bool:
    """Are two attributes of classes unlike to who uses them?"""
    if inspect.isbuiltin(value) or inspect.ismethoddescriptor(value):
        return False  # of a built-in base
    if inspect.isfunction(value) or inspect.ismethod(value):
        return not callable(ourValue) or _parameters(value) != _parameters(ourValue)
    if isinstance(value, property):
        return not isinstance(ourValue, property)
    if inspect.isclass(value) and inspect.isclass(ourValue):
        return value.__name__ != ourValue.__name__
    return bool(value != ourValue)


def differences(stock: ModuleType, ours: ModuleType) -> Iterator[str]:
    """Name what the classes of Twisted's module have, and ours of the same names have not in the same way."""
    for name in classesOf(stock):
        theirs, own = getattr(stock, name), getattr(ours, name)
        if _bases(theirs) != _bases(own):
            yield f"{name} bases"
        if [each.__name__ for each in implementedBy(theirs)] != [each.__name__ for each in implementedBy(own)]:
            yield f"{name} interfaces"
        yield from (f"{name}.{attribute}" for attribute, value, other in _members(theirs, own) if _differ(value, other))
