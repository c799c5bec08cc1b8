"""
The errors of streams: what breaks their rules, and what ends them early.
"""

from __future__ import annotations

from .._places import public
from ._beyonderrors import MissingFeatureError
from ._constants import STREAMS_FEATURE
from ._errors import AmpError, MalformedAmpBox

__all__ = [
    "StreamBusyError",
    "StreamError",
    "StreamOverflowError",
    "StreamStoppedError",
    "StreamTooLongError",
    "StreamViolationError",
    "StreamsUnsupportedError",
    "TooManyStreamsError",
]


@public("amp")
class StreamError(AmpError):
    """The base of the errors of streams."""


@public("amp")
class StreamStoppedError(StreamError):
    """
    The reader of a stream has stopped it before its end.

    @ivar code: the code that the reader gave; C{STOPPED} by default.
    @ivar text: the text that the reader gave.
    """

    def __init__(self, code: bytes, text: str = "") -> None:
        shown = code.decode("ascii", "backslashreplace")
        super().__init__(f"the stream was stopped: {shown}{': ' if text else ''}{text}")
        self.code = code
        self.text = text


@public("amp")
class StreamTooLongError(StreamError):
    """
    A stream is longer than C{collect} allows.

    @ivar limit: how many bytes it may have.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the stream is too long: at most {limit} bytes")
        self.limit = limit


@public("amp")
class StreamOverflowError(StreamError):
    """
    Too many bytes wait in a C{StreamPipe}, because its reader is slower than the code that writes.

    @ivar size: how many bytes wait.
    @ivar limit: how many bytes may wait.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"too much waits in a pipe: got {size} bytes, at most {limit}")
        self.size = size
        self.limit = limit


@public("amp")
class StreamBusyError(StreamError):
    """A stream is read in two ways at a time."""


@public("amp")
class StreamsUnsupportedError(StreamError, MissingFeatureError, TypeError):
    """
    A stream cannot be sent over this connection, or not in this place.

    It is also a C{TypeError}, like the error for any value that cannot be sent.
    """

    def __init__(self, text: str) -> None:
        super().__init__(STREAMS_FEATURE)
        self._ampText = text

    def __str__(self) -> str:
        return self._ampText


@public("amp")
class TooManyStreamsError(StreamError):
    """
    A peer has opened more streams than C{MAX_STREAMS} allows, or has not ended those that were
    stopped.

    @ivar count: how many streams there would be.
    @ivar limit: how many streams there may be.
    """

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(f"too many streams: got {count}, at most {limit} (MAX_STREAMS)")
        self.count = count
        self.limit = limit


@public("amp")
class StreamViolationError(StreamError, MalformedAmpBox):
    """
    A peer breaks the rules of streams.  The connection is closed.

    @ivar number: the number of the stream, as it arrived.
    """

    def __init__(self, number: bytes, text: str) -> None:
        super().__init__(f"stream {number[:20].decode('ascii', 'backslashreplace')}: {text}")
        self.number = number
