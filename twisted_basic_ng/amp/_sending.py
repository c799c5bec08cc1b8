"""
Boxes to bytes: the sending half of a connection, which also holds a peer that asks faster than it
is answered.

Everything that AMP writes to the transport is written here.  While TLS is being started, boxes are
kept back.  If unsent bytes are limited (L{twisted_basic_ng.amp._overload}), nothing is read from
the peer while there are too many.

This file knows nothing of asks and answers, except for their tags.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.logger import Logger

from .._defaults import isExtended
from .._places import publicMethods
from .._receiving.connection import abort
from ._beyonderrors import MissingFeatureError
from ._boxes import AmpBox
from ._constants import ANSWER, ASK, ERROR, MORE_FEATURE, STREAM, STREAMS_FEATURE
from ._descriptors import _DescriptorExchanger
from ._errors import AmpError, ForgedAnswerError, ProtocolSwitched, TooLong
from ._explain import addText
from ._extensions import Extensions
from ._line import sizeOf
from ._metering import MeteredTransport
from ._reading import BoxReader
from ._streamerrors import StreamsUnsupportedError

__all__ = ["BoxWriter"]

_log = Logger("twisted.protocols.amp")


@publicMethods("amp", "BinaryBoxProtocol")
class BoxWriter(BoxReader):
    """
    The sending half of L{twisted_basic_ng.amp.BinaryBoxProtocol}, which documents the attributes.
    """

    MAX_UNSENT_BYTES: int | None = None
    MAX_WAITING_BYTES: int | None = 64 * 2**20
    KEEPALIVE_INTERVAL: float | None = None
    KEEPALIVE_TIME: float | None = None

    STREAM_WINDOW: int = 2**18
    MAX_STREAMS: int = 100
    MAX_STREAM_BYTES: int = 2**22

    #: The streams of the connection, once there is one.
    _ampStreams: Any = None

    #: The limits on calls under way, if there are any.
    _ampOverload: Any = None

    extended: bool = isExtended()

    #: The agreement with the peer on features beyond Twisted's AMP, once a side has asked for it.
    _ampExtensions: Extensions | None = None

    #: Whether reading has stopped because too much is under way.
    _ampIsHeld = False

    _ampIsPausedByApplication = False

    #: Whether no box can be sent because the connection switches to another protocol.
    _locked = False

    #: Whether TLS could not be started, and nothing may be sent without it.
    _ampTLSAbandoned = False

    # Sending.

    def sendBox(self, box: AmpBox) -> None:
        """
        Send a box, or keep it back while TLS is being started.

        All boxes that AMP sends go through this method.

        @param box: the box to send.
        @raise ProtocolSwitched: the connection has switched to another protocol.
        @raise ConnectionLost: there is no connection, or TLS could not be started on it and nothing
            may be sent without.
        @raise TooLong: a key has more than 255 bytes, or a value has more than 65,535.
        """
        if self._locked:
            raise ProtocolSwitched("This connection has switched: no AMP traffic allowed.")
        transport = self.transport  # serializing a box of an application's own class may end it
        if transport is None or self._ampTLSAbandoned:
            why = "there is none yet, or no more" if transport is None else "TLS could not be started on it"
            raise ConnectionLost(f"the box was not sent over this connection: {why}")
        try:
            data = box.serialize()
        except TooLong as error:
            self._ampSendLarge(box, error)
            return
        except StreamsUnsupportedError as error:
            self._ampSendWithStreams(box, error)
            return
        if self._ampDetour:
            self._ampSendSlowly(box, data)
        else:
            transport.write(data)

    def _ampWaitUntilSent(self, listener: Callable[[], object]) -> bool:
        """
        Call C{listener} once, when everything is sent, and leave the transport to a producer of the
        application.

        @return: whether to write now.
        """
        if self.transport is None:
            return False
        if not isinstance(self.transport, MeteredTransport):
            self.transport = MeteredTransport(self.transport, None, self._ampRelieve, self._ampClose)
        return self.transport.tellWhenSent(listener)

    def _ampWritePiece(self, data: bytes) -> None:
        """Write a box of a stream, after L{_ampWaitUntilSent} has returned true."""
        if isinstance(self.transport, MeteredTransport):
            self.transport.writeStream(data)

    def _ampWaitNoMore(self) -> None:
        """Do not call the listener, which has written nothing."""
        if isinstance(self.transport, MeteredTransport):
            self.transport.tellNoMore()

    def _ampSendLarge(self, box: AmpBox, error: TooLong) -> None:
        """Send a box with a value that is too long for Twisted's AMP, or raise C{error}."""
        extensions = None if error.isKey else self._ampExtend()
        length = self.MAX_BOX_LENGTH
        if extensions is None:
            raise error
        if length is not None and sizeOf(box) > length:
            addText(error, f"a box may have {length} bytes")
            raise error
        try:
            if extensions.keep(box, MORE_FEATURE):
                return
        except MissingFeatureError as missing:
            raise (error if missing.feature == MORE_FEATURE else missing) from None
        # At once, since a transport may call something that sends another box.
        self.transport.write(extensions.feature(MORE_FEATURE).serialize(box))

    def _ampSendWithStreams(self, box: AmpBox, error: StreamsUnsupportedError) -> None:
        """Send a box with streams, or a call that has streams in its response, or raise C{error}."""
        extensions = self._ampExtend()
        if extensions is None:
            raise StreamsUnsupportedError("streams need a class with extended = True on both sides") from error
        try:
            if extensions.keep(box, STREAMS_FEATURE):
                return
        except MissingFeatureError as missing:
            raise StreamsUnsupportedError(str(missing)) from None
        table = extensions.feature(STREAMS_FEATURE).table
        streams = table.announce(box)
        data = self._ampSerialized(box, extensions)
        table.commit(streams)  # before the box is written, since a transport may call something that sends another
        self._ampWrite(box, data)
        table.begin(streams)

    def _ampSerialized(self, box: AmpBox, extensions: Extensions) -> bytes:
        """Serialize a box, in parts if it is too long for one, after the agreement."""
        try:
            return box.serialize()
        except TooLong as error:
            if not extensions.has(MORE_FEATURE) or sizeOf(box) > (self.MAX_BOX_LENGTH or sys.maxsize):
                raise error from None
        data: bytes = extensions.feature(MORE_FEATURE).serialize(box)
        return data

    def _ampSendSlowly(self, box: AmpBox, data: bytes) -> None:
        """Send a box, unless it has to wait for the agreement or for TLS."""
        if self._ampExtensions is None or not self._ampExtensions.keep(box):
            self._ampWrite(box, data)

    def _ampWrite(self, box: AmpBox, data: bytes) -> None:
        """Write a box, unless it has to wait for TLS."""
        if self._startingTLSBuffer is None:
            self.transport.write(data)
            return
        self._startingTLSBuffer.append(box)
        if self._ampOverload is not None:
            self._ampOverload.withhold(box, len(data))

    # What goes beyond Twisted's AMP.

    def _ampExtend(self) -> Extensions | None:
        """Return the agreement with the peer; C{None} if this side is not to have one."""
        dispatcher = self.boxReceiver
        if self._ampExtensions is None and self.extended is True and hasattr(dispatcher, "_ampFailAnswer"):
            self._ampExtensions = dispatcher._ampExtensions = Extensions(dispatcher, self)
        return self._ampExtensions

    def _ampUpdateDetour(self) -> None:
        """Find out whether boxes have to take the longer way."""
        extensions = self._ampExtensions
        self._ampDetour = self._startingTLSBuffer is not None or (extensions is not None and extensions.needsDetour())

    def _ampSendAside(self, box: AmpBox) -> None:
        """Send a box of the agreement, ahead of those that wait for it, if any box can be sent."""
        if not self._locked and self.transport is not None and not self._ampTLSAbandoned:
            self._ampWrite(box, box.serialize())

    def _ampSendNext(self, box: AmpBox) -> None:
        """Send a box that has waited for the agreement."""
        BoxWriter.sendBox(self, box)

    # Starting TLS.

    def _ampSendKeptBack(self) -> None:
        """Send the boxes that waited for TLS, even if no other box may be sent any more."""
        kept, self._startingTLSBuffer = self._startingTLSBuffer, None
        if self._ampOverload is not None:
            self._ampOverload.withheldSize = 0
        transport = self.transport
        for box in kept or ():
            transport.write(box.serialize())
        self._ampUpdateDetour()

    def _ampDeliver(self, box: AmpBox) -> None:
        """Deliver a received box."""
        if self._ampStreams is not None and STREAM in box and self._ampStreams.takesPiece(box):
            return
        if self._startingTLSBuffer and self._ampAnswersUnsent(box):
            # Differs from Twisted: an answer to a call that was not sent yet is not from the peer.
            self._ampRefuse(ForgedAnswerError())
            return
        arrived = box if self._ampExtensions is None else self._ampExtensions.arriving(box)
        if arrived is not None:
            super()._ampDeliver(arrived)

    def _ampAnswersUnsent(self, box: AmpBox) -> bool:
        """Whether C{box} answers a call that waits for TLS and was not sent yet."""
        tag = box.get(ANSWER, box.get(ERROR))
        return tag is not None and any(each.get(ASK) == tag for each in self._startingTLSBuffer or ())

    def _ampAbort(self, error: AmpError) -> None:
        """Abort the connection, and drop the boxes that wait for TLS."""
        self._startingTLSBuffer = None
        self._ampTLSAbandoned = True
        transport = self.transport  # which may be gone at once
        self._ampRefuse(error)
        abort(transport)

    # File descriptors.

    # Differs from Twisted: the descriptor of a box that cannot be sent is not sent.

    def _sendFileDescriptor(self, descriptor: int) -> int:
        """Send a descriptor unless its box cannot be sent, and return its number."""
        if self._ampOverload is not None and self._ampOverload.line.isPostponing():
            number: int = self._ampOverload.line.postpone(descriptor)
            return number
        if self._locked or self.transport is None or self._ampTLSAbandoned:
            return self._sendingDescriptorCounter()  # sendBox will raise
        return _DescriptorExchanger._sendFileDescriptor(self, descriptor)

    def _ampKeepsClaims(self) -> bool:
        return super()._ampKeepsClaims() or (self._ampOverload is not None and bool(self._ampOverload.kept))

    # Holding a peer.

    def pauseProducing(self) -> None:
        """Stop delivering, and stop reading from the transport."""
        self._ampIsPausedByApplication = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """Deliver the bytes that were kept, and read again, unless the peer is held."""
        self._ampIsPausedByApplication = False
        if self._ampKeepalive is not None:
            self._ampKeepalive.heard()
        wasHeld, hadInnerProtocol = self._ampIsHeld, self.innerProtocol is not None
        self._ampRelieve()
        if wasHeld or self._ampIsHeld or self._ampIsPausedByApplication:
            return
        if hadInnerProtocol or self.innerProtocol is None:
            super().resumeProducing()
        else:  # a kept box has switched the protocol, which has taken all other bytes
            self.paused = False
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """Stop delivering for good, and stop the transport."""
        self._ampIsPausedByApplication = True
        super().stopProducing()

    def _ampHoldPeer(self) -> None:
        """
        Stop reading from a peer that asks too much.  If the connection is being closed, drop the
        peer.
        """
        if isinstance(self.transport, MeteredTransport) and self.transport._ampIsClosing:
            self._ampLeavePeer()
            return
        self._ampIsHeld = True
        if not self._ampIsPausedByApplication:
            super().pauseProducing()

    def _ampLetPeerGo(self) -> None:
        """
        Read again.  An error ends the connection, as it does when the transport delivers bytes.
        """
        if self._ampKeepalive is not None:
            self._ampKeepalive.heard()
        self._ampIsHeld = False
        if self._ampIsPausedByApplication or self.transport is None:
            return
        try:
            super().resumeProducing()
        except Exception:
            _log.failure("while going on with what a peer has sent")
            self._ampLeavePeer()

    def _ampIsUnsent(self) -> bool:
        """Whether more bytes wait to be sent than C{MAX_UNSENT_BYTES} allows."""
        return isinstance(self.transport, MeteredTransport) and self.transport.isOver()

    def _ampRelieve(self) -> None:
        """Continue with the peer's calls that were kept, because there is room again."""
        if self._ampOverload is not None:
            self._ampOverload.relieve()

    def _ampClose(self) -> None:
        """
        Drop a held peer and read again, when everything is sent and the connection is being closed.
        """
        if self._ampIsHeld:
            self._ampIsHeld = False
            self._ampLeavePeer()
            if not self._ampIsPausedByApplication:
                self.transport.resumeProducing()

    def _ampLeavePeer(self) -> None:
        """
        Close the connection, and discard the peer's calls and our own calls that wait in line.
        """
        if self._ampOverload is not None:
            self._ampOverload.forget()
        super()._ampLeavePeer()
