"""
Streams on real sockets and pipes, between our peers and Twisted's, over TCP, UNIX sockets, TLS and
StartTLS.
"""

from __future__ import annotations

import io
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from zope.interface import implementer

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import ProcessEndpoint, connectProtocol
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IPushProducer
from twisted.trial.unittest import TestCase

from tests.helpers import loadStock
from twisted_basic_ng import amp
from twisted_basic_ng.basic import FileSender

pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
from .test_amp import LiveCase

MEGABYTE = 2**20


class Upload(amp.Command):
    arguments = [(b"data", amp.Stream())]
    response = [(b"size", amp.Integer())]


class Download(amp.Command):
    arguments = [(b"size", amp.Integer())]
    response = [(b"data", amp.Stream())]
    errors = {ZeroDivisionError: b"ZERO"}


class Talk(amp.Command):
    arguments = [(b"questions", amp.StreamOf(amp.Integer()))]
    response = [(b"answers", amp.StreamOf(amp.Integer()))]


class Add(amp.Command):
    arguments = [(b"a", amp.Integer())]
    response = [(b"total", amp.Integer())]


class Peer(amp.AMP):
    """A peer with streams."""

    extended = True
    logConnections = False
    unhandledErrorsAreFatal = False

    def __init__(self) -> None:
        super().__init__()
        self.ready: Deferred[None] = Deferred()
        self.lost: Deferred[Any] = Deferred()
        self.closed: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        self.ready.callback(None)

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        self.lost.callback(reason.value)

    @Upload.responder
    async def upload(self, data: amp.StreamReader) -> Any:
        size = 0
        async for piece in data:
            size += len(piece)
        return {"size": size}

    @Download.responder
    def download(self, size: int) -> Any:
        return {"data": self.generate(size)}

    def generate(self, size: int) -> Iterator[bytes]:
        try:
            while size:
                yield bytes(min(size, 10_000))
                size -= min(size, 10_000)
            raise ZeroDivisionError("that was all")
        finally:
            if not self.closed.called:
                self.closed.callback(None)

    @Talk.responder
    def talk(self, questions: amp.ItemReader) -> Any:
        async def answer() -> AsyncIterator[int]:
            async for question in questions:
                yield question + 1

        return {"answers": answer()}

    @Add.responder
    def add(self, a: int) -> Any:
        return {"total": a + 1}


STOCK: Any = loadStock("amp")


class StockAdd(STOCK.Command):  # type: ignore[misc]
    commandName = b"Add"
    arguments = [(b"a", STOCK.Integer())]
    response = [(b"total", STOCK.Integer())]


class StockDownload(STOCK.Command):  # type: ignore[misc]
    commandName = b"Download"
    arguments = [(b"size", STOCK.Integer())]
    response = [(b"data", STOCK.String())]


class StockPeer(STOCK.AMP):  # type: ignore[misc]
    """A peer that runs Twisted's AMP."""

    connectionMade = Peer.connectionMade

    def __init__(self) -> None:
        STOCK.AMP.__init__(self)
        self.ready: Deferred[None] = Deferred()
        self.lost: Deferred[Any] = Deferred()

    def connectionLost(self, reason: Any) -> None:
        STOCK.AMP.connectionLost(self, reason)
        self.lost.callback(reason.value)

    @StockAdd.responder
    def add(self, a: int) -> Any:
        return {"total": a + 1}


@implementer(IPushProducer)
class Own:
    """An application's producer that writes boxes until it is paused."""

    def __init__(self, transport: Any) -> None:
        self.transport = transport
        self.done: Deferred[None] = Deferred()
        self.left = 200
        self.isPaused = False

    def run(self) -> None:
        while self.left and not self.isPaused:
            self.left -= 1
            self.transport.write(amp.AmpBox(_command=b"Add", a=b"1", padding=bytes(10_000)).serialize())
        if not self.left and not self.done.called:
            self.transport.unregisterProducer()
            self.done.callback(None)

    def pauseProducing(self) -> None:
        self.isPaused = True

    def resumeProducing(self) -> None:
        self.isPaused = False
        self.run()

    def stopProducing(self) -> None:
        self.left = 0


class Case(LiveCase):
    """Two ends."""

    client: Any
    server: Any

    async def setUp(self) -> None:
        kinds = {"ours": Peer, "stock": StockPeer}
        self.client, self.server = kinds[self.asks](), kinds[self.responds]()
        await self.connect()

    async def call(self, command: Any, **kw: Any) -> Any:
        return await self.client.callRemote(command, **kw)


class OursTests(Case):
    """Both ends are ours."""

    async def test_upload(self) -> None:
        """
        A file of several megabytes is uploaded with progress, and calls are answered meanwhile.
        """
        told: list[int] = []
        sender = amp.StreamSender(io.BytesIO(bytes(5 * MEGABYTE)), told.append)
        uploading = self.client.callRemote(Upload, data=sender)
        totals = [(await self.call(Add, a=index))["total"] for index in range(20)]
        self.assertEqual(totals, [*range(1, 21)])
        self.assertEqual(await uploading, {"size": 5 * MEGABYTE})
        await sender.whenFinished()
        self.assertEqual((told[-1], told), (5 * MEGABYTE, sorted(told)))

    async def test_several(self) -> None:
        """Several streams are sent at the same time, in both directions."""
        sending = [end.callRemote(Upload, data=bytes(MEGABYTE)) for end in (self.client, self.server) for _ in range(4)]
        self.assertEqual([each["size"] for each in await gatherResults(sending)], [MEGABYTE] * 8)

    async def test_download(self) -> None:
        """A response has a stream that ends with its declared error."""
        reader = (await self.call(Download, size=3 * MEGABYTE))["data"]
        size = 0
        with self.assertRaises(ZeroDivisionError):
            async for piece in reader:
                size += len(piece)
        self.assertEqual(size, 3 * MEGABYTE)

    async def test_stopped(self) -> None:
        """A reader that stops ends the generator at the other end."""
        reader = (await self.call(Download, size=2**40))["data"]
        async for _ in reader:
            break
        reader.stop()
        await self.server.closed
        self.assertEqual((await self.call(Add, a=1))["total"], 2)

    async def test_dropped(self) -> None:
        """A reader that is dropped ends it, too."""
        await self.call(Download, size=2**40)
        await self.server.closed

    async def test_conversation(self) -> None:
        """Each answer becomes the next question."""
        pipe = amp.StreamPipe()
        answers = (await self.call(Talk, questions=pipe))["answers"]
        pipe.write(0)
        async for answer in answers:
            if answer == 50:
                pipe.end()
            else:
                pipe.write(answer)
        await pipe.whenFinished()

    async def test_fileSender(self) -> None:
        """A producer that writes to a pipe is paused if the reader is slow."""
        pipe = amp.StreamPipe()
        uploading = self.client.callRemote(Upload, data=pipe)
        await FileSender().beginFileTransfer(io.BytesIO(bytes(3 * MEGABYTE)), pipe)
        pipe.end()
        self.assertEqual(await uploading, {"size": 3 * MEGABYTE})

    async def test_ownProducer(self) -> None:
        """A producer of the application uses the transport while the stream continues."""
        await self.call(Upload, data=b"")
        uploading = self.client.callRemote(Upload, data=io.BytesIO(bytes(3 * MEGABYTE)))
        producer = Own(self.client.transport)
        self.client.transport.registerProducer(producer, True)
        producer.run()
        await producer.done
        self.assertEqual(await uploading, {"size": 3 * MEGABYTE})

    async def test_lost(self) -> None:
        """Both ends are told when the connection is lost."""
        sender = amp.StreamSender(self.server.generate(2**40))
        uploading = self.client.callRemote(Upload, data=sender)
        reader = (await self.call(Download, size=2**40))["data"]
        await reader.__anext__()
        self.server.transport.abortConnection()
        for result in (uploading, sender.whenFinished(), reader.collect(2**50)):
            self.assertIsInstance(await self.failure(result), ConnectionClosed)

    async def test_closed(self) -> None:
        """A connection that is closed while a stream is sent ends, and both ends are told."""
        sender = amp.StreamSender(self.server.generate(2**40))
        uploading = self.client.callRemote(Upload, data=sender)
        await self.call(Add, a=1)
        self.client.transport.loseConnection()
        for result in (uploading, sender.whenFinished()):
            self.assertIsInstance(await self.failure(result), ConnectionClosed)
        await self.server.lost

    async def test_startTLS(self) -> None:
        """StartTLS ends the streams at both sides, and new ones can follow."""
        if self.link == "tls":
            return
        sender = amp.StreamSender(self.server.generate(2**40))
        uploading = self.client.callRemote(Upload, data=sender)
        failing = Deferred.fromCoroutine(self.failure(uploading))
        await self.call(Add, a=1)
        await self.call(amp.StartTLS)
        self.assertIsInstance(await self.failure(sender.whenFinished()), amp.StreamStoppedError)
        self.assertIsInstance(await failing, amp.UnknownRemoteError)
        self.assertEqual(await self.call(Upload, data=bytes(MEGABYTE)), {"size": MEGABYTE})
        self.assertEqual(await self.server.callRemote(Upload, data=bytes(MEGABYTE)), {"size": MEGABYTE})


class UNIXTests(OursTests):
    """The same over a UNIX socket."""

    link = "unix"


class TLSTests(OursTests):
    """The same over TLS."""

    link = "tls"


class StockServerTests(Case):
    """The server is Twisted's."""

    responds = "stock"

    async def test_refused(self) -> None:
        """A call with a stream fails with a documented error, and the next call works."""
        for command, kw in ((Upload, {"data": b"x"}), (Download, {"size": 5})):
            for _ in range(2):
                error = await self.failure(self.client.callRemote(command, **kw))
                self.assertIsInstance(error, amp.StreamsUnsupportedError)
                self.assertEqual(await self.call(Add, a=1), {"total": 2})


class StockClientTests(Case):
    """The client is Twisted's."""

    asks = "stock"

    async def test_refused(self) -> None:
        """The client gets an error, and the next call works."""
        for _ in range(2):
            error = await self.failure(self.client.callRemote(StockDownload, size=5))
            self.assertIn("streams", str(error))
            self.assertEqual(await self.call(StockAdd, a=1), {"total": 2})


class Pipes:
    """The pipes of a child process with addresses, which Twisted's process transports lack."""

    def __init__(self, process: Any) -> None:
        self._process = process

    def __getattr__(self, name: str) -> Any:
        return getattr(self._process, name)

    def getPeer(self) -> str:
        return "the child"

    def getHost(self) -> str:
        return "the parent"


class Parent(Peer):
    """The parent's end."""

    def makeConnection(self, transport: Any) -> None:
        super().makeConnection(Pipes(transport))


class ProcessTests(TestCase):
    """Streams over the pipes of a child process."""

    timeout = 20

    async def test_child(self) -> None:
        """Streams work in both directions, and the child ends."""
        client = Parent()
        root = str(Path(__file__).parents[2])
        arguments = [sys.executable, "-m", __name__]
        endpoint = ProcessEndpoint(reactor, sys.executable, arguments, env=None, path=root)
        await connectProtocol(endpoint, client)
        self.assertEqual(await client.callRemote(Upload, data=bytes(2 * MEGABYTE)), {"size": 2 * MEGABYTE})
        reader = (await client.callRemote(Download, size=2 * MEGABYTE))["data"]
        size = 0
        with self.assertRaises(ZeroDivisionError):
            async for piece in reader:
                size += len(piece)
        self.assertEqual(size, 2 * MEGABYTE)
        client.transport.loseConnection()
        await client.lost


if __name__ == "__main__":
    from twisted.internet.stdio import StandardIO

    class Child(Peer):
        def connectionLost(self, reason: Any) -> None:
            reactor.stop()  # type: ignore[attr-defined]

    StandardIO(Child())
    reactor.run()  # type: ignore[attr-defined]
