"""A Twisted peer and ours talk over TCP, UNIX and TLS sockets, each as client and as server."""

from __future__ import annotations

import os
from types import ModuleType
from typing import Any

import pytest

from twisted.internet import reactor
from twisted.internet.defer import DeferredList, gatherResults
from twisted.internet.endpoints import (
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    connectProtocol,
)
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from twisted.trial.unittest import TestCase

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours

from .vocabulary import VALUES, InnerFactory, Vocabulary

ssl = pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from .certificates import certificate  # noqa: E402 - it needs pyOpenSSL

MODULES: dict[str, ModuleType] = {"ours": ours, "stock": loadStock("amp")}
VOCABULARIES = {name: Vocabulary(module) for name, module in MODULES.items()}


class Accept(Factory):
    """Returns one peer, for one connection."""

    noisy = False

    def __init__(self, peer: Any) -> None:
        self.peer = peer

    def buildProtocol(self, addr: object) -> Any:
        return self.peer


class LiveCase(TestCase):
    """
    Two connected peers.

    @cvar asks: the client's implementation, "ours" or "stock".
    @cvar responds: the server's implementation.
    @cvar link: the kind of the connection.
    """

    timeout = 20
    asks = "ours"
    responds = "ours"
    link = "tcp"

    async def setUp(self) -> None:
        self.words = VOCABULARIES[self.asks]
        self.client = self.words.Peer()
        self.server = VOCABULARIES[self.responds].Peer()
        await self.connect()

    async def connect(self) -> None:
        """Connect the client to the server."""
        listening, connecting = self.endpoints()
        self.port = await listening.listen(Accept(self.server))
        await connectProtocol(connecting(self.port), self.client)
        await self.server.ready

    def endpoints(self) -> tuple[Any, Any]:
        if self.link == "unix":
            path = self.mktemp()[-90:].lstrip("/")  # the address of a UNIX socket must be short
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            return UNIXServerEndpoint(reactor, path), lambda port: UNIXClientEndpoint(reactor, path)
        if self.link == "tls":
            return (
                SSL4ServerEndpoint(reactor, 0, certificate("server").options(), interface="127.0.0.1"),
                lambda port: SSL4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port, ssl.CertificateOptions()),
            )
        return (
            TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1"),
            lambda port: TCP4ClientEndpoint(reactor, "127.0.0.1", port.getHost().port),
        )

    async def tearDown(self) -> None:
        for peer in (self.client, self.server):
            if peer.transport is not None:
                peer.transport.abortConnection()
        await DeferredList([self.client.lost, self.server.lost, self.port.stopListening()])
        self.flushWarnings()  # some versions of pyOpenSSL deprecate what Twisted calls

    async def failure(self, result: Any) -> Any:
        """Wait for a call to fail."""
        failures: list[Failure] = []
        result.addErrback(failures.append)
        await result
        assert failures, "it did not fail"
        return failures[0].value


class Conversation:
    """Tests over any link."""

    words: Vocabulary
    client: Any
    server: Any
    failure: Any
    assertEqual: Any
    flushLoggedErrors: Any

    async def test_everyType(self) -> None:
        """
        Each type of argument arrives as it was sent, in both directions.  Optional ones may be
        missing.
        """
        self.assertEqual(await self.client.callRemote(self.words.Everything, **VALUES), VALUES)
        without = {name: VALUES[name] for name in VALUES if name not in ("print_", "From")}
        answer = await self.client.callRemote(self.words.Everything, **without)
        self.assertEqual(answer, {**without, "print_": None, "From": None})

    async def test_bothWays(self) -> None:
        """The server may call its client."""
        there = VOCABULARIES["ours" if isinstance(self.server, ours.AMP) else "stock"]
        self.assertEqual(await self.server.callRemote(there.Everything, **VALUES), VALUES)

    async def test_knownError(self) -> None:
        """A declared error arrives as itself, and the connection stays open."""
        error = await self.failure(self.client.callRemote(self.words.Fail, how="known"))
        self.assertEqual((type(error), str(error)), (ValueError, "known"))
        await self.client.callRemote(self.words.Everything, **VALUES)

    async def test_fatalError(self) -> None:
        """A fatal error arrives as itself, and then the connection ends."""
        error = await self.failure(self.client.callRemote(self.words.Fail, how="fatal"))
        self.assertEqual((type(error), error.args), (KeyError, ("'fatal'",)))
        self.assertEqual(type(await self.client.lost), ConnectionDone)

    async def test_unknownError(self) -> None:
        """The peer learns nothing about any other error, and the connection ends."""
        error = await self.failure(self.client.callRemote(self.words.Fail, how="unknown"))
        self.assertEqual((type(error), error.description), (self.words.amp.UnknownRemoteError, "Unknown Error"))
        await self.client.lost
        self.assertEqual(len(self.flushLoggedErrors(OSError)), 1)

    async def test_unhandled(self) -> None:
        """A command without a responder gives an error, and the connection stays open."""
        error = await self.failure(self.client.callRemote(self.words.Undefined))
        self.assertEqual(type(error), self.words.amp.UnhandledCommand)
        await self.client.callRemote(self.words.Everything, **VALUES)

    async def test_noAnswer(self) -> None:
        """Calls without an answer are run in order."""
        for number in range(10):
            self.assertEqual(self.client.callRemote(self.words.Note, text=str(number)), None)
        await self.client.callRemote(self.words.Everything, **VALUES)
        self.assertEqual(self.server.notes, [str(number) for number in range(10)])

    async def test_manyInFlight(self) -> None:
        """200 calls in progress are answered out of order, each with its own answer."""
        self.server.enough = 200
        calls = [self.client.callRemote(self.words.Hold, number=number) for number in range(200)]
        answers = await gatherResults(calls, consumeErrors=True)
        self.assertEqual(answers, [{"number": number} for number in range(200)])

    async def test_lost(self) -> None:
        """A waiting call fails when the connection is lost."""
        waiting = self.client.callRemote(self.words.Hold, number=1)
        await self.client.callRemote(self.words.Everything, **VALUES)
        self.server.transport.loseConnection()
        self.assertEqual(type(await self.failure(waiting)), ConnectionDone)

    async def test_switch(self) -> None:
        """Both ends switch to another protocol, and bytes after the last box go to it."""
        factory = InnerFactory()
        await self.client.callRemote(self.words.Switch, factory, willing=True)
        self.assertEqual(await factory.inner.complete, b"from the server")
        self.assertEqual(await self.server.inner.complete, b"from the client")
        self.client.transport.loseConnection()
        await gatherResults([factory.inner.lost, self.server.inner.lost, self.client.lost])
        self.assertEqual(factory.events, ["lost"])

    async def test_noSwitch(self) -> None:
        """If one end refuses, the connection goes on with boxes."""
        factory = InnerFactory()
        error = await self.failure(self.client.callRemote(self.words.Switch, factory, willing=False))
        self.assertEqual((type(error), factory.events), (ValueError, ["failed"]))
        await self.client.callRemote(self.words.Everything, **VALUES)


class Securing:
    """StartTLS over TCP."""

    words: Vocabulary
    client: Any
    server: Any
    asks: str
    responds: str
    failure: Any
    assertEqual: Any
    flushLoggedErrors: Any

    async def check(self, **options: Any) -> None:
        """Start TLS, and call in both directions.  One call is made before TLS has started."""
        starting = self.client.callRemote(self.words.amp.StartTLS, **options)
        early = self.client.callRemote(self.words.Everything, **VALUES)
        await starting
        self.assertEqual(await early, VALUES)
        self.assertEqual(await self.client.callRemote(self.words.Everything, **VALUES), VALUES)
        self.assertEqual(self.client.transport.TLS, True)

    async def test_anonymous(self) -> None:
        """Without certificates, TLS is anonymous."""
        await self.check()
        self.assertEqual(self.client.peerCertificate.getSubject().CN, b"TEMPORARY CERTIFICATE")

    async def test_serverCertificate(self) -> None:
        """The server presents a certificate, and the client verifies it."""
        self.server.certificate = certificate("server")
        await self.check(tls_verifyAuthorities=[certificate("server")])
        self.assertEqual(self.client.peerCertificate, ssl.Certificate(certificate("server").original))

    async def test_bothCertificates(self) -> None:
        """Both sides present a certificate, and both verify it."""
        self.server.certificate = certificate("server")
        self.server.authorities = [certificate("client")]
        await self.check(tls_localCertificate=certificate("client"), tls_verifyAuthorities=[certificate("server")])
        self.assertEqual(self.server.peerCertificate, ssl.Certificate(certificate("client").original))
        self.assertEqual(self.server.hostCertificate, certificate("server"))

    async def test_twice(self) -> None:
        """A second StartTLS is refused on either side, and the connection goes on."""
        await self.check()
        for end in (self.client, self.server):
            if isinstance(end, ours.AMP):
                with pytest.raises(ours.OnlyOneTLS):
                    end.callRemote(ours.StartTLS)
                self.assertEqual(await end.callRemote(VOCABULARIES["ours"].Everything, **VALUES), VALUES)

    async def test_wrongCertificate(self) -> None:
        """A client that does not trust the server's certificate sends nothing to it."""
        self.server.certificate = certificate("server")
        starting = self.client.callRemote(self.words.amp.StartTLS, tls_verifyAuthorities=[certificate("other")])
        secret = self.client.callRemote(self.words.Note, text="secret")
        self.assertEqual(secret, None)
        await starting
        await gatherResults([self.client.lost, self.server.lost])
        self.assertEqual(self.server.notes, [])

    async def test_rejected(self) -> None:
        """A client whose certificate the server does not trust loses the connection."""
        self.server.certificate = certificate("server")
        self.server.authorities = [certificate("other")]
        await self.client.callRemote(self.words.amp.StartTLS, tls_localCertificate=certificate("client"))
        waiting = self.client.callRemote(self.words.Everything, **VALUES)
        await self.failure(waiting)
        await gatherResults([self.client.lost, self.server.lost])


class Secured:
    """StartTLS on a connection that uses TLS from the first byte on: the connection goes on."""

    words: Vocabulary
    client: Any
    server: Any
    failure: Any
    assertEqual: Any
    assertRaises: Any

    def ends(self) -> list[tuple[Any, Any]]:
        """Our ends, each with the other end."""
        both = ((self.client, self.server), (self.server, self.client))
        return [(own, other) for own, other in both if isinstance(own, ours.AMP)]

    async def talk(self) -> None:
        """Call in both directions."""
        for end in (self.client, self.server):
            words = VOCABULARIES["ours" if isinstance(end, ours.AMP) else "stock"]
            self.assertEqual(await end.callRemote(words.Everything, **VALUES), VALUES)

    async def test_asking(self) -> None:
        """Asking on our side raises an error."""
        for own, _ in self.ends():
            self.assertRaises(ours.OnlyOneTLS, own.callRemote, ours.StartTLS)
            await self.talk()

    async def test_asked(self) -> None:
        """Our side answers with an error."""
        for _, other in self.ends():
            error = await self.failure(other.callRemoteString(b"StartTLS"))
            self.assertEqual((error.errorCode, error.description), (b"TLS_ERROR", "TLS was started already"))
            await self.talk()

    async def test_askedByTwisted(self) -> None:
        """
        Twisted's side, which has begun to hold its calls, gets the error at once.  It can only
        close.
        """
        for _, other in self.ends():
            if not isinstance(other, ours.AMP):
                stock = MODULES["stock"]
                error = await self.failure(other.callRemote(stock.StartTLS))
                self.assertEqual(
                    (type(error), error.description), (stock.UnknownRemoteError, "TLS was started already")
                )
                other.transport.loseConnection()
                await gatherResults([self.client.lost, self.server.lost])


class Passing:
    """Descriptors over UNIX sockets."""

    words: Vocabulary
    client: Any
    server: Any
    assertEqual: Any

    def readable(self, text: bytes) -> int:
        """Return a descriptor to read C{text} from."""
        reader, writer = os.pipe()
        os.write(writer, text)
        os.close(writer)
        return reader

    async def test_descriptors(self) -> None:
        """Descriptors are sent in both directions.  An optional one may be missing."""
        for texts in ((b"one",), (b"one", b"two")):
            descriptors = [self.readable(text) for text in texts]
            names = dict(zip(("first", "second"), descriptors, strict=False))
            answer = await self.client.callRemote(self.words.Copy, **names)
            self.assertEqual(os.read(answer["reader"], 100), b"".join(texts))
            for each in (*descriptors, answer["reader"], self.server.reader):
                os.close(each)


for _asks, _responds in (("ours", "stock"), ("stock", "ours"), ("ours", "ours")):
    for _link, _bases in (
        ("tcp", (Conversation, Securing)),
        ("unix", (Conversation, Passing)),
        ("tls", (Conversation, Secured)),
    ):
        _name = f"{_asks.title()}To{_responds.title()}Over{_link.title()}Tests"
        _about = f"{_asks.title()} as client, {_responds} as server, over {_link.upper()}."
        _attributes = {"asks": _asks, "responds": _responds, "link": _link, "__doc__": _about, "__module__": __name__}
        globals()[_name] = type(_name, (*_bases, LiveCase), _attributes)


class AcceptingSideTests(LiveCase):
    """The side that accepted the connection may ask for TLS."""

    times = 20

    async def test_everyTime(self) -> None:
        """It works every time: bytes in the same segment as the answer go to the handshake."""
        words = VOCABULARIES[self.responds]
        for _ in range(self.times):
            await self.server.callRemote(ours.StartTLS)
            self.assertEqual(await self.server.callRemote(words.Everything, **VALUES), VALUES)
            self.assertEqual(await self.client.callRemote(self.words.Everything, **VALUES), VALUES)
            self.assertTrue(self.client.transport.TLS and self.server.transport.TLS)
            await self.tearDown()
            await self.setUp()


class AcceptingSideOfStockTests(AcceptingSideTests):
    """Twisted's side opened the connection, which takes longer to start TLS."""

    asks = "stock"
    times = 4
