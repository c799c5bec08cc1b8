"""Two ends in memory with features beyond Twisted's AMP.  One of them may be Twisted's."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import MemoryConnection, connectInMemory, loadStock
from twisted_basic_ng import amp

__all__ = [
    "STOCK",
    "THEIRS",
    "Echo",
    "ExtendedCase",
    "FatalError",
    "Note",
    "Peer",
    "RefusedError",
    "StockPeer",
    "commandsIn",
]

STOCK: Any = loadStock("amp")


class RefusedError(Exception):
    """An error that a responder declares."""


class FatalError(Exception):
    """A fatal error that a responder declares."""


class Vocabulary:
    """The commands and the responders of one library."""

    def __init__(self, module: Any) -> None:
        arguments = [
            (b"data", module.String(optional=True)),
            (b"numbers", module.ListOf(module.Integer(), optional=True)),
        ]

        class Echo(module.Command):  # type: ignore[misc, name-defined]
            """A command that returns its arguments."""

            response = list(arguments)
            errors = {RefusedError: b"REFUSED"}
            fatalErrors = {FatalError: b"FATAL"}

        Echo.arguments = list(arguments)

        class Note(module.Command):  # type: ignore[misc, name-defined]
            """A command without an answer."""

            requiresAnswer = False

        Note.arguments = list(arguments)

        class Peer(module.AMP):  # type: ignore[misc, name-defined]
            """
            Responds with the result of C{respond}.

            @ivar asked: the lengths of the data of each call.
            """

            def __init__(self) -> None:
                super().__init__()
                self.asked: list[int] = []
                self.respond: Any = lambda data, numbers: {"data": data, "numbers": numbers}

            def makeConnection(self, transport: Any) -> None:
                self.wire = transport
                super().makeConnection(transport)

            @Echo.responder
            def echo(self, data: bytes = b"", numbers: Any = None) -> Any:
                self.asked.append(len(data))
                return self.respond(data, numbers)

            @Note.responder
            def note(self, data: bytes = b"", numbers: Any = None) -> Any:
                self.asked.append(len(data))
                return {}

        self.Echo, self.Note, self.Peer = Echo, Note, Peer


OURS, THEIRS = Vocabulary(amp), Vocabulary(STOCK)
Echo: Any = OURS.Echo
Note: Any = OURS.Note


class Peer(OURS.Peer):  # type: ignore[misc, name-defined]
    """A peer with the features switched on."""

    extended = True


StockPeer: Any = THEIRS.Peer


def commandsIn(data: bytes) -> list[Any]:
    """
    Name the boxes in C{data}: by the command of a call, C{answer}, the code of an error, or the
    keys.
    """
    return [
        box.get(b"_command") or box.get(b"_error_code") or (b"answer" if b"_answer" in box else tuple(sorted(box)))
        for box in amp.parseString(data)
    ]


class ExtendedCase(SynchronousTestCase):
    """A client and a server that both have the features."""

    client: Any
    server: Any

    def setUp(self) -> None:
        self.join(Peer(), Peer())

    def join(self, client: Any, server: Any, size: int | None = None) -> MemoryConnection:
        """Connect a client and a server."""
        self.client, self.server = client, server
        self.wire = connectInMemory(client, server, size)
        return self.wire

    def ask(self, size: int, peer: Any = None, **kw: Any) -> list[Any]:
        """
        Call C{Echo} with C{size} bytes, from the client or C{peer}.  The returned list will hold
        the result.
        """
        results: list[Any] = []
        call = (self.client if peer is None else peer).callRemote(Echo, data=b"x" * size, **kw)
        call.addCallback(lambda response: results.append(len(response["data"])))
        call.addErrback(lambda failure: results.append(failure.value))
        return results

    def asked(self, size: int, **kw: Any) -> Any:
        """Call C{Echo}, and return the result."""
        results = self.ask(size, **kw)
        self.wire.flush()
        return results[0]

    def sent(self, peer: Any = None) -> list[Any]:
        """Name the boxes that the client or C{peer} has sent so far."""
        return commandsIn((self.client if peer is None else peer).wire.written)

    def waiting(self, answering: Deferred[Any]) -> list[Any]:
        """Return a list that will hold the result of a call."""
        results: list[Any] = []
        answering.addBoth(lambda result: results.append(getattr(result, "value", result)))
        return results
