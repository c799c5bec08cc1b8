"""
What the tests of the receivers share.

Ways to cut a byte string into chunks, a transport that writes down what is
asked of it, two protocols joined in memory, and Twisted's own module beside
ours.  Nothing in this file knows a wire format.
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

#: Twisted's modules, loaded once each and never put into C{sys.modules}.
_stockModules: dict[str, ModuleType] = {}


def examples(many: int) -> int:
    """Say how many examples a test of C{many} has under the profile of hypothesis that was chosen."""
    chosen = settings().max_examples
    return max(chosen, many) if chosen >= settings.get_profile("tests").max_examples else many // 10


def isThorough() -> bool:
    """Say whether to try everything there is: in a campaign, or where all tests are asked for on each Python."""
    return settings().max_examples > 1000 or os.environ.get("TWISTED_BASIC_NG_ALL_TESTS", "") not in ("", "0")


def loadStock(name: str) -> ModuleType:
    """
    Load a module of C{twisted.protocols} from Twisted's own file.

    The copy is private: it is not in C{sys.modules}, so a swap, made before or
    after, neither changes it nor is changed by it.

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
    """
    Cut C{data} at each of the ascending offsets C{points}.
    """
    bounds = [0, *points, len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


def splits(data: bytes, cuts: int = 1) -> Iterator[list[bytes]]:
    """
    Cut C{data} into C{cuts + 1} chunks that are not empty, in every way.
    """
    for points in itertools.combinations(range(1, len(data)), cuts):
        yield cutAt(data, points)


def partitions(data: bytes) -> Iterator[list[bytes]]:
    """
    Cut C{data} into chunks that are not empty, in every way there is.

    There are C{2 ** (len(data) - 1)} of them.
    """
    for cuts in range(max(len(data), 1)):
        yield from splits(data, cuts)


def fewCuts(data: bytes) -> Iterator[list[bytes]]:
    """
    Cut C{data} in every way with up to three cuts, or with all but one of those that there can be, or with all.
    """
    for cuts in sorted({0, 1, 2, 3, len(data) - 2, len(data) - 1}):
        yield from splits(data, cuts)


def everyCut(data: bytes) -> Iterator[list[bytes]]:
    """
    Cut C{data} in every way, or in few ways under the short profile of hypothesis.
    """
    isShort = settings().max_examples < settings.get_profile("tests").max_examples
    return fewCuts(data) if isShort else partitions(data)


def deliveries(data: bytes, trailing: bytes = b"") -> Iterator[list[bytes]]:
    """
    Cut C{data} in the ways that every parser has to bear.

    Whole, bytewise, in two at every point; and, when there are C{trailing}
    bytes, whole and bytewise with these in the last chunk.
    """
    yield [data]
    yield bytewise(data)
    yield from splits(data)
    if trailing:
        yield [data + trailing]
        yield [*bytewise(data)[:-1], data[-1:] + trailing]


def deliver(receiver: Any, chunks: Iterable[bytes]) -> None:
    """
    Hand C{chunks} to the receiver's C{dataReceived}, one call each.
    """
    for chunk in chunks:
        receiver.dataReceived(chunk)


class RecordingTLSLayer:
    """
    Stands where a transport puts its TLS layer, and keeps what it is given.

    @ivar received: the bytes handed to this layer, in one string.
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
    A transport that writes down each call and answers as a TCP one would.

    @ivar events: the calls so far, oldest first: the method's name, then what
        it was given.  C{write} and C{writeSequence} both appear as
        C{("write", bytes)}.
    @ivar protocol: who is connected; L{startTLS} replaces it by the TLS layer.
    @ivar hooks: a function for the name of a method; it is called in the midst
        of that method, as a transport does that answers before it returns.
    @ivar lacking: names that this transport pretends not to have.
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
        """
        Every byte that was written, in order.
        """
        return b"".join(event[1] for event in self.events if event[0] == "write")

    def names(self) -> list[str]:
        """
        The names of the calls so far, without their arguments.
        """
        return [event[0] for event in self.events]

    def _record(self, name: str, *arguments: object) -> None:
        """
        Write a call down, then run the hook of that name.
        """
        self.events.append((name, *arguments))
        hook = self.hooks.get(name)
        if hook is not None:
            hook()

    def write(self, data: bytes) -> None:
        """
        Record C{data}; only bytes can be written.
        """
        if not isinstance(data, bytes):
            raise TypeError(f"data must be bytes, not {type(data).__name__}")
        self._record("write", data)

    def writeSequence(self, iovec: Iterable[bytes]) -> None:
        """
        Record the pieces as one write.
        """
        self.write(b"".join(iovec))

    def loseConnection(self) -> None:
        """
        Begin to close; as on TCP, asking twice is allowed.
        """
        self.disconnecting = True
        self._record("loseConnection")

    def abortConnection(self) -> None:
        """
        Close at once; the protocol is not told before this returns.
        """
        self.aborted = True
        self.disconnecting = True
        self._record("abortConnection")

    def pauseProducing(self) -> None:
        """
        Read no more for now.
        """
        self.reading = False
        self._record("pauseProducing")

    def resumeProducing(self) -> None:
        """
        Read on.
        """
        self.reading = True
        self._record("resumeProducing")

    def stopProducing(self) -> None:
        """
        Read no more, and close.
        """
        self.reading = False
        self._record("stopProducing")

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """
        Take a producer, one at a time.
        """
        if self.producer is not None:
            raise RuntimeError("a producer is registered already")
        self.producer = producer
        self.streamingProducer = streaming
        self._record("registerProducer", streaming)

    def unregisterProducer(self) -> None:
        """
        Let the producer go.
        """
        self.producer = None
        self._record("unregisterProducer")

    def startTLS(self, contextFactory: object = None, normal: bool = True) -> None:
        """
        Be encrypted from here on, with a TLS layer in the protocol's place.

        Made with C{tlsLayer=False}, the transport shows no such layer.
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
    """
    One end of a connection in memory: what is written waits to be pumped.
    """

    def __init__(self) -> None:
        super().__init__()
        self.outgoing: deque[bytes] = deque()
        self.lost = False

    def write(self, data: bytes) -> None:
        """
        Queue C{data}, unless the connection is gone.
        """
        super().write(data)
        if not self.lost and not self.aborted:
            self.outgoing.append(data)

    def askProducer(self) -> bool:
        """
        Ask a pull producer for more when nothing waits.

        @return: true when the producer was asked.
        """
        if self.producer is None or self.streamingProducer or self.outgoing:
            return False
        self.producer.resumeProducing()
        return True

    def take(self, size: int | None) -> bytes:
        """
        Remove the next bytes to send, at most C{size} of them.
        """
        data = b"".join(self.outgoing)
        self.outgoing.clear()
        if size is not None and len(data) > size:
            self.outgoing.append(data[size:])
            data = data[:size]
        return data

    def lose(self, reason: type[Exception]) -> None:
        """
        Tell the producer and the protocol, once, that the connection is gone.
        """
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
    Two protocols joined without a socket; nothing moves but when pumped.

    @ivar client: the transport of the first protocol.
    @ivar server: the transport of the second.
    """

    def __init__(self, client: Any, server: Any, size: int | None = None) -> None:
        """
        Join C{client} to C{server}.

        @param size: the greatest number of bytes in one chunk; None leaves all
            that waits in one chunk.
        """
        self._size = size
        self.client, self.server = _MemoryEnd(), _MemoryEnd()
        self.client.protocol, self.server.protocol = client, server
        server.makeConnection(self.server)
        client.makeConnection(self.client)

    def pump(self) -> bool:
        """
        Move one chunk in each direction, and carry out what was closed.

        @return: true when anything happened.
        """
        moved = self._move(self.client, self.server)
        moved = self._move(self.server, self.client) or moved
        return self._close() or moved

    def flush(self, rounds: int = 100_000) -> None:
        """
        Pump until nothing moves.

        @raise AssertionError: the two were still talking after C{rounds}.
        """
        for _ in range(rounds):
            if not self.pump():
                return
        raise AssertionError(f"still talking after {rounds} rounds")

    def drop(self) -> None:
        """
        Lose the connection as a broken network does; bytes in flight are gone.
        """
        self.client.lose(ConnectionLost)
        self.server.lose(ConnectionLost)

    def _move(self, source: _MemoryEnd, target: _MemoryEnd) -> bool:
        """
        Move one chunk, when the target reads, or ask the source's producer.
        """
        if source.lost or target.lost or not target.reading:
            return False
        asked = source.askProducer()
        data = source.take(self._size)
        if data and not target.aborted:
            target.protocol.dataReceived(data)
        return asked or bool(data)

    def _close(self) -> bool:
        """
        End the connection when an end has aborted, or lost it and sent all.
        """
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

    @param size: the greatest number of bytes in one chunk.
    """
    return MemoryConnection(client, server, size)


def collect(make: Callable[[list[Any]], Any], chunks: Sequence[bytes]) -> tuple[list[Any], RecordingTransport]:
    """
    Deliver C{chunks} to a fresh receiver on a fresh transport.

    @param make: makes the receiver, given the list it is to append to.
    @return: that list, and the transport.
    """
    collected: list[Any] = []
    receiver = make(collected)
    transport = RecordingTransport().connect(receiver)
    deliver(receiver, chunks)
    return collected, transport
