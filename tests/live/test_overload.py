"""Limits against overload on real sockets: TCP, UNIX, TLS and StartTLS."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import connectProtocol
from twisted.internet.error import ConnectionAborted, ConnectionClosed, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall, deferLater
from twisted.python.failure import Failure

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours, basic

from .test_amp import Accept, LiveCase

#: How many calls a peer makes that does not read the answers, how large the answers are, and how
#: many bytes the kernel buffers for each socket here.
ASKS, ANSWER, KERNEL = 4000, 1000, 65_536

#: The limits of most tests, and what a transport keeps besides: 128 KiB for TLS, and one chunk.
MOST, UNSENT = 100, 50_000
KEPT_BY_TRANSPORT = 3 * 65536

stock = loadStock("amp")
clock: Any = reactor


def vocabulary(module: Any) -> Any:
    """Make an end that answers each call with a given number of bytes."""

    class Fill(module.Command):  # type: ignore[misc, name-defined]
        arguments = [(b"n", module.Integer()), (b"size", module.Integer())]
        response = [(b"n", module.Integer()), (b"load", module.String())]

    class Large(module.Command):  # type: ignore[misc, name-defined]
        arguments = [*Fill.arguments, (b"load", module.String())]
        response = Fill.response

    class Switch(module.ProtocolSwitchCommand):  # type: ignore[misc, name-defined]
        pass

    class End(module.AMP):  # type: ignore[misc, name-defined]
        """
        One end.

        @ivar asked: how many calls it has received.
        @ivar most: the peak number of bytes that its transport has kept.
        @ivar connected: fires when the connection is made.
        @ivar lost: fires with the type of the reason when the connection is lost.
        """

        command = Fill
        large = Large
        switch = Switch
        logConnections = False

        def __init__(self, asks: int | None = None, unsent: int | None = None) -> None:
            super().__init__()
            self.MAX_ASKS_IN_PROGRESS, self.MAX_UNSENT_BYTES = asks, unsent
            self.asked = self.most = 0
            self.connected: Deferred[None] = Deferred()
            self.lost: Deferred[Any] = Deferred()
            self.inner = Inner()

        def connectionMade(self) -> None:
            super().connectionMade()
            self.connected.callback(None)

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            self.lost.callback(reason.type)

        @Fill.responder
        def fill(self, n: int, size: int) -> Any:
            self.asked += 1
            self.most = max(self.most, kept(self.transport))
            return {"n": n, "load": b"x" * size}

        @Large.responder
        def fillLarge(self, n: int, size: int, load: bytes) -> Any:
            return self.fill(n, size)

        @Switch.responder
        def change(self) -> Any:
            return self.inner

    return End


def connectionOf(transport: Any) -> Any:
    """Find the connection with the socket, below TLS."""
    tls = getattr(transport, "wrapped", transport)
    return getattr(tls, "transport", tls)


def kept(transport: Any) -> int:
    """The number of unsent bytes that a transport keeps."""
    connection = connectionOf(transport)
    return len(connection.dataBuffer) - connection.offset + connection._tempDataLen


class Inner(Protocol):
    """Takes over the connection."""

    def __init__(self) -> None:
        self.received = b""
        self.complete: Deferred[None] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if self.received.endswith(b"!"):
            self.complete.callback(None)


class InnerFactory(Factory):
    """Returns a protocol that already exists."""

    noisy = False

    def __init__(self) -> None:
        self.inner = Inner()

    def buildProtocol(self, addr: object) -> Any:
        return self.inner

    def clientConnectionLost(self, connector: object, reason: object) -> None:
        """Do nothing."""


OurEnd, StockEnd = vocabulary(ours), vocabulary(stock)


class Greedy(Protocol):
    """Makes calls, and reads the answers when it is told to."""

    def __init__(self) -> None:
        self.received: list[bytes] = []
        self.lost: Deferred[Any] = Deferred()
        self.transport: Any = None

    def connectionLost(self, reason: Any = None) -> None:
        self.lost.callback(reason.type)

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)

    async def ask(self, count: int) -> None:
        """
        Make calls, and read nothing after the first answer, which shows that the handshake is done.
        """
        for n in range(1, count + 1):
            box = ours.Box(_command=b"Fill", _ask=b"%d" % n, n=b"%d" % n, size=b"%d" % ANSWER)
            self.transport.write(box.serialize())
            while not self.received:
                await deferLater(clock, 0.001)
        self.transport.pauseProducing()

    def boxes(self) -> list[Any]:
        """The received boxes."""
        return list(ours.parseString(b"".join(self.received)))


class Stream:
    """
    An application's producer that writes boxes of its own between the others.

    @ivar told: how it was paused and resumed, if it is a push producer.
    @ivar done: fires when it has produced everything and unregistered itself.
    """

    def __init__(self, transport: Any, streams: bool, count: int = 300) -> None:
        self.transport = transport
        self.streams = streams
        self.rest = count
        self.told: list[str] = []
        self.done: Deferred[None] = Deferred()
        self.isPaused = False
        self.isWaiting = False

    def begin(self) -> None:
        """Register it."""
        self.transport.registerProducer(self, self.streams)
        if self.streams:
            self.produce()

    def produce(self) -> None:
        """Write one box, and the next one soon, unless it is paused."""
        self.isWaiting = False
        if self.isPaused or not self.rest:
            return
        self.rest -= 1
        self.transport.write(ours.Box(own=b"%d" % self.rest, load=b"x" * 5000).serialize())
        if not self.rest:
            self.transport.unregisterProducer()
            self.done.callback(None)
        elif self.streams and not self.isWaiting:
            self.isWaiting = True
            clock.callLater(0, self.produce)

    def pauseProducing(self) -> None:
        self.told.append("pause")
        self.isPaused = True

    def resumeProducing(self) -> None:
        if self.streams:
            self.told.append("resume")
            self.isPaused = False
            if not self.isWaiting:
                self.isWaiting = True
                clock.callLater(0, self.produce)
        else:
            self.produce()

    def stopProducing(self) -> None:
        """Stop producing."""
        self.isPaused = True


class OverloadCase(LiveCase):
    """Two connected ends."""

    timeout = 60

    async def setUp(self) -> None:
        self.ends: list[Any] = []

    async def connect(self, server: Any, client: Any) -> None:
        """Connect two ends."""
        listening, connecting = self.endpoints()
        port = await listening.listen(Accept(server))
        self.ends += [server, client]
        await connectProtocol(connecting(port), client)
        await self.until(lambda: server.transport is not None)
        for end in (server, client):
            for buffer in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                connectionOf(end.transport).socket.setsockopt(socket.SOL_SOCKET, buffer, KERNEL)
        await port.stopListening()

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for C{condition}; the test's own timeout applies."""
        while not condition():
            await deferLater(clock, 0.001)

    async def tearDown(self) -> None:
        for end in self.ends:
            if not end.lost.called:
                end.transport.abortConnection()
                await end.lost
        self.flushWarnings()  # some versions of pyOpenSSL deprecate functions that Twisted calls

    async def struck(self, count: int = ASKS) -> tuple[Any, Greedy]:
        """Reach the limit: a peer has made calls, and does not read the answers."""
        server, client = OurEnd(MOST, UNSENT), Greedy()
        await self.connect(server, client)
        await client.ask(count)
        await self.until(lambda: server._ampIsHeld)
        before = -1
        while before != server.asked or not server._ampIsHeld:
            before = server.asked
            await deferLater(clock, 0.05)
        return server, client

    def answersOf(self, client: Greedy) -> list[int]:
        """The tags of the answers that were read."""
        return [int(box[b"_answer"]) for box in client.boxes() if b"_answer" in box]


class Unread:
    """A peer that does not read its answers."""

    struck: Any
    until: Any
    answersOf: Any
    assertEqual: Any
    assertLess: Any
    assertTrue: Any
    assertFalse: Any
    assertIn: Any

    async def test_bounded(self) -> None:
        """
        The peer is not read either, and takes no more memory than the limits.  When it reads again,
        each call is answered once.
        """
        server, client = await self.struck()
        self.assertLess(server.asked, ASKS)
        self.assertLess(server.most, UNSENT + KEPT_BY_TRANSPORT)
        self.assertEqual(len(server._ampOverload.kept), 0)
        self.assertLess(server._receiverConnection.backlog.size, KEPT_BY_TRANSPORT)
        client.transport.resumeProducing()
        await self.until(lambda: server.asked == ASKS and not server._ampIsHeld and not kept(server.transport))
        self.assertLess(server.most, UNSENT + KEPT_BY_TRANSPORT)
        size = len(ours.Box(_answer=b"12345", n=b"12345", load=b"x" * ANSWER).serialize())
        await self.until(lambda: sum(map(len, client.received)) > ASKS * (size - 10))
        await self.until(lambda: self.answersOf(client)[-1:] == [ASKS])
        self.assertEqual(self.answersOf(client), [*range(1, ASKS + 1)])

    async def test_loseConnection(self) -> None:
        """The server may close the connection, which ends cleanly when the peer reads."""
        server, client = await self.struck()
        server.transport.loseConnection()
        client.transport.resumeProducing()
        # It is lost if calls of the peer still arrive after the close.
        self.assertIn(await server.lost, (ConnectionDone, ConnectionLost))
        await client.lost
        tags = self.answersOf(client)
        self.assertEqual(tags, [*range(1, len(tags) + 1)])

    async def test_loseConnectionOfIdle(self) -> None:
        """This also holds if the peer makes no more calls and only reads."""
        server, client = await self.struck()
        client.transport.resumeProducing()
        await self.until(lambda: server.asked == ASKS and not server._ampIsHeld)
        server.transport.loseConnection()
        self.assertEqual(await server.lost, ConnectionDone)
        self.assertEqual(await client.lost, ConnectionDone)
        self.assertEqual(self.answersOf(client), [*range(1, ASKS + 1)])

    async def test_abortConnection(self) -> None:
        """The server may abort the connection, which takes no time."""
        server, client = await self.struck()
        server.transport.abortConnection()
        self.assertIn(await server.lost, (ConnectionAborted, ConnectionLost))
        client.transport.resumeProducing()
        await client.lost

    async def test_gone(self) -> None:
        """If the peer disconnects meanwhile, nothing is kept."""
        server, client = await self.struck()
        overload = server._ampOverload
        client.transport.abortConnection()
        await client.lost
        await server.lost
        self.assertEqual((len(overload.kept), server._ampOverload), (0, None))

    async def stream(self, streams: bool, register: int) -> None:
        """Produce besides the answers, starting before, while or after the limit is reached."""
        server, client = await self.struck(2 if register == 0 else ASKS) if register else (None, None)
        if register == 0:
            server, client = OurEnd(MOST, UNSENT), Greedy()
            await self.connect(server, client)  # type: ignore[attr-defined]
            stream = Stream(server.transport, streams)
            stream.begin()
            await client.ask(ASKS)
            await self.until(lambda: server._ampIsHeld)
        elif register == 1:
            stream = Stream(server.transport, streams)
            stream.begin()
            await deferLater(clock, 0.02)
        assert client is not None
        client.transport.resumeProducing()
        if register == 2:
            await self.until(lambda: server.asked == ASKS and not server._ampIsHeld)
            stream = Stream(server.transport, streams)
            stream.begin()
        await stream.done
        await self.until(lambda: server.asked == ASKS)
        server.transport.loseConnection()
        self.assertEqual(await client.lost, ConnectionDone)
        self.assertEqual(await server.lost, ConnectionDone)
        self.assertEqual(self.answersOf(client), [*range(1, ASKS + 1)])
        own = [int(box[b"own"]) for box in client.boxes() if b"own" in box]
        self.assertEqual(own, [*range(299, -1, -1)])
        self.assertEqual(stream.told, (["pause", "resume"] * len(stream.told))[: len(stream.told)])
        self.assertLess(server.most, UNSENT + KEPT_BY_TRANSPORT)

    async def test_pushBefore(self) -> None:
        """A push producer starts before the limit is reached."""
        await self.stream(True, 0)

    async def test_pushWhile(self) -> None:
        """A push producer starts while no bytes can be sent."""
        await self.stream(True, 1)

    async def test_pushAfter(self) -> None:
        """A push producer starts after the answers were read."""
        await self.stream(True, 2)

    async def test_pullBefore(self) -> None:
        """A pull producer starts before the limit is reached."""
        await self.stream(False, 0)

    async def test_pullWhile(self) -> None:
        """A pull producer starts while no bytes can be sent."""
        await self.stream(False, 1)

    async def test_pullAfter(self) -> None:
        """A pull producer starts after the answers were read."""
        await self.stream(False, 2)

    async def test_unregisteredWhile(self) -> None:
        """If a producer unregisters while no bytes can be sent, the answers still continue."""
        for streams in (True, False):
            server, client = await self.struck()
            stream = Stream(server.transport, streams)
            stream.begin()
            await deferLater(clock, 0.01)
            server.transport.unregisterProducer()
            stream.isPaused = True
            client.transport.resumeProducing()
            await self.until(lambda server=server: server.asked == ASKS and not server._ampIsHeld)
            server.transport.loseConnection()
            self.assertEqual(await client.lost, ConnectionDone)
            self.assertEqual(self.answersOf(client), [*range(1, ASKS + 1)])
            await server.lost


class Flood:
    """Both ends call at full speed."""

    connect: Any
    assertEqual: Any

    async def flood(self, server: Any, client: Any, count: int = 300, size: int = 2000) -> None:
        """Let both ends call, all at once and again with each answer."""
        await self.connect(server, client)
        calls = [
            end.callRemote(end.command, n=n, size=size).addCallback(
                lambda result, end=end: end.callRemote(end.command, n=result["n"], size=size)
            )
            for n in range(count)
            for end in (server, client)
        ]
        results = await gatherResults(calls, consumeErrors=True)
        self.assertEqual([each["n"] for each in results], [n for n in range(count) for _ in (0, 1)])
        self.assertEqual((server.asked, client.asked), (2 * count, 2 * count))

    async def test_equal(self) -> None:
        """With equal limits."""
        await self.flood(OurEnd(10, 20_000), OurEnd(10, 20_000))

    async def test_different(self) -> None:
        """With different limits."""
        await self.flood(OurEnd(1, 100_000), OurEnd(200, 1000))

    async def test_oneOnly(self) -> None:
        """With limits on one side only."""
        await self.flood(OurEnd(5, None), OurEnd(None, 5000))
        await self.flood(OurEnd(None, None), OurEnd(5, 5000))

    async def test_stock(self) -> None:
        """With a Twisted peer, which has no limits."""
        await self.flood(OurEnd(10, 20_000), StockEnd())
        await self.flood(StockEnd(), OurEnd(1, 1000))

    async def test_large(self) -> None:
        """With answers that each exceed the limit."""
        await self.flood(OurEnd(10, 1000), OurEnd(10, 1000), 50, 60_000)


#: How many calls each end makes, and how large they and their answers are, to fill all buffers.
FLOOD, LARGE = 400, 20_000


def flood(server: Any, client: Any) -> tuple[list[Any], list[Any]]:
    """Let both ends call at full speed, and return the calls of each."""
    calls: tuple[list[Any], list[Any]] = ([], [])
    for n in range(FLOOD):
        for end, made in ((server, calls[0]), (client, calls[1])):
            made.append(end.callRemote(end.large, n=n, size=LARGE, load=b"x" * LARGE))
    return calls


class Changing:
    """The connection switches to another protocol."""

    connect: Any
    assertEqual: Any
    asks: str

    async def test_switch(self) -> None:
        """Another protocol takes over while calls are in progress."""
        server, client = OurEnd(2, 1000), OurEnd(2, 1000)
        await self.connect(server, client)
        calls = [client.callRemote(client.command, n=n, size=3000) for n in range(100)]
        factory = InnerFactory()
        await client.callRemote(client.switch, factory)
        await gatherResults(calls, consumeErrors=True)
        factory.inner.transport.write(b"from the client!")
        server.inner.transport.write(b"from the server!")
        await gatherResults([factory.inner.complete, server.inner.complete])
        self.assertEqual((factory.inner.received, server.inner.received), (b"from the server!", b"from the client!"))

    async def test_switchInFlood(self) -> None:
        """It takes over while both ends call at full speed, with different limits."""
        server, client = OurEnd(None, 262_144), OurEnd(None, 65_536)
        await self.connect(server, client)
        calls = flood(server, client)
        factory = InnerFactory()
        await client.callRemote(client.switch, factory)
        await gatherResults(calls[1], consumeErrors=True)
        factory.inner.transport.write(b"from the client!")
        await server.inner.complete
        self.assertEqual((server.asked, server.inner.received), (FLOOD, b"from the client!"))
        for each in calls[0]:  # those without an answer by now will not get one
            each.addErrback(lambda failure: None)


class Securing:
    """StartTLS."""

    connect: Any
    assertEqual: Any
    assertTrue: Any

    async def test_startTLS(self) -> None:
        """TLS starts while calls are in progress in both directions, and all are answered."""
        for bounds in ((1, None), (None, 500), (3, 2000)):
            server, client = OurEnd(*bounds), OurEnd(*bounds)
            await self.connect(server, client)
            calls = [end.callRemote(end.command, n=n, size=3000) for n in range(50) for end in (server, client)]
            starting = client.callRemote(ours.StartTLS)
            calls += [end.callRemote(end.command, n=n, size=3000) for n in range(50) for end in (server, client)]
            await starting
            await gatherResults(calls, consumeErrors=True)
            self.assertTrue(client.transport.TLS and server.transport.TLS)
            self.assertEqual((server.asked, client.asked), (100, 100))

    async def test_startTLSInFlood(self) -> None:
        """TLS starts while both ends call at full speed, with different limits."""
        for server, client in (
            (OurEnd(None, 262_144), OurEnd(None, 65_536)),
            (OurEnd(None, 65_536), OurEnd(None, 262_144)),
        ):
            await self.connect(server, client)
            first, second = flood(server, client)
            await client.callRemote(ours.StartTLS)
            await gatherResults([*first, *second], consumeErrors=True)
            self.assertEqual((server.asked, client.asked), (FLOOD, FLOOD))

    async def test_answerAfterTheEnd(self) -> None:
        """An answer after the connection is lost is dropped without an error, over TLS, too."""
        given: list[bytes] = []

        class Asking(OurEnd):  # type: ignore[misc, valid-type]
            """Calls its caller, and needs that for its own answer."""

            @OurEnd.command.responder
            def ask(self, n: int, size: int) -> Any:
                return self.callRemote(self.large, n=n, size=size, load=b"").addErrback(self.give)

            def give(self, failure: Failure) -> Any:
                failure.trap(ConnectionClosed)
                given.append(b"x" * (UNSENT + 1))
                return {"n": 1, "load": given[0]}

        class Silent(OurEnd):  # type: ignore[misc, valid-type]
            """Answers nothing; C{called} fires when it is called."""

            called: Deferred[None]

            @OurEnd.large.responder
            def keep(self, **arguments: Any) -> Any:
                self.called.callback(None)
                return Deferred()

        server, client = Asking(MOST, UNSENT), Silent(MOST, UNSENT)
        client.called = Deferred()
        await self.connect(server, client)
        await client.callRemote(ours.StartTLS)
        client.callRemote(client.command, n=1, size=1).addErrback(lambda failure: failure.trap(ConnectionClosed))
        await client.called
        client.transport.abortConnection()
        await server.lost
        self.assertEqual(len(given), 1)


class OverTCPTests(Unread, Flood, Changing, Securing, OverloadCase):
    """Over TCP."""

    async def test_reconnects(self) -> None:
        """
        Connections that end above the limit leave nothing behind; trial checks the delayed calls.
        """
        folder = next((each for each in ("/proc/self/fd", "/dev/fd") if os.path.isdir(each)), None)
        if folder is None:
            pytest.skip("there is no list of the open descriptors")
        await self.reconnect()
        before = len(os.listdir(folder))
        for _ in range(5):
            await self.reconnect()
        self.assertEqual(len(os.listdir(folder)), before)

    async def reconnect(self) -> None:
        """Reach the limit, and lose the connection, in several ways."""
        for end in ("abort", "close", "peer"):
            server, client = await self.struck()
            stream = Stream(server.transport, True)
            stream.begin()
            if end == "abort":
                server.transport.abortConnection()
            elif end == "close":
                server.transport.unregisterProducer()
                stream.isPaused = True
                server.transport.loseConnection()
                client.transport.resumeProducing()
            else:
                client.transport.abortConnection()
            client.transport.resumeProducing()
            await server.lost
            await client.lost


class OverUNIXTests(Unread, Flood, Changing, OverloadCase):
    """Over UNIX sockets."""

    link = "unix"


class OverTLSTests(Unread, Flood, Changing, OverloadCase):
    """Over TLS."""

    link = "tls"


class TimedCase(OverloadCase):
    """C{MAX_MESSAGE_TIME} of a fifth of a second."""

    #: A receiver of each kind, and a complete message for it.
    KINDS: tuple[tuple[Any, bytes], ...] = (
        (basic.LineReceiver, b"abc\r\n"),
        (basic.LineOnlyReceiver, b"abc\r\n"),
        (basic.NetstringReceiver, b"3:abc,"),
        (basic.Int32StringReceiver, b"\0\0\0\3abc"),
        (ours.AMP, ours.Box(_command=b"Fill", n=b"1", size=b"1").serialize()),
    )

    def receiver(self, kind: Any) -> Any:
        """Make a receiver that counts its messages."""

        class Counting(kind):  # type: ignore[misc]
            MAX_MESSAGE_TIME = 0.2
            logConnections = False

            def __init__(self) -> None:
                super().__init__()
                self.count = 0
                self.lost: Deferred[Any] = Deferred()

            def lineReceived(self, line: bytes) -> None:
                self.count += 1

            def ampBoxReceived(self, box: Any) -> None:
                self.count += 1

            if kind is not ours.AMP:

                def stringReceived(self, string: bytes) -> None:
                    self.count += 1

            def connectionLost(self, reason: Failure) -> None:
                super().connectionLost(reason)
                self.lost.callback(reason.type)

        return Counting()

    async def talk(self, kind: Any, pieces: Any) -> tuple[Any, Any]:
        """Send pieces, one after the other, until the connection ends or there are no more."""
        server, client = self.receiver(kind), Greedy()
        await self.connect(server, client)

        def send() -> None:
            piece = next(pieces, None)
            if piece is None or client.lost.called:
                sending.stop()
            else:
                client.transport.write(piece)

        sending = LoopingCall(send)
        await sending.start(0.04)
        return server, client

    async def test_slow(self) -> None:
        """A peer that sends its message in single bytes is aborted."""
        for kind, message in self.KINDS:
            begun = message[:-1] if kind is not basic.NetstringReceiver else b"999:" + b"x" * 900
            pieces = (begun[at : at + 1] if at < len(begun) - 1 else b"" for at in range(10_000))
            server, client = await self.talk(kind, pieces)
            self.assertIn(await server.lost, (ConnectionAborted, ConnectionLost))
            await client.lost
            self.assertEqual(server.count, 0)

    async def test_steady(self) -> None:
        """A peer that sends complete messages is not, even if it takes longer than that in all."""
        for kind, message in self.KINDS:
            server, client = await self.talk(kind, iter([message] * 15))
            await self.until(lambda server=server: server.count == 15)
            self.assertFalse(server.lost.called)
            client.transport.loseConnection()
            await server.lost
            await client.lost


class TimedOverTCPTests(TimedCase):
    """Over TCP."""


class TimedOverTLSTests(TimedCase):
    """Over TLS."""

    link = "tls"


del TimedCase  # only the two classes above are run
