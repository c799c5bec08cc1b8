"""
What every receiver of L{twisted_basic_ng.basic} does alike: take bytes in, deliver what they hold, and part
with a peer.

L{Receiver} keeps a L{Backlog} and lets its subclass walk it.  It holds three promises for all of them: what
arrives during a delivery waits for its end; nothing is parsed, kept or called after the receiver itself has
dropped its peer; and what came in plaintext is never read as if it had come over TLS.  It knows nothing of
frames.
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

#: How many bytes are taken in after an application has closed the connection, and how many of them are kept, both
#: besides one message.  Answers may be in flight by then, some megabytes of them on a fast and long line.
_AFTER_CLOSE: Final = 16 * 2**20
_KEPT_AFTER_CLOSE: Final = 2**18


class Dropped(Backlog):
    """
    The backlog of a receiver that is done with its peer: it keeps nothing and delivers nothing.

    @ivar patience: how many bytes more the peer may send, for its side of an orderly end.
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
        """Count C{data}; the peer that sends too much of it loses its connection at once."""
        if 0 <= self.patience < len(data) and self.transport is not None:
            abort(self.transport)
        self.patience -= len(data)


def abort(transport: Any) -> None:
    """End a connection without waiting for the peer, if C{transport} can do that, else in its usual way."""
    getattr(transport, "abortConnection", transport.loseConnection)()


def mayTurnToTLS(transport: Any) -> Any:
    """Find the transport below C{transport}'s wrappers that C{startTLS} would change; C{None} without any."""
    while _isWrapper(transport):
        if hasattr(type(transport), "getPeerCertificate"):
            return None  # a wrapper that is the TLS layer itself
        transport = transport.transport
    return transport if getattr(transport, "TLS", None) is False else None


def _isWrapper(transport: Any) -> bool:
    """
    Does C{transport} wrap another one?

    Its own attribute tells, not one that it has of the wrapped one; and not its C{__dict__}, which CPython 3.11 makes
    when somebody looks, and from then on reads every attribute of the transport more slowly.
    """
    try:
        object.__getattribute__(transport, "wrappedProtocol")
    except AttributeError:
        return False
    return True


def describePeer(transport: Any) -> str:
    """Name the peer for the log, whatever the transport knows of it."""
    try:
        return str(transport.getPeer())
    except Exception:  # what is closed because of the peer is closed, whatever is said of it
        return "an unknown peer"


class Shown:
    """An attribute that shows undelivered bytes."""


class Undelivered(Shown):
    """
    The bytes not delivered yet, as an attribute that is computed when somebody looks.

    Assigning replaces them, from the very next frame on.  Deleting leaves none.  On the class it is C{b""}, as in
    Twisted.
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
        if start:  # what was delivered is cut off, so that a second look copies nothing
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
    A protocol that finds frames in what it receives.

    Its own private names all begin with C{_receiver}, to stay out of the way of the applications'.

    @cvar MAX_MESSAGE_TIME: how many seconds a message may take from its first byte to its last; C{None} for any time.
        A peer that takes longer loses its connection at once.  A receiver that is paused, or takes raw data, waits for
        no message.
    @cvar _receiverFollowed: the names of the attributes that are looked at after each frame, and that may also be set
        on the class at any time.
    @cvar _receiverPinned: the names of those that may be set on the instance alone, from the first byte on.
    @cvar _receiverShown: the names of the attributes that show the undelivered bytes.
    @cvar _receiverSaved: the name of the one that copies and pickles take along.
    @ivar _receiverIsCopy: a copy, whose undelivered bytes are still the plain attribute that they were saved as.
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

        A subclass, or a class mixed into it, may say C{_buffer = b""} in its body: that is what it inherits
        anyway, but a plain value would hide the bytes.
        """
        super().__init_subclass__(**kwargs)
        for name in cls._receiverShown:
            found = [vars(base)[name] for base in cls.__mro__ if name in vars(base)]
            if isinstance(found[0], (bytes, str, int)):
                setattr(cls, name, next(each for each in found if isinstance(each, Shown)))

    def _receiverBacklog(self) -> Backlog:
        """The backlog; made when it is needed, so that an idle connection costs nothing."""
        if self._receiverState is None:
            self._receiverState = self._receiverMakeBacklog()
            if self._receiverIsCopy:
                self._receiverIsCopy = False
                self._receiverRestore(self._receiverState)
        return self._receiverState

    def _receiverMakeBacklog(self) -> Backlog:
        return Backlog()

    def _receiverRestore(self, backlog: Backlog) -> None:
        """Take the undelivered bytes of a copy out of the plain attribute that they were saved as."""
        backlog.replace(self.__dict__.pop(self._receiverSaved, b""))

    def _receiverAttach(self) -> Backlog:
        """Learn the transport, at the first byte of a connection; what another one left is kept, as in Twisted."""
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
        """Do the same with those of the transport."""
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

        It may be called from a callback of this receiver: the bytes then wait for their turn behind those
        that came before.

        @param data: the bytes that came, in whatever pieces.
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
                backlog.current = data  # as put does, without the call: the application hands back what it took
                backlog.reader = NOTHING
            else:
                backlog.put(data)
            return None
        if backlog.plainTransport is not None and backlog.plainTransport.TLS:
            backlog = self._receiverLeavePlaintext(backlog, data)
            if backlog.busy:
                backlog.put(data)
                return None
        if data or type(data) is not bytes:  # no bytes are only leave to go on
            if backlog.tellsClose and backlog.transport.disconnecting:
                data = self._receiverAfterClose(backlog, data)
            pinned = backlog.pinnedAttributes
            if pinned is not None and (pinned.kind is not type(self) or pinned.values != pinned.read(pinned.kind)):
                self._receiverUnpin(backlog)
            if type(data) is not bytes:
                data = b"" + data  # anything with a buffer becomes bytes, anything else is an error
            if not (backlog.current or backlog.arrivedMeanwhile or backlog.unfinishedPieces):
                backlog.current = data  # as put does, without the call: there is nothing else in most cases
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
        """A delivery has come to an end, in whatever way, and left something to be seen to."""
        if backlog.takenEarlier:
            backlog.takenEarlier = ()
        if backlog.plainTransport is not None and backlog.plainTransport.TLS:
            self._receiverLeavePlaintext(backlog, b"")  # a callback that starts TLS may raise, pause or stop
        if self.MAX_MESSAGE_TIME is not None and self._receiverState is backlog:
            self._receiverTime(backlog)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Called when the connection is gone.  If you override this and set C{MAX_MESSAGE_TIME}, call the base method.
        """
        if self._receiverState is not None:
            self._receiverState.stopTimer()
        super().connectionLost(reason)

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Copy and pickle the undelivered bytes as a plain attribute, in the way that Twisted's receivers do."""
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

        However a copy takes its state, they are found there when they are needed.

        @param state: what a copy or a pickle has of this receiver; an application may have its own form of it.
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
        Take in no more than a bounded part of what comes after an application has closed the connection.

        A peer that never answers TLS's close_notify keeps such a connection open, and sends on.

        @return: the part of C{data} to take in.
        """
        if backlog.afterClose == inf:
            return b""
        room = min(_AFTER_CLOSE - backlog.afterClose, _KEPT_AFTER_CLOSE - backlog.kept)
        room += self.MAX_LENGTH  # type: ignore[attr-defined]
        if not len(data) > room:  # a limit that is not a number is none
            backlog.afterClose += len(data)
            return data
        backlog.afterClose = inf
        return data[: max(int(room), 0)]

    def _receiverTime(self, backlog: Backlog) -> None:
        """Give a message that has begun its time."""
        isUnfinished = self._receiverIsUnfinished(backlog)
        if backlog.timer is not None and (backlog.hasDelivered or not isUnfinished):
            backlog.stopTimer()
        backlog.hasDelivered = False
        if isUnfinished and backlog.timer is None:
            backlog.timer = self._receiverCallLater(self.MAX_MESSAGE_TIME, self._receiverTimeIsUp, backlog)

    def _receiverIsUnfinished(self, backlog: Backlog) -> bool:
        """Does a message wait for the rest of its bytes, and for nothing else?"""
        return bool(backlog) and not getattr(self, "paused", False)

    def _receiverCallLater(self, *args: Any) -> Any:
        """Have something done later."""
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
        """Be done with a peer that will not come to an end."""
        self._receiverState = Dropped(self.transport)
        abort(self.transport)

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        """
        Take C{data} if all that it does is to go on with an unfinished frame; else leave everything as it is.

        A long frame in small chunks comes this way, at less than half of what a delivery costs.
        """
        raise NotImplementedError

    def _receiverDeliver(self, backlog: Backlog) -> Any:
        """Call back for each frame in C{backlog}; what is not a whole frame stays there."""
        raise NotImplementedError

    # Differs from Twisted: bytes that came before the handshake are not read as if they had come after it.

    def _receiverLeavePlaintext(self, backlog: Backlog, decrypted: bytes) -> Backlog:
        """
        TLS has started: what is undelivered belongs to the TLS layer.

        Where that has decrypted something since, it is too late to hand it over, and the peer is dropped.

        @return: the backlog for what comes now.
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

    # Differs from Twisted: a dropped peer is heard no more, and a limit that strikes is logged.

    def _receiverDrop(self) -> object:
        """Be done with the peer: close the connection in an orderly way and ignore what still comes."""
        if self._receiverState is not None:
            self._receiverState.stopTimer()
        self._receiverState = Dropped(self.transport)
        transport: Any = self.transport
        # There may be none any more: a callback has ended the connection, and this is what came behind.
        return None if transport is None else transport.loseConnection()

    def _receiverLogLimit(self, backlog: Backlog, size: int) -> None:
        """
        Log that a limit strikes, once for each connection.

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
