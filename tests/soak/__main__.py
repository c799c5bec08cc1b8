"""
Connects peers to a server in waves, over TCP, UNIX sockets and TLS, and lets them fail in many
ways.

Each line and string has to arrive once and in order, and each call has to end.  Afterwards neither
side may hold more than before.  The actions of the peers depend only on the seed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.endpoints import TCP4ClientEndpoint, UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.task import deferLater
from twisted.logger import globalLogBeginner

from twisted_basic_ng._accelerate import build

from .peers import FAULTS, Outcome, makePeer
from .server import LEAKS, measure
from .verdict import Soak
from .words import LINKS, RECEIVERS

#: How long the peers of a wave may take to finish, in seconds.
PATIENCE = 60.0

#: How long the server may take to notice that they are gone, in seconds.
SETTLING = 20.0


class ServerProcess(ProcessProtocol):
    """
    The server's process, for its parent.

    @ivar ended: fires when the process has ended.
    """

    def __init__(self) -> None:
        self._lines = b""
        self._waiting: Deferred[Any] = Deferred()
        self.ports = self._waiting
        self.ended: Deferred[None] = Deferred()

    def outReceived(self, data: bytes) -> None:
        self._lines += data
        if self._lines.endswith(b"\n"):
            line, self._lines = self._lines, b""
            self._waiting.callback(json.loads(line))

    def errReceived(self, data: bytes) -> None:
        sys.stderr.write(data.decode(errors="replace"))

    def ask(self) -> Deferred[Any]:
        """Request the server's counts and resources."""
        self._waiting = Deferred()
        self.transport.write(b"tell\n")  # type: ignore[union-attr]
        return self._waiting

    def processEnded(self, reason: Any) -> None:
        if not self._waiting.called:
            self._waiting.errback(reason)
        if not reason.check(ProcessDone):
            print(f"the server has ended: {reason.value}", file=sys.stderr)
        self.ended.callback(None)


def links() -> list[str]:
    """Return the links that are available on this machine."""
    try:
        from twisted.internet import ssl  # noqa: F401
    except ImportError:
        return [each for each in LINKS if each != "tls"]
    return list(LINKS)


def draw(number: int, seed: int, available: list[str]) -> tuple[str, str, str, Random]:
    """Draw the properties of a peer: its kind, its link, its fault, and its random generator."""
    random = Random(f"{seed}.{number}")
    kind = random.choice([*RECEIVERS, "amp", "amp", "amp"])
    fault = random.choices([*FAULTS], [*FAULTS.values()])[0]
    return kind, random.choice(available), fault, random


def connect(peer: Any, link: str, where: Any) -> Deferred[Any]:
    """Connect a peer."""
    if link == "unix":
        return connectProtocol(UNIXClientEndpoint(reactor, where, timeout=30), peer)
    if link == "tls":
        from twisted.internet.endpoints import SSL4ClientEndpoint
        from twisted.internet.ssl import CertificateOptions

        # The client does not verify the server.
        endpoint: Any = SSL4ClientEndpoint(reactor, "127.0.0.1", where, CertificateOptions(), timeout=30)
    else:
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", where, timeout=30)
    return connectProtocol(endpoint, peer)


async def wave(soak: Soak, numbers: range, seed: int, ports: dict[str, Any]) -> list[Outcome]:
    """Connect some peers at once, and wait until they finish."""
    available = sorted({each.split()[1] for each in ports})
    peers = []
    for number in numbers:
        kind, link, fault, random = draw(number, seed, available)
        peer = makePeer(kind)
        peer.begin(number, kind, link, fault, random, soak.tally)
        peers.append(peer)
        soak.tally.connections[f"{kind} {link}"] += 1
        if fault != "none":
            soak.tally.faults[fault] += 1
        connect(peer, link, ports[f"{kind} {link}"]).addErrback(
            lambda failure, peer=peer: soak.wrong.append(f"{peer.outcome.what}: {failure.value!r}")
        )
    waiting = DeferredList([peer.done for peer in peers])
    giveUp = reactor.callLater(PATIENCE, waiting.callback, None)  # type: ignore[attr-defined]
    await waiting
    if giveUp.active():
        giveUp.cancel()
    else:
        soak.wrong += [f"{peer.outcome.what}: it has not ended" for peer in peers if not peer.done.called]
    return [peer.outcome for peer in peers]


async def settled(process: ServerProcess, number: int) -> dict[str, Any]:
    """
    Wait until the server has noticed the ends of its connections, and has released every
    C{Deferred}.

    @param number: how many connections it must have seen.
    @return: the server's reports, merged.
    """
    deadline = time.monotonic() + SETTLING
    whole = await process.ask()
    while (whole["live"] or whole["connections"] < number) and time.monotonic() < deadline:
        await deferLater(reactor, 0.05, int)
        told = await process.ask()
        for name, count in whole["errors"].items():
            told["errors"][name] = told["errors"].get(name, 0) + count
        whole = {**told, "received": {**whole["received"], **told["received"]}, "wrong": whole["wrong"] + told["wrong"]}
    return whole


async def run(options: argparse.Namespace, soak: Soak, tell: Callable[[str], None]) -> None:
    """Run all waves."""
    process = ServerProcess()
    with tempfile.TemporaryDirectory() as directory:
        command = [sys.executable, "-m", "tests.soak.server", directory, ",".join(links()), options.leak]
        spawned = reactor.spawnProcess(process, sys.executable, command, env=os.environ)  # type: ignore[attr-defined]
        try:
            ports = await process.ports
            soak.take([], await process.ask(), measure())
            await _waves(options, soak, process, ports, tell)
        finally:
            spawned.loseConnection()
            await process.ended


async def _waves(
    options: argparse.Namespace, soak: Soak, process: ServerProcess, ports: Any, tell: Callable[[str], None]
) -> None:
    begun = time.monotonic()
    made = 0
    while made < options.connections and (made == 0 or time.monotonic() - begun < options.seconds):
        numbers = range(made, min(made + options.wave, options.connections))
        outcomes = await wave(soak, numbers, options.seed, ports)
        made = numbers.stop
        told = await settled(process, made)
        await deferLater(reactor, 0, int)
        soak.take(outcomes, told, measure())
        held = told["held"]
        tell(
            f"[{time.monotonic() - begun:4.0f} s] {made} connections, {soak.tally.messages} messages, "
            f"{held['KiB']} KiB, {held['objects']} objects, {len(soak.wrong)} wrong"
        )


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__, allow_abbrev=False)
    parser.add_argument("--connections", type=int, default=2000, help="how many connections to make (2000)")
    parser.add_argument("--wave", type=int, default=100, help="how many of them at once (100)")
    parser.add_argument("--seconds", type=float, default=220, help="begin no wave after so long (220)")
    parser.add_argument("--seed", type=int, help="what the peers are drawn with; a new one is drawn and told")
    parser.add_argument("--leak", choices=[*LEAKS, ""], default="", help="have the server do something wrong")
    options = parser.parse_args(arguments)
    if options.seed is None:
        options.seed = Random().randrange(10**6)
    return options


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    print(f"seed {options.seed}, {build} build", flush=True)
    soak = Soak()
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)

    def failed(failure: Any) -> None:
        soak.wrong.append(failure.getTraceback())

    def begin() -> None:
        running = Deferred.fromCoroutine(run(options, soak, lambda line: print(line, flush=True)))
        running.addErrback(failed).addBoth(lambda result: reactor.stop())  # type: ignore[attr-defined]

    reactor.callWhenRunning(begin)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]
    print(soak.report())
    return 1 if soak.complaints() else 0


if __name__ == "__main__":
    sys.exit(main())
