"""
Tests for L{twisted_basic_ng_demo.bench.reactorends}.

What needs a reactor of its own runs in processes: C{tests/bench/test_loopback.py} and C{test_end.py}.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng import amp, basic
from twisted_basic_ng_demo.bench import reactorends as module
from twisted_basic_ng_demo.bench.reactorends import ECHOED, server, sink, windowed
from twisted_basic_ng_demo.bench.sides import WorkError


class WindowedTests(SynchronousTestCase):
    """Calls are made with a number of them in flight."""

    def setUp(self) -> None:
        self.waiting: list[tuple[int, Deferred[int]]] = []

    def call(self, number: int) -> Deferred[int]:
        """Make a call that is answered later."""
        self.waiting.append((number, Deferred()))
        return self.waiting[-1][1]

    def test_window(self) -> None:
        """No more than that are, at any time, until all are answered."""
        done = windowed(self.call, 5, 2)
        for _ in range(5):
            self.assertLessEqual(len(self.waiting), 2)
            self.assertNoResult(done)
            number, calling = self.waiting.pop(0)
            calling.callback(number + 2)
        self.assertEqual(self.waiting, [])
        self.assertGreater(self.successResultOf(done), 0)

    def test_wrong(self) -> None:
        """A wrong answer is an error, after all."""
        self.failureResultOf(windowed(succeed, 5, 2), WorkError)

    def test_fails(self) -> None:
        """So is a call that fails."""
        done = windowed(self.call, 5, 1)
        self.waiting[0][1].errback(ValueError())
        self.failureResultOf(done, ValueError)


class ServerTests(SynchronousTestCase):
    """The servers answer."""

    def test_amp(self) -> None:
        """AMP's does the sum."""
        serving, client = server("ours").buildProtocol(None), amp.AMP()
        connection = connectInMemory(client, serving)
        calling = client.callRemote(module._sum(amp), a=40, b=2)
        connection.flush()
        self.assertEqual(self.successResultOf(calling), {"total": 42})

    def test_echo(self) -> None:
        """The raw one gives back what comes, and its client waits for all of it."""
        client = module._Echoed()
        serving = server("echo").buildProtocol(None)
        connection = connectInMemory(client, serving, ECHOED - 1)
        calling = client.call(40)
        connection.flush()
        self.assertEqual(self.successResultOf(calling), 42)

    def test_echoes(self) -> None:
        """Many may be in flight, and come back together or in parts; who is answered may call again."""
        client = module._Echoed()
        for size in (ECHOED - 1, 3 * ECHOED):
            connection = connectInMemory(client, server("echo").buildProtocol(None), size)
            done = windowed(client.call, 7, 3)
            self.assertEqual(len(client.waiting), 3)
            connection.flush()
            self.assertGreater(self.successResultOf(done), 0)
            self.assertEqual((len(client.waiting), client.come), (0, 0))

    def test_echoLength(self) -> None:
        """It sends as many bytes as a call has."""
        box = amp.Box(_ask=b"12", _command=b"Sum", a=b"100", b=b"2").serialize()
        self.assertEqual(len(box), ECHOED)

    def test_sink(self) -> None:
        """The receiver says when all is there, and again."""
        receiver = sink("twisted_basic_ng", "LineReceiver", 2).buildProtocol(None)
        self.assertIsInstance(receiver, basic.LineReceiver)
        transport = RecordingTransport().connect(receiver)
        for written in (b"", b".", b".", b".."):
            receiver.dataReceived(b"line\r\n")
            self.assertEqual(transport.written, written)
