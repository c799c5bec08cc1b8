"""
The answer to C{_describe}: the commands that a locator has responders for, in values that a box can
carry.

This file knows commands only by their attributes.
"""

from __future__ import annotations

from inspect import cleandoc
from typing import Any, Final

from .. import _accelerate
from ._arguments import Boolean, String, Unicode
from ._boxes import AmpBox
from ._constants import MAX_VALUE_LENGTH
from ._lists import AmpList, ListOf
from ._names import IDENTIFIERS
from ._schema import HOOKS
from ._streamtypes import StreamOf
from ._types import Objects, Schema

__all__ = ["DESCRIPTION", "describe", "describeType"]

_VALUES: Final[Schema] = [(b"name", String()), (b"type", Unicode()), (b"optional", Boolean())]

#: The values of the answer.
DESCRIPTION: Final[Schema] = [
    (
        b"commands",
        AmpList(
            [
                (b"name", String()),
                (b"text", Unicode()),
                (b"arguments", AmpList(_VALUES)),
                (b"response", AmpList(_VALUES)),
                (b"errors", AmpList([(b"code", String()), (b"name", Unicode()), (b"fatal", Boolean())])),
                (b"requiresAnswer", Boolean()),
            ]
        ),
    )
]

#: The longest text of a command, in characters, none of which takes more than four bytes.
_LONGEST_TEXT: Final = MAX_VALUE_LENGTH // 4


def describe(locator: Any) -> AmpBox:
    """
    Describe the commands that a locator's methods are declared to respond to, in the order of their
    names.
    """
    declared = getattr(locator, "_commandDispatch", {})
    commands = [_describeCommand(declared[name][0]) for name in sorted(declared)]
    box = AmpBox()
    _accelerate.writeBox({"commands": commands}, DESCRIPTION, box, None, IDENTIFIERS, HOOKS)
    return box


def _describeCommand(command: Any) -> Objects:
    return {
        "name": command.commandName,
        "text": cleandoc(command.__doc__ or "")[:_LONGEST_TEXT],
        "arguments": _describeValues(command.arguments),
        "response": _describeValues(command.response),
        "errors": [
            {"code": code, "name": kind.__name__, "fatal": kind in command.fatalErrors}
            for kind, code in command.allErrors.items()
        ],
        "requiresAnswer": command.requiresAnswer,
    }


def _describeValues(schema: Schema) -> list[Objects]:
    return [
        {"name": name, "type": describeType(kind), "optional": bool(getattr(kind, "optional", False))}
        for name, kind in schema
    ]


def describeType(argument: Any) -> str:
    """
    Name the type of an argument: C{Integer}, C{ListOf(Integer)}, C{StreamOf(Integer)},
    C{AmpList(key: Integer, other?: Unicode)}.  An argument type of an application's own has the name of its class.
    """
    kind = type(argument)
    if kind in (ListOf, StreamOf):
        return f"{kind.__name__}({describeType(argument.elementType)})"
    if kind is AmpList:
        keys = (
            f"{name.decode('ascii', 'backslashreplace')}{'?' if each.optional else ''}: {describeType(each)}"
            for name, each in argument.subargs
        )
        return f"AmpList({', '.join(keys)})"
    return kind.__name__
