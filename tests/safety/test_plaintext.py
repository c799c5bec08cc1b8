"""
Bytes received before TLS are never read as if they had come over TLS, and nothing is sent in
plaintext after TLS was requested.

These tests use real TCP sockets.  The hostile peer is not AMP, but writes bytes.
"""

from __future__ import annotations

from typing import Any

import pytest

from twisted.internet.defer import Deferred, maybeDeferred

from .boxes import ask, box, vocabulary
from .promises import Modules, alike, differs, require
from .sockets import Network, Raw, onSockets, sleep

ssl = pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from tests.live.certificates import certificate  # noqa: E402 - it needs pyOpenSSL


class Credentials:
    """Makes a peer whose StartTLS responder presents a certificate."""

    @staticmethod
    def peer(modules: Modules) -> Any:
        words = vocabulary(modules)

        class Server(words.Peer):  # type: ignore[misc, name-defined]
            def credentials(self) -> dict[str, Any]:
                return {"tls_localCertificate": certificate("server")}

            modules.amp.StartTLS.responder(credentials)

        return Server()


class TestAnsweringSide:
    """On the answering side, all bytes after the StartTLS box belong to the handshake."""

    @differs
    @onSockets
    async def test_wholeBox(self, modules: Modules, network: Network) -> None:
        """A command in the same segment as the StartTLS call is not run."""
        server, intruder = Credentials.peer(modules), Raw(ask(b"StartTLS") + ask(b"Note", b"2", text=b"smuggled"))
        await network.pair(server, intruder)
        await network.until(lambda: intruder.received or intruder.lost, "an answer")
        intruder.startTLS(ssl.CertificateOptions())
        await network.until(lambda: server.notes or intruder.lost, "the end")
        require(not server.notes, "what came in plaintext is not run")

    @differs
    @onSockets
    async def test_halfBox(self, modules: Modules, network: Network) -> None:
        """Half a box in plaintext is not completed by the victim's first bytes over TLS."""
        half = ask(b"Note", b"2", text=b"x" * 40)[:-22]
        server, victim = Credentials.peer(modules), Raw(ask(b"StartTLS") + half)
        await network.pair(server, victim)
        await network.until(lambda: victim.received or victim.lost, "an answer")
        victim.startTLS(ssl.CertificateOptions(), b"the victim's secret".ljust(20) + b"\0\0")
        await network.until(lambda: server.notes or victim.lost, "the end")
        require(not server.notes, "half a box is not completed")

    @differs
    @onSockets
    async def test_halfBoxBefore(self, modules: Modules, network: Network) -> None:
        """The same holds if the half box arrives while the StartTLS responder waits."""
        words = vocabulary(modules)
        thinking: Deferred[Any] = Deferred()

        class Server(words.Peer):  # type: ignore[misc, name-defined]
            @modules.amp.StartTLS.responder  # type: ignore[untyped-decorator]
            def think(self) -> Any:
                return thinking

        server, victim = Server(), Raw(ask(b"StartTLS"))
        await network.pair(server, victim)
        half = ask(b"Note", b"2", text=b"x" * 40)[:-44]  # to the end of a key, so that no string is cut
        victim.transport.write(ask(b"Note", b"0", text=b"asked") + half)
        await network.until(lambda: server.notes, "what came before TLS is read")
        await sleep(0.01)
        thinking.callback({"tls_localCertificate": certificate("server")})
        await network.until(lambda: b"asked" in victim.received, "an answer")
        await network.until(lambda: box(_answer=b"1") in victim.received or victim.lost, "TLS is to start")
        victim.startTLS(ssl.CertificateOptions(), b"\0\x28" + b"the victim's secret".ljust(40) + b"\0\0")
        await sleep(0.05)
        require(server.notes == [(b"asked", False)], "half a box is not completed")


class TestAskingSide:
    """The same holds on the asking side."""

    @differs
    @onSockets
    async def test_forgedAnswer(self, modules: Modules, network: Network) -> None:
        """A caller that wants a verified peer never gets an answer that came in plaintext."""
        words = vocabulary(modules)
        client = words.Peer()
        forger = Raw()
        await network.pair(forger, client)
        started = client.callRemote(modules.amp.StartTLS, tls_verifyAuthorities=[certificate("trusted")])
        called = client.callRemote(words.Note, text=b"what is the truth?")
        forged = box(_answer=b"1") + box(_answer=b"2", text=b"forged")
        await network.until(lambda: forger.received, "a call")
        forger.transport.write(forged)
        outcome = await network.outcome(called, "the call ends")
        started.addErrback(lambda error: None)
        require(outcome != {"text": b"forged"}, "no forged answer")
        require(b"truth" not in forger.received, "nothing was sent in plaintext")

    @differs
    @onSockets
    async def test_half(self, modules: Modules, network: Network) -> None:
        """Half an answer in plaintext is not completed by the real peer's bytes over TLS."""
        words = vocabulary(modules)
        client, server = words.Peer(), Raw()
        await network.pair(server, client)
        started = client.callRemote(modules.amp.StartTLS)
        called = client.callRemote(words.Note, text=b"what is the truth?")
        answer = box(_answer=b"2", text=b"forged" + b"." * 22)
        await network.until(lambda: server.received, "a call")
        server.transport.write(box(_answer=b"1") + answer[:-24])
        server.startTLS(certificate("server").options(), b"." * 22 + b"\0\0")
        outcome = await network.outcome(called, "the call ends")
        started.addErrback(lambda error: None)
        require(not isinstance(outcome, dict), "no answer that is half forged")

    @differs
    @onSockets
    async def test_acceptingSideAsks(self, modules: Modules, network: Network) -> None:
        """The side that accepted the connection may start TLS, too."""
        words = vocabulary(modules)
        for _ in range(20):
            server, client = words.Peer(), words.Peer()
            await network.pair(server, client)
            asked = server.callRemote(modules.amp.StartTLS, tls_localCertificate=certificate("server"))
            called = server.callRemote(words.Note, text=b"over TLS")
            require(await network.outcome(asked, "StartTLS is answered") == {}, "TLS is started")
            require(await network.outcome(called, "the call ends") == {"text": b"over TLS"}, "the call is answered")
            require(client.notes == [(b"over TLS", True)], "it was there")
            client.transport.abortConnection()


class TestReceivers:
    """In each receiver, the bytes after a callback that starts TLS belong to the handshake."""

    FRAMES = {
        "LineReceiver": b"%s\r\n",
        "LineOnlyReceiver": b"%s\r\n",
        "NetstringReceiver": b"8:%s,",
        "Int8StringReceiver": b"\x08%s",
        "Int16StringReceiver": b"\0\x08%s",
        "Int32StringReceiver": b"\0\0\0\x08%s",
    }

    def receiver(self, modules: Modules, name: str) -> Any:
        base: Any = getattr(modules.basic, name)

        class Upgrading(base):  # type: ignore[misc]
            """Starts TLS at the line C{STARTTLS}, as a mail server does."""

            def __init__(self) -> None:
                self.taken: list[tuple[bytes, bool]] = []

            def lineReceived(self, line: bytes) -> None:
                self.taken.append((line, bool(self.transport.TLS)))
                if line == b"STARTTLS":
                    self.transport.write(b"go ahead")
                    self.transport.startTLS(certificate("server").options())

            stringReceived = lineReceived

        return Upgrading()

    @pytest.mark.parametrize("name", FRAMES)
    @differs
    @onSockets
    async def test_frame(self, modules: Modules, network: Network, name: str) -> None:
        """A frame in the same segment is not delivered after TLS has started."""
        frame = self.FRAMES[name]
        server = self.receiver(modules, name)
        intruder = Raw(frame % b"STARTTLS" + frame % b"smuggled" + frame % b"again...")
        await network.pair(server, intruder)
        await network.until(lambda: intruder.received or intruder.lost, "an answer")
        await sleep(0.01)
        require(server.taken == [(b"STARTTLS", False)], f"nothing else is delivered: {server.taken}")
        await network.until(lambda: intruder.lost, "a handshake that is none ends the connection")

    @pytest.mark.parametrize("name", FRAMES)
    @differs
    @onSockets
    async def test_half(self, modules: Modules, network: Network, name: str) -> None:
        """Half a frame is not completed by bytes that come over TLS."""
        frame = self.FRAMES[name]
        server = self.receiver(modules, name)
        victim = Raw(frame % b"STARTTLS" + (frame % b"smuggled")[:-3])
        await network.pair(server, victim)
        await network.until(lambda: victim.received or victim.lost, "an answer")
        victim.startTLS(ssl.CertificateOptions(), (frame % b"smuggled")[-3:])
        await network.until(lambda: len(server.taken) > 1 or victim.lost, "the end")
        require(server.taken == [(b"STARTTLS", False)], f"nothing else is delivered: {server.taken}")

    @pytest.mark.parametrize("name", FRAMES)
    @alike
    @onSockets
    async def test_orderly(self, modules: Modules, network: Network, name: str) -> None:
        """The messages of a well-behaved peer are delivered over TLS."""
        frame = self.FRAMES[name]
        server, client = self.receiver(modules, name), Raw(frame % b"STARTTLS")
        await network.pair(server, client)
        await network.until(lambda: client.received == b"go ahead", "an answer")
        client.startTLS(ssl.CertificateOptions(), frame % b"in peace")
        await network.until(lambda: len(server.taken) == 2, "it is heard")
        require(server.taken[1] == (b"in peace", True), "over TLS")


class TestNeverSilentlyAbsent:
    """
    After a StartTLS that fails or is refused, nothing is sent in plaintext, and every call ends.
    """

    async def refuse(self, modules: Modules, network: Network, answer: bytes, option: bool = False) -> Any:
        """
        Start TLS with a peer that answers C{answer}, with a secret call before and after that.
        """
        words = vocabulary(modules)
        client, refuser = words.Peer(), Raw()
        client.plaintextAfterRefusedTLS = option
        await network.pair(refuser, client)
        started = client.callRemote(modules.amp.StartTLS, tls_verifyAuthorities=[certificate("trusted")])
        before = client.callRemote(words.Note, text=b"secret")
        await network.until(lambda: refuser.received, "a call")
        refuser.transport.write(answer)
        outcomes = [await network.outcome(started, "StartTLS ends")]
        behind = maybeDeferred(client.callRemote, words.Note, text=b"secret")
        if option:
            await network.until(lambda: refuser.received.count(b"secret") == 2, "they are sent")
            refuser.transport.loseConnection()
        outcomes += [await network.outcome(call, "a call ends") for call in (before, behind)]
        require(not any(isinstance(each, dict) for each in outcomes), "all of them fail")
        return refuser

    ERRORS = {
        "unknown": box(_error=b"1", _error_code=b"UNHANDLED", _error_description=b"what?"),
        "refused": box(_error=b"1", _error_code=b"TLS_ERROR", _error_description=b"no"),
        "noReason": box(_error=b"1"),
    }

    @pytest.mark.parametrize("how", ERRORS)
    @differs
    @onSockets
    async def test_refused(self, modules: Modules, network: Network, how: str) -> None:
        """Nothing more is sent to a peer that refuses TLS, and calls fail."""
        refuser = await self.refuse(modules, network, self.ERRORS[how])
        await network.until(lambda: refuser.lost, "the connection is closed")
        require(b"secret" not in refuser.received, "nothing was sent in plaintext")

    @differs
    @onSockets
    async def test_askedFor(self, modules: Modules, network: Network) -> None:
        """With C{plaintextAfterRefusedTLS}, calls are sent without TLS."""
        await self.refuse(modules, network, self.ERRORS["refused"], True)

    @differs
    @onSockets
    async def test_failed(self, modules: Modules, network: Network) -> None:
        """If TLS cannot be started here though the peer agrees, nothing is sent, and calls fail."""
        words = vocabulary(modules)
        client, peer = words.Peer(), Raw()
        await network.pair(peer, client)

        class Broken:
            def options(self, *authorities: Any) -> Any:
                raise ValueError("a key that cannot be read")

        started = client.callRemote(modules.amp.StartTLS, tls_localCertificate=Broken())
        before = client.callRemote(words.Note, text=b"secret")
        await network.until(lambda: peer.received, "a call")
        peer.transport.write(box(_answer=b"1"))
        await network.outcome(started, "StartTLS ends")
        behind = maybeDeferred(client.callRemote, words.Note, text=b"secret")
        for call in (before, behind):
            await network.outcome(call, "a call ends")
        await network.until(lambda: peer.lost, "the connection is closed")
        require(b"secret" not in peer.received, "nothing was sent in plaintext")

    @differs
    @onSockets
    async def test_cancelled(self, modules: Modules, network: Network) -> None:
        """A cancelled StartTLS closes the connection, and calls fail."""
        words = vocabulary(modules)
        client, peer = words.Peer(), Raw()
        await network.pair(peer, client)
        started = client.callRemote(modules.amp.StartTLS)
        before = client.callRemote(words.Note, text=b"secret")
        await network.until(lambda: peer.received, "a call")
        started.cancel()
        for call in (started, before, maybeDeferred(client.callRemote, words.Note, text=b"secret")):
            await network.outcome(call, "a call ends")
        await network.until(lambda: peer.lost, "the connection is closed")
        require(b"secret" not in peer.received, "nothing was sent in plaintext")

    @alike
    @onSockets
    async def test_unverified(self, modules: Modules, network: Network) -> None:
        """Nothing is sent to a peer whose certificate is not trusted."""
        words = vocabulary(modules)
        client, server = words.Peer(), Credentials.peer(modules)
        await network.pair(server, client)
        started = client.callRemote(modules.amp.StartTLS, tls_verifyAuthorities=[certificate("trusted")])
        called = client.callRemote(words.Note, text=b"secret")
        started.addErrback(lambda error: None)
        outcome = await network.outcome(called, "a call ends")
        require(not isinstance(outcome, dict), "it fails")
        require(not server.notes, "nothing was said")
