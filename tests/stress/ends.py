"""
The two ends of a run, Twisted's or ours, and their records.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Protocol

from tests.helpers import loadStock
from twisted_basic_ng import amp as ours

if TYPE_CHECKING:
    from .run import Run

__all__ = ["Book", "Inner", "InnerFactory", "makeEnd", "moduleOf"]


def moduleOf(side: str) -> Any:
    """Return Twisted's module, or ours."""
    return ours if side == "ours" else loadStock("amp")


class Book:
    """
    The calls of an end, and their results.

    @ivar sent: the numbers of its calls, in order.
    @ivar kinds: the kinds of its calls.
    @ivar results: the results of its calls; a list for each.
    @ivar cancelled: the numbers of the calls that were cancelled before they ended.
    @ivar calls: the calls that may still be cancelled.
    @ivar taken: the numbers of the other end's calls, in the order of their arrival.
    @ivar most: the maximum of each measurement.
    @ivar isClosed: whether no more calls can be made.
    """

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.kinds: dict[int, str] = {}
        self.results: dict[int, list[Any]] = {}
        self.cancelled: set[int] = set()
        self.calls: dict[int, Any] = {}
        self.taken: list[int] = []
        self.most: dict[str, int] = {}
        self.isClosed = False

    def measure(self, what: str, number: int) -> None:
        """Update the maximum of a measurement."""
        self.most[what] = max(self.most.get(what, 0), number)


class Inner(Protocol):
    """The protocol that takes over.  It sends one word, and waits for that of the other end."""

    def __init__(self, run: Run, side: int) -> None:
        self._run = run
        self._side = side

    def connectionMade(self) -> None:
        self._run.books[self._side].isClosed = True
        assert self.transport is not None
        self.transport.write(b"!")

    def dataReceived(self, data: bytes) -> None:
        if data != b"!":
            self._run.wrong.append(f"the inner protocol got {data[:40]!r}")
        self._run.innerHeard(self._side)


class InnerFactory:
    """Makes the protocol that takes over."""

    def __init__(self, run: Run, side: int) -> None:
        self._run = run
        self._side = side

    def buildProtocol(self, address: object) -> Inner:
        return Inner(self._run, self._side)

    def clientConnectionLost(self, connector: object, reason: object) -> None:
        """Do nothing: the inner protocol is notified."""

    def clientConnectionFailed(self, connector: object, reason: Any) -> None:
        self._run.wrong.append(f"the protocol was not changed: {reason!r}")


@cache
def words(side: str) -> Any:
    """Return the class of an end, with its commands as attributes."""
    module = moduleOf(side)
    number = (b"n", module.Integer())

    class Act(module.Command):  # type: ignore[misc, name-defined]
        arguments = [
            number,
            (b"later", module.Boolean()),
            (b"size", module.Integer()),
            (b"load", module.String()),
        ]
        response = [number, (b"load", module.String())]

    class Note(module.Command):  # type: ignore[misc, name-defined]
        arguments = [number, (b"load", module.String())]
        requiresAnswer = False

    class Give(module.Command):  # type: ignore[misc, name-defined]
        arguments = [number, (b"file", module.Descriptor()), (b"rows", module.AmpList([(b"f", module.Descriptor())]))]
        response = [number, (b"file", module.Descriptor())]

    class Hand(module.Command):  # type: ignore[misc, name-defined]
        arguments = [number, (b"file", module.Descriptor())]
        requiresAnswer = False

    class Poll(module.Command):  # type: ignore[misc, name-defined]
        arguments = [number]
        response = [number]

    class Back(module.Command):  # type: ignore[misc, name-defined]
        arguments = [number]
        response = [number]

    class Change(module.ProtocolSwitchCommand):  # type: ignore[misc, name-defined]
        pass

    class End(module.AMP):  # type: ignore[misc, name-defined]
        logConnections = False
        act, note, give, hand = Act, Note, Give, Hand
        poll, back, change, tls = Poll, Back, Change, module.StartTLS

        def __init__(self, run: Run, side: int) -> None:
            super().__init__()
            self.run, self.side, self.book = run, side, run.books[side]
            self.lost: Deferred[None] = Deferred()

        @Act.responder
        def respond(self, n: int, later: bool, size: int, load: bytes) -> Any:
            self.run.taken(self, n)
            answer = {"n": n, "load": b"x" * size}
            return self.run.laterOf(answer) if later else answer

        @Note.responder
        def take(self, n: int, load: bytes) -> Any:
            self.run.taken(self, n)
            return {}

        @Give.responder
        def takeFiles(self, n: int, file: int, rows: list[dict[str, Any]]) -> Any:
            self.run.taken(self, n)
            for each in (file, *(row["f"] for row in rows)):
                self.run.claimed(n, each)
            return {"n": n, "file": self.run.files[n % len(self.run.files)]}

        @Hand.responder
        def takeFile(self, n: int, file: int) -> Any:
            self.run.taken(self, n)
            self.run.claimed(n, file)
            return {}

        @Poll.responder
        def wait(self, n: int) -> Any:
            self.run.taken(self, n)
            return self.run.lastOf({"n": n})

        @Back.responder
        def callBack(self, n: int) -> Any:
            self.run.taken(self, n)
            return self.run.callBack(self).addBoth(lambda result: {"n": n})

        @Change.responder
        def changeOver(self) -> Any:
            return Inner(self.run, self.side)

        @module.StartTLS.responder
        def secure(self) -> Any:
            return self.run.credentials()

        def dataReceived(self, data: bytes) -> None:
            self.run.sawSomething()
            super().dataReceived(data)
            self.run.measure(self)

        def unhandledError(self, failure: Any) -> None:
            self.run.wrong.append(f"end {self.side}: {failure.getTraceback()}")
            super().unhandledError(failure)

        def connectionLost(self, reason: Any) -> None:
            self.book.isClosed = True
            super().connectionLost(reason)
            self.run.lost(self, reason)
            if not self.lost.called:
                self.lost.callback(None)

    return End


def makeEnd(run: Run, side: int) -> Any:
    """Make one of the ends of a run."""
    scenario = run.scenario
    end = words(scenario.sides[side])(run, side)
    if scenario.sides[side] == "ours":
        end.MAX_ASKS_IN_PROGRESS, end.MAX_UNSENT_BYTES = scenario.bounds[side]
    return end


def inodeOf(descriptor: int) -> int:
    """Return the inode of a descriptor's file."""
    return os.fstat(descriptor).st_ino
