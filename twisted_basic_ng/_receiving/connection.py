"""
What a receiver knows of its connection: the transport, whether TLS may start, whether a delivery is
in progress, which limits the peer has exceeded, and how long it takes.

A receiver without a connection yet has the same object, with C{None} for a transport.  This file
finds no frames.
"""

from __future__ import annotations

from math import inf
from typing import Any, Final

from .backlog import Backlog
from .pins import Pins

__all__ = ["Connection", "Dropped", "abort", "describePeer"]

#: How many bytes a dropped peer may still send before its connection is aborted.
_PATIENCE: Final = 65536

#: How many bytes are accepted after an application has closed the connection, and how many of them
#: are kept, in both cases besides one message.  Answers may still be in flight, some megabytes of
#: them on a fast and long line.
_AFTER_CLOSE: Final = 16 * 2**20
_KEPT_AFTER_CLOSE: Final = 2**18


class _Never:
    """Stands for a transport that never starts TLS, and never tells that it is closing."""

    __slots__ = ("TLS", "disconnecting")

    def __init__(self) -> None:
        self.TLS = self.disconnecting = False


_NEVER: Final = _Never()


class Connection:
    """
    A connection as its receiver sees it.

    @ivar backlog: the bytes that the receiver has not delivered yet.
    @ivar transport: the transport that they came from.
    @ivar plainTransport: the transport below it that may still change to TLS, by its flag C{TLS}.
    @ivar closingTransport: the transport, which tells by its flag C{disconnecting} that it is
        closing.  If there is no such transport, either has an object in its place whose flags are
        always false.
    @ivar isDelivering: whether a delivery is in progress.
    @ivar isReentered: whether C{dataReceived} was called during the delivery.
    @ivar pins: the attributes that are cached on the receiver, for speed.
    @ivar hasStruck: whether the peer has exceeded a limit, which was logged.
    @ivar timer: fires when the unfinished message takes too long, if there is a limit.
    @ivar hasDelivered: whether a message was delivered since the timer was last checked.
    """

    __slots__ = (
        "_afterClose",
        "backlog",
        "closingTransport",
        "hasDelivered",
        "hasStruck",
        "isDelivering",
        "isReentered",
        "pins",
        "plainTransport",
        "timer",
        "transport",
    )

    def __init__(self, backlog: Backlog) -> None:
        self.backlog = backlog
        self.transport: Any = None
        self.plainTransport: Any = _NEVER
        self.closingTransport: Any = _NEVER
        self.isDelivering = False
        self.isReentered = False
        self.pins: Pins | None = None
        self.hasStruck = False
        self.timer: Any = None
        self.hasDelivered = False
        self._afterClose: float = 0

    def attach(self, transport: Any) -> None:
        """Read the properties of a new transport.  Bytes left from an earlier one are kept."""
        self.transport = transport
        self.plainTransport = _mayTurnToTLS(transport) or _NEVER
        self.closingTransport = transport if hasattr(transport, "disconnecting") else _NEVER
        self._afterClose = 0

    def leavePlaintext(self) -> Any:
        """Note that TLS has started, if it can.  Return the transport that has changed to it."""
        upgraded, self.plainTransport = self.plainTransport, _NEVER
        return upgraded

    def forgetTransport(self) -> None:
        """Drop the references to a transport whose connection is lost."""
        self.transport = None
        self.plainTransport = self.closingTransport = _NEVER

    def addMeanwhile(self, data: bytes) -> None:
        """Keep bytes that arrive during a delivery."""
        self.isReentered = True
        # This converts anything with a buffer to bytes, without copying bytes.  It raises for
        # anything else.
        data = b"" + data
        if data:
            self.backlog.addMeanwhile(data)

    def acceptAfterClose(self, data: bytes, limit: float, kept: int) -> bytes:
        """
        Accept only a limited number of bytes after an application has closed the connection.

        A peer that never answers TLS's close_notify keeps such a connection open, and may send
        more.

        @param limit: the size of the largest message, in bytes.
        @param kept: how many undelivered bytes there are.
        @return: the part of C{data} to accept.
        """
        if self._afterClose == inf:
            return b""
        room = min(_AFTER_CLOSE - self._afterClose, _KEPT_AFTER_CLOSE - kept) + limit
        if not len(data) > room:  # a limit that is not a number is no limit
            self._afterClose += len(data)
            return data
        self._afterClose = inf
        return data[: max(int(room), 0)]

    def stopTimer(self) -> None:
        """Stop the timer, because no message is in progress."""
        timer, self.timer = self.timer, None
        if timer is not None and timer.active():
            timer.cancel()


class Dropped(Connection):
    """
    The connection of a receiver that has dropped its peer.  It keeps nothing and delivers nothing.

    As far as the receiver can tell, a delivery is in progress that never ends.  Its backlog is
    empty.

    @ivar patience: how many more bytes the peer may send before the connection is aborted.
    """

    __slots__ = ("patience",)

    def __init__(self, backlog: Backlog, transport: object) -> None:
        super().__init__(backlog)
        self.transport = transport
        self.isDelivering = True
        self.patience = _PATIENCE

    def addMeanwhile(self, data: bytes) -> None:
        """Count C{data}.  The connection is aborted when the peer has sent too much."""
        if 0 <= self.patience < len(data) and self.transport is not None:
            abort(self.transport)
        self.patience -= len(data)


def abort(transport: Any) -> None:
    """Abort the connection if C{transport} supports that, else close it."""
    getattr(transport, "abortConnection", transport.loseConnection)()


def _mayTurnToTLS(transport: Any) -> Any:
    """
    Find the transport that C{startTLS} would change, below the wrappers around it; C{None} if there
    is none.
    """
    while _isWrapper(transport):
        if hasattr(type(transport), "getPeerCertificate"):
            return None  # the wrapper is the TLS layer itself
        transport = transport.transport
    return transport if getattr(transport, "TLS", None) is False else None


def _isWrapper(transport: Any) -> bool:
    """
    Whether C{transport} wraps another one.

    The test needs C{transport}'s own attribute, since a wrapper also shows those of the wrapped
    transport.  It does not read C{__dict__}: CPython 3.11 creates that on first access, and then
    reads every attribute of the transport more slowly.
    """
    try:
        object.__getattribute__(transport, "wrappedProtocol")
    except AttributeError:
        return False
    return True


def describePeer(transport: Any) -> str:
    """Describe the peer for the log, even if the transport cannot."""
    try:
        return str(transport.getPeer())
    except Exception:  # a failure to describe the peer must not keep its connection open
        return "an unknown peer"
