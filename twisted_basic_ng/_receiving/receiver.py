"""
The common base of the receivers in L{twisted_basic_ng.basic}: it takes bytes in, delivers frames,
and drops peers.

L{Receiver} keeps a L{Backlog}, and its subclasses find the frames in it.  It makes three promises
for all of them.

  - Bytes that arrive during a delivery wait for its end.
  - After the receiver has dropped its peer, nothing is parsed or kept, and no callback is called.
  - Bytes that arrived in plaintext are never read as if they had arrived over TLS.

This file knows nothing of frames.
"""

from __future__ import annotations

from math import inf
from operator import length_hint
from typing import Any, ClassVar, Final

from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from .backlog import NOTHING, Backlog
from .pins import Pins, pinFlags

__all__ = ["Dropped", "Receiver", "Undelivered"]

_log = Logger("twisted.protocols.basic")

#: How many bytes a dropped peer may still send before its connection is aborted.
_PATIENCE: Final = 65536

#: How many bytes are accepted after an application has closed the connection, and how many of them
#: are kept, in both cases besides one message.  Answers may still be in flight, some megabytes of
#: them on a fast and long line.
_AFTER_CLOSE: Final = 16 * 2**20
_KEPT_AFTER_CLOSE: Final = 2**18


class Dropped(Backlog):
    """
    The backlog of a receiver that has dropped its peer.  It keeps nothing and delivers nothing.

    @ivar patience: how many more bytes the peer may send before it closes its side.
    """

    __slots__ = ("patience",)

    def __init__(self, transport: object) -> None:
        super().__init__()
        self.transport = transport
        self.busy = True
        self.patience = _PATIENCE

    def replace(self, data: bytes) -> None:
        """Keep nothing."""
        super().replace(b"")

    def put(self, data: bytes) -> None:
        """Count C{data}.  The connection is aborted when the peer has sent too much."""
        if 0 <= self.patience < len(data) and self.transport is not None:
            abort(self.transport)
        self.patience -= len(data)


def abort(transport: Any) -> None:
    """Abort the connection if C{transport} supports that, else close it."""
    getattr(transport, "abortConnection", transport.loseConnection)()


def mayTurnToTLS(transport: Any) -> Any:
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


class Shown:
    """An attribute that shows undelivered bytes."""


class Undelivered(Shown):
    """
    The undelivered bytes, as an attribute that is computed when it is read.

    Assigning to it replaces the bytes, from the next frame on.  Deleting it leaves none.  On the
    class, its value is C{b""}, as in Twisted.
    """

    def __set_name__(self, owner: type[Receiver], name: str) -> None:
        self._receiverName = name

    def __get__(self, receiver: Receiver | None, owner: type[Receiver]) -> bytes:
        if receiver is None:
            return b""
        backlog = receiver._receiverState
        if backlog is None:
            if not receiver._receiverIsCopy:
                return b""
            backlog = receiver._receiverBacklog()
        if backlog.isSeen is not None:
            backlog.isSeen = True
            return backlog.current
        if backlog.frames or backlog.arrivedMeanwhile or backlog.unfinishedPieces:
            return backlog.rest()
        start = backlog.start
        if start:  # cut off the delivered bytes, so that reading again copies nothing
            backlog.current = backlog.current[start:]
            backlog.start = backlog.deliveryStart = 0
        backlog.isLookedAt = backlog.busy
        return backlog.current

    def __set__(self, receiver: Receiver, value: bytes) -> None:
        if type(value) is not bytes:
            value = b"" + value if value else b""
        backlog = receiver._receiverState
        if backlog is None:
            backlog = receiver._receiverBacklog()
        elif backlog.isSeen is not None:
            backlog.isSeen = True
            backlog.current = value
            return
        elif value is backlog.current and not (
            backlog.start or backlog.frames or backlog.arrivedMeanwhile or backlog.unfinishedPieces
        ):
            return
        backlog.replace(value)

    def __delete__(self, receiver: Receiver) -> None:
        if receiver._receiverState is None and not receiver._receiverIsCopy:
            raise AttributeError(self._receiverName)
        self.__set__(receiver, b"")


class Receiver(Protocol):
    """
    A protocol that finds frames in the bytes it receives.

    Its private names all begin with C{_receiver}, so that they do not clash with names of
    applications.

    @cvar MAX_MESSAGE_TIME: how many seconds a message may take from its first byte to its last;
        C{None} for no limit.  The connection of a peer that takes longer is aborted.  A receiver
        that is paused or in raw mode does not wait for a message.
    @cvar _receiverFollowed: the names of the attributes that are read after each frame and that may
        also be set on the class at any time.
    @cvar _receiverPinned: the names of those that, from the first byte on, may be set only on the
        instance.
    @cvar _receiverShown: the names of the attributes that show the undelivered bytes.
    @cvar _receiverSaved: the name of the one that is copied and pickled.
    @ivar _receiverIsCopy: whether this is a copy whose undelivered bytes are still in the plain
        attribute that they were saved as.
    """

    MAX_MESSAGE_TIME: float | None = None

    _receiverShown: ClassVar[tuple[str, ...]] = ()
    _receiverSaved: ClassVar[str] = ""
    _receiverFollowed: ClassVar[tuple[str, ...]] = ("MAX_LENGTH",)
    _receiverPinned: ClassVar[tuple[str, ...]] = ()
    _receiverState: Backlog | None = None
    _receiverIsCopy = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """
        Keep the attributes that show the undelivered bytes.

        A subclass, or a class mixed into it, may set C{_buffer = b""} in its body.  It inherits
        that value anyway, but a plain attribute would hide the undelivered bytes.
        """
        super().__init_subclass__(**kwargs)
        for name in cls._receiverShown:
            found = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
            if isinstance(found[0], (bytes, str, int)):
                setattr(cls, name, next(each for each in found if isinstance(each, Shown)))

    def _receiverBacklog(self) -> Backlog:
        """
        Return the backlog.  It is created on first use, so that an idle connection costs nothing.
        """
        if self._receiverState is None:
            self._receiverState = self._receiverMakeBacklog()
            if self._receiverIsCopy:
                self._receiverIsCopy = False
                self._receiverRestore(self._receiverState)
        return self._receiverState

    def _receiverMakeBacklog(self) -> Backlog:
        return Backlog()

    def _receiverRestore(self, backlog: Backlog) -> None:
        """
        Take the undelivered bytes of a copy out of the plain attribute that they were saved as.
        """
        backlog.replace(self.__dict__.pop(self._receiverSaved, b""))

    def _receiverAttach(self) -> Backlog:
        """
        Read the transport's properties at the first byte of a connection.

        Bytes left from an earlier connection are kept, as in Twisted.
        """
        if isinstance(self._receiverState, Dropped):
            self._receiverState = None
        backlog = self._receiverBacklog()
        backlog.transport = self.transport
        backlog.plainTransport = mayTurnToTLS(self.transport)
        backlog.tellsClose = hasattr(self.transport, "disconnecting")
        backlog.afterClose = 0
        return backlog

    def _receiverPin(self, backlog: Backlog) -> None:
        """Cache on the instance the attributes that are read after every frame."""
        backlog.pinnedAttributes = Pins(self, self._receiverFollowed, self._receiverPinned)
        self._receiverPinFlags(backlog)

    def _receiverPinFlags(self, backlog: Backlog) -> None:
        """Cache the attributes of the transport that are read after every frame."""
        pinFlags(self.transport, ("disconnecting",))
        if backlog.plainTransport is not None:
            pinFlags(backlog.plainTransport, ("TLS",))

    def _receiverUnpin(self, backlog: Backlog) -> None:
        pinned, backlog.pinnedAttributes = backlog.pinnedAttributes, None
        assert pinned is not None
        pinned.release(self)

    def dataReceived(self, data: bytes) -> Any:
        """
        Deliver the frames that C{data} completes.

        You can call it from a callback of this receiver.  The bytes are then delivered after those
        that arrived before.

        @param data: the received bytes; a chunk may end anywhere.
        """
        backlog = self._receiverState
        if backlog is None or backlog.transport is not self.transport:
            backlog = self._receiverAttach()
        if backlog.busy:
            backlog.reentered = True
            if (
                type(data) is bytes
                and not (backlog.current or backlog.arrivedMeanwhile or backlog.unfinishedPieces)
                and type(backlog) is not Dropped
            ):
                # This inlines put, for an application that hands back the bytes it took.
                backlog.current = data
                backlog.reader = NOTHING
            else:
                backlog.put(data)
            return None
        if backlog.plainTransport is not None and backlog.plainTransport.TLS:
            backlog = self._receiverLeavePlaintext(backlog, data)
            if backlog.busy:
                backlog.put(data)
                return None
        if data or type(data) is not bytes:  # empty bytes only resume the delivery
            if backlog.tellsClose and backlog.transport.disconnecting:
                data = self._receiverAfterClose(backlog, data)
            pinned = backlog.pinnedAttributes
            if pinned is not None and (pinned.kind is not type(self) or pinned.values != pinned.read(pinned.kind)):
                self._receiverUnpin(backlog)
            if type(data) is not bytes:
                # This converts anything with a buffer to bytes, and raises for anything else.
                data = b"" + data
            if not (backlog.current or backlog.arrivedMeanwhile or backlog.unfinishedPieces):
                backlog.current = data  # put, inlined: usually there is nothing else
                backlog.searched = False
            elif data:
                if backlog.frames and not length_hint(backlog.reader):
                    backlog.frames = ()
                if backlog.unfinishedPieces is not None and self._receiverSetsAside(backlog, data):
                    return None
                backlog.put(data)
        backlog.busy = True
        backlog.reentered = False
        try:
            return self._receiverDeliver(backlog)
        finally:
            backlog.busy = False
            if backlog.start == len(backlog.current) and not (backlog.frames and length_hint(backlog.reader)):
                backlog.frames = ()
                backlog.current = b""
                backlog.start = 0
            if (
                backlog.takenEarlier
                or self.MAX_MESSAGE_TIME is not None
                or (backlog.plainTransport is not None and backlog.plainTransport.TLS)
            ):
                self._receiverSettle(backlog)

    def _receiverSettle(self, backlog: Backlog) -> None:
        """Finish a delivery that has ended in any way and left something to do."""
        if backlog.takenEarlier:
            backlog.takenEarlier = ()
        if backlog.plainTransport is not None and backlog.plainTransport.TLS:
            # A callback that starts TLS may raise, pause or stop.
            self._receiverLeavePlaintext(backlog, b"")
        if self.MAX_MESSAGE_TIME is not None and self._receiverState is backlog:
            self._receiverTime(backlog)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Called when the connection is lost.  If you override this and set C{MAX_MESSAGE_TIME}, call
        the base method.
        """
        if self._receiverState is not None:
            self._receiverState.stopTimer()
        super().connectionLost(reason)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """
        Copy and pickle the undelivered bytes as a plain attribute, in the way that Twisted's
        receivers do.
        """
        reduced = super().__reduce_ex__(protocol)
        if not isinstance(reduced, tuple) or len(reduced) < 3:
            return reduced
        state = reduced[2]
        if isinstance(state, tuple):  # a class with slots
            return (*reduced[:2], (self._receiverSave(state[0]), *state[1:]), *reduced[3:])
        return (*reduced[:2], self._receiverSave(state), *reduced[3:])

    def _receiverSave(self, state: Any) -> Any:
        """
        Turn the undelivered bytes into a plain attribute.

        A copy finds them there when it needs them, however it restores its state.

        @param state: the state of this receiver for a copy or a pickle.  Applications may use a
            form of their own.
        """
        if not isinstance(state, dict) or state.get("_receiverState") is None:
            return state
        state = {**state}
        backlog = state.pop("_receiverState")
        if backlog.pinnedAttributes is not None:
            backlog.pinnedAttributes.omit(state)
        undelivered = self._receiverUndelivered(backlog)
        if undelivered:
            state[self._receiverSaved] = undelivered
            state["_receiverIsCopy"] = True
        return state

    def _receiverUndelivered(self, backlog: Backlog) -> bytes:
        """The bytes that a copy takes along."""
        return backlog.peek()

    def _receiverAfterClose(self, backlog: Backlog, data: bytes) -> bytes:
        """
        Accept only a limited number of bytes after an application has closed the connection.

        A peer that never answers TLS's close_notify keeps such a connection open, and may send
        more.

        @return: the part of C{data} to accept.
        """
        if backlog.afterClose == inf:
            return b""
        room = min(_AFTER_CLOSE - backlog.afterClose, _KEPT_AFTER_CLOSE - backlog.kept)
        room += self.MAX_LENGTH  # type: ignore[attr-defined]
        if not len(data) > room:  # a limit that is not a number is no limit
            backlog.afterClose += len(data)
            return data
        backlog.afterClose = inf
        return data[: max(int(room), 0)]

    def _receiverTime(self, backlog: Backlog) -> None:
        """Start the timer for a message that has begun."""
        isUnfinished = self._receiverIsUnfinished(backlog)
        if backlog.timer is not None and (backlog.hasDelivered or not isUnfinished):
            backlog.stopTimer()
        backlog.hasDelivered = False
        if isUnfinished and backlog.timer is None:
            backlog.timer = self._receiverCallLater(self.MAX_MESSAGE_TIME, self._receiverTimeIsUp, backlog)

    def _receiverIsUnfinished(self, backlog: Backlog) -> bool:
        """Whether a message waits for the rest of its bytes, and for nothing else."""
        return bool(backlog) and not getattr(self, "paused", False)

    def _receiverCallLater(self, *args: Any) -> Any:
        """Schedule a call with the reactor."""
        from twisted.internet import reactor

        return reactor.callLater(*args)

    def _receiverTimeIsUp(self, backlog: Backlog) -> None:
        backlog.timer = None
        if self._receiverState is not backlog or not self._receiverIsUnfinished(backlog):
            return
        _log.warn(
            "{receiver} closes the connection to {peer}: of a message {size} bytes came in MAX_MESSAGE_TIME, {limit} s",
            receiver=type(self).__qualname__,
            peer=describePeer(self.transport),
            size=backlog.size,
            limit=self.MAX_MESSAGE_TIME,
        )
        self._receiverAbort(backlog)

    def _receiverAbort(self, backlog: Backlog) -> None:
        """Abort the connection of a peer that takes too long, and ignore any further data."""
        self._receiverState = Dropped(self.transport)
        abort(self.transport)

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        """
        Keep C{data} if it only continues an unfinished frame, else leave everything unchanged.

        A long frame in small chunks is kept this way, at less than half the cost of a delivery.
        """
        raise NotImplementedError

    def _receiverDeliver(self, backlog: Backlog) -> Any:
        """Call back for each frame in C{backlog}.  Bytes that are not a whole frame stay there."""
        raise NotImplementedError

    # Differs from Twisted: bytes that came before the handshake are not read as if they had come
    # after it.

    def _receiverLeavePlaintext(self, backlog: Backlog, decrypted: bytes) -> Backlog:
        """
        Pass the undelivered bytes to the TLS layer, now that TLS has started.

        If that layer has already decrypted something, it is too late to do so, and the peer is
        dropped.

        @return: the backlog for the bytes that arrive from now on.
        """
        upgraded, backlog.plainTransport = backlog.plainTransport, None
        plaintext = backlog.take()
        layer = getattr(upgraded, "protocol", None)
        if not plaintext:
            return backlog
        if decrypted or layer is None or layer is self:
            _log.warn(
                "{receiver} closes the connection to {peer}: {size} bytes came in plaintext where TLS was to start",
                receiver=type(self).__qualname__,
                peer=describePeer(self.transport),
                size=len(plaintext),
            )
            backlog.stopTimer()
            self._receiverState = backlog = Dropped(self.transport)
            abort(self.transport)
        else:
            layer.dataReceived(plaintext)
        return backlog

    # Differs from Twisted: further data of a dropped peer is ignored, and an exceeded limit is
    # logged.

    def _receiverDrop(self) -> object:
        """Close the connection and ignore any further data."""
        if self._receiverState is not None:
            self._receiverState.stopTimer()
        self._receiverState = Dropped(self.transport)
        transport: Any = self.transport
        # The transport may be gone: a callback ended the connection, and these bytes came after it.
        return None if transport is None else transport.loseConnection()

    def _receiverLogLimit(self, backlog: Backlog, size: int) -> None:
        """
        Log that a limit was exceeded, once for each connection.

        @param size: the size in bytes that is too large, as far as it is known.
        """
        if not backlog.struck:
            backlog.struck = True
            _log.warn(
                "{receiver} refuses {size} bytes from {peer}: MAX_LENGTH is {limit}",
                receiver=type(self).__qualname__,
                size=size,
                peer=describePeer(self.transport),
                limit=self.MAX_LENGTH,  # type: ignore[attr-defined]
            )
