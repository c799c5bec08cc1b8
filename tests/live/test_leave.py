"""Leaving on real sockets, between our peers and Twisted's, over TCP, UNIX sockets and TLS."""

from __future__ import annotations

import pytest

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.error import ConnectionDone
from twisted.internet.task import deferLater

from twisted_basic_ng import amp as ours

pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from .test_amp import LiveCase
from .test_cancel import PEERS


class Case(LiveCase):
    """A call that waits."""

    async def setUp(self) -> None:
        self.client, self.server = PEERS[self.asks](), PEERS[self.responds]()
        await self.connect()
        self.call = self.client.callRemote(self.client.command)
        await self.server.began
        # The tests begin in a later turn of the reactor.  The trial of Twisted 22.10 would begin
        # them within the responder, and a responder may still make calls.
        await deferLater(reactor, 0)  # type: ignore[arg-type]


class OursTests(Case):
    """Both ends are ours."""

    async def test_client(self) -> None:
        """The client leaves: calls in progress are answered, and new calls fail on both sides."""
        told: Deferred[None] = Deferred()
        self.server.peerLeaves = lambda: told.callback(None)
        leaving = self.client.leave()
        crossing = self.server.callRemote(self.server.next)
        await told
        for end in (self.client, self.server):
            self.assertIsInstance(await self.failure(end.callRemote(end.next)), ours.LeavingError)
        self.server.waiting.callback(None)
        self.assertEqual(await gatherResults([self.call, crossing, leaving]), [{}, {}, None])
        self.assertIsInstance(await self.server.lost, ConnectionDone)
        self.server.lost = self.client.lost

    async def test_server(self) -> None:
        """The server leaves in the same way."""
        leaving = self.server.leave()
        self.server.waiting.callback(None)
        self.assertEqual(await gatherResults([self.call, leaving]), [{}, None])
        self.assertIsInstance(await self.client.lost, ConnectionDone)
        self.client.lost = self.server.lost


class UNIXTests(OursTests):
    """The same over a UNIX socket."""

    link = "unix"


class TLSTests(OursTests):
    """The same over TLS."""

    link = "tls"


class StockServerTests(Case):
    """The server is Twisted's."""

    responds = "stock"

    async def test_client(self) -> None:
        """The calls that this side knows are answered, and the connection is closed."""
        leaving = self.client.leave()
        await self.server.callRemote(self.server.next)
        self.server.waiting.callback(None)
        self.assertEqual(await gatherResults([self.call, leaving]), [{}, None])
        self.assertIsInstance(await self.server.lost, ConnectionDone)
        self.server.lost = self.client.lost
