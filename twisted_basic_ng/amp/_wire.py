"""
A connection that carries boxes: how it begins and ends, and how it changes to TLS or to another
protocol.

L{twisted_basic_ng.amp._strings} and L{twisted_basic_ng.amp._reading} read boxes, and
L{twisted_basic_ng.amp._sending} sends them.  This file knows nothing of asks and answers.
"""

from __future__ import annotations

import os
from typing import Any

from zope.interface import implementer

from twisted.internet.error import ConnectionClosed, PeerVerifyError
from twisted.internet.interfaces import IFileDescriptorReceiver, ISSLTransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import safe_repr, safe_str

from .._places import public
from ._constants import UNHANDLED_ERROR_CODE
from ._descriptors import _DescriptorExchanger
from ._errors import OnlyOneTLS, ProtocolSwitched, RemoteAmpError, TooLong
from ._explain import addText, addToRepr, describePeerOf, whatPeerSpeaks
from ._interfaces import IBoxSender
from ._keepalive import watch
from ._metering import MeteredTransport
from ._sending import BoxWriter
from ._types import TLSCredentials

__all__ = ["BinaryBoxProtocol"]

_log = Logger("twisted.protocols.amp")


@implementer(IBoxSender)
@public("amp")
class BinaryBoxProtocol(BoxWriter):
    """
    A connection that carries boxes.

    A box is a series of keys and values, and ends with an empty key.  A length of two bytes
    precedes each key and each value.  A key has 1 to 255 bytes, a value 0 to 65,535
    (U{https://amp-protocol.net}).

    The next string is a key in the states C{init} and C{key}, and the key's value in the state
    C{value}.  A subclass may override the methods of the states, such as C{proto_key}.

    @ivar boxReceiver: receives the boxes, an L{twisted_basic_ng.amp.IBoxReceiver}.
    @ivar innerProtocol: the protocol that the connection has switched to, if any.
    @ivar innerProtocolClientFactory: the factory of C{innerProtocol}, on the side that asked for
        the switch.
    @ivar hostCertificate: the certificate of this side, once TLS has started.
    @ivar noPeerCertificate: whether to pretend that the peer has no certificate; for tests.
    @ivar _keyLengthLimitExceeded: whether the connection is being closed because a key is too long.
    @cvar MAX_BOX_KEYS: the largest number of keys in a box; C{None} for no limit.  A peer that
        exceeds it is dropped.
    @cvar MAX_BOX_LENGTH: the largest size of a box on the wire, in bytes; C{None} for no limit.  A
        peer that exceeds it is dropped.
    @cvar MAX_UNSENT_BYTES: how many bytes may wait to be sent, besides the 64 KiB that a transport
        buffers itself.  It is also how many bytes the calls under way may take, for each side
        separately.  Above the limit, nothing is read from the peer, and this side's own calls wait
        in line.  C{None} for no limit.  Set it before the connection is made.
    @cvar STREAM_WINDOW: how many bytes of a stream may wait to be read, 262,144 by default.
    @cvar MAX_STREAMS: how many streams of the peer may be unread at a time, 100 by default; another
        one is stopped.
    @cvar MAX_STREAM_BYTES: how many bytes of all streams of the peer may wait to be read, 4 MiB by
        default; at least C{MAX_STREAMS} times 16,384.
    @cvar MAX_WAITING_BYTES: how many bytes of answers may wait until the peer has said which
        features beyond Twisted's AMP it has; C{None} for no limit.  Above the limit, it counts as a
        peer without any.  With C{MAX_UNSENT_BYTES}, the limit is twice that, and at least 1 MiB.
    @cvar KEEPALIVE_INTERVAL: after how many seconds without a byte from the peer it is asked for an
        answer; C{None} for never.  Set it before the connection is made.
    @cvar KEEPALIVE_TIME: how many seconds the peer then has to answer.  After that, the connection
        is aborted, and calls fail with L{SilentPeerError}.  C{None} for the time of
        C{KEEPALIVE_INTERVAL}.
    @cvar MAX_MESSAGE_TIME: how many seconds a box may take to arrive; C{None} for no limit.  The
        connection of a peer that takes longer is aborted.
    @cvar plaintextAfterRefusedTLS: whether the connection continues without TLS if the peer refuses
        TLS; by default it is closed.
    @cvar acceptsStartTLS: whether a peer may start TLS when the application has no responder of its
        own for it.
    @cvar unhandledErrorsAreFatal: whether the connection is closed after an error that nobody
        handled, as in Twisted.  The error is logged in either case.
    """

    plaintextAfterRefusedTLS: bool = False
    acceptsStartTLS: bool = True
    unhandledErrorsAreFatal: bool = True

    hostCertificate: Any = None
    noPeerCertificate = False
    innerProtocolClientFactory: Any = None

    def __init__(self, boxReceiver: Any) -> None:
        _DescriptorExchanger.__init__(self)
        self.boxReceiver = boxReceiver

    # Differs from Twisted: the repr shows the peer.

    def __repr__(self) -> str:
        return addToRepr(super().__repr__(), f", to {describePeerOf(self)}")

    # The connection.

    def makeConnection(self, transport: Any) -> None:
        """Start the connection, and tell the box receiver."""
        asks, unsent = getattr(self.boxReceiver, "MAX_ASKS_IN_PROGRESS", None), self.MAX_UNSENT_BYTES
        isBounded = asks is not None or unsent is not None
        self.transport = (
            MeteredTransport(transport, unsent, self._ampRelieve, self._ampClose) if isBounded else transport
        )
        self._ampIsLost = False
        if self.boxReceiver is not self and hasattr(self.boxReceiver, "_ampFailAnswer"):
            # On one of the two is enough.
            self.extended = self.boxReceiver.extended = self.extended is True or self.boxReceiver.extended is True
        self.boxReceiver.startReceivingBoxes(self)
        if self.KEEPALIVE_INTERVAL is not None:
            self._ampKeepalive = watch(self, self.boxReceiver)
            self._ampHeedsBytes = self._ampKeepalive is not None
        self.connectionMade()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """
        End the connection.  The inner protocol and the box receiver are told even if one of them
        raises.
        """
        self._ampIsLost = True
        self._ampStopKeepalive()
        try:
            if self.innerProtocol is not None:
                self._ampInnerConnectionLost(reason)
        finally:
            if self._receiverConnection is not None:
                self._receiverConnection.stopTimer()
            if isinstance(self.transport, MeteredTransport):
                self.transport._ampForget()
            self._ampCloseDescriptors()
            self._ampStopReceiving(self._ampWhyLost(reason))

    # Differs from Twisted: calls then do not wait forever.

    def _ampStopReceiving(self, reason: Failure) -> None:
        """Tell the box receiver.  The open calls fail even if an application's override raises."""
        try:
            self.boxReceiver.stopReceivingBoxes(reason)
        except BaseException:
            if getattr(self.boxReceiver, "_failAllReason", reason) is None:
                self.boxReceiver.failAllOutgoing(reason)
            raise

    def _ampInnerConnectionLost(self, reason: Failure) -> None:
        try:
            self.innerProtocol.connectionLost(reason)
        finally:
            if self.innerProtocolClientFactory is not None:
                self.innerProtocolClientFactory.clientConnectionLost(None, reason)

    def _ampWhyLost(self, reason: Failure) -> Failure:
        """Find the reason why no more boxes arrive; the transport may not know it."""
        if self._keyLengthLimitExceeded:
            tooLong = TooLong(True, False, None, None)
            addText(tooLong, whatPeerSpeaks(self._ampKeyLength))
            return Failure(tooLong)
        if self._ampRefusal is not None:
            return Failure(self._ampRefusal)
        if self._justStartedTLS and reason.check(ConnectionClosed):
            # No byte arrived after TLS was started, so the peer has rejected it.
            return Failure(PeerVerifyError("Peer rejected our certificate for an unknown reason."))
        return reason

    def unhandledError(self, failure: Failure) -> None:
        """Log an error that nobody handled, and close the connection.  Applications override it."""
        _log.failure(
            "Amp server or network failure unhandled by client application.  "
            "Dropping connection!  To avoid, add errbacks to ALL remote commands!",
            failure,
        )
        if self.unhandledErrorsAreFatal:
            self._ampLeavePeer()

    # Switching to another protocol.

    def _lockForSwitch(self) -> None:
        """Refuse to send boxes from now on."""
        self._locked = True

    def _unlockFromSwitch(self) -> None:
        """
        Allow boxes to be sent again, after the peer has refused to switch.

        @raise ProtocolSwitched: the connection has already switched.
        """
        if self.innerProtocol is not None:
            raise ProtocolSwitched("Protocol already switched.  Cannot unlock.")
        self._locked = False

    def _switchTo(self, newProto: Any, clientFactory: Any = None) -> None:
        """
        Switch to another protocol, and pass it the bytes that follow the last box.

        @param newProto: the protocol.
        @param clientFactory: its factory, if it is to be told when the connection ends.
        """
        self.innerProtocol = newProto
        self.innerProtocolClientFactory = clientFactory
        self._ampForgetHalfBox()
        try:
            newProto.makeConnection(self._ampLeaveToInner())
            self._ampHandOverDescriptors()
        finally:
            data = self._receiverConnected().backlog.take()
        if data:
            newProto.dataReceived(data)

    def _ampLeaveToInner(self) -> Any:
        """
        Stop reading boxes, so that another protocol can use the connection.

        @return: the transport for that protocol.
        """
        self._ampStopKeepalive()
        if self._ampExtensions is not None:
            self._ampExtensions.stop(Failure(ProtocolSwitched("This connection has switched: no AMP traffic allowed.")))
        if self._ampOverload is not None:
            self._ampOverload.forget()
        if self._ampIsHeld:
            self._ampIsHeld = False
            self.paused = self._ampIsPausedByApplication
            if not self.paused:
                self.transport.resumeProducing()
        return self.transport.unwrap() if isinstance(self.transport, MeteredTransport) else self.transport

    # File descriptors of a connection that switches.

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until a box claims it, or pass it to the inner protocol."""
        if self.innerProtocol is None:
            super().fileDescriptorReceived(descriptor)
        elif IFileDescriptorReceiver.providedBy(self.innerProtocol):
            self.innerProtocol.fileDescriptorReceived(descriptor)
        else:
            os.close(descriptor)

    # Differs from Twisted: descriptors that came ahead of the last box go to the inner protocol, or
    # are closed.

    def _ampHandOverDescriptors(self) -> None:
        """
        Pass the descriptors that no box has claimed to the inner protocol, or close them.

        Descriptors that are meant for the inner protocol may arrive before the last box.
        """
        if IFileDescriptorReceiver.providedBy(self.innerProtocol):
            for number in sorted(self._descriptors):
                self.innerProtocol.fileDescriptorReceived(self._descriptors.pop(number))
        self._ampCloseDescriptors()

    # TLS.

    # Differs from Twisted: it asks for TLS inside TLS on a connection that is TLS from its first
    # byte on.

    def _ampHasTLS(self) -> bool:
        """
        Whether the connection uses TLS already, from its first byte on or because a call started
        it.
        """
        return self.hostCertificate is not None or ISSLTransport.providedBy(self.transport)

    def _ampWhyNoTLS(self) -> tuple[bytes, bool] | None:
        """
        Return why the peer may not start TLS, and whether to close the connection; C{None} if it
        may.
        """
        if self._ampHasTLS():
            return b"TLS was started already", False
        if self._startingTLSBuffer is not None:
            # Each side waits for the other, and neither can send anything else.
            return b"TLS is being started by both sides", True
        return None

    def _prepareTLS(self, certificate: TLSCredentials, verifyAuthorities: Any) -> None:
        """
        Hold boxes back until TLS has started.

        @raise OnlyOneTLS: the connection has TLS already.
        """
        if self.hostCertificate is not None:
            raise OnlyOneTLS(
                f"Previously authenticated connection between {safe_str(self.hostCertificate)} and "
                f"{self._ampDescribePeer()} is trying to re-establish as {safe_repr((certificate, verifyAuthorities))}"
            )
        if self._ampHasTLS():
            raise OnlyOneTLS("This connection has TLS that StartTLS did not start: it cannot be started again")
        self._startingTLSBuffer = []
        self._ampDetour = True
        if self._ampExtensions is not None:
            self._ampExtensions.suspend()

    def _ampDescribePeer(self) -> str:
        """Describe the peer by its certificate, if it has one."""
        try:
            return safe_str(self.peerCertificate)
        except Exception:
            return "a peer without a certificate"

    def _startTLS(self, certificate: TLSCredentials, verifyAuthorities: Any) -> None:
        """
        Start TLS, and send the boxes that waited for it.

        @param certificate: the certificate of this side.
        @param verifyAuthorities: the authorities that must have signed the peer's certificate, if
            any.
        """
        options = certificate.options(*(verifyAuthorities or ()))
        self.hostCertificate = certificate
        isAsking = self._startingTLSBuffer is not None
        behind = b"" if self._ampOverload is None else self._ampOverload.leavePlaintext(isAsking)
        if self._ampRefusal is not None:
            raise self._ampRefusal  # too many boxes waited
        self._justStartedTLS = True
        self.transport.startTLS(options)
        self._ampForgetHalfBox()
        self.MAX_LENGTH = self._MAX_KEY_LENGTH
        self._ampSendKeptBack()
        if self._ampExtensions is not None:
            self._ampExtensions.restart()
        # Differs from Twisted: bytes in plaintext are for the handshake, and are never read as
        # boxes.
        connection = self._receiverConnected()
        if behind:
            connection.backlog.replace(behind + connection.backlog.take())
        self._receiverLeavePlaintext(connection, b"")
        self._ampRelieve()

    # Differs from Twisted: a connection whose peer refuses TLS is closed, and does not wait
    # forever.

    def _ampAbandonTLS(self, refused: bool) -> None:
        """
        Continue without TLS if that is allowed, else close the connection and drop the boxes that
        waited.

        @param refused: whether the peer has refused TLS.
        """
        if refused and self.plaintextAfterRefusedTLS:
            self._ampSendKeptBack()
            if self._ampExtensions is not None:
                self._ampExtensions.restart()
        else:
            self._startingTLSBuffer = None
            self._ampTLSAbandoned = True
            self._ampLeavePeer()

    def _getPeerCertificate(self) -> Any:
        if self.noPeerCertificate or self.transport is None:
            return None
        from ._tlssupport import Certificate  # already imported if the connection has TLS

        return Certificate.peerFromTransport(self.transport)

    @property
    def peerCertificate(self) -> Any:
        """The peer's certificate, a C{Certificate}, once TLS has started."""
        return self._getPeerCertificate()

    def _defaultStartTLSResponder(self) -> dict[str, Any]:
        """
        Let the peer start TLS without certificates.  The traffic is encrypted, but the peer's
        identity is not verified.

        To show a certificate or to verify the peer's, declare a responder of your own.
        """
        if not self.acceptsStartTLS:
            raise RemoteAmpError(UNHANDLED_ERROR_CODE, "Unhandled Command: b'StartTLS'")
        return {}
