"""
Runs in memory.  Bytes move, answers arrive and calls are made in a random order that is possible in
a network.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from unittest.mock import patch

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from twisted_basic_ng.amp import _DescriptorExchanger, _line, _overload, _producers

from .pipe import Socket
from .run import Run
from .scenario import Scenario

__all__ = ["bounded", "openDescriptors", "openFiles", "runInMemory"]

#: After how many steps a run counts as endless.
_ENDLESS = 2_000_000


def openDescriptors() -> int:
    """Return the number of open descriptors, or 0 if the system does not list them."""
    return next((len(os.listdir(each)) for each in ("/proc/self/fd", "/dev/fd") if os.path.isdir(each)), 0)


@contextmanager
def openFiles(count: int) -> Iterator[list[int]]:
    """Open some different files."""
    files = [tempfile.TemporaryFile() for _ in range(count)]  # noqa: SIM115 - they are closed below
    try:
        yield [each.fileno() for each in files]
    finally:
        for each in files:
            each.close()


@contextmanager
def bounded(scenario: Scenario) -> Iterator[None]:
    """
    Lower the minimum that is kept under any bound to the scenario's number, since the default is
    rarely reached.
    """
    anyway = _anyway(scenario)
    with patch.object(_overload, "ALWAYS_KEPT", anyway), patch.object(_line, "ALWAYS_KEPT", max(anyway, 2000)):
        yield


def _anyway(scenario: Scenario) -> int:
    return 2**20 if scenario.anyway is None else scenario.anyway


def runInMemory(scenario: Scenario) -> list[str]:
    """Run a scenario.  Return its errors."""
    clock = Clock()
    before = openDescriptors()
    with (
        openFiles(7 if scenario.hasDescriptors else 0) as files,
        bounded(scenario),
        patch.object(_producers.SendingWatcher, "callLater", lambda waiter, *args: clock.callLater(*args)),
        patch.object(_DescriptorExchanger, "_ampCallLater", lambda exchanger, *args: Clock().callLater(*args)),
    ):
        wrong = _Mover(scenario, clock, files).run()
    left = openDescriptors() - before
    return [*wrong, f"{left} descriptors are left"] if left else wrong


class _Mover:
    """Executes the steps of a run in random order."""

    def __init__(self, scenario: Scenario, clock: Clock, files: list[int]) -> None:
        self.random = random = Random(scenario.name + " moved")
        self.clock = clock
        self.pool: list[Callable[[], object]] = []
        self.talk = Run(scenario, self.pool.append, files)
        self.sockets = [Socket(side == 0, scenario.enough, scenario.network) for side in (0, 1)]
        for side in (0, 1):
            self.sockets[side].other = self.sockets[1 - side]
        # One direction may be much slower than the other, or than the applications.
        self.weights = [random.choice((0.001, 0.02, 0.3, 1, 1)) for _ in range(6)]
        self.most = max(random.choice((5, 50, 1000, 100_000)), scenario.volume // 100)

    def run(self) -> list[str]:
        talk = self.talk
        try:
            for socket, end in zip(self.sockets, talk.ends, strict=True):
                socket.connect(end)
            talk.begin()
            self.move()
            while talk.askLast():
                self.move()
            if not talk.isDone():
                talk.wrong.append(f"HANGS: {talk.describe()}")
        finally:
            talk.isEnding = True
            for socket, end in zip(self.sockets, talk.ends, strict=True):
                socket.close()
                end.connectionLost(Failure(ConnectionDone()))
            while self.pool:
                self.pool.pop()()
        return [*talk.judge(), *(each for socket in self.sockets for each in socket.complaints)]

    def move(self) -> None:
        """Execute random possible steps until there are none."""
        random = self.random
        for _ in range(_ENDLESS):
            possible = self.possible()
            if not possible:
                return
            weights = [weight for weight, _ in possible]
            random.choices(possible, weights)[0][1]()
        self.talk.wrong.append("it goes on for ever")

    def possible(self) -> list[tuple[float, Callable[[], object]]]:
        """Return the possible steps with their weights."""
        found: list[tuple[float, Callable[[], object]]] = []
        for side, socket in enumerate(self.sockets):
            if socket.maySend():
                found.append((self.weights[side], lambda socket=socket: socket.send(self.size())))
            if socket.mayArrive():
                found.append((self.weights[2 + side], lambda socket=socket: socket.arrive(self.size())))
        if self.pool:
            found.append((self.weights[4], self.happen))
        if self.clock.getDelayedCalls():
            found.append((self.weights[5], lambda: self.clock.advance(0)))
        return found

    def happen(self) -> None:
        """Execute a random one of the application's actions."""
        index = self.random.randrange(len(self.pool))
        self.pool[index], self.pool[-1] = self.pool[-1], self.pool[index]
        self.pool.pop()()

    def size(self) -> int:
        """Return how many bytes to move."""
        return self.random.randint(1, self.most)
