"""
The defaults of a program that its start can change: whether AMP has features beyond Twisted's.

This file knows names of C{amp}, but does not import it.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from typing import Final

__all__ = ["EXTENDED", "extend", "isExtended"]

#: The environment variable that switches the features on for a process and its children, if its
#: value is C{"1"}.
EXTENDED: Final = "TWISTED_BASIC_NG_EXTENDED"

_isExtended: bool | None = None


def isExtended() -> bool:
    """Whether connections of AMP have features beyond Twisted's, unless their classes say otherwise."""
    return os.environ.get(EXTENDED) == "1" if _isExtended is None else _isExtended


def extend(isOn: bool | None) -> None:
    """
    Switch the features on or off for all classes that do not say otherwise.

    @param isOn: C{None} for what the environment says.
    """
    global _isExtended
    _isExtended = isOn
    amp = sys.modules.get(f"{__package__}.amp")
    if amp is not None:
        for kind in (amp.BinaryBoxProtocol, amp.BoxDispatcher):
            # The base that defines it: the classes keep the attributes that they have.
            next(base for base in kind.__mro__ if "extended" in vars(base)).extended = isExtended()
