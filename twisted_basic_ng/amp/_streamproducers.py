"""
Sources of streams that write by themselves: producers.

They are told to pause when much waits to be sent, and to go on when nothing does.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zope.interface import implementer

from twisted.internet.interfaces import IConsumer, IPushProducer
from twisted.python.failure import Failure

from ._streamsources import Source

if TYPE_CHECKING:
    from ._types import SourceWriter

__all__ = ["BodySource", "ConsumingSource", "ProducerSource", "bytesOnly"]


def bytesOnly(value: Any) -> bytes:
    """
    Check a value that is sent in a stream of bytes.

    @raise TypeError: it is not bytes.
    """
    if isinstance(value, bytes):
        return value
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"a stream of bytes needs bytes, got {type(value).__name__}")


@implementer(IConsumer)
class ConsumingSource(Source):
    """
    A source that is a consumer: it sends what is written to it.

    @ivar encode: makes bytes of what is written.
    """

    encode: Callable[[Any], bytes] = staticmethod(bytesOnly)

    _producer: Any = None
    _isStreaming = _isPaused = _isOver = False

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        Take a producer, one at a time.  After the end of the stream, it is stopped.

        @raise RuntimeError: there is one.
        """
        if self._producer is not None:
            raise RuntimeError("a producer is registered already")
        if self._isOver:
            producer.stopProducing()
            return
        self._producer, self._isStreaming, self._isPaused = producer, streaming, False
        if streaming:
            self._maybePause()
        elif self.writer is not None and self.writer.wantsMore():
            producer.resumeProducing()

    def unregisterProducer(self) -> None:
        """Let the producer go."""
        self._producer = None

    def write(self, data: Any) -> None:
        """Send a value.  Before the beginning and after the end, it is dropped."""
        if self.writer is not None:
            self.writer.write(self.encode(data))
            self._maybePause()

    def more(self) -> None:
        if self._producer is not None and (self._isPaused or not self._isStreaming):
            self._isPaused = False
            self._producer.resumeProducing()

    def _maybePause(self) -> None:
        isFull = self.writer is not None and self.writer.isFull()
        if isFull and self._isStreaming and not self._isPaused and self._producer is not None:
            self._isPaused = True
            self._producer.pauseProducing()

    def stop(self, failure: Failure) -> None:
        producer, self._producer = self._producer, None
        self.writer = None
        self._isOver = True
        if producer is not None:
            producer.stopProducing()

    def finished(self, failure: Failure | None) -> None:
        self.stop(Failure(ValueError()) if failure is None else failure)


class ProducerSource(ConsumingSource):
    """
    Sends what a push or pull producer writes to its C{consumer}, until it unregisters.
    """

    def __init__(self, producer: Any) -> None:
        self._given = producer

    def begin(self, writer: SourceWriter) -> None:
        super().begin(writer)
        producer, self._given = self._given, None
        producer.consumer = self
        self.registerProducer(producer, IPushProducer.providedBy(producer))

    def unregisterProducer(self) -> None:
        """End the stream."""
        super().unregisterProducer()
        if self.writer is not None:
            self.writer.end()


class BodySource(ConsumingSource):
    """Sends what an C{IBodyProducer} writes, until its C{Deferred} fires."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def begin(self, writer: SourceWriter) -> None:
        super().begin(writer)
        self._producer, self._isStreaming = self._body, True
        self._body.startProducing(self).addCallbacks(self._ended, self._failed)

    def _ended(self, result: object) -> None:
        self._producer = None
        if self.writer is not None:
            self.writer.end()

    def _failed(self, failure: Failure) -> None:
        self._producer = None
        if self.writer is not None:
            self.writer.fail(failure)
