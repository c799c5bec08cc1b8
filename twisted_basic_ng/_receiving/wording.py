"""
Additions to the texts of errors.  Python's and Twisted's texts stay, because applications match
them.

An exception is amended in an C{except} branch that it passes anyway, so success costs nothing.
"""

from __future__ import annotations

import struct
from typing import Any

__all__ = ["amend", "amendUnsent", "longer", "notOverridden"]

#: The exceptions whose text is their only argument.  Subclasses may be an application's, and are
#: left alone.
_AMENDABLE = frozenset((AttributeError, OverflowError, TypeError, ValueError, struct.error))


def amend(error: Any, more: str) -> None:
    """
    Add C{more} to the text of C{error}, if its type is one of Python's and its text is its only
    argument.
    """
    if type(error) in _AMENDABLE and [*map(type, error.args)] == [str]:
        error.args = (longer(error.args[0], more),)


def longer(text: str, more: str) -> str:
    """Add C{more} to C{text}, once: an application may raise the same object each time."""
    return text if more in text else f"{text}; {more}"


# Differs from Twisted: advice follows the text.


def amendUnsent(error: Any, receiver: Any, method: str, data: object) -> None:
    """
    Add to C{error} why C{data} could not be sent: it is not bytes, or there is no connection yet.
    """
    if receiver.transport is None:
        amend(error, f"{type(receiver).__qualname__} has no connection: call {method} from connectionMade on")
    elif isinstance(data, str):
        amend(error, f"{method} takes bytes: encode the text, for example as text.encode('utf-8')")


# Differs from Twisted: there is a text.


def notOverridden(receiver: object, method: str) -> NotImplementedError:
    """Make the error of a receiver that does not override the method that takes its messages."""
    return NotImplementedError(f"{type(receiver).__qualname__} has to override {method}")
