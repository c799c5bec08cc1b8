"""
Sends a file, chunk by chunk, as fast as the consumer takes it.

All that this file knows is that the file has a C{read} method, and that the consumer provides
C{IConsumer}.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from zope.interface import implementer

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IConsumer, IPullProducer
from twisted.python import log
from twisted.python.failure import Failure

from ._places import public

__all__ = ["FileSender"]


class _Readable(Protocol):
    """The part of a file's interface that L{FileSender} needs."""

    def read(self, size: int, /) -> bytes: ...


# Differs from Twisted: it declares itself a pull producer.  Its Deferred fires however the transfer
# ends, and every end unregisters it.


@implementer(IPullProducer)
@public("basic")
class FileSender:
    """
    A pull producer that sends what it reads from a file.

    It never closes the file: that is up to you.

    @cvar CHUNK_SIZE: how many bytes to read at once.
    @ivar lastSent: the last byte that was written to the consumer; C{""} before the first byte.
    @ivar deferred: the Deferred that L{beginFileTransfer} returned, during the transfer.
    @ivar file: the file, during the transfer.
    """

    CHUNK_SIZE = 2**14

    lastSent: bytes | str = ""
    deferred: Deferred[bytes | str] | None = None
    file: _Readable | None = None

    def beginFileTransfer(
        self,
        file: _Readable,
        consumer: IConsumer,
        transform: Callable[[bytes], bytes] | None = None,
    ) -> Deferred[bytes | str]:
        """
        Register with C{consumer} and send it C{file}, from its current position to its end.

        @param file: an object with a C{read(size)} method that returns bytes, and C{b""} at the
            end.
        @param transform: called with each chunk; returns the bytes to write instead.
        @return: fires with the last byte written, C{""} for an empty file.  It fails with the error
            that C{read}, C{transform} or C{consumer} raised; with an C{Exception} if the consumer
            stops the transfer; with C{CancelledError} if you cancel it.
        """
        # Differs from Twisted: if the consumer refuses, a transfer in progress continues.
        transferInProgress = dict(vars(self))
        self.file = file
        self.consumer = consumer
        self.transform = transform
        self.deferred = deferred = Deferred[bytes | str](self._senderCancelled)
        try:
            consumer.registerProducer(self, False)
        except BaseException:
            if self.deferred is deferred:  # restore the transfer in progress
                vars(self).clear()
                vars(self).update(transferInProgress)
            raise
        return deferred

    def resumeProducing(self) -> None:
        """Send one chunk, or end the transfer at the end of the file."""
        try:
            chunk = self.file.read(self.CHUNK_SIZE) if self.file is not None else b""
            if chunk:
                self._senderSend(chunk)
                return
        except BaseException:
            self._senderEnd(Failure())
            return
        self._senderEnd(self.lastSent)

    def _senderSend(self, chunk: bytes) -> None:
        if self.transform:
            chunk = self.transform(chunk)
        # Set first, because a consumer may ask for the next chunk before its write returns.
        self.lastSent = chunk[-1:]
        self.consumer.write(chunk)

    def _senderEnd(self, result: bytes | str | Failure) -> None:
        """
        Let go of the file, unregister from the consumer and fire the Deferred, unless that was done
        already.
        """
        if self.file is None and self.deferred is None:
            return
        self.file = None
        deferred, self.deferred = self.deferred, None
        try:
            self.consumer.unregisterProducer()
        finally:
            if deferred is not None and not deferred.called:  # unregistering may have cancelled it
                deferred.callback(result)

    def _senderCancelled(self, deferred: Deferred[bytes | str]) -> None:
        """End the transfer of C{deferred}, if it is still in progress."""
        if self.deferred is deferred:
            self._senderStop(Failure(CancelledError()))  # fires it, even if the consumer raises

    def pauseProducing(self) -> None:
        """Do nothing: a pull producer sends only on request."""

    def stopProducing(self) -> None:
        """End the transfer early: the consumer takes no more data."""
        self._senderStop(Failure(Exception("Consumer asked us to stop producing")))

    def _senderStop(self, why: Failure) -> None:
        """End the transfer with C{why}; log an error that the consumer raises."""
        try:
            self._senderEnd(why)
        except Exception:
            log.err(None, "while unregistering a producer that was stopped")
