"""
What may be sent as a stream, and how each of these gives its bytes.

A source is asked for more when nothing of it waits to be sent.  It writes to its writer at once or
later.  L{twisted_basic_ng.amp._streamtypes} finds the source for a value.  Sources that write by
themselves are in L{twisted_basic_ng.amp._streamproducers}.

This file knows writers only by what they offer to a source.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ._boxes import Placeholder
from ._constants import STREAM_PIECE

if TYPE_CHECKING:
    from ._types import SourceWriter

__all__ = ["Announced", "AsyncSource", "BytesSource", "FileSource", "IterableSource", "Source"]

_log = Logger("twisted.protocols.amp")

#: How many values of an iterable are taken at once, if they are small.
MOST_AT_ONCE: Final = 128


class Announced(Placeholder):
    """
    A stream among the values of a box that is not sent yet.

    When the box is sent, the stream's number takes its place.

    @ivar source: gives the bytes of the stream.
    @ivar errors: the codes of the errors that the command declares.
    @ivar isBegun: whether the box was sent.
    """

    source: Any
    errors: dict[Any, bytes]
    isBegun = False

    def __new__(cls, source: Any) -> Announced:  # noqa: PYI034 - typing has Self from Python 3.11 on
        """Make one, which has the length of the longest number."""
        made = super().__new__(cls, 16)
        made.source = source
        made.errors = {}
        return made

    def __del__(self) -> None:
        if not self.isBegun:
            self.source.dropped()

    def __repr__(self) -> str:
        return "<a stream>"


class Source:
    """
    The base of all sources.

    @ivar writer: sends the bytes; C{None} before the stream begins and after its end.
    """

    writer: SourceWriter | None = None

    def begin(self, writer: SourceWriter) -> None:
        """Begin: the box that announces the stream was sent."""
        self.writer = writer

    def more(self) -> None:
        """Write more, now or later."""

    def stop(self, failure: Failure) -> None:
        """Release what the source holds: the stream ends early."""

    def dropped(self) -> None:
        """Note that the stream was never announced; any thread may call this at any time."""

    def sent(self, size: int) -> None:
        """Note that bytes were sent."""

    def finished(self, failure: Failure | None) -> None:
        """Note that the stream is over; there is no other call after this one."""
        self.writer = None


class BytesSource(Source):
    """Sends bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def more(self) -> None:
        assert self.writer is not None
        writer, data, self._data = self.writer, self._data, b""
        writer.write(data)
        writer.end()


class FileSource(Source):
    """Sends what it reads from a file, from its current position.  It does not close the file."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def more(self) -> None:
        assert self.writer is not None
        data = self._file.read(self.writer.piece)
        if not isinstance(data, bytes):
            raise TypeError(f"a stream needs a file that is open in binary mode, this one gave {type(data).__name__}")
        self.writer.write(data)
        if not data:
            self.writer.end()

    def finished(self, failure: Failure | None) -> None:
        super().finished(failure)
        self._file = None


class IterableSource(Source):
    """
    Sends the values of an iterable.

    A generator is closed when the stream ends early.
    """

    _isRunning = _isWanted = False

    def __init__(self, values: Any, encode: Callable[[Any], bytes]) -> None:
        self._encode = encode
        self._values: Iterator[Any] | None = iter(values)
        self._isOwn = self._values is not values or hasattr(values, "throw")

    def more(self) -> None:
        self._isWanted = True
        if self._isRunning:
            return  # the iterable has called us, or what we write is sent at once
        self._isRunning = True
        try:
            while self._isWanted and self.writer is not None:
                self._isWanted = False
                self._writeSome()
        finally:
            self._isRunning = False
        if self.writer is None:
            self._close()  # it ended while the iterable ran

    def _writeSome(self) -> None:
        pieces: list[bytes] = []
        error: Failure | None = None
        isEnd = False
        try:
            isEnd = self._take(pieces)
        except Exception:
            error = Failure()
        writer: SourceWriter | None = self.writer
        if writer is None:
            return
        writer.write(b"".join(pieces))
        if error is not None:
            writer.fail(error)
        elif isEnd:
            writer.end()

    def _take(self, pieces: list[bytes]) -> bool:
        """Take values that make about one piece, and return whether that were all."""
        size = 0
        values = self._values
        for _ in range(MOST_AT_ONCE):
            if values is None or size >= STREAM_PIECE:
                break
            try:
                value = next(values)
            except StopIteration:
                return True
            data = self._encode(value)
            pieces.append(data)
            size += len(data)
        return False

    def stop(self, failure: Failure) -> None:
        self.writer = None
        if not self._isRunning:
            self._close()

    def finished(self, failure: Failure | None) -> None:
        super().finished(failure)
        if not self._isRunning:
            self._values = None

    def _close(self) -> None:
        values, self._values = self._values, None
        close = getattr(values, "close", None) if self._isOwn else None
        if close is not None:
            close()


class AsyncSource(Source):
    """
    Sends the values of an asynchronous iterable.

    When the stream ends early, what it waits for is cancelled, and an asynchronous generator is
    closed.  Its code runs in the context of the code that has given it.
    """

    def __init__(self, values: Any, encode: Callable[[Any], bytes]) -> None:
        self._encode = encode
        self._values: AsyncIterator[Any] | None = values.__aiter__()
        self._context = copy_context()
        self._running: Deferred[Any] | None = None
        self._isWanted = self._isInMore = False

    def more(self) -> None:
        self._isWanted = True
        if self._running is not None or self._isInMore:
            return
        self._isInMore = True
        try:
            while self._isWanted and self._begins():
                pass
        finally:
            self._isInMore = False

    def _begins(self) -> bool:
        """Take the next values, and return whether that is done already."""
        self._isWanted = False
        values = self._values
        if self.writer is None or values is None:
            return False
        self._running = running = self._context.copy().run(Deferred.fromCoroutine, self._take(values))
        running.addBoth(self._ran)
        return self._running is None

    async def _take(self, values: AsyncIterator[Any]) -> None:
        for _ in range(MOST_AT_ONCE):
            try:
                value = await values.__anext__()
            except StopAsyncIteration:
                self._values = None
                self._write(None)
                return
            if not self._write(self._encode(value)):
                return

    def _write(self, data: bytes | None) -> bool:
        """
        Write a value, or the end, unless the stream has ended meanwhile.

        @return: whether to go on at once.
        """
        writer = self.writer
        if writer is None:
            return False
        if data is None:
            writer.end()
            return False
        writer.write(data)
        return writer.wantsMore()

    def _ran(self, result: object) -> None:
        self._running = None
        if self.writer is None:
            self._close()
        elif isinstance(result, Failure):
            self.writer.fail(result)
        else:
            self._isWanted = self.writer.wantsMore()
            if self._isWanted and not self._isInMore:
                self.more()

    def stop(self, failure: Failure) -> None:
        self.writer = None
        if self._running is not None:
            self._running.cancel()
        elif not self._isInMore:  # else its own code has ended the stream, and is closed when it has run
            self._close()

    def finished(self, failure: Failure | None) -> None:
        super().finished(failure)
        if self._running is None and not self._isInMore:
            self._close()

    def _close(self) -> None:
        values, self._values = self._values, None
        close = getattr(values, "aclose", None)
        if close is not None:
            closing = self._context.copy().run(Deferred.fromCoroutine, _wait(close()))
            closing.addErrback(lambda error: _log.failure("while closing the source of a stream", error))


async def _wait(awaitable: Any) -> None:
    await awaitable
