"""Tests for L{twisted_basic_ng_demo.demo.calls}."""

from __future__ import annotations

from typing import Any

from twisted.protocols.amp import Box
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng_demo.demo import calls as module
from twisted_basic_ng_demo.demo.protocols import words


class CallTests(SynchronousTestCase):
    """Tests for the client and the server."""

    def test_calls(self) -> None:
        """Each call is made and answered in order, and then the connection is closed."""
        for size in (1, 250):
            served: list[bytes] = []
            asked: list[bytes] = []
            connection = connectInMemory(module.CallClient(size, asked), module.CallServer(size, served), 1000)
            connection.flush()
            self.assertTrue(connection.client.lost and connection.server.lost)
            self.assertEqual(served, list(words(size)))
            self.assertEqual(asked, [b"%d %d" % (len(word), 2 * n - 1) for n, word in enumerate(words(size))])

    def test_inFlight(self) -> None:
        """The client begins with the maximum number of calls in flight."""
        transport = RecordingTransport().connect(module.CallClient(1000, []))
        self.assertEqual(len(transport.events), module.IN_FLIGHT)

    def test_failure(self) -> None:
        """A call that fails is logged."""
        client: Any = module.CallClient(1, [])
        RecordingTransport().connect(client)
        client.dataReceived(Box(_error=b"1", _error_code=b"X", _error_description=b"").serialize())
        self.assertEqual(len(self.flushLoggedErrors()), 1)


class SecureCallTests(SynchronousTestCase):
    """With TLS, the first call starts it."""

    def setUp(self) -> None:
        self.client: Any = module.SecureCallClient(1, [])
        self.transport = RecordingTransport().connect(self.client)

    def test_order(self) -> None:
        """The client sends no other call before TLS has started."""
        self.assertEqual(self.transport.names(), ["write"])
        self.client.dataReceived(Box(_answer=b"1").serialize())
        self.assertEqual(self.transport.names(), ["write", "startTLS", "write"])

    def test_refused(self) -> None:
        """If the peer refuses TLS, the client sends nothing more."""
        self.client.dataReceived(Box(_error=b"1", _error_code=b"X", _error_description=b"").serialize())
        self.assertEqual(self.transport.names()[:1], ["write"])
        self.assertNotIn(b"Tell", self.transport.written)
        self.assertEqual(len(self.flushLoggedErrors()), 1)
