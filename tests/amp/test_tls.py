"""Tests for L{twisted_basic_ng.amp._tls}; on real sockets, TLS is tested in C{tests/live}."""

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
    """Makes what C{startTLS} takes of the authorities."""

    def __init__(self, name: str) -> None:
        self.name = name

    def options(self, *authorities: Any) -> Any:
        return self.name, authorities


class Server(amp.AMP):
    """Shows something of itself."""

    @amp.StartTLS.responder
    def secure(self) -> Any:
        return {"tls_localCertificate": Credentials("server"), "tls_verifyAuthorities": ["root"]}


class Refusing(amp.AMP):
    """Wants no TLS."""

    @amp.StartTLS.responder
    def secure(self) -> Any:
        raise amp.RemoteAmpError(b"TLS_ERROR", "no")


class CertificateTests(SynchronousTestCase):
    """A side without a certificate makes do."""

    def test_server(self) -> None:
        """As a server it shows a temporary one, the same in all the process."""
        self.addCleanup(self.flushWarnings)  # what Twisted calls of pyOpenSSL is deprecated by some versions of it
        self.assertIs(_tls._temporaryCertificate(), _tls._temporaryCertificate())
        self.assertEqual(_tls._temporaryCertificate().getSubject().CN, b"TEMPORARY CERTIFICATE")
        options = amp._NoCertificate(False).options()
        self.assertIsNotNone(options.getContext())
        self.assertEqual((options.verify, options.certificate is not None), (False, True))

    def test_client(self) -> None:
        """As a client it shows nothing."""
        options = amp._NoCertificate(True).options()
        self.assertEqual((options.verify, options.certificate), (False, None))

    def test_verify(self) -> None:
        """Either verifies the peer where it is told by whom."""
        root = _tls._temporaryCertificate()
        for client in (True, False):
            options = amp._NoCertificate(client).options(root)
            self.assertEqual((options.verify, options.requireCertificate), (True, True))


class BoxTests(SynchronousTestCase):
    """The answer that starts TLS."""

    def test_defaults(self) -> None:
        """Without a certificate there is none, and nobody is verified."""
        box = amp._TLSBox()
        self.assertIsInstance(box.certificate, amp._NoCertificate)
        self.assertEqual((box.certificate.client, box.verify), (False, None))

    def test_unavailable(self) -> None:
        """Without TLS it cannot be made, and the peer is told why."""
        self.patch(amp, "ssl", None)
        error = self.assertRaises(amp.RemoteAmpError, amp._TLSBox)
        self.assertEqual((error.errorCode, error.description), (b"TLS_ERROR", "TLS not available"))
        self.assertRaises(RuntimeError, amp.StartTLS)

    def test_local(self) -> None:
        """What is local is not read from the wire."""
        self.assertEqual(amp.StartTLS.parseArguments({b"tls_localCertificate": b"x"}, None), {})


class StartTLSTests(SynchronousTestCase):
    """Both ends start TLS together."""

    def connect(self, server: amp.AMP) -> None:
        self.client, self.server = amp.AMP(), server
        self.connection = connectInMemory(self.client, server)
        self.errors: list[Any] = []

    def start(self) -> Any:
        """Ask for TLS; the error that comes of it is kept."""
        result = self.client.callRemote(
            amp.StartTLS, tls_localCertificate=Credentials("client"), tls_verifyAuthorities=["a", "b"]
        )
        return result.addErrback(lambda failure: self.errors.append(failure.value))

    def started(self, transport: Any) -> list[Any]:
        return [event for event in transport.events if event[0] == "startTLS"]

    def test_both(self) -> None:
        """Each with its own credentials and authorities; what was called meanwhile is sent behind it."""
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
        """A call to change over that waits for TLS is sent, though nothing else may be sent any more."""
        client = amp.AMP()
        transport = RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS)
        client.callRemote(amp.ProtocolSwitchCommand, None).addErrback(lambda failure: None)
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        self.assertEqual(transport.names(), ["write", "startTLS", "write"])

    def test_unsendable(self) -> None:
        """What cannot be sent is its caller's error, also while it would wait for TLS."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS)
        self.assertRaises(amp.TooLong, client.callRemoteString, b"x", a=b"v" * 65536)
        self.assertEqual(client._startingTLSBuffer, [])

    def test_acceptingSide(self) -> None:
        """The side that accepted the connection has a certificate to show, also where it asks."""
        client = amp.AMP()
        transport = RecordingTransport().connect(client)
        for isClient in (True, False):
            transport._tlsClientDefault = isClient  # type: ignore[attr-defined]
            shown = amp.StartTLS()._ampCertificateFor(transport)
            self.assertEqual((type(shown), shown.client), (amp._NoCertificate, isClient))
        own = Credentials("own")
        self.assertIs(amp.StartTLS(tls_localCertificate=own)._ampCertificateFor(transport), own)

    def test_twice(self) -> None:
        """It is asked for once: before it is answered, and after."""
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
        """Where the peer has shown nothing, or what there is cannot be printed, the error is the same."""

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
        """Connect C{protocol} over what is TLS from its first byte on."""
        transport = RecordingTransport()
        directlyProvides(transport, ISSLTransport, providedBy(transport))
        return transport.connect(protocol)

    def test_overTLS(self) -> None:
        """On a connection that is TLS already nothing is asked, and the next call goes out; with a bound, too."""
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
        """A peer that asks for it there is told why not, and the next call is answered."""
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
        """A second time is refused also where another object has the responder."""

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
        """A responder whose credentials are none leaves no peer waiting for a handshake, whatever the options say."""

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
        """A sender of boxes that is none of ours starts TLS as it likes; what goes wrong with it is its own."""
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
        """The answering side refuses a second time, and says why."""
        server = Server()
        transport = RecordingTransport().connect(server)
        server.dataReceived(amp.Box(_ask=b"1", _command=b"StartTLS").serialize())
        server.dataReceived(amp.Box(_ask=b"2", _command=b"StartTLS").serialize())
        box = amp.parseString(transport.written)[1]
        self.assertEqual((box[b"_error"], box[b"_error_code"]), (b"2", b"TLS_ERROR"))
        self.assertEqual(len(self.started(transport)), 1)

    def test_bothAtOnce(self) -> None:
        """Where both sides ask at once, the connection is closed: neither is left waiting, or in TLS inside of TLS."""
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
        """On a connection that is gone and was secured, it is asked for once all the same."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS)
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        client.connectionLost(Failure(ConnectionDone()))
        self.assertRaises(amp.OnlyOneTLS, client.callRemote, amp.StartTLS)

    def test_refused(self) -> None:
        """A peer that refuses is left, and nothing goes to it in plaintext."""
        self.connect(Refusing())
        self.start()
        waiting: Any = self.client.callRemoteString(b"secret")
        waiting.addErrback(lambda failure: self.errors.append(failure.value))
        self.connection.flush()
        self.assertEqual([type(each) for each in self.errors], [amp.UnknownRemoteError, ConnectionDone])
        self.assertNotIn(b"secret", self.connection.client.written)

    def test_refusedThenSent(self) -> None:
        """Not even before the connection has ended."""
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
        """A call that is cancelled closes the connection: the peer may start TLS nevertheless."""
        client = amp.AMP()
        client.plaintextAfterRefusedTLS = True  # type: ignore[misc]
        transport = RecordingTransport().connect(client)
        result = client.callRemote(amp.StartTLS)
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.assertTrue(transport.disconnecting)

    def test_plaintextOption(self) -> None:
        """Unless the application says that plaintext will do."""
        self.connect(Refusing())
        self.client.plaintextAfterRefusedTLS = True  # type: ignore[misc]
        self.start()
        waiting: Any = self.client.callRemoteString(b"public")
        waiting.addErrback(lambda failure: self.errors.append(failure.value))
        self.connection.flush()
        self.assertEqual([type(each) for each in self.errors], [amp.UnknownRemoteError, amp.UnhandledCommand])

    def test_broken(self) -> None:
        """TLS that cannot be started here closes the connection, whatever the option says."""
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
        """A connection that ends before is what the call fails with."""
        self.connect(Server())
        self.start()
        self.connection.drop()
        self.assertEqual([type(each) for each in self.errors], [ConnectionLost])

    def test_default(self) -> None:
        """Without a responder of its own a server starts TLS anonymously; or does not, where the class says so."""
        for accepts in (True, False):
            server = amp.AMP()
            server.acceptsStartTLS = accepts  # type: ignore[misc]
            transport = RecordingTransport().connect(server)
            server.dataReceived(amp.Box(_ask=b"1", _command=b"StartTLS").serialize())
            (box,) = amp.parseString(transport.written)
            self.assertEqual(box.get(b"_error_code"), None if accepts else b"UNHANDLED")
            self.assertEqual(len(self.started(transport)), accepts)


class PlaintextTests(SynchronousTestCase):
    """What came before the handshake is not read after it."""

    def setUp(self) -> None:
        self.observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)

    def warnings(self) -> int:
        return len([event for event in self.observer if event["log_level"] is LogLevel.warn])

    def answering(self, **options: Any) -> tuple[amp.AMP, RecordingTransport]:
        """A server that is asked for TLS with C{options} of its transport."""
        server = Server()
        return server, RecordingTransport(**options).connect(server)

    ask = amp.Box(_ask=b"1", _command=b"StartTLS").serialize()
    command = amp.Box(_ask=b"2", _command=b"x").serialize()

    def test_sameChunk(self) -> None:
        """What shares a chunk with the box that triggers TLS is the TLS layer's."""
        server, transport = self.answering()
        server.dataReceived(self.ask + self.command + b"\x00")
        self.assertEqual(len(amp.parseString(transport.written)), 1)
        self.assertEqual(transport.protocol.received, self.command + b"\x00")

    def test_noLayer(self) -> None:
        """Where that cannot be had, the connection is aborted, and it is logged."""
        server, transport = self.answering(tlsLayer=False)
        server.dataReceived(self.ask + self.command)
        server.dataReceived(self.command)
        self.assertEqual((len(amp.parseString(transport.written)), transport.aborted), (1, True))
        self.assertEqual(self.warnings(), 1)

    def test_halfBox(self) -> None:
        """A half box that came before is forgotten: the first bytes of TLS do not complete it."""
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
        """An answer in plaintext to what waits for TLS is from somebody else: the peer is left."""
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
        """An answer to what was sent before is none of that."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        before: Any = client.callRemoteString(b"before")
        client.callRemote(amp.StartTLS).addErrback(lambda failure: None)
        client.callRemoteString(b"behind")
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        self.assertEqual(self.successResultOf(before), {b"_answer": b"1"})


class LostTests(SynchronousTestCase):
    """A peer that hangs up at the handshake did not like it."""

    def lose(self, data: bytes) -> Any:
        """Start TLS, receive C{data}, and lose the connection; return why calls fail."""
        client = amp.AMP()
        RecordingTransport().connect(client)
        client.callRemote(amp.StartTLS)
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        waiting: Any = client.callRemoteString(b"x")
        client.dataReceived(data) if data else None
        client.connectionLost(Failure(ConnectionLost()))
        return self.failureResultOf(waiting).type

    def test_silent(self) -> None:
        """It is said so where not a byte came."""
        self.assertIs(self.lose(b""), PeerVerifyError)

    def test_talking(self) -> None:
        """Otherwise the reason is the transport's."""
        self.assertIs(self.lose(b"\x00"), ConnectionLost)
