"""File descriptors over UNIX sockets: a thousand calls at once, under any limits."""

from __future__ import annotations

import os
import socket
import tempfile
from typing import Any

import pytest

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, gatherResults
from twisted.internet.endpoints import UNIXClientEndpoint, UNIXServerEndpoint, connectProtocol
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours

from .test_amp import Accept

if not hasattr(socket, "SCM_RIGHTS"):
    pytest.skip("no descriptors can be sent here", allow_module_level=True)
resource = pytest.importorskip("resource")

CALLS = 1000

stock = loadStock("amp")
clock: Any = reactor

Bounds = tuple[int | None, int | None]


def vocabulary(module: Any) -> Any:
    """Make an end that knows which file each call must have."""

    class Give(module.Command):  # type: ignore[misc, name-defined]
        arguments = [(b"n", module.Integer()), (b"file", module.Descriptor())]
        response = [(b"n", module.Integer()), (b"file", module.Descriptor())]

    class End(module.AMP):  # type: ignore[misc, name-defined]
        command = Give
        logConnections = False

        def __init__(self, files: list[int], bounds: Bounds = (None, None)) -> None:
            super().__init__()
            self.MAX_ASKS_IN_PROGRESS, self.MAX_UNSENT_BYTES = bounds
            self.files = files
            self.inodes = [os.fstat(each).st_ino for each in files]
            self.taken: list[int] = []
            self.lost: Deferred[None] = Deferred()

        @Give.responder
        def give(self, n: int, file: int) -> Any:
            self.require(n, file)
            self.taken.append(n)
            return {"n": n, "file": self.files[n % len(self.files)]}

        def require(self, n: int, file: int) -> None:
            """Check that it is the right file, and close it."""
            found = os.fstat(file).st_ino
            os.close(file)
            assert found == self.inodes[n % len(self.files)], n

        def call(self, n: int) -> Any:
            """Call the other end."""
            calling = self.callRemote(Give, n=n, file=self.files[n % len(self.files)])
            return calling.addCallback(lambda result: self.require(result["n"], result["file"]))

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            self.lost.callback(None)

    return End


OurEnd, StockEnd = vocabulary(ours), vocabulary(stock)


def openDescriptors() -> int:
    """The number of open descriptors."""
    return len(os.listdir("/dev/fd"))


class ThousandTests(TestCase):
    """All calls are answered, each with its own file, and no descriptor stays open."""

    timeout = 60

    def setUp(self) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard if hard != resource.RLIM_INFINITY else 20_000, hard))
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 3 * CALLS:
            raise pytest.skip.Exception("a process may have too few descriptors here")
        files = [tempfile.TemporaryFile() for _ in range(3)]  # noqa: SIM115 - closed by the clean-up
        for each in files:
            self.addCleanup(each.close)
        self.files = [each.fileno() for each in files]

    async def connect(self, server: Any, client: Any) -> int:
        """Connect the two, and return the number of open descriptors."""
        path = os.path.join(tempfile.mkdtemp(), "socket")
        port = await UNIXServerEndpoint(clock, path).listen(Accept(server))
        await connectProtocol(UNIXClientEndpoint(clock, path), client)
        while server.transport is None:
            await deferLater(clock, 0)
        await port.stopListening()
        await deferLater(clock, 0)
        return openDescriptors()

    async def close(self, *ends: Any) -> None:
        """Close the connection."""
        for end in ends:
            end.transport.abortConnection()
        await DeferredList([end.lost for end in ends])

    async def talk(self, server: Any, client: Any) -> None:
        """Let both ends call at once, and check the open descriptors."""
        before = await self.connect(server, client)
        await gatherResults([end.call(n) for n in range(CALLS) for end in (server, client)], consumeErrors=True)
        self.assertEqual((server.taken, client.taken), ([*range(CALLS)],) * 2)
        self.assertEqual(openDescriptors(), before)
        await self.close(server, client)

    def bounded(self, first: Bounds, second: Bounds) -> Any:
        """Test two of our ends with these limits."""
        return self.talk(OurEnd(self.files, first), OurEnd(self.files, second))

    async def test_without(self) -> None:
        """Without limits."""
        await self.bounded((None, None), (None, None))

    async def test_equal(self) -> None:
        """With equal limits."""
        await self.bounded((10, None), (10, None))
        await self.bounded((None, 2000), (None, 2000))
        await self.bounded((10, 2000), (10, 2000))

    async def test_unequal(self) -> None:
        """With different limits at the two ends."""
        await self.bounded((1, None), (300, None))
        await self.bounded((None, 100), (None, 20_000))
        await self.bounded((5, 20_000), (200, 500))
        await self.bounded((None, 0), (None, None))

    async def test_stock(self) -> None:
        """With Twisted at either end."""
        for bounds in ((None, None), (10, None), (None, 2000), (10, 2000)):
            await self.talk(OurEnd(self.files, bounds), StockEnd(self.files))
            await self.talk(StockEnd(self.files), OurEnd(self.files, bounds))

    async def test_cancelled(self) -> None:
        """Calls that are cancelled in line leave no descriptor open, and shift no numbers."""
        server, client = OurEnd(self.files, (5, None)), OurEnd(self.files, (5, None))

        def call(n: int) -> Any:
            calling = OurEnd.call(client, n)
            if n % 3 == 1 and n > 10:
                calling.addErrback(lambda failure: None)
                calling.cancel()
            return calling

        before = await self.connect(server, client)
        await gatherResults([call(n) for n in range(CALLS)], consumeErrors=True)
        self.assertEqual(server.taken, [n for n in range(CALLS) if n % 3 != 1 or n <= 10])
        self.assertEqual(openDescriptors(), before)
        await self.close(server, client)
