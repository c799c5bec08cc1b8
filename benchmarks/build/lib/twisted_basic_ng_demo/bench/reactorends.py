"""
The ends of loopback connections that run on one of Twisted's reactors.

A server prints its port, and serves until its standard input is closed.  A client reads lines from
its standard input.  Each line says how many calls to make, and how many of them are in flight.  The
client answers with the seconds that they took.
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

#: The size of a raw echo in bytes: that of the box of a call with a number of three digits.
ECHOED: Final = 41

#: Makes a call with a number and 2; the Deferred fires with the answer.
Ask = Callable[[int], "Deferred[int]"]


def choose(fast: bool) -> None:
    """
    Choose this process's reactor.

    @param fast: whether to use a reactor on uvloop rather than the default one.
    """
    if fast:
        import uvloop

        from twisted.internet import asyncioreactor

        asyncioreactor.install(uvloop.new_event_loop())


class _Parent(Protocol):
    """
    The parent process, at the other end of standard input.

    @ivar told: called with each line.
    """

    def __init__(self, told: Callable[[bytes], object], stop: Callable[[], object]) -> None:
        self.told = told
        self.stop = stop

    def dataReceived(self, data: bytes) -> None:
        """
        Pass on a line.  It arrives in one piece, because it is short and the parent awaits each
        answer.
        """
        self.told(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Stop: the parent has exited or has closed the pipe."""
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

    @param connect: called with the reactor; fires with a function that makes a call.
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
    """Tell the parent how many seconds the calls took."""
    print(seconds, flush=True)


def windowed(call: Ask, count: int, window: int) -> Deferred[float]:
    """
    Make C{count} calls, C{window} of them in flight, and check that each was answered.

    @return: fires with the seconds that they took.
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
            """Return the sum."""
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
            """Return the sum."""
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
    """Echoes the data that it receives."""

    def dataReceived(self, data: bytes) -> None:
        """Echo C{data}."""
        assert self.transport is not None
        self.transport.write(data)


class _Echoed(Protocol):
    """
    Sends L{ECHOED} bytes for each call, and waits for their echo.

    @ivar waiting: the calls in flight, oldest first.
    @ivar come: how many bytes of their echoes have arrived.
    """

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, Deferred[int]]] = deque()
        self.come = 0

    def call(self, number: int) -> Deferred[int]:
        """Send the bytes of a call."""
        assert self.transport is not None
        done: Deferred[int] = Deferred()
        self.waiting.append((number, done))
        self.transport.write(b"x" * ECHOED)
        return done

    def dataReceived(self, data: bytes) -> None:
        """Count the bytes, and fire the Deferred of each completed call."""
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
    Serve a receiver that confirms every C{count} messages with one byte.

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
    """Return the server of C{side}."""
    if side in PACKAGES:
        return _ampServer(PACKAGES[side])
    return _pbServer() if side == "PB" else Factory.forProtocol(_Echo)


def client(side: str, port: int) -> Callable[[Any], Deferred[Ask]]:
    """Return a function that connects the client of C{side}."""
    if side in PACKAGES:
        return lambda reactor: _ampClient(PACKAGES[side], port, reactor)
    connect = _pbClient if side == "PB" else _echoClient
    return lambda reactor: connect(port, reactor)
