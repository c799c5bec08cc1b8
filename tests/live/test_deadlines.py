"""Deadlines on real sockets, between our peers and Twisted's, over TCP and TLS."""

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
        response = [(b"text", module.Unicode())]

    class Ask(module.Command):  # type: ignore[misc, name-defined]
        """A command whose responder calls the other end."""

    class Peer(module.AMP):  # type: ignore[misc, name-defined]
        extended = True
        command, nested = Wait, Ask

        def __init__(self) -> None:
            super().__init__()
            self.ready: Deferred[None] = Deferred()
            self.lost: Deferred[Any] = Deferred()
            self.waiting: list[Deferred[Any]] = []
            self.began: Deferred[None] = Deferred()
            self.cancelled: Deferred[Any] = Deferred()

        def connectionMade(self) -> None:
            self.ready.callback(None)

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            self.lost.callback(reason.value)

        @Wait.responder
        async def wait(self) -> Any:
            self.waiting.append(Deferred())
            self.began.callback(None)
            try:
                return {"text": await self.waiting[-1]}
            except CancelledError as error:
                self.cancelled.callback(error)
                raise

        @Ask.responder
        async def ask(self) -> Any:
            await self.callRemote(Wait)
            return {}

    return Peer


PEERS = {"ours": vocabulary(ours), "stock": vocabulary(loadStock("amp"))}


class Case(LiveCase):
    """Two such ends."""

    async def setUp(self) -> None:
        self.client = PEERS[self.asks]()
        self.server = PEERS[self.responds]()
        await self.connect()


class OursTests(Case):
    """Both ends are ours."""

    async def test_cancelled(self) -> None:
        """The responder is cancelled, the caller is told, and the connection goes on."""
        call = self.client.callRemoteWithin(0.05, self.client.command)
        self.assertIsInstance(await self.failure(call), ours.DeadlineError)
        self.assertIsInstance(await self.server.cancelled, CancelledError)
        await self.goOn()

    async def test_inherited(self) -> None:
        """The deadline also applies to the call that the responder makes to the caller."""
        self.assertIsInstance(
            await self.failure(self.client.callRemoteWithin(0.05, self.client.nested)), ours.DeadlineError
        )
        self.assertIsInstance(await self.client.cancelled, CancelledError)
        await self.goOn()

    async def goOn(self) -> None:
        """Check that the connection still works."""
        self.server.began = Deferred()
        call = self.client.callRemoteWithin(20, self.client.command)
        await self.server.began
        self.server.waiting[-1].callback("done")
        self.assertEqual(await call, {"text": "done"})
        self.assertFalse(self.client._outstandingRequests or self.client._ampResponding)


class OursTLSTests(OursTests):
    """The same over TLS."""

    link = "tls"


class ToStockTests(Case):
    """A Twisted server ignores the deadline, and its late answer is dropped."""

    responds = "stock"

    async def test_late(self) -> None:
        """The caller is told in time, and the responder and the connection continue."""
        call = self.client.callRemoteWithin(0.05, self.client.command)
        await self.server.began
        self.assertIsInstance(await self.failure(call), ours.DeadlineError)
        self.assertFalse(self.server.cancelled.called)
        self.server.waiting[0].callback("late")
        self.server.began = Deferred()
        call = self.client.callRemoteWithin(20, self.client.command)
        await self.server.began
        self.server.waiting[1].callback("in time")
        self.assertEqual(await call, {"text": "in time"})
        self.assertIsNone(self.client._ampCancelledRequests)


class ToStockTLSTests(ToStockTests):
    """The same over TLS."""

    link = "tls"


class FromStockTests(Case):
    """A Twisted client calls our server, which may call it with a deadline."""

    asks = "stock"

    async def test_noDeadline(self) -> None:
        """Calls of the client have no deadline, and a call to it may have one."""
        call = self.client.callRemote(self.client.command)
        await self.server.began
        back = self.server.callRemoteWithin(0.05, self.server.command)
        self.assertIsInstance(await self.failure(back), ours.DeadlineError)
        self.server.waiting[0].callback("any time")
        self.assertEqual(await call, {"text": "any time"})


class FromStockTLSTests(FromStockTests):
    """The same over TLS."""

    link = "tls"
