"""
The types of arguments: how a value is written to a box and read from it.

To define a type of your own, override C{toString} and C{fromString}.  Override C{toStringProto} and
C{fromStringProto} if the type needs the connection, C{toBox} and C{fromBox} if it takes more than
one key, and C{retrieve} if its value is not among the arguments of the call.  Each hook calls the
next one.  You can also set a hook on an instance.

This file knows no command and no connection.  It only passes on the protocol that it is given.
Lists are in L{twisted_basic_ng.amp._lists}.
"""

from __future__ import annotations

import datetime
import decimal
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from twisted.python import filepath
from twisted.python._tzhelper import FixedOffsetTimeZone
from twisted.python.compat import nativeString

from .._places import public
from ._interfaces import IArgumentType
from ._names import IDENTIFIERS
from ._types import Objects, Strings

__all__ = [
    "Argument",
    "Boolean",
    "DateTime",
    "Decimal",
    "Float",
    "Integer",
    "Path",
    "String",
    "Unicode",
]


@implementer(IArgumentType)
@public("amp")
class Argument:
    """
    The base of all types of arguments.

    @ivar optional: whether the argument may be left out; its value is then C{None}.
    """

    optional = False

    def __init__(self, optional: bool = False) -> None:
        self.optional = optional

    def retrieve(self, d: dict[Any, Any], name: Any, proto: Any) -> Any:
        """
        Take the value from C{d}: from the call's arguments when writing, from the box when reading.

        @param d: the dictionary that holds the value.
        @param name: the key in C{d}: the Python name when writing, the name on the wire when
            reading.
        @param proto: the protocol that sends or has received the box.
        @return: the value; C{None} if an optional argument is missing.
        @raise KeyError: a required argument is missing.
        """
        if not self.optional:
            return d.pop(name)
        value = d.get(name)
        if value is not None:
            del d[name]
        return value

    def fromBox(self, name: bytes, strings: Strings, objects: Objects, proto: Any) -> None:
        """Read the argument C{name} from C{strings}, and store its value in C{objects}."""
        string = self.retrieve(strings, name, proto)
        missing = self.optional and string is None
        objects[IDENTIFIERS[name]] = None if missing else self.fromStringProto(string, proto)

    def toBox(self, name: bytes, strings: Strings, objects: Objects, proto: Any) -> None:
        """
        Write the argument C{name} of C{objects} to C{strings}, unless it is optional and has no
        value.
        """
        value = self.retrieve(objects, IDENTIFIERS[name], proto)
        if value is not None or not self.optional:
            strings[name] = self.toStringProto(value, proto)

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        """Read a value with the protocol C{proto}.  Most types override L{fromString} instead."""
        return self.fromString(inString)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        """Write a value with the protocol C{proto}.  Most types override L{toString} instead."""
        return self.toString(inObject)

    # Differs from Twisted: a value is discarded when another of the same box cannot be read.

    def _ampDiscard(self, value: Any) -> None:
        """
        Release what a value holds, such as a file descriptor, if the rest of its box cannot be
        read.
        """

    def fromString(self, inString: bytes) -> Any:
        """Read a value from bytes.  Override it."""

    def toString(self, inObject: Any) -> bytes:  # type: ignore[empty-body]
        """Write a value as bytes, at most C{MAX_VALUE_LENGTH} (65,535) of them.  Override it."""


@public("amp")
class Integer(Argument):
    """
    An C{int} of any size, in decimal digits.

    @raise ValueError: the bytes received are not a number.
    @raise TypeError: the value to send is not a number.
    """

    if not TYPE_CHECKING:  # pragma: no branch - subclasses override it with a method, as which it is inherited
        fromString = int

    def toString(self, inObject: Any) -> bytes:
        return b"%d" % (inObject,)


@public("amp")
class String(Argument):
    """C{bytes}, sent unchanged."""

    def toString(self, inObject: Any) -> bytes:
        return inObject  # type: ignore[no-any-return]

    def fromString(self, inString: bytes) -> Any:
        return inString


@public("amp")
class Float(Argument):
    """
    A C{float}, written with the fewest digits that read back as the same value.

    @raise ValueError: the value to send is not a C{float}, or the bytes received cannot be read as
        one.
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
    C{True} or C{False}, written as those names.

    @raise TypeError: the bytes received are neither name.
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

    @raise UnicodeError: the bytes received are not UTF-8, or the value to send cannot be encoded.
    """

    def toString(self, inObject: Any) -> bytes:
        return String.toString(self, inObject.encode("utf-8"))

    def fromString(self, inString: bytes) -> Any:
        return String.fromString(self, inString).decode("utf-8")


@public("amp")
class Path(Unicode):
    """A C{FilePath}, sent as its path, for processes that share a file system."""

    def fromString(self, inString: bytes) -> Any:
        return filepath.FilePath(Unicode.fromString(self, inString))

    def toString(self, inObject: Any) -> bytes:
        return Unicode.toString(self, inObject.asTextMode().path)


@public("amp")
class Decimal(Argument):
    """
    A C{decimal.Decimal}, in scientific notation with all its digits.

    The notation is that of U{https://speleotrove.com/decimal/}.  Infinities and the kinds of "not a
    number" are written by name.

    @raise ValueError: the value to send is not a C{Decimal}.
    @raise ArithmeticError: the bytes received cannot be read as one (C{decimal.InvalidOperation}).
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
    A C{datetime.datetime} with an offset from UTC, in 32 bytes:
    C{2012-01-23T12:34:56.054321-01:23}.

    The offset is sent in whole minutes, without the name of its time zone.

    @raise ValueError: the value to send has no offset, or the bytes received are not in this form.
    """

    _positions = [
        *(slice(0, 4), slice(5, 7), slice(8, 10)),  # year, month, day
        *(slice(11, 13), slice(14, 16), slice(17, 19), slice(20, 26)),  # hour to microsecond
        *(slice(27, 29), slice(30, 32)),  # hours and minutes of the offset; its sign is at index 26
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
            # Differs from Twisted: the moment stays the same when the offset loses its seconds.
            i -= rest
        sign = "+" if minutes > 0 else "-"
        hours, minutes = divmod(abs(minutes), 60)
        moment = i.replace(tzinfo=None).isoformat(timespec="microseconds")
        return f"{moment}{sign}{hours:02}:{minutes:02}".encode("ascii")
