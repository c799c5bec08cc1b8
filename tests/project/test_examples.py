"""The programs in C{examples/} do what they say."""

from __future__ import annotations

import re
import socket
import subprocess
import sys

from tests.processes import environment

from .sources import ROOT


class TestEchoLines:
    """C{echo_lines.py} sends lines back."""

    def test_echo(self) -> None:
        """It says where it listens, and answers there."""
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
