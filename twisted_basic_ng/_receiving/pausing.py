"""
The producer's side of a receiver.

It knows of a receiver only that it has a transport and takes C{dataReceived(b"")} as leave to go on.
"""

from __future__ import annotations

from typing import Any, Protocol

from .._places import public

__all__ = ["_PauseableMixin"]


class _Pauseable(Protocol):
    """What L{_PauseableMixin} is mixed into."""

    paused: bool
    transport: Any

    def dataReceived(self, data: bytes, /) -> Any: ...


@public("basic")
class _PauseableMixin:
    """
    The producer's side of a receiver that can be paused.

    Applications use it as a base of receivers of their own.

    @ivar paused: nothing is delivered while it is true; what comes nevertheless is kept.
    """

    paused = False

    def pauseProducing(self: _Pauseable) -> None:
        """Stop delivering, and reading from the transport."""
        self.paused = True
        self.transport.pauseProducing()

    def resumeProducing(self: _Pauseable) -> None:
        """Go on with what was kept, and with reading."""
        self.paused = False
        self.transport.resumeProducing()
        self.dataReceived(b"")

    def stopProducing(self: _Pauseable) -> None:
        """Stop for good."""
        self.paused = True
        self.transport.stopProducing()
