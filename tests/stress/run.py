"""
One run: two ends that call each other as the scenario says, and the check that everything has
ended.

This file does not know how the two ends are connected, and uses the link to schedule later actions.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionClosed
from twisted.python.failure import Failure

from .ends import Book, InnerFactory, inodeOf, makeEnd, moduleOf
from .scenario import Scenario

try:
    from tests.live.certificates import certificate
except ImportError:  # TLS is not available
    certificate = None  # type: ignore[assignment]

__all__ = ["Run"]

#: How many bytes a box may have in addition to its load.
_FRAME = 300


class Run:
    """
    One run.

    @ivar books: the records of the two ends.
    @ivar wrong: descriptions of errors.
    @ivar open: how many calls have not ended and how many actions are scheduled.
    @ivar files: the descriptors to send.
    @ivar onQuiet: called when nothing is open any more.
    @ivar onEvent: called when anything happens.
    """

    def __init__(self, scenario: Scenario, later: Callable[[Callable[[], object]], object], files: list[int]) -> None:
        self.scenario = scenario
        self.random = Random(scenario.name)
        self.wrong: list[str] = []
        self.books = [Book(), Book()]
        self.open = 0
        self.files = files
        self.inodes = [inodeOf(each) for each in files]
        self.onQuiet: Callable[[], object] = lambda: None
        self.onEvent: Callable[[], object] = lambda: None
        self._later = later
        self._number = 0
        self._heard: set[int] = set()
        self._polls: list[Callable[[], object]] = []
        self._hasAsked = self.isEnding = False
        self.ends = [makeEnd(self, side) for side in (0, 1)]

    # The actions.

    def begin(self) -> None:
        """Start the calls of both ends, and schedule all other actions."""
        scenario = self.scenario
        planned: list[Callable[[], object]] = []
        for side in (0, 1):
            for _ in range(scenario.polls):
                self._number += 1
                self._call(self.ends[side], self.books[side], self._number, "poll", self.ends[side].poll, {})
            planned += [lambda side=side: self.call(side)] * scenario.calls[side]  # type: ignore[misc]
        if scenario.change != "none":
            planned.append(self.change)
        self.random.shuffle(planned)
        atOnce = round(len(planned) * scenario.atOnce)
        for each in planned[:atOnce]:
            each()
        for each in planned[atOnce:]:
            self.later(each)
        for _ in range(scenario.pauses):
            self.later(self.pause)
        for _ in range(scenario.cancels):
            self.later(self.cancel)
        self._maybeQuiet()

    def later(self, what: Callable[[], object]) -> None:
        """Schedule an action."""
        self.open += 1

        def happen() -> None:
            self.onEvent()
            what()
            self.open -= 1
            self._maybeQuiet()

        self._later(happen)

    def laterOf(self, result: Any) -> Deferred[Any]:
        """Return a Deferred that fires later with C{result}."""
        waiting: Deferred[Any] = Deferred()
        self.later(lambda: waiting.callback(result))
        return waiting

    def lastOf(self, result: Any) -> Deferred[Any]:
        """Return a Deferred that fires with C{result} when everything else has ended."""
        waiting: Deferred[Any] = Deferred()
        self._polls.append(lambda: waiting.callback(result))
        return waiting

    def isDone(self) -> bool:
        """
        Whether everything has ended that ends by itself.  After a protocol switch, some calls do
        not.
        """
        return len(self._heard) == 2 if self.scenario.change == "switch" else not self.open

    def _maybeQuiet(self) -> None:
        if self._polls and self.open == len(self._polls) == 2 * self.scenario.polls:
            polls, self._polls = self._polls, []
            for each in polls:
                self.later(each)
        if self.isDone() and not self.isEnding:
            self.onQuiet()

    def call(self, side: int) -> None:
        """Make a call from one end."""
        end, book, random, scenario = self.ends[side], self.books[side], self.random, self.scenario
        self._number += 1
        n = self._number
        isNote = random.random() < scenario.notes[side]
        if random.random() < scenario.gives:
            file = self.files[n % len(self.files)]
            if isNote:
                kind, command, arguments = "hand", end.hand, {"file": file}
            else:
                kind, command = "give", end.give
                arguments = {"file": file, "rows": [{"f": file}] * random.randrange(4)}
        elif side == 0 and random.random() < scenario.backs:
            kind, command, arguments = "back", end.back, {}
        elif isNote:
            kind, command, arguments = "note", end.note, {"load": b"x" * random.randint(*scenario.loads)}
        else:
            later = random.random() < scenario.later
            kind, command = "later" if later else "act", end.act
            size, load = random.randint(*scenario.answers), b"x" * random.randint(*scenario.loads)
            arguments = {"later": later, "size": size, "load": load}
        self._call(end, book, n, kind, command, arguments)

    def _call(
        self, end: Any, book: Book, n: int, kind: str, command: Any, arguments: dict[str, Any], waiting: Any = None
    ) -> None:
        if book.isClosed:
            return
        book.sent.append(n)
        book.kinds[n] = kind
        try:
            calling = end.callRemote(command, n=n, **arguments)
        except moduleOf(self.scenario.sides[end.side]).ProtocolSwitched:
            book.sent.remove(n)
            book.isClosed = True
            return
        self.open += 1
        if calling is None:
            return  # it ends when it arrives
        book.results[n] = []
        if kind != "poll":
            book.calls[n] = calling
        calling.addBoth(self._ended, book, n, arguments)
        if waiting is not None:
            calling.addCallback(waiting.callback)

    def callBack(self, end: Any) -> Deferred[Any]:
        """Make a call back to the end that has called C{end}."""
        self._number += 1
        waiting: Deferred[Any] = Deferred()
        self._call(end, end.book, self._number, "act", end.act, {"later": False, "size": 10, "load": b""}, waiting)
        return waiting

    def _ended(self, result: Any, book: Book, n: int, arguments: dict[str, Any]) -> None:
        self.onEvent()
        book.results[n].append(result)
        book.calls.pop(n, None)
        if isinstance(result, dict):
            if result["n"] != n or len(result.get("load", b"")) != arguments.get("size", 0):
                self.wrong.append(f"call {n} has the answer {result['n']}")
            if "file" in result:
                self.claimed(n, result["file"])
        self.open -= 1
        self._maybeQuiet()

    def pause(self) -> None:
        """Pause an end, and schedule its resumption."""
        side = self.random.randrange(2)
        end = self.ends[side]
        if not self.books[side].isClosed:
            end.pauseProducing()
            self.later(lambda: self._resume(end))

    def _resume(self, end: Any) -> None:
        if end.transport is not None and end.innerProtocol is None:
            end.resumeProducing()

    def cancel(self) -> None:
        """Cancel a call."""
        book = self.books[self.random.randrange(2)]
        if book.calls:
            n = self.random.choice(sorted(book.calls))
            book.cancelled.add(n)
            book.calls.pop(n).cancel()

    def change(self) -> None:
        """Start TLS, or switch the protocol."""
        end = self.ends[self.scenario.changer]
        if self.scenario.change == "tls":
            calling = end.callRemote(end.tls)
        else:
            calling = end.callRemote(end.change, InnerFactory(self, self.scenario.changer))
            self.books[self.scenario.changer].isClosed = True
            self.open += 2
        self.open += 1
        calling.addErrback(lambda failure: self.wrong.append(f"no change: {failure.getTraceback()}"))
        calling.addBoth(lambda result: self._changed())

    def _changed(self) -> None:
        self.onEvent()
        self.open -= 1
        self._maybeQuiet()

    def innerHeard(self, side: int) -> None:
        """Record that the inner protocol of an end has received the other's word."""
        self._heard.add(side)
        self.open -= 1
        self.sawSomething()
        self._maybeQuiet()

    def credentials(self) -> dict[str, Any]:
        """Return the arguments of an end for TLS.  Without them, Twisted's would generate a key."""
        return {"tls_localCertificate": certificate("server")} if certificate is not None else {}

    def sawSomething(self) -> None:
        """Report an event."""
        self.onEvent()

    # The observations.

    def taken(self, end: Any, n: int) -> None:
        """Record the arrival of a call."""
        end.book.taken.append(n)
        if self.books[1 - end.side].kinds[n] in ("note", "hand"):
            self.open -= 1
            self.later(lambda: None)

    def claimed(self, n: int, descriptor: int) -> None:
        """Check and close a descriptor that arrived with a call or its answer."""
        if inodeOf(descriptor) != self.inodes[n % len(self.files)]:
            self.wrong.append(f"call {n} has the descriptor of another")
        os.close(descriptor)

    def measure(self, end: Any) -> None:
        """Measure how much an end buffers."""
        overload = getattr(end, "_ampOverload", None)
        if overload is not None:
            end.book.measure("kept", overload.keptSize)
            end.book.measure("in progress", overload.inProgress)

    def lost(self, end: Any, reason: Failure) -> None:
        """Record that an end has lost its connection."""
        if not self.isEnding:
            self.wrong.append(f"end {end.side} has lost its connection: {reason.value!r}")
            self.isEnding = True
            self.onQuiet()

    # The results.

    def askLast(self) -> bool:
        """
        Make one last call from both ends.  When it is answered, everything before it has arrived.

        @return: whether the calls were made.  They are not made twice, or after a protocol switch.
        """
        if self._hasAsked or self.scenario.change == "switch":
            return False
        self._hasAsked = True
        for end in self.ends:
            self._number += 1
            self._call(end, end.book, self._number, "act", end.act, {"later": False, "size": 0, "load": b""})
        return True

    def describe(self) -> str:
        """Describe the state of the two ends."""
        told = []
        for end, book in zip(self.ends, self.books, strict=True):
            ended = sum(map(bool, book.results.values()))
            told.append(f"end {end.side}: {ended} of {len(book.results)} calls ended, {len(book.taken)} taken")
            overload = getattr(end, "_ampOverload", None)
            if overload is not None:
                line = getattr(overload, "line", overload)
                told.append(
                    f"{'held' if overload.isHolding else 'reads'}, {len(line.waiting)} wait in line, "
                    f"{len(overload.kept)} kept, {overload.inProgress} in progress"
                )
        return "; ".join(told)

    def judge(self) -> list[str]:
        """Check everything after the connection is closed."""
        for side, book in enumerate(self.books):
            end, other = self.ends[side], self.books[1 - side]
            self._judgeResults(side, book)
            self._judgeOrder(side, book, other)
            self._judgeBounds(side, book, end)
            while end._descriptors:  # Twisted's AMP leaves unclaimed ones open
                os.close(end._descriptors.popitem()[1])
        return self.wrong

    def _judgeResults(self, side: int, book: Book) -> None:
        for n, results in book.results.items():
            if len(results) != 1:
                self.wrong.append(f"end {side}: call {n} has ended {len(results)} times")
            elif isinstance(results[0], Failure) and not self._mayFail(side, book, n, results[0]):
                self.wrong.append(f"end {side}: call {n}, {book.kinds[n]}: {results[0].value!r}")

    def _mayFail(self, side: int, book: Book, n: int, failure: Failure) -> bool:
        if failure.check(CancelledError):
            return n in book.cancelled
        # An answer after the protocol switch is dropped.  The end that asked for the switch sends
        # no answers from then on.
        isLost = self.scenario.change == "switch" and failure.check(ConnectionClosed)
        return bool(isLost) and (side != self.scenario.changer or book.kinds[n] in ("later", "back"))

    def _judgeOrder(self, side: int, book: Book, other: Book) -> None:
        taken = set(other.taken)
        if other.taken != [n for n in book.sent if n in taken]:
            self.wrong.append(f"end {side}: its calls were taken twice, or in another order: {other.taken}")
        lost = [n for n in book.sent if n not in taken and n not in book.cancelled]
        if lost:
            self.wrong.append(f"end {side}: its calls {lost} were not taken")

    def _judgeBounds(self, side: int, book: Book, end: Any) -> None:
        if self.scenario.sides[side] == "stock":
            return
        asks, unsent = self.scenario.bounds[side]
        largest = max(self.scenario.loads[1], self.scenario.answers[1]) + _FRAME
        if asks is not None and self.scenario.change == "none" and book.most.get("in progress", 0) > max(asks, 1):
            self.wrong.append(f"end {side}: {book.most['in progress']} calls were in progress")
        if unsent is not None and book.most.get("kept", 0) > max(2 * unsent, self._anyway()) + 2 * largest:
            self.wrong.append(f"end {side}: {book.most['kept']} bytes were kept")
        if end._descriptors and not book.cancelled:  # an answer to a cancelled call is not read
            self.wrong.append(f"end {side}: {len(end._descriptors)} descriptors were not claimed")

    def _anyway(self) -> int:
        return 2**20 if self.scenario.anyway is None else self.scenario.anyway
