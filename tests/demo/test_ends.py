"""Tests for L{twisted_basic_ng_demo.demo.ends}."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, ensureDeferred, gatherResults, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase, TestCase

from twisted_basic_ng_demo.demo.ends import IncompleteError, Tap, ask, serve
from twisted_basic_ng_demo.demo.jobs import JOBS
from twisted_basic_ng_demo.demo.protocols import LineServer

LINES = JOBS[0]


class TapTests(SynchronousTestCase):
    """Tests for L{Tap}, which records what passes through it."""

    def setUp(self) -> None:
        self.delivered: list[bytes] = []
        self.received: list[bytes] = []
        self.transport = StringTransport()
        times = iter([10.0, 12.5])
        self.tap = Tap(LineServer(0, self.delivered), self.received, lambda: next(times))
        self.tap.makeConnection(self.transport)

    def test_passes(self) -> None:
        """
        The chunks are recorded and passed to the protocol, which writes directly to the transport.
        """
        for chunk in (b"on", b"e\r\nquit\r\n"):
            self.tap.dataReceived(chunk)
        self.assertEqual(self.received, [b"on", b"e\r\nquit\r\n"])
        self.assertEqual(self.delivered, [b"one", b"quit"])
        self.assertEqual(self.transport.value(), b"bye\r\n")
        self.assertTrue(self.transport.disconnecting)

    def test_done(self) -> None:
        """When the connection is closed, the tap reports its duration."""
        self.tap.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.successResultOf(self.tap.finished), 2.5)

    def test_lost(self) -> None:
        """If the connection is lost, the tap reports a failure."""
        self.tap.connectionLost(Failure(ConnectionLost()))
        self.failureResultOf(self.tap.finished, ConnectionLost)


class EndsTests(TestCase):
    """Tests for the two ends of a job on a real socket."""

    def test_job(self) -> Deferred[None]:
        """Each job runs to its end, and the two ends agree."""
        self.addCleanup(self.flushWarnings)  # some versions of pyOpenSSL deprecate Twisted's use of it
        working = [self.converse(replace(job, size=100)) for job in JOBS]
        return gatherResults(working).addCallback(lambda _: None)

    def converse(self, job: Any) -> Deferred[None]:
        """Run both ends in this process."""
        where: Deferred[str] = Deferred()
        serving = ensureDeferred(serve(reactor, job, job.size, where.callback))
        asking = ensureDeferred(ask(reactor, job, job.size, where))

        def check(results: Any) -> None:
            (served, _), (asked, seconds) = results
            self.assertEqual((len(served.delivered), len(asked.delivered)), job.delivers(job.size))
            self.assertGreater(len(b"".join(asked.received)), 0)
            self.assertGreater(seconds, 0)

        return gatherResults([serving, asking], consumeErrors=True).addCallback(check)

    async def test_incomplete(self) -> None:
        """An end that received too few messages raises an error with both numbers."""
        where: Deferred[str] = Deferred()
        serving = ensureDeferred(serve(reactor, LINES, 5, where.callback))
        more = replace(LINES, delivers=lambda size: (size, 1000))
        error = await self.assertFailure(ensureDeferred(ask(reactor, more, 5, where)), IncompleteError)
        self.assertEqual((error.delivered, error.expected), (6, 1000))
        self.assertEqual(str(error), "the connection was closed after 6 of 1,000 messages")
        await serving

    async def test_cancel(self) -> None:
        """A server that is cancelled stops listening."""
        where: Deferred[str] = Deferred()
        serving = ensureDeferred(serve(reactor, LINES, 5, where.callback))
        place = await where
        serving.cancel()
        await self.assertFailure(serving, CancelledError)
        await self.assertFailure(ensureDeferred(ask(reactor, LINES, 5, succeed(place))), Exception)
