"""
Nothing of a lost connection stays in memory, even if the application keeps the Deferred of a call,
its error, an answer, or the protocol.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp

from .boxes import box
from .promises import OURS, Modules, alike
from .sockets import Network, onSockets


class Raising(amp.Integer):
    """An argument that cannot be parsed."""

    def fromString(self, inString: bytes) -> Any:
        raise ZeroDivisionError


class Refusing(amp.Integer):
    """An argument whose parsing fails with an error that the command declares."""

    def fromString(self, inString: bytes) -> Any:
        raise amp.RemoteAmpError(b"DECLARED", "refused")


class DeclaredError(Exception):
    """A declared error."""


class TwoTextsError(Exception):
    """A declared error that needs two texts."""

    def __init__(self, one: str, other: str) -> None:
        super().__init__(one, other)


class Ask(amp.Command):
    """A command that is answered with a number."""

    arguments = [(b"values", amp.ListOf(amp.Integer()))]
    response = [(b"number", amp.Integer())]
    errors = {DeclaredError: b"DECLARED", TwoTextsError: b"TWO"}


class AskRaising(Ask):
    response = [(b"number", Raising())]


class AskRefusing(Ask):
    response = [(b"number", Refusing())]


class Credentials:
    """Options for a transport that only pretends to start TLS."""

    def options(self, *authorities: Any) -> Any:
        return authorities


class Values(list[int]):
    """A list that can be referenced weakly."""


class Peer(amp.AMP):
    logConnections = False

    def unhandledError(self, failure: Failure) -> None:
        """Log nothing, since events logged before logging begins are kept for it."""

    @amp.StartTLS.responder
    def secure(self) -> Any:
        return {"tls_localCertificate": Credentials()}


class Bounded(Peer):
    """A peer with all limits set that are off by default."""

    MAX_ASKS_IN_PROGRESS = 1
    MAX_UNSENT_BYTES = 100
    MAX_MESSAGE_TIME = 600


def error(code: bytes) -> bytes:
    return box(_error=b"1", _error_code=code, _error_description=b"text")


#: What happens to a call whose tag is 1, before the connection is lost.
FATES: dict[str, Callable[[Any, Any], object]] = {
    "nothing": lambda peer, called: None,
    "answered": lambda peer, called: peer.dataReceived(box(_answer=b"1", number=b"5")),
    "declared": lambda peer, called: peer.dataReceived(error(b"DECLARED")),
    "unmakeable": lambda peer, called: peer.dataReceived(error(b"TWO")),
    "unknown": lambda peer, called: peer.dataReceived(error(b"OTHER")),
    "unhandled": lambda peer, called: peer.dataReceived(error(b"UNHANDLED")),
    "cancelled": lambda peer, called: called.cancel(),
    "cancelledAndAnswered": lambda peer, called: [called.cancel(), peer.dataReceived(box(_answer=b"1", number=b"5"))],
    "half": lambda peer, called: peer.dataReceived(box(_answer=b"1", number=b"5")[:-5]),
    "answeredAndHalf": lambda peer, called: peer.dataReceived(box(_answer=b"1", number=b"5") * 2 + b"\0\1"),
    "left": lambda peer, called: peer._ampLeavePeer(),
    "refused": lambda peer, called: peer.dataReceived(b"\1\0"),
}

CALLS: dict[str, Callable[[Any], Any]] = {
    "Ask": lambda peer: peer.callRemote(Ask, values=[1]),
    "AskRaising": lambda peer: peer.callRemote(AskRaising, values=[1]),
    "AskRefusing": lambda peer: peer.callRemote(AskRefusing, values=[1]),
    "string": lambda peer: peer.callRemoteString(b"x"),
    "StartTLS": lambda peer: peer.callRemote(amp.StartTLS, tls_localCertificate=Credentials()),
}


def lose(peer: Any) -> None:
    peer.connectionLost(Failure(ConnectionDone()))


def connect(kind: Any) -> tuple[Any, Callable[[], list[Any]]]:
    """
    Make a connected protocol.

    @return: the protocol, and a function that returns which of the two are still in memory.
    """
    peer, transport = kind(), RecordingTransport()
    transport.connect(peer)
    references = [weakref.ref(each) for each in (peer, transport)]
    return peer, lambda: [each() for each in references if each() is not None]


def end(fate: str, peer: Any, called: Any) -> None:
    """Apply C{fate} to a call, and then lose the connection."""
    try:
        FATES[fate](peer, called)
    except amp.UnknownTagError:
        pass  # a transport closes the connection for this
    lose(peer)


@pytest.mark.parametrize("kind", [Peer, Bounded])
@pytest.mark.parametrize("call", CALLS)
class TestCalled:
    """The objects of a call that has ended, in whatever way."""

    @pytest.mark.parametrize("isHandled", [True, False], ids=["handled", "unhandled"])
    def test_deferred(self, kind: Any, call: str, isHandled: bool) -> None:
        """The Deferred of a call keeps neither the protocol nor the transport."""
        kept: list[Any] = []
        left: dict[str, Callable[[], list[Any]]] = {}
        for fate in FATES:
            peer, left[fate] = connect(kind)
            called = CALLS[call](peer)
            kept += called, peer.callRemoteString(b"another")
            for each in kept[-2:]:
                each.addErrback(lambda failure: None if isHandled else failure)
            end(fate, peer, called)
        del peer
        gc.collect()
        assert {fate: whatIsLeft() for fate, whatIsLeft in left.items() if whatIsLeft()} == {}
        for each in kept:
            each.addErrback(lambda failure: None)

    def test_protocol(self, kind: Any, call: str) -> None:
        """The protocol keeps neither the transport nor the call."""
        kept: list[Any] = []
        calls: dict[str, Any] = {}
        for fate in FATES:
            peer, whatIsLeft = connect(kind)
            called = CALLS[call](peer)
            called.addErrback(lambda failure: None)
            end(fate, peer, called)
            kept.append((peer, whatIsLeft))
            calls[fate] = weakref.ref(called)
        del called
        gc.collect()
        assert [whatIsLeft() for _, whatIsLeft in kept] == [[peer] for peer, _ in kept]
        assert {fate for fate, reference in calls.items() if reference() is not None} == set()
        assert not any(peer._ampCancelledRequests for peer, _ in kept)


class TestMore:
    """Other objects that an application may keep."""

    def test_arguments(self) -> None:
        """The arguments of an answered call are freed while the connection is still open."""
        peer, _ = connect(Peer)
        values = Values([1, 2])
        called = peer.callRemote(Ask, values=values)
        reference = weakref.ref(values)
        del values
        peer.dataReceived(box(_answer=b"1", number=b"5"))
        gc.collect()
        assert reference() is None
        assert called.result == {"number": 5}
        lose(peer)

    @pytest.mark.parametrize("fate", ["declared", "unmakeable", "unknown", "unhandled", "cancelled", "nothing"])
    @pytest.mark.parametrize("call", ["Ask", "string"])
    def test_error(self, fate: str, call: str) -> None:
        """An error of the peer keeps nothing in memory."""
        peer, whatIsLeft = connect(Peer)
        called = CALLS[call](peer)
        kept: list[Any] = []
        called.addErrback(kept.append)
        FATES[fate](peer, called)
        lose(peer)
        kept.append(kept[0].value)
        kept[0].cleanFailure()
        vars(kept[0]).pop("_twisted_raw_excinfo", None)  # added by pytest, with older Twisteds
        del peer
        gc.collect()
        assert whatIsLeft() == []

    def test_parts(self) -> None:
        """
        A locator that outlives the connection, and the Deferreds of its responders, keep nothing.
        """
        asked: list[Deferred[Any]] = []

        class Locator(amp.CommandLocator):
            @Ask.responder
            def ask(self, values: Any) -> Any:
                asked.append(Deferred())
                return asked[-1]

        locator = Locator()
        connection: Any = Bounded(locator=locator)
        transport = RecordingTransport().connect(connection)
        references = [weakref.ref(each) for each in (connection, transport)]
        connection.dataReceived(box(_command=b"Ask", _ask=b"1", values=b"\0\0011") * 3)
        asked[0].callback({"number": 5})
        lose(connection)
        asked[1].callback({"number": 5})
        assert len(asked) == 2
        del connection, transport
        gc.collect()
        assert [each() for each in references] == [None, None]

    def test_receiver(self) -> None:
        """A separate dispatcher keeps only its box sender, as in Twisted."""
        dispatcher = amp.BoxDispatcher(None)
        dispatcher.MAX_ASKS_IN_PROGRESS = 1  # type: ignore[misc]
        connection: Any = amp.BinaryBoxProtocol(dispatcher)
        RecordingTransport().connect(connection)
        results = [dispatcher.callRemoteString(b"x") for _ in range(3)]
        for each in results:
            each.addErrback(lambda failure: None)  # type: ignore[union-attr]
        lose(connection)
        dispatcher.boxSender = None
        reference = weakref.ref(connection)
        del connection
        gc.collect()
        assert reference() is None


class TestOnSockets:
    """Nothing is kept on real sockets, too."""

    @pytest.mark.parametrize("tls", [False, True], ids=["tcp", "tls"])
    @alike
    @onSockets
    async def test_closed(self, modules: Modules, network: Network, tls: bool) -> None:
        """
        The connection is freed on the side that closes it, even if the peer waits for an answer.
        """
        if tls:
            pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        client, server = ends(modules)
        await network.pair(server, client)
        await network.outcome(client.callRemoteString(b"echo", text=b"x" * 5000), "an answer")
        waiting = client.callRemoteString(b"never")
        # Not the client: Twisted keeps its factory for a later log event.
        references = [weakref.ref(each) for each in (server, client.transport, server.transport)]
        server.transport.loseConnection()
        result = await network.outcome(waiting, "the end of the call")
        assert result.check(ConnectionDone)
        await network.until(lambda: client.transport is None and server.transport is None, "the end of both sides")
        network._transports.clear()
        network._ports.pop().stopListening()
        if modules is OURS:
            del server
            await network.until(lambda: gc.collect() >= 0 and not any(each() for each in references), "nothing is left")
        del waiting, result


def ends(modules: Modules) -> tuple[Any, Any]:
    """Make two ends of a connection, with limits where our module has them."""

    class End(modules.amp.AMP):  # type: ignore[misc, name-defined]
        logConnections = False
        MAX_ASKS_IN_PROGRESS = 1
        MAX_UNSENT_BYTES = 1000
        MAX_MESSAGE_TIME = 600

        def amp_ECHO(self, box: Any) -> Any:
            return modules.amp.Box(text=box[b"text"])

        def amp_NEVER(self, box: Any) -> Any:
            return Deferred()

    return End(), End()
