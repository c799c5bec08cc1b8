"""Tests for the programs in C{examples/}."""

from __future__ import annotations

import re
import socket
import subprocess
import sys

from tests.processes import environment

from .sources import ROOT


class TestEchoLines:
    """Tests for C{echo_lines.py}."""

    def test_echo(self) -> None:
        """
        The program prints its port, echoes lines, and closes the connection after a line that is
        too long.
        """
        with subprocess.Popen(
            [sys.executable, ROOT / "examples" / "echo_lines.py", "tcp:0:interface=127.0.0.1"],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                found = re.search(r"port=(\d+)", process.stdout.readline())
                assert found is not None
                with socket.create_connection(("127.0.0.1", int(found[1])), timeout=30) as client:
                    client.sendall(b"hello\r\n")
                    assert client.recv(100) == b"hello\r\n"
                    client.sendall(b"x" * 2000)
                    assert client.recv(100) == b""
            finally:
                process.terminate()
