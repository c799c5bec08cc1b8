"""
A connection of boxes: its beginning and its end, and changing it to TLS or to another protocol.

Reading is in L{twisted_basic_ng.amp._strings} and L{twisted_basic_ng.amp._reading}, sending in
L{twisted_basic_ng.amp._sending}.  This file knows nothing of asks and answers.
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
    A connection of boxes.  A box is pairs of keys and values, each behind its length in two bytes, and an empty key.

    A key has 1 to 255 bytes, a value 0 to 65,535.  In the states C{init} and C{key} a key comes next, in C{value} its
    value.  A subclass may override the methods of the states, C{proto_key} and the like.

    @ivar boxReceiver: takes the boxes, an L{twisted_basic_ng.amp.IBoxReceiver}.
    @ivar innerProtocol: the protocol that the connection has changed over to, if any.
    @ivar innerProtocolClientFactory: its factory, on the side that asked for it.
    @ivar hostCertificate: the certificate of this side, once TLS was started.
    @ivar noPeerCertificate: for tests: pretend that the peer has no certificate.
    @ivar _keyLengthLimitExceeded: the connection is being closed because of a key that is too long.
    @cvar MAX_BOX_KEYS: how many keys a box may have; C{None} for any number.
    @cvar MAX_BOX_LENGTH: how many bytes it may have on the wire; C{None} for any number.
    @cvar MAX_UNSENT_BYTES: how many bytes may wait to be sent, besides the 64 KiB that a transport keeps itself, and
        how many the calls of one side may have that are under way; C{None} for any number.  With more, nothing is read
        from the peer, and calls of one's own wait in line.  Set it before the connection is made.
    @cvar KEEPALIVE_INTERVAL: after how many seconds without a byte from the peer it is asked for an answer; C{None} for
        never.  Set it before the connection is made.
    @cvar KEEPALIVE_TIME: how many seconds the peer then has, before the connection is aborted and calls fail with
        L{SilentPeerError}; C{None} for as many as C{KEEPALIVE_INTERVAL} says.
    @cvar MAX_MESSAGE_TIME: how many seconds a box may take to arrive; C{None} for any time.
    @cvar plaintextAfterRefusedTLS: whether a connection goes on without TLS when the peer refuses it; it is closed by
        default.
    @cvar acceptsStartTLS: whether a peer may start TLS where the application has no responder of its own for it.
    @cvar unhandledErrorsAreFatal: whether the connection is closed after an error that nobody handled, as in Twisted;
        it is logged in any case.
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

    # Differs from Twisted: it shows its peer.

    def __repr__(self) -> str:
        return addToRepr(super().__repr__(), f", to {describePeerOf(self)}")

    # The connection.

    def makeConnection(self, transport: Any) -> None:
        """Begin, and tell the receiver of boxes."""
        asks, unsent = getattr(self.boxReceiver, "MAX_ASKS_IN_PROGRESS", None), self.MAX_UNSENT_BYTES
        isBounded = asks is not None or unsent is not None
        self.transport = (
            MeteredTransport(transport, unsent, self._ampRelieve, self._ampClose) if isBounded else transport
        )
        self._ampIsLost = False
        self.boxReceiver.startReceivingBoxes(self)
        if self.KEEPALIVE_INTERVAL is not None:
            self._ampKeepalive = watch(self, self.boxReceiver)
        self.connectionMade()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """End, and tell the inner protocol and the receiver of boxes, even if one of them raises."""
        self._ampIsLost = True
        self._ampStopKeepalive()
        try:
            if self.innerProtocol is not None:
                self._ampInnerConnectionLost(reason)
        finally:
            if self._receiverState is not None:
                self._receiverState.stopTimer()
            if isinstance(self.transport, MeteredTransport):
                self.transport._ampForget()
            self._ampCloseDescriptors()
            self._ampStopReceiving(self._ampWhyLost(reason))

    # Differs from Twisted: calls do not wait for ever then.

    def _ampStopReceiving(self, reason: Failure) -> None:
        """Tell the receiver of boxes; if an application's override raises, its calls fail all the same."""
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
        """Find the reason why no boxes come any more; it may be one that the transport does not know."""
        if self._keyLengthLimitExceeded:
            tooLong = TooLong(True, False, None, None)
            addText(tooLong, whatPeerSpeaks(self._ampKeyLength))
            return Failure(tooLong)
        if self._ampRefusal is not None:
            return Failure(self._ampRefusal)
        if self._justStartedTLS and reason.check(ConnectionClosed):
            # Not a byte came after TLS was started: so the peer has rejected it.
            return Failure(PeerVerifyError("Peer rejected our certificate for an unknown reason."))
        return reason

    def unhandledError(self, failure: Failure) -> None:
        """Log an error that nobody handled, and close the connection; applications override it."""
        _log.failure(
            "Amp server or network failure unhandled by client application.  "
            "Dropping connection!  To avoid, add errbacks to ALL remote commands!",
            failure,
        )
        if self.unhandledErrorsAreFatal:
            self._ampLeavePeer()

    # Changing over to another protocol.

    def _lockForSwitch(self) -> None:
        """Send no box from now on."""
        self._locked = True

    def _unlockFromSwitch(self) -> None:
        """
        Send boxes again: the peer refuses to change over.

        @raise ProtocolSwitched: that was done already.
        """
        if self.innerProtocol is not None:
            raise ProtocolSwitched("Protocol already switched.  Cannot unlock.")
        self._locked = False

    def _switchTo(self, newProto: Any, clientFactory: Any = None) -> None:
        """
        Change over to another protocol, and give it the bytes behind the last box.

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
            data = self._receiverBacklog().take()
        if data:
            newProto.dataReceived(data)

    def _ampLeaveToInner(self) -> Any:
        """
        Stop reading boxes, for another protocol.

        @return: the transport for it.
        """
        self._ampStopKeepalive()
        if self._ampOverload is not None:
            self._ampOverload.forget()
        if self._ampIsHeld:
            self._ampIsHeld = False
            self.paused = self._ampIsPausedByApplication
            if not self.paused:
                self.transport.resumeProducing()
        return self.transport.unwrap() if isinstance(self.transport, MeteredTransport) else self.transport

    # File descriptors of a connection that changes over.

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until a box claims it, or hand it to the protocol that was changed over to."""
        if self.innerProtocol is None:
            super().fileDescriptorReceived(descriptor)
        elif IFileDescriptorReceiver.providedBy(self.innerProtocol):
            self.innerProtocol.fileDescriptorReceived(descriptor)
        else:
            os.close(descriptor)

    # Differs from Twisted: descriptors that came ahead of the last box go to the inner protocol, or are closed.

    def _ampHandOverDescriptors(self) -> None:
        """
        Give the inner protocol the descriptors that no box has claimed, or close them.

        Descriptors that the inner protocol's own peer has sent may come before the last box.
        """
        if IFileDescriptorReceiver.providedBy(self.innerProtocol):
            for number in sorted(self._descriptors):
                self.innerProtocol.fileDescriptorReceived(self._descriptors.pop(number))
        self._ampCloseDescriptors()

    # TLS.

    # Differs from Twisted: it asks for TLS inside of TLS on a connection that is TLS from its first byte on.

    def _ampHasTLS(self) -> bool:
        """Whether the connection has TLS already: started by a call, or from its first byte on."""
        return self.hostCertificate is not None or ISSLTransport.providedBy(self.transport)

    def _ampWhyNoTLS(self) -> tuple[bytes, bool] | None:
        """Say why the peer may not start TLS, and whether to close the connection then; C{None} if it may."""
        if self._ampHasTLS():
            return b"TLS was started already", False
        if self._startingTLSBuffer is not None:
            return b"TLS is being started by both sides", True  # each waits for the other, and can say no more
        return None

    def _prepareTLS(self, certificate: TLSCredentials, verifyAuthorities: Any) -> None:
        """
        Keep boxes back until TLS has started.

        @raise OnlyOneTLS: there is TLS already.
        """
        if self.hostCertificate is not None:
            raise OnlyOneTLS(
                f"Previously authenticated connection between {safe_str(self.hostCertificate)} and "
                f"{self._ampDescribePeer()} is trying to re-establish as {safe_repr((certificate, verifyAuthorities))}"
            )
        if self._ampHasTLS():
            raise OnlyOneTLS("This connection has TLS that StartTLS did not start: it cannot be started again")
        self._startingTLSBuffer = []

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
        @param verifyAuthorities: the authorities that must have signed the peer's certificate, if any.
        """
        options = certificate.options(*(verifyAuthorities or ()))
        self.hostCertificate = certificate
        isAsking = self._startingTLSBuffer is not None
        behind = b"" if self._ampOverload is None else self._ampOverload.leavePlaintext(isAsking)
        if self._ampRefusal is not None:
            raise self._ampRefusal  # the boxes that waited were too many
        self._justStartedTLS = True
        self.transport.startTLS(options)
        self._ampForgetHalfBox()
        self.MAX_LENGTH = self._MAX_KEY_LENGTH
        self._ampSendKeptBack()
        # Differs from Twisted: bytes in plaintext are for the handshake, and are never read as boxes.
        backlog = self._receiverBacklog()
        if behind:
            backlog.replace(behind + backlog.take())
        self._receiverLeavePlaintext(backlog, b"")
        self._ampRelieve()

    # Differs from Twisted: a connection whose peer refuses TLS does not wait for ever; it is closed.

    def _ampAbandonTLS(self, refused: bool) -> None:
        """
        Go on without TLS if that is allowed; else close the connection and drop the boxes that waited.

        @param refused: whether the peer has refused TLS.
        """
        if refused and self.plaintextAfterRefusedTLS:
            self._ampSendKeptBack()
        else:
            self._startingTLSBuffer = None
            self._ampTLSAbandoned = True
            self._ampLeavePeer()

    def _getPeerCertificate(self) -> Any:
        if self.noPeerCertificate or self.transport is None:
            return None
        from ._tlssupport import Certificate  # it is imported already where there is TLS

        return Certificate.peerFromTransport(self.transport)

    @property
    def peerCertificate(self) -> Any:
        """The peer's certificate, a C{Certificate}, once TLS was started."""
        return self._getPeerCertificate()

    def _defaultStartTLSResponder(self) -> dict[str, Any]:
        """
        Let the peer start TLS, anonymously: nobody can listen, but the peer's identity is unknown.

        Declare a responder of your own to show a certificate, or to verify one.
        """
        if not self.acceptsStartTLS:
            raise RemoteAmpError(UNHANDLED_ERROR_CODE, "Unhandled Command: b'StartTLS'")
        return {}
