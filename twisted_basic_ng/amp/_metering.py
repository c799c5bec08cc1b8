"""
Measures how many of the written bytes are not sent yet, on any transport that supports producers.

A transport takes only one producer, and does not close before that one is unregistered.  So the
meter registers itself only while it waits for the bytes to be sent.  It shares the transport with a
producer of the application: that producer registers with L{MeteredTransport}, which the application
sees as its transport.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from zope.interface import directlyProvides, implementer, providedBy

from twisted.internet.interfaces import IPullProducer, IPushProducer, ISSLTransport

__all__ = ["MeteredTransport"]

#: The attributes of the meter itself; every other attribute is the transport's.
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
    A producer that produces nothing, and is told when everything was sent.

    A transport that asks it for bytes has sent everything, except the first time: a transport asks
    a producer as soon as it is registered.  A TLS transport asks again and again.  There, the
    watcher streams, and only its pauses count.

    @ivar isRegistered: whether it is registered with the transport.
    @ivar isPaused: whether the transport has paused it.
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
        """Stop waiting."""
        if self.isRegistered:
            self.isRegistered = False
            self.stopProducing()
            transport.unregisterProducer()

    def checkSoon(self) -> None:
        """
        Check after this turn of the reactor whether there is anything to wait for.

        By then, the bytes that TLS collects during a turn have gone to the transport below it.  If
        they are too many, that transport has paused the watcher.
        """
        if self.isRegistered and self.isStreaming and not self.isPaused and self._delayedCheck is None:
            self._delayedCheck = self.callLater(0, self._check)

    def callLater(self, *args: Any) -> Any:
        """Schedule a call with the reactor."""
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
        """Do nothing: the connection is lost, which is reported elsewhere."""
        delayed, self._delayedCheck = self._delayedCheck, None
        if delayed is not None:
            delayed.cancel()


@implementer(IPushProducer, IPullProducer)
class _SharedProducer:
    """
    The application's producer, whose pauses the meter observes.

    @ivar isStreaming: whether it is paused and resumed; if not, it is asked for bytes whenever the
        last ones were sent.
    @ivar isPaused: whether the transport has paused it.
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
        if self._wasToldToPause:  # the transport may refer to an earlier producer
            self._sent()
            if not self.isPaused:  # the bytes just sent may have paused it
                self._wasToldToPause = False
                self._producer.resumeProducing()

    def stopProducing(self) -> None:
        self._producer.stopProducing()


def _doNothing() -> None:
    """Do nothing."""


class MeteredTransport:
    """
    A transport that counts the bytes that are not sent yet.

    In every other respect, it behaves like the transport that it wraps.

    @ivar wrapped: the wrapped transport.
    @ivar _ampIsClosing: whether the connection is being closed.
    @ivar unsent: how many bytes were written since everything was last known to be sent, apart from
        the bytes that the transport buffers itself, usually 64 KiB.
    """

    def __init__(
        self, transport: Any, limit: int | None, onSent: Callable[[], object], onClosing: Callable[[], object]
    ) -> None:
        """
        Wrap a transport.

        @param limit: how many bytes may wait to be sent; C{None} for no limit.
        @param onSent: called when more bytes than that have waited, and have been sent.
        @param onClosing: called instead if the connection is then to be closed; called at once if
            nothing waits.
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
            # Code that hands a connection over sets its protocol.
            setattr(self.wrapped, name, value)

    def __repr__(self) -> str:
        return repr(self.wrapped)  # applications log it

    def write(self, data: bytes) -> None:
        """Write, and count the bytes."""
        self.unsent += len(data)
        if self._limit is None or self.unsent <= self._limit:
            self.wrapped.write(data)
            return
        self._wait()  # before writing, since a transport tells only then whether it has too much
        self.wrapped.write(data)
        self._sendingWatcher.checkSoon()

    def writeSequence(self, data: Iterable[bytes]) -> None:
        """Write, and count the bytes."""
        self.write(b"".join(data))

    def isOver(self) -> bool:
        """Whether more bytes wait to be sent than the limit allows."""
        if self._limit is None or self.unsent <= self._limit:
            return False
        if self._sharedProducer is not None and self._sharedProducer.isStreaming and not self._sharedProducer.isPaused:
            self.unsent = 0  # the transport buffers no more of it than it wants
            return False
        return True

    def _wait(self) -> None:
        """Wait until everything is sent, unless something waits already."""
        if self._sharedProducer is not None or self._sendingWatcher.isRegistered:
            return
        try:
            self._sendingWatcher.register(self.wrapped)
        except (AttributeError, RuntimeError):
            # Either a producer was registered directly with the transport, and has to take care of
            # this.  Or the connection is lost: a transport that has started TLS then has no
            # protocol that would take a producer.
            self.unsent = 0

    def _sent(self) -> None:
        self._sendingWatcher.unregister(self.wrapped)
        self.unsent = 0
        if self._ampIsClosing:
            self._onClosing()
        else:
            self._onSent()

    # The application's producer.

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer of the application."""
        waited = self._sendingWatcher.isRegistered
        self._sendingWatcher.unregister(self.wrapped)
        previous = self._sharedProducer
        # The producer may write as soon as it is registered.
        self._sharedProducer = shared = _SharedProducer(producer, streaming, self._sent)
        try:
            self.wrapped.registerProducer(shared, streaming)
        except BaseException:
            self._sharedProducer = previous
            raise
        if waited and streaming:
            self._sent()  # nothing else would report it; if it is too early, the next bytes will

    def unregisterProducer(self) -> None:
        """Unregister the application's producer."""
        shared, self._sharedProducer = self._sharedProducer, None
        if shared is None:
            return
        self.wrapped.unregisterProducer()
        if shared.isStreaming and not shared.isPaused:
            self.unsent = 0
        if self._limit is not None and self.unsent > self._limit:
            self._wait()  # nothing else would report it
            self._sendingWatcher.checkSoon()
        elif self._ampIsClosing:
            self._onClosing()

    # Changes of the connection.

    def startTLS(self, *args: Any) -> None:
        """
        Start TLS.

        The transport takes its producer along, but not whether it has paused it.  So the producer
        starts over.
        """
        self._sendingWatcher.unregister(self.wrapped)
        self.unsent = 0
        self.wrapped.startTLS(*args)
        directlyProvides(self, providedBy(self.wrapped))
        if self._sharedProducer is not None and self._sharedProducer.isPaused:
            self._sharedProducer.resumeProducing()

    def _ampForget(self) -> None:
        """Stop all notifications, because the connection is lost."""
        self._sendingWatcher.stopProducing()
        self._onSent = self._onClosing = _doNothing

    def unwrap(self) -> Any:
        """
        Detach from the transport.

        @return: the transport.
        """
        self._sendingWatcher.unregister(self.wrapped)
        self._limit = None
        return self.wrapped

    def loseConnection(self, *args: Any) -> None:
        """Close the connection when everything is sent."""
        self.wrapped.loseConnection(*args)
        self._close()

    def stopProducing(self) -> None:
        """The same as L{loseConnection}, for callers that see this object as a producer."""
        self.wrapped.stopProducing()
        self._close()

    def _close(self) -> None:
        self._ampIsClosing = True
        if not self._sendingWatcher.isRegistered and self._sharedProducer is None:
            self._onClosing()
