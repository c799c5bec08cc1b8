"""
Errors that say what to do: they name the command, the argument, the type of the value and the peer.

Twisted's errors keep their types and the beginning of their texts, which applications match.  These
functions add to the text of an exception that was raised anyway, so success costs nothing.  They
never show values, because a log is no place for a password.

This file knows commands and protocols only by their names.
"""

from __future__ import annotations

import decimal
import reprlib
from collections.abc import Mapping
from typing import Any, Final

from .._accelerate.steps import takeSteps
from .._receiving.connection import describePeer
from .._receiving.wording import amend, longer
from ._errors import MissingKeyError, TooLong
from ._names import IDENTIFIERS
from ._types import Schema

__all__ = ["addText", "addToRepr", "briefly", "describePeerOf", "explainReading", "explainWriting", "nameOf"]


def addText(error: Any, more: str) -> None:
    """
    Add C{more} to the text of C{error}, if its type is one of Python's or L{TooLong}.

    A text that the error already has is not added again, since an application may raise the same
    object each time.
    """
    if isinstance(error, TooLong):
        error._ampContext = longer(error._ampContext, more)
    elif type(error) in (UnicodeEncodeError, UnicodeDecodeError):
        error.reason = longer(error.reason, more)
    elif type(error) is decimal.InvalidOperation:
        error.args = (longer(str(error), more),)
    else:
        amend(error, more)


def addToRepr(text: str, more: str) -> str:
    """
    Add C{more} to the C{repr} that a base class returned, possibly one that is no class of ours.
    """
    return f"{text[:-1]}{more}>" if text.endswith(">") else text


#: The C{repr} of a value, cut to some 30 characters.
briefly: Final = reprlib.repr


def nameOf(command: object) -> str:
    """Return a command's name on the wire, for a text."""
    return command.decode("ascii", "backslashreplace") if isinstance(command, bytes) else repr(command)


def describePeerOf(proto: Any) -> str:
    """Describe the peer of a connection, which may be lost, for a text."""
    peer = getattr(proto, "_transportPeer", None)
    if peer is not None:
        return str(peer)
    transport = getattr(proto, "transport", None)
    return describePeer(
        getattr(getattr(proto, "boxSender", None), "transport", None) if transport is None else transport
    )


def explainWriting(error: BaseException, what: str, command: type, schema: Schema, objects: Any) -> None:
    """
    Say which value could not be written.

    @param what: the kind of the values, for example C{"argument"}.
    @param command: the class of the command that they belong to.
    @raise MissingKeyError: the value is missing, and C{error} is a C{KeyError}.
    """
    steps = takeSteps(error)
    of = f"of {command.__name__}"
    if not steps:
        if not isinstance(objects, Mapping):
            names = ", ".join(IDENTIFIERS[name] for name, _ in schema) or "no keys"
            given = type(objects).__name__
            addText(error, f"the {what}s {of} have to be a dictionary ({names}), not a value of type {given}")
        return
    place = f"{what} {_pathOf(steps)} {of}"
    value = _valueAt(objects, steps)
    if value is _NOTHING and type(error) is KeyError:
        raise MissingKeyError(error.args[0], f"there is no value for {place}") from error
    given = "" if value is _NOTHING else f", its value of type {type(value).__name__}"
    addText(error, f"{place} is of type {_typeAt(schema, steps)}{given}")


def explainReading(error: BaseException, what: str, command: type | None, schema: Schema, strings: Any) -> None:
    """
    Say which value of a received box could not be read.

    @param what: the kind of the values, for example C{"argument"}.
    @param command: the class of the command that they belong to, if known.
    @raise MissingKeyError: the box lacks a key, and C{error} is a C{KeyError}.
    """
    steps = takeSteps(error)
    if not steps:
        return
    place = f"{what} {_pathOf(steps)}" + ("" if command is None else f" of {command.__name__}")
    key = steps[-1]
    if type(error) is KeyError and error.args == (key,) and (len(steps) > 1 or key not in strings):
        text = f"the box lacks the key {key!r}, the {place}: do both peers have the same version of the command?"
        raise MissingKeyError(key, text) from error
    addText(error, f"the peer sent it as {place}, of type {_typeAt(schema, steps)}")


def _pathOf(steps: list[Any]) -> str:
    """Write the path to a value as a Python expression: C{rows[3].name}."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f"{'.' if path else ''}{IDENTIFIERS[step]}"
    return path


#: Stands for a missing value.
_NOTHING: Final = object()


def _valueAt(objects: Any, steps: list[Any]) -> Any:
    """Find a value in the arguments of a call."""
    value = objects
    try:
        for step in steps:
            value = value[step if isinstance(step, int) else IDENTIFIERS[step]]
    except Exception:
        return _NOTHING
    return value


def _typeAt(schema: Any, steps: list[Any]) -> str:
    """Return the name of the type at the end of C{steps}."""
    argument: Any = None
    for step in steps:
        if isinstance(step, int):
            schema = getattr(argument, "subargs", schema)
            argument = getattr(argument, "elementType", argument)
        else:
            argument = dict(schema).get(step)
    return type(argument).__name__


#: The first two bytes of other protocols, which AMP reads as the length of a key.
_FIRST_BYTES: Final = {
    b"\x16\x03": "TLS: connect without TLS, or listen with it",
    b"GE": "HTTP",
    b"HE": "HTTP",
    b"PO": "HTTP",
    b"PU": "HTTP",
    b"OP": "HTTP",
    b"SS": "SSH",
}


def whatPeerSpeaks(length: int) -> str:
    """Guess the peer's protocol from the length of a key that is too long."""
    first = length.to_bytes(max(2, (length.bit_length() + 7) // 8), "big")
    guess = _FIRST_BYTES.get(first)
    sent = f"the peer sent the length {length}, the bytes {first!r}"
    return f"{sent}: it is no AMP" if guess is None else f"{sent}, which begin {guess}"
