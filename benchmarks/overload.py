"""
Measures what a peer costs that sends asks and never reads the answers, with and without C{AMP}'s
overload bounds.

usage: python benchmarks/overload.py [--tls] [--asks N] [--without N] [--size BYTES]

The server runs in a separate process.  This process is the peer.  It sends asks over loopback for
as long as the server reads, and reads nothing.  When neither side makes progress any more, it reads
all answers and counts them.  The script prints the peak resident size of the server at each stage,
and how long the answers took.  Without the bounds it sends fewer asks, to spare the machine's
memory.

The exit status is 1 if an answer is missing or out of order, or if the server grows too much in
spite of the bounds.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import warnings
from collections import deque
from pathlib import Path
from time import perf_counter
from typing import Any

from zope.interface import implementer

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import connectProtocol
from twisted.internet.interfaces import IPullProducer
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import deferLater, react

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from twisted_basic_ng import amp  # noqa: E402 - from beside this file, also without an installation
from twisted_basic_ng.basic import LineReceiver  # noqa: E402

MIB = 2**20

#: The overload bounds.
ASKS_IN_PROGRESS, UNSENT_BYTES = 1000, 256 * 1024

#: How much the server may grow with the bounds, in MiB.  The bounds and the kernel's buffers
#: account for a tenth of it.
GROWTH = 32

#: How many asks to write at once.
BATCH = 1000


class Fill(amp.Command):
    """Asks for some bytes."""

    arguments = [(b"n", amp.Integer())]
    response = [(b"load", amp.String())]


class Server(amp.AMP):
    """Answers, and counts the asks."""

    logConnections = False
    load = b""
    asked = 0

    @Fill.responder
    def fill(self, n: int) -> dict[str, bytes]:
        Server.asked += 1
        return {"load": self.load}


class Reporter(LineReceiver):
    """
    Reports, for each line it receives, how many asks the server has received, and its peak memory.
    """

    delimiter = b"\n"

    def lineReceived(self, line: bytes) -> None:
        """Send the report."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if sys.platform == "darwin":
            peak //= 1024  # in bytes on macOS, in KiB elsewhere
        self.sendLine(b"%d %d" % (Server.asked, peak))

    def connectionLost(self, reason: object = None) -> None:
        """Stop when the parent process closes the pipe."""
        super().connectionLost()
        if reactor.running:  # type: ignore[attr-defined]
            reactor.stop()  # type: ignore[attr-defined]


def serve(arguments: argparse.Namespace) -> None:
    """Run the server."""
    from twisted.internet.endpoints import SSL4ServerEndpoint, TCP4ServerEndpoint
    from twisted.internet.stdio import StandardIO

    Server.load = b"x" * arguments.size
    if arguments.serve == "with":
        Server.MAX_ASKS_IN_PROGRESS, Server.MAX_UNSENT_BYTES = ASKS_IN_PROGRESS, UNSENT_BYTES
    endpoint: Any = TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1")
    if arguments.tls:
        from tests.live.certificates import certificate

        endpoint = SSL4ServerEndpoint(reactor, 0, certificate("server").options(), interface="127.0.0.1")
    factory = Factory.forProtocol(Server)
    factory.noisy = False
    reporter = Reporter()
    StandardIO(reporter)
    endpoint.listen(factory).addCallback(lambda port: reporter.sendLine(b"%d" % port.getHost().port))
    reactor.run()  # type: ignore[attr-defined]


@implementer(IPullProducer)
class Greedy(Protocol):
    """
    The peer, which writes asks as fast as the transport accepts them.

    @ivar written: how many asks it has written.
    @ivar answers: how many answers it has read.
    @ivar wrong: how many answers were out of order.
    @ivar complete: fires when there are as many answers as asks.
    """

    transport: Any

    def __init__(self, asks: int) -> None:
        self.asks = asks
        self.written = self.answers = self.wrong = 0
        self.greeted: Deferred[None] = Deferred()
        self.complete: Deferred[None] = Deferred()
        self.parser = amp.BinaryBoxProtocol(self)

    def connectionMade(self) -> None:
        """Send one ask and wait for its answer, because a handshake may have to finish first."""
        self.parser.transport = self.transport
        self.write(1)

    def write(self, count: int) -> None:
        """Write C{count} asks."""
        first, self.written = self.written + 1, self.written + count
        self.transport.write(
            b"".join(
                amp.Box(_command=b"Fill", _ask=b"%x" % n, n=b"%d" % n).serialize()
                for n in range(first, self.written + 1)
            )
        )

    def dataReceived(self, data: bytes) -> None:
        """Parse the answers."""
        self.parser.dataReceived(data)

    def ampBoxReceived(self, box: amp.AmpBox) -> None:
        """Count an answer."""
        self.answers += 1
        self.wrong += box.get(b"_answer") != b"%x" % self.answers
        if self.answers == 1:
            self.transport.pauseProducing()
            self.greeted.callback(None)
        if self.answers == self.asks:
            self.complete.callback(None)

    def resumeProducing(self) -> None:
        """Write more asks, as the transport has room."""
        count = min(BATCH, self.asks - self.written)
        if count:
            self.write(count)
        else:
            self.transport.unregisterProducer()

    def stopProducing(self) -> None:
        """Do nothing: the connection is lost."""

    def connectionLost(self, reason: Any = None) -> None:
        """Fail if the connection was lost too early."""
        for each in (self.greeted, self.complete):
            if not each.called:
                each.errback(reason)


class Child:
    """The server's process."""

    def __init__(self, which: str, arguments: argparse.Namespace) -> None:
        options = ["--size", str(arguments.size), *(["--tls"] if arguments.tls else [])]
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", which, *options], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.port = int(self._read())

    def _read(self) -> bytes:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def look(self) -> tuple[int, float]:
        """Return how many asks the server has received, and its peak memory in MiB."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        asked, peak = self._read().split()
        return int(asked), int(peak) / 1024

    def end(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(30)


async def measure(which: str, asks: int, arguments: argparse.Namespace) -> bool:
    """Measure once.  Return whether the results are correct."""
    child = Child(which, arguments)
    try:
        return await converse(child, which, asks, arguments.tls)
    finally:
        child.end()


async def converse(child: Child, which: str, asks: int, tls: bool) -> bool:
    """Send the asks, wait until nothing moves any more, then read the answers."""
    clock: Any = reactor
    peer = Greedy(asks)
    await connectProtocol(connecting(child.port, tls), peer)
    await peer.greeted
    before = child.look()[1]
    peer.transport.registerProducer(peer, False)
    latest: deque[tuple[int, int]] = deque(maxlen=4)
    while len(latest) < 4 or len(set(latest)) > 1:
        await deferLater(clock, 0.25)
        latest.append((child.look()[0], peer.written))
    accepted, unread = child.look()
    begun = perf_counter()
    peer.transport.resumeProducing()
    await peer.complete
    took = perf_counter() - begun
    asked, after = child.look()
    peer.transport.loseConnection()
    print(
        f"{'tls' if tls else 'tcp'} {which:8}{asks:10,} asks, {accepted:10,} accepted before the peer reads; "
        f"peak MiB: {before:6.1f} before, {unread:6.1f} unread, {after:6.1f} after; all answered in {took:5.1f} s",
        flush=True,
    )
    isRight = peer.answers == asked == asks and not peer.wrong
    if not isRight:
        print(f"wrong: {asked} asks came, {peer.answers} answers, {peer.wrong} of them out of their order")
    if which == "with" and after - before > GROWTH:
        print(f"wrong: the server grew by more than {GROWTH} MiB")
        isRight = False
    return isRight


def connecting(port: int, tls: bool) -> Any:
    """Return the endpoint of the server."""
    from twisted.internet.endpoints import SSL4ClientEndpoint, TCP4ClientEndpoint

    if not tls:
        return TCP4ClientEndpoint(reactor, "127.0.0.1", port)
    from twisted.internet import ssl

    return SSL4ClientEndpoint(reactor, "127.0.0.1", port, ssl.CertificateOptions())


def main() -> None:
    """Measure with the command line's options."""
    parser = argparse.ArgumentParser(description="What a peer costs that asks and never reads.")
    parser.add_argument("--tls", action="store_true", help="over TLS")
    parser.add_argument("--asks", type=int, default=1_000_000, help="how many, with the bounds")
    parser.add_argument("--without", type=int, default=250_000, help="how many, without them")
    parser.add_argument("--size", type=int, default=200, help="how many bytes an answer has")
    parser.add_argument("--serve", choices=("with", "without"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore", DeprecationWarning)  # from pyOpenSSL, which Twisted calls
    if arguments.serve:
        serve(arguments)
        return

    async def both() -> None:
        results = [await measure("with", arguments.asks, arguments)]
        results.append(await measure("without", arguments.without, arguments))
        if not all(results):
            raise SystemExit(1)

    react(lambda _: Deferred.fromCoroutine(both()))


if __name__ == "__main__":
    main()
