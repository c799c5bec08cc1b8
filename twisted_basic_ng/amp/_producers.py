"""
The producers that a meter registers with a transport.

A transport takes one producer.  L{SendingWatcher} only waits for the transport to send everything.
L{SharedProducer} stands for a producer of the application, and tells the meter the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from zope.interface import implementer

from twisted.internet.interfaces import IPullProducer, IPushProducer, ISSLTransport

__all__ = ["SendingWatcher", "SharedProducer"]


@implementer(IPushProducer, IPullProducer)
class SendingWatcher:
    """
    A producer that produces nothing, and is told when everything was sent.

    A transport that asks it for bytes has sent everything, except the first time: a transport asks
    a producer as soon as it is registered.  A TLS transport asks again and again.  There, the
    watcher streams, and only its pauses count.

    @ivar listener: what is to be called when everything is sent; C{None} for nothing.
    @ivar delayedListener: the call that tells it later, if nothing else will.
    @ivar isRegistered: whether it is registered with the transport.
    @ivar isPaused: whether the transport has paused it.
    """

    def __init__(self, sent: Callable[[], object]) -> None:
        self._sent = sent
        self.listener: Callable[[], object] | None = None
        self.isRegistered = self.isStreaming = self.isPaused = self._wasAsked = False
        self._delayedCheck: Any = None
        self.delayedListener: Any = None

    def forgetListener(self) -> None:
        """Tell the listener nothing any more."""
        self.listener = None
        self.cancelListener()

    def cancelListener(self) -> None:
        """Do not tell the listener later."""
        delayed, self.delayedListener = self.delayedListener, None
        if delayed is not None:
            delayed.cancel()

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
class SharedProducer:
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
