"""
Independent FTP clients use a Twisted FTP server with our data connections.

C{TWISTED_BASIC_NG_LARGE=1} adds files of 256 MiB.
"""

from __future__ import annotations

import ftplib
import hashlib
import io
import os
import select
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import running, waitFor

SERVER = Path(__file__).with_name("ftp_server.py")
SIZES = [0, 1, 2**20, *([256 * 2**20] if os.environ.get("TWISTED_BASIC_NG_LARGE") == "1" else [])]


class Epsv(ftplib.FTP):
    """Uses EPSV for its data connections, even over IPv4."""

    def makepasv(self) -> tuple[str, int]:
        assert self.sock is not None
        return ftplib.parse229(self.sendcmd("EPSV"), self.sock.getpeername())  # type: ignore[no-any-return]


class Eprt(ftplib.FTP):
    """Uses EPRT for its data connections."""

    def sendport(self, host: str, port: int) -> str:
        return self.sendeprt(host, port)


MODES = {"pasv": (ftplib.FTP, True), "port": (ftplib.FTP, False), "epsv": (Epsv, True), "eprt": (Eprt, False)}


class Server:
    """
    A running server.

    @ivar port: its port.
    @ivar home: the user's directory.
    @ivar hasExtended: whether it supports EPRT.
    """

    def __init__(self, home: Path, said: Any) -> None:
        self.home = home
        self.port = int(said[1])
        self.hasExtended = said[3] == "True"
        assert said[2].startswith("twisted_basic_ng."), said[2]

    def login(self, mode: str = "pasv") -> ftplib.FTP:
        """Log in with Python's own client."""
        kind, passive = MODES[mode]
        if mode in ("epsv", "eprt") and not self.hasExtended:
            pytest.skip("this Twisted has no extended commands")
        client = kind(timeout=60)
        client.connect("127.0.0.1", self.port)
        client.login("user", "secret")
        client.set_pasv(passive)
        return client

    def file(self, name: str, size: int) -> tuple[Path, str]:
        """Make a file in the user's directory, and return its path and digest."""
        path = self.home / name
        pattern = bytes(range(256)) * 257
        with path.open("wb") as file:
            for start in range(0, size, len(pattern)):
                file.write(pattern[: min(len(pattern), size - start)])
        return path, digest(path)


def digest(path: Path) -> str:
    """Return the digest of a file."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            found.update(piece)
    return found.hexdigest()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server in a process of its own."""
    home = tmp_path / "user"
    home.mkdir()
    with running("-m", "twisted_basic_ng", "run", SERVER, tmp_path) as process:
        yield Server(home, waitFor(process, r"serving (\d+) (\S+) (\w+)"))


class TestFtplib:
    """Python's ftplib."""

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("size", SIZES)
    def test_binary(self, server: Server, tmp_path: Path, mode: str, size: int) -> None:
        """Files are transferred unchanged in both directions."""
        _, expected = server.file("down.bin", size)
        back = tmp_path / "back.bin"
        with server.login(mode) as client:
            with back.open("wb") as file:
                client.retrbinary("RETR down.bin", file.write)
            with back.open("rb") as file:
                assert client.storbinary("STOR up.bin", file).startswith("226")
        assert digest(back) == expected
        assert digest(server.home / "up.bin") == expected

    @pytest.mark.parametrize("mode", MODES)
    def test_listing(self, server: Server, mode: str) -> None:
        """A listing has one line for each name, whatever the name is."""
        for name in ("plain", "with space", "two\nlines", "caf\xe9", "\N{SNOWMAN}"):
            (server.home / name).write_bytes(b"x" * 5)
        rows: list[str] = []
        with server.login(mode) as client:
            client.encoding = "utf-8"
            names = client.nlst(".")
            client.dir(rows.append)
        assert sorted(names) == sorted(["plain", "with space", "two?lines", "caf\xe9", "\N{SNOWMAN}"])
        assert len(rows) == 5
        assert all(row.startswith("-rw") and f" {5:15d} " in row for row in rows)

    def test_ascii(self, server: Server) -> None:
        """Text has the line endings of the wire on the wire, and the local ones in files."""
        text = b"".join(b"line %d\n" % number for number in range(20_000))
        (server.home / "down.txt").write_bytes(text)
        wire: list[bytes] = []
        with server.login() as client:
            client.sendcmd("TYPE A")
            with client.transfercmd("RETR down.txt") as data:
                while piece := data.recv(65536):
                    wire.append(piece)
            client.voidresp()
            assert client.storlines("STOR up.txt", io.BytesIO(text)).startswith("226")
        assert b"".join(wire) == text.replace(b"\n", b"\r\n")
        assert (server.home / "up.txt").read_bytes() == text

    def test_abort(self, server: Server) -> None:
        """A transfer that the client aborts does not affect the next one."""
        _, expected = server.file("down.bin", 8 * 2**20)
        with server.login() as client:
            data = client.transfercmd("RETR down.bin")
            assert data.recv(1000)
            data.close()
            with pytest.raises(ftplib.error_temp, match="426"):
                client.voidresp()
            found = hashlib.sha256()
            client.retrbinary("RETR down.bin", found.update)
        assert found.hexdigest() == expected

    def test_reset(self, server: Server) -> None:
        """An upload that is reset gets the reply 426, and the next one works."""
        with server.login() as client:
            data = client.transfercmd("STOR up.bin")
            data.sendall(b"x" * 100_000)
            data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            data.close()
            with pytest.raises(ftplib.error_temp, match="426"):
                client.voidresp()
            assert client.storbinary("STOR up.bin", io.BytesIO(b"whole")).startswith("226")
        assert (server.home / "up.bin").read_bytes() == b"whole"

    def test_storedTwice(self, server: Server) -> None:
        """An upload without a data connection of its own fails."""
        with server.login() as client:
            client.storbinary("STOR up.bin", io.BytesIO(b"whole"))
            assert client.sendcmd("STOR other.bin").startswith("150")
            with pytest.raises(ftplib.error_temp, match="426"):
                client.voidresp()

    def test_foreignName(self, server: Server) -> None:
        """A name that is not UTF-8 is listed, and so are the others."""
        (server.home / "plain").touch()
        with open(os.path.join(os.fsencode(server.home), b"bad\xff"), "wb"):
            pass
        with server.login() as client:
            client.encoding = "latin-1"
            names = client.nlst(".")
            rows: list[str] = []
            client.dir(rows.append)
        assert sorted(names) == ["bad\xff", "plain"]
        assert len(rows) == 2

    def test_nobodyStores(self, server: Server) -> None:
        """Data that is sent but never stored is not read without limit."""
        with server.login() as client:
            host, port = client.makepasv()
            with socket.create_connection((host, port), timeout=60) as data:
                data.setblocking(False)
                assert sendUntilBlocked(data) < 64 * 2**20
                client.voidcmd("NOOP")


def sendUntilBlocked(data: socket.socket) -> int:
    """Send until the peer reads no more, and return the number of bytes."""
    sent = 0
    while sent < 64 * 2**20:
        if not select.select([], [data], [], 2)[1]:
            break
        sent += data.send(b"x" * 65536)
    return sent


class TestCurl:
    """curl."""

    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        if shutil.which("curl") is None:
            pytest.skip("curl is not installed")

    def curl(self, server: Server, *options: object) -> bytes:
        """Run curl, and return its output."""
        command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "300", "--user", "user:secret"]
        return subprocess.run([*command, *map(str, options)], capture_output=True, check=True).stdout

    @pytest.mark.parametrize(
        "mode", [("--ftp-pasv",), ("--disable-epsv",), ("--ftp-port", "-"), ("--ftp-port", "-", "--disable-eprt")]
    )
    @pytest.mark.parametrize("size", SIZES)
    def test_binary(self, server: Server, tmp_path: Path, mode: tuple[str, ...], size: int) -> None:
        """
        Files are transferred in both directions and listed, with each kind of data connection.
        """
        _, expected = server.file("down.bin", size)
        url = f"ftp://127.0.0.1:{server.port}/"
        back = tmp_path / "back.bin"
        self.curl(server, *mode, "--output", back, url + "down.bin")
        back.touch()  # curl writes no empty file
        self.curl(server, *mode, "--upload-file", back, url + "up.bin")
        assert digest(back) == digest(server.home / "up.bin") == expected
        assert b"up.bin" in self.curl(server, *mode, url)

    def test_abort(self, server: Server) -> None:
        """curl may be killed during a transfer, and the next one works."""
        _, expected = server.file("down.bin", 8 * 2**20)
        url = f"ftp://127.0.0.1:{server.port}/down.bin"
        with subprocess.Popen(
            ["curl", "--silent", "--limit-rate", "1M", "--user", "user:secret", url], stdout=subprocess.PIPE
        ) as cut:
            assert cut.stdout is not None
            assert cut.stdout.read(1000)
            cut.kill()
        assert hashlib.sha256(self.curl(server, url)).hexdigest() == expected

    def test_ascii(self, server: Server) -> None:
        """Text is transferred in both directions, with the local line endings in files."""
        text = server.home / "down.txt"
        text.write_bytes(b"one\ntwo\n")
        url = f"ftp://127.0.0.1:{server.port}/"
        assert self.curl(server, "--use-ascii", url + "down.txt") == b"one\ntwo\n"
        self.curl(server, "--use-ascii", "--crlf", "--upload-file", text, url + "up.txt")
        assert (server.home / "up.txt").read_bytes() == b"one\ntwo\n"


class TestLftp:
    """lftp."""

    @pytest.fixture(autouse=True)
    def installed(self) -> None:
        if shutil.which("lftp") is None:
            pytest.skip("lftp is not installed")

    def lftp(self, server: Server, directory: Path, *commands: str) -> str:
        """Run lftp commands, and return the output."""
        begin = ("set net:max-retries 1", "set net:timeout 300", f"open -u user,secret -p {server.port} 127.0.0.1")
        ended = subprocess.run(
            ["lftp", "--norc", "-c", "; ".join((*begin, *commands, "bye"))],
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    @pytest.mark.parametrize("passive", ["true", "false"])
    @pytest.mark.parametrize("extended", ["true", "false"])
    def test_binary(self, server: Server, tmp_path: Path, passive: str, extended: str) -> None:
        """Files of each size are transferred and listed, with each kind of data connection."""
        expected = {size: server.file(f"down{size}", size)[1] for size in SIZES}
        moves = [f"get down{size} -o back{size}; put back{size} -o up{size}" for size in SIZES]
        modes = (f"set ftp:passive-mode {passive}", f"set ftp:prefer-epsv {extended}")
        said = self.lftp(server, tmp_path, *modes, *moves, "cls")
        for size in SIZES:
            assert digest(tmp_path / f"back{size}") == digest(server.home / f"up{size}") == expected[size]
        assert set(said.split()) == {f"{way}{size}" for way in ("down", "up") for size in SIZES}

    def test_ascii(self, server: Server, tmp_path: Path) -> None:
        """
        Text is transferred in both directions, with the local line endings in files.

        lftp expects a new connection to have type A, as RFC 959 says, but the server begins with I.
        So it has to change the type once first.
        """
        text = b"".join(b"line %d\n" % number for number in range(5000))
        (server.home / "down.txt").write_bytes(text)
        moves = ("get down.txt -o binary.txt", "get -a down.txt -o back.txt", "put -a back.txt -o up.txt")
        self.lftp(server, tmp_path, *moves)
        assert (tmp_path / "back.txt").read_bytes() == (server.home / "up.txt").read_bytes() == text
