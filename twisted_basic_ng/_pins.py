"""
Attributes that are read after each frame, made the instance's own.

CPython 3.11 reads an attribute that the instance has in 3 ns, and one that only the class has in 13: as much as
calling back takes.  Later versions read both alike, earlier ones neither fast; there nothing is pinned.

A class whose attribute is set later is followed, from the next chunk on.
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

    @ivar read: reads the class's values, of those that are followed.
    @ivar values: what they were.
    """

    __slots__ = ("_followed", "read", "values")

    def __init__(self, receiver: Any, followed: tuple[str, ...], others: tuple[str, ...]) -> None:
        self._followed = followed
        self.read = attrgetter(*followed)
        self.values: Any = self.read(type(receiver))
        for name in (*followed, *others):
            value = getattr(type(receiver), name)
            _pin(receiver, name, value, value)

    def follow(self, receiver: Any) -> None:
        """Take the class's new values where the instance has only those that were pinned."""
        before, self.values = self.values, self.read(type(receiver))
        if len(self._followed) == 1:
            _pin(receiver, self._followed[0], before, self.values)
            return
        for name, old, new in zip(self._followed, before, self.values, strict=True):
            _pin(receiver, name, old, new)


def _pin(receiver: Any, name: str, old: Any, new: Any) -> None:
    """Make C{new} the value of an attribute that is C{old}; a property stays in charge."""
    if isinstance(old, _PLAIN) and isinstance(new, _PLAIN) and getattr(receiver, name) is old:
        object.__setattr__(receiver, name, new)  # not through a __setattr__ of the application's


def pinFlags(transport: Any, names: tuple[str, ...]) -> None:
    """Pin those flags of a transport that only its class has, and that are not set yet."""
    for name in names:
        if getattr(type(transport), name, None) in (False, 0) and getattr(transport, name) in (False, 0):
            try:
                object.__setattr__(transport, name, getattr(transport, name))
            except AttributeError:
                pass  # it has slots
