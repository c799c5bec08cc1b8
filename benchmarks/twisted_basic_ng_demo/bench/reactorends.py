"""
The ends of connections over loopback that run on one of Twisted's reactors.

A server says its port and serves until its standard input is closed.  A client makes as many calls as a line on its
standard input says, with as many in flight as that says, and answers with the seconds; then the next line.
"""

# mypy: allow-untyped-calls
# (Twisted's own AMP and PB have no annotations.)

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable
from importlib import import_module
from time import perf_counter
from typing import Any, Final

from twisted.internet import stdio
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from .sides import PACKAGES, checked

__all__ = ["ECHOED", "Ask", "ask", "choose", "client", "serve", "server", "sink", "windowed"]

#: How long a raw echo is: as long as the box of a call with a number of three digits.
ECHOED: Final = 41

#: Makes a call with a number and 2, and one more argument: called with what comes of it.
Ask = Callable[[int], "Deferred[int]"]


def choose(fast: bool) -> None:
    """
    Choose this process's reactor.

    @param fast: one on uvloop; else the usual one.
    """
    if fast:
        import uvloop

        from twisted.internet import asyncioreactor

        asyncioreactor.install(uvloop.new_event_loop())


class _Parent(Protocol):
    """
    The parent, at the other end of standard input.

    @ivar told: is called with each line.
    """

    def __init__(self, told: Callable[[bytes], object], stop: Callable[[], object]) -> None:
        self.told = told
        self.stop = stop

    def dataReceived(self, data: bytes) -> None:
        """Take a line, which a pipe carries in one piece because it is short and the next waits for an answer."""
        self.told(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The parent is gone, or wants no more."""
        self.stop()


def serve(factory: Factory) -> None:
    """Serve until standard input is closed."""
    from twisted.internet import reactor as installed

    reactor: Any = installed
    port = reactor.listenTCP(0, factory, interface="127.0.0.1")
    print(port.getHost().port, flush=True)
    stdio.StandardIO(_Parent(len, reactor.stop), reactor=reactor)
    reactor.run()


def ask(connect: Callable[[Any], Deferred[Ask]]) -> None:
    """
    Call until standard input is closed.

    @param connect: is given the reactor; gives what makes a call.
    """
    from twisted.internet import reactor as installed

    reactor: Any = installed

    def told(call: Ask, line: bytes) -> None:
        count, window = map(int, line.split())
        windowed(call, count, window).addCallbacks(say, failed)

    def failed(failure: Failure) -> None:
        failure.printTraceback(sys.stderr)
        reactor.stop()

    def connected(call: Ask) -> None:
        stdio.StandardIO(_Parent(lambda line: told(call, line), reactor.stop), reactor=reactor)

    connect(reactor).addCallbacks(connected, failed)
    reactor.run()


def say(seconds: float) -> None:
    """Tell the parent how long it took."""
    print(seconds, flush=True)


def windowed(call: Ask, count: int, window: int) -> Deferred[float]:
    """
    Make C{count} calls, C{window} of them in flight; see that each was answered.

    @return: fires with the seconds.
    """
    done: Deferred[float] = Deferred()
    numbers = iter(range(count))
    totals: list[int] = []

    def proceed() -> None:
        for number in numbers:
            call(number).addCallback(answered).addErrback(done.errback)
            return

    def answered(total: int) -> None:
        totals.append(total)
        if len(totals) < count:
            proceed()
            return
        seconds = perf_counter() - began
        checked(sum(totals), sum(range(2, count + 2)))
        done.callback(seconds)

    began = perf_counter()
    for _ in range(window):
        proceed()
    return done


def _connected(reactor: Any, port: int, protocol: Any, call: Ask) -> Deferred[Ask]:
    from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol

    connecting: Deferred[Any] = connectProtocol(TCP4ClientEndpoint(reactor, "127.0.0.1", port), protocol)
    return connecting.addCallback(lambda _: call)


def _sum(amp: Any) -> Any:
    class Sum(amp.Command):  # type: ignore[misc]
        arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
        response = [(b"total", amp.Integer())]

    return Sum


def _ampServer(package: str) -> Factory:
    amp: Any = import_module(f"{package}.amp")
    command = _sum(amp)

    class Server(amp.AMP):  # type: ignore[misc]
        @command.responder  # type: ignore[untyped-decorator]
        def sum(self, a: int, b: int) -> dict[str, int]:
            """Answer."""
            return {"total": a + b}

    return Factory.forProtocol(Server)


def _ampClient(package: str, port: int, reactor: Any) -> Deferred[Ask]:
    amp: Any = import_module(f"{package}.amp")
    command, protocol = _sum(amp), amp.AMP()

    def call(number: int) -> Any:
        return protocol.callRemote(command, a=number, b=2).addCallback(total)

    def total(answer: dict[str, int]) -> int:
        return answer["total"]

    return _connected(reactor, port, protocol, call)


def _pbServer() -> Any:
    from twisted.spread import pb

    class Root(pb.Root):
        def remote_sum(self, a: int, b: int) -> int:
            """Answer."""
            return a + b

    return pb.PBServerFactory(Root())


def _pbClient(port: int, reactor: Any) -> Deferred[Ask]:
    from twisted.spread import pb

    factory: Any = pb.PBClientFactory()
    reactor.connectTCP("127.0.0.1", port, factory)

    def calling(root: Any) -> Ask:
        return lambda number: root.callRemote("sum", number, 2)

    getting: Deferred[Ask] = factory.getRootObject().addCallback(calling)
    return getting


class _Echo(Protocol):
    """Sends back what comes."""

    def dataReceived(self, data: bytes) -> None:
        """Send it back."""
        assert self.transport is not None
        self.transport.write(data)


class _Echoed(Protocol):
    """
    Sends some bytes for each call, and waits for as many.

    @ivar waiting: the calls in flight, the first one first.
    @ivar come: how many bytes have come back of these.
    """

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, Deferred[int]]] = deque()
        self.come = 0

    def call(self, number: int) -> Deferred[int]:
        """Send them."""
        assert self.transport is not None
        done: Deferred[int] = Deferred()
        self.waiting.append((number, done))
        self.transport.write(b"x" * ECHOED)
        return done

    def dataReceived(self, data: bytes) -> None:
        """Count them."""
        self.come += len(data)
        while self.come >= ECHOED:
            self.come -= ECHOED
            number, done = self.waiting.popleft()
            done.callback(number + 2)


def _echoClient(port: int, reactor: Any) -> Deferred[Ask]:
    protocol = _Echoed()
    return _connected(reactor, port, protocol, protocol.call)


def sink(package: str, name: str, count: int) -> Factory:
    """
    Serve a receiver that says, with one byte, that C{count} messages more are there.

    @param name: the name of the receiver's class.
    """
    receiver: Any = getattr(import_module(f"{package}.basic"), name)

    class Sink(receiver):  # type: ignore[misc]
        left = count

        def lineReceived(self, line: bytes) -> None:
            self.left -= 1
            if not self.left:
                self.left = count
                self.transport.write(b".")

        stringReceived = lineReceived

    return Factory.forProtocol(Sink)


def server(side: str) -> Factory:
    """Answer calls as C{side} does."""
    if side in PACKAGES:
        return _ampServer(PACKAGES[side])
    return _pbServer() if side == "PB" else Factory.forProtocol(_Echo)


def client(side: str, port: int) -> Callable[[Any], Deferred[Ask]]:
    """Say how C{side} connects, in order to call."""
    if side in PACKAGES:
        return lambda reactor: _ampClient(PACKAGES[side], port, reactor)
    connect = _pbClient if side == "PB" else _echoClient
    return lambda reactor: connect(port, reactor)
