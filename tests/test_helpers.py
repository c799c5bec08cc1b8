"""
Tests for L{tests.helpers}.
"""

from __future__ import annotations

import sys

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import (
    RecordingTLSLayer,
    RecordingTransport,
    bytewise,
    collect,
    connectInMemory,
    cutAt,
    deliver,
    deliveries,
    fewCuts,
    loadStock,
    partitions,
    splits,
)

_DONE = Failure(ConnectionDone())


class Collector(Protocol):
    """Collects its chunks and the types of the reasons of C{connectionLost}."""

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        self.reasons: list[type[BaseException] | None] = []

    def dataReceived(self, data: bytes) -> None:
        """
        Keep C{data}.
        """
        self.chunks.append(data)

    def connectionLost(self, reason: Failure = _DONE) -> None:
        """
        Keep the reason's type.
        """
        self.reasons.append(reason.type)


class PullProducer:
    """Writes its pieces one by one, then unregisters itself."""

    def __init__(self, transport: RecordingTransport, pieces: list[bytes]) -> None:
        self.transport = transport
        self.pieces = pieces
        self.stopped = False

    def resumeProducing(self) -> None:
        """
        Write the next piece.
        """
        if self.pieces:
            self.transport.write(self.pieces.pop(0))
        else:
            self.transport.unregisterProducer()

    def stopProducing(self) -> None:
        """
        Remember the stop.
        """
        self.stopped = True


class CutTests(SynchronousTestCase):
    """A byte string is cut in exactly the ways that each function promises."""

    def test_bytewise(self) -> None:
        """Every byte is a chunk of its own."""
        self.assertEqual(bytewise(b"abc"), [b"a", b"b", b"c"])

    def test_bytewiseOfNothing(self) -> None:
        """An empty string gives no chunks."""
        self.assertEqual(bytewise(b""), [])

    def test_cutAt(self) -> None:
        """The chunks begin at the given offsets."""
        self.assertEqual(cutAt(b"abcdef", [1, 4]), [b"a", b"bcd", b"ef"])

    def test_splits(self) -> None:
        """There is one way for each place between two bytes."""
        self.assertEqual(list(splits(b"abc")), [[b"a", b"bc"], [b"ab", b"c"]])

    def test_splitsInThree(self) -> None:
        """Two cuts give three chunks, none of them empty."""
        self.assertEqual(
            list(splits(b"abcd", cuts=2)),
            [[b"a", b"b", b"cd"], [b"a", b"bc", b"d"], [b"ab", b"c", b"d"]],
        )

    def test_partitions(self) -> None:
        """There are as many partitions as subsets of the places, and each appears once."""
        found = [tuple(chunks) for chunks in partitions(b"abcde")]
        self.assertEqual(len(found), 16)
        self.assertEqual(len(set(found)), 16)
        self.assertEqual({b"".join(chunks) for chunks in found}, {b"abcde"})

    def test_partitionsOfNothing(self) -> None:
        """An empty string gives one partition, with one empty chunk."""
        self.assertEqual(list(partitions(b"")), [[b""]])

    def test_fewCuts(self) -> None:
        """
        Partitions have up to three cuts, all possible cuts, or all but one.  A short string is cut
        in every way.
        """
        found = [tuple(chunks) for chunks in fewCuts(b"abcdefgh")]
        self.assertEqual(len(found), 1 + 7 + 21 + 35 + 7 + 1)
        self.assertEqual(len(set(found)), len(found))
        self.assertEqual({b"".join(chunks) for chunks in found}, {b"abcdefgh"})
        self.assertEqual(sorted(fewCuts(b"abcd")), sorted(partitions(b"abcd")))

    def test_deliveries(self) -> None:
        """The data is delivered whole, bytewise, at each split, and with the trailing bytes."""
        self.assertEqual(
            list(deliveries(b"abc", b"xy")),
            [
                [b"abc"],
                [b"a", b"b", b"c"],
                [b"a", b"bc"],
                [b"ab", b"c"],
                [b"abcxy"],
                [b"a", b"b", b"cxy"],
            ],
        )

    def test_deliveriesWithoutTrailing(self) -> None:
        """Without trailing bytes, only the data itself is delivered."""
        self.assertEqual({b"".join(c) for c in deliveries(b"abc")}, {b"abc"})

    def test_deliver(self) -> None:
        """Each chunk is one call."""
        collector = Collector()
        deliver(collector, [b"a", b"", b"bc"])
        self.assertEqual(collector.chunks, [b"a", b"", b"bc"])

    def test_collect(self) -> None:
        """The receiver is connected before the first chunk."""

        def make(found: list[bytes]) -> Protocol:
            collector = Collector()
            collector.chunks = found
            return collector

        found, transport = collect(make, [b"a", b"b"])
        self.assertEqual(found, [b"a", b"b"])
        self.assertIsInstance(transport.protocol, Collector)


class LoadStockTests(SynchronousTestCase):
    """Twisted's own module can be loaded, whatever the swap has replaced."""

    def test_comesFromTwisted(self) -> None:
        """The copy is executed from the file that Twisted installed."""
        path = (loadStock("basic").__file__ or "").replace("\\", "/")
        self.assertTrue(path.endswith("twisted/protocols/basic.py"), path)

    def test_leavesSysModulesAlone(self) -> None:
        """The copy is not in C{sys.modules}."""
        stock = loadStock("basic")
        self.assertFalse(any(module is stock for module in list(sys.modules.values())))

    def test_once(self) -> None:
        """Every call returns the same copy, so that its classes stay the same."""
        self.assertIs(loadStock("basic"), loadStock("basic"))

    def test_missing(self) -> None:
        """A module that Twisted does not have raises L{LookupError}."""
        self.assertRaises(LookupError, loadStock, "no_such_module")


class RecordingTransportTests(SynchronousTestCase):
    """The transport records its calls and shows the state of a TCP connection."""

    def test_connect(self) -> None:
        """The protocol gets the transport."""
        collector = Collector()
        transport = RecordingTransport().connect(collector)
        self.assertIs(collector.transport, transport)
        self.assertIs(transport.protocol, collector)

    def test_writes(self) -> None:
        """
        C{write} and C{writeSequence} are recorded alike, in order.
        """
        transport = RecordingTransport()
        transport.write(b"ab")
        transport.writeSequence([b"c", b"d"])
        self.assertEqual(transport.events, [("write", b"ab"), ("write", b"cd")])
        self.assertEqual(transport.written, b"abcd")

    def test_refusesText(self) -> None:
        """Text cannot be written."""
        self.assertRaises(TypeError, RecordingTransport().write, "text")

    def test_loseConnection(self) -> None:
        """C{disconnecting} is set when the connection is closed."""
        transport = RecordingTransport()
        self.assertFalse(transport.disconnecting)
        transport.loseConnection()
        self.assertTrue(transport.disconnecting)
        self.assertFalse(transport.aborted)

    def test_abortConnection(self) -> None:
        """An abort sets both C{aborted} and C{disconnecting}."""
        transport = RecordingTransport()
        transport.abortConnection()
        self.assertTrue(transport.disconnecting)
        self.assertTrue(transport.aborted)

    def test_reading(self) -> None:
        """Pause, resume and stop are recorded and set C{reading}."""
        transport = RecordingTransport()
        reading = [transport.reading]
        transport.pauseProducing()
        reading.append(transport.reading)
        transport.resumeProducing()
        reading.append(transport.reading)
        transport.stopProducing()
        reading.append(transport.reading)
        self.assertEqual(reading, [True, False, True, False])
        self.assertEqual(transport.names(), ["pauseProducing", "resumeProducing", "stopProducing"])

    def test_producer(self) -> None:
        """Only one producer can be registered at a time."""
        transport = RecordingTransport()
        producer = object()
        transport.registerProducer(producer, False)
        self.assertIs(transport.producer, producer)
        self.assertRaises(RuntimeError, transport.registerProducer, object(), True)
        transport.unregisterProducer()
        self.assertIsNone(transport.producer)

    def test_startTLS(self) -> None:
        """The TLS layer takes the protocol's place and keeps its bytes."""
        transport = RecordingTransport().connect(Collector())
        transport.startTLS()
        self.assertTrue(transport.TLS)
        self.assertIsInstance(transport.protocol, RecordingTLSLayer)
        transport.protocol.dataReceived(b"hello")
        self.assertEqual(transport.protocol.received, b"hello")

    def test_startTLSWithoutLayer(self) -> None:
        """A transport can be encrypted without showing a TLS layer."""
        collector = Collector()
        transport = RecordingTransport(tlsLayer=False).connect(collector)
        transport.startTLS()
        self.assertTrue(transport.TLS)
        self.assertIs(transport.protocol, collector)

    def test_lacking(self) -> None:
        """The attributes named in C{lacking} are missing, and the others exist."""
        transport = RecordingTransport(lacking=["abortConnection", "TLS"])
        self.assertFalse(hasattr(transport, "abortConnection"))
        self.assertFalse(hasattr(transport, "TLS"))
        self.assertTrue(hasattr(transport, "loseConnection"))

    def test_hooks(self) -> None:
        """A hook runs after the call is recorded and before it returns."""
        seen: list[list[str]] = []
        transport = RecordingTransport()
        transport.hooks["resumeProducing"] = lambda: seen.append(transport.names())
        transport.resumeProducing()
        self.assertEqual(seen, [["resumeProducing"]])

    def test_addresses(self) -> None:
        """
        The two ends have different addresses.
        """
        transport = RecordingTransport()
        self.assertNotEqual(transport.getPeer(), transport.getHost())


class MemoryConnectionTests(SynchronousTestCase):
    """Two protocols are joined, and bytes move only when pumped."""

    def test_nothingMovesAlone(self) -> None:
        """Written bytes wait for the pump."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server)
        connection.client.write(b"abc")
        self.assertEqual(server.chunks, [])
        self.assertTrue(connection.pump())
        self.assertEqual(server.chunks, [b"abc"])

    def test_bothWays(self) -> None:
        """Each end's bytes reach the other."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server)
        connection.client.write(b"ask")
        connection.server.write(b"answer")
        connection.flush()
        self.assertEqual((client.chunks, server.chunks), ([b"answer"], [b"ask"]))

    def test_size(self) -> None:
        """No chunk is longer than C{size}."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server, size=2)
        connection.client.write(b"abc")
        connection.client.write(b"de")
        connection.flush()
        self.assertEqual(server.chunks, [b"ab", b"cd", b"e"])

    def test_paused(self) -> None:
        """An end that has paused receives nothing until it resumes."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server)
        connection.server.pauseProducing()
        connection.client.write(b"abc")
        connection.flush()
        self.assertEqual(server.chunks, [])
        connection.server.resumeProducing()
        connection.flush()
        self.assertEqual(server.chunks, [b"abc"])

    def test_loseConnection(self) -> None:
        """Bytes written before the close are still sent, then each end is told once."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server)
        connection.client.write(b"last")
        connection.client.loseConnection()
        connection.flush()
        self.assertEqual(server.chunks, [b"last"])
        self.assertEqual(client.reasons, [ConnectionDone])
        self.assertEqual(server.reasons, [ConnectionDone])

    def test_abortConnection(self) -> None:
        """The aborting end and the other end are told different reasons."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server)
        connection.server.abortConnection()
        connection.server.write(b"too late")
        connection.flush()
        self.assertEqual(client.chunks, [])
        self.assertEqual(client.reasons, [ConnectionLost])
        self.assertEqual(server.reasons, [ConnectionAborted])

    def test_drop(self) -> None:
        """A broken connection loses the bytes in flight."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server)
        connection.client.write(b"lost")
        connection.drop()
        connection.flush()
        self.assertEqual(server.chunks, [])
        self.assertEqual(client.reasons, [ConnectionLost])
        self.assertEqual(server.reasons, [ConnectionLost])

    def test_pullProducer(self) -> None:
        """A pull producer is asked whenever no bytes wait, until it unregisters."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server)
        producer = PullProducer(connection.client, [b"a", b"b"])
        connection.client.registerProducer(producer, False)
        connection.client.loseConnection()
        connection.flush()
        self.assertEqual(server.chunks, [b"a", b"b"])
        self.assertFalse(producer.stopped)
        self.assertEqual(client.reasons, [ConnectionDone])

    def test_producerIsStopped(self) -> None:
        """A registered producer is stopped when the connection is lost."""
        client, server = Collector(), Collector()
        connection = connectInMemory(client, server)
        producer = PullProducer(connection.client, [b"a", b"b"])
        connection.client.registerProducer(producer, False)
        connection.drop()
        self.assertTrue(producer.stopped)

    def test_endlessTalk(self) -> None:
        """Two protocols that never stop talking raise an error."""

        class Echo(Collector):
            def dataReceived(self, data: bytes) -> None:
                """Send C{data} back."""
                assert self.transport is not None
                self.transport.write(data)

        connection = connectInMemory(Echo(), Echo())
        connection.client.write(b"x")
        self.assertRaises(AssertionError, connection.flush, 10)
