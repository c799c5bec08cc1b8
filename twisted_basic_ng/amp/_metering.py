"""
Knowing how much of what was written was not sent yet, on any transport that takes producers.

A transport takes one producer, and waits with closing until that one is gone.  So the meter registers itself only
while it waits for the bytes to go out, and shares the transport with a producer of the application's: that
registers with L{MeteredTransport}, which is what the application then has for its transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from zope.interface import directlyProvides, implementer, providedBy

from twisted.internet.interfaces import IPullProducer, IPushProducer

__all__ = ["MeteredTransport"]


@implementer(IPullProducer)
class _Waiter:
    """Is told when everything was sent; it produces nothing."""

    def __init__(self, sent: Callable[[], object]) -> None:
        self._sent = sent
        self.isRegistered = False

    def resumeProducing(self) -> None:
        if self.isRegistered:  # a transport that registers a pull producer asks it for bytes at once
            self._sent()

    def stopProducing(self) -> None:
        """The connection is gone; whoever waits will be told so in other ways."""


@implementer(IPushProducer, IPullProducer)
class _Shared:
    """The application's producer, at whose pauses the meter looks."""

    def __init__(self, producer: Any, meter: MeteredTransport) -> None:
        self._producer = producer
        self._meter = meter
        self.isPaused = False

    def pauseProducing(self) -> None:
        self.isPaused = True
        self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        self.isPaused = False
        self._meter._sent()
        self._producer.resumeProducing()

    def stopProducing(self) -> None:
        self._producer.stopProducing()


class MeteredTransport:
    """
    A transport that counts what is not sent yet.

    In every other respect it is the one that it wraps.

    @ivar wrapped: that one.
    @ivar unsent: how many bytes were written since it was last known that everything, but for what the transport
        keeps itself, was sent: 64 KiB, usually.
    """

    def __init__(self, transport: Any, onSent: Callable[[], object]) -> None:
        self.wrapped = transport
        self.unsent = 0
        self._onSent = onSent
        self._waiter = _Waiter(self._sent)
        self._shared: _Shared | None = None
        directlyProvides(self, providedBy(transport))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)

    def write(self, data: bytes) -> None:
        """Write, and count."""
        self.unsent += len(data)
        self.wrapped.write(data)

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Write, and count."""
        self.write(b"".join(data))

    def isOver(self, limit: int) -> bool:
        """
        Do more than C{limit} bytes wait to be sent?

        Where they do, C{onSent} is called when they have gone out.
        """
        if self.unsent <= limit:
            return False
        if self._shared is not None:
            if not self._shared.isPaused:
                self.unsent = 0  # what the transport has of it is no more than it wants to have
                return False
        elif not self._waiter.isRegistered:
            self.wrapped.registerProducer(self._waiter, False)
            self._waiter.isRegistered = True
        return True

    def _sent(self) -> None:
        self._leave()
        self.unsent = 0
        self._onSent()

    def _leave(self) -> None:
        if self._waiter.isRegistered:
            self._waiter.isRegistered = False
            self.wrapped.unregisterProducer()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer of the application's."""
        waited = self._waiter.isRegistered
        self._leave()
        shared = _Shared(producer, self)
        self.wrapped.registerProducer(shared, streaming)
        self._shared = shared
        if waited:
            self._sent()  # nothing would tell of it any more; if it is too early, the next bytes will tell

    def unregisterProducer(self) -> None:
        """Unregister it."""
        self._shared = None
        self.wrapped.unregisterProducer()
