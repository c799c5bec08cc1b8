"""
Starts the two ends of a job as processes, passes the server's endpoint to the client, and waits for
both.

No process is left when a function of this file returns or raises.  This file knows how to start and
end Python processes, and nothing about what they do.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from threading import Event, Timer
from typing import IO, Final

from ..paths import HOME, childEnvironment

__all__ = ["OURS", "STOCK", "Implementation", "PairError", "converse"]

_PROGRAM: Final = "twisted_basic_ng_demo.demo.child"


@dataclass(frozen=True)
class Implementation:
    """
    Twisted's modules or ours, and how to start a program on them.

    @ivar package: the package that defines the classes.
    @ivar start: the words between the interpreter and the module to run.
    """

    package: str
    start: tuple[str, ...]

    def command(self, role: str, job: str, size: int) -> list[str]:
        """Return the command line of one end of a job."""
        return [sys.executable, *self.start, _PROGRAM, role, job, str(size), self.package]


STOCK: Final = Implementation("twisted", ("-m",))
OURS: Final = Implementation("twisted_basic_ng", ("-m", "twisted_basic_ng", "run", "-m"))


class PairError(Exception):
    """
    A pair of processes did not do its work.

    @ivar reason: what happened, in one line.
    @ivar output: what the processes printed on standard error.
    """

    def __init__(self, reason: str, output: str) -> None:
        super().__init__(reason, output)
        self.reason = reason
        self.output = output

    def __str__(self) -> str:
        return f"{self.reason}\n{self.output}".rstrip()


class _End:
    """
    A running process.

    @ivar role: its name in messages.
    """

    def __init__(self, role: str, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self.role = role
        self._process = process
        self._errors = errors

    def tell(self, line: str) -> None:
        """
        Send a line; if it is empty, close standard input.  If the process has ended already,
        L{finish} reports it.
        """
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(line.encode("ascii"))
        if not line:
            self._process.stdin.close()

    def readLine(self) -> str:
        """Wait for a line; return an empty string if the process ended without one."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode("ascii")

    def finish(self) -> tuple[str, int]:
        """Wait for the process to end; return the rest of its output, and its exit status."""
        assert self._process.stdout is not None
        rest = self._process.stdout.read().decode("ascii")
        return rest, self._process.wait()

    def kill(self) -> None:
        """Kill the process, if it has not ended."""
        self._process.kill()

    def complaints(self) -> str:
        """Kill the process, and return what it printed on standard error."""
        self.kill()
        self._process.wait()
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()


@contextmanager
def _started(role: str, command: Sequence[str]) -> Iterator[_End]:
    """Start a process, and kill it when the block ends."""
    with (
        TemporaryFile() as errors,
        subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            cwd=HOME,
            env=childEnvironment(),
        ) as process,
    ):
        try:
            yield _End(role, process, errors)
        finally:
            process.kill()


@contextmanager
def _timeLimited(ends: Sequence[_End], timeout: float) -> Iterator[Event]:
    """Kill C{ends} after C{timeout} seconds; the event is set if that happened."""
    late = Event()

    def kill() -> None:
        late.set()
        for end in ends:
            end.kill()

    watchdog = Timer(timeout, kill)
    watchdog.start()
    try:
        yield late
    finally:
        watchdog.cancel()


def converse(server: Sequence[str], client: Sequence[str], timeout: float) -> tuple[str, str]:
    """
    Run two processes against each other.

    Both are started at once; the first line of the server's output is passed to the client.

    @param server: the command line of the server.
    @param client: the command line of the client.
    @param timeout: the time limit for both, in seconds.
    @return: the output of the server, without that line, and the output of the client.
    @raise PairError: one of them failed, or they took too long.
    """
    with ExitStack() as stack:
        ends = [
            stack.enter_context(_started(role, command)) for role, command in (("server", server), ("client", client))
        ]
        late = stack.enter_context(_timeLimited(ends, timeout))
        serving, asking = ends
        asking.tell(serving.readLine())
        answers = []
        for end in (asking, serving):
            said, status = end.finish()
            if late.is_set():
                raise _failure(f"not done after {timeout:g} seconds", ends)
            if status != 0:
                raise _failure(f"the {end.role} failed, with exit status {status}", ends)
            answers.append(said)
        return answers[1], answers[0]


def _failure(reason: str, ends: Sequence[_End]) -> PairError:
    """Kill the processes, and make an error with what they printed on standard error."""
    said = [(end.role, end.complaints()) for end in ends]
    return PairError(reason, "\n".join(f"{role}: {text}" for role, text in said if text))
