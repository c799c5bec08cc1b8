"""
The common base of the receivers in L{twisted_basic_ng.basic}: it takes bytes in, has its subclasses
deliver the frames in them, and drops peers.

A receiver has a L{Connection}, which has the L{Backlog} of undelivered bytes, which has the
C{Batch} of frames that were found ahead.  These are the states::

    state       isDelivering   backlog      what ends it
    ----------  -------------  -----------  ---------------------------------------------------
    new         (none yet)     (none yet)   a byte arrives, or the application assigns bytes
    resting     false          empty        bytes arrive
    waiting     false          not empty    the rest of a frame arrives, or the application
                                            resumes, assigns bytes or calls dataReceived
    delivering  true           any          everything is delivered, a frame is unfinished, or
                                            a callback pauses, raises or returns a true value
    dropped     true, always   empty (*)    another connection is made

    (*) besides bytes that the application assigns, which are never delivered

Between two callbacks, these may have changed, and the change applies from the next frame on::

    a callback has              which changes                 so the loop
    --------------------------  ----------------------------  ---------------------------------
    passed in bytes             arrivedMeanwhile, or current  delivers them after the others
                                if that is empty
    read the rest               start, current; it ends the   continues with current, one frame
                                batch                         at a time
    assigned the rest           all of the backlog            continues the same way
    set the delimiter, format   attributes of the receiver    puts the batch back if it was
    or limit                                                  found with other values
    paused, raised, returned    attributes of the receiver    ends; the batch is kept, and
    a true value                                              continues when it is resumed
    started TLS                 the flag of the transport     hands all bytes to TLS
    closed the connection       the flag of the transport     ends, where Twisted's does
    dropped the peer            the receiver's connection     ends

C{tests/receiving/states.py} asserts what the first table says, in all tests of receivers.

L{Receiver} makes three promises for all receivers.

  - Bytes that arrive during a delivery wait for its end.
  - After the receiver has dropped its peer, nothing is parsed or kept, and no callback is called.
  - Bytes that arrived in plaintext are never read as if they had arrived over TLS.

This file knows nothing of frames.
"""

from __future__ import annotations

from typing import Any, ClassVar

from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from .backlog import Backlog
from .connection import Connection, Dropped, abort, describePeer
from .copies import saved
from .pins import Pins, pinFlags
from .shown import Shown

__all__ = ["Receiver"]

_log = Logger("twisted.protocols.basic")


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
    @ivar _receiverConnection: the connection; C{None} until there is something to keep.
    @ivar _receiverIsCopy: whether this is a copy whose undelivered bytes are still in the plain
        attribute that they were saved as.
    """

    MAX_MESSAGE_TIME: float | None = None

    _receiverShown: ClassVar[tuple[str, ...]] = ()
    _receiverSaved: ClassVar[str] = ""
    _receiverFollowed: ClassVar[tuple[str, ...]] = ("MAX_LENGTH",)
    _receiverPinned: ClassVar[tuple[str, ...]] = ()
    _receiverConnection: Connection | None = None
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

    # The connection and its backlog.

    def _receiverConnected(self) -> Connection:
        """
        Return the connection.  It is created on first use, so that an idle one costs nothing.
        """
        if self._receiverConnection is None:
            self._receiverConnection = Connection(self._receiverMakeBacklog())
            if self._receiverIsCopy:
                self._receiverIsCopy = False
                self._receiverRestore(self._receiverConnection.backlog)
        return self._receiverConnection

    def _receiverMakeBacklog(self) -> Backlog:
        return Backlog()

    def _receiverRestore(self, backlog: Backlog) -> None:
        """
        Take the undelivered bytes of a copy out of the plain attribute that they were saved as.
        """
        backlog.replace(self.__dict__.pop(self._receiverSaved, b""))

    def _receiverUndelivered(self, connection: Connection) -> bytes:
        """The bytes that a copy takes along."""
        return connection.backlog.peek()

    def _receiverAttach(self) -> Connection:
        """Start on a transport, at the first byte that comes from it."""
        if isinstance(self._receiverConnection, Dropped):
            self._receiverConnection = None
        connection = self._receiverConnected()
        connection.attach(self.transport)
        return connection

    def __reduce_ex__(self, protocol: Any) -> Any:
        """
        Copy and pickle the undelivered bytes as a plain attribute, in the way that Twisted's
        receivers do.
        """
        return saved(self, super().__reduce_ex__(protocol))

    # Attributes that are cached on the instance.

    def _receiverPin(self, connection: Connection) -> None:
        """Cache on the instance the attributes that are read after every frame."""
        connection.pins = Pins(self, self._receiverFollowed, self._receiverPinned)
        self._receiverPinFlags(connection)

    def _receiverPinFlags(self, connection: Connection) -> None:
        """Cache the attributes of the transport that are read after every frame."""
        pinFlags(self.transport, ("disconnecting",))
        pinFlags(connection.plainTransport, ("TLS",))

    def _receiverUnpin(self, connection: Connection) -> None:
        pins, connection.pins = connection.pins, None
        assert pins is not None
        pins.release(self)

    # Taking bytes in.

    def dataReceived(self, data: bytes) -> Any:
        """
        Deliver the frames that C{data} completes.

        You can call it from a callback of this receiver.  The bytes are then delivered after those
        that arrived before.

        @param data: the received bytes; a chunk may end anywhere.
        """
        connection = self._receiverConnection
        if connection is None or connection.transport is not self.transport:
            connection = self._receiverAttach()
        if connection.isDelivering:
            backlog = connection.backlog
            if (
                type(data) is bytes
                and not (backlog.current or backlog.arrivedMeanwhile or backlog.unfinishedPieces)
                and type(connection) is Connection
            ):  # the same, in less time, for an application that hands back the bytes it took
                connection.isReentered = True
                backlog.current = data
            else:
                connection.addMeanwhile(data)
            return None
        if connection.plainTransport.TLS:
            connection = self._receiverLeavePlaintext(connection, data)
            if connection.isDelivering:
                connection.addMeanwhile(data)
                return None
        pins = connection.pins
        if pins is not None and (pins.kind is not type(self) or pins.values != pins.read(pins.kind)):
            self._receiverUnpin(connection)
        backlog = connection.backlog
        if not data and type(data) is bytes:
            backlog.isSearched = False  # this only resumes, but an attribute may have another value
        elif (
            backlog.current
            or backlog.arrivedMeanwhile is not None
            or backlog.unfinishedPieces is not None
            or type(data) is not bytes
            or connection.closingTransport.disconnecting
        ):
            if not self._receiverTakeIn(connection, data):
                return None
        else:
            backlog.current = data
            backlog.isSearched = False
        connection.isDelivering = True
        try:
            return self._receiverDeliver(connection)
        finally:
            connection.isDelivering = False
            if self.MAX_MESSAGE_TIME is not None or connection.plainTransport.TLS:
                self._receiverSettle(connection)

    def _receiverTakeIn(self, connection: Connection, data: bytes) -> bool:
        """
        Add C{data} to the backlog, in the cases that C{dataReceived} does not handle at once.

        @return: whether there may be anything to deliver.
        """
        data = b"" + data  # as in Connection.addMeanwhile
        if not data:
            return True
        if connection.closingTransport.disconnecting:
            limit: float = self.MAX_LENGTH  # type: ignore[attr-defined]
            data = connection.acceptAfterClose(data, limit, self._receiverKeeps(connection.backlog))
            if not data:
                return True
        if connection.backlog.unfinishedPieces is not None and self._receiverSetsAside(connection.backlog, data):
            return False
        connection.backlog.add(data)
        return True

    def _receiverKeeps(self, backlog: Backlog) -> int:
        """How many undelivered bytes there are."""
        return backlog.kept

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        """
        Keep C{data} if it only continues an unfinished frame, else leave everything unchanged.

        A long frame in small chunks is kept this way, at less than half the cost of a delivery.
        """
        raise NotImplementedError

    def _receiverDeliver(self, connection: Connection) -> Any:
        """
        Call back for each frame in the backlog.  Bytes that are not a whole frame stay there.

        It leaves C{current} empty if all of it is delivered.
        """
        raise NotImplementedError

    def _receiverSettle(self, connection: Connection) -> None:
        """Finish a delivery that has ended in any way and left something to do."""
        if connection.plainTransport.TLS:
            # A callback that starts TLS may raise, pause or stop.
            self._receiverLeavePlaintext(connection, b"")
        if self.MAX_MESSAGE_TIME is not None and self._receiverConnection is connection:
            self._receiverTime(connection)

    # How long a message takes.

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """
        Called when the connection is lost.  If you override this and set C{MAX_MESSAGE_TIME}, call
        the base method.
        """
        if self._receiverConnection is not None:
            self._receiverConnection.stopTimer()
        super().connectionLost(reason)

    def _receiverTime(self, connection: Connection) -> None:
        """Start the timer for a message that has begun."""
        isUnfinished = self._receiverIsUnfinished(connection.backlog)
        if connection.timer is not None and (connection.hasDelivered or not isUnfinished):
            connection.stopTimer()
        connection.hasDelivered = False
        if isUnfinished and connection.timer is None:
            connection.timer = self._receiverCallLater(self.MAX_MESSAGE_TIME, self._receiverTimeIsUp, connection)

    def _receiverIsUnfinished(self, backlog: Backlog) -> bool:
        """Whether a message waits for the rest of its bytes, and for nothing else."""
        return bool(backlog) and not getattr(self, "paused", False)

    def _receiverSize(self, backlog: Backlog) -> int:
        """How many bytes of the unfinished message have arrived."""
        return backlog.size

    def _receiverCallLater(self, *args: Any) -> Any:
        """Schedule a call with the reactor."""
        from twisted.internet import reactor

        return reactor.callLater(*args)

    def _receiverTimeIsUp(self, connection: Connection) -> None:
        connection.timer = None
        if self._receiverConnection is not connection or not self._receiverIsUnfinished(connection.backlog):
            return
        _log.warn(
            "{receiver} closes the connection to {peer}: of a message {size} bytes came in MAX_MESSAGE_TIME, {limit} s",
            receiver=type(self).__qualname__,
            peer=describePeer(self.transport),
            size=self._receiverSize(connection.backlog),
            limit=self.MAX_MESSAGE_TIME,
        )
        self._receiverAbort()

    def _receiverAbort(self) -> None:
        """Abort the connection of a peer that takes too long, and ignore any further data."""
        self._receiverConnection = Dropped(self._receiverMakeBacklog(), self.transport)
        abort(self.transport)

    # Differs from Twisted: bytes that came before the handshake are not read as if they had come
    # after it.

    def _receiverLeavePlaintext(self, connection: Connection, decrypted: bytes) -> Connection:
        """
        Pass the undelivered bytes to the TLS layer, now that TLS has started.

        If that layer has already decrypted something, it is too late to do so, and the peer is
        dropped.

        @return: the connection as it is from now on.
        """
        upgraded = connection.leavePlaintext()
        plaintext = connection.backlog.take()
        layer = getattr(upgraded, "protocol", None)
        if not plaintext:
            return connection
        if decrypted or layer is None or layer is self:
            _log.warn(
                "{receiver} closes the connection to {peer}: {size} bytes came in plaintext where TLS was to start",
                receiver=type(self).__qualname__,
                peer=describePeer(self.transport),
                size=len(plaintext),
            )
            connection.stopTimer()
            self._receiverConnection = connection = Dropped(self._receiverMakeBacklog(), self.transport)
            abort(self.transport)
        else:
            layer.dataReceived(plaintext)
        return connection

    # Differs from Twisted: further data of a dropped peer is ignored, and an exceeded limit is
    # logged.

    def _receiverDrop(self) -> object:
        """Close the connection and ignore any further data."""
        if self._receiverConnection is not None:
            self._receiverConnection.stopTimer()
        self._receiverConnection = Dropped(self._receiverMakeBacklog(), self.transport)
        transport: Any = self.transport
        # The transport may be gone: a callback ended the connection, and these bytes came after it.
        return None if transport is None else transport.loseConnection()

    def _receiverLogLimit(self, connection: Connection, size: int) -> None:
        """
        Log that a limit was exceeded, once for each connection.

        @param size: the size in bytes that is too large, as far as it is known.
        """
        if not connection.hasStruck:
            connection.hasStruck = True
            _log.warn(
                "{receiver} refuses {size} bytes from {peer}: MAX_LENGTH is {limit}",
                receiver=type(self).__qualname__,
                size=size,
                peer=describePeer(self.transport),
                limit=self.MAX_LENGTH,  # type: ignore[attr-defined]
            )
