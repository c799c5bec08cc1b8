"""Tests for L{twisted_basic_ng.amp._tls}; the tests in C{tests/live} use TLS on real sockets."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from zope.interface import directlyProvides, providedBy

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone, ConnectionLost, PeerVerifyError
from twisted.internet.interfaces import ISSLTransport
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import LogLevel, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng import amp
from twisted_basic_ng.amp import _tls

pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")


class Credentials:
    """Returns its name and the authorities as the options."""

    def __init__(self, name: str) -> None:
        self.name = name

    def options(self, *authorities: Any) -> Any:
        return self.name, authorities


class Server(amp.AMP):
    """Presents credentials."""

    @amp.StartTLS.responder
    def secure(self) -> Any:
        return {"tls_localCertificate": Credentials("server"), "tls_verifyAuthorities": ["root"]}


class Refusing(amp.AMP):
    """Refuses TLS."""

    @amp.StartTLS.responder
    def secure(self) -> Any:
        raise amp.RemoteAmpError(b"TLS_ERROR", "no")


class CertificateTests(SynchronousTestCase):
    """A side without a certificate can use TLS."""

    def test_server(self) -> None:
        """As a server, it uses a temporary certificate, which is the same in the whole process."""
        self.addCleanup(self.flushWarnings)  # of some versions of pyOpenSSL
        self.assertIs(_tls._temporaryCertificate(), _tls._temporaryCertificate())
        self.assertEqual(_tls._temporaryCertificate().getSubject().CN, b"TEMPORARY CERTIFICATE")
        options = amp._NoCertificate(False).options()
        self.assertIsNotNone(options.getContext())
        self.assertEqual((options.verify, options.certificate is not None), (False, True))

    def test_client(self) -> None:
        """As a client, it uses no certificate."""
        options = amp._NoCertificate(True).options()
        self.assertEqual((options.verify, options.certificate), (False, None))

    def test_verify(self) -> None:
        """Either side verifies the peer if it has authorities."""
        root = _tls._temporaryCertificate()
        for client in (True, False):
            options = amp._NoCertificate(client).options(root)
            self.assertEqual((options.verify, options.requireCertificate), (True, True))


class BoxTests(SynchronousTestCase):
    """The answer that starts TLS."""

    def test_defaults(self) -> None:
        """Without credentials, there is no certificate and no verification."""
        box = amp._TLSBox()
        self.assertIsInstance(box.certificate, amp._NoCertificate)
        self.assertEqual((box.certificate.client, box.verify), (False, None))

    def test_unavailable(self) -> None:
        """Without pyOpenSSL, the box cannot be made, and the peer is told why."""
        self.patch(amp, "ssl", None)
        error = self.assertRaises(amp.RemoteAmpError, amp._TLSBox)
        self.assertEqual((error.errorCode, error.description), (b"TLS_ERROR", "TLS not available"))
        self.assertRaises(RuntimeError, amp.StartTLS)

    def test_local(self) -> None:
        """Local arguments are not read from the wire."""
        self.assertEqual(amp.StartTLS.parseArguments({b"tls_localCertificate": b"x"}, None), {})


class StartTLSTests(SynchronousTestCase):
    """Both ends start TLS together."""

    def connect(self, server: amp.AMP) -> None:
        self.client, self.server = amp.AMP(), server
        self.connection = connectInMemory(self.client, server)
        self.errors: list[Any] = []

    def start(self) -> Any:
        """Ask for TLS, and keep the error."""
        result = self.client.callRemote(
            amp.StartTLS, tls_localCertificate=Credentials("client"), tls_verifyAuthorities=["a", "b"]
        )
        return result.addErrback(lambda failure: self.errors.append(failure.value))

    def started(self, transport: Any) -> list[Any]:
        return [event for event in transport.events if event[0] == "startTLS"]

    def test_both(self) -> None:
        """
        Each end uses its own credentials and authorities.  Calls made meanwhile are sent after TLS
        has started.
        """
        options: dict[str, Any] = {}
        self.connect(Server())
        for name, transport in (("client", self.connection.client), ("server", self.connection.server)):
            transport.startTLS = lambda value, name=name: options.update({name: value})  # type: ignore[method-assign]
        result = self.start()
        later: Any = self.client.callRemoteString(b"x")
        later.addErrback(lambda failure: self.errors.append(failure.value))
        self.connection.pump()
        self.assertEqual(options, {"client": ("client", ("a", "b")), "server": ("server", ("root",))})
        self.assertEqual(self.successResultOf(result), {})
        self.assertIsInstance(self.client.hostCertificate, Credentials)
        self.connection.flush()
        self.assertEqual([type(error) for error in self.errors], [amp.UnhandledCommand])

    def test_switchMeanwhile(self) -> None:
        """
        A call for a protocol switch that waits for TLS is sent, although the connection is locked.
        """
        client = amp.AMP()
        transport = RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS)
        client.callRemote(amp.ProtocolSwitchCommand, None).addErrback(lambda failure: None)
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        self.assertEqual(transport.names(), ["write", "startTLS", "write"])

    def test_unsendable(self) -> None:
        """A call that cannot be sent raises an error, even if it would wait for TLS."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS)
        self.assertRaises(amp.TooLong, client.callRemoteString, b"x", a=b"v" * 65536)
        self.assertEqual(client._startingTLSBuffer, [])

    def test_acceptingSide(self) -> None:
        """The side that accepted the connection presents a certificate, even if it asks for TLS."""
        client = amp.AMP()
        transport = RecordingTransport().connect(client)
        for isClient in (True, False):
            transport._tlsClientDefault = isClient  # type: ignore[attr-defined]
            shown = amp.StartTLS()._ampCertificateFor(transport)
            self.assertEqual((type(shown), shown.client), (amp._NoCertificate, isClient))
        own = Credentials("own")
        self.assertIs(amp.StartTLS(tls_localCertificate=own)._ampCertificateFor(transport), own)

    def test_twice(self) -> None:
        """TLS can be asked for once, both before the answer and after it."""
        self.connect(Server())
        self.start()
        self.assertRaises(amp.OnlyOneTLS, self.start)
        self.client.noPeerCertificate = True
        self.connection.pump()
        error = self.assertRaises(amp.OnlyOneTLS, self.start)
        self.assertIn("Previously authenticated connection between", str(error))
        self.assertIn("None is trying to re-establish as", str(error))
        self.assertRaises(amp.OnlyOneTLS, self.client._prepareTLS, None, None)
        self.assertIsNone(self.client._startingTLSBuffer)

    def test_twiceWithoutCertificate(self) -> None:
        """
        The error is the same without a peer certificate, or if a certificate's C{repr} raises.
        """

        class Unprintable(Credentials):
            def __repr__(self) -> str:
                raise ZeroDivisionError

        client = amp.AMP()
        transport = RecordingTransport().connect(client)
        transport.getHandle = lambda: SimpleNamespace(get_peer_certificate=lambda: None)  # type: ignore[attr-defined]
        for credentials in (Credentials("client"), Unprintable("client")):
            client.hostCertificate = credentials
            error = self.assertRaises(amp.OnlyOneTLS, client.callRemote, amp.StartTLS, tls_localCertificate=credentials)
            self.assertIn("a peer without a certificate is trying to re-establish as", str(error))
        self.assertEqual((transport.written, client._startingTLSBuffer), (b"", None))

    def secured(self, protocol: amp.AMP) -> RecordingTransport:
        """Connect C{protocol} over a transport that uses TLS from the first byte on."""
        transport = RecordingTransport()
        directlyProvides(transport, ISSLTransport, providedBy(transport))
        return transport.connect(protocol)

    def test_overTLS(self) -> None:
        """
        On such a connection, asking raises an error, and later calls are sent, with limits, too.
        """
        for bound in (None, 5):
            client = amp.AMP()
            client.MAX_ASKS_IN_PROGRESS = bound  # type: ignore[misc]
            transport = self.secured(client)
            self.assertRaises(amp.OnlyOneTLS, client.callRemote, amp.StartTLS)
            self.assertEqual((transport.written, client._outstandingRequests), (b"", {}))
            client.callRemoteString(b"x")
            self.assertEqual(amp.parseString(transport.written), [{b"_ask": b"1", b"_command": b"x"}])
            self.assertFalse(transport.disconnecting)

    def test_askedOverTLS(self) -> None:
        """A peer that asks on such a connection gets an error, and its next call is answered."""
        for server in (Server(), amp.AMP()):
            transport = self.secured(server)
            server.dataReceived(amp.Box(_ask=b"1", _command=b"StartTLS").serialize())
            server.dataReceived(amp.Box(_ask=b"2", _command=b"x").serialize())
            refused, other = amp.parseString(transport.written)
            self.assertEqual(
                refused,
                {b"_error": b"1", b"_error_code": b"TLS_ERROR", b"_error_description": b"TLS was started already"},
            )
            self.assertEqual((other[b"_error"], other[b"_error_code"]), (b"2", b"UNHANDLED"))
            self.assertEqual((self.started(transport), transport.disconnecting), ([], False))

    def test_otherLocator(self) -> None:
        """A second StartTLS is also refused if another object has the responder."""

        class Locator(amp.CommandLocator):
            @amp.StartTLS.responder
            def secure(self) -> Any:
                return {"tls_localCertificate": Credentials("server")}

        server = amp.AMP(locator=Locator())
        transport = RecordingTransport().connect(server)
        for tag in (b"1", b"2"):
            server.dataReceived(amp.Box(_ask=tag, _command=b"StartTLS").serialize())
        self.assertEqual(len(self.started(transport)), 1)
        self.assertEqual(amp.parseString(transport.written)[1].get(b"_error"), b"2")

    def test_unstartable(self) -> None:
        """
        If the responder's credentials are invalid, the connection is closed, whatever the options
        are.
        """

        class Broken(Server):
            unhandledErrorsAreFatal = False

            @amp.StartTLS.responder
            def secure(self) -> Any:
                return {"tls_localCertificate": object()}

        server = Broken()
        transport = RecordingTransport().connect(server)
        server.dataReceived(amp.Box(_ask=b"1", _command=b"StartTLS").serialize())
        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertTrue(transport.disconnecting)

    def test_otherSender(self) -> None:
        """Another box sender starts TLS on its own, and its errors are passed on."""
        calls: list[Any] = []

        class Foreign:
            def sendBox(self, box: amp.AmpBox) -> None:
                calls.append(dict(box))

            def _startTLS(self, *credentials: Any) -> None:
                calls.append(credentials)
                raise ZeroDivisionError

        box = amp._TLSBox()
        box[b"tls_localCertificate"] = credentials = Credentials("server")  # type: ignore[assignment]
        self.assertRaises(ZeroDivisionError, box._sendTo, Foreign())
        self.assertEqual(calls, [{}, (credentials, None)])

    def test_answeredTwice(self) -> None:
        """The answering side refuses a second StartTLS with a reason."""
        server = Server()
        transport = RecordingTransport().connect(server)
        server.dataReceived(amp.Box(_ask=b"1", _command=b"StartTLS").serialize())
        server.dataReceived(amp.Box(_ask=b"2", _command=b"StartTLS").serialize())
        box = amp.parseString(transport.written)[1]
        self.assertEqual((box[b"_error"], box[b"_error_code"]), (b"2", b"TLS_ERROR"))
        self.assertEqual(len(self.started(transport)), 1)

    def test_bothAtOnce(self) -> None:
        """If both sides ask at the same time, the connection is closed."""
        client, server = amp.AMP(), amp.AMP()
        connection = connectInMemory(client, server)
        errors: list[Any] = []
        for each in (client, server):
            each.callRemote(amp.StartTLS).addErrback(lambda failure: errors.append(failure.type))
        connection.flush()
        self.assertEqual(errors, [ConnectionDone, ConnectionDone])
        names = {*connection.client.names(), *connection.server.names()}
        self.assertNotIn("startTLS", names)

    def test_afterTheEnd(self) -> None:
        """After a TLS connection is lost, asking still raises an error."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS)
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        client.connectionLost(Failure(ConnectionDone()))
        self.assertRaises(amp.OnlyOneTLS, client.callRemote, amp.StartTLS)

    def test_refused(self) -> None:
        """After a refusal, nothing is sent in plaintext."""
        self.connect(Refusing())
        self.start()
        waiting: Any = self.client.callRemoteString(b"secret")
        waiting.addErrback(lambda failure: self.errors.append(failure.value))
        self.connection.flush()
        self.assertEqual([type(each) for each in self.errors], [amp.UnknownRemoteError, ConnectionDone])
        self.assertNotIn(b"secret", self.connection.client.written)

    def test_refusedThenSent(self) -> None:
        """This holds even before the connection has ended."""
        client = amp.AMP()
        transport = RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS).addErrback(lambda failure: None)
        client.dataReceived(amp.Box(_error=b"1", _error_code=b"NO", _error_description=b"no").serialize())
        self.assertTrue(transport.disconnecting)
        self.failureResultOf(client.callRemoteString(b"secret"), ConnectionLost)
        self.assertIsNone(client.callRemoteString(b"secret", requiresAnswer=False))
        self.assertEqual(client._outstandingRequests, {})
        self.assertNotIn(b"secret", transport.written)

    def test_cancelled(self) -> None:
        """Cancelling the call closes the connection, since the peer may start TLS nevertheless."""
        client = amp.AMP()
        client.plaintextAfterRefusedTLS = True  # type: ignore[misc]
        transport = RecordingTransport().connect(client)
        result = client.callRemote(amp.StartTLS)
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.assertTrue(transport.disconnecting)

    def test_plaintextOption(self) -> None:
        """With C{plaintextAfterRefusedTLS}, calls are sent in plaintext."""
        self.connect(Refusing())
        self.client.plaintextAfterRefusedTLS = True  # type: ignore[misc]
        self.start()
        waiting: Any = self.client.callRemoteString(b"public")
        waiting.addErrback(lambda failure: self.errors.append(failure.value))
        self.connection.flush()
        self.assertEqual([type(each) for each in self.errors], [amp.UnknownRemoteError, amp.UnhandledCommand])

    def test_broken(self) -> None:
        """If TLS cannot be started here, the connection is closed, whatever the option is."""
        client = amp.AMP()
        client.plaintextAfterRefusedTLS = True  # type: ignore[misc]
        transport = RecordingTransport().connect(client)
        errors: list[Any] = []
        result = client.callRemote(amp.StartTLS, tls_localCertificate=object())
        result.addErrback(lambda failure: errors.append(failure.type))
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        self.assertEqual(errors, [AttributeError])
        self.assertTrue(transport.disconnecting)

    def test_lost(self) -> None:
        """If the connection is lost first, the call fails with the reason."""
        self.connect(Server())
        self.start()
        self.connection.drop()
        self.assertEqual([type(each) for each in self.errors], [ConnectionLost])

    def test_default(self) -> None:
        """By default, a server starts anonymous TLS, unless C{acceptsStartTLS} is off."""
        for accepts in (True, False):
            server = amp.AMP()
            server.acceptsStartTLS = accepts  # type: ignore[misc]
            transport = RecordingTransport().connect(server)
            server.dataReceived(amp.Box(_ask=b"1", _command=b"StartTLS").serialize())
            (box,) = amp.parseString(transport.written)
            self.assertEqual(box.get(b"_error_code"), None if accepts else b"UNHANDLED")
            self.assertEqual(len(self.started(transport)), accepts)


class PlaintextTests(SynchronousTestCase):
    """Bytes received before the handshake are never read after it."""

    def setUp(self) -> None:
        self.observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)

    def warnings(self) -> int:
        return len([event for event in self.observer if event["log_level"] is LogLevel.warn])

    def answering(self, **options: Any) -> tuple[amp.AMP, RecordingTransport]:
        """Make a server on a transport with C{options}."""
        server = Server()
        return server, RecordingTransport(**options).connect(server)

    ask = amp.Box(_ask=b"1", _command=b"StartTLS").serialize()
    command = amp.Box(_ask=b"2", _command=b"x").serialize()

    def test_sameChunk(self) -> None:
        """Bytes of the same chunk after the StartTLS box go to the TLS layer."""
        server, transport = self.answering()
        server.dataReceived(self.ask + self.command + b"\x00")
        self.assertEqual(len(amp.parseString(transport.written)), 1)
        self.assertEqual(transport.protocol.received, self.command + b"\x00")

    def test_noLayer(self) -> None:
        """
        If there is no TLS layer to pass them to, the connection is aborted, and that is logged.
        """
        server, transport = self.answering(tlsLayer=False)
        server.dataReceived(self.ask + self.command)
        server.dataReceived(self.command)
        self.assertEqual((len(amp.parseString(transport.written)), transport.aborted), (1, True))
        self.assertEqual(self.warnings(), 1)

    def test_halfBox(self) -> None:
        """Half a box from before TLS is dropped, and the first bytes of TLS do not complete it."""
        server, transport = self.answering()
        waiting: Any = amp.AMP.callRemoteString(server, b"later")
        waiting.addErrback(lambda failure: None)
        half = amp.Box(_ask=b"2", _command=b"x").serialize()[:-2]
        server.dataReceived(half)
        self.assertEqual(server.state, "key")
        server._startTLS(Credentials("server"), None)
        self.assertEqual((server.state, server._currentBox, server.MAX_LENGTH), ("init", None, 255))
        transport.protocol = server
        server.dataReceived(self.command)
        self.assertEqual([box.get(b"_error") for box in amp.parseString(transport.written)], [None, b"2"])

    def test_forged(self) -> None:
        """A plaintext answer to a call that waits for TLS is forged, and the peer is dropped."""
        client = amp.AMP()
        transport = RecordingTransport().connect(client)
        errors: list[Any] = []
        for result in (client.callRemote(amp.StartTLS), client.callRemoteString(b"secret")):
            result.addErrback(lambda failure: errors.append(failure.type))
        client.dataReceived(amp.Box(_answer=b"2", secret=b"forged").serialize())
        self.assertTrue(transport.disconnecting)
        client.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(errors, [amp.ForgedAnswerError] * 2)
        self.assertEqual(self.warnings(), 1)

    def test_ownAnswer(self) -> None:
        """An answer to a call that was sent before StartTLS is accepted."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        before: Any = client.callRemoteString(b"before")
        client.callRemote(amp.StartTLS).addErrback(lambda failure: None)
        client.callRemoteString(b"behind")
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        self.assertEqual(self.successResultOf(before), {b"_answer": b"1"})


class LostTests(SynchronousTestCase):
    """A peer that closes the connection at the handshake has rejected it."""

    def lose(self, data: bytes) -> Any:
        """
        Start TLS, receive C{data}, and lose the connection.  Return the type of the calls' error.
        """
        client = amp.AMP()
        RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS)
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        waiting: Any = client.callRemoteString(b"x")
        client.dataReceived(data) if data else None
        client.connectionLost(Failure(ConnectionLost()))
        return self.failureResultOf(waiting).type

    def test_silent(self) -> None:
        """Without a byte received, the error says that the peer was not verified."""
        self.assertIs(self.lose(b""), PeerVerifyError)

    def test_talking(self) -> None:
        """Otherwise, the error is the transport's reason."""
        self.assertIs(self.lose(b"\x00"), ConnectionLost)
