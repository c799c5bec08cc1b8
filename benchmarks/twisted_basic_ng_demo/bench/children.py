"""
Starts processes, asks them and ends them: whatever happens, none is left when the block is left.

It knows nothing of what they do.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import Timer
from types import MappingProxyType
from typing import Final

from ..paths import HOME, childEnvironment
from .sides import WorkError

__all__ = ["Exchange", "child"]

#: How many seconds a child may take for an answer.
TIMEOUT: Final = 120.0

#: Tells a child a line, unless it is empty, and gives the line that it answers with.
Exchange = Callable[[str], str]


@contextmanager
def child(
    *words: object, timeout: float = TIMEOUT, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Exchange]:
    """
    Run a Python process of this package's, until the block is left.

    @param words: its module and its command line.
    @param timeout: how many seconds it may take for an answer.
    @param environment: what is different in its environment.
    @raise WorkError: from an exchange, where the process has ended without an answer.
    """
    command = [sys.executable, "-m", *map(str, words)]
    with (
        TemporaryFile() as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=HOME,
            env=childEnvironment(**environment),
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None

        def exchange(line: str) -> str:
            watchdog = Timer(timeout, process.kill)
            watchdog.start()
            try:
                if line:
                    print(line, file=process.stdin, flush=True)
                answer = process.stdout.readline()  # type: ignore[union-attr]
            except BrokenPipeError:
                answer = ""
            finally:
                watchdog.cancel()
            if not answer:
                process.kill()
                errors.seek(0)
                said = errors.read().decode(errors="replace").strip()
                raise WorkError(f"{' '.join(command[2:])} ended without an answer: {said}")
            return answer.strip()

        try:
            yield exchange
            process.stdin.close()
            process.wait(timeout)
        finally:
            process.kill()
