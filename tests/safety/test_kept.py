"""
No more is left of a finished FTP transfer than Twisted leaves.

Each test holds a reference to one part of the transfer, and looks which others are still in memory,
before and after garbage collection.
"""

from __future__ import annotations

import gc
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.logger import capturedLogs
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport

from .promises import OURS, STOCK, Modules, alike, differs, require
from .sockets import Network, Raw, onSockets, sleep
from .stubborn import Stubborn
from .test_hostile import reset
from .test_transfers import MIB, login


class _File(BytesIO):
    """A file."""


class _Server:
    """A server's control connection."""

    dtpInstance: Any = None


class _Consumer:
    """Takes an upload."""

    producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def write(self, data: bytes) -> None:
        pass


class _Transport(RecordingTransport):
    """A transport that drops its protocol at the end, as real ones do."""

    def lose(self, reason: type[Exception]) -> None:
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(reason()))


class Transfer:
    """
    All the objects of a transfer.

    @ivar parts: the objects, by name.
    """

    def __init__(self, modules: Modules) -> None:
        self.clock = Clock()
        server = _Server()
        factory = modules.ftp.DTPFactory(server, None, self.clock)
        factory.setTimeout(10)
        self.connecting: Any = factory.deferred
        self.parts: dict[str, Any] = {"server": server, "factory": factory, "connecting": self.connecting}
        self.sender = modules.basic.FileSender

    def connect(self) -> Any:
        """Make the connection."""
        made = self.parts["factory"].buildProtocol(None)
        self.parts["connection"] = made
        self.parts["transport"] = _Transport().connect(made)
        return made

    def upload(self, before: int = 0) -> Any:
        """Start an upload."""
        made = self.connect()
        if before:
            made.dataReceived(b"x" * before)
        consumer = self.parts["consumer"] = _Consumer()
        ending = self.parts["ending"] = made.registerConsumer(consumer)
        made.dataReceived(b"some of it")
        return ending

    def download(self) -> Any:
        """Start a download."""
        made = self.connect()
        file, sender = self.parts["file"], self.parts["sender"] = _File(b"x" * 5), self.sender()
        ending = self.parts["ending"] = sender.beginFileTransfer(file, made)
        return ending

    def lose(self, reason: type[Exception] = ConnectionDone) -> None:
        """Lose the connection, and make the server forget it."""
        self.parts["transport"].lose(reason)
        self.over()

    def over(self) -> None:
        """
        Make the server forget the connection, as it does before the next one or at its own end.
        """
        self.parts["factory"].stopFactory()
        self.parts["server"].dtpInstance = None


def late(transfer: Transfer) -> None:
    transfer.connecting.addErrback(lambda failure: None)
    transfer.clock.advance(10)
    transfer.over()


def uploaded(transfer: Transfer) -> None:
    transfer.upload()
    transfer.lose()


def uploadedBefore(transfer: Transfer) -> None:
    transfer.upload(70000)
    transfer.lose()


def cutUpload(transfer: Transfer) -> None:
    transfer.upload().addErrback(lambda failure: None)
    transfer.lose(ConnectionLost)


def cancelledUpload(transfer: Transfer) -> None:
    ending = transfer.upload()
    ending.addErrback(lambda failure: None)
    ending.cancel()
    transfer.lose()


def brokenUpload(transfer: Transfer) -> None:
    ending = transfer.upload()
    ending.addErrback(lambda failure: None)
    transfer.parts["consumer"].write = lambda data: 1 / 0
    transfer.parts["connection"].dataReceived(b"more of it")
    transfer.lose()


def neverUploaded(transfer: Transfer) -> None:
    transfer.connect().dataReceived(b"x" * 100)
    transfer.lose()


def neverCutUpload(transfer: Transfer) -> None:
    transfer.connect().dataReceived(b"x" * 100)
    transfer.lose(ConnectionLost)


def downloaded(transfer: Transfer) -> None:
    transfer.download()
    while transfer.parts["transport"].producer is not None:
        transfer.parts["transport"].producer.resumeProducing()
    transfer.lose()


def cutDownload(transfer: Transfer) -> None:
    transfer.download().addErrback(lambda failure: None)
    transfer.lose(ConnectionLost)


def cancelledDownload(transfer: Transfer) -> None:
    ending = transfer.download()
    ending.addErrback(lambda failure: None)
    ending.cancel()
    transfer.parts["transport"].unregisterProducer()  # Twisted's sender does not do this
    transfer.lose()


def listed(transfer: Transfer) -> None:
    transfer.connect().sendLine(b"name")
    transfer.parts["transport"].loseConnection()
    transfer.lose()


ENDS: dict[str, Callable[[Transfer], None]] = {
    each.__name__: each
    for each in (
        late,
        uploaded,
        uploadedBefore,
        cutUpload,
        cancelledUpload,
        brokenUpload,
        neverUploaded,
        neverCutUpload,
        downloaded,
        cutDownload,
        cancelledDownload,
        listed,
    )
}


@contextmanager
def uncollected() -> Iterator[None]:
    """Disable garbage collection in this block, so that all its objects are young."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def left(modules: Modules, end: Callable[[Transfer], None], held: str | None, isCollected: bool) -> set[str] | None:
    """
    Return what is in memory after the end of a transfer.

    @param held: the part that is still referenced.
    @return: the names of the other parts in memory, or C{None} if there is no such part.
    """
    with uncollected(), capturedLogs():
        transfer = Transfer(modules)
        try:
            end(transfer)
        except AttributeError:
            assert modules is STOCK  # Twisted's module raises this if a consumer has gone
            transfer.lose()
        if held is not None and held not in transfer.parts:
            return None
        holder = transfer.parts.get(held or "")
        known = {name: weakref.ref(part) for name, part in transfer.parts.items() if name != held}
        calls = transfer.clock.getDelayedCalls()
        assert calls == []
        del transfer
        if isCollected:
            gc.collect(0)
        found = {name for name, reference in known.items() if reference() is not None}
        del holder
    return found


PARTS = [None, "server", "factory", "connecting", "connection", "transport", "consumer", "ending", "file", "sender"]


class TestNothing:
    """No more of a transfer is kept than Twisted keeps."""

    @pytest.mark.parametrize("end", ENDS)
    def test_nothing(self, end: str) -> None:
        """Without a reference to any part, nothing is left, even before garbage is collected."""
        expected = {"server", "factory"} if end == "late" else set()  # they refer to each other
        if sys.implementation.name == "cpython":  # it counts references
            assert left(OURS, ENDS[end], None, False) == expected
        assert left(OURS, ENDS[end], None, True) == set()

    @pytest.mark.parametrize("end", ENDS)
    @pytest.mark.parametrize("isCollected", [False, True])
    def test_held(self, end: str, isCollected: bool) -> None:
        """A reference to one part keeps no more of the others than in Twisted."""
        for held in PARTS[1:]:
            theirs = left(STOCK, ENDS[end], held, isCollected)
            own = left(OURS, ENDS[end], held, isCollected)
            assert (own is None) == (theirs is None)
            assert (own or set()) <= (theirs or set()), held


class _Deaf(Raw):
    """A peer that reads nothing, and sends as much as possible."""

    def connectionMade(self) -> None:
        super().connectionMade()
        self.transport.pauseProducing()


class _Counting(_Consumer):
    """Counts the bytes it is given."""

    size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)


class TestClosedHere:
    """After the application closes a connection, a peer that goes on cannot fill the memory."""

    @pytest.mark.parametrize("state", ["nobody", "registered", "paused", "sending"])
    @pytest.mark.parametrize("link", ["pair", "pairOnUNIX"])
    @alike
    @onSockets
    async def test_sent(self, modules: Modules, network: Network, link: str, state: str) -> None:
        """Of 60 MiB, only a little is read, since unsent data delays the close."""
        made = modules.ftp.DTP()
        made.factory = modules.ftp.DTPFactory(made, None, Clock())
        client, consumer = _Deaf(), _Counting()
        await getattr(network, link)(made, client)
        if state in ("registered", "paused"):
            made.registerConsumer(consumer)
        if state == "paused":
            made.pauseProducing()
        if state == "sending":
            made.sendLine(b"name")
        made.transport.write(bytes(16 * MIB))
        made.transport.loseConnection()
        piece = bytes(MIB)
        for _ in range(60):
            client.transport.write(piece)
        for _ in range(50):
            await sleep(0)
        if state == "paused":
            made.resumeProducing()
        for _ in range(50):
            await sleep(0)
        assert not made.transport.disconnected
        require(sum(map(len, made._buffer or ())) + consumer.size < MIB, "nothing of it is kept")


class TestClosedOverTLS:
    """Over TLS, a connection is read until the peer closes it, too, which this peer never does."""

    @pytest.mark.parametrize("state", ["nobody", "sending"])
    @differs
    @onSockets
    async def test_sent(self, modules: Modules, network: Network, state: str) -> None:
        """The kept bytes are limited, and a peer that has no reason to send is cut off."""
        pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        made = modules.ftp.DTP()
        made.factory = modules.ftp.DTPFactory(made, None, Clock())
        served = await network.serve(lambda: made, tls=True)
        client = Stubborn()
        await served.connect(client)
        await network.until(lambda: client.isReady, "the handshake is done")
        read: list[int] = []
        receive = made.dataReceived
        made.dataReceived = lambda data: (read.append(len(data)), receive(data))
        client.say(b"x")
        await network.until(lambda: read, "on this side, too")
        if state == "sending":
            made.sendLine(b"name")
        made.transport.loseConnection()
        while not client.lost and sum(read) < MIB:
            client.say(bytes(65536))
            await sleep(0)
        kept = sum(map(len, made._buffer or ()))
        require(kept <= 2 * 65536, f"{kept} bytes are kept")
        require(client.lost or state == "sending", "it is cut off")


class TestServer:
    """A server has the same state before and after transfers of each kind."""

    @alike
    @onSockets
    async def test_all(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """No descriptor, delayed call or data connection is left."""
        client = await login(modules, network, tmp_path)
        before = self.state(modules)
        for command in ("STOR file", "RETR file", "LIST", "NLST .", "RETR nothing"):
            await client.openData()
            client.data.transport.write(b"hello")
            client.transport.write(command.encode() + b"\r\n")
            code = await client.answer(command)
            if command.startswith("STOR"):
                client.data.transport.loseConnection()
            if code[0] == "1":
                await client.answer(command)
            client.data.transport.loseConnection()
        await client.openData()  # and reset
        assert await client.ask("STOR file") in ("125", "150")
        reset(client.data)
        await client.answer("STOR")
        await client.openData()  # and never used
        client.data.transport.write(b"x" * 200_000)
        assert await client.ask("NOOP") == "200"
        client.server.dtpTimeout = 0.01
        assert await client.ask("PASV") == "227"  # and never connected to
        assert await client.answer("PASV") == "550"
        client.transport.loseConnection()
        await network.until(lambda: client.lost, "the client is gone")
        client.data.transport.loseConnection()
        del client.data, client.server
        await network.until(lambda: self.state(modules)[1:] == before[1:], "nothing is left")
        assert self.state(modules)[0] < before[0]  # the control connection

    def state(self, modules: Modules) -> tuple[int, int, int]:
        """The numbers of open descriptors, delayed calls and data connections."""
        from twisted.internet import reactor

        gc.collect()
        calls = reactor.getDelayedCalls()  # type: ignore[attr-defined]
        there = [each for each in gc.get_objects() if type(each).__name__ == "DTP"]
        return len(os.listdir("/dev/fd")), len(calls), len(there)
