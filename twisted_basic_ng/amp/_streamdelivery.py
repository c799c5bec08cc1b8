"""
Giving what arrives of a stream to a function, a consumer or a protocol.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocol, IPushProducer, ITransport
from twisted.python.failure import Failure

if TYPE_CHECKING:
    from ._types import DeliveringReader

__all__ = ["NOTHING", "Delivery", "deliver"]

#: Stands for a value that has not arrived.
NOTHING: Final = object()

#: Stands for an end that was told already.
_TOLD: Final = object()


@implementer(IPushProducer)
class Delivery:
    """
    Gives the values of a stream to a function.

    @ivar done: fires at the end of the stream.
    """

    def __init__(self, reader: DeliveringReader, take: Callable[[Any], object]) -> None:
        self._reader = reader
        self._take = take
        self._isPaused = self._isRunning = False
        self.onEnd: Callable[[Failure | None], object] = _ignore
        self.done: Deferred[Any] = Deferred(self._cancelled)
        reader._ampDelivery = self
        reader._ampInbox.onArrival = self.run

    def run(self) -> None:
        """Give what has arrived, unless it is paused."""
        if self._isRunning or self.done.called:
            return
        self._isRunning = True
        try:
            self._giveAll()
        except Exception:
            failure = Failure()
            self._reader.stop()
            self._end(failure)
        finally:
            self._isRunning = False
        if not self._isPaused and self._reader._ampIsOver():
            self._end(self._reader._ampFailure())

    def _giveAll(self) -> None:
        while not self._isPaused and not self.done.called:
            value = self._reader._ampNext()
            if value is NOTHING:
                return
            self._take(value)

    def _end(self, failure: Failure | None) -> None:
        """Fire C{done}, unless that was done or is being done."""
        error = self._tellEnd(failure)
        if error is not _TOLD and not self.done.called:
            self.done.callback(error)

    def _tellEnd(self, failure: Failure | None) -> Any:
        """
        Let the reader go, and tell the target, unless that was done.

        @return: what C{done} is to fire with; L{_TOLD} if it was done.
        """
        reader = self._reader
        if reader._ampDelivery is not self:
            return _TOLD
        reader._ampDelivery = reader._ampInbox.onArrival = None
        try:
            self.onEnd(failure)
        except Exception:
            return failure or Failure()
        return failure

    def _cancelled(self, done: Deferred[Any]) -> None:
        """Stop the stream.  The C{Deferred} then fails by itself, since it is being cancelled."""
        self._reader._ampInbox.onArrival = None
        self._reader.stop()
        self._tellEnd(self._reader._ampFailure())

    def pauseProducing(self) -> None:
        self._isPaused = True

    def resumeProducing(self) -> None:
        self._isPaused = False
        self.run()

    def stopProducing(self) -> None:
        self._isPaused = False
        self._reader.stop()


def _ignore(failure: Failure | None) -> None:
    """Do nothing at the end."""


def deliver(reader: DeliveringReader, target: Any) -> Deferred[None]:
    """Give the values of a stream to a protocol or a consumer, and return a C{Deferred} of its end."""
    if IProtocol.providedBy(target):
        delivery = Delivery(reader, target.dataReceived)
        delivery.onEnd = lambda failure: target.connectionLost(failure or Failure(ConnectionDone()))
        target.makeConnection(_StreamTransport(delivery))
    else:
        delivery = Delivery(reader, target.write)
        delivery.onEnd = lambda _: target.unregisterProducer()
        target.registerProducer(delivery, True)
    delivery.run()
    return delivery.done


@implementer(ITransport, IPushProducer)
class _StreamTransport:
    """
    The transport of a protocol that is given a stream: it can be paused and closed, not written to.
    """

    disconnecting = False

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self.pauseProducing = delivery.pauseProducing
        self.resumeProducing = delivery.resumeProducing

    def loseConnection(self) -> None:
        """Stop the stream."""
        self.disconnecting = True
        self._delivery.stopProducing()

    abortConnection = stopProducing = loseConnection

    def write(self, data: bytes) -> None:
        """Refuse: a stream goes in one direction."""
        raise NotImplementedError("a stream that is received cannot be written to")

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Refuse: a stream goes in one direction."""
        self.write(b"".join(data))

    def getPeer(self) -> Any:
        """Return a placeholder for the address of the peer."""
        return "stream"

    def getHost(self) -> Any:
        """Return a placeholder for the address of this side."""
        return "stream"
