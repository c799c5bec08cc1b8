"""
After the application calls C{loseConnection}, a TLS peer may still send, if it never closes its
side.  (On TCP and UNIX sockets, nothing more is read.)  Answers may be in flight, so a limited
number of bytes is delivered.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import RecordingTransport

from .boxes import ask, vocabulary
from .promises import Modules, alike, differs, require, sound
from .sockets import Network, onSockets, sleep
from .stubborn import Stubborn

MIB = 2**20

#: How many bytes a peer sends, and how many of them may be delivered or kept.
SENT, DELIVERED, KEPT = 24 * MIB, 17 * MIB, MIB

#: The message at which the server closes the connection, and the messages sent after that.
PAYLOAD = b"x" * 10_000
MESSAGES: dict[str, tuple[bytes, bytes]] = {
    "LineReceiver": (b"quit\r\n", PAYLOAD + b"\r\n"),
    "raw": (b"quit\r\n", PAYLOAD),
    "LineOnlyReceiver": (b"quit\r\n", PAYLOAD + b"\r\n"),
    "Int32StringReceiver": (b"\0\0\0\4quit", b"\0\0\x27\x10" + PAYLOAD),
    "NetstringReceiver": (b"4:quit,", b"10000:" + PAYLOAD + b","),
    "AMP": (ask(b"Note", None, text=b"quit"), ask(b"Note", None, text=PAYLOAD)),
}


def receiver(modules: Modules, name: str) -> Any:
    """
    Make a receiver that closes the connection at a message.

    C{size} is how many bytes were delivered after that, and C{total} how many arrived.
    """
    base = (
        vocabulary(modules).Peer if name == "AMP" else getattr(modules.basic, {"raw": "LineReceiver"}.get(name, name))
    )

    class Closing(base):  # type: ignore[misc, valid-type]
        size = total = 0
        lost = False

        def dataReceived(self, data: bytes) -> Any:
            self.total += len(data)
            return super().dataReceived(data)

        def lineReceived(self, line: bytes) -> None:
            if line == b"quit":
                if name == "raw":
                    self.setRawMode()
                self.transport.loseConnection()
            else:
                self.size += len(line)

        stringReceived = rawDataReceived = lineReceived

        def ampBoxReceived(self, box: Any) -> None:
            self.lineReceived(box[b"text"])

        def connectionLost(self, reason: Any = None) -> None:
            self.lost = True

        @property
        def kept(self) -> int:
            return max(len(getattr(self, each, b"")) for each in ("_buffer", "_unprocessed", "_remainingData"))

    if name == "AMP":
        del Closing.stringReceived
    return Closing()


def check(server: Any) -> None:
    """Require that the delivered and the kept bytes are limited."""
    require(server.kept <= KEPT, f"{server.kept} bytes are kept behind the application's close")
    require(server.size <= DELIVERED, f"{server.size} bytes are delivered behind the application's close")


class TestMemory:
    """The peer's bytes are limited on a transport that never closes."""

    def goOn(self, modules: Modules, name: str) -> None:
        closing, again = MESSAGES[name]
        server = receiver(modules, name)
        transport = RecordingTransport().connect(server)
        with sound("no error"):
            server.dataReceived(closing)
            require(transport.disconnecting, "it is closed")
            chunk = again * (65536 // len(again))
            for _ in range(SENT // len(chunk)):
                server.dataReceived(chunk)
        check(server)

    @pytest.mark.parametrize("name", [each for each in MESSAGES if each != "LineOnlyReceiver"])
    @differs
    def test_goesOn(self, modules: Modules, name: str) -> None:
        """Only a limited part of the bytes is delivered and kept."""
        self.goOn(modules, name)

    @alike
    def test_goesOnAlike(self, modules: Modules) -> None:
        """L{LineOnlyReceiver} delivers nothing after the close, as in Twisted."""
        self.goOn(modules, "LineOnlyReceiver")

    @pytest.mark.parametrize("name", ["Int32StringReceiver", "NetstringReceiver", "AMP"])
    @alike
    def test_inFlight(self, modules: Modules, name: str) -> None:
        """Messages that arrive shortly after the close are delivered."""
        closing, again = MESSAGES[name]
        server = receiver(modules, name)
        RecordingTransport().connect(server)
        server.dataReceived(closing)
        for _ in range(100):
            server.dataReceived(again * 6)
        require(server.size == 600 * len(PAYLOAD), f"{server.size} bytes are delivered")


class TestSockets:
    """The bytes are limited on real sockets, too."""

    @pytest.mark.parametrize("name", ["LineReceiver", "Int32StringReceiver", "AMP"])
    @differs
    @onSockets
    async def test_goesOn(self, modules: Modules, network: Network, name: str) -> None:
        """A peer that never closes its side cannot send without limit."""
        pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        closing, again = MESSAGES[name]
        server = receiver(modules, name)
        client: Any = Stubborn()
        served = await network.serve(lambda: server, tls=True)
        await served.connect(client)
        await network.until(lambda: client.isReady, "a handshake")
        client.say(closing)
        chunk = again * (MIB // len(again))
        for number in range(SENT // MIB):
            client.say(chunk)
            while server.total < number * len(chunk):
                await sleep(0)
        require(not server.lost, "the peer is not cut off: answers may be in flight")
        check(server)
