"""
The types of arguments: how a value is written to a box and read from it.

An application's own type overrides C{toString} and C{fromString}; one that needs the connection C{toStringProto}
and C{fromStringProto}; one that takes more than one key C{toBox} and C{fromBox}; one whose value is no argument of
the call C{retrieve}.  Each calls the next, and all of them may also be set on an instance.

This file knows of no command and of no connection: the protocol it is given, it hands on.
"""

from __future__ import annotations

import datetime
import decimal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from zope.interface import implementer

from twisted.python import filepath
from twisted.python._tzhelper import FixedOffsetTimeZone
from twisted.python.compat import nativeString

from .. import _accelerate
from .._accelerate.values import Hooks
from .._places import public
from ._boxes import AmpBox, bytesOf, newBox, parseBoxes
from ._constants import MAX_VALUE_LENGTH
from ._errors import ElementTooLongError
from ._interfaces import IArgumentType
from ._names import IDENTIFIERS
from ._types import Objects, Schema, Strings

__all__ = [
    "HOOKS",
    "AmpList",
    "Argument",
    "Boolean",
    "DateTime",
    "Decimal",
    "Float",
    "Integer",
    "ListOf",
    "Path",
    "String",
    "Unicode",
    "_objectsToStrings",
    "_stringsToObjects",
]


@public("amp")
def _stringsToObjects(strings: Strings, arglist: Schema, proto: Any) -> Objects:
    """
    Read a box.

    @param strings: the box; it is not changed.
    @param arglist: names and types, as in C{Command.arguments}.
    @param proto: the protocol that received it.
    @raise KeyError: a required argument is not there.
    """
    objects: Objects = {}
    try:
        _accelerate.readBox(strings, arglist, objects, proto, IDENTIFIERS, HOOKS)
    except BaseException:
        _discardObjects(objects, arglist)
        raise
    return objects


def _discardObjects(objects: Objects, arglist: Schema) -> None:
    """Let go of the values of a box that nobody will have."""
    for name, argument in arglist:
        value = objects.get(IDENTIFIERS[name])
        if value is not None:
            _discarding(argument)(value)


def _discarding(argument: Any) -> Callable[[Any], object]:
    """What lets go of a value of this type, which need not be a subclass of ours."""
    return getattr(argument, "_ampDiscard", _ignore)


def _ignore(value: Any) -> None:
    """Most values hold nothing."""


@public("amp")
def _objectsToStrings(objects: Objects, arglist: Schema, strings: Any, proto: Any) -> Any:
    """
    Write a box.

    @param objects: the values; they are not changed.
    @param arglist: names and types, as in C{Command.arguments}.
    @param strings: the box to write to.
    @param proto: the protocol that will send it.
    @return: the box.
    @raise KeyError: a required value is not there.
    """
    _accelerate.writeBox(objects, arglist, strings, proto, IDENTIFIERS, HOOKS)
    return strings


@implementer(IArgumentType)
@public("amp")
class Argument:
    """
    A type of argument; the base of all others.

    @ivar optional: may it be left out?  Then its value is C{None}.
    """

    optional = False

    def __init__(self, optional: bool = False) -> None:
        self.optional = optional

    def retrieve(self, d: dict[Any, Any], name: Any, proto: Any) -> Any:
        """
        Take the value out of C{d}: one to write out of the call's arguments, one to read out of the box.

        @param d: where it is.
        @param name: its key there: in Python, or on the wire.
        @param proto: the protocol.
        @return: the value; C{None} for an optional one that is not there.
        @raise KeyError: a required one is not there.
        """
        if not self.optional:
            return d.pop(name)
        value = d.get(name)
        if value is not None:
            del d[name]
        return value

    def fromBox(self, name: bytes, strings: Strings, objects: Objects, proto: Any) -> None:
        """Read the argument C{name} out of C{strings} into C{objects}."""
        string = self.retrieve(strings, name, proto)
        missing = self.optional and string is None
        objects[IDENTIFIERS[name]] = None if missing else self.fromStringProto(string, proto)

    def toBox(self, name: bytes, strings: Strings, objects: Objects, proto: Any) -> None:
        """Write the argument C{name} out of C{objects} into C{strings}; nothing for an optional one without a value."""
        value = self.retrieve(objects, IDENTIFIERS[name], proto)
        if value is not None or not self.optional:
            strings[name] = self.toStringProto(value, proto)

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        """Read a value that needs the protocol C{proto} to be understood; others leave it to L{fromString}."""
        return self.fromString(inString)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        """Write a value that needs the protocol C{proto}; others leave it to L{toString}."""
        return self.toString(inObject)

    # Differs from Twisted: what a value holds is let go where another of the same box cannot be read.

    def _ampDiscard(self, value: Any) -> None:
        """Let go of what a value holds that was read, and that nobody will have."""

    def fromString(self, inString: bytes) -> Any:
        """Read a value.  Override it."""

    def toString(self, inObject: Any) -> bytes:  # type: ignore[empty-body]
        """Write a value, in at most C{MAX_VALUE_LENGTH} bytes.  Override it."""


@public("amp")
class Integer(Argument):
    """
    An C{int} of any size, in decimal digits.

    @raise ValueError: what came is no number.
    @raise TypeError: what was given is none.
    """

    if not TYPE_CHECKING:  # pragma: no branch - subclasses override it with a method, as which it is inherited
        fromString = int

    def toString(self, inObject: Any) -> bytes:
        return b"%d" % (inObject,)


@public("amp")
class String(Argument):
    """C{bytes}, as they are."""

    def toString(self, inObject: Any) -> bytes:
        return inObject  # type: ignore[no-any-return]

    def fromString(self, inString: bytes) -> Any:
        return inString


@public("amp")
class Float(Argument):
    """
    A C{float}, in the shortest digits that mean it.

    @raise ValueError: what was given is no C{float}, or what came cannot be read as one.
    """

    if not TYPE_CHECKING:  # pragma: no branch - as in Integer
        fromString = float

    def toString(self, inString: Any) -> bytes:
        if not isinstance(inString, float):
            raise ValueError(f"Bad float value {inString!r}")
        return str(inString).encode("ascii")


@public("amp")
class Boolean(Argument):
    """
    C{True} or C{False}, by their names.

    @raise TypeError: what came is neither name.
    """

    def fromString(self, inString: bytes) -> Any:
        if inString == b"True":
            return True
        if inString == b"False":
            return False
        raise TypeError(f"Bad boolean value: {inString!r}")

    def toString(self, inObject: Any) -> bytes:
        return b"True" if inObject else b"False"


@public("amp")
class Unicode(String):
    """
    A C{str}, in UTF-8.

    @raise UnicodeError: what came is not, or what was given cannot be.
    """

    def toString(self, inObject: Any) -> bytes:
        return String.toString(self, inObject.encode("utf-8"))

    def fromString(self, inString: bytes) -> Any:
        return String.fromString(self, inString).decode("utf-8")


@public("amp")
class Path(Unicode):
    """A C{FilePath}, by its path; it means something between processes that share a file system."""

    def fromString(self, inString: bytes) -> Any:
        return filepath.FilePath(Unicode.fromString(self, inString))

    def toString(self, inObject: Any) -> bytes:
        return Unicode.toString(self, inObject.asTextMode().path)


def _is(method: Any, function: Any) -> bool:
    """Is C{method}, of an instance, still what C{function} defines?"""
    return getattr(method, "__func__", None) is function


def _readsWithProto(argument: Any) -> bool:
    """Can values of this type be read with the protocol alone?"""
    if _is(argument.fromString, ListOf.fromString):
        return _readsWithProto(argument.elementType)
    return _is(argument.fromString, Argument.fromString)


def _writesWithProto(argument: Any) -> bool:
    """Can values of this type be written with the protocol alone?"""
    if _is(argument.toString, ListOf.toString):
        return _writesWithProto(argument.elementType)
    return _is(argument.toString, Argument.toString)


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
                values.append(read(each, proto))  # noqa: PERF401 - those before an error are wanted
        except BaseException:
            self._ampDiscard(values)
            raise
        return values

    def _ampDiscard(self, value: Any) -> None:
        if _readsWithProto(self):
            for each in value:
                _discarding(self.elementType)(each)

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
_ALL: Final = 1 << 30


def _elements(string: bytes) -> list[bytes]:
    """Cut a list into its elements; an unfinished one at the end is left out, as in Twisted."""
    return _accelerate.splitStrings(bytesOf(string), 0, "!H", 2, MAX_VALUE_LENGTH, _ALL)[0]


def _joinElements(elements: list[bytes]) -> bytes:
    pieces: list[bytes] = []
    for each in elements:
        if len(each) > MAX_VALUE_LENGTH:
            raise ElementTooLongError(each)
        pieces += len(each).to_bytes(2, "big"), each
    return b"".join(pieces)


@public("amp")
class AmpList(Argument):
    """
    A list of dictionaries with the same keys, as boxes one behind the other, C{MAX_VALUE_LENGTH} bytes in all.

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
            _discardObjects(objects, self.subargs)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        subargs = self.subargs
        rows = [_objectsToStrings(objects, subargs, newBox(AmpBox), proto) for objects in inObject]
        return b"".join([row.serialize() for row in rows])


@public("amp")
class Decimal(Argument):
    """
    A C{decimal.Decimal}, in scientific notation with all its digits (U{https://speleotrove.com/decimal/}); infinities
    and the kinds of "not a number" by their names.

    @raise ValueError: what was given is no C{Decimal}.
    @raise ArithmeticError: what came cannot be read as one (C{decimal.InvalidOperation}).
    """

    def fromString(self, inString: bytes) -> Any:
        return decimal.Decimal(nativeString(inString))

    def toString(self, inObject: Any) -> bytes:
        if isinstance(inObject, decimal.Decimal):
            return str(inObject).encode("ascii")
        raise ValueError("amp.Decimal can only encode instances of decimal.Decimal")


@public("amp")
class DateTime(Argument):
    """
    A C{datetime.datetime} that knows its offset from UTC, in 32 bytes: C{2012-01-23T12:34:56.054321-01:23}.

    The offset arrives as a fixed one, in whole minutes; the name of the time zone does not arrive.

    @raise ValueError: what was given knows no offset, or what came is not in this form.
    """

    _positions = [
        *(slice(0, 4), slice(5, 7), slice(8, 10)),  # year, month, day
        *(slice(11, 13), slice(14, 16), slice(17, 19), slice(20, 26)),  # hour, minute, second, microsecond
        *(slice(27, 29), slice(30, 32)),  # hours and minutes of the offset; its sign is at 26
    ]

    def fromString(self, s: bytes) -> Any:
        text = nativeString(s)
        if len(text) != 32:
            raise ValueError(f"invalid date format {text!r}")
        *moment, hours, minutes = (int(text[position]) for position in self._positions)
        zone = FixedOffsetTimeZone.fromSignHoursMinutes(text[26], hours, minutes)
        return datetime.datetime(*moment, tzinfo=zone)  # type: ignore[misc, arg-type]

    def toString(self, i: Any) -> bytes:
        offset = i.utcoffset()
        if offset is None:
            raise ValueError("amp.DateTime cannot serialize naive datetime instances.  You may find amp.utc useful.")
        minutes, rest = divmod(offset, datetime.timedelta(minutes=1))
        if rest:
            # Differs from Twisted: the moment stays the same where the offset loses its seconds.
            i -= rest
        sign = "+" if minutes > 0 else "-"
        hours, minutes = divmod(abs(minutes), 60)
        moment = i.replace(tzinfo=None).isoformat(timespec="microseconds")
        return f"{moment}{sign}{hours:02}:{minutes:02}".encode("ascii")


#: Remembered, so that others that an application puts in their place, in these classes, are seen to be others.
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
