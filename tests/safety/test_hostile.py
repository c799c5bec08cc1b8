"""
Hostile peers on real TCP and TLS sockets.

They disconnect in the middle of a message, reset the connection, never read, or send single bytes.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import pytest

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionClosed

from .boxes import ask, box, vocabulary
from .promises import Modules, alike, differs, require
from .sockets import Network, Raw, onSockets, sleep

pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")

LINKS = pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])

#: Complete messages, and the beginning of another one.
STREAMS: dict[str, tuple[bytes, bytes]] = {
    "LineReceiver": (b"first\r\nsecond\r\n", b"third\r"),
    "LineOnlyReceiver": (b"first\r\nsecond\r\n", b"third\r"),
    "NetstringReceiver": (b"5:first,6:second,", b"5:third"),
    "Int8StringReceiver": (b"\5first\6second", b"\5thir"),
    "Int16StringReceiver": (b"\0\5first\0\6second", b"\0\5thir"),
    "Int32StringReceiver": (b"\0\0\0\5first\0\0\0\6second", b"\0\0\0\5thir"),
}


def reset(peer: Raw) -> None:
    """Reset the connection, if it is still open."""
    if not peer.lost:
        below = peer.socketTransport
        below.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        below.abortConnection()


def sayNoMore(peer: Raw) -> None:
    """Close the sending direction only."""
    if not peer.lost:
        peer.socketTransport.socket.shutdown(socket.SHUT_WR)


def receiver(modules: Modules, name: str, limit: int = 99999) -> Any:
    """Make a receiver that collects its messages."""

    class Keeping(getattr(modules.basic, name)):  # type: ignore[misc]
        MAX_LENGTH = limit

        def __init__(self) -> None:
            self.taken: list[bytes] = []
            self.reasons: list[Any] = []

        def lineReceived(self, line: bytes) -> None:
            self.taken.append(line)

        stringReceived = lineReceived

        def connectionLost(self, reason: Any = None) -> None:
            self.reasons.append(reason)

    return Keeping()


@LINKS
class TestGone:
    """
    Complete messages are delivered, unfinished ones are not, and C{connectionLost} is called once.
    """

    @pytest.mark.parametrize("leave", [reset, sayNoMore], ids=["reset", "halfClose"])
    @pytest.mark.parametrize("name", STREAMS)
    @alike
    @onSockets
    async def test_receiver(self, modules: Modules, network: Network, name: str, leave: Any, tls: bool) -> None:
        """A receiver's peer disconnects within a message."""
        server, client = receiver(modules, name), Raw()
        await network.pair(server, client)
        whole, begun = STREAMS[name]
        client.transport.write(whole + begun)
        await network.until(lambda: len(server.taken) == 2, "two messages")
        leave(client)
        await network.until(lambda: server.reasons, "the end")
        await sleep(0)
        require(server.taken == [b"first", b"second"], f"nothing else: {server.taken}")
        require(len(server.reasons) == 1, "once")

    @pytest.mark.parametrize("leave", [reset, sayNoMore], ids=["reset", "halfClose"])
    @differs
    @onSockets
    async def test_caller(self, modules: Modules, network: Network, leave: Any, tls: bool) -> None:
        """
        Each call ends once if the peer sends a malformed error and half an answer, and then
        disconnects.
        """
        words = vocabulary(modules)
        client, server = words.Peer(), Raw()
        await network.pair(server, client)
        ends: list[Any] = []
        for _ in range(3):
            client.callRemote(words.Note, text=b"x").addBoth(ends.append)
        await network.until(lambda: server.received.count(b"Note") == 3, "three calls")
        server.transport.write(box(_error=b"1") + box(_answer=b"2", text=b"y")[:-1])
        await network.until(lambda: ends, "the first one ends")
        leave(server)
        await network.until(lambda: client.lost, "the end")
        require(len(ends) == 3, f"{len(ends)} of 3 calls end")
        require(all(each.check(ConnectionClosed) for each in ends[1:]), "with the connection's reason")

    @pytest.mark.parametrize("leave", [reset, sayNoMore], ids=["reset", "halfClose"])
    @alike
    @onSockets
    async def test_responder(self, modules: Modules, network: Network, leave: Any, tls: bool) -> None:
        """Answering a peer that has disconnected is not an error."""
        later: Deferred[Any] = Deferred()

        class Server(vocabulary(modules).Peer):  # type: ignore[misc]
            def amp_WAIT(self, asked: Any) -> Any:
                return later

        server, client = Server(), Raw(ask(b"wait") + ask(b"Note", b"2", text=b"x"))
        await network.pair(server, client)
        await network.until(lambda: server.notes, "it is asked")
        leave(client)
        await network.until(lambda: server.lost, "the end")
        later.callback(modules.amp.Box())
        require(not server.unhandled, f"no error: {server.unhandled}")


@LINKS
class TestByteByByte:
    """Messages that arrive in single bytes are delivered."""

    async def say(self, network: Network, server: Any, data: bytes) -> Raw:
        """Send C{data} in single bytes, each after the one before has arrived."""
        client = Raw()
        take, taken = server.dataReceived, 0

        def count(chunk: bytes) -> None:
            nonlocal taken
            taken += len(chunk)
            take(chunk)

        server.dataReceived = count
        await network.pair(server, client)
        client.socketTransport.setTcpNoDelay(True)
        for at in range(len(data)):
            client.transport.write(data[at : at + 1])
            await network.until(lambda sent=at + 1: taken == sent or client.lost, "it comes")  # type: ignore[misc]
        return client

    @differs
    @onSockets
    async def test_lineOnly(self, modules: Modules, network: Network, tls: bool) -> None:
        """A line of exactly the limit is delivered."""
        server = receiver(modules, "LineOnlyReceiver", 6)
        await self.say(network, server, b"first\r\nsecond\r\n")
        await network.until(lambda: len(server.taken) == 2 or server.reasons, "two lines")
        require(server.taken == [b"first", b"second"], f"both are accepted: {server.taken}")

    @pytest.mark.parametrize("name", [each for each in STREAMS if each != "LineOnlyReceiver"])
    @alike
    @onSockets
    async def test_receiver(self, modules: Modules, network: Network, name: str, tls: bool) -> None:
        """Messages of exactly the limit are delivered."""
        server = receiver(modules, name, 6)
        await self.say(network, server, STREAMS[name][0])
        await network.until(lambda: len(server.taken) == 2 or server.reasons, "two messages")
        require(server.taken == [b"first", b"second"], f"both are accepted: {server.taken}")

    @alike
    @onSockets
    async def test_peer(self, modules: Modules, network: Network, tls: bool) -> None:
        """Calls are answered."""
        server = vocabulary(modules).Peer()
        client = await self.say(network, server, ask(b"Note", b"1", text=b"one") + ask(b"Note", b"2", text=b"two"))
        answers = box(_answer=b"1", text=b"one"), box(_answer=b"2", text=b"two")
        await network.until(lambda: len(client.received) >= len(b"".join(answers)), "two answers")
        require([text for text, _ in server.notes] == [b"one", b"two"], "in order")


@LINKS
class TestNeverReads:
    """A peer that never reads its data cannot make the receiver keep its bytes."""

    @differs
    @onSockets
    async def test_dropped(self, modules: Modules, network: Network, tls: bool) -> None:
        """After it is dropped, its bytes are ignored, even though more data waits to be sent."""
        server, client = receiver(modules, "Int32StringReceiver", 100), Raw(b"\0\0\0\5hello")
        await network.pair(server, client)
        await network.until(lambda: server.taken, "a handshake")
        client.transport.pauseProducing()
        server.transport.write(bytes(8 * 2**20))
        client.transport.write(b"\0\0\xff\xff" + b"x" * 1000)
        await network.until(lambda: server.transport.disconnecting, "it is dropped")
        for _ in range(100):
            client.transport.write(bytes(10_000))
            await sleep(0)
        await sleep(0.01)
        kept = len(getattr(server, "recvd", b""))
        require(kept == 0, f"{kept} bytes are kept of a peer that was dropped")
        require(server.taken == [b"hello"], "nothing is delivered")
        if tls:  # on TCP nothing more is read; TLS waits for the peer's close
            await network.until(lambda: client.lost, "the connection is cut off")
