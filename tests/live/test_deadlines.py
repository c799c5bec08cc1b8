"""Deadlines on real sockets, between ours and Twisted's, over TCP and TLS."""

from __future__ import annotations

from typing import Any

import pytest

from twisted.internet.defer import CancelledError, Deferred

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours

pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from .test_amp import LiveCase


def vocabulary(module: Any) -> Any:
    """An end that waits until it is told, or cancelled."""

    class Wait(module.Command):  # type: ignore[misc, name-defined]
        response = [(b"text", module.Unicode())]

    class Ask(module.Command):  # type: ignore[misc, name-defined]
        """Has the other end called back."""

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
        """The responder is cancelled, the caller told, and the connection goes on."""
        call = self.client.callRemoteWithin(0.05, self.client.command)
        self.assertIsInstance(await self.failure(call), ours.DeadlineError)
        self.assertIsInstance(await self.server.cancelled, CancelledError)
        await self.goOn()

    async def test_inherited(self) -> None:
        """The deadline holds for the call that the responder makes, on the side that the first one came from."""
        self.assertIsInstance(
            await self.failure(self.client.callRemoteWithin(0.05, self.client.nested)), ours.DeadlineError
        )
        self.assertIsInstance(await self.client.cancelled, CancelledError)
        await self.goOn()

    async def goOn(self) -> None:
        """The connection still works."""
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
    """A stock peer ignores the deadline; its late answer is dropped."""

    responds = "stock"

    async def test_late(self) -> None:
        """The caller is told in time, the responder goes on, and so does the connection."""
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
    """A stock peer calls an extended one, which may call it back with a deadline."""

    asks = "stock"

    async def test_noDeadline(self) -> None:
        """Its calls have no deadline, and a call back to it may."""
        call = self.client.callRemote(self.client.command)
        await self.server.began
        back = self.server.callRemoteWithin(0.05, self.server.command)
        self.assertIsInstance(await self.failure(back), ours.DeadlineError)
        self.server.waiting[0].callback("any time")
        self.assertEqual(await call, {"text": "any time"})


class FromStockTLSTests(FromStockTests):
    """The same over TLS."""

    link = "tls"
