"""
Starting TLS repeatedly generates no keys, works once for each connection, and can be switched off.

These tests use real TCP sockets and the StartTLS responder of every AMP.
"""

from __future__ import annotations

from typing import Any

import pytest

from .boxes import ask, box, vocabulary
from .promises import Modules, alike, differs, require
from .sockets import Network, Raw, onSockets

ssl = pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from cryptography.hazmat.primitives.asymmetric import ec, rsa  # noqa: E402 - it comes with pyOpenSSL


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of the keys generated during the test."""
    generated: list[str] = []

    def counted(kind: str, generate: Any) -> Any:
        def counting(*arguments: Any, **named: Any) -> Any:
            generated.append(kind)
            return generate(*arguments, **named)

        return counting

    monkeypatch.setattr(ec, "generate_private_key", counted("ec", ec.generate_private_key))
    monkeypatch.setattr(rsa, "generate_private_key", counted("rsa", rsa.generate_private_key))
    monkeypatch.setattr(ssl.KeyPair, "generate", counted("rsa", ssl.KeyPair.generate))
    return generated


async def startTLS(network: Network, client: Raw) -> None:
    """Start TLS, and check that it works."""
    client.transport.write(ask(b"StartTLS", b"a"))
    await network.until(lambda: client.received == box(_answer=b"a"), "an answer")
    client.received = b""
    client.startTLS(ssl.CertificateOptions(), ask(b"Note", b"b", text=b"over TLS"))
    await network.until(lambda: client.received == box(_answer=b"b", text=b"over TLS"), "an answer over TLS")
    client.received = b""


class TestKeys:
    """Generating keys is the largest cost of TLS."""

    @differs
    @onSockets
    async def test_oneForAll(self, modules: Modules, network: Network, keys: list[str]) -> None:
        """All connections of a process share one key, on an elliptic curve."""
        words = vocabulary(modules)
        served = await network.serve(words.Peer)
        for _ in range(5):
            client = Raw()
            await served.connect(client)
            await startTLS(network, client)
            client.transport.abortConnection()
        made = [each for each in keys if each == "rsa"]
        require(not made, f"{len(made)} RSA keys for 5 connections")
        require(len(keys) <= 1, f"{len(keys)} keys for 5 connections")

    @differs
    @onSockets
    async def test_oneRead(self, modules: Modules, network: Network, keys: list[str]) -> None:
        """A segment full of StartTLS calls generates at most one key."""
        server, client = vocabulary(modules).Peer(), Raw(b"".join(ask(b"StartTLS", b"%d" % tag) for tag in range(10)))
        await network.pair(server, client)
        await network.until(lambda: client.received or client.lost or len(keys) > 1, "an answer")
        require(len(keys) <= 1, f"{len(keys)} keys for one segment")

    @differs
    @onSockets
    async def test_second(self, modules: Modules, network: Network) -> None:
        """A second StartTLS is refused, and the TLS connection goes on."""
        words = vocabulary(modules)
        client = Raw()
        await network.pair(words.Peer(), client)
        await startTLS(network, client)
        client.transport.write(ask(b"StartTLS", b"c") + ask(b"Note", b"d", text=b"still"))
        await network.until(lambda: client.received.endswith(box(_answer=b"d", text=b"still")), "it goes on")
        require(b"_error" in client.received, "it is refused")

    @alike
    @onSockets
    async def test_first(self, modules: Modules, network: Network) -> None:
        """The first StartTLS works for a peer that wants encryption without authentication."""
        words = vocabulary(modules)
        client = Raw()
        await network.pair(words.Peer(), client)
        await startTLS(network, client)

    @differs
    @onSockets
    async def test_off(self, modules: Modules, network: Network) -> None:
        """An application can switch off StartTLS, and its peers are told that it is unhandled."""
        words = vocabulary(modules)
        server, client = words.Peer(), Raw(ask(b"StartTLS", b"a") + ask(b"Note", b"b", text=b"plain"))
        server.acceptsStartTLS = False
        await network.pair(server, client)
        await network.until(lambda: client.received, "an answer")
        require(b"UNHANDLED" in client.received, "it is refused")
        await network.until(lambda: b"plain" in client.received, "the connection goes on")
