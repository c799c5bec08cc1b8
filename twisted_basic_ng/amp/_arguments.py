"""
The types of arguments: how a value is written to a box and read from it.

An application's own type overrides C{toString} and C{fromString}.  A type that needs the connection overrides
C{toStringProto} and C{fromStringProto}; one that takes more than one key, C{toBox} and C{fromBox}; one whose value is
not among the arguments of the call, C{retrieve}.  Each hook calls the next one, and each may also be set on an
instance.

This file knows no command and no connection: it only hands on the protocol that it is given.  Lists are in
L{twisted_basic_ng.amp._lists}.
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
    A type of argument; the base of all others.

    @ivar optional: whether it may be left out; its value is C{None} then.
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
        """Read a value with the protocol C{proto}; most types do it in L{fromString}."""
        return self.fromString(inString)

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        """Write a value with the protocol C{proto}; most types do it in L{toString}."""
        return self.toString(inObject)

    # Differs from Twisted: a value is discarded when another of the same box cannot be read.

    def _ampDiscard(self, value: Any) -> None:
        """Release what a value holds, a file descriptor for example, when the box is not read to its end."""

    def fromString(self, inString: bytes) -> Any:
        """Read a value.  Override it."""

    def toString(self, inObject: Any) -> bytes:  # type: ignore[empty-body]
        """Write a value, in at most C{MAX_VALUE_LENGTH} bytes.  Override it."""


@public("amp")
class Integer(Argument):
    """
    An C{int} of any size, in decimal digits.

    @raise ValueError: the bytes that were received are no number.
    @raise TypeError: the value to be sent is no number.
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

    @raise ValueError: the value to be sent is no C{float}, or the bytes received cannot be read as one.
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

    @raise UnicodeError: the bytes received are not UTF-8, or the value cannot be encoded.
    """

    def toString(self, inObject: Any) -> bytes:
        return String.toString(self, inObject.encode("utf-8"))

    def fromString(self, inString: bytes) -> Any:
        return String.fromString(self, inString).decode("utf-8")


@public("amp")
class Path(Unicode):
    """A C{FilePath}, by its path, for processes that share a file system."""

    def fromString(self, inString: bytes) -> Any:
        return filepath.FilePath(Unicode.fromString(self, inString))

    def toString(self, inObject: Any) -> bytes:
        return Unicode.toString(self, inObject.asTextMode().path)


@public("amp")
class Decimal(Argument):
    """
    A C{decimal.Decimal}, in scientific notation with all its digits (U{https://speleotrove.com/decimal/}); infinities
    and the kinds of "not a number" by their names.

    @raise ValueError: the value to be sent is no C{Decimal}.
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
    A C{datetime.datetime} that knows its offset from UTC, in 32 bytes: C{2012-01-23T12:34:56.054321-01:23}.

    The offset arrives in whole minutes, without the name of its time zone.

    @raise ValueError: the value to be sent has no offset, or the bytes received are not in this form.
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
