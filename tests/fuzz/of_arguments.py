"""
The types of AMP arguments: any bytes are a value, or the error that the type documents; a value can be written again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .builds import Build, builds
from .inputs import Input

__all__ = ["ARGUMENTS"]

#: By the name of the target: how to make the type, and the errors that it documents for what it cannot read.
_TYPES: Final[dict[str, tuple[Callable[[Any], Any], tuple[type[Exception], ...]]]] = {
    "integer": (lambda amp: amp.Integer(), (ValueError,)),
    "string": (lambda amp: amp.String(), ()),
    "float": (lambda amp: amp.Float(), (ValueError,)),
    "boolean": (lambda amp: amp.Boolean(), (TypeError,)),
    "unicode": (lambda amp: amp.Unicode(), (UnicodeError,)),
    "path": (lambda amp: amp.Path(), (UnicodeError,)),
    "decimal": (lambda amp: amp.Decimal(), (ArithmeticError, UnicodeError)),
    "dateTime": (lambda amp: amp.DateTime(), (ValueError,)),
    "descriptor": (lambda amp: amp.Descriptor(), (ValueError, KeyError)),
    "listOf": (lambda amp: amp.ListOf(amp.Unicode()), (UnicodeError,)),
    "listOfLists": (lambda amp: amp.ListOf(amp.ListOf(amp.Integer())), (ValueError,)),
    "ampList": (
        lambda amp: amp.AmpList([(b"a", amp.Integer()), (b"b", amp.ListOf(amp.String(), optional=True))]),
        (ValueError, KeyError, AttributeError),  # the last one is what a key that is too long is, among others
    ),
}


class _Exchange:
    """
    A protocol that has received the descriptors 0 to 9, and sends any.

    No descriptor is opened: they are numbers alone.
    """

    def __init__(self) -> None:
        self._getDescriptor = {number: 100 + number for number in range(10)}.pop

    def _sendFileDescriptor(self, descriptor: int) -> int:
        return descriptor - 100


def _isSame(first: Any, second: Any) -> bool:
    """Are two values the same, what is "not a number" included?"""
    return type(first) is type(second) and (str(first) == str(second) or bool(first == second))


def _read(build: Build, make: Callable[[Any], Any], errors: tuple[type[Exception], ...], data: bytes) -> Any:
    """Read C{data}; write the value and read that."""
    argument = make(build.amp)
    try:
        value = argument.fromStringProto(data, _Exchange())
    except errors as error:
        return type(error).__name__, str(error)
    try:
        written = argument.toStringProto(value, _Exchange())
    except ValueError:
        # Read, but no moment that Python can hold: an offset of a day and more is looked at when it is used.
        assert isinstance(argument, build.amp.DateTime)
        return "unusable"
    assert isinstance(written, bytes)
    again = argument.fromStringProto(written, _Exchange())
    assert _isSame(again, value), f"{value!r} became {again!r}"
    return type(value).__name__, str(value), written


def _target(make: Callable[[Any], Any], errors: tuple[type[Exception], ...]) -> Callable[[bytes], None]:
    def target(data: bytes) -> None:
        payload = Input(data).payload
        seen = [_read(build, make, errors, payload) for build in builds()]
        assert all(each == seen[0] for each in seen), seen

    return target


ARGUMENTS: dict[str, Callable[[bytes], None]] = {
    f"{name}Argument": _target(make, errors) for name, (make, errors) in _TYPES.items()
}
