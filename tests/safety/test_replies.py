"""
An FTP server's replies depend on when the data arrives, and are the same as Twisted's.

The tests run Twisted's FTP server with the data connections of either side, on real sockets and
step by step in memory.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Factory
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.python.filepath import Permissions

from tests.helpers import RecordingTransport

from .promises import Modules, alike, differs, require
from .sockets import Network, Raw, onSockets
from .test_transfers import Client, login, whole

#: More than the data connection keeps, and less than the system buffers.
MORE = 100_000

#: The replies to each command if the peer has closed the data connection, and if it has not.
COMMANDS = {
    "STOR new": (["150", "226"], ["125", "226"]),
    "RETR old": (["150", "426"], ["125", "226"]),
    "LIST": (["503"], ["125", "226"]),
    "NLST .": (["503"], ["125", "226"]),
}


class _Once(Factory):
    """Accepts one connection."""

    noisy = False

    def __init__(self, made: Raw) -> None:
        self.made = made

    def buildProtocol(self, addr: object) -> Any:
        return self.made


async def openActively(client: Client, network: Network) -> None:
    """Make the server connect to the client."""
    from twisted.internet import reactor

    client.data = Raw()
    port: Any = reactor.listenTCP(0, _Once(client.data), interface="127.0.0.1")  # type: ignore[attr-defined]
    try:
        high, low = divmod(port.getHost().port, 256)
        assert await client.ask(f"PORT 127,0,0,1,{high},{low}") == "200", client.text
        await network.until(lambda: client.data.transport is not None, "the server has connected")
        network.remember(client.data.transport)
    finally:
        await port.stopListening()


async def replies(client: Client, count: int) -> list[str]:
    """Wait for C{count} replies to one command."""
    return [await client.answer("it") for _ in range(count)]


class TestOnSockets:
    """The first reply tells whether the data connection is open."""

    @pytest.mark.parametrize("command", COMMANDS)
    @pytest.mark.parametrize("size", [0, 10, MORE])
    @pytest.mark.parametrize("how", ["passive", "active"])
    @alike
    @onSockets
    async def test_closedBefore(
        self, modules: Modules, network: Network, tmp_path: Path, command: str, size: int, how: str
    ) -> None:
        """
        If the peer has sent its data and closed before the command, there is no open connection.
        """
        client = await self.connected(modules, network, tmp_path, how)
        client.data.transport.write(b"x" * size)
        client.data.transport.loseConnection()
        await network.until(lambda: client.data.lost, "the client has closed it")
        await network.until(lambda: not client.server.dtpInstance.isConnected, "the server knows")
        expected = COMMANDS[command][0]
        client.transport.write(command.encode() + b"\r\n")
        assert await replies(client, len(expected)) == expected
        if command.startswith("STOR"):
            assert (tmp_path / "user" / "new").read_bytes() == b"x" * size

    @pytest.mark.parametrize("command", COMMANDS)
    @pytest.mark.parametrize("size", [0, 10, MORE])
    @pytest.mark.parametrize("how", ["passive", "active"])
    @alike
    @onSockets
    async def test_openBefore(
        self, modules: Modules, network: Network, tmp_path: Path, command: str, size: int, how: str
    ) -> None:
        """If the peer has sent data and not closed, the open connection is used."""
        client = await self.connected(modules, network, tmp_path, how)
        dtp = client.server.dtpInstance
        client.data.transport.write(b"x" * size)
        await network.until(lambda: sum(map(len, dtp._buffer)) >= min(size, 65536), "it has begun to come")
        assert await client.ask("NOOP") == "200"
        expected = COMMANDS[command][1]
        client.transport.write(command.encode() + b"\r\n")
        assert await client.answer(command) == expected[0]
        if command.startswith("STOR"):
            client.data.transport.write(b"y")
            client.data.transport.loseConnection()
        assert await client.answer(command) == expected[1]
        if command.startswith("STOR"):
            assert (tmp_path / "user" / "new").read_bytes() == b"x" * size + b"y"
        else:
            await network.until(lambda: client.data.lost, "the server closes it")
            assert client.data.received

    @differs
    @onSockets
    async def test_onItsWay(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """A peer that still waits to send its data has an open connection."""
        client = await self.connected(modules, network, tmp_path, "passive")
        sent = os.urandom(1024) * 16 * 1024
        client.data.transport.write(sent)
        client.data.transport.loseConnection()
        for _ in range(200):
            assert await client.ask("NOOP") == "200"  # time enough, in rounds of the reactor
        client.transport.write(b"STOR new\r\n")
        codes = await replies(client, 2)
        assert (tmp_path / "user" / "new").read_bytes() == sent
        require(codes == ["125", "226"], f"it is answered {codes}")

    async def connected(self, modules: Modules, network: Network, home: Path, how: str) -> Client:
        """Log in to a server that has a file, and open a data connection."""
        client = await login(modules, network, home)
        (home / "user" / "old").write_bytes(b"hello")
        await (client.openData() if how == "passive" else openActively(client, network))
        return client


class _Shell:
    """A server's files: each is empty, and written data is kept."""

    def __init__(self) -> None:
        self.stored: list[bytes] = []

    def openForWriting(self, path: object) -> Deferred[Any]:
        return succeed(self)

    def receive(self) -> Deferred[Any]:
        return succeed(self)

    def registerProducer(self, producer: object, streaming: bool) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.stored.append(data)

    def unregisterProducer(self) -> None:
        self.stored.append(b"end")

    def close(self) -> Deferred[None]:
        return succeed(None)

    def list(self, path: object, keys: object = ()) -> Deferred[Any]:
        return succeed([("name", (7, False, Permissions(0o644), 1, 0.0, "owner", "group"))])


class TestInMemory:
    """The replies to single steps in memory."""

    def server(self, modules: Modules) -> tuple[Any, Any, RecordingTransport, Any]:
        """Make a logged-in server, its data connection, the control transport and its shell."""
        module: Any = whole(modules)
        server, shell = module.FTP(), _Shell()
        server.factory = module.FTPFactory()
        server.timeOut = server.factory.timeOut = None
        transport = RecordingTransport().connect(server)
        server.state, server.shell, server.workingDirectory = server.AUTHED, shell, []
        made = module.DTPFactory(server, None, object()).buildProtocol(None)
        return server, made, transport, shell

    def codes(self, transport: RecordingTransport) -> list[str]:
        """The codes of the replies, without the greeting."""
        return re.findall(r"^(\d\d\d)", transport.written.decode(), re.MULTILINE)[1:]

    @pytest.mark.parametrize("sizes", [(), (3,), (65536,), (65536, 5)])
    @alike
    def test_store(self, modules: Modules, sizes: tuple[int, ...]) -> None:
        """An upload, with all or some of its data before the command."""
        for closes in (True, False):
            server, made, control, shell = self.server(modules)
            RecordingTransport().connect(made)
            for size in sizes:
                made.dataReceived(b"x" * size)
            if closes:
                made.connectionLost(Failure(ConnectionDone()))
            ending: Any = server.ftp_STOR("name")
            ended: list[Any] = []
            ending.addBoth(ended.append)
            assert self.codes(control) == ["150" if closes else "125"]
            if not closes:
                assert ended == []
                made.dataReceived(b"y")
                made.connectionLost(Failure(ConnectionDone()))
            assert [each[0][:3] for each in ended] == ["226"]
            assert b"".join(shell.stored) == b"x" * sum(sizes) + (b"" if closes else b"y") + b"end"

    @differs
    def test_fails(self, modules: Modules) -> None:
        """
        A failing upload gets the same replies, whether its data came before the command or after.
        """
        for size in (0, 3):
            server, made, control, shell = self.server(modules)
            RecordingTransport().connect(made)
            shell.write = lambda data: 1 / 0
            if size:
                made.dataReceived(b"x" * size)
            ended: list[Any] = []
            with capturedLogs():
                server.ftp_STOR("name").addBoth(ended.append)
                if not size:
                    made.dataReceived(b"y")
            require(self.codes(control) == ["125"], f"{self.codes(control)} is answered first")
            require([each[0][:3] for each in ended] == ["426"], f"{ended} comes last")

    @alike
    def test_list(self, modules: Modules) -> None:
        """A listing, with the connection open or closed."""
        for closes in (True, False):
            server, made, control, _ = self.server(modules)
            data = RecordingTransport().connect(made)
            made.dataReceived(b"x" * 70000)
            if closes:
                made.connectionLost(Failure(ConnectionDone()))
            ended: list[Any] = []
            server.ftp_LIST().addBoth(ended.append)
            if closes:
                assert ended[0].value.errorCode[:3] == "503"
            else:
                assert (self.codes(control), ended[0][0][:3], data.disconnecting) == (["125"], "226", True)
