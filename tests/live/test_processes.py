"""
Twisted's peer and ours in two processes: the server prints its port and ends with its connection.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from twisted.internet import reactor
from twisted.internet.defer import gatherResults
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint, connectProtocol
from twisted.trial.unittest import TestCase

import tests
from tests.helpers import loadStock
from tests.processes import environment
from twisted_basic_ng import amp as ours

from .vocabulary import VALUES, InnerFactory, Vocabulary

pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")

PROGRAM = """
import sys
from twisted.internet import reactor
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from tests.helpers import loadStock
from tests.live.vocabulary import Vocabulary
from twisted_basic_ng import amp as ours

peer = Vocabulary(ours if sys.argv[1] == "ours" else loadStock("amp")).Peer()
peer.enough = 20
peer.lost.addCallback(lambda reason: reactor.callWhenRunning(reactor.stop))
factory = Factory()
factory.buildProtocol = lambda address: peer
listening = serverFromString(reactor, sys.argv[2]).listen(factory)
listening.addCallback(lambda port: print(getattr(port.getHost(), "port", ""), flush=True))
reactor.run()
print(peer.notes, peer.inner and peer.inner.received)
"""


class TwoProcesses(TestCase):
    """
    The client in this process, and the server in a child.

    @cvar asks: the client's implementation, "ours" or "stock".
    @cvar responds: the server's implementation.
    """

    timeout = 60
    asks = "ours"
    responds = "ours"

    def setUp(self) -> None:
        self.words = Vocabulary(ours if self.asks == "ours" else loadStock("amp"))
        self.client = self.words.Peer()
        self.directory = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.directory)

    def start(self, endpoint: str) -> str:
        """Start the server, and return the port that it prints."""
        paths = environment()["PYTHONPATH"], str(Path(tests.__file__).parent.parent)
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, self.responds, endpoint],
            env=environment(PYTHONPATH=os.pathsep.join(paths)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(self.stop)
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def stop(self) -> None:
        """Kill the process, however the test ended."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()

    async def connect(self, endpoint: Any) -> None:
        await connectProtocol(endpoint, self.client)

    async def converse(self) -> None:
        """Use several commands, and switch the protocol."""
        words, client = self.words, self.client
        self.assertEqual(await client.callRemote(words.Everything, **VALUES), VALUES)
        client.callRemote(words.Note, text="noted")
        held = [client.callRemote(words.Hold, number=number) for number in range(20)]
        self.assertEqual(await gatherResults(held), [{"number": number} for number in range(20)])
        try:
            await client.callRemote(words.Fail, how="known")
        except ValueError as error:
            self.assertEqual(str(error), "known")
        else:
            self.fail("there was no error")
        factory = InnerFactory()
        await client.callRemote(words.Switch, factory, willing=True)
        self.assertEqual(await factory.inner.complete, b"from the server")

    async def end(self) -> None:
        """Close the connection, which ends the server."""
        self.client.transport.loseConnection()
        await self.client.lost
        said, complained = self.process.communicate(timeout=30)
        self.assertEqual((said, complained), ("['noted'] b'from the client'\n", ""))

    async def test_tcp(self) -> None:
        """Over TCP."""
        port = self.start("tcp:0:interface=127.0.0.1")
        await self.connect(TCP4ClientEndpoint(reactor, "127.0.0.1", int(port)))
        await self.converse()
        await self.end()

    async def test_unix(self) -> None:
        """Over a UNIX socket, with a descriptor."""
        path = os.path.join(self.directory, "socket")
        self.start(f"unix:{path}")
        await self.connect(UNIXClientEndpoint(reactor, path))
        reader, writer = os.pipe()
        os.write(writer, b"through a pipe")
        os.close(writer)
        answer = await self.client.callRemote(self.words.Copy, first=reader)
        self.assertEqual(os.read(answer["reader"], 100), b"through a pipe")
        for each in (reader, answer["reader"]):
            os.close(each)
        await self.converse()
        await self.end()


class StockServerTests(TwoProcesses):
    """The server is Twisted's."""

    responds = "stock"


class StockClientTests(TwoProcesses):
    """The client is Twisted's."""

    asks = "stock"


class OursTests(TwoProcesses):
    """Both are ours."""


del TwoProcesses
