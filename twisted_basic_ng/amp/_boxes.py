"""
Boxes: the unit that AMP sends, a dictionary whose keys and values are bytes.

This file turns boxes into bytes and bytes into boxes.  It knows no connection: any object with a
C{sendBox} method can send a box.
"""

from __future__ import annotations

from typing import Any, TypeVar

from .. import _accelerate
from .._places import public
from ._constants import MAX_KEY_LENGTH, MAX_VALUE_LENGTH
from ._errors import KeyTooLongError, TooLong, TruncatedBoxError
from ._streamerrors import StreamsUnsupportedError

__all__ = ["AmpBox", "Box", "Placeholder", "QuitBox", "bytesOf", "newBox", "parseBoxes"]

_Self = TypeVar("_Self", bound="AmpBox")  # typing has its own from Python 3.11 on


@public("amp")
class AmpBox(dict[bytes, bytes]):
    """
    A box.  It is a dictionary of bytes, and behaves as one in every other respect.

    You can also give the names as strings or keywords; they are encoded in ASCII.

    @raise UnicodeEncodeError: a name is not ASCII.
    """

    __slots__: list[str] = []

    def __init__(self, *args: Any, **kw: Any) -> None:
        if not args and not kw:
            return
        super().__init__(*args, **kw)
        strings: list[Any] = [name for name in self if not isinstance(name, bytes)]
        for name in strings:
            self[name.encode("ascii")] = self.pop(name)

    def copy(self: _Self) -> _Self:  # noqa: PYI019 - what it suggests may not be there at run time
        """Return another box of the same type with the same content."""
        other: Any = newBox(AmpBox) if type(self) is AmpBox else self.__class__()
        other.update(self)
        return other  # type: ignore[no-any-return]

    def serialize(self) -> bytes:
        """
        Return the bytes of the box on the wire.

        @raise TypeError: a key or a value is a string; it must be bytes.
        @raise TooLong: a key is longer than C{MAX_KEY_LENGTH} (255 bytes), or a value is longer
            than C{MAX_VALUE_LENGTH} (65,535 bytes).
        """
        framed = _accelerate.formatBox(self)
        return _serializeUnusual(self) if framed is None else framed

    def _sendTo(self, proto: Any) -> None:
        """
        Send the box.  Boxes that affect their connection override it, and so may an application's
        boxes.

        @param proto: the object whose C{sendBox} sends it.
        """
        proto.sendBox(self)

    def __repr__(self) -> str:
        return f"AmpBox({dict.__repr__(self)})"


Box = AmpBox

#: Make an empty box, and skip what C{__init__} does for names.
newBox = AmpBox.__new__


class Placeholder(bytes):
    """
    A value that is known when its box is sent, and not before: the number of a stream.
    """


def _serializeUnusual(box: dict[Any, Any]) -> bytes:
    """
    Write a box that may hold more than plain bytes, or raise the error that says what is wrong.
    """
    if any(isinstance(value, Placeholder) for value in box.values()):
        raise StreamsUnsupportedError("a stream can only be an argument or a response value of a command")
    pieces: list[bytes] = []
    for key, value in sorted(box.items()):
        if isinstance(key, str):
            raise TypeError(f"Unicode key not allowed: {key!r}; write b{key!r}")
        if isinstance(value, str):
            raise TypeError(
                f"Unicode value for key {key!r} not allowed: {value!r}; send bytes, or declare it as Unicode()"
            )
        if len(key) > MAX_KEY_LENGTH:
            raise TooLong(True, True, key, None)
        if len(value) > MAX_VALUE_LENGTH:
            raise TooLong(False, True, value, key)
        pieces += len(key).to_bytes(2, "big"), key, len(value).to_bytes(2, "big"), value
    return b"".join((*pieces, b"\0\0"))


@public("amp")
class QuitBox(AmpBox):
    """A box after which the connection is closed."""

    __slots__: list[str] = []

    def __repr__(self) -> str:
        return f"QuitBox(**{super().__repr__()})"

    def _sendTo(self, proto: Any) -> None:
        super()._sendTo(proto)
        # One of our protocols also ignores further data; any other only closes the connection.
        leave = getattr(proto, "_ampLeavePeer", None)
        if leave is None:
            proto.transport.loseConnection()
        else:
            extensions = getattr(proto, "_ampExtensions", None)
            if extensions is None or not extensions.postpone(leave):
                leave()


def bytesOf(data: Any) -> bytes:
    """
    Convert a bytes-like object to C{bytes}.

    A number is refused, since C{bytes} would make that many zero bytes of it.

    @raise TypeError: the object is not bytes-like.
    """
    return data if type(data) is bytes else bytes(memoryview(data))


def parseBoxes(data: bytes, strict: bool = False) -> list[AmpBox]:
    """
    Read the boxes in C{data}.

    @param strict: whether an unfinished box at the end is an error; by default it is left out, as
        in Twisted.
    @raise KeyTooLongError: a key is longer than C{MAX_KEY_LENGTH}, 255 bytes.
    @raise TruncatedBoxError: the data ends in an unfinished box, and C{strict} is true.
    """
    data = bytesOf(data)
    boxes: list[AmpBox] = []
    start = 0
    while start < len(data):
        box = newBox(AmpBox)
        end, _, needed = _accelerate.parseBox(data, start, box, None)
        if needed < 0:
            raise KeyTooLongError(True, False, None)
        if needed:
            if strict:
                raise TruncatedBoxError(len(data) - start)
            break
        boxes.append(box)
        start = end
    return boxes
