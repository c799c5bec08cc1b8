"""
Sending a file, chunk by chunk, as fast as the consumer takes it.

It knows of the file only that it can be read, and of the consumer what C{IConsumer} says.
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
    """A file, as far as L{FileSender} needs one."""

    def read(self, size: int, /) -> bytes: ...


# Differs from Twisted: it says that it is a pull producer; every way to end fires its Deferred, and unregisters it.


@implementer(IPullProducer)
@public("basic")
class FileSender:
    """
    A pull producer that sends what it reads from a file.

    The file stays open, and its owner's, whatever happens.

    @cvar CHUNK_SIZE: how many bytes to read at once.
    @ivar lastSent: the last byte that was written to the consumer, C{""} before the first one.
    @ivar deferred: what L{beginFileTransfer} returned, while the transfer goes on.
    @ivar file: what is read from, while the transfer goes on.
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
        Register with C{consumer} and send it what C{file} gives, from where it stands to its end.

        @param file: anything with a C{read(size)} that returns bytes, and none of them at the end.
        @param transform: called with each chunk, returns what to write in its place.
        @return: fires with the last byte written (C{""} for an empty file), or fails with what C{read},
            C{transform} or C{consumer} raised, with an C{Exception} when the consumer stops the transfer, with
            C{CancelledError} when it is cancelled.
        """
        # Differs from Twisted: a consumer that refuses leaves what is under way alone.
        before = dict(vars(self))
        self.file = file
        self.consumer = consumer
        self.transform = transform
        self.deferred = deferred = Deferred[bytes | str](self._senderCancelled)
        try:
            consumer.registerProducer(self, False)
        except BaseException:
            if self.deferred is deferred:  # nothing was begun, and what was under way goes on
                vars(self).clear()
                vars(self).update(before)
            raise
        return deferred

    def resumeProducing(self) -> None:
        """Send one chunk, or end the transfer where there is none."""
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
        """Leave the consumer and the file, and say how it went; only the first time."""
        if self.file is None and self.deferred is None:
            return
        self.file = None
        deferred, self.deferred = self.deferred, None
        try:
            self.consumer.unregisterProducer()
        finally:
            if deferred is not None and not deferred.called:  # what is told of the end may cancel
                deferred.callback(result)

    def _senderCancelled(self, deferred: Deferred[bytes | str]) -> None:
        """End the transfer that C{deferred} is of, if it is still the one under way."""
        if self.deferred is deferred:
            self._senderStop(Failure(CancelledError()))  # which fires it, whatever the consumer raises

    def pauseProducing(self) -> None:
        """Nothing: it sends only when it is asked to."""

    def stopProducing(self) -> None:
        """End the transfer before its end: the consumer takes no more."""
        self._senderStop(Failure(Exception("Consumer asked us to stop producing")))

    def _senderStop(self, why: Failure) -> None:
        """End the transfer; a consumer that fails to let go does not trouble whoever stops it."""
        try:
            self._senderEnd(why)
        except Exception:
            log.err(None, "while unregistering a producer that was stopped")
