"""
Keepalive on real sockets: to our peers, to Twisted's, and to one that has stopped, over TCP and
TLS.
"""

from __future__ import annotations

import signal
import sys
from typing import Any

import pytest

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.trial.unittest import TestCase

from tests.helpers import loadStock
from tests.processes import environment
from twisted_basic_ng import amp as ours

pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from .test_amp import LiveCase


def vocabulary(module: Any) -> Any:
    """Make an end that never answers, and counts the pings."""

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
        """A peer that answers is asked repeatedly and kept, and a waiting call continues."""
        call = self.client.callRemote(self.client.command)
        await self.server.thrice
        self.assertFalse(call.called)
        call.addErrback(lambda failure: None)

    async def test_gone(self) -> None:
        """A peer that no longer reads is dropped, and the call fails with the reason."""
        call = self.client.callRemote(self.client.command)
        self.server.transport.pauseProducing()
        self.client._ampKeepalive._time = 0.05
        self.assertIsInstance(await self.failure(call), ours.SilentPeerError)
        await self.client.lost
        self.assertIsNone(self.client._ampKeepalive)
        self.server.transport.abortConnection()

    async def test_paused(self) -> None:
        """A side that is itself paused asks nothing and drops no peer."""
        keepalive = self.client._ampKeepalive
        heard, times = keepalive.heard, iter(range(1, 100))
        looked: Deferred[None] = Deferred()
        keepalive.heard = lambda: (heard(), next(times) == 5 and looked.callback(None))
        self.client.pauseProducing()
        await looked
        self.assertEqual((self.client.lost.called, self.server.pings), (False, 0))
        self.client.resumeProducing()
        await self.server.thrice

    async def test_startTLS(self) -> None:
        """Keepalive continues after StartTLS."""
        if self.link == "tls":
            return
        await self.client.callRemote(ours.StartTLS)
        await self.server.thrice
        call = self.client.callRemote(self.client.command)
        self.server.transport.pauseProducing()
        self.client._ampKeepalive._time = 0.05
        self.assertIsInstance(await self.failure(call), ours.SilentPeerError)
        await self.client.lost
        self.server.transport.abortConnection()
        self.flushWarnings()


CHILD = """
import os, signal
from twisted.internet import reactor, stdio
from twisted_basic_ng import amp

class Stop(amp.Command):
    pass

class Child(amp.AMP):
    @Stop.responder
    def stop(self):
        os.kill(os.getpid(), signal.SIGSTOP)
        return {}

    def connectionLost(self, reason):
        super().connectionLost(reason)
        reactor.callWhenRunning(reactor.stop)

stdio.StandardIO(Child())
reactor.run()
"""


class Pipes(ProcessProtocol):
    """The pipes of a child as a transport, like that of a process pool.  It cannot abort."""

    disconnecting = False

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol

    def connectionMade(self) -> None:
        self.protocol.makeConnection(self)

    def childDataReceived(self, childFD: int, data: bytes) -> None:
        self.protocol.dataReceived(data)

    def processEnded(self, reason: Any) -> None:
        self.protocol.connectionLost(reason)

    def write(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(data)

    def loseConnection(self) -> None:
        assert self.transport is not None
        self.disconnecting = True
        self.transport.loseConnection()

    def getPeer(self) -> str:
        return "the child"

    getHost = getPeer


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="there is no such signal")
class ProcessTests(TestCase):
    """The peer is a child process, connected by pipes."""

    timeout = 60

    async def test_stopped(self) -> None:
        """A running child is kept, and a stopped one is noticed, so that its calls fail."""

        class Stop(ours.Command):
            pass

        client = PEERS["ours"]()
        client.KEEPALIVE_INTERVAL = 0.05
        client.KEEPALIVE_TIME = 60
        pipes = Pipes(client)
        child = reactor.spawnProcess(pipes, sys.executable, [sys.executable, "-c", CHILD], environment())
        self.addCleanup(lambda: child.pid and child.signalProcess("KILL"))
        pings: list[Deferred[None]] = [Deferred()]
        drop = client._ampIsDropped
        client._ampIsDropped = lambda tag: drop(tag) and (pings[0].called or pings[0].callback(None) or True)
        await pings[0]
        client._ampKeepalive._time = 0.2
        try:
            await client.callRemote(Stop)
        except ours.SilentPeerError:
            pass
        else:
            self.fail("it was not noticed")
        child.signalProcess("KILL")
        await client.lost


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
    """The peer is ours, with the features switched on."""

    async def setUp(self) -> None:
        await super().setUp()
        self.server.extended = True
