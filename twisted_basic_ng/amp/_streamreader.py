"""
Reading a stream: what an application is given for one.

A reader takes bytes from its inbox (L{twisted_basic_ng.amp._streaminbox}), and only when somebody
reads.  A reader that is dropped before the end stops its stream.

This file knows no box and no connection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from .. import _accelerate
from .._places import public
from ._constants import (
    MAX_VALUE_LENGTH,
    STREAM_BAD_ITEM_CODE,
    STREAM_STOPPED_CODE,
    STREAM_TOO_LONG_CODE,
    STREAM_UNREAD_CODE,
)
from ._streamdelivery import NOTHING, Delivery, deliver
from ._streamerrors import StreamBusyError, StreamError, StreamTooLongError
from ._streaminbox import StreamInbox

__all__ = ["ItemReader", "StreamReader"]

_T = TypeVar("_T")

#: More items than a piece has room for.
_EVERY_ITEM: Final = 1 << 30


class _Reader(Generic[_T]):
    """
    What the readers of bytes and of items have in common.

    @ivar bytesRead: how many bytes of the stream were read.
    """

    bytesRead = 0

    _ampWaiting: Deferred[None] | None = None
    _ampDelivery: Delivery | None = None

    def __init__(self, inbox: StreamInbox) -> None:
        self._ampInbox = inbox

    def __del__(self) -> None:
        self._ampInbox.abandon(STREAM_UNREAD_CODE)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of stream {self._ampInbox.number}, {self._ampInbox.size} bytes unread>"

    # What the two kinds define.

    def _ampNext(self) -> Any:
        """Take the next value; L{NOTHING} if none has arrived."""
        raise NotImplementedError

    def _ampJoin(self, values: list[_T]) -> Any:
        """Make the result of L{collect}."""
        raise NotImplementedError

    def _ampIsOver(self) -> bool:
        return self._ampInbox.isOver()

    def _ampFailure(self) -> Failure | None:
        return self._ampInbox.failure()

    # Reading value by value.

    def __aiter__(self) -> _Reader[_T]:
        return self

    async def __anext__(self) -> _T:
        self._ampRequireFree()
        while (value := self._ampNext()) is NOTHING:
            if self._ampIsOver():
                failure = self._ampFailure()
                if failure is not None:
                    failure.raiseException()
                raise StopAsyncIteration
            waiting: Deferred[None] = Deferred()
            self._ampWaiting = waiting
            self._ampInbox.onArrival = self._ampArrived
            try:
                await waiting
            finally:
                self._ampWaiting = self._ampInbox.onArrival = None
        result: _T = value
        return result

    def _ampArrived(self) -> None:
        waiting = self._ampWaiting
        if waiting is not None and not waiting.called:
            waiting.callback(None)

    def _ampRequireFree(self) -> None:
        if self._ampWaiting is not None or self._ampDelivery is not None:
            raise StreamBusyError("the stream is being read already")

    # Reading all of it.

    def deliverTo(self, target: Any) -> Deferred[None]:
        """
        Give the values to a consumer or a protocol, as they arrive.

        @param target: an C{IConsumer}, which may pause the stream; or, for bytes, an C{IProtocol},
            whose C{connectionLost} is told the end.
        @return: fires at the end of the stream.  It fails with what ended the stream early, or with
            the error that C{target} raised, which stops the stream.  Cancel it to stop the stream.
        @raise StreamBusyError: the stream is being read already.
        """
        self._ampRequireFree()
        return deliver(self, target)

    def collect(self, limit: int) -> Deferred[Any]:
        """
        Read the whole stream.

        @param limit: how many bytes it may have.
        @return: a C{Deferred} of C{bytes}, or of the list of items.  It fails with
            L{StreamTooLongError}, which stops the stream, or with what ended the stream early.
        @raise StreamBusyError: the stream is being read already.
        """
        self._ampRequireFree()
        values: list[_T] = []
        before = self.bytesRead

        def keep(value: _T) -> None:
            if self.bytesRead - before > limit:
                error = StreamTooLongError(limit)
                self.stop(STREAM_TOO_LONG_CODE, str(error))
                raise error
            values.append(value)

        return self._ampStart(keep).addCallback(lambda _: self._ampJoin(values))

    def _ampStart(self, take: Callable[[_T], object]) -> Deferred[Any]:
        delivery = Delivery(self, take)
        delivery.run()
        return delivery.done

    # Ending it.

    def stop(self, code: bytes = STREAM_STOPPED_CODE, text: str = "") -> None:
        """
        Stop the stream: its sender sends no more, and what has arrived is dropped.

        Reading it fails with L{StreamStoppedError} from now on.  After the end, this does nothing.

        @param code: tells the sender why.
        @param text: tells it in words.
        """
        self._ampInbox.stop(code, text)

    async def aclose(self) -> None:
        """Stop the stream; for C{contextlib.aclosing}."""
        self.stop()


@public("amp")
class StreamReader(_Reader[bytes]):
    """
    Reads a stream of bytes.

    Read it in one way: with C{async for}, which gives pieces of any size, or with L{deliverTo} or
    L{collect}.  A stream that is not read waits at its sender; one whose reader is dropped is
    stopped.
    """

    def _ampNext(self) -> Any:
        piece = self._ampInbox.read()
        if piece is None:
            return NOTHING
        self.bytesRead += len(piece)
        return piece

    def _ampJoin(self, values: list[bytes]) -> Any:
        return b"".join(values)


@public("amp")
class ItemReader(_Reader[Any]):
    """
    Reads a stream of items.

    Read it in one way: with C{async for}, or with L{deliverTo} or L{collect}.  An item that cannot
    be read stops the stream, and the error is that of its type.
    """

    def __init__(self, inbox: StreamInbox, elementType: Any, proto: Any) -> None:
        super().__init__(inbox)
        self._ampElementType = elementType
        self._ampProto = proto
        self._ampStrings: deque[bytes] = deque()
        self._ampRest = b""

    def _ampNext(self) -> Any:
        while not self._ampStrings:
            piece = self._ampInbox.read()
            if piece is None:
                return NOTHING
            self.bytesRead += len(piece)
            data = self._ampRest + piece
            strings, end, _ = _accelerate.splitStrings(data, 0, "!H", 2, MAX_VALUE_LENGTH, _EVERY_ITEM)
            self._ampStrings.extend(strings)
            self._ampRest = data[end:]
        try:
            return self._ampElementType.fromStringProto(self._ampStrings.popleft(), self._ampProto)
        except Exception:
            self.stop(STREAM_BAD_ITEM_CODE, "an item could not be read")
            raise

    def _ampJoin(self, values: list[Any]) -> Any:
        return values

    def _ampIsOver(self) -> bool:
        return super()._ampIsOver() and not self._ampStrings

    def _ampFailure(self) -> Failure | None:
        failure = super()._ampFailure()
        if failure is None and self._ampRest:
            return Failure(StreamError(f"the stream ends in an item of which {len(self._ampRest)} bytes have arrived"))
        return failure

    def stop(self, code: bytes = STREAM_STOPPED_CODE, text: str = "") -> None:
        self._ampStrings.clear()
        super().stop(code, text)
