"""
Tests for L{twisted_basic_ng_demo.demo.ftp}.  The tests of the ends run the client and the server
together.
"""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import fail
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng_demo.demo import ftp as module


class ServerTests(SynchronousTestCase):
    """Tests for the server."""

    def test_file(self) -> None:
        """The server's file exists during the connection."""
        server: Any = module.DownloadServer(10, [])
        RecordingTransport().connect(server)
        path = os.path.join(server.directory.name, "file")
        self.assertEqual(os.path.getsize(path), 10)
        server.connectionLost(Failure(ConnectionDone()))
        self.assertFalse(os.path.exists(path))


class ClientTests(SynchronousTestCase):
    """Tests for the client."""

    def test_failed(self) -> None:
        """A download that fails is logged, and the client quits."""
        left: list[str] = []
        client: Any = module.DownloadClient(10, [])
        client.retrieveFile = lambda name, protocol: fail(ZeroDivisionError())
        client.quit = lambda: left.append("quit")
        RecordingTransport().connect(client)
        self.assertEqual((client.delivered, left), ([], ["quit"]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
