"""
Starts the two ends of a job in fresh processes and collects what they say.

Whatever happens, no process outlives the call.  It knows how ours and stock are started, and nothing of the work.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from .._swap import ENVIRONMENT, STARTUP

__all__ = ["OURS", "STOCK", "FailedError", "Transcript", "runPair"]

STOCK: Final = "stock"
OURS: Final = "ours"

_CHILD: Final = "twisted_basic_ng._demo._child"


class FailedError(Exception):
    """A process of the job failed; the message is what it said."""


@dataclass(frozen=True)
class Transcript:
    """
    What the two ends saw, but for the time it took.

    @ivar messages: how many messages were delivered.
    @ivar delivered: a digest of them, boundaries included.
    @ivar sent: a digest of the bytes that the listening end received.
    @ivar answered: a digest of the bytes that the connecting end received.
    """

    messages: int
    delivered: str
    sent: str
    answered: str


def _command(side: str, words: Sequence[str]) -> list[str]:
    launcher = ["-m", "twisted_basic_ng", "run"] if side == OURS else []
    return [sys.executable, *launcher, "-m", _CHILD, *words]


def _environment() -> dict[str, str]:
    """This process's environment, without a swap that came with it."""
    kept = {name: value for name, value in os.environ.items() if name != ENVIRONMENT}
    if "PYTHONPATH" in kept:
        kept["PYTHONPATH"] = os.pathsep.join(each for each in kept["PYTHONPATH"].split(os.pathsep) if each != STARTUP)
    return kept


class _Ends:
    """The processes of one job."""

    def __init__(self, side: str, timeout: float) -> None:
        self._side = side
        self._timeout = timeout
        self._processes: list[subprocess.Popen[str]] = []
        self._late = False
        self._timer = threading.Timer(timeout, self._tooLate)

    def __enter__(self) -> _Ends:  # noqa: PYI034 - nothing derives from it
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        for process in self._processes:
            process.kill()
            process.communicate()

    def _tooLate(self) -> None:
        self._late = True
        for process in self._processes:
            process.kill()

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start one end."""
        process = subprocess.Popen(
            _command(self._side, words),
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        return process

    def hear(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """
        Wait for what C{process} says next.

        @raise FailedError: it says nothing more.
        """
        assert process.stdout is not None
        line = process.stdout.readline()
        if line:
            facts: dict[str, Any] = json.loads(line)
            return facts
        raise self._failed(process)

    def _failed(self, process: subprocess.Popen[str]) -> FailedError:
        if self._late:
            return FailedError(f"not done after {self._timeout:g} seconds")
        errors = process.communicate()[1].strip()
        return FailedError(errors or f"a process ended with status {process.returncode}")

    def finish(self) -> None:
        """
        Wait until all have ended.

        @raise FailedError: one did not end well.
        """
        for process in self._processes:
            if process.wait():
                raise self._failed(process)


def runPair(side: str, job: str, amount: int, timeout: float) -> tuple[Transcript, float]:
    """
    Do the job once.

    @param side: L{STOCK} or L{OURS}.
    @param amount: how much of it.
    @param timeout: how long it may take, in seconds.
    @return: the transcript, and the seconds it took.
    @raise FailedError: it was not done.
    """
    with _Ends(side, timeout) as ends:
        listening = ends.start("listen", job, str(amount))
        port = ends.hear(listening)["port"]
        connecting = ends.start("connect", job, str(amount), str(port))
        heard = ends.hear(listening)
        answer = ends.hear(connecting)
        ends.finish()
    for each in (heard["implementation"], answer["implementation"]):
        if each.startswith("twisted_basic_ng.") != (side == OURS):
            raise FailedError(
                f"{each} was in use where {side} was to be; is this environment enabled? see 'twisted-basic-ng status'"
            )
    return Transcript(heard["messages"], heard["delivered"], heard["wire"], answer["wire"]), heard["seconds"]
