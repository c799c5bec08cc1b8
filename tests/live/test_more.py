"""
Large values on real sockets, between our peers and Twisted's, over TCP, UNIX sockets, TLS and
StartTLS.
"""

from __future__ import annotations

from typing import Any

import pytest

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import ConnectionDone

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours

pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from .test_amp import LiveCase

MEGABYTE = 2**20


def vocabulary(module: Any) -> Any:
    """Make an end with commands for large responses and large arguments."""

    class Give(module.Command):  # type: ignore[misc, name-defined]
        arguments = [(b"size", module.Integer())]
        response = [(b"data", module.String())]

    class Count(module.Command):  # type: ignore[misc, name-defined]
        arguments = [(b"numbers", module.ListOf(module.Integer()))]
        response = [(b"count", module.Integer())]

    class Peer(module.AMP):  # type: ignore[misc, name-defined]
        extended = True
        unknownErrorsAreFatal = False
        give, count = Give, Count

        def __init__(self) -> None:
            super().__init__()
            self.ready: Deferred[None] = Deferred()
            self.lost: Deferred[Any] = Deferred()

        def connectionMade(self) -> None:
            self.ready.callback(None)

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            self.lost.callback(reason.value)

        @Give.responder
        def giveData(self, size: int) -> Any:
            return {"data": b"x" * size}

        @Count.responder
        def countNumbers(self, numbers: list[int]) -> Any:
            return {"count": len(numbers)}

    return Peer


PEERS = {"ours": vocabulary(ours), "stock": vocabulary(loadStock("amp"))}


class Case(LiveCase):
    """Two such ends."""

    async def setUp(self) -> None:
        self.client, self.server = PEERS[self.asks](), PEERS[self.responds]()
        await self.connect()

    async def give(self, size: int) -> int:
        """Call for a response of C{size} bytes, and return its length."""
        return len((await self.client.callRemote(self.client.give, size=size))["data"])

    async def count(self, count: int) -> int:
        """Send a list of C{count} numbers, and return the server's count."""
        answer: int = (await self.client.callRemote(self.client.count, numbers=[*range(count)]))["count"]
        return answer


class OursTests(Case):
    """Both ends are ours."""

    async def test_response(self) -> None:
        """A responder returns a megabyte, and the calls around it are answered in order."""
        order: list[int] = []
        calls = [
            self.client.callRemote(self.client.give, size=size).addCallback(
                lambda answer: order.append(len(answer["data"]))
            )
            for size in (1, MEGABYTE, 2)
        ]
        await gatherResults(calls)
        self.assertEqual(order, [1, MEGABYTE, 2])

    async def test_list(self) -> None:
        """A list of 100,000 integers can be an argument."""
        self.assertEqual(await self.count(100_000), 100_000)
        self.assertEqual(await self.count(3), 3)

    async def test_both(self) -> None:
        """Both sides send large values to each other at the same time."""
        calls = [end.callRemote(end.give, size=MEGABYTE) for end in (self.client, self.server) for _ in range(3)]
        self.assertEqual([len(each["data"]) for each in await gatherResults(calls)], [MEGABYTE] * 6)

    async def test_startTLS(self) -> None:
        """Large values work after StartTLS, whatever calls are in progress then."""
        if self.link == "tls":
            return
        before = self.client.callRemote(self.client.give, size=MEGABYTE)
        starting = self.client.callRemote(ours.StartTLS)
        after = self.client.callRemote(self.client.give, size=MEGABYTE)
        await gatherResults([before, starting, after])
        self.assertEqual(await self.give(MEGABYTE), MEGABYTE)
        self.assertEqual(await self.count(100_000), 100_000)


class UNIXTests(OursTests):
    """The same over a UNIX socket."""

    link = "unix"


class TLSTests(OursTests):
    """The same over TLS."""

    link = "tls"


class StockServerTests(Case):
    """The server is Twisted's."""

    responds = "stock"

    async def test_argument(self) -> None:
        """
        The call fails with C{TooLong}, the next one raises at once, and the connection goes on.
        """
        self.assertIsInstance(
            await self.failure(self.client.callRemote(self.client.count, numbers=[*range(100_000)])), ours.TooLong
        )
        self.assertRaises(ours.TooLong, self.client.callRemote, self.client.count, numbers=[*range(100_000)])
        self.assertEqual(await self.count(3), 3)


class StockClientTests(Case):
    """The client is Twisted's."""

    asks = "stock"

    async def test_response(self) -> None:
        """The client gets an unknown error, and the connection goes on."""
        error = await self.failure(self.client.callRemote(self.client.give, size=MEGABYTE))
        self.assertEqual(type(error).__name__, "UnknownRemoteError")
        self.assertEqual(await self.give(3), 3)
        self.assertEqual(len(self.flushLoggedErrors(ours.TooLong)), 1)


class StockTests(Case):
    """Both ends are Twisted's, where large values fail."""

    asks = responds = "stock"

    async def test_response(self) -> None:
        """The connection is dropped."""
        call = self.client.callRemote(self.client.give, size=MEGABYTE)
        self.assertIsInstance(await self.failure(call), ConnectionDone)
        self.flushLoggedErrors()

    async def test_list(self) -> None:
        """The list cannot be sent."""
        toolong = type(self.client).__mro__[1].__init__.__globals__["TooLong"]
        self.assertRaises(toolong, self.client.callRemote, self.client.count, numbers=[*range(100_000)])
