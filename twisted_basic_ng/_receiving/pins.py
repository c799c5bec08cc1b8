"""
Attributes that are read after each frame, made the instance's own.

CPython 3.11 reads an attribute that the instance has in 3 ns, and one that only the class has in 13: as much as
calling back takes.  Later versions read both alike, earlier ones neither fast; there nothing is pinned.

Pins are released where the receiver's class, or an attribute of that class, is another at the next chunk.
"""

from __future__ import annotations

import sys
from operator import attrgetter
from typing import Any, Final

__all__ = ["PINNED", "Pins", "pinFlags"]

#: Does it pay on this Python?
_PINNING: Final = sys.implementation.name == "cpython" and sys.version_info[:2] == (3, 11)


#: How many frames in one batch make it pay.
PINNED: Final = 8 if _PINNING else sys.maxsize


_PLAIN: Final = (int, bytes, type(None))


class Pins:
    """
    What was pinned on one receiver.

    @ivar kind: the receiver's class at that time; an application may assign another.
    @ivar read: reads the class's values, of those that are followed.
    @ivar values: what they were; with others, the pins have to be released.
    """

    __slots__ = ("_pinned", "kind", "read", "values")

    def __init__(self, receiver: Any, followed: tuple[str, ...], others: tuple[str, ...]) -> None:
        self.kind = type(receiver)
        self.read = attrgetter(*followed)
        self.values: Any = self.read(self.kind)
        values = [(name, getattr(self.kind, name)) for name in (*followed, *others)]
        self._pinned = [each for each in values if _pin(receiver, *each)]

    def omit(self, state: dict[str, Any]) -> None:
        """Remove what was pinned from C{state}, a copy of the receiver's attributes."""
        for name, value in self._pinned:
            if state.get(name) is value:
                del state[name]

    def release(self, receiver: Any) -> None:
        """Let the class's attributes be seen again, but for those that the application has set on the instance."""
        for name, value in self._pinned:
            if getattr(receiver, name, None) is value:
                _delete(receiver, name)


def _pin(receiver: Any, name: str, value: Any) -> bool:
    """Make the class's C{value} the instance's own, unless it has one; a property stays in charge."""
    if not isinstance(value, _PLAIN):
        return False
    own = getattr(receiver, name)
    if _delete(receiver, name):
        object.__setattr__(receiver, name, own)
        return False
    object.__setattr__(receiver, name, value)  # not through a __setattr__ of the application's
    return True


def _delete(receiver: Any, name: str) -> bool:
    """Delete an attribute of the instance's own, and tell whether there was one."""
    try:
        object.__delattr__(receiver, name)
    except AttributeError:
        return False
    return True


def pinFlags(transport: Any, names: tuple[str, ...]) -> None:
    """Pin those flags of a transport that only its class has, and that are not set yet."""
    for name in names:
        if getattr(type(transport), name, None) in (False, 0) and getattr(transport, name) in (False, 0):
            try:
                object.__setattr__(transport, name, getattr(transport, name))
            except AttributeError:
                pass  # it has slots
