"""
Tests that the calculator in C{examples/calc} runs as documented, both as a program and as a twistd
service.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sys
from pathlib import Path

import pytest

from tests.processes import environment, python, running, waitFor

from .sources import ROOT

ANSWERS = "1.10 + 2 = 3.10\n17 / 5 = 3 remainder 2\n1 / 0: integer division or modulo by zero\n"

#: The arguments that run twistd as its installed script does.
TWISTD = ("-c", "from twisted.scripts.twistd import run; run()")


@pytest.fixture
def calc(tmp_path: Path) -> Path:
    """
    Return a writable copy of the example.  Its path is short enough for the address of a UNIX
    socket.
    """
    return Path(shutil.copytree(ROOT / "examples" / "calc", tmp_path / "c"))


def path(calc: Path) -> str:
    """Return the value of C{PYTHONPATH=.} in that directory."""
    return os.pathsep.join([str(calc), environment()["PYTHONPATH"]])


def port(line: re.Match[str]) -> str:
    """Return a server's endpoint for its client."""
    return f"tcp:127.0.0.1:{line[1]}"


class TestPrograms:
    """Tests for the server and the client."""

    def test_tcp(self, calc: Path) -> None:
        """The client gets its answers."""
        with running("calc_server.py", "tcp:0:interface=127.0.0.1", directory=calc) as server:
            where = port(waitFor(server, r"serving at .*port=(\d+)"))
            ended = python("calc_client.py", where, directory=calc)
            assert ended.stdout == ANSWERS, ended.stderr

    def test_tls(self, calc: Path) -> None:
        """With certificates, the client accepts only the server that it knows."""
        pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        from tests.live.certificates import pem

        for name in ("server", "other"):
            (calc / f"{name}.pem").write_bytes(pem(name)[1])
        (calc / "private.pem").write_bytes(b"".join(pem("server")))
        with running("calc_server.py", "tcp:0:interface=127.0.0.1", "private.pem", directory=calc) as server:
            where = port(waitFor(server, r"serving at .*port=(\d+)"))
            ended = python("calc_client.py", where, "server.pem", directory=calc)
            assert ended.stdout == ANSWERS, ended.stderr
            refused = python("calc_client.py", where, "other.pem", directory=calc)
            assert (refused.stdout, refused.returncode) == ("", 1)
            assert "certificate verify failed" in refused.stderr

    def test_tests(self, calc: Path) -> None:
        """The example's own tests pass under trial and pytest."""
        assert "PASSED (successes=2)" in python("-m", "twisted.trial", "test_calc", directory=calc).stdout
        assert "2 passed" in python("-m", "pytest", "-q", "test_calc.py", directory=calc).stdout


class TestService:
    """Tests for the calculator as a twistd plugin."""

    def test_known(self, calc: Path) -> None:
        """twistd lists the service."""
        ended = python(*TWISTD, "--help", directory=calc, PYTHONPATH=path(calc))
        assert "A calculator that speaks AMP." in ended.stdout

    def test_foreground(self, calc: Path) -> None:
        """The service runs in the foreground until it is terminated."""
        listen = ("--listen", "tcp:0:interface=127.0.0.1")
        with running(*TWISTD, "-n", "--pidfile=", "calc", *listen, directory=calc, PYTHONPATH=path(calc)) as server:
            where = port(waitFor(server, r"Factory starting on (\d+)"))
            ended = python("calc_client.py", where, directory=calc)
            assert ended.stdout == ANSWERS, ended.stderr
            waitFor(server, "somebody says: good morning")
        assert server.returncode in (0, -signal.SIGTERM)

    @pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="the end of a daemon is seen on Linux only")
    def test_daemon(self, calc: Path) -> None:
        """
        The service runs as a daemon, with a log and a process id file, and removes its files when
        it ends.
        """
        socket = os.path.relpath(calc / "s", calc)
        files = ("--pidfile", "calc.pid", "--logfile", "calc.log")
        started = python(*TWISTD, *files, "calc", "--listen", f"unix:{socket}", directory=calc, PYTHONPATH=path(calc))
        assert started.returncode == 0, started.stdout + started.stderr
        pid = int((calc / "calc.pid").read_text())
        try:
            ended = python("calc_client.py", f"unix:{socket}", directory=calc)
            assert ended.stdout == ANSWERS, ended.stderr
        finally:
            end(pid)
        assert "somebody says: good morning" in (calc / "calc.log").read_text()
        assert not (calc / "calc.pid").exists()
        assert not (calc / "s").exists()


def end(pid: int) -> None:
    """Terminate a process that is not a child, and wait for its end."""
    descriptor = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGTERM)
        assert select.select([descriptor], [], [], 60)[0], "it does not end"
    finally:
        os.close(descriptor)


class TestUnchangedPlugins:
    """Tests that Twisted's own services run on our modules without changes."""

    RUN = ("-m", "twisted_basic_ng", "run", "--verbose", "twistd", "-n", "--pidfile=")

    @pytest.fixture(autouse=True)
    def twistd(self) -> None:
        """Skip the test if twistd is not installed beside this Python."""
        if not (Path(sys.executable).parent / "twistd").exists():
            pytest.skip("twistd is not installed beside this Python")

    def test_web(self, tmp_path: Path) -> None:
        """C{twistd web} serves files."""
        from urllib.request import urlopen

        (tmp_path / "page.txt").write_bytes(b"a page\n" * 10_000)
        with running(*self.RUN, "web", "--listen=tcp:0:interface=127.0.0.1", "--path=.", directory=tmp_path) as server:
            number = waitFor(server, r"Site starting on (\d+)")[1]
            with urlopen(f"http://127.0.0.1:{number}/page.txt", timeout=60) as response:
                assert response.read() == b"a page\n" * 10_000

    def test_ftp(self, tmp_path: Path) -> None:
        """C{twistd ftp} serves files, with classes built on ours."""
        from ftplib import FTP

        (tmp_path / "file.bin").write_bytes(bytes(range(256)) * 1000)
        received: list[bytes] = []
        with running(*self.RUN, "ftp", "--port=0", "--root=.", directory=tmp_path) as server:
            number = waitFor(server, r"FTPFactory starting on (\d+)")[1]
            with FTP(timeout=60) as client:
                client.connect("127.0.0.1", int(number))
                client.login()
                client.retrbinary("RETR file.bin", received.append)
        assert b"".join(received) == bytes(range(256)) * 1000

    def test_swapped(self) -> None:
        """The services do use our modules."""
        program = "import sys; from twisted.protocols import amp, ftp\n"
        program += "print(amp.__name__, sys.modules[ftp.FTP.__mro__[1].__module__].__name__)"
        ended = python("-m", "twisted_basic_ng", "run", "-c", program)
        assert all("twisted_basic_ng" in each for each in ended.stdout.split()), ended.stdout + ended.stderr
