"""
Starting TLS in the middle of a connection.

L{StartTLS} is the command, and its answer is the box after which TLS starts.
L{twisted_basic_ng.amp.BinaryBoxProtocol} deals with the bytes between that box and the handshake.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from functools import lru_cache, partial
from typing import Any, Final

from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from .._places import public
from ._arguments import String
from ._boxes import AmpBox, QuitBox
from ._commands import Command
from ._constants import ANSWER, TLS_ERROR_CODE
from ._errorboxes import errorBox
from ._errors import OnlyOneTLS, RemoteAmpError
from ._tlssupport import currentSSL
from ._types import Objects, Strings, TLSStarter

__all__ = ["StartTLS", "_LocalArgument", "_NoCertificate", "_TLSBox"]


@lru_cache(maxsize=1)
def _temporaryCertificate() -> Any:
    """
    Make the certificate for servers that have none, because OpenSSL requires one of a server.

    There is one for the process, with a key on an elliptic curve, so a peer that starts TLS over
    and over costs little.  C{cryptography} makes it.  Every pyOpenSSL of the last ten years builds
    on C{cryptography}, so it does not matter which of its own ways to do so pyOpenSSL still has.
    """
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TEMPORARY CERTIFICATE")])
    now = datetime.now(timezone.utc).replace(tzinfo=None)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        # RFC 5280, 4.1.2.5: this date means no expiry.  Nobody verifies the certificate.
        .not_valid_after(datetime(9999, 12, 31))
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return currentSSL().PrivateCertificate.loadPEM(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))


@public("amp")
class _NoCertificate:
    """
    The certificate options of a side without a certificate.

    A client shows no certificate, and a server shows a temporary one.

    @ivar client: whether this side is the client of the handshake.
    """

    def __init__(self, client: bool) -> None:
        self.client = client

    def options(self, *authorities: Any) -> Any:
        """
        Make the options for C{transport.startTLS}.  They verify the peer if there are authorities.
        """
        from ._tlssupport import CertificateOptions

        if not self.client:
            return _temporaryCertificate().options(*authorities)
        if not authorities:
            return CertificateOptions()
        roots = [each.original for each in authorities]
        return CertificateOptions(verify=True, requireCertificate=True, caCerts=roots)


#: The keys with which each side may choose its certificate and the authorities that it trusts.
_CREDENTIALS: Final = (b"tls_localCertificate", b"tls_verifyAuthorities")


@public("amp")
class _TLSBox(AmpBox):
    """
    The answer to L{StartTLS}: TLS starts after it.  On a connection that has TLS, an error is sent
    instead.

    @raise RemoteAmpError: TLS is not available.
    """

    __slots__: list[str] = []

    def __init__(self) -> None:
        if currentSSL() is None:
            raise RemoteAmpError(TLS_ERROR_CODE, "TLS not available")
        AmpBox.__init__(self)

    @property
    def certificate(self) -> Any:
        """The certificate options of this side."""
        return self.get(b"tls_localCertificate", _NoCertificate(False))

    @property
    def verify(self) -> Any:
        """The authorities to verify the peer with; C{None} if it is not verified."""
        return self.get(b"tls_verifyAuthorities", None)

    # Differs from Twisted: there, TLS starts again inside the existing TLS.

    def _sendTo(self, proto: TLSStarter) -> None:
        refusal = self._ampRefusal(proto)
        if refusal is not None:
            refusal._sendTo(proto)
            return
        answer = AmpBox(self)
        for name in _CREDENTIALS:
            answer.pop(name, None)
        extensions = getattr(proto, "_ampExtensions", None)
        if extensions is not None:
            extensions.passNext()
        answer._sendTo(proto)
        try:
            proto._startTLS(self.certificate, self.verify)
        except BaseException:
            getattr(proto, "_ampAbandonTLS", _ignore)(False)  # the peer starts TLS
            raise

    def _ampRefusal(self, proto: Any) -> AmpBox | None:
        """
        Make the error to answer with if C{proto} is one of our protocols and cannot start TLS.
        """
        why = getattr(proto, "_ampWhyNoTLS", _ignore)()
        if why is None or ANSWER not in self:
            return None
        text, isFatal = why
        return errorBox(QuitBox if isFatal else AmpBox, self[ANSWER], TLS_ERROR_CODE, text)


def _ignore(*args: object) -> None:
    """Do nothing, for a box sender that is not one of our protocols."""


@public("amp")
class _LocalArgument(String):
    """An argument that is not sent: only the side that passes or returns it sees it."""

    def fromBox(self, name: bytes, strings: Strings, objects: Objects, proto: Any) -> None:
        """Read nothing."""


@public("amp")
class StartTLS(Command):
    """
    Start TLS on this connection.  If you can, use a TLS endpoint instead; TLS from the first byte
    is safer.

    Nothing else is sent until the call is answered.  Plaintext that the peer sends after its answer
    is never read.  The side that opened the connection is the client of the handshake, whichever
    side called.

    Both sides can pass options: the caller as arguments of C{callRemote}, the responder in its
    response.

      - C{tls_localCertificate}, a C{PrivateCertificate}: the certificate of this side.
      - C{tls_verifyAuthorities}, a list of C{Certificate}: the authorities that must have signed
        the peer's certificate.  Without it, the peer is not verified.

    If the peer refuses, or TLS cannot be started, the connection is closed, unless
    C{plaintextAfterRefusedTLS} of its protocol is true.

    @raise RuntimeError: TLS is not available on this side.
    @raise OnlyOneTLS: TLS was already requested or started, or the connection is TLS from its first
        byte on.
    """

    arguments = [(name, _LocalArgument(optional=True)) for name in _CREDENTIALS]
    response = [*arguments]
    responseType = _TLSBox
    _ampChangesConnection = True

    def __init__(self, *, tls_localCertificate: Any = None, tls_verifyAuthorities: Any = None, **kw: Any) -> None:
        if currentSSL() is None:
            raise RuntimeError("TLS not available.  Install what it needs: pip install 'twisted[tls]'")
        self.certificate = _NoCertificate(True) if tls_localCertificate is None else tls_localCertificate
        self.authorities = tls_verifyAuthorities
        Command.__init__(self, **kw)

    def _doCommand(self, proto: TLSStarter) -> Any:
        """Send the call.  TLS starts with its answer."""
        if getattr(proto, "_startingTLSBuffer", None) is not None:
            raise OnlyOneTLS("TLS is being started already")
        if getattr(proto, "_ampHasTLS", _ignore)():
            # This raises the error that says what is wrong.
            proto._prepareTLS(self.certificate, self.authorities)
        answering = self._ampDoAndChange(
            proto, partial(Command._doCommand, self), lambda: proto._prepareTLS(self.certificate, self.authorities)
        )

        def start(response: object) -> object:
            try:
                proto._startTLS(self._ampCertificateFor(proto.transport), self.authorities)
            except BaseException:
                proto._ampAbandonTLS(False)  # the peer has started TLS
                raise
            return response

        def abandon(error: Failure) -> Failure:
            # A cancelled call may have been sent, and the peer may start TLS nevertheless.
            proto._ampAbandonTLS(not error.check(CancelledError))
            return error

        return answering.addCallbacks(start, abandon)

    def _ampCertificateFor(self, transport: Any) -> Any:
        """
        Return the certificate options for the role that this side will have in the handshake.

        The side that accepted the connection is the server, even if it is the caller, and a server
        needs a certificate.  Twisted's transports expose their role only as C{_tlsClientDefault}.
        """
        isClient = getattr(transport, "_tlsClientDefault", True)
        if isinstance(self.certificate, _NoCertificate) and not isClient:
            # Differs from Twisted: there, the accepting side cannot ask for TLS.
            return _NoCertificate(False)
        return self.certificate
