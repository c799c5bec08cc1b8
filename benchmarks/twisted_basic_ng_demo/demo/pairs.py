"""
Starts the two ends of a job as processes, carries the server's endpoint to the client, and sees both to their
end: whatever happens, no process is left when a function of this file returns or raises.

It knows how to start Python and how to end it, and nothing of what the processes do.
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
    Twisted's modules or ours, and how a user starts a program on them.

    @ivar package: the package that the classes come from.
    @ivar start: the words between the interpreter and the module to run.
    """

    package: str
    start: tuple[str, ...]

    def command(self, role: str, job: str, size: int) -> list[str]:
        """The command line of one end of a job."""
        return [sys.executable, *self.start, _PROGRAM, role, job, str(size), self.package]


STOCK: Final = Implementation("twisted", ("-m",))
OURS: Final = Implementation("twisted_basic_ng", ("-m", "twisted_basic_ng", "run", "-m"))


class PairError(Exception):
    """
    A pair of processes did not do its work.

    @ivar reason: what happened, in one line.
    @ivar output: what the processes said on standard error.
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

    @ivar role: what to call it.
    """

    def __init__(self, role: str, process: subprocess.Popen[bytes], errors: IO[bytes]) -> None:
        self.role = role
        self._process = process
        self._errors = errors

    def tell(self, line: str) -> None:
        """Send a line, or that there is none; that the process has gone meanwhile is told by L{finish}."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(line.encode("ascii"))
        if not line:
            self._process.stdin.close()

    def readLine(self) -> str:
        """Wait for a line; an empty string means that the process has gone without one."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().decode("ascii")

    def finish(self) -> tuple[str, int]:
        """Wait for the process to end; return the rest of what it said, and its exit status."""
        assert self._process.stdout is not None
        rest = self._process.stdout.read().decode("ascii")
        return rest, self._process.wait()

    def kill(self) -> None:
        """End the process now, if it has not ended."""
        self._process.kill()

    def complaints(self) -> str:
        """End the process and read what it said on standard error."""
        self.kill()
        self._process.wait()
        self._errors.seek(0)
        return self._errors.read().decode(errors="replace").strip()


@contextmanager
def _started(role: str, command: Sequence[str]) -> Iterator[_End]:
    """Start a process, and kill it at the end."""
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
def _watched(ends: Sequence[_End], timeout: float) -> Iterator[Event]:
    """Kill C{ends} when time is up; the event says that it was."""
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

    Both are started at once; the client is told the line that the server says first.

    @param server: the command line of the server.
    @param client: the command line of the client.
    @param timeout: how many seconds they may take together.
    @return: what each said, without that line.
    @raise PairError: one of them failed, or they took too long.
    """
    with ExitStack() as stack:
        ends = [
            stack.enter_context(_started(role, command)) for role, command in (("server", server), ("client", client))
        ]
        late = stack.enter_context(_watched(ends, timeout))
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
    """End what still runs, and gather what was said on standard error."""
    said = [(end.role, end.complaints()) for end in ends]
    return PairError(reason, "\n".join(f"{role}: {text}" for role, text in said if text))
