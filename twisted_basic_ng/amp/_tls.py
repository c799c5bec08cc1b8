"""
Starting TLS in the middle of a connection.

L{StartTLS} is the command, its answer the box that starts TLS behind itself.  The bytes between the one and the
handshake are the connection's business (L{twisted_basic_ng.amp.BinaryBoxProtocol}).
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
    Make the certificate of servers that have none: OpenSSL does not let both sides be anonymous.

    One for the process, with a key on an elliptic curve: a peer that starts TLS over and over costs little.
    C{cryptography} makes it, which every pyOpenSSL of the last ten years builds on, so it does not matter which of
    pyOpenSSL's own ways to do so this version still has.
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
        .not_valid_after(datetime(9999, 12, 31))  # RFC 5280, 4.1.2.5: no date of expiry; nobody verifies it
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return currentSSL().PrivateCertificate.loadPEM(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))


@public("amp")
class _NoCertificate:
    """
    What a side without a certificate shows of itself: nothing as a client, a temporary certificate as a server.

    @ivar client: is this side the client?
    """

    def __init__(self, client: bool) -> None:
        self.client = client

    def options(self, *authorities: Any) -> Any:
        """Make what C{transport.startTLS} takes, which verifies the peer if there are authorities."""
        from ._tlssupport import CertificateOptions

        if not self.client:
            return _temporaryCertificate().options(*authorities)
        if not authorities:
            return CertificateOptions()
        roots = [each.original for each in authorities]
        return CertificateOptions(verify=True, requireCertificate=True, caCerts=roots)


#: What each side may say of itself, and of whom it trusts.
_CREDENTIALS: Final = (b"tls_localCertificate", b"tls_verifyAuthorities")


@public("amp")
class _TLSBox(AmpBox):
    """
    The answer to L{StartTLS}: behind it, there is TLS; on a connection that has TLS, an error goes out in its place.

    @raise RemoteAmpError: there is no TLS to be had.
    """

    __slots__: list[str] = []

    def __init__(self) -> None:
        if currentSSL() is None:
            raise RemoteAmpError(TLS_ERROR_CODE, "TLS not available")
        AmpBox.__init__(self)

    @property
    def certificate(self) -> Any:
        """What this side shows of itself."""
        return self.get(b"tls_localCertificate", _NoCertificate(False))

    @property
    def verify(self) -> Any:
        """The authorities to verify the peer by, if it is to be verified."""
        return self.get(b"tls_verifyAuthorities", None)

    # Differs from Twisted: which starts TLS again, inside of that which is there.

    def _sendTo(self, proto: TLSStarter) -> None:
        refusal = self._ampRefusal(proto)
        if refusal is not None:
            refusal._sendTo(proto)
            return
        answer = AmpBox(self)
        for name in _CREDENTIALS:
            answer.pop(name, None)
        answer._sendTo(proto)
        try:
            proto._startTLS(self.certificate, self.verify)
        except BaseException:
            getattr(proto, "_ampAbandonTLS", _ignore)(False)  # the peer starts it
            raise

    def _ampRefusal(self, proto: Any) -> AmpBox | None:
        """Make the error to answer with where C{proto} is one of ours and cannot start TLS."""
        why = getattr(proto, "_ampWhyNoTLS", _ignore)()
        if why is None or ANSWER not in self:
            return None
        text, isFatal = why
        return errorBox(QuitBox if isFatal else AmpBox, self[ANSWER], TLS_ERROR_CODE, text)


def _ignore(*args: object) -> None:
    """Do nothing for a sender of boxes that is none of ours."""


@public("amp")
class _LocalArgument(String):
    """An argument that is not sent: it only looks like one to who makes the call, or returns the response."""

    def fromBox(self, name: bytes, strings: Strings, objects: Objects, proto: Any) -> None:
        """Read nothing."""


@public("amp")
class StartTLS(Command):
    """
    Start TLS on this connection; a TLS endpoint, which does so from the first byte, is safer where there is one.

    Nothing else is sent until it is answered, and what the peer sent in plaintext behind its answer is never read.
    The side that opened the connection is the client of the handshake, whichever side called.

    Both sides may say how, the caller with arguments of C{callRemote}, the responder in its response:

      - C{tls_localCertificate}, a C{PrivateCertificate}: what to show of oneself.
      - C{tls_verifyAuthorities}, a list of C{Certificate}: who must have signed the peer's; without it, any peer will
        do.

    Where the peer refuses, or TLS cannot be started, the connection is closed, unless its protocol has
    C{plaintextAfterRefusedTLS}.

    @raise RuntimeError: there is no TLS to be had on this side.
    @raise OnlyOneTLS: TLS is or was started already, or the connection is TLS from its first byte on.
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
        """Send the call; TLS starts with its answer."""
        if getattr(proto, "_startingTLSBuffer", None) is not None:
            raise OnlyOneTLS("TLS is being started already")
        if getattr(proto, "_ampHasTLS", _ignore)():
            proto._prepareTLS(self.certificate, self.authorities)  # which says what is wrong
        answering = self._ampDoAndChange(
            proto, partial(Command._doCommand, self), lambda: proto._prepareTLS(self.certificate, self.authorities)
        )

        def start(response: object) -> object:
            try:
                proto._startTLS(self._ampCertificateFor(proto.transport), self.authorities)
            except BaseException:
                proto._ampAbandonTLS(False)  # the peer has started it
                raise
            return response

        def abandon(error: Failure) -> Failure:
            proto._ampAbandonTLS(not error.check(CancelledError))  # a peer that was asked may start it nevertheless
            return error

        return answering.addCallbacks(start, abandon)

    def _ampCertificateFor(self, transport: Any) -> Any:
        """
        What to show of oneself in the role that this side will have in the handshake.

        The side that accepted the connection is the server, which cannot go without a certificate, also where it is
        the one that asks.  Twisted's transports know their role by this name alone.
        """
        isClient = getattr(transport, "_tlsClientDefault", True)
        if isinstance(self.certificate, _NoCertificate) and not isClient:
            # Differs from Twisted: where the accepting side cannot ask.
            return _NoCertificate(False)
        return self.certificate
