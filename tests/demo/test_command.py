"""Tests for L{twisted_basic_ng._demo._command}."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.processes import environment, python
from twisted_basic_ng._demo import _command
from twisted_basic_ng._demo._pair import OURS, FailedError, Transcript


class TestMain:
    """The exit status says how it went."""

    @pytest.fixture
    def pairs(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """The calls; each gives the same transcript, but what the test says."""
        calls: list[Any] = []

        def runPair(*arguments: Any) -> tuple[Transcript, float]:
            calls.append(arguments)
            return Transcript(1, "x", "x", "x"), 1.0

        monkeypatch.setattr(_command, "runPair", runPair)
        return calls

    def test_all(self, pairs: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
        """All jobs, stock and ours in turn."""
        assert _command.main(["--rounds", "2"]) == 0
        assert [each[:2] for each in pairs[:4]] == [("stock", "lines"), ("ours", "lines")] * 2
        assert len(pairs) == 4 * len(_command.JOBS)
        assert "the same bytes" in capsys.readouterr().out

    def test_options(self, pairs: list[Any], tmp_path: Path) -> None:
        """Which jobs, how much, how long, and where to write the results."""
        path = tmp_path / "results.json"
        words = [
            "--job",
            "file",
            "--job",
            "lines",
            "--rounds=1",
            "--amount=7",
            "--timeout=9",
            "--plain",
            f"--json={path}",
        ]
        assert _command.main(words) == 0
        assert pairs == [(side, job, 7, 9.0) for job in ("file", "lines") for side in ("stock", "ours")]
        assert [each["job"] for each in json.loads(path.read_text())] == ["file", "lines"]

    def test_different(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A transcript that differs is exit status 1."""
        monkeypatch.setattr(_command, "runPair", lambda side, *_: (Transcript(1, side, "x", "x"), 1.0))
        assert _command.main(["--job", "lines", "--rounds", "1"]) == 1
        assert "DIFFERENT" in capsys.readouterr().out

    def test_failed(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A job that could not be done is exit status 1, and why is said."""

        def runPair(side: str, *_: object) -> tuple[Transcript, float]:
            if side == OURS:
                raise FailedError("the reason [sic]")
            return Transcript(1, "x", "x", "x"), 1.0

        monkeypatch.setattr(_command, "runPair", runPair)
        assert _command.main(["--job", "lines"]) == 1
        assert "lines: ours: the reason [sic]" in capsys.readouterr().out

    def test_interrupted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An interruption is exit status 130."""

        def runPair(*_: object) -> tuple[Transcript, float]:
            raise KeyboardInterrupt

        monkeypatch.setattr(_command, "runPair", runPair)
        assert _command.main(["--job", "lines"]) == 130

    @pytest.mark.parametrize("words", [["--job", "lnies"], ["--rounds", "0"], ["--rouns=1"], ["x"]])
    def test_mistakes(self, words: list[str]) -> None:
        """A mistyped option is exit status 2."""
        with pytest.raises(SystemExit) as caught:
            _command.main(words)
        assert caught.value.code == 2


class TestReal:
    """The real thing, in small."""

    def test_demo(self) -> None:
        """Every job, over real sockets."""
        ended = python("-m", "twisted_basic_ng", "demo", "--rounds", "1", "--amount", "1000")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert "the same bytes and the same messages" in ended.stdout.replace("\n", " ")

    @pytest.mark.skipif(os.name != "posix", reason="there is no SIGINT to send")
    def test_interrupt(self, tmp_path: Path) -> None:
        """Interrupted, it ends with status 130, and its processes with it."""
        command = [sys.executable, "-m", "twisted_basic_ng", "demo", "--job", "large", "--amount", str(512 << 20)]
        process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL, start_new_session=True)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.parent.exists():
            process.kill()
            process.wait()
            pytest.skip("this system does not list the children of a process")
        end = time.monotonic() + 30
        while not (pids := children.read_text().split()):
            assert time.monotonic() < end
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) == 130
        assert not [pid for pid in pids if Path("/proc", pid).exists()]
