"""
The producer interface of a receiver.

All it knows of a receiver is that it has a transport, and that C{dataReceived(b"")} resumes the
delivery.
"""

from __future__ import annotations

from typing import Any, Protocol

from .._places import public

__all__ = ["_PauseableMixin"]


class _Pauseable(Protocol):
    """The interface that L{_PauseableMixin} needs of a receiver."""

    paused: bool
    transport: Any

    def dataReceived(self, data: bytes, /) -> Any: ...


@public("basic")
class _PauseableMixin:
    """
    The producer interface of a receiver that can be paused.

    Applications use it as a base of receivers of their own.

    @ivar paused: whether the receiver is paused.  While it is, nothing is delivered, and bytes that
        arrive are kept.
    """

    paused = False

    def pauseProducing(self: _Pauseable) -> None:
        """Stop delivering, and stop reading from the transport."""
        self.paused = True
        self.transport.pauseProducing()

    def resumeProducing(self: _Pauseable) -> None:
        """Deliver the bytes that were kept, and read from the transport again."""
        self.paused = False
        self.transport.resumeProducing()
        self.dataReceived(b"")

    def stopProducing(self: _Pauseable) -> None:
        """Stop delivering for good, and stop the transport."""
        self.paused = True
        self.transport.stopProducing()
