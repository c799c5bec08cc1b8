"""
Knowing how much of what was written was not sent yet, on any transport that takes producers.

A transport takes one producer, and waits with closing until that one is gone.  So the meter registers itself only
while it waits for the bytes to go out, and shares the transport with a producer of the application's: that
registers with L{MeteredTransport}, which is what the application then has for its transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from zope.interface import directlyProvides, implementer, providedBy

from twisted.internet.interfaces import IPullProducer, IPushProducer, ISSLTransport

__all__ = ["MeteredTransport"]

#: What a meter has for itself; every other attribute is the transport's.
_OWN_ATTRIBUTES: Final = frozenset(
    (
        "wrapped",
        "unsent",
        "_limit",
        "_onSent",
        "_onClosing",
        "_ampIsClosing",
        "_sendingWatcher",
        "_sharedProducer",
        "__provides__",
    )
)


@implementer(IPushProducer, IPullProducer)
class _SendingWatcher:
    """
    Is told when everything was sent; it produces nothing.

    Asked for bytes, it knows that all were sent, but for the first time: a transport asks at once whom it registers.
    TLS's asks over and over; there, the waiter streams, and what counts is whether it is paused.

    @ivar isRegistered: with the transport.
    @ivar isPaused: the transport has enough.
    """

    def __init__(self, sent: Callable[[], object]) -> None:
        self._sent = sent
        self.isRegistered = self.isStreaming = self.isPaused = self._wasAsked = False
        self._delayedCheck: Any = None

    def register(self, transport: Any) -> None:
        """
        Begin to wait.

        @raise RuntimeError: the transport has a producer.
        """
        self.isPaused = self._wasAsked = False
        self.isStreaming = ISSLTransport.providedBy(transport)
        transport.registerProducer(self, self.isStreaming)
        self.isRegistered = True

    def unregister(self, transport: Any) -> None:
        """Wait no more."""
        if self.isRegistered:
            self.isRegistered = False
            self.stopProducing()
            transport.unregisterProducer()

    def checkSoon(self) -> None:
        """
        See after this turn of the reactor whether there is something to wait for.

        By then, what TLS gathers for a turn has gone to the transport below it, which has paused us if it is too much.
        """
        if self.isRegistered and self.isStreaming and not self.isPaused and self._delayedCheck is None:
            self._delayedCheck = self.callLater(0, self._check)

    def callLater(self, *args: Any) -> Any:
        """Have something done later."""
        from twisted.internet import reactor

        return reactor.callLater(*args)

    def _check(self) -> None:
        self._delayedCheck = None
        if not self.isPaused:
            self._sent()

    def pauseProducing(self) -> None:
        self.isPaused = True

    def resumeProducing(self) -> None:
        self.isPaused = False
        if self.isStreaming or self._wasAsked:
            self._sent()
        self._wasAsked = True

    def stopProducing(self) -> None:
        """The connection is gone; whoever waits will be told so in other ways."""
        delayed, self._delayedCheck = self._delayedCheck, None
        if delayed is not None:
            delayed.cancel()


@implementer(IPushProducer, IPullProducer)
class _SharedProducer:
    """
    The application's producer, at whose pauses the meter looks.

    @ivar isStreaming: it is paused and resumed; else it is asked for bytes whenever the last ones were sent.
    @ivar isPaused: the transport has enough.
    """

    def __init__(self, producer: Any, isStreaming: bool, sent: Callable[[], object]) -> None:
        self._producer = producer
        self._sent = sent
        self.isStreaming = isStreaming
        self.isPaused = False
        self._wasToldToPause = False
        self._wasAsked = False

    def pauseProducing(self) -> None:
        self.isPaused = True
        if not self._wasToldToPause:
            self._wasToldToPause = True
            self._producer.pauseProducing()

    def resumeProducing(self) -> None:
        self.isPaused = False
        if self.isStreaming:
            self._resume()
            return
        if self._wasAsked:
            self._sent()
        self._wasAsked = True
        self._producer.resumeProducing()

    def _resume(self) -> None:
        if self._wasToldToPause:  # the transport may mean one that it had before
            self._sent()
            if not self.isPaused:  # by what was sent now
                self._wasToldToPause = False
                self._producer.resumeProducing()

    def stopProducing(self) -> None:
        self._producer.stopProducing()


def _doNothing() -> None:
    """Tell nobody."""


class MeteredTransport:
    """
    A transport that counts what is not sent yet.

    In every other respect it is the one that it wraps.

    @ivar wrapped: that one.
    @ivar _ampIsClosing: the connection is to be closed.
    @ivar unsent: how many bytes were written since it was last known that everything, but for what the transport
        keeps itself, was sent: 64 KiB, usually.
    """

    def __init__(
        self, transport: Any, limit: int | None, onSent: Callable[[], object], onClosing: Callable[[], object]
    ) -> None:
        """
        Wrap a transport.

        @param limit: how many bytes may wait to be sent; C{None} for any number.
        @param onSent: is called when more did, and they have gone out.
        @param onClosing: is called instead where the connection is to be closed then, or else at once.
        """
        self.wrapped = transport
        self.unsent = 0
        self._limit = limit if hasattr(transport, "registerProducer") else None
        self._onSent = onSent
        self._onClosing = onClosing
        self._ampIsClosing = False
        self._sendingWatcher = _SendingWatcher(self._sent)
        self._sharedProducer: _SharedProducer | None = None
        directlyProvides(self, providedBy(transport))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.wrapped, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _OWN_ATTRIBUTES:
            object.__setattr__(self, name, value)
        else:
            setattr(self.wrapped, name, value)  # who hands a connection over sets its protocol

    def __repr__(self) -> str:
        return repr(self.wrapped)  # which applications log

    def write(self, data: bytes) -> None:
        """Write, and count."""
        self.unsent += len(data)
        if self._limit is None or self.unsent <= self._limit:
            self.wrapped.write(data)
            return
        self._wait()  # before it is written: whether that is too much, a transport says only then
        self.wrapped.write(data)
        self._sendingWatcher.checkSoon()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Write, and count."""
        self.write(b"".join(data))

    def isOver(self) -> bool:
        """Do more bytes wait to be sent than may?"""
        if self._limit is None or self.unsent <= self._limit:
            return False
        if self._sharedProducer is not None and self._sharedProducer.isStreaming and not self._sharedProducer.isPaused:
            self.unsent = 0  # what the transport has of it is no more than it wants to have
            return False
        return True

    def _wait(self) -> None:
        """Wait for everything to be sent, if nothing does so yet."""
        if self._sharedProducer is not None or self._sendingWatcher.isRegistered:
            return
        try:
            self._sendingWatcher.register(self.wrapped)
        except RuntimeError:
            self.unsent = 0  # there is a producer that was registered past us: it has to see to this

    def _sent(self) -> None:
        self._sendingWatcher.unregister(self.wrapped)
        self.unsent = 0
        if self._ampIsClosing:
            self._onClosing()
        else:
            self._onSent()

    # The application's producer.

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer of the application's."""
        waited = self._sendingWatcher.isRegistered
        self._sendingWatcher.unregister(self.wrapped)
        previous = self._sharedProducer
        self._sharedProducer = shared = _SharedProducer(producer, streaming, self._sent)  # which may write at once
        try:
            self.wrapped.registerProducer(shared, streaming)
        except BaseException:
            self._sharedProducer = previous
            raise
        if waited and streaming:
            self._sent()  # nothing would tell of it any more; if it is too early, the next bytes will tell

    def unregisterProducer(self) -> None:
        """Unregister it."""
        shared, self._sharedProducer = self._sharedProducer, None
        if shared is None:
            return
        self.wrapped.unregisterProducer()
        if shared.isStreaming and not shared.isPaused:
            self.unsent = 0
        if self._limit is not None and self.unsent > self._limit:
            self._wait()  # nothing else would tell of it
            self._sendingWatcher.checkSoon()
        elif self._ampIsClosing:
            self._onClosing()

    # What becomes of the connection.

    def startTLS(self, *args: Any) -> None:
        """
        Start TLS.

        A transport that does so takes its producer along, but not what it has told it; so it begins anew.
        """
        self._sendingWatcher.unregister(self.wrapped)
        self.unsent = 0
        self.wrapped.startTLS(*args)
        directlyProvides(self, providedBy(self.wrapped))
        if self._sharedProducer is not None and self._sharedProducer.isPaused:
            self._sharedProducer.resumeProducing()

    def _ampForget(self) -> None:
        """The connection is gone: nobody is told anything any more."""
        self._sendingWatcher.stopProducing()
        self._onSent = self._onClosing = _doNothing

    def unwrap(self) -> Any:
        """
        Have no more to do with it.

        @return: the transport.
        """
        self._sendingWatcher.unregister(self.wrapped)
        self._limit = None
        return self.wrapped

    def loseConnection(self, *args: Any) -> None:
        """Close the connection when everything was sent."""
        self.wrapped.loseConnection(*args)
        self._close()

    def stopProducing(self) -> None:
        """The same, for who looks at it as a producer."""
        self.wrapped.stopProducing()
        self._close()

    def _close(self) -> None:
        self._ampIsClosing = True
        if not self._sendingWatcher.isRegistered and self._sharedProducer is None:
            self._onClosing()
