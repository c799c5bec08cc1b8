"""
Targets for the types of AMP arguments: any bytes are parsed or raise the documented error, and
values can be written again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .builds import Build, builds
from .inputs import Input

__all__ = ["ARGUMENTS"]

#: For each target, a function that makes the type, and the errors that the type documents for bytes
#: it cannot parse.
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
        (ValueError, KeyError, AttributeError),  # a key that is too long raises an AttributeError, too
    ),
}


class _Exchange:
    """
    A protocol that has received the descriptors 0 to 9, and can send any.

    The descriptors are only numbers, and not open.
    """

    def __init__(self) -> None:
        self._getDescriptor = {number: 100 + number for number in range(10)}.pop

    def _sendFileDescriptor(self, descriptor: int) -> int:
        return descriptor - 100


def _isSame(first: Any, second: Any) -> bool:
    """Whether two values are the same.  Two NaN values count as the same."""
    return type(first) is type(second) and (str(first) == str(second) or bool(first == second))


def _read(build: Build, make: Callable[[Any], Any], errors: tuple[type[Exception], ...], data: bytes) -> Any:
    """Parse C{data}, write the value, and parse that again."""
    argument = make(build.amp)
    try:
        value = argument.fromStringProto(data, _Exchange())
    except errors as error:
        return type(error).__name__, str(error)
    try:
        written = argument.toStringProto(value, _Exchange())
    except ValueError:
        # Python parses an offset of a day or more, and raises an error only when it is used.
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
