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

from zope.interface import directlyProvides, providedBy

from ._producers import SendingWatcher, SharedProducer

__all__ = ["MeteredTransport"]

#: How soon to look again for a producer that was registered past us, in seconds.
_LATER: Final = 0.05

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
        self._sendingWatcher = SendingWatcher(self._sent)
        self._sharedProducer: SharedProducer | None = None
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

    def writeStream(self, data: bytes) -> None:
        """Write a piece of a stream, which counts for no limit: streams write as it is sent."""
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
        if self._sendingWatcher.listener is not None and not self._isToBeClosed():
            self._tellListener()
            return
        self._sendingWatcher.unregister(self.wrapped)
        self.unsent = 0
        if self._ampIsClosing:
            self._onClosing()
        else:
            self._onSent()

    # Streams, which write as the transport sends.

    def tellWhenSent(self, listener: Callable[[], object]) -> bool:
        """
        Call C{listener} once, when everything is sent.  Write what is to be sent meanwhile after
        this.

        A producer of the application goes first: while it is paused, nothing is to be written.

        @return: whether to write now.
        """
        if self._isToBeClosed():
            return False
        self._sendingWatcher.listener = listener
        shared = self._sharedProducer
        if shared is not None:
            if shared.isStreaming and not shared.isPaused:
                self._tellLater(0)
            return not shared.isPaused
        if not self._sendingWatcher.isRegistered:
            return self._watchForListener()
        return not self._sendingWatcher.isPaused

    def _watchForListener(self) -> bool:
        if not hasattr(self.wrapped, "registerProducer"):
            self._tellLater(0)  # this transport says nothing
            return True
        try:
            self._sendingWatcher.register(self.wrapped)
        except (AttributeError, RuntimeError):
            # A producer was registered directly with the transport: it goes first.  Or the
            # connection is lost, and there will be no listener.
            self._tellLater(_LATER)
            return False
        return not self._sendingWatcher.isPaused

    def tellNoMore(self) -> None:
        """Call the listener no more, which has written nothing."""
        self._sendingWatcher.forgetListener()
        if self._limit is None or self.unsent <= self._limit:
            self._sendingWatcher.unregister(self.wrapped)

    def _tellLater(self, seconds: float) -> None:
        def tell() -> None:
            self._sendingWatcher.delayedListener = None
            self._tellListener()

        self._sendingWatcher.cancelListener()
        self._sendingWatcher.delayedListener = self._sendingWatcher.callLater(seconds, tell)

    def _tellListener(self) -> None:
        """Call the listener.  If it waits again, the watcher stays registered, since that costs."""
        self._sendingWatcher.cancelListener()
        listener, self._sendingWatcher.listener = self._sendingWatcher.listener, None
        if self.unsent:
            self.unsent = 0
        assert listener is not None
        listener()
        if self._sendingWatcher.listener is None and (self._limit is None or self.unsent <= self._limit):
            self._sendingWatcher.unregister(self.wrapped)
        self._onSent()

    def _isToBeClosed(self) -> bool:
        return self._ampIsClosing or bool(getattr(self.wrapped, "disconnecting", False))

    # The application's producer.

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer of the application."""
        waited = self._sendingWatcher.isRegistered
        self._sendingWatcher.unregister(self.wrapped)
        previous = self._sharedProducer
        # The producer may write as soon as it is registered.
        self._sharedProducer = shared = SharedProducer(producer, streaming, self._sent)
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
        if self._sendingWatcher.listener is not None:
            self._tellLater(0)  # nothing else would tell it
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
        self._sendingWatcher.forgetListener()
        self.unsent = 0
        self.wrapped.startTLS(*args)
        directlyProvides(self, providedBy(self.wrapped))
        if self._sharedProducer is not None and self._sharedProducer.isPaused:
            self._sharedProducer.resumeProducing()

    def _ampForget(self) -> None:
        """Stop all notifications, because the connection is lost."""
        self._sendingWatcher.stopProducing()
        self._sendingWatcher.forgetListener()
        self._onSent = self._onClosing = _doNothing

    def unwrap(self) -> Any:
        """
        Detach from the transport.

        @return: the transport.
        """
        self._sendingWatcher.unregister(self.wrapped)
        self._sendingWatcher.forgetListener()
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
