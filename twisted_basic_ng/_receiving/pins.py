"""
Attributes that are read after each frame, cached on the instance.

CPython 3.11 reads an attribute of the instance in 3 ns, and an attribute of the class in 13 ns,
which is as long as a callback takes.  Later versions read both equally fast, and earlier ones
neither, so nothing is pinned there.

The pins are released when the receiver's class, or an attribute of that class, has changed by the
next chunk.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from typing import Any, Final

__all__ = ["PINNED", "Pins", "pinFlags"]

#: Whether pinning pays on this Python.
_PINNING: Final = sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 11)


#: The number of frames in one batch from which on pinning pays.
PINNED: Final = 8 if _PINNING else sys.maxsize


_PLAIN: Final = (int, bytes, type(None))


class Pins:
    """
    The attributes that were pinned on one receiver.

    @ivar kind: the receiver's class at that time; an application may assign another one.
    @ivar read: reads the class's values of the attributes that are followed.
    @ivar values: those values at that time; if they change, the pins are released.
    """

    __slots__ = ("_pinned", "kind", "read", "values")

    def __init__(self, receiver: Any, followed: tuple[str, ...], others: tuple[str, ...]) -> None:
        self.kind = type(receiver)
        self.read = attrgetter(*followed)
        self.values: Any = self.read(self.kind)
        values = [(name, getattr(self.kind, name)) for name in (*followed, *others)]
        self._pinned = [each for each in values if _pin(receiver, *each)]

    def omit(self, state: dict[str, Any]) -> None:
        """Remove the pinned attributes from C{state}, a copy of the receiver's attributes."""
        for name, value in self._pinned:
            if state.get(name) is value:
                del state[name]

    def release(self, receiver: Any) -> None:
        """
        Delete the pins, so that the class's attributes show again.  Keep what the application has
        set.
        """
        for name, value in self._pinned:
            if getattr(receiver, name, None) is value:
                _delete(receiver, name)


def _pin(receiver: Any, name: str, value: Any) -> bool:
    """
    Set the class's C{value} on the instance, unless the instance has its own or a property is in
    charge.
    """
    if not isinstance(value, _PLAIN):
        return False
    own = getattr(receiver, name)
    if _delete(receiver, name):
        object.__setattr__(receiver, name, own)
        return False
    object.__setattr__(receiver, name, value)  # not through an application's __setattr__
    return True


def _delete(receiver: Any, name: str) -> bool:
    """Delete an attribute of the instance, and return whether it existed."""
    try:
        object.__delattr__(receiver, name)
    except AttributeError:
        return False
    return True


def pinFlags(transport: Any, names: tuple[str, ...]) -> None:
    """Pin the flags of a transport that its class defines and that are still false."""
    for name in names:
        if getattr(type(transport), name, None) in (False, 0) and getattr(transport, name) in (False, 0):
            try:
                object.__setattr__(transport, name, getattr(transport, name))
            except AttributeError:
                pass  # it has slots
