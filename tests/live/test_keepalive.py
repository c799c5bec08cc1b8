"""Keepalive on real sockets: to ours, to Twisted's, and to a peer that has stopped, over TCP and TLS."""

from __future__ import annotations

from typing import Any

import pytest

from twisted.internet.defer import Deferred

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours

pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from .test_amp import LiveCase


def vocabulary(module: Any) -> Any:
    """An end that never answers, and counts the boxes that come."""

    class Wait(module.Command):  # type: ignore[misc, name-defined]
        pass

    class Peer(module.AMP):  # type: ignore[misc, name-defined]
        command = Wait

        def __init__(self) -> None:
            super().__init__()
            self.ready: Deferred[None] = Deferred()
            self.lost: Deferred[Any] = Deferred()
            self.pings = 0
            self.thrice: Deferred[None] = Deferred()

        def connectionMade(self) -> None:
            self.ready.callback(None)

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            self.lost.callback(reason.value)

        def ampBoxReceived(self, box: Any) -> None:
            super().ampBoxReceived(box)
            if box.get(b"_command") == b"_ping":
                self.pings += 1
                if self.pings == 3:
                    self.thrice.callback(None)

        @Wait.responder
        def wait(self) -> Any:
            return Deferred()

    return Peer


PEERS = {"ours": vocabulary(ours), "stock": vocabulary(loadStock("amp"))}


class OursTests(LiveCase):
    """The peer is ours."""

    async def setUp(self) -> None:
        self.client = PEERS["ours"]()
        self.client.KEEPALIVE_INTERVAL = 0.05
        self.client.KEEPALIVE_TIME = 5
        self.server = PEERS[self.responds]()
        await self.connect()

    async def test_alive(self) -> None:
        """A peer that is there is asked again and again, and kept; so is a call that waits."""
        call = self.client.callRemote(self.client.command)
        await self.server.thrice
        self.assertFalse(call.called)
        call.addErrback(lambda failure: None)

    async def test_gone(self) -> None:
        """A peer that reads nothing any more is dropped, and the call fails with why."""
        call = self.client.callRemote(self.client.command)
        self.server.transport.pauseProducing()
        self.client._ampKeepalive._time = 0.05
        self.assertIsInstance(await self.failure(call), ours.SilentPeerError)
        await self.client.lost
        self.assertIsNone(self.client._ampKeepalive)
        self.server.transport.abortConnection()

    async def test_paused(self) -> None:
        """A side that is paused itself asks nothing and drops nobody."""
        keepalive = self.client._ampKeepalive
        heard, times = keepalive.heard, iter(range(1, 100))
        looked: Deferred[None] = Deferred()
        keepalive.heard = lambda: (heard(), next(times) == 5 and looked.callback(None))
        self.client.pauseProducing()
        await looked
        self.assertEqual((self.client.lost.called, self.server.pings), (False, 0))
        self.client.resumeProducing()
        await self.server.thrice


class OursTLSTests(OursTests):
    """The same over TLS."""

    link = "tls"


class StockTests(OursTests):
    """The peer is Twisted's."""

    responds = "stock"


class StockTLSTests(StockTests):
    """The same over TLS."""

    link = "tls"


class ExtendedTests(OursTests):
    """The peer is ours, with extensions."""

    async def setUp(self) -> None:
        await super().setUp()
        self.server.extended = True
