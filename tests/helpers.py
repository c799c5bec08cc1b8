"""
Helpers that the tests share.

They cut a byte string into chunks, record the calls of a transport, join two protocols in memory,
and load Twisted's own module beside ours.  This file knows no wire format.
"""

from __future__ import annotations

import itertools
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from importlib.util import module_from_spec, spec_from_file_location
from types import ModuleType
from typing import Any

from hypothesis import settings
from zope.interface import implementer

import twisted.protocols
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IConsumer, IPushProducer, ITransport
from twisted.python.failure import Failure

#: Twisted's modules, each loaded once and never put into C{sys.modules}.
_stockModules: dict[str, ModuleType] = {}


def examples(many: int) -> int:
    """
    Return how many examples a test runs: C{many}, or fewer or more under another hypothesis
    profile.
    """
    chosen = settings().max_examples
    return max(chosen, many) if chosen >= settings.get_profile("tests").max_examples else many // 10


def isThorough() -> bool:
    """Whether to try everything: in a campaign, or if C{TWISTED_BASIC_NG_ALL_TESTS} is set."""
    return settings().max_examples > 1000 or os.environ.get("TWISTED_BASIC_NG_ALL_TESTS", "") not in ("", "0")


def loadStock(name: str) -> ModuleType:
    """
    Load a module of C{twisted.protocols} from Twisted's own file.

    The copy is private.  It is not in C{sys.modules}, so it neither changes with a swap nor changes
    it.

    @param name: the module's name in that package, such as C{"basic"}.
    @raise LookupError: the installed Twisted has no such file.
    """
    if name not in _stockModules:
        found = PathFinder.find_spec(f"twisted.protocols.{name}", list(twisted.protocols.__path__))
        if found is None or found.origin is None:
            raise LookupError(f"twisted.protocols has no module {name!r}")
        spec = spec_from_file_location(f"stock_twisted_{name}", found.origin)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        _stockModules[name] = module
    return _stockModules[name]


def bytewise(data: bytes) -> list[bytes]:
    """
    Cut C{data} into chunks of one byte.
    """
    return [data[index : index + 1] for index in range(len(data))]


def cutAt(data: bytes, points: Iterable[int]) -> list[bytes]:
    """Cut C{data} at each of the ascending offsets C{points}."""
    bounds = [0, *points, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


def splits(data: bytes, cuts: int = 1) -> Iterator[list[bytes]]:
    """Cut C{data} into C{cuts + 1} chunks that are not empty, in every way."""
    for points in itertools.combinations(range(1, len(data)), cuts):
        yield cutAt(data, points)


def partitions(data: bytes) -> Iterator[list[bytes]]:
    """
    Cut C{data} into chunks that are not empty, in every possible way.

    There are C{2 ** (len(data) - 1)} of them.
    """
    for cuts in range(max(len(data), 1)):
        yield from splits(data, cuts)


def fewCuts(data: bytes) -> Iterator[list[bytes]]:
    """
    Cut C{data} in every way with up to three cuts, with all possible cuts, and with all but one.
    """
    for cuts in sorted({0, 1, 2, 3, len(data) - 2, len(data) - 1}):
        yield from splits(data, cuts)


def everyCut(data: bytes) -> Iterator[list[bytes]]:
    """Cut C{data} in every way, or in few ways under the short hypothesis profile."""
    isShort = settings().max_examples < settings.get_profile("tests").max_examples
    return fewCuts(data) if isShort else partitions(data)


def deliveries(data: bytes, trailing: bytes = b"") -> Iterator[list[bytes]]:
    """
    Cut C{data} in the ways that every parser must accept.

    The chunks are the whole data, single bytes, and two parts for every split point.  If there are
    C{trailing} bytes, the whole data and the single bytes are also tried with these in the last
    chunk.
    """
    yield [data]
    yield bytewise(data)
    yield from splits(data)
    if trailing:
        yield [data + trailing]
        yield [*bytewise(data)[:-1], data[-1:] + trailing]


def deliver(receiver: Any, chunks: Iterable[bytes]) -> None:
    """Pass C{chunks} to the receiver's C{dataReceived}, one call each."""
    for chunk in chunks:
        receiver.dataReceived(chunk)


class RecordingTLSLayer:
    """
    Stands in for a transport's TLS layer, and keeps the bytes it receives.

    @ivar received: the bytes passed to this layer, in one string.
    """

    def __init__(self) -> None:
        self.received = b""

    def dataReceived(self, data: bytes) -> None:
        """
        Keep C{data}.
        """
        self.received += data


@implementer(ITransport, IPushProducer, IConsumer)
class RecordingTransport:
    """
    A transport that records each call, and otherwise behaves like a TCP transport.

    @ivar events: the calls so far, oldest first: the method's name, then its arguments.  C{write}
        and C{writeSequence} both appear as C{("write", bytes)}.
    @ivar protocol: the connected protocol; L{startTLS} replaces it by the TLS layer.
    @ivar hooks: functions by the name of a method.  The function is called inside that method, as
        by a transport that answers before it returns.
    @ivar lacking: the names of the attributes that this transport pretends not to have.
    """

    def __init__(
        self,
        *,
        lacking: Iterable[str] = (),
        tlsLayer: bool = True,
        hooks: dict[str, Callable[[], object]] | None = None,
    ) -> None:
        self.lacking: frozenset[str] = frozenset(lacking)
        self.TLS = False
        self.connected = True
        self.disconnecting = False
        self.disconnected = False
        self.aborted = False
        self.reading = True
        self.events: list[tuple[Any, ...]] = []
        self.hooks: dict[str, Callable[[], object]] = dict(hooks or {})
        self.protocol: Any = None
        self.producer: Any = None
        self.streamingProducer = False
        self._hasTLSLayer = tlsLayer

    def __getattribute__(self, name: str) -> Any:
        if name != "lacking" and name in object.__getattribute__(self, "__dict__").get("lacking", ()):
            raise AttributeError(name)
        return object.__getattribute__(self, name)

    def connect(self, protocol: Any) -> RecordingTransport:
        """
        Make this the transport of C{protocol}.

        @return: this transport.
        """
        self.protocol = protocol
        protocol.makeConnection(self)
        return self

    @property
    def written(self) -> bytes:
        """All bytes written, in order."""
        return b"".join(event[1] for event in self.events if event[0] == "write")

    def names(self) -> list[str]:
        """The names of the calls so far, without their arguments."""
        return [event[0] for event in self.events]

    def _record(self, name: str, *arguments: object) -> None:
        """Record a call, then run the hook of that name."""
        self.events.append((name, *arguments))
        hook = self.hooks.get(name)
        if hook is not None:
            hook()

    def write(self, data: bytes) -> None:
        """Record C{data}.  Only bytes can be written."""
        if not isinstance(data, bytes):
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        self._record("write", data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """Record the pieces as one write."""
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """Start to close the connection.  As on TCP, a second call is allowed."""
        self.disconnecting = True
        self._record("loseConnection")

    def abortConnection(self) -> None:
        """Close the connection at once.  The protocol is told after this returns."""
        self.aborted = True
        self.disconnecting = True
        self._record("abortConnection")

    def pauseProducing(self) -> None:
        """Stop reading for now."""
        self.reading = False
        self._record("pauseProducing")

    def resumeProducing(self) -> None:
        """Continue to read."""
        self.reading = True
        self._record("resumeProducing")

    def stopProducing(self) -> None:
        """Stop reading and close."""
        self.reading = False
        self._record("stopProducing")

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Register a producer; only one is allowed at a time."""
        if self.producer is not None:
            raise RuntimeError("a producer is registered already")
        self.producer = producer
        self.streamingProducer = streaming
        self._record("registerProducer", streaming)

    def unregisterProducer(self) -> None:
        """Unregister the producer."""
        self.producer = None
        self._record("unregisterProducer")

    def startTLS(self, contextFactory: object = None, normal: bool = True) -> None:
        """
        Encrypt the connection from here on, with a TLS layer in the protocol's place.

        With C{tlsLayer=False}, the transport shows no such layer.
        """
        self.TLS = True
        if self._hasTLSLayer:
            self.protocol = RecordingTLSLayer()
        self._record("startTLS")

    def getPeer(self) -> IPv4Address:
        """
        An address of the range that is kept for documentation.
        """
        return IPv4Address("TCP", "192.0.2.1", 12345)

    def getHost(self) -> IPv4Address:
        """
        An address of the range that is kept for documentation.
        """
        return IPv4Address("TCP", "192.0.2.2", 54321)


class _MemoryEnd(RecordingTransport):
    """One end of a connection in memory.  Written bytes wait to be pumped."""

    def __init__(self) -> None:
        super().__init__()
        self.outgoing: deque[bytes] = deque()
        self.lost = False

    def write(self, data: bytes) -> None:
        """Queue C{data}, unless the connection is lost."""
        super().write(data)
        if not self.lost and not self.aborted:
            self.outgoing.append(data)

    def askProducer(self) -> bool:
        """
        Ask a pull producer for more if no bytes wait.

        @return: whether the producer was asked.
        """
        if self.producer is None or self.streamingProducer or self.outgoing:
            return False
        self.producer.resumeProducing()
        return True

    def take(self, size: int | None) -> bytes:
        """Remove and return the next bytes to send, at most C{size} of them."""
        data = b"".join(self.outgoing)
        self.outgoing.clear()
        if size is not None and len(data) > size:
            self.outgoing.append(data[size:])
            data = data[:size]
        return data

    def lose(self, reason: type[Exception]) -> None:
        """Tell the producer and the protocol, once, that the connection is lost."""
        if self.lost:
            return
        self.lost = self.disconnected = True
        self.connected = False
        self.outgoing.clear()
        producer, self.producer = self.producer, None
        if producer is not None:
            producer.stopProducing()
        self.protocol.connectionLost(Failure(reason()))


class MemoryConnection:
    """
    Two protocols joined without a socket.  Bytes move only when pumped.

    @ivar client: the transport of the first protocol.
    @ivar server: the transport of the second.
    """

    def __init__(self, client: Any, server: Any, size: int | None = None) -> None:
        """
        Join C{client} to C{server}.

        @param size: the maximum number of bytes in one chunk, or C{None} for one chunk with all
            waiting bytes.
        """
        self._size = size
        self.client, self.server = _MemoryEnd(), _MemoryEnd()
        self.client.protocol, self.server.protocol = client, server
        server.makeConnection(self.server)
        client.makeConnection(self.client)

    def pump(self) -> bool:
        """
        Move one chunk in each direction, and close connections where an end has asked for it.

        @return: whether anything happened.
        """
        moved = self._move(self.client, self.server)
        moved = self._move(self.server, self.client) or moved
        return self._close() or moved

    def flush(self, rounds: int = 100_000) -> None:
        """
        Pump until nothing moves.

        @raise AssertionError: bytes still moved after C{rounds}.
        """
        for _ in range(rounds):
            if not self.pump():
                return
        raise AssertionError(f"still talking after {rounds} rounds")

    def drop(self) -> None:
        """Lose the connection as a broken network does.  Bytes in flight are lost."""
        self.client.lose(ConnectionLost)
        self.server.lose(ConnectionLost)

    def _move(self, source: _MemoryEnd, target: _MemoryEnd) -> bool:
        """Move one chunk if the target reads, or ask the source's producer for more."""
        if source.lost or target.lost or not target.reading:
            return False
        asked = source.askProducer()
        data = source.take(self._size)
        if data and not target.aborted:
            target.protocol.dataReceived(data)
        return asked or bool(data)

    def _close(self) -> bool:
        """End the connection if an end has aborted it, or has closed it and sent all its bytes."""
        for end, other in ((self.client, self.server), (self.server, self.client)):
            if end.lost:
                continue
            if end.aborted:
                end.lose(ConnectionAborted)
                other.lose(ConnectionLost)
                return True
            if end.disconnecting and not end.outgoing and end.producer is None:
                end.lose(ConnectionDone)
                other.lose(ConnectionDone)
                return True
        return False


def connectInMemory(client: Any, server: Any, size: int | None = None) -> MemoryConnection:
    """
    Join two protocols in memory.

    @param size: the maximum number of bytes in one chunk.
    """
    return MemoryConnection(client, server, size)


def collect(make: Callable[[list[Any]], Any], chunks: Sequence[bytes]) -> tuple[list[Any], RecordingTransport]:
    """
    Deliver C{chunks} to a new receiver on a new transport.

    @param make: makes the receiver; its argument is the list to append to.
    @return: that list, and the transport.
    """
    collected: list[Any] = []
    receiver = make(collected)
    transport = RecordingTransport().connect(receiver)
    deliver(receiver, chunks)
    return collected, transport
