"""
Starts child processes, exchanges lines with them, and ends them when the block ends, whatever
happens.

This file does not know what the children do.
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

#: How many seconds a child may take to answer.
TIMEOUT: Final = 120.0

#: Sends a line to a child, unless the line is empty, and returns the line of its answer.
Exchange = Callable[[str], str]


@contextmanager
def child(
    *words: object, timeout: float = TIMEOUT, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Exchange]:
    """
    Run a module of this package as a Python process, until the block ends.

    @param words: the name of the module, and its arguments.
    @param timeout: how many seconds the child may take to answer.
    @param environment: environment variables to set for the child.
    @raise WorkError: an exchange raises it if the process ended without an answer.
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
