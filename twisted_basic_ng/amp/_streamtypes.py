"""
Streams as types of arguments: L{Stream} of bytes, and L{StreamOf} items.

A value of such a type is sent in boxes of its own, piece by piece, while the call that announces it
goes on.  In the box of the call is its number.

This file knows what may be sent as a stream.  It finds the streams of a connection
(L{twisted_basic_ng.amp._streams}) through the protocol that the types are given, or the call that
is responded to.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IPullProducer, IPushProducer

from .._places import public
from ._arguments import Argument
from ._boxes import Placeholder
from ._constants import COMMAND, MAX_VALUE_LENGTH, STREAM_UNSUPPORTED_CODE, STREAMS_FEATURE
from ._currentcall import CURRENT
from ._errors import ElementTooLongError, RemoteAmpError
from ._lists import ListOf
from ._names import IDENTIFIERS
from ._streampipes import SenderSource, StreamPipe, StreamSender
from ._streamproducers import BodySource, ProducerSource, bytesOnly
from ._streamreader import ItemReader, StreamReader
from ._streamsources import Announced, AsyncSource, BytesSource, FileSource, IterableSource, Source
from ._types import Objects, Schema, Strings

__all__ = ["NEEDED", "Stream", "StreamOf", "bindReaders", "bindStreams", "hasStreams"]

#: Stands under the key C{_streams} of a call that needs the peer to have streams, until it is sent.
NEEDED: Final = Placeholder()


@public("amp")
class Stream(Argument):
    """
    A stream of bytes.

    To send one, give bytes, an open binary file, an iterable or an asynchronous iterable of bytes,
    an C{IBodyProducer}, a push or pull producer, a L{StreamPipe}, or a L{StreamSender} of any of
    these.  You receive a L{StreamReader}.

    A command with streams needs C{extended} on both sides.  A stream is a value of its own, not an
    element of a list.

    @raise TypeError: the value cannot be sent as a stream.
    @raise RemoteAmpError: a peer without streams has made the call.
    """

    def toBox(self, name: bytes, strings: Any, objects: Objects, proto: Any) -> None:
        """Put a stream in the place of its number.  The number is known when the box is sent."""
        value = self.retrieve(objects, IDENTIFIERS[name], proto)
        if value is not None or not self.optional:
            strings[name] = Announced(self._ampSourceOf(value, proto))

    def fromBox(self, name: bytes, strings: Strings, objects: Objects, proto: Any) -> None:
        """Make the reader of the stream whose number is in the box."""
        number = self.retrieve(strings, name, proto)
        missing = self.optional and number is None
        objects[IDENTIFIERS[name]] = None if missing else self._ampOpen(number, COMMAND in strings, proto)

    def _ampOpen(self, number: bytes, isCall: bool, proto: Any) -> Any:
        asked = CURRENT.get() if isCall else None
        dispatcher = proto if asked is None else asked[0]
        extensions = getattr(dispatcher, "_ampExtensions", None)
        inbox = None if extensions is None else extensions.feature(STREAMS_FEATURE).table.take(number)
        if inbox is None:
            raise RemoteAmpError(STREAM_UNSUPPORTED_CODE, f"no stream has the number {number[:20]!r}")
        return self._ampReaderOf(inbox, proto)

    def _ampReaderOf(self, inbox: Any, proto: Any) -> Any:
        return StreamReader(inbox)

    def _ampDiscard(self, value: Any) -> None:
        value.stop()

    def toStringProto(self, inObject: Any, proto: Any) -> bytes:
        """Refuse: a stream is no element of a list."""
        raise TypeError("a stream is an argument or a response value, and no element of a list")

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        """Refuse: a stream is no element of a list."""
        raise TypeError("a stream is an argument or a response value, and no element of a list")

    def _ampSourceOf(self, value: Any, proto: Any) -> Source:
        """Find the source for a value."""
        source = self._ampOwnSource(value, bytesOnly, proto)
        if source is not None:
            return source
        if isinstance(value, (bytes, bytearray, memoryview)):
            return BytesSource(bytes(value))
        if hasattr(value, "startProducing"):
            return BodySource(value)
        if IPushProducer.providedBy(value) or IPullProducer.providedBy(value):
            return ProducerSource(value)
        if hasattr(value, "__aiter__"):
            return AsyncSource(value, bytesOnly)
        if hasattr(value, "read"):
            return FileSource(value)
        if hasattr(value, "__iter__") and not isinstance(value, (str, dict)):
            return IterableSource(value, bytesOnly)
        raise TypeError(f"a stream of bytes cannot be made of {type(value).__name__}")

    def _ampOwnSource(self, value: Any, encode: Callable[[Any], bytes], proto: Any) -> Source | None:
        """Find the source for a value that is made for streams."""
        if isinstance(value, StreamSender):
            source: Source = SenderSource(value, self._ampSourceOf(value.value, proto))
        elif isinstance(value, StreamPipe):
            source = value._ampSource
            value._ampSource.encode = encode
        else:
            return None
        value._ampUse()
        return source


@public("amp")
class StreamOf(Stream):
    """
    A stream of items, each of the same type.

    To send one, give an iterable or an asynchronous iterable of items, a L{StreamPipe}, or a
    L{StreamSender} of these.  You receive an L{ItemReader}.

    An item takes at most C{MAX_VALUE_LENGTH} (65,535) bytes.

    @ivar elementType: the type of the items.
    """

    def __init__(self, elementType: Any, optional: bool = False) -> None:
        """
        Make the type.

        @raise TypeError: streams and file descriptors cannot be items.
        """
        inner = elementType
        while isinstance(inner, ListOf):
            inner = inner.elementType
        if isinstance(inner, Stream) or hasattr(inner, "_ampBelongsToBox"):
            raise TypeError(f"a stream cannot have items of the type {type(elementType).__name__}")
        self.elementType = elementType
        super().__init__(optional)

    def _ampReaderOf(self, inbox: Any, proto: Any) -> Any:
        return ItemReader(inbox, self.elementType, proto)

    def _ampSourceOf(self, value: Any, proto: Any) -> Source:
        def encode(item: Any) -> bytes:
            string = self.elementType.toStringProto(item, proto)
            if len(string) > MAX_VALUE_LENGTH:
                raise ElementTooLongError(string)
            return len(string).to_bytes(2, "big") + string  # type: ignore[no-any-return]

        source = self._ampOwnSource(value, encode, proto)
        if source is not None:
            return source
        if hasattr(value, "__aiter__"):
            return AsyncSource(value, encode)
        if hasattr(value, "__iter__") and not isinstance(value, (str, bytes, bytearray, memoryview, dict)):
            return IterableSource(value, encode)
        raise TypeError(f"a stream of items cannot be made of {type(value).__name__}")


def hasStreams(*schemas: Schema) -> bool:
    """Whether one of the arguments is a stream."""
    return any(isinstance(argument, Stream) for schema in schemas for _, argument in schema)


def bindStreams(box: Any, command: Any) -> None:
    """Tell the streams in a box which errors their command declares."""
    for value in box.values():
        if type(value) is Announced:
            value.errors = command.allErrors


def bindReaders(objects: Objects, command: Any) -> None:
    """Tell the readers of streams which errors their command declares."""
    for value in objects.values():
        if isinstance(value, (StreamReader, ItemReader)):
            value._ampInbox.errors = command.reverseErrors
