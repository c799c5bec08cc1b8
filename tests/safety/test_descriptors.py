"""
File descriptors that a peer sends are closed with the connection, unless a responder took them.

Real UNIX sockets.  What is sent is the writing end of a pipe: where nobody holds it any more, the pipe's reading end is
at its end, too, and that is how a copy that was left open is found.
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
    """Where a descriptor leads to, to see whether anyone holds it."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        os.set_blocking(self._reading, False)

    def closeIfAmong(self, descriptors: list[int]) -> None:
        """Close what leads here of the numbers that a receiver had; others may have them by now."""
        for each in descriptors:
            with suppress(OSError):
                if os.path.sameopenfile(each, self._reading):
                    os.close(each)

    @property
    def isHeld(self) -> bool:
        """Does anyone hold the writing end?"""
        try:
            return os.read(self._reading, 1) != b""
        except BlockingIOError:
            return True

    def close(self) -> None:
        """Close both ends."""
        self.closeOwn()
        os.close(self._reading)

    def closeOwn(self) -> None:
        """Close the end that was sent, if it is not closed yet; what the receiver has is a copy of its own."""
        if self.writing >= 0:
            os.close(self.writing)
        self.writing = -1


def server(modules: Modules) -> Any:
    """Make a peer that knows a command with a descriptor, and another argument."""
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
    """Nothing stays open."""

    async def sent(self, network: Network, receiver: Any, count: int, words: bytes) -> None:
        """Send descriptors, and C{words} behind them; end the connection when they have come: all are closed."""
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
        """Close what the receiver has left open, and the pipes."""
        for pipe in pipes:
            pipe.closeIfAmong(receiver.had)
            pipe.close()

    @differs
    @onSockets
    async def test_unclaimed(self, modules: Modules, network: Network) -> None:
        """Those that no box speaks of are closed when the connection ends."""
        await self.sent(network, server(modules), 10, b"")

    @differs
    @onSockets
    async def test_badBox(self, modules: Modules, network: Network) -> None:
        """So is one of a box that cannot be read for another reason, and that no responder sees therefore."""
        words = b"".join(ask(b"Take", b"%d" % each, file=b"%d" % each, number=b"none") for each in range(5))
        await self.sent(network, server(modules), 5, words)

    async def dropped(
        self, network: Network, receiver: Any, count: int, *words: bytes, room: int | None = None
    ) -> None:
        """
        Send descriptors, and words behind them: the sender is dropped for that, and all are closed.

        @param room: for how many descriptors more the process has room; it has time enough then.
        """
        receiver._ampClaimTime = 0.2 if room is None else 1000  # a minute is too long for a test
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
        """The peer of more than 64 that no box claims is dropped; all are closed."""
        words = ask(b"anything", text=b"at least a byte travels with each of them".ljust(100))
        await self.dropped(network, server(modules), 66, words)

    @differs
    @onSockets
    async def test_manyInHalfBox(self, modules: Modules, network: Network) -> None:
        """So they are where the box does not come to its end."""
        await self.dropped(network, server(modules), 300, ask(b"anything", text=b"x" * 1000)[:-10])

    @differs
    @onSockets
    async def test_manyWithClaims(self, modules: Modules, network: Network) -> None:
        """And where a few are claimed, and most are not."""
        words = [ask(b"Take", b"%d" % each, file=b"%d" % each, number=b"1") for each in range(10)]
        await self.dropped(network, server(modules), 300, *words)

    @differs
    @onSockets
    async def test_manyOfProcess(self, modules: Modules, network: Network) -> None:
        """A peer with more than 64 leaves descriptors for others, whatever it claims."""
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)
        try:
            await self.dropped(network, server(modules), 150, b"\0\1x\xff\xff" + b"x" * 300, room=120)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limit)

    @differs
    def test_inMemory(self, modules: Modules) -> None:
        """It does not need the peer to end it."""
        receiver = server(modules)
        transport = RecordingTransport().connect(receiver)
        pipe = Pipe()
        receiver.fileDescriptorReceived(pipe.writing)
        pipe.writing = -1  # the receiver has it now
        receiver.connectionLost(Failure(ConnectionLost()))
        try:
            self.requireClosed([pipe])
        finally:
            self.close(receiver, [pipe])
        assert transport.names() == []
