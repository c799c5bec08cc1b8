"""Tests for L{twisted_basic_ng._demo._pair}."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest

from twisted_basic_ng import _swap
from twisted_basic_ng._demo import _pair
from twisted_basic_ng._demo._jobs import JOBS
from twisted_basic_ng._demo._pair import OURS, STOCK, FailedError, runPair


class TestRunPair:
    """A job is done by two processes."""

    @pytest.mark.parametrize("name", list(JOBS))
    def test_same(self, name: str) -> None:
        """Stock and ours see the same."""
        stock, _ = runPair(STOCK, name, 2000, 60)
        ours, seconds = runPair(OURS, name, 2000, 60)
        assert stock == ours
        assert seconds > 0

    def test_withinSwap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Stock is stock even where the demo itself runs under the swap."""
        environment = dict(os.environ)
        _swap.passOn(environment)
        monkeypatch.setattr(os, "environ", environment)
        assert runPair(STOCK, "lines", 10, 60)[0].messages == 10


class TestFailures:
    """Whatever fails is told, and leaves no process behind."""

    @pytest.fixture
    def started(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        """The processes, which run the code that the list begins with in the place of the demo's."""
        started: list[Any] = []
        real = subprocess.Popen

        def start(command: list[str], **options: Any) -> Any:
            process = real([sys.executable, "-c", started[0]], **options)
            started.append(process)
            return process

        monkeypatch.setattr(_pair.subprocess, "Popen", start)
        return started

    @pytest.mark.parametrize(
        ("code", "timeout", "says"),
        [
            ("import sys; sys.exit('what is wrong')", 60, "what is wrong"),
            ("raise SystemExit(3)", 60, "status 3"),
            ("import time; time.sleep(600)", 0.2, "not done after 0.2 seconds"),
            ("print('{\"port\": 1}', flush=True); import time; time.sleep(600)", 0.5, "not done after 0.5 seconds"),
            ("print('{\"port\": 1}'); print('{}'); raise SystemExit(4)", 60, "status 4"),
        ],
    )
    def test_told(self, started: list[Any], code: str, timeout: float, says: str) -> None:
        """Each failure."""
        started.append(code)
        with pytest.raises(FailedError, match=says):
            runPair(STOCK, "lines", 1, timeout)
        assert all(process.returncode is not None for process in started[1:])

    def test_wrongSide(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is an error that the wrong implementation was in use."""
        command = _pair._command
        monkeypatch.setattr(_pair, "_command", lambda side, words: command(STOCK, words))
        with pytest.raises(FailedError, match=r"twisted\.protocols\.basic was in use where ours was to be"):
            runPair(OURS, "lines", 1, 60)
