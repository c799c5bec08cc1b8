"""
FTP transfers take limited memory and are never cut off silently.

The tests run Twisted's FTP server on real sockets, with the data connections of either side.  The
client records the replies.
"""

from __future__ import annotations

import os
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from zope.interface import implementer

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import Portal
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionLost
from twisted.logger import capturedLogs
from twisted.python.failure import Failure
from twisted.python.filepath import Permissions

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng import ftp as ours

from .promises import Modules, alike, differs, require, sound
from .sockets import Network, Raw, onSockets
from .test_hostile import reset

MIB = 2**20


def whole(modules: Modules) -> ModuleType:
    """Make a copy of Twisted's module with the data connections of a side, as the swap does."""
    stock = loadStock("ftp")
    assert stock.__file__ is not None
    spec = spec_from_file_location(f"ftp_on_{modules.name}", stock.__file__)
    assert spec is not None
    assert spec.loader is not None
    module: Any = module_from_spec(spec)
    spec.loader.exec_module(module)
    if modules.name == "ours":
        for name in ("ASCIIConsumerWrapper", "DTP", "DTPFactory", "FileConsumer"):
            setattr(module, name, getattr(ours, name))
        module.FTP._encodeName = ours.encodeName
    return module  # type: ignore[no-any-return]


class Client(Raw):
    """
    The control connection of a client.

    @ivar data: the data connection.
    @ivar server: the server's end.
    """

    data: Raw
    server: Any

    def __init__(self, network: Network) -> None:
        super().__init__()
        self._network = network
        self._read = 0

    async def ask(self, command: str) -> str:
        """Send a command, and return the code of the reply."""
        self.transport.write(command.encode() + b"\r\n")
        return await self.answer(command)

    async def answer(self, command: str) -> str:
        """Wait for a reply, whose whole text is kept in C{text}."""
        found: Any = None

        def complete() -> Any:
            nonlocal found
            found = re.compile(rb"^(\d\d\d) .*\r\n", re.MULTILINE).search(self.received, self._read)
            return found

        await self._network.until(complete, f"an answer to {command}")
        self._read = found.end()
        self.text = found.group().decode()
        return found.group(1).decode()  # type: ignore[no-any-return]

    async def openData(self) -> None:
        """Open a data connection."""
        assert await self.ask("PASV") == "227", self.text
        numbers = [int(each) for each in re.findall(r"\d+", self.text[4:])]
        self.data = Raw()
        await self._network.connectTo(numbers[4] * 256 + numbers[5], self.data)
        await self._network.until(lambda: self.server.dtpInstance is not None, "the server has it, too")
        await self._network.until(lambda: self.server.dtpInstance.isConnected, "and it is open")


async def login(modules: Modules, network: Network, home: Path) -> Client:
    """Serve the directory C{home}, and log in."""
    module: Any = whole(modules)
    users = InMemoryUsernamePasswordDatabaseDontUse()
    users.addUser("user", "secret")
    (home / "user").mkdir()
    factory = module.FTPFactory(Portal(module.FTPRealm(str(home), str(home)), [users]))
    factory.timeOut = None
    served = await network.serve(lambda: factory.buildProtocol(None))
    client = Client(network)
    client.server = (await served.connect(client)).wrappedProtocol
    await client.answer("the greeting")
    assert await client.ask("USER user") == "331", client.text
    assert await client.ask("PASS secret") == "230", client.text
    assert await client.ask("TYPE I") == "200", client.text
    return client


class TestUpload:
    """An upload takes limited memory, and is complete if the server says so."""

    @differs
    @onSockets
    async def test_beforeTheCommand(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """
        At most 64 KiB and one read are taken before the command to store them arrives.  No data is
        lost.
        """
        client = await login(modules, network, tmp_path)
        await client.openData()
        sent = os.urandom(1024) * 16 * 1024
        client.data.transport.write(sent)
        dtp = client.server.dtpInstance

        def kept() -> int:
            return sum(map(len, dtp._buffer or ()))

        await network.until(lambda: kept() >= 65536, "it is read")
        for _ in range(200):
            assert await client.ask("NOOP") == "200"  # time enough, in rounds of the reactor
        held = kept()
        require(held <= 2 * 65536, f"{held} bytes are kept for nobody")
        client.transport.write(b"STOR file\r\n")
        client.data.transport.loseConnection()
        assert await client.answer("STOR") in ("125", "150")
        require(await client.answer("STOR") == "226", "it is complete")
        require((tmp_path / "user" / "file").read_bytes() == sent, "to the byte")

    @differs
    @onSockets
    async def test_reset(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """An upload that is cut off by a reset fails, and the client is told."""
        client = await login(modules, network, tmp_path)
        await client.openData()
        assert await client.ask("STOR file") in ("125", "150")
        client.data.transport.write(b"half a file")
        await network.until((tmp_path / "user" / "file").exists, "it has begun")
        reset(client.data)
        require(await client.answer("STOR") == "426", f"it is answered {client.text!r}")

    @alike
    @onSockets
    async def test_orderly(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """An upload that ends normally is complete."""
        client = await login(modules, network, tmp_path)
        await client.openData()
        assert await client.ask("STOR file") in ("125", "150")
        client.data.transport.write(b"a whole file")
        client.data.transport.loseConnection()
        require(await client.answer("STOR") == "226", "it is complete")
        require((tmp_path / "user" / "file").read_bytes() == b"a whole file", "to the byte")

    @differs
    @onSockets
    async def test_diskFull(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """
        If the file cannot be written, that error is logged, the data connection is closed, and the
        next one works.
        """
        client = await login(modules, network, tmp_path)
        shell = client.server.shell
        openForWriting, shell.openForWriting = shell.openForWriting, lambda path: succeed(Full())
        await client.openData()
        with capturedLogs() as events:
            assert await client.ask("STOR file") in ("125", "150")
            client.data.transport.write(bytes(MIB))
            code = await client.answer("STOR")
            await network.until(lambda: client.data.lost, "the data connection is closed")
        require(code[0] in "45", f"it is answered {client.text!r}")
        errors = {event["failure"].type for event in events if "failure" in event}
        require(errors == {OSError}, f"the error is the one that there was, and not {errors}")
        shell.openForWriting = openForWriting
        await client.openData()
        assert await client.ask("STOR file") in ("125", "150")
        client.data.transport.loseConnection()
        require(await client.answer("STOR") == "226", "the next one works")


@implementer(loadStock("ftp").IWriteFile)
class Full:
    """A file on a disk that is full."""

    def receive(self) -> Any:
        return succeed(self)

    def close(self) -> Any:
        return succeed(None)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        pass

    def unregisterProducer(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        raise OSError(28, "No space left on device")


class TestListing:
    """A listing has one line for each name, whatever the name is, and it ends."""

    async def list(self, modules: Modules, network: Network, home: Path, names: list[bytes]) -> list[bytes]:
        client = await login(modules, network, home)
        for name in names:
            path = os.path.join(os.fsencode(home / "user"), name)
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        await client.openData()
        assert await client.ask("LIST") == "125", client.text
        await network.until(lambda: client.data.lost, "the data connection is closed")
        require(await client.answer("LIST") == "226", f"it ends, with {client.text!r}")
        return client.data.received.splitlines()

    @differs
    @onSockets
    async def test_lineBreaks(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """Line breaks in a name do not add a line to the listing."""
        names = [b"one\r\n-rwxrwxrwx   1 root      root  0 Jan 01 00:00 forged", b"two", b"three\nfour"]
        lines = await self.list(modules, network, tmp_path, names)
        require(len(lines) == 3, f"{len(lines)} lines for three files")
        require(not any(line.endswith(b" forged") and b"?" not in line for line in lines), "none is forged")

    @differs
    @onSockets
    async def test_undecodable(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """A name that cannot be decoded is listed like the others."""
        lines = await self.list(modules, network, tmp_path, [b"before", b"\xff\xfe", b"z"])
        require(len(lines) == 3, f"{len(lines)} lines for three files")
        require(any(line.endswith(b" \xff\xfe") for line in lines), "as it is")

    @alike
    @onSockets
    async def test_ordinary(self, modules: Modules, network: Network, tmp_path: Path) -> None:
        """Ordinary names are listed."""
        lines = await self.list(modules, network, tmp_path, [b"a", "ä".encode(), b"with spaces in it"])
        require({line[-1:] for line in lines} == {b"a", "ä".encode()[-1:], b"t"}, "each is there")


class TestInMemory:
    """A data connection without a server."""

    def connection(self, modules: Modules) -> Any:
        made = modules.ftp.DTP()
        made.pi = None
        made.factory = modules.ftp.DTPFactory(made)
        return made

    @pytest.mark.parametrize("values", [("Ω", "group", 0.0), ("owner", "Ω", 0.0), ("owner", "group", 1e18)])
    @differs
    def test_row(self, modules: Modules, values: tuple[str, str, float]) -> None:
        """A row of a listing is one line, even with an undecodable owner or an impossible time."""
        owner, group, modified = values
        made = self.connection(modules)
        transport = RecordingTransport().connect(made)
        with sound("it is listed"):
            made.sendListResponse(b"name", (7, False, Permissions(0o644), 1, modified, owner, group))
        require(transport.written.startswith(b"-rw-r--r--   1 "), f"{transport.written!r} is a row")
        require(transport.written.endswith(b" name\r\n"), f"{transport.written!r} is a row")

    @differs
    def test_write(self, modules: Modules) -> None:
        """Writing without a connection raises an error of its own type."""
        with pytest.raises(Exception) as caught:  # noqa: PT011 - Twisted raises a bare Exception
            self.connection(modules).write(b"x")
        require(caught.type is not Exception, "it has a type")
        require(str(caught.value), "and says what is wrong")

    @differs
    def test_noMask(self, modules: Modules) -> None:
        """
        A consumer that raises in C{write} and again at the end ends the upload with the first
        error.
        """

        class Broken(Full):
            def unregisterProducer(self) -> None:
                raise KeyError("at the end")

        made = self.connection(modules)
        transport = RecordingTransport().connect(made)
        ends: list[Any] = []
        uploading: Deferred[Any] = made.registerConsumer(Broken())
        uploading.addBoth(ends.append)
        try:
            made.dataReceived(b"x")
            made.dataReceived(b"y")
            made.connectionLost(Failure(ConnectionLost()))
        except Exception as error:
            require(False, f"{type(error).__name__} instead")
        require(len(ends) == 1, "it ends once")
        require(ends[0].check(OSError), f"with the first error, not with {ends[0]}")
        require(transport.disconnecting, "and the connection is closed")
