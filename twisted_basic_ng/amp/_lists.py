"""
Arguments that are lists: of values of one type, and of dictionaries with the same keys.
"""

from __future__ import annotations

from typing import Any, Final

from .. import _accelerate
from .._places import public
from ._arguments import Argument
from ._boxes import AmpBox, bytesOf, newBox, parseBoxes
from ._constants import MAX_VALUE_LENGTH
from ._errors import ElementTooLongError
from ._names import IDENTIFIERS
from ._schema import HOOKS, _objectsToStrings, discarderOf, discardObjects
from ._types import Objects, Schema

__all__ = ["AmpList", "ListOf"]


def _isUnchanged(method: Any, function: Any) -> bool:
    """Whether C{method}, of an instance, is the one that C{function} defines."""
    return getattr(method, "__func__", None) is function


def _readsWithProto(argument: Any) -> bool:
    """Whether values of this type can only be read with the protocol."""
    if _isUnchanged(argument.fromString, ListOf.fromString):
        return _readsWithProto(argument.elementType)
    return _isUnchanged(argument.fromString, Argument.fromString)


def _writesWithProto(argument: Any) -> bool:
    """Whether values of this type can only be written with the protocol."""
    if _isUnchanged(argument.toString, ListOf.toString):
        return _writesWithProto(argument.elementType)
    return _isUnchanged(argument.toString, Argument.toString)


@public("amp")
class ListOf(Argument):
    """
    A list of values of one type, each behind its length in two bytes, C{MAX_VALUE_LENGTH} bytes in all.

    @ivar elementType: the type of the elements.
    """

    def __init__(self, elementType: Any, optional: bool = False) -> None:
        self.elementType = elementType
        Argument.__init__(self, optional)

    # Differs from Twisted: elements that need the protocol, an AmpList for one, are read and written with it.

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        if not _readsWithProto(self):
            return super().fromStringProto(inString, proto)
        values: list[Any] = []
        read = self.elementType.fromStringProto
        try:
            for each in _elements(inString):
                values.append(read(each, proto))  # noqa: PERF401 - those before an error are discarded
        except BaseException:
            self._ampDiscard(values)
            raise
        return values

    def _ampDiscard(self, value: Any) -> None:
        if _readsWithProto(self):
            for each in value:
                discarderOf(self.elementType)(each)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        if not _writesWithProto(self):
            return super().toStringProto(inObject, proto)
        write = self.elementType.toStringProto
        return _joinElements([write(each, proto) for each in inObject])

    def fromString(self, inString: bytes) -> Any:
        return [*map(self.elementType.fromString, _elements(inString))]

    def toString(self, inObject: Any) -> bytes:
        return _joinElements([*map(self.elementType.toString, inObject)])


#: More than the elements that a value has room for.
_EVERY_ELEMENT: Final = 1 << 30


def _elements(string: bytes) -> list[bytes]:
    """Cut a list into its elements; an unfinished one at the end is left out, as in Twisted."""
    return _accelerate.splitStrings(bytesOf(string), 0, "!H", 2, MAX_VALUE_LENGTH, _EVERY_ELEMENT)[0]


def _joinElements(elements: list[bytes]) -> bytes:
    """Write a list: each element behind its length in two bytes."""
    pieces: list[bytes] = []
    for each in elements:
        if len(each) > MAX_VALUE_LENGTH:
            raise ElementTooLongError(each)
        pieces += len(each).to_bytes(2, "big"), each
    return b"".join(pieces)


@public("amp")
class AmpList(Argument):
    """
    A list of dictionaries with the same keys, each written as a box, C{MAX_VALUE_LENGTH} bytes in all.

    @ivar subargs: the names and types of the keys, as in C{Command.arguments}.
    """

    def __init__(self, subargs: Schema, optional: bool = False) -> None:
        assert all(isinstance(name, bytes) for name, _ in subargs), (
            "AmpList should be defined with a list of (name, argument) "
            f"tuples where `name' is a byte string, got: {subargs!r}"
        )
        self.subargs = subargs
        Argument.__init__(self, optional)

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        rows: list[Objects] = []
        try:
            _accelerate.readBoxes(parseBoxes(inString), self.subargs, rows, proto, IDENTIFIERS, HOOKS)
        except BaseException:
            self._ampDiscard(rows)
            raise
        return rows

    def _ampDiscard(self, value: Any) -> None:
        for objects in value:
            discardObjects(objects, self.subargs)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        subargs = self.subargs
        rows = [_objectsToStrings(objects, subargs, newBox(AmpBox), proto) for objects in inObject]
        return b"".join([row.serialize() for row in rows])
