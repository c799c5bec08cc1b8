"""
Runs over real sockets, several at a time: TCP, UNIX sockets and TLS, from the beginning or started
in the middle.

A run hangs if nothing happens on its connection any more.  No run waits for a fixed time.
"""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import (
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    connectProtocol,
)
from twisted.internet.protocol import Factory, Protocol

from .memory import bounded, openDescriptors, openFiles
from .run import Run
from .scenario import Scenario

__all__ = ["runBatch"]

clock: Any = reactor

#: After how many seconds without events to check a run, and how many such checks in a row mean that
#: it hangs.  A busy machine may run the check before it reads.
_QUIET, _LOOKS = 1.0, 5

#: The sizes of the kernel's buffers: the smallest that cause no pauses by themselves.
_BUFFERS = {"tcp": 16384, "tls": 16384, "unix": 1}


class _Accept(Factory):
    """Makes the end that a connection is meant for."""

    noisy = False

    def __init__(self, end: Any) -> None:
        self._end = end

    def buildProtocol(self, address: object) -> Any:
        return self._end


class _Brief(Protocol):
    """A protocol of a short-lived connection."""

    def __init__(self) -> None:
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.loseConnection()

    def connectionLost(self, reason: object = None) -> None:
        self.lost.callback(None)


class _Talk:
    """
    One run.

    @ivar ended: fires with the errors.
    """

    def __init__(self, scenario: Scenario, files: list[int], path: str) -> None:
        self.run = Run(scenario, self._later, files)
        self.run.onQuiet, self.run.onEvent = self._quiet, self._happened
        self.ended: Deferred[None] = Deferred()
        self._path = path
        self._looks = 0
        self._watching: Any = None

    def _later(self, what: Callable[[], object]) -> None:
        clock.callLater(self.run.random.random() * 0.003, what)

    def _endpoints(self) -> tuple[Any, Callable[[Any], Any]]:
        if self.run.scenario.link == "unix":
            return UNIXServerEndpoint(clock, self._path), lambda port: UNIXClientEndpoint(clock, self._path)
        if self.run.scenario.link == "tls":
            from twisted.internet.ssl import CertificateOptions

            from tests.live.certificates import certificate

            return (
                SSL4ServerEndpoint(clock, 0, certificate("server").options(), interface="127.0.0.1"),
                lambda port: SSL4ClientEndpoint(clock, "127.0.0.1", port.getHost().port, CertificateOptions()),
            )
        return (
            TCP4ServerEndpoint(clock, 0, interface="127.0.0.1"),
            lambda port: TCP4ClientEndpoint(clock, "127.0.0.1", port.getHost().port),
        )

    async def connect(self) -> None:
        """Connect the two ends, with small buffers."""
        listening, connecting = self._endpoints()
        client, server = self.run.ends
        port = await listening.listen(_Accept(server))
        await connectProtocol(connecting(port), client)
        while server.transport is None:
            turn: Deferred[None] = Deferred()
            clock.callLater(0, turn.callback, None)
            await turn
        await port.stopListening()
        for end in (client, server):
            handle = getattr(end.transport, "transport", end.transport).socket
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                handle.setsockopt(socket.SOL_SOCKET, option, _BUFFERS[self.run.scenario.link])

    async def talk(self) -> list[str]:
        """Run, and return the errors."""
        await self.connect()
        self._watching = clock.callLater(_QUIET, self._look)
        self.run.begin()
        await self.ended
        if self._watching.active():
            self._watching.cancel()
        for end in self.run.ends:
            if not end.lost.called:
                end.transport.abortConnection()
        await DeferredList([end.lost for end in self.run.ends])
        return self.run.judge()

    def _happened(self) -> None:
        self._looks = 0

    def _look(self) -> None:
        self._looks += 1
        if self._looks < _LOOKS:
            self._watching = clock.callLater(_QUIET, self._look)
        else:
            self.run.wrong.append(f"HANGS: {self.run.describe()}")
            self._end()

    def _quiet(self) -> None:
        if self.run.isEnding or not self.run.askLast():
            self._end()

    def _end(self) -> None:
        self.run.isEnding = True
        if not self.ended.called:
            self.ended.callback(None)


async def runBatch(scenarios: list[Scenario], directory: str) -> list[list[str]]:
    """
    Run several scenarios at once.

    @param directory: the directory for UNIX sockets.
    @return: the errors of each.
    """
    await _warmUp()
    anyway = scenarios[0].anyway  # this number is global
    scenarios = [replace(each, anyway=anyway, backs=each.backs if anyway is None else 0.0) for each in scenarios]
    before = openDescriptors()
    with openFiles(7) as files, bounded(scenarios[0]):
        talks = [_Talk(each, files, os.path.join(directory, str(number))) for number, each in enumerate(scenarios)]
        ended = await DeferredList([Deferred.fromCoroutine(each.talk()) for each in talks])
    wrong = [result if ok else [result.getTraceback()] for ok, result in ended]
    talks.clear()
    gc.collect()
    left = openDescriptors() - before
    if left:
        wrong[0] = [*wrong[0], f"{left} descriptors are left"]
    return wrong


async def _warmUp() -> None:
    """Make a connection first, because Twisted then opens a descriptor that it keeps."""
    ends = _Brief(), _Brief()
    port = await TCP4ServerEndpoint(clock, 0, interface="127.0.0.1").listen(_Accept(ends[0]))
    await connectProtocol(TCP4ClientEndpoint(clock, "127.0.0.1", port.getHost().port), ends[1])
    for end in ends:
        await end.lost
    await port.stopListening()
