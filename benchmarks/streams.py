"""
Compares a stream with C{FileSender} on the same transport, and measures how it slows calls down.

usage: python benchmarks/streams.py [--tls] [--size MIB] [--calls N] [--rounds N]

The server runs in a separate process, and this process is the client, over loopback.  First, it
sends a file to the server several times, in turn with C{FileSender} to a protocol that counts the
bytes, and as a stream that is delivered to a consumer that counts them, too.  Then it makes small
calls one after the other, first alone and then beside an endless stream.  It prints the throughput
of both and their ratio, and the median and the 99th percentile of a call's time.

The exit status is 1 if the stream has less than 80 % of C{FileSender}'s throughput, or if the
median of a call beside a stream is more than three times that of a call alone.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter
from typing import Any

from zope.interface import implementer

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IConsumer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import react

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from twisted_basic_ng import amp  # noqa: E402 - from beside this file, also without an installation
from twisted_basic_ng.basic import FileSender  # noqa: E402

MIB = 2**20
LEAST_SHARE = 0.8
MOST_TIMES = 3.0


class Store(amp.Command):
    """Sends a file, and returns its size."""

    arguments = [(b"data", amp.Stream())]
    response = [(b"size", amp.Integer())]


class Add(amp.Command):
    """A small call."""

    arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
    response = [(b"total", amp.Integer())]


@implementer(IConsumer)
class Counter:
    """A consumer that counts bytes."""

    size = 0

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Do nothing."""

    def unregisterProducer(self) -> None:
        """Do nothing."""

    def write(self, data: bytes) -> None:
        """Count the bytes."""
        self.size += len(data)


class End(amp.AMP):
    """The protocol of both ends."""

    extended = True
    logConnections = False

    @Store.responder
    async def store(self, data: amp.StreamReader) -> dict[str, int]:
        counter = Counter()
        await data.deliverTo(counter)
        return {"size": counter.size}

    @Add.responder
    def add(self, a: int, b: int) -> dict[str, int]:
        return {"total": a + b}


class Sink(Protocol):
    """Receives a size in eight bytes and then that many bytes, and answers with one byte."""

    def connectionMade(self) -> None:
        self.left = 0

    def dataReceived(self, data: bytes) -> None:
        if not self.left:
            self.left, data = int.from_bytes(data[:8], "big"), data[8:]
        self.left -= len(data)
        if not self.left:
            self.transport.write(b"x")


class Source(Protocol):
    """The other end of a L{Sink}."""

    def __init__(self) -> None:
        self.answer: Deferred[bytes] = Deferred()

    def dataReceived(self, data: bytes) -> None:
        answer, self.answer = self.answer, Deferred()
        answer.callback(data)


def serve(tls: bool) -> None:
    """Run the server."""
    from twisted_basic_ng.amp._tls import _NoCertificate

    options = _NoCertificate(False).options() if tls else None
    for kind in (Sink, End):
        factory = Factory.forProtocol(kind)
        listening = (
            reactor.listenSSL(0, factory, options, interface="127.0.0.1")
            if options is not None
            else reactor.listenTCP(0, factory, interface="127.0.0.1")
        )
        print(listening.getHost().port, flush=True)
    reactor.run()


async def connect(port: int, protocol: Any, tls: bool) -> Any:
    """Connect to the server."""
    from twisted.internet.endpoints import SSL4ClientEndpoint, TCP4ClientEndpoint

    endpoint: Any = TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    if tls:
        from twisted.internet.ssl import CertificateOptions

        endpoint = SSL4ClientEndpoint(reactor, "127.0.0.1", port, CertificateOptions())
    return await connectProtocol(endpoint, protocol)


async def throughputs(source: Any, end: Any, path: str, size: int, rounds: int) -> tuple[float, float]:
    """Send the file in turns, and return the best rates, in MiB per second."""
    best = [0.0, 0.0]
    for _ in range(rounds):
        with open(path, "rb") as file:
            began = perf_counter()
            source.transport.write(size.to_bytes(8, "big"))
            answer = source.answer
            await FileSender().beginFileTransfer(file, source.transport)
            await answer
            best[0] = max(best[0], size / MIB / (perf_counter() - began))
        with open(path, "rb") as file:
            began = perf_counter()
            answered = await end.callRemote(Store, data=file)
            assert answered == {"size": size}
            best[1] = max(best[1], size / MIB / (perf_counter() - began))
    return best[0], best[1]


async def times(end: Any, calls: int) -> list[float]:
    """Make calls one after the other.  Return how long each took, in seconds, sorted."""
    took: list[float] = []
    for number in range(calls):
        began = perf_counter()
        await end.callRemote(Add, a=number, b=1)
        took.append(perf_counter() - began)
    return sorted(took)


def endless() -> Any:
    """Yield pieces endlessly."""
    piece = bytes(2**14)
    while True:
        yield piece


async def measure(options: argparse.Namespace, ports: list[int]) -> int:
    """Measure, print the results, and return the exit status."""
    source = await connect(ports[0], Source(), options.tls)
    end = await connect(ports[1], End(), options.tls)
    size = options.size * MIB
    with tempfile.NamedTemporaryFile() as file:
        file.write(os.urandom(MIB) * options.size)
        file.flush()
        byFile, byStream = await throughputs(source, end, file.name, size, options.rounds)
    share = byStream / byFile
    print(f"FileSender {byFile:8.0f} MiB/s   a stream {byStream:8.0f} MiB/s   {share:.0%}")
    await times(end, min(200, options.calls))
    alone = await times(end, options.calls)
    end.callRemote(Store, data=endless()).addErrback(lambda _: None)
    await times(end, min(100, options.calls))
    beside = await times(end, options.calls)
    ratio = beside[len(beside) // 2] / alone[len(alone) // 2]
    for name, each in (("alone", alone), ("beside a stream", beside)):
        median, high = each[len(each) // 2], each[len(each) * 99 // 100]
        print(f"a call {name:16} median {median * 1e6:7.0f} us   99th percentile {high * 1e6:7.0f} us")
    print(f"beside a stream it takes {ratio:.1f} times as long")
    end.transport.loseConnection()
    return int(share < LEAST_SHARE or ratio > MOST_TIMES)


def main() -> None:
    """Run the client, and the server in a child process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", nargs="?", default="measure", choices=["measure", "serve"], help=argparse.SUPPRESS)
    parser.add_argument("--tls", action="store_true", help="over TLS")
    parser.add_argument("--size", type=int, default=256, help="the size of the file, in MiB")
    parser.add_argument("--calls", type=int, default=3000, help="how many calls are made")
    parser.add_argument("--rounds", type=int, default=3, help="how often the file is sent; the best counts")
    options = parser.parse_args()
    if options.role == "serve":
        serve(options.tls)
        return
    arguments = [sys.executable, __file__, "serve", *(["--tls"] if options.tls else [])]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        ports = [int(server.stdout.readline()) for _ in range(2)]
        try:

            async def run(_: Any) -> None:
                raise SystemExit(await measure(options, ports))

            react(lambda clock: Deferred.fromCoroutine(run(clock)))
        finally:
            server.kill()


if __name__ == "__main__":
    main()
