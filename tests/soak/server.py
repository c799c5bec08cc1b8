"""
The server of a soak, in a separate process, so that its memory can be measured alone.

It reads lines from C{stdin} and answers with lines of JSON on C{stdout}.  The first line has the
ports.  For each line that it reads, it writes the counts since the last report and its current
resources.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

from twisted.internet import reactor, stdio
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory
from twisted.logger import LogLevel, globalLogBeginner
from twisted.protocols.basic import LineOnlyReceiver as ControlReceiver

from twisted_basic_ng import amp

from .words import LIMIT, LINKS, RECEIVERS, Ask

__all__ = ["LEAKS", "Server", "measure"]


def measure() -> dict[str, int]:
    """Return the resources that this process holds."""
    gc.collect()
    held = {
        "descriptors": len(os.listdir("/proc/self/fd" if Path("/proc/self/fd").is_dir() else "/dev/fd")),
        "delayed calls": len(reactor.getDelayedCalls()),  # type: ignore[attr-defined]
        "readers": len(reactor.getReaders()),  # type: ignore[attr-defined]
        "Deferreds": sum(isinstance(each, Deferred) for each in gc.get_objects()),
        "objects": len(gc.get_objects()),
    }
    held["blocks"] = sys.getallocatedblocks()
    statm = Path("/proc/self/statm")
    held["KiB"] = int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024 if statm.exists() else 0
    return held


class Server:
    """
    All the counts.

    @ivar received: how many messages of each peer have arrived since the last report, by the peer's
        number.
    @ivar wrong: descriptions of errors.
    @ivar live: the protocols that are connected or still referenced.
    @ivar errors: how many errors were logged, by their class.
    """

    def __init__(self, leak: Callable[[Any], object] | None) -> None:
        self.received: dict[int, int] = {}
        self.wrong: list[str] = []
        self.live: WeakSet[Any] = WeakSet()
        self.errors: dict[str, int] = {}
        self.asked = self.ended = self.connections = 0
        self.leak = leak

    def opened(self, protocol: Any) -> None:
        self.live.add(protocol)
        self.connections += 1
        if self.leak is not None:
            self.leak(protocol)

    def accept(self, protocol: Any, peer: int, number: int) -> None:
        """Count a message, and check that the peer's messages arrive once and in order."""
        if protocol.peer is None:
            protocol.peer = peer
        if (peer, number) != (protocol.peer, protocol.count):
            self.wrong.append(f"peer {peer}: message {number} where {protocol.count} was to come")
        protocol.count += 1

    def closed(self, protocol: Any) -> None:
        """Record how many messages of a peer have arrived."""
        if protocol.peer is not None:
            self.received[protocol.peer] = protocol.count

    def logged(self, event: Any) -> None:
        """Count logged errors."""
        failure = event.get("log_failure")
        if failure is not None:
            name = failure.type.__name__
            self.errors[name] = self.errors.get(name, 0) + 1
        elif event.get("log_level") == LogLevel.critical:
            self.errors["critical"] = self.errors.get("critical", 0) + 1

    def tell(self) -> dict[str, Any]:
        """Return the counts since the last report, and the current resources."""
        told = {
            "received": self.received,
            "wrong": self.wrong,
            "errors": self.errors,
            "connections": self.connections,
            "outstanding": self.asked - self.ended,
        }
        self.received, self.wrong, self.errors = {}, [], {}
        held = measure()
        return {**told, "live": len(self.live), "held": held}


def receiving(kind: str, server: Server) -> type[Any]:
    """Make the class that counts messages of one kind, and confirms each by its number."""

    class Counting(RECEIVERS[kind]):  # type: ignore[misc, valid-type]
        MAX_LENGTH = LIMIT
        peer: int | None = None
        count = 0
        raw = 0
        going: Any = None

        def connectionMade(self) -> None:
            server.opened(self)

        def lineReceived(self, message: bytes) -> None:
            peer, number, raw, _ = message.split(b" ")
            server.accept(self, int(peer), int(number))
            self.confirm(number)
            if int(raw):
                self.raw = int(raw)
                self.setRawMode()
            elif int(number) % 11 == 5 and hasattr(self, "pauseProducing"):
                self.pauseProducing()
                self.going = reactor.callLater(0.002, self.resumeProducing)  # type: ignore[attr-defined]

        stringReceived = lineReceived

        def rawDataReceived(self, data: bytes) -> None:
            taken = min(self.raw, len(data))
            self.raw -= taken
            if data[:taken].strip(b"r"):
                server.wrong.append(f"peer {self.peer}: raw bytes {data[:taken]!r}")
            if not self.raw:
                self.setLineMode(data[taken:])

        def confirm(self, number: bytes) -> None:
            (self.sendLine if kind.startswith("lines") else self.sendString)(number)

        def connectionLost(self, reason: Any) -> None:
            if self.going is not None and self.going.active():
                self.going.cancel()
            server.closed(self)

    return Counting


def answering(server: Server) -> type[Any]:
    """Make the class that answers calls."""

    class Answering(amp.AMP):
        peer: int | None = None
        count = 0

        def __init__(self) -> None:
            super().__init__()
            self.waiting: list[Any] = []

        def connectionMade(self) -> None:
            server.opened(self)

        @Ask.responder
        def answer(self, peer: int, number: int, how: str) -> Any:
            server.accept(self, peer, number)
            if how == "now":
                return {"number": number + 1}
            if how == "error":
                raise ValueError(str(number))
            if how == "undeclared":
                raise OSError(str(number))
            return self.later(number, how)

        def later(self, number: int, how: str) -> Deferred[dict[str, int]]:
            if how == "back":
                server.asked += 1
                back = self.callRemote(Ask, peer=self.peer, number=number, how="now")
                return back.addBoth(self.backEnded)
            answer: Deferred[dict[str, int]] = Deferred()
            if how == "later":
                delay = 0.001 * (number % 20)
                self.waiting.append(reactor.callLater(delay, answer.callback, {"number": number + 1}))  # type: ignore[attr-defined]
            return answer

        def backEnded(self, result: Any) -> Any:
            server.ended += 1
            return result

        def connectionLost(self, reason: Any) -> None:
            super().connectionLost(reason)
            for each in self.waiting:
                if each.active():
                    each.cancel()
            self.waiting.clear()
            server.closed(self)

    return Answering


_kept: list[Any] = []


def _keepDescriptor(protocol: Any) -> None:
    _kept.append(os.dup(0))


def _keepDelayedCall(protocol: Any) -> None:
    reactor.callLater(3600, int)  # type: ignore[attr-defined]


def _keepBytes(protocol: Any) -> None:
    _kept.extend(os.urandom(50) for _ in range(40))


def _keepDeferred(protocol: Any) -> None:
    _kept.append(Deferred())


def _miscount(protocol: Any) -> None:
    protocol.count = 1


#: Leaks and errors that the server can produce for each connection, to test that a soak finds them.
LEAKS: dict[str, Callable[[Any], object]] = {
    "protocols": _kept.append,
    "descriptors": _keepDescriptor,
    "delayed calls": _keepDelayedCall,
    "bytes": _keepBytes,
    "Deferreds": _keepDeferred,
    "messages": _miscount,
}


class Control(ControlReceiver):
    """
    Answers each line of the parent with a report, and stops the server when the parent has gone.
    """

    delimiter = b"\n"

    def __init__(self, server: Server, ports: dict[str, Any]) -> None:
        self.server = server
        self.ports = ports

    def connectionMade(self) -> None:
        self.sendLine(json.dumps(self.ports).encode())

    def lineReceived(self, line: bytes) -> None:
        self.sendLine(json.dumps(self.server.tell()).encode())

    def connectionLost(self, reason: Any) -> None:
        if reactor.running:  # type: ignore[attr-defined]
            reactor.stop()  # type: ignore[attr-defined]


def listen(server: Server, directory: Path, links: list[str]) -> dict[str, Any]:
    """Listen on a port for each kind and link.  Return their addresses."""
    classes = {kind: receiving(kind, server) for kind in RECEIVERS}
    classes["amp"] = answering(server)
    ports: dict[str, Any] = {}
    for kind, made in classes.items():
        factory = Factory.forProtocol(made)
        factory.noisy = False
        for link in links:
            ports[f"{kind} {link}"] = _listen(link, factory, directory / f"{kind}")
    return ports


def _listen(link: str, factory: Any, path: Path) -> Any:
    if link == "unix":
        reactor.listenUNIX(str(path), factory, backlog=200)  # type: ignore[attr-defined]
        return str(path)
    if link == "tcp":
        port = reactor.listenTCP(0, factory, backlog=200, interface="127.0.0.1")  # type: ignore[attr-defined]
    else:
        from tests.live.certificates import certificate

        context = certificate("server").options()
        port = reactor.listenSSL(0, factory, context, backlog=200, interface="127.0.0.1")  # type: ignore[attr-defined]
    return port.getHost().port


def main() -> None:
    directory, links, leak = sys.argv[1:4]
    server = Server(LEAKS.get(leak))
    globalLogBeginner.beginLoggingTo([server.logged], discardBuffer=True, redirectStandardIO=False)
    ports = listen(server, Path(directory), [each for each in LINKS if each in links.split(",")])
    stdio.StandardIO(Control(server, ports))
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
