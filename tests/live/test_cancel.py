"""Cancelled calls on real sockets, between ours and Twisted's, over TCP, UNIX sockets and TLS."""

from __future__ import annotations

from typing import Any

import pytest

from twisted.internet.defer import CancelledError, Deferred

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours

pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from .test_amp import LiveCase


def vocabulary(module: Any) -> Any:
    """Make an end whose responder waits until the test answers or the call is cancelled."""

    class Wait(module.Command):  # type: ignore[misc, name-defined]
        pass

    class Ready(module.Command):  # type: ignore[misc, name-defined]
        pass

    class Peer(module.AMP):  # type: ignore[misc, name-defined]
        extended = True
        command, next = Wait, Ready

        def __init__(self) -> None:
            super().__init__()
            self.ready: Deferred[None] = Deferred()
            self.lost: Deferred[Any] = Deferred()
            self.began: Deferred[None] = Deferred()
            self.cancelled: Deferred[None] = Deferred()
            self.waiting: Deferred[Any] = Deferred()

        def connectionMade(self) -> None:
            self.ready.callback(None)

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            self.lost.callback(reason.value)

        @Wait.responder
        async def wait(self) -> Any:
            self.began.callback(None)
            try:
                await self.waiting
            except CancelledError:
                self.cancelled.callback(None)
                raise
            return {}

        @Ready.responder
        def isReady(self) -> Any:
            return {}

    return Peer


PEERS = {"ours": vocabulary(ours), "stock": vocabulary(loadStock("amp"))}


class Case(LiveCase):
    """A call that waits."""

    async def setUp(self) -> None:
        self.client, self.server = PEERS[self.asks](), PEERS[self.responds]()
        await self.connect()
        self.call = self.client.callRemote(self.client.command)
        await self.server.began


class OursTests(Case):
    """Both ends are ours."""

    async def test_cancel(self) -> None:
        """The responder is cancelled, its answer arrives, and the connection goes on."""
        self.call.cancel()
        self.assertIsInstance(await self.failure(self.call), CancelledError)
        await self.server.cancelled
        await self.client.callRemote(self.client.next)
        self.assertFalse(self.client._ampCancelledRequests or self.server._ampResponding)

    async def test_timeout(self) -> None:
        """C{addTimeout} cancels the responder, too."""
        from twisted.internet import reactor
        from twisted.internet.defer import TimeoutError as LateError

        self.call.addTimeout(0.01, reactor)
        self.assertIsInstance(await self.failure(self.call), LateError)
        await self.server.cancelled


class UNIXTests(OursTests):
    """The same over a UNIX socket."""

    link = "unix"


class TLSTests(OursTests):
    """The same over TLS."""

    link = "tls"


class StockServerTests(Case):
    """The server is Twisted's."""

    responds = "stock"

    async def test_cancel(self) -> None:
        """The responder continues, its answer is dropped, and the next call is answered."""
        self.call.cancel()
        self.assertIsInstance(await self.failure(self.call), CancelledError)
        await self.client.callRemote(self.client.next)
        self.assertFalse(self.server.cancelled.called)
        self.server.waiting.callback(None)
        await self.client.callRemote(self.client.next)
        self.assertIsNone(self.client._ampCancelledRequests)


class StockClientTests(Case):
    """The client is Twisted's.  It tells the server nothing, and drops the late answer."""

    asks = "stock"

    async def test_cancel(self) -> None:
        """The responder is not cancelled, and its late answer does no harm."""
        self.call.cancel()
        self.assertIsInstance(await self.failure(self.call), CancelledError)
        await self.client.callRemote(self.client.next)
        self.assertFalse(self.server.cancelled.called)
        self.server.waiting.callback(None)
        await self.client.callRemote(self.client.next)
