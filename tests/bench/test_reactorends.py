"""
Tests for L{twisted_basic_ng_demo.bench.reactorends}.

Parts that need their own reactor are tested in processes, in C{tests/bench/test_loopback.py} and
C{test_end.py}.
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
    """Tests for calls with a limited number in flight."""

    def setUp(self) -> None:
        self.waiting: list[tuple[int, Deferred[int]]] = []

    def call(self, number: int) -> Deferred[int]:
        """Make a call that is answered later."""
        self.waiting.append((number, Deferred()))
        return self.waiting[-1][1]

    def test_window(self) -> None:
        """The number of calls in flight never exceeds the window, and all calls are answered."""
        done = windowed(self.call, 5, 2)
        for _ in range(5):
            self.assertLessEqual(len(self.waiting), 2)
            self.assertNoResult(done)
            number, calling = self.waiting.pop(0)
            calling.callback(number + 2)
        self.assertEqual(self.waiting, [])
        self.assertGreater(self.successResultOf(done), 0)

    def test_wrong(self) -> None:
        """A wrong answer causes an error at the end."""
        self.failureResultOf(windowed(succeed, 5, 2), WorkError)

    def test_fails(self) -> None:
        """A call that fails causes an error."""
        done = windowed(self.call, 5, 1)
        self.waiting[0][1].errback(ValueError())
        self.failureResultOf(done, ValueError)


class ServerTests(SynchronousTestCase):
    """Tests for the servers."""

    def test_amp(self) -> None:
        """The AMP server returns the sum."""
        serving, client = server("ours").buildProtocol(None), amp.AMP()
        connection = connectInMemory(client, serving)
        calling = client.callRemote(module._sum(amp), a=40, b=2)
        connection.flush()
        self.assertEqual(self.successResultOf(calling), {"total": 42})

    def test_echo(self) -> None:
        """The raw server echoes its bytes, and its client waits for all of them."""
        client = module._Echoed()
        serving = server("echo").buildProtocol(None)
        connection = connectInMemory(client, serving, ECHOED - 1)
        calling = client.call(40)
        connection.flush()
        self.assertEqual(self.successResultOf(calling), 42)

    def test_echoes(self) -> None:
        """
        Many calls may be in flight, the answers may arrive in any chunks, and an answer may cause
        another call.
        """
        client = module._Echoed()
        for size in (ECHOED - 1, 3 * ECHOED):
            connection = connectInMemory(client, server("echo").buildProtocol(None), size)
            done = windowed(client.call, 7, 3)
            self.assertEqual(len(client.waiting), 3)
            connection.flush()
            self.assertGreater(self.successResultOf(done), 0)
            self.assertEqual((len(client.waiting), client.come), (0, 0))

    def test_echoLength(self) -> None:
        """The raw client sends as many bytes as an AMP call."""
        box = amp.Box(_ask=b"12", _command=b"Sum", a=b"100", b=b"2").serialize()
        self.assertEqual(len(box), ECHOED)

    def test_sink(self) -> None:
        """The receiver confirms when all messages have arrived, repeatedly."""
        receiver = sink("twisted_basic_ng", "LineReceiver", 2).buildProtocol(None)
        self.assertIsInstance(receiver, basic.LineReceiver)
        transport = RecordingTransport().connect(receiver)
        for written in (b"", b".", b".", b".."):
            receiver.dataReceived(b"line\r\n")
            self.assertEqual(transport.written, written)
