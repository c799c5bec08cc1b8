"""Tests for L{twisted_basic_ng_demo.demo.ftp}; the two talk in the tests of the ends, as all jobs do."""

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
    """The server has a file while it is connected."""

    def test_file(self) -> None:
        """It is there, and then it is not."""
        server: Any = module.DownloadServer(10, [])
        RecordingTransport().connect(server)
        path = os.path.join(server.directory.name, "file")
        self.assertEqual(os.path.getsize(path), 10)
        server.connectionLost(Failure(ConnectionDone()))
        self.assertFalse(os.path.exists(path))


class ClientTests(SynchronousTestCase):
    """The client takes what it is given."""

    def test_failed(self) -> None:
        """A download that fails is logged, and the client takes its leave."""
        left: list[str] = []
        client: Any = module.DownloadClient(10, [])
        client.retrieveFile = lambda name, protocol: fail(ZeroDivisionError())
        client.quit = lambda: left.append("quit")
        RecordingTransport().connect(client)
        self.assertEqual((client.delivered, left), ([], ["quit"]))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
