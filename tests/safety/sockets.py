"""
Real sockets for a check: a reactor that runs until the check ends, servers, clients and hostile
peers.

All sockets that a check opens are closed at its end, even if it fails.
"""

from __future__ import annotations

import functools
import inspect
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, maybeDeferred
from twisted.internet.endpoints import (
    SSL4ClientEndpoint,
    SSL4ServerEndpoint,
    TCP4ClientEndpoint,
    TCP4ServerEndpoint,
    UNIXClientEndpoint,
    UNIXServerEndpoint,
    connectProtocol,
)
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure

from .promises import Modules, require

__all__ = ["Network", "Raw", "onSockets", "sleep"]

#: The time limit of a check, in seconds.  Reaching it is an error of its own.
_LONGEST = 60.0

_clock: Any = reactor


def run(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run the reactor until C{coroutine} is done."""
    ends: list[Any] = []
    running = False

    def done(result: Any) -> None:
        ends.append(result)
        if running:
            _clock.crash()

    def tooLong() -> None:
        working.cancel()

    late = _clock.callLater(_LONGEST, tooLong)
    working = Deferred.fromCoroutine(coroutine)
    working.addBoth(done)
    while not ends:
        running = True
        _clock.run(installSignalHandlers=False)
    if late.active():
        late.cancel()
    if isinstance(ends[0], Failure):
        ends[0].raiseException()


def sleep(seconds: float) -> Deferred[None]:
    """Let the reactor run for C{seconds}."""
    over: Deferred[None] = Deferred()
    _clock.callLater(seconds, over.callback, None)
    return over


class Raw(Protocol):
    """
    A peer that sends only what it is told to send.

    @ivar received: the bytes it has received.
    @ivar reason: why the connection was lost, or C{None}.
    """

    def __init__(self, greeting: bytes = b"") -> None:
        self.greeting = greeting
        self.received = b""
        self.reason: Any = None
        self.transport: Any = None

    def connectionMade(self) -> None:
        """Send the greeting."""
        if self.greeting:
            self.transport.write(self.greeting)

    def dataReceived(self, data: bytes) -> None:
        """Keep the bytes."""
        self.received += data

    def connectionLost(self, reason: Any = None) -> None:
        """Keep the reason."""
        self.reason = reason

    def startTLS(self, options: Any, words: bytes = b"") -> None:
        """Start a handshake and send C{words} after it, unless the connection is lost."""
        if not self.lost:
            self.transport.startTLS(options)
            self.transport.write(words)

    @property
    def socketTransport(self) -> Any:
        """The transport with the socket, below TLS."""
        return getattr(self.transport, "transport", self.transport)

    @property
    def lost(self) -> bool:
        """Whether the connection is lost."""
        return self.reason is not None


class _Serve(Factory):
    """Makes one protocol for each connection."""

    noisy = False

    def __init__(self, make: Callable[[], Any], made: list[Any]) -> None:
        self.make = make
        self.made = made

    def buildProtocol(self, addr: object) -> Any:
        made = self.make()
        self.made.append(made)
        return made


class Network:
    """
    The sockets of one check.

    @ivar modules: the modules that the check tests.  They decide how long to wait.
    @ivar tls: whether all connections use TLS from the first byte on.
    """

    def __init__(self, modules: Modules, tls: bool = False) -> None:
        self.modules = modules
        self.tls = tls
        self._ports: list[Any] = []
        self._transports: list[Any] = []
        self._folders: list[str] = []

    async def serve(self, make: Callable[[], Any], tls: bool | None = None) -> _Served:
        """Listen on a free local port; C{make} makes a protocol for each connection."""
        made: list[Any] = []
        port = await self._listening(self.tls if tls is None else tls).listen(_Serve(make, made))
        self._ports.append(port)
        return _Served(self, port.getHost().port, made)

    def _listening(self, tls: bool) -> Any:
        if not tls:
            return TCP4ServerEndpoint(_clock, 0, interface="127.0.0.1")
        from tests.live.certificates import certificate

        return SSL4ServerEndpoint(_clock, 0, certificate("server").options(), interface="127.0.0.1")

    def _connecting(self, number: int) -> Any:
        if not self.tls:
            return TCP4ClientEndpoint(_clock, "127.0.0.1", number)
        from twisted.internet import ssl

        return SSL4ClientEndpoint(_clock, "127.0.0.1", number, ssl.CertificateOptions())

    async def connectTo(self, number: int, client: Any) -> None:
        """Connect C{client} to a local port that another server listens on."""
        await connectProtocol(self._connecting(number), client)
        self.remember(client.transport)

    async def pair(self, server: Any, client: Any) -> None:
        """Connect two protocols."""
        served = await self.serve(lambda: server)
        await served.connect(client)

    async def pairOnUNIX(self, server: Any, client: Any) -> None:
        """Connect two protocols over a UNIX socket."""
        folder = tempfile.mkdtemp(prefix="t-")  # the address of a UNIX socket must be short
        self._folders.append(folder)
        path = os.path.join(folder, "s")
        self._ports.append(await UNIXServerEndpoint(_clock, path).listen(_Serve(lambda: server, [])))
        await connectProtocol(UNIXClientEndpoint(_clock, path), client)
        self.remember(client.transport)
        while server.transport is None:
            await sleep(0.001)
        self.remember(server.transport)

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Wait for C{condition}.  The promise is broken if it does not come true in time."""
        end = _clock.seconds() + self.modules.patience
        while not condition():
            require(_clock.seconds() < end, f"not in time: {what}")
            await sleep(0.002)

    async def outcome(self, asked: Deferred[Any], what: str) -> Any:
        """Wait for a call to end, and return its result, which may be a C{Failure}."""
        ends: list[Any] = []
        asked.addBoth(ends.append)
        await self.until(lambda: ends, what)
        return ends[0]

    def remember(self, transport: Any) -> None:
        """Close C{transport} at the end, if it is still open."""
        self._transports.append(getattr(transport, "transport", transport))  # the socket itself, below TLS

    async def close(self) -> None:
        """Close everything."""
        for transport in self._transports:
            transport.abortConnection()
        await DeferredList([maybeDeferred(port.stopListening) for port in self._ports])
        await sleep(0)
        await sleep(0.001)
        for folder in self._folders:
            shutil.rmtree(folder)


class _Served:
    """
    A port that a server listens on.

    @ivar number: the port number.
    @ivar protocols: the protocols of its connections, in order.
    """

    def __init__(self, network: Network, number: int, protocols: list[Any]) -> None:
        self._network = network
        self.number = number
        self.protocols = protocols

    async def connect(self, client: Any) -> Any:
        """
        Connect C{client}.

        @return: the server's protocol of that connection.
        """
        network = self._network
        before = len(self.protocols)
        await connectProtocol(network._connecting(self.number), client)
        network.remember(client.transport)
        while len(self.protocols) == before or self.protocols[-1].transport is None:
            await sleep(0.001)
        network.remember(self.protocols[-1].transport)
        return self.protocols[-1]


def onSockets(check: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """
    Turn an C{async} check that takes C{modules} and C{network} into a plain one with C{modules}.
    """

    @functools.wraps(check)
    def whole(*arguments: Any, modules: Modules, **named: Any) -> None:
        tls = bool(named.get("tls", False))
        network = Network(modules, tls)

        async def body() -> None:
            try:
                await check(*arguments, modules=modules, network=network, **named)
            finally:
                await network.close()

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # from pyOpenSSL
            run(body())

    signature = inspect.signature(check)
    kept = [each for each in signature.parameters.values() if each.name != "network"]
    whole.__signature__ = signature.replace(parameters=kept)  # type: ignore[attr-defined]
    return whole
