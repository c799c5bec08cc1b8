"""
A connection of boxes: its beginning and end, what is sent over it, and what else becomes of it, TLS or another
protocol.

Reading is another file's, L{twisted_basic_ng.amp._reading}.  This one knows nothing of asks and answers, but for
their tags.
"""

from __future__ import annotations

import os
from typing import Any

from zope.interface import implementer

from twisted.internet.error import ConnectionClosed, ConnectionLost, PeerVerifyError
from twisted.internet.interfaces import IFileDescriptorReceiver, ISSLTransport
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.python.reflect import safe_repr, safe_str

from .._places import public
from .._receiving.receiver import abort
from ._boxes import AmpBox
from ._constants import ANSWER, ASK, ERROR, UNHANDLED_ERROR_CODE
from ._descriptors import _DescriptorExchanger
from ._errors import AmpError, ForgedAnswerError, OnlyOneTLS, ProtocolSwitched, RemoteAmpError, TooLong
from ._interfaces import IBoxSender
from ._metering import MeteredTransport
from ._reading import BoxReader
from ._types import TLSCredentials

__all__ = ["BinaryBoxProtocol"]

_log = Logger("twisted.protocols.amp")


@implementer(IBoxSender)
@public("amp")
class BinaryBoxProtocol(BoxReader):
    """
    A connection of boxes: pairs of keys and values, all behind their lengths in two bytes, and an empty key at the end.

    A key is 1 to 255 bytes, a value 0 to 65,535.  In the states C{init} and C{key} a key comes next, in C{value} its
    value; a subclass may override what is done with them, C{proto_key} and the like.

    @ivar boxReceiver: takes the boxes, an L{twisted_basic_ng.amp.IBoxReceiver}.
    @ivar innerProtocol: the protocol that was changed over to, if any.
    @ivar innerProtocolClientFactory: its factory, on the side that asked for it.
    @ivar hostCertificate: what this side shows of itself, once TLS was started.
    @ivar noPeerCertificate: for tests: say that the peer shows nothing of itself.
    @ivar _keyLengthLimitExceeded: the connection is being closed because of a key that is too long.
    @cvar MAX_BOX_KEYS: how many keys a box may have; C{None} for any number.
    @cvar MAX_BOX_LENGTH: how many bytes it may have on the wire; C{None} for any number.
    @cvar MAX_UNSENT_BYTES: how many bytes may wait to be sent, besides the 64 KiB that a transport keeps itself, and
        how many the calls of one side may have that are under way; C{None} for any number.  With more, nothing is read
        from the peer, and calls of one's own wait in line.  Set it before the connection is made.
    @cvar MAX_MESSAGE_TIME: how many seconds a box may take to arrive; C{None} for any time.
    @cvar plaintextAfterRefusedTLS: whether a connection goes on without TLS when the peer refuses it; it is closed by
        default.
    @cvar acceptsStartTLS: whether a peer may start TLS where the application has no responder of its own for it.
    @cvar unhandledErrorsAreFatal: whether the connection is closed after an error that nobody handled, as in Twisted;
        it is logged in any case.
    """

    MAX_UNSENT_BYTES: int | None = None
    plaintextAfterRefusedTLS: bool = False
    acceptsStartTLS: bool = True
    unhandledErrorsAreFatal: bool = True

    hostCertificate: Any = None
    noPeerCertificate = False
    innerProtocolClientFactory: Any = None

    _ampOverload: Any = None
    _ampIsHeld = False
    _ampIsPausedByApplication = False
    _locked = False
    _ampTLSAbandoned = False

    def __init__(self, boxReceiver: Any) -> None:
        _DescriptorExchanger.__init__(self)
        self.boxReceiver = boxReceiver

    # The connection.

    def makeConnection(self, transport: Any) -> None:
        """Begin, and tell the receiver of boxes so."""
        asks, unsent = getattr(self.boxReceiver, "MAX_ASKS_IN_PROGRESS", None), self.MAX_UNSENT_BYTES
        isBounded = asks is not None or unsent is not None
        self.transport = (
            MeteredTransport(transport, unsent, self._ampRelieve, self._ampClose) if isBounded else transport
        )
        self._ampIsLost = False
        self.boxReceiver.startReceivingBoxes(self)
        self.connectionMade()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """End, and tell whoever is concerned so, whatever one of them raises."""
        self._ampIsLost = True
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

    # Differs from Twisted: where calls wait for ever then.

    def _ampStopReceiving(self, reason: Failure) -> None:
        """Tell the receiver of boxes; where an application's way to take that raises, its calls end all the same."""
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
        """Tell why no boxes come any more, which may be more than the transport knows."""
        if self._keyLengthLimitExceeded:
            return Failure(TooLong(True, False, None, None))
        if self._ampRefusal is not None:
            return Failure(self._ampRefusal)
        if self._justStartedTLS and reason.check(ConnectionClosed):
            # Not a byte came after TLS was started: so the peer did not like it.
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

    # Reading no more than can be answered.

    def pauseProducing(self) -> None:
        """Stop delivering, and reading from the transport."""
        self._ampIsPausedByApplication = True
        super().pauseProducing()

    def resumeProducing(self) -> None:
        """Go on with what was kept, and with reading, unless the peer has to wait for its answers."""
        self._ampIsPausedByApplication = False
        wasHeld, hadInner = self._ampIsHeld, self.innerProtocol is not None
        self._ampRelieve()
        if wasHeld or self._ampIsHeld or self._ampIsPausedByApplication:
            return
        if hadInner or self.innerProtocol is None:
            super().resumeProducing()
        else:  # which came of what was kept, and has taken all that there was
            self.paused = False
            self.transport.resumeProducing()

    def stopProducing(self) -> None:
        """Stop for good."""
        self._ampIsPausedByApplication = True
        super().stopProducing()

    def _ampHoldPeer(self) -> None:
        """Read nothing from a peer that asks too much; on a connection that is being closed only its end is read."""
        if isinstance(self.transport, MeteredTransport) and self.transport._ampIsClosing:
            self._ampLeavePeer()
            return
        self._ampIsHeld = True
        if not self._ampIsPausedByApplication:
            super().pauseProducing()

    def _ampLetPeerGo(self) -> None:
        """Read on; what goes wrong then ends the connection, as it does wherever bytes come from."""
        self._ampIsHeld = False
        if self._ampIsPausedByApplication or self.transport is None:
            return
        try:
            super().resumeProducing()
        except Exception:
            _log.failure("while going on with what a peer has sent")
            self._ampLeavePeer()

    def _ampIsUnsent(self) -> bool:
        """Do more bytes wait to be sent than may?"""
        return isinstance(self.transport, MeteredTransport) and self.transport.isOver()

    def _ampRelieve(self) -> None:
        """There is room again."""
        if self._ampOverload is not None:
            self._ampOverload.relieve()

    def _ampClose(self) -> None:
        """The connection is to be closed, with everything sent: what the peer still has to say to that is read."""
        if self._ampIsHeld:
            self._ampIsHeld = False
            self._ampLeavePeer()
            if not self._ampIsPausedByApplication:
                self.transport.resumeProducing()

    def _ampLeavePeer(self) -> None:
        """Be done with the peer: what it has asked and what waits for it are forgotten, too."""
        if self._ampOverload is not None:
            self._ampOverload.forget()
        super()._ampLeavePeer()

    # Boxes to bytes.

    def sendBox(self, box: AmpBox) -> None:
        """
        Send a box.  Nothing else in AMP writes to the transport.

        @raise ProtocolSwitched: the connection speaks another protocol by now.
        @raise ConnectionLost: there is no connection any more, or none that may be used without TLS.
        @raise TooLong: a key or a value is too long.
        """
        if self._locked:
            raise ProtocolSwitched("This connection has switched: no AMP traffic allowed.")
        transport = self.transport  # which a box that is an application's may end
        if transport is None or self._ampTLSAbandoned:
            raise ConnectionLost()
        data = box.serialize()
        if self._startingTLSBuffer is not None:
            self._startingTLSBuffer.append(box)
            if self._ampOverload is not None:
                self._ampOverload.withhold(box, len(data))
        else:
            transport.write(data)

    def _ampSendKeptBack(self) -> None:
        """Send what was kept back for TLS; also where nothing else may be sent any more."""
        kept, self._startingTLSBuffer = self._startingTLSBuffer, None
        if self._ampOverload is not None:
            self._ampOverload.withheld = 0
        transport = self.transport
        for box in kept or ():
            transport.write(box.serialize())

    def _ampDeliver(self, box: AmpBox) -> None:
        """Deliver a box that was received."""
        if self._startingTLSBuffer and self._ampAnswersUnsent(box):
            # Differs from Twisted: who answers what was not sent yet is not who was asked.
            self._ampRefuse(ForgedAnswerError())
        else:
            super()._ampDeliver(box)

    def _ampAnswersUnsent(self, box: AmpBox) -> bool:
        """Does C{box} answer what waits for TLS to be sent?"""
        tag = box.get(ANSWER, box.get(ERROR))
        return tag is not None and any(each.get(ASK) == tag for each in self._startingTLSBuffer or ())

    # File descriptors.

    # Differs from Twisted: the descriptor of a box that cannot be sent stays here.

    def _sendFileDescriptor(self, descriptor: int) -> int:
        """Send a descriptor, unless its box cannot be sent; return its number."""
        if self._ampOverload is not None and self._ampOverload.line.isPostponing():
            number: int = self._ampOverload.line.postpone(descriptor)
            return number
        if self._locked or self.transport is None or self._ampTLSAbandoned:
            return self._sendingDescriptorCounter()  # sendBox says what is wrong
        return _DescriptorExchanger._sendFileDescriptor(self, descriptor)

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until a box claims it, or hand it to the protocol that was changed over to."""
        if self.innerProtocol is None:
            super().fileDescriptorReceived(descriptor)
        elif IFileDescriptorReceiver.providedBy(self.innerProtocol):
            self.innerProtocol.fileDescriptorReceived(descriptor)
        else:
            os.close(descriptor)

    # Differs from Twisted: descriptors that came ahead of the last box are the inner protocol's, or
    # are closed.

    def _ampHandOverDescriptors(self) -> None:
        """
        Give the inner protocol the descriptors that no box has claimed, or close them.

        Those that its own peer has sent may have come before the last box.
        """
        if IFileDescriptorReceiver.providedBy(self.innerProtocol):
            for number in sorted(self._descriptors):
                self.innerProtocol.fileDescriptorReceived(self._descriptors.pop(number))
        self._ampCloseDescriptors()

    def _ampKeepsClaims(self) -> bool:
        return super()._ampKeepsClaims() or (self._ampOverload is not None and bool(self._ampOverload.kept))

    # Changing over to another protocol.

    def _lockForSwitch(self) -> None:
        """Send no box from now on."""
        self._locked = True

    def _unlockFromSwitch(self) -> None:
        """
        Send boxes again: the peer does not want to change over.

        @raise ProtocolSwitched: that was done already.
        """
        if self.innerProtocol is not None:
            raise ProtocolSwitched("Protocol already switched.  Cannot unlock.")
        self._locked = False

    def _switchTo(self, newProto: Any, clientFactory: Any = None) -> None:
        """
        Change over to another protocol, and give it what came behind the last box.

        @param newProto: the protocol.
        @param clientFactory: its factory, where that wants to be told of the connection's end.
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
        Read for another protocol from now on, not for boxes.

        @return: the transport for it.
        """
        if self._ampOverload is not None:
            self._ampOverload.forget()
        if self._ampIsHeld:
            self._ampIsHeld = False
            self.paused = self._ampIsPausedByApplication
            if not self.paused:
                self.transport.resumeProducing()
        return self.transport.leave() if isinstance(self.transport, MeteredTransport) else self.transport

    # TLS.

    # Differs from Twisted: which asks for TLS inside of TLS where the connection was TLS from its first byte on.

    def _ampHasTLS(self) -> bool:
        """Is there TLS already: started by a call, or before there was AMP?"""
        return self.hostCertificate is not None or ISSLTransport.providedBy(self.transport)

    def _ampWhyNoTLS(self) -> tuple[bytes, bool] | None:
        """Tell why the peer may not start TLS, if so, and whether the connection is to be closed then."""
        if self._ampHasTLS():
            return b"TLS was started already", False
        if self._startingTLSBuffer is not None:
            return b"TLS is being started by both sides", True  # each waits for the other, and can say no more
        return None

    def _ampAbort(self, error: AmpError) -> None:
        """Be done at once with a peer that has too much wait for TLS, and send nothing of that."""
        self._startingTLSBuffer = None
        self._ampTLSAbandoned = True
        self._ampRefuse(error)
        abort(self.transport)

    def _prepareTLS(self, certificate: TLSCredentials, verifyAuthorities: Any) -> None:
        """
        Keep boxes back from now on, until TLS was started.

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
        """Describe what the peer shows of itself, which need not be anything."""
        try:
            return safe_str(self.peerCertificate)
        except Exception:
            return "a peer without a certificate"

    def _startTLS(self, certificate: TLSCredentials, verifyAuthorities: Any) -> None:
        """
        Start TLS, and send what was kept back for it.

        @param certificate: what to show of oneself.
        @param verifyAuthorities: who must have signed the peer's certificate, if it is to have one.
        """
        options = certificate.options(*(verifyAuthorities or ()))
        self.hostCertificate = certificate
        isAsking = self._startingTLSBuffer is not None
        behind = b"" if self._ampOverload is None else self._ampOverload.leavePlaintext(isAsking)
        if self._ampRefusal is not None:
            raise self._ampRefusal  # these were too many
        self._justStartedTLS = True
        self.transport.startTLS(options)
        self._ampForgetHalfBox()
        self.MAX_LENGTH = self._MAX_KEY_LENGTH
        self._ampSendKeptBack()
        # Differs from Twisted: what came in plaintext is for the handshake, and is never read as boxes.
        backlog = self._receiverBacklog()
        if behind:
            backlog.replace(behind + backlog.take())
        self._receiverLeavePlaintext(backlog, b"")
        self._ampRelieve()

    # Differs from Twisted: a connection whose peer refuses TLS is not mute; and not in plaintext either.

    def _ampAbandonTLS(self, refused: bool) -> None:
        """
        Go on without TLS where that is allowed, else close the connection; what was kept back is not sent then.

        @param refused: is it the peer that does not want TLS?
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
        from ._tlssupport import Certificate  # there is TLS to be asked about: it is imported already

        return Certificate.peerFromTransport(self.transport)

    @property
    def peerCertificate(self) -> Any:
        """What the peer shows of itself, a C{Certificate}, once TLS was started."""
        return self._getPeerCertificate()

    def _defaultStartTLSResponder(self) -> dict[str, Any]:
        """
        Let the peer start TLS, anonymously: nobody can listen, but who the peer is, nobody knows.

        Declare a responder of your own to show a certificate, or to verify one.
        """
        if not self.acceptsStartTLS:
            raise RemoteAmpError(UNHANDLED_ERROR_CODE, "Unhandled Command: b'StartTLS'")
        return {}
