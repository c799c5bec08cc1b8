"""
Streams for code that wants to know more: a pipe that it writes to, and a sender that says how far
it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer
from twisted.python.failure import Failure

from .._places import public
from ._streamerrors import StreamError, StreamOverflowError
from ._streamproducers import ConsumingSource
from ._streamsources import Source

if TYPE_CHECKING:
    from ._types import SourceWriter

__all__ = ["PipeSource", "SenderSource", "StreamPipe", "StreamSender"]

#: How many bytes an item is assumed to have that is written before the pipe is sent.
_EARLY_ITEM: Final = 64


class _Observed:
    """
    What can be sent once, and whose end can be waited for.
    """

    _ampIsUsed = False
    _ampIsOver = False
    _ampFailure: Failure | None = None
    _ampWaiting: tuple[Deferred[None], ...] = ()

    def whenFinished(self) -> Deferred[None]:
        """
        Wait for the end of the stream.

        @return: a new C{Deferred} at each call.  It fires when the last byte was sent.  It fails
            with L{StreamStoppedError} if the reader has stopped the stream, with the error of the
            source, or with the reason why the connection was lost.
        """
        waiting: Deferred[None] = Deferred(self._ampForget)
        if self._ampIsOver:
            waiting.callback(self._ampFailure)
        else:
            self._ampWaiting = (*self._ampWaiting, waiting)
        return waiting

    def _ampForget(self, waiting: Deferred[None]) -> None:
        self._ampWaiting = tuple(each for each in self._ampWaiting if each is not waiting)

    def _ampFinish(self, failure: Failure | None) -> None:
        """Tell those that wait."""
        self._ampIsOver, self._ampFailure = True, failure
        waiting, self._ampWaiting = self._ampWaiting, ()
        for each in waiting:
            each.callback(failure)

    def _ampDrop(self) -> None:
        """Tell those that wait, soon, that it was never sent."""
        from twisted.internet import reactor

        call: Any = reactor
        call.callFromThread(self._ampFinish, Failure(StreamError("the stream was not sent, and neither was its call")))

    def _ampUse(self) -> None:
        """
        Note that it is sent.

        @raise ValueError: it was sent before.
        """
        if self._ampIsUsed:
            raise ValueError(f"a {type(self).__name__} can be sent once")
        self._ampIsUsed = True


@implementer(IConsumer)
@public("amp")
class StreamPipe(_Observed):
    """
    A stream that code writes to: an C{IConsumer}.

    Give it as an argument or in a response, and write to it before or after that.  A producer that
    you register is paused when the reader is slow.  Without one, at most C{limit} bytes wait; with
    more, the stream fails with L{StreamOverflowError}.

    @ivar limit: how many bytes may wait to be sent.
    """

    def __init__(self, limit: int = 2**20) -> None:
        self.limit = limit
        self._ampSource = PipeSource(self)

    def write(self, data: Any) -> None:
        """
        Send bytes, or one item of a stream of items.  After the end, it is dropped.

        @raise TypeError: this cannot be sent.
        """
        self._ampSource.write(data)

    def end(self) -> None:
        """End the stream, after what was written."""
        self._ampSource.end(None)

    def fail(self, error: Failure | Exception) -> None:
        """
        End the stream with an error, after what was written.

        @param error: the reader gets the same error if the command declares it, else
            L{UnknownRemoteError}.
        """
        self._ampSource.end(error if isinstance(error, Failure) else Failure(error))

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        Register the producer that writes to this pipe.

        @raise RuntimeError: there is one already.
        """
        self._ampSource.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """Unregister the producer.  The stream does not end with that."""
        self._ampSource.unregisterProducer()


class PipeSource(ConsumingSource):
    """
    What is written to a L{StreamPipe}.
    """

    def __init__(self, pipe: StreamPipe) -> None:
        self._pipe = pipe
        self._early: list[Any] = []
        self._earlySize = 0
        self._isEnding = False
        self._failure: Failure | None = None

    def write(self, data: Any) -> None:
        if self._isEnding:
            return
        writer = self.writer
        if writer is None:
            self._early.append(data)
            self._earlySize += len(data) if isinstance(data, (bytes, str)) else _EARLY_ITEM
            size = self._earlySize
        else:
            super().write(data)
            size = writer.size
        if size > self._pipe.limit:
            self.end(Failure(StreamOverflowError(size, self._pipe.limit)))

    def end(self, failure: Failure | None) -> None:
        """End the stream, after what was written."""
        if not self._isEnding:
            self._isEnding = True
            self._failure = failure
            if self.writer is not None:
                self._endWriter(self.writer)

    def _endWriter(self, writer: SourceWriter) -> None:
        if self._failure is None:
            writer.end()
        else:
            writer.fail(self._failure)

    def begin(self, writer: SourceWriter) -> None:
        super().begin(writer)
        early, self._early = self._early, []
        for each in early:
            writer.write(self.encode(each))
        if self._isEnding:
            self._endWriter(writer)

    def dropped(self) -> None:
        self._pipe._ampDrop()

    def finished(self, failure: Failure | None) -> None:
        super().finished(failure)
        self._isEnding = True
        self._pipe._ampFinish(failure)


@public("amp")
class StreamSender(_Observed):
    """
    Sends anything that can be sent as a stream, and says how far it is.

    Give it in the place of the value.  It can be sent once.

    @ivar value: the value to send: bytes, a file, an iterable, a producer.
    @ivar bytesSent: how many bytes were sent.
    """

    def __init__(self, value: Any, progress: Callable[[int], object] | None = None) -> None:
        """
        Make a sender.

        @param progress: called after each piece, with the number of bytes sent since the beginning.
        """
        self.value = value
        self.bytesSent = 0
        self._ampProgress = progress


class SenderSource(Source):
    """
    The value of a L{StreamSender}.
    """

    def __init__(self, sender: StreamSender, source: Source) -> None:
        self._sender = sender
        self._source = source

    def begin(self, writer: SourceWriter) -> None:
        self._source.begin(writer)

    def more(self) -> None:
        self._source.more()

    def stop(self, failure: Failure) -> None:
        self._source.stop(failure)

    def sent(self, size: int) -> None:
        sender = self._sender
        sender.bytesSent += size
        if size and sender._ampProgress is not None:
            sender._ampProgress(sender.bytesSent)

    def dropped(self) -> None:
        self._sender._ampDrop()

    def finished(self, failure: Failure | None) -> None:
        self._source.finished(failure)
        self._sender._ampFinish(failure)
