"""
A dropped peer is ignored: none of its bytes are parsed, kept or delivered, and its connection ends.

Over TLS it may go on sending, since it need not close its side.  On TCP it may have sent everything
before.
"""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from tests.helpers import RecordingTransport

from .boxes import ask, vocabulary
from .promises import Modules, alike, differs, require, sound
from .sockets import Network, Raw, onSockets, sleep
from .stubborn import Stubborn

#: For each receiver: data for which it drops a peer, and a valid message.
REASONS: dict[str, tuple[bytes, bytes]] = {
    "LineReceiver": (b"x" * 200 + b"\r\n", b"again\r\n"),
    "LineOnlyReceiver": (b"x" * 200 + b"\r\n", b"again\r\n"),
    "NetstringReceiver": (b"no netstring", b"5:again,"),
    "Int8StringReceiver": (b"\xff" + b"x" * 255, b"\x05again"),
    "Int16StringReceiver": (b"\0\xff" + b"x" * 255, b"\0\x05again"),
    "Int32StringReceiver": (b"\0\0\0\xff" + b"x" * 255, b"\0\0\0\x05again"),
    "AMP": (b"\1\0" + b"k" * 256, ask(b"Note", b"5", text=b"again")),
    "fatal": (ask(b"Fatal"), ask(b"Note", b"5", text=b"again")),
    "unknown": (ask(b"Unknown"), ask(b"Note", b"5", text=b"again")),
}

#: The reasons after which Twisted still handles messages of the same chunk.
AMP = ["fatal", "unknown"]


def receiver(modules: Modules, name: str) -> Any:
    """Make a receiver that collects its messages."""
    if name in ("AMP", *AMP):
        words = vocabulary(modules)

        class Failing(words.Peer):  # type: ignore[misc, name-defined]
            def amp_UNKNOWN(self, box: Any) -> Any:
                raise KeyError("not declared")

            @property
            def taken(self) -> list[Any]:
                return self.notes  # type: ignore[no-any-return]

        return Failing()

    class Keeping(getattr(modules.basic, name)):  # type: ignore[misc]
        MAX_LENGTH = 100

        def __init__(self) -> None:
            self.taken: list[bytes] = []
            self.lost = False

        def lineReceived(self, line: bytes) -> None:
            self.taken.append(line)

        stringReceived = lineReceived

        def connectionLost(self, reason: Any = None) -> None:
            self.lost = True

    return Keeping()


def drop(modules: Modules, name: str) -> Any:
    """Make a receiver in memory that has dropped its peer."""
    dropped = receiver(modules, name)
    transport = RecordingTransport().connect(dropped)
    with sound("no error"):
        dropped.dataReceived(REASONS[name][0])
    require(transport.disconnecting, "the peer is dropped")
    require(not dropped.taken, "nothing is delivered")
    return dropped


class TestNothing:
    """Nothing is delivered, and nothing is kept."""

    @pytest.mark.parametrize("name", [each for each in REASONS if each != "LineOnlyReceiver"])
    @differs
    def test_delivered(self, modules: Modules, name: str) -> None:
        """Later messages of a dropped peer are not delivered, and it is not dropped again."""
        self.goOn(drop(modules, name), REASONS[name][1])

    @alike
    def test_deliveredAlike(self, modules: Modules) -> None:
        """The same holds for L{LineOnlyReceiver}, as in Twisted."""
        self.goOn(drop(modules, "LineOnlyReceiver"), REASONS["LineOnlyReceiver"][1])

    def goOn(self, dropped: Any, again: bytes) -> None:
        """Send more messages to a receiver that has dropped its peer."""
        with sound("no error"):
            for _ in range(100):
                dropped.dataReceived(again)
        require(not dropped.taken, f"{len(dropped.taken)} messages of a peer that was dropped")
        closings = dropped.transport.names().count("loseConnection")
        require(closings == 1, f"the connection is closed once, not {closings} times")

    @pytest.mark.parametrize("name", ["fatal", "unknown"])
    @differs
    def test_behind(self, modules: Modules, name: str) -> None:
        """Messages in the same chunk after the reason are not delivered."""
        dropped = receiver(modules, name)
        RecordingTransport().connect(dropped)
        with sound("no error"):
            dropped.dataReceived(REASONS[name][0] + REASONS[name][1] * 10)
        require(not dropped.taken, f"{len(dropped.taken)} commands run behind a fatal error")

    @pytest.mark.parametrize("name", [each for each in REASONS if each not in AMP])
    @alike
    def test_behindAlike(self, modules: Modules, name: str) -> None:
        """The same holds for the other reasons, as in Twisted."""
        if name == "AMP":
            name = "Int16StringReceiver"
        dropped = receiver(modules, name)
        RecordingTransport().connect(dropped)
        dropped.dataReceived(REASONS[name][0] + REASONS[name][1] * 10)
        require(not dropped.taken, "nothing is delivered")

    @pytest.mark.parametrize("name", ["Int8StringReceiver", "Int16StringReceiver", "Int32StringReceiver", "AMP"])
    @differs
    def test_kept(self, modules: Modules, name: str) -> None:
        """The bytes that a dropped peer still sends take no memory."""
        dropped = drop(modules, name)
        del dropped.transport.events[:]
        dropped.transport.write = dropped.transport.loseConnection = lambda *arguments: None
        chunk = bytes(1000)
        tracemalloc.start()
        try:
            for _ in range(1000):
                dropped.dataReceived(chunk + b"x" * 1000)
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        require(held < 20_000, f"{held} bytes are held of 2,000,000 that nobody wants")

    @pytest.mark.parametrize("name", REASONS)
    @differs
    def test_aborted(self, modules: Modules, name: str) -> None:
        """The connection is aborted after 64 KiB more, and not before."""
        dropped = drop(modules, name)
        transport = dropped.transport
        with sound("no error"):
            for _ in range(64):
                dropped.dataReceived(b"x" * 1024)
            require(not transport.aborted, "it may end in an orderly way")
            dropped.dataReceived(b"x")
        require(transport.aborted, "it has had its time")
        require(transport.names().count("abortConnection") == 1, "once")


class TestSockets:
    """A dropped peer is ignored on real sockets, too."""

    @pytest.mark.parametrize("name", REASONS)
    @differs
    @onSockets
    async def test_neverDone(self, modules: Modules, network: Network, name: str) -> None:
        """A TLS peer that ignores the close and goes on sending is ignored and then aborted."""
        pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        stubborn = await self.connect(modules, network, name)
        why, again = REASONS[name]
        server = stubborn.server
        stubborn.say(why)
        sent = 0
        await sleep(0.01)
        while not stubborn.lost and sent < 1_000_000:
            stubborn.say(again * (10_000 // len(again)))
            sent += 10_000
            await sleep(0)
        require(not server.taken, f"{len(server.taken)} messages of a peer that was dropped")
        await network.until(lambda: stubborn.lost and server.lost, "the connection is cut off")

    async def connect(self, modules: Modules, network: Network, name: str) -> Any:
        """Connect a client that never closes its side."""
        client: Any = Stubborn()
        served = await network.serve(lambda: receiver(modules, name), tls=True)
        await served.connect(client)
        await network.until(lambda: client.isReady, "a handshake")
        client.server = served.protocols[0]
        return client

    @pytest.mark.parametrize("name", AMP)
    @differs
    @onSockets
    async def test_pipelined(self, modules: Modules, network: Network, name: str) -> None:
        """On TCP, messages sent together with the reason are not delivered."""
        why, again = REASONS[name]
        server, client = receiver(modules, name), Raw(why + again * 100)
        await network.pair(server, client)
        await network.until(lambda: client.lost and server.lost, "the connection ends")
        require(not server.taken, f"{len(server.taken)} commands run behind a fatal error")

    @pytest.mark.parametrize("name", [each for each in REASONS if each not in AMP])
    @alike
    @onSockets
    async def test_pipelinedAlike(self, modules: Modules, network: Network, name: str) -> None:
        """The same holds for the other reasons, as in Twisted."""
        why, again = REASONS[name]
        server, client = receiver(modules, name), Raw(why + again * 100)
        await network.pair(server, client)
        await network.until(lambda: client.lost and server.lost, "the connection ends")
        require(not server.taken, "nothing is delivered")
