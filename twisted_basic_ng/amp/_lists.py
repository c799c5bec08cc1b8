"""
Arguments that are lists: of values of one type, and of dictionaries with the same keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import length_hint
from typing import Any, Final

from .. import _accelerate
from .._accelerate.steps import noteStep
from .._places import public
from ._arguments import Argument
from ._boxes import AmpBox, bytesOf, newBox, parseBoxes
from ._constants import MAX_VALUE_LENGTH
from ._errors import ElementTooLongError
from ._names import IDENTIFIERS
from ._schema import HOOKS, discarderOf, discardObjects
from ._types import Objects, Schema

__all__ = ["AmpList", "ListOf"]


def _isUnchanged(method: Any, function: Any) -> bool:
    """Whether C{method}, bound to an instance, is the one that C{function} defines."""
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
    A list of values of one type.

    A length of two bytes precedes each value.  The list takes at most C{MAX_VALUE_LENGTH} (65,535)
    bytes, the lengths included.

    @ivar elementType: the type of the elements.
    """

    def __init__(self, elementType: Any, optional: bool = False) -> None:
        self.elementType = elementType
        Argument.__init__(self, optional)

    # Differs from Twisted: elements that need the protocol, such as an AmpList, are read and
    # written with it.

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        if not _readsWithProto(self):
            return super().fromStringProto(inString, proto)
        values: list[Any] = []
        read = self.elementType.fromStringProto
        try:
            for each in _elements(inString):
                values.append(read(each, proto))  # noqa: PERF401 - those before an error are discarded
        except BaseException as error:
            noteStep(error, len(values))
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
        return _joinElements(_convert(lambda each: write(each, proto), inObject))

    def fromString(self, inString: bytes) -> Any:
        return _convert(self.elementType.fromString, _elements(inString))

    def toString(self, inObject: Any) -> bytes:
        return _joinElements(_convert(self.elementType.toString, inObject))


def _convert(conversion: Callable[[Any], Any], elements: Iterable[Any]) -> list[Any]:
    """Convert each element.  If one fails, record its index with the exception."""
    reader = iter(elements)
    try:
        return [*map(conversion, reader)]
    except BaseException as error:
        if isinstance(elements, (list, tuple)):
            noteStep(error, len(elements) - length_hint(reader) - 1)
        raise


#: More elements than a value has room for.
_EVERY_ELEMENT: Final = 1 << 30


def _elements(string: bytes) -> list[bytes]:
    """Split a list into its elements.  An unfinished one at the end is left out, as in Twisted."""
    return _accelerate.splitStrings(bytesOf(string), 0, "!H", 2, MAX_VALUE_LENGTH, _EVERY_ELEMENT)[0]


def _joinElements(elements: list[bytes]) -> bytes:
    """Write a list: each element after its length in two bytes."""
    pieces: list[bytes] = []
    for number, each in enumerate(elements):
        if len(each) > MAX_VALUE_LENGTH:
            error = ElementTooLongError(each)
            noteStep(error, number)
            raise error
        pieces += len(each).to_bytes(2, "big"), each
    return b"".join(pieces)


@public("amp")
class AmpList(Argument):
    """
    A list of dictionaries with the same keys, each written as a box.

    The list takes at most C{MAX_VALUE_LENGTH} (65,535) bytes.

    @ivar subargs: the names and types of the keys, as in C{Command.arguments}.
    """

    def __init__(self, subargs: Schema, optional: bool = False) -> None:
        assert all(isinstance(name, bytes) for name, _ in subargs), (
            "AmpList should be defined with a list of (name, argument) "
            f"tuples where `name' is a byte string, got: {subargs!r}; write the names as b'...'"
        )
        self.subargs = subargs
        Argument.__init__(self, optional)

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        rows: list[Objects] = []
        try:
            _accelerate.readBoxes(parseBoxes(inString), self.subargs, rows, proto, IDENTIFIERS, HOOKS)
        except BaseException as error:
            if rows:
                noteStep(error, len(rows) - 1)
            self._ampDiscard(rows)
            raise
        return rows

    def _ampDiscard(self, value: Any) -> None:
        for objects in value:
            discardObjects(objects, self.subargs)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        subargs = self.subargs
        rows: list[bytes] = []
        reader = iter(inObject)
        try:
            for objects in reader:
                row = newBox(AmpBox)
                _accelerate.writeBox(objects, subargs, row, proto, IDENTIFIERS, HOOKS)
                rows.append(row.serialize())
        except BaseException as error:
            noteStep(error, len(rows))
            raise
        return b"".join(rows)
