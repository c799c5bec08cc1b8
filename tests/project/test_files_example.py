"""
Tests that the file server and its client copy files, resume copies that were cut off, and detect
damaged files.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processes import environment

from .sources import ROOT

PROGRAMS = ROOT / "examples" / "files"
DATA = bytes(range(256)) * 4096 * 3


class TestFiles:
    """Tests for both programs over a socket."""

    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[str]:
        """Run the server, and yield the endpoint for its clients."""
        pytest.importorskip("rich", reason="rich is not installed")
        for name in ("here", "there"):
            (tmp_path / name).mkdir()
        with subprocess.Popen(
            [sys.executable, PROGRAMS / "files_server.py", "tcp:0:interface=127.0.0.1", tmp_path / "there"],
            env=environment(),
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                assert process.stdout is not None
                found = re.search(r"port=(\d+)", process.stdout.readline())
                assert found is not None
                yield f"tcp:127.0.0.1:{found[1]}"
            finally:
                process.terminate()

    def copy(self, tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, PROGRAMS / "files_client.py", *words],
            cwd=tmp_path / "here",
            env=environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def test_there_and_back(self, server: str, tmp_path: Path) -> None:
        """A file is unchanged after an upload and a download, and no other files are left."""
        original = tmp_path / "big"
        original.write_bytes(DATA)
        done = self.copy(tmp_path, "put", server, str(original))
        assert done.returncode == 0, done.stderr
        assert "3.1/3.1 MB" in done.stdout
        done = self.copy(tmp_path, "get", server, "big")
        assert done.returncode == 0, done.stderr
        for place in ("here", "there"):
            assert [path.name for path in (tmp_path / place).iterdir()] == ["big"]
            assert (tmp_path / place / "big").read_bytes() == DATA

    @pytest.mark.parametrize("isDamaged", [False, True])
    def test_resumed(self, server: str, tmp_path: Path, isDamaged: bool) -> None:
        """A copy that was cut off is resumed, and damage in its first part is detected."""
        began = b"x" * 100_000 if isDamaged else DATA[:100_000]
        (tmp_path / "up").write_bytes(DATA)
        (tmp_path / "there" / "up.part").write_bytes(began)
        (tmp_path / "there" / "down").write_bytes(DATA)
        (tmp_path / "here" / "down.part").write_bytes(began)
        for done, place, name in (
            (self.copy(tmp_path, "put", server, str(tmp_path / "up")), "there", "up"),
            (self.copy(tmp_path, "get", server, "down"), "here", "down"),
        ):
            if isDamaged:
                assert f"'{name}' has arrived damaged" in done.stderr
                assert not (tmp_path / place / name).exists()
                assert not (tmp_path / place / f"{name}.part").exists()
            else:
                assert done.returncode == 0, done.stderr
                assert (tmp_path / place / name).read_bytes() == DATA

    def test_refused(self, server: str, tmp_path: Path) -> None:
        """A missing file and a name that is not allowed are reported as errors."""
        assert "there is no file 'missing'" in self.copy(tmp_path, "get", server, "missing").stderr
        (tmp_path / ".hidden").write_bytes(b"x")
        done = self.copy(tmp_path, "put", server, str(tmp_path / ".hidden"))
        assert "the name '.hidden' is not allowed" in done.stderr
