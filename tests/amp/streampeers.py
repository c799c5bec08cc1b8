"""Commands with streams, and peers that respond to them.  One peer may be Twisted's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from twisted.internet.defer import Deferred

from tests.helpers import MemoryConnection, loadStock
from twisted_basic_ng import amp

__all__ = ["Add", "Peer", "StockPeer", "Talk", "Upload", "Watch", "connectPeers", "outcome"]

STOCK: Any = loadStock("amp")


class Upload(amp.Command):
    """A command with a stream as argument; C{how} selects what the responder does."""

    arguments = [(b"how", amp.Unicode()), (b"data", amp.Stream(optional=True))]
    response = [(b"size", amp.Integer())]
    errors = {ZeroDivisionError: b"ZERO"}


class Watch(amp.Command):
    """A command that returns a stream of numbers."""

    arguments = [(b"count", amp.Integer())]
    response = [(b"numbers", amp.StreamOf(amp.Integer())), (b"note", amp.Unicode(optional=True))]
    errors = {ZeroDivisionError: b"ZERO"}


class Talk(amp.Command):
    """A command that answers a stream of questions with a stream of answers."""

    arguments = [(b"questions", amp.StreamOf(amp.Unicode()))]
    response = [(b"answers", amp.StreamOf(amp.Unicode()))]


class Add(amp.Command):
    """A command without a stream."""

    arguments = [(b"a", amp.Integer())]
    response = [(b"total", amp.Integer())]


class Peer(amp.AMP):
    """A peer that responds to the commands."""

    extended = True
    logConnections = False
    unhandledErrorsAreFatal = False

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[Any] = []
        self.waiting: Deferred[Any] = Deferred()
        self.contexts: list[Any] = []
        self.added = 0

    @Upload.responder
    async def upload(self, how: str, data: amp.StreamReader | None) -> Any:
        if data is None:
            return {"size": -1}
        if how == "keep":
            self.readers.append(data)
            return {"size": 0}
        if how == "fail":
            raise ZeroDivisionError("not wanted")
        if how == "wait":
            self.readers.append(data)
            await self.waiting
        if how == "ignore":
            return {"size": 0}
        return {"size": len(await data.collect(2**30))}

    @Watch.responder
    def watch(self, count: int) -> Any:
        return {"numbers": self.count(count), "note": "x" * 70_000 if count == 7 else None}

    def count(self, count: int) -> Iterator[int]:
        yield from range(count)
        raise ZeroDivisionError("counted")

    @Talk.responder
    def talk(self, questions: amp.ItemReader) -> Any:
        return {"answers": self.converse(questions)}

    async def converse(self, questions: amp.ItemReader) -> AsyncIterator[str]:
        async for question in questions:
            self.contexts.append(amp.currentCall())
            yield question.upper()

    @Add.responder
    def add(self, a: int) -> Any:
        self.added += 1
        return {"total": a + 1}


class StockAdd(STOCK.Command):  # type: ignore[misc]
    commandName = b"Add"
    arguments = [(b"a", STOCK.Integer())]
    response = [(b"total", STOCK.Integer())]


class StockPeer(STOCK.AMP):  # type: ignore[misc]
    """A peer that runs Twisted's AMP."""

    @StockAdd.responder
    def add(self, a: int) -> Any:
        return {"total": a + 1}


class Connection(MemoryConnection):
    """A connection whose unread streams are stopped at once."""

    def __init__(self, client: Any, server: Any, size: int | None = None) -> None:
        super().__init__(client, server, size)
        for end in (client, server):
            if getattr(end, "extended", False) and hasattr(end, "_ampExtend"):
                end._ampExtend().feature(b"streams").table.soon = lambda function, *args: function(*args)


def outcome(result: Deferred[Any]) -> Deferred[Any]:
    """Return a Deferred with the result of a call, which also handles its error."""
    kept: Deferred[Any] = Deferred()
    result.addBoth(lambda each: kept.callback(each))  # noqa: PLW0108 - which is to return nothing
    return kept


def connectPeers(client: Any, server: Any, size: int | None = None) -> Connection:
    """Connect two peers."""
    return Connection(client, server, size)
