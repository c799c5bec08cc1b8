"""
Schemas: reading and writing a whole box by the names and types of its arguments.

C{Command.arguments}, C{Command.response} and the rows of an C{AmpList} are schemas.  The loops are
in L{twisted_basic_ng._accelerate.values}, which has two builds.  This file tells them which hooks
of the types are our own and may be skipped (L{HOOKS}).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .. import _accelerate
from .._accelerate.values import Hooks
from .._places import public
from ._arguments import Argument, Boolean, DateTime, Decimal, Integer, Path, String, Unicode
from ._boxes import AmpBox
from ._explain import explainReading
from ._names import IDENTIFIERS
from ._types import Objects, Schema, Strings

__all__ = ["HOOKS", "_objectsToStrings", "_stringsToObjects", "discardObjects", "discarderOf", "readObjects"]

#: The hooks of our own types.  Comparing with them shows when an application has replaced one.
HOOKS: Final = Hooks(
    reading=(Argument.fromBox, Argument.retrieve, Argument.fromStringProto),
    writing=(Argument.toBox, Argument.retrieve, Argument.toStringProto),
    boxes=(AmpBox, dict),
    readers=frozenset(
        [
            *(int, float, String.fromString, Boolean.fromString, Unicode.fromString),
            *(Path.fromString, Decimal.fromString, DateTime.fromString),
        ]
    ),
    plain=(
        *(String, String.fromString, String.toString),
        *(int, Integer.toString),
        *(Unicode.fromString, Unicode.toString),
    ),
)


@public("amp")
def _stringsToObjects(strings: Strings, arglist: Schema, proto: Any) -> Objects:
    """
    Read a box.

    @param strings: the box, which is not changed.
    @param arglist: names and types, as in C{Command.arguments}.
    @param proto: the protocol that received the box.
    @raise KeyError: a required argument is missing.
    """
    return readObjects(strings, arglist, proto, "argument", None)


def readObjects(strings: Strings, arglist: Schema, proto: Any, what: str, command: type | None) -> Objects:
    """
    Read a box that belongs to C{command}, if that is known.

    @param what: the kind of the values, for the text of an error.
    @raise MissingKeyError: a required argument is missing.
    """
    objects: Objects = {}
    try:
        _accelerate.readBox(strings, arglist, objects, proto, IDENTIFIERS, HOOKS)
    except BaseException as error:
        discardObjects(objects, arglist)
        explainReading(error, what, command, arglist, strings)
        raise
    return objects


def discardObjects(objects: Objects, arglist: Schema) -> None:
    """Discard the values of a box that could not be read whole."""
    for name, argument in arglist:
        value = objects.get(IDENTIFIERS[name])
        if value is not None:
            discarderOf(argument)(value)


def discarderOf(argument: Any) -> Callable[[Any], object]:
    """
    Return the function that discards a value of this type, which may not be a subclass of ours.
    """
    return getattr(argument, "_ampDiscard", _ignore)


def _ignore(value: Any) -> None:
    """Do nothing, since most values hold nothing to release."""


@public("amp")
def _objectsToStrings(objects: Objects, arglist: Schema, strings: Any, proto: Any) -> Any:
    """
    Write a box.

    @param objects: the values, which are not changed.
    @param arglist: names and types, as in C{Command.arguments}.
    @param strings: the box to write to.
    @param proto: the protocol that will send the box.
    @return: the box.
    @raise KeyError: a required value is missing.
    """
    _accelerate.writeBox(objects, arglist, strings, proto, IDENTIFIERS, HOOKS)
    return strings
