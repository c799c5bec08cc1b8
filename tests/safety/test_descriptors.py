"""
File descriptors that a peer sends are closed with the connection, unless a responder took them.

These tests use real UNIX sockets.  They send the writing end of a pipe.  The reading end reports
the end of the file only if no copy of the writing end is open.
"""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any

import pytest

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport

from .boxes import ask
from .promises import Modules, differs, require
from .sockets import Network, Raw, onSockets, sleep

resource = pytest.importorskip("resource")
pytestmark = pytest.mark.skipif(not hasattr(socket, "SCM_RIGHTS"), reason="no descriptors can be sent here")


class Pipe:
    """A pipe whose writing end is sent, to see whether a copy of it is open."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)

    def closeIfAmong(self, descriptors: list[int]) -> None:
        """
        Close the descriptors of this pipe among those that a receiver had.  Numbers may be reused.
        """
        for each in descriptors:
            with suppress(OSError):
                if os.path.sameopenfile(each, self._reading):
                    os.close(each)

    @property
    def isHeld(self) -> bool:
        """Whether a copy of the writing end is open."""
        try:
            return os.read(self._reading, 1) != b""
        except BlockingIOError:
            return True

    def close(self) -> None:
        """Close both ends."""
        self.closeOwn()
        os.close(self._reading)

    def closeOwn(self) -> None:
        """Close the end that was sent, if it is open.  The receiver has its own copy."""
        if self.writing >= 0:
            os.close(self.writing)
        self.writing = -1


def server(modules: Modules) -> Any:
    """Make a peer that knows a command with a descriptor and another argument."""
    amp: Any = modules.amp

    class Take(amp.Command):  # type: ignore[misc]
        arguments = [(b"file", amp.Descriptor()), (b"number", amp.Integer())]

    class Server(amp.AMP):  # type: ignore[misc]
        logConnections = False
        unknownErrorsAreFatal = False
        reason: Any = None

        def __init__(self) -> None:
            super().__init__()
            self.had: list[int] = []

        def fileDescriptorReceived(self, descriptor: int) -> None:
            self.had.append(descriptor)
            super().fileDescriptorReceived(descriptor)

        @Take.responder  # type: ignore[untyped-decorator]
        def take(self, file: int, number: int) -> dict[str, Any]:
            os.close(file)
            return {}

        def connectionLost(self, reason: Any) -> None:
            self.reason = reason
            super().connectionLost(reason)

    return Server()


class TestClosed:
    """No descriptor stays open."""

    async def sent(self, network: Network, receiver: Any, count: int, words: bytes) -> None:
        """
        Send descriptors, then C{words}, and close the connection.  Require that all are closed.
        """
        pipes = [Pipe() for _ in range(count)]
        try:
            sender = Raw()
            await network.pairOnUNIX(receiver, sender)
            for pipe in pipes:
                sender.transport.sendFileDescriptor(pipe.writing)
            sender.transport.write(words + ask(b"anything", b"7f"))
            await network.until(lambda: b"7f" in sender.received or receiver.reason, "an answer")
            for pipe in pipes:
                pipe.closeOwn()
            sender.transport.loseConnection()
            await network.until(lambda: receiver.reason, "the end")
            await sleep(0)
            self.requireClosed(pipes)
        finally:
            self.close(receiver, pipes)

    def requireClosed(self, pipes: list[Pipe]) -> None:
        held = sum(pipe.isHeld for pipe in pipes)
        require(not held, f"{held} of {len(pipes)} descriptors stay open")

    def close(self, receiver: Any, pipes: list[Pipe]) -> None:
        """Close the descriptors that the receiver has left open, and the pipes."""
        for pipe in pipes:
            pipe.closeIfAmong(receiver.had)
            pipe.close()

    @differs
    @onSockets
    async def test_unclaimed(self, modules: Modules, network: Network) -> None:
        """Descriptors that no box claims are closed when the connection ends."""
        await self.sent(network, server(modules), 10, b"")

    @differs
    @onSockets
    async def test_badBox(self, modules: Modules, network: Network) -> None:
        """A descriptor of a malformed box, which no responder sees, is closed."""
        words = b"".join(ask(b"Take", b"%d" % each, file=b"%d" % each, number=b"none") for each in range(5))
        await self.sent(network, server(modules), 5, words)

    async def dropped(
        self, network: Network, receiver: Any, count: int, *words: bytes, room: int | None = None
    ) -> None:
        """
        Send descriptors, then words.  Require that the sender is dropped and all descriptors are
        closed.

        @param room: how many more descriptors the process may open; then there is no time limit.
        """
        receiver._ampClaimTime = 0.2 if room is None else 1000  # the default is a minute
        pipes = [Pipe() for _ in range(count)]
        try:
            sender = Raw()
            await network.pairOnUNIX(receiver, sender)
            if room is not None:
                limits = pipes[-1].writing + room, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)
            for pipe in pipes:
                sender.transport.sendFileDescriptor(pipe.writing)
            for each in words:
                sender.transport.write(each)
            await network.until(lambda: receiver.reason, "it is dropped")
            for pipe in pipes:
                pipe.closeOwn()
            await sleep(0)
            self.requireClosed(pipes)
        finally:
            self.close(receiver, pipes)

    @differs
    @onSockets
    async def test_many(self, modules: Modules, network: Network) -> None:
        """A peer that sends more than 64 unclaimed descriptors is dropped, and all are closed."""
        words = ask(b"anything", text=b"at least a byte travels with each of them".ljust(100))
        await self.dropped(network, server(modules), 66, words)

    @differs
    @onSockets
    async def test_manyInHalfBox(self, modules: Modules, network: Network) -> None:
        """The same happens if the claiming box is unfinished."""
        await self.dropped(network, server(modules), 300, ask(b"anything", text=b"x" * 1000)[:-10])

    @differs
    @onSockets
    async def test_manyWithClaims(self, modules: Modules, network: Network) -> None:
        """The same happens if only a few of them are claimed."""
        words = [ask(b"Take", b"%d" % each, file=b"%d" % each, number=b"1") for each in range(10)]
        await self.dropped(network, server(modules), 300, *words)

    @differs
    @onSockets
    async def test_manyOfProcess(self, modules: Modules, network: Network) -> None:
        """A peer cannot use up the descriptors of the process."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            await self.dropped(network, server(modules), 150, b"\0\1x\xff\xff" + b"x" * 300, room=120)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)

    @differs
    def test_inMemory(self, modules: Modules) -> None:
        """The descriptors are closed when the connection is lost."""
        receiver = server(modules)
        transport = RecordingTransport().connect(receiver)
        pipe = Pipe()
        receiver.fileDescriptorReceived(pipe.writing)
        pipe.writing = -1  # the receiver owns it now
        receiver.connectionLost(Failure(ConnectionLost()))
        try:
            self.requireClosed([pipe])
        finally:
            self.close(receiver, [pipe])
        assert transport.names() == []
