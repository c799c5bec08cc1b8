"""
The peers of a soak: each has one connection, says what it has to say, in pieces, and fails in its own way.

What a peer does is drawn from its own random numbers, so that the seed and its number are all it depends on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from twisted_basic_ng import amp

from .words import LIMIT, RECEIVERS, Ask, frame, payload

__all__ = ["FAULTS", "AMPPeer", "Outcome", "StringPeer", "Tally"]

#: What a peer may do wrong, and how often, of 100.
FAULTS = {
    "none": 34,  # says all, hears all, closes
    "slow": 8,  # the same, in very small pieces with pauses
    "silent": 8,  # the same, but is silent for long in the middle of a message
    "half": 10,  # closes its own side behind its last message, with half a message at the end
    "deaf": 8,  # says all and reads nothing, then goes
    "reset": 14,  # resets the connection somewhere
    "gone": 6,  # connects, and goes without a word
    "tooLong": 6,  # says something that is too long
    "stubborn": 6,  # the same, and goes on and on
}


@dataclass
class Tally:
    """What is counted over all the peers."""

    messages: int = 0
    confirmed: int = 0
    asked: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    outstanding: int = 0
    secured: int = 0


@dataclass
class Outcome:
    """
    What a peer knows at its end.

    @ivar sent: how many whole messages were handed to the transport.
    @ivar confirmed: how many of them the server has confirmed.
    @ivar orderly: whether all that was sent has to have arrived.
    @ivar wrong: what should not have happened.
    """

    number: int
    what: str
    sent: int = 0
    confirmed: int = 0
    orderly: bool = False
    wrong: list[str] = field(default_factory=list)


def _later(seconds: float, call: Callable[[], object]) -> Any:
    return reactor.callLater(seconds, call)  # type: ignore[attr-defined]


class _Peer:
    """
    One peer.

    @ivar done: fires with the L{Outcome} when the connection is closed.
    """

    transport: Any
    left = False

    def begin(self, number: int, kind: str, link: str, fault: str, random: Random, tally: Tally) -> None:
        """Learn who one is, before there is a connection."""
        self.outcome = Outcome(number, f"peer {number} ({kind}, {link}, {fault})")
        self.link, self.fault, self.random, self.tally = link, fault, random, tally
        self.done: Deferred[Outcome] = Deferred()
        self.calls: list[Any] = []

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        """Call later, if there still is a connection."""
        self.calls = [each for each in self.calls if each.active()]
        self.calls.append(_later(seconds, call))

    def end(self) -> None:
        """The connection is closed."""
        for each in self.calls:
            if each.active():
                each.cancel()
        self.calls.clear()
        self.done.callback(self.outcome)

    def leave(self) -> None:
        """Close the connection; not only one's own side of it."""
        self.left = True
        self.transport.loseConnection()


class StringPeer(_Peer):
    """A peer that sends messages in one of the formats of C{basic}, and hears them confirmed."""

    def begin(self, number: int, kind: str, link: str, fault: str, random: Random, tally: Tally) -> None:
        super().begin(number, kind, link, fault, random, tally)
        self.kind = kind
        self.messages = random.randrange(1, 40)
        self.ends: list[int] = []
        self.written = 0
        self.wire = self.write() + self.spoil()

    def write(self) -> bytes:
        """Make all the messages, and remember where each of them ends."""
        wire = b""
        for number in range(self.messages):
            raw = self.random.randrange(1, 3000) if self.kind == "lines" and self.random.random() < 0.1 else 0
            padding = self.random.choice((0, 1, 20, LIMIT - 40))
            wire += frame(self.kind, payload(self.outcome.number, number, padding, raw))
            self.ends.append(len(wire))  # it is received without the raw bytes behind it
            wire += b"r" * raw
        return wire

    def spoil(self) -> bytes:
        """What comes behind the messages."""
        if self.fault == "half":
            return frame(self.kind, b"never to be whole")[:-3]
        if self.fault in ("tooLong", "stubborn"):
            return frame(self.kind, b"y" * (LIMIT + 10)) + (b"z" * 300_000 if self.fault == "stubborn" else b"")
        return b""

    def connectionMade(self) -> None:
        if self.fault == "gone":
            self.leave()
            return
        if self.fault == "reset":
            self.wire = self.wire[: self.random.randrange(len(self.wire))]
        if self.fault == "deaf":
            self.transport.pauseProducing()
        self.go()

    def go(self) -> None:
        """Send the next piece, and come back for more."""
        size = self.random.choice((1, 2, 3) if self.fault == "slow" else (1, 40, 300, 1500, 5000, 65536))
        piece, pause = self.wire[self.written : self.written + size], 0.0
        if self.fault == "slow":
            pause = 0.001
            if self.written > 400:
                piece = self.wire[self.written :]  # it has been slow for long enough
        elif self.fault == "silent" and self.written and not self.random.randrange(4):
            pause = self.random.random() * 0.5
        self.transport.write(piece)
        self.written += len(piece)
        if self.written < len(self.wire):
            self.after(pause, self.go)
        else:
            self.said()

    def said(self) -> None:
        """All is said."""
        if self.fault == "reset":
            self.transport.abortConnection()
        elif self.fault == "half" and self.link != "tls":  # TLS cannot do that
            self.outcome.orderly = True
            self.transport.loseWriteConnection()
        elif self.fault in ("deaf", "half"):
            self.after(0.05, self.transport.abortConnection if self.fault == "deaf" else self.leave)
        else:
            self.maybeLeave()

    def confirm(self, number: bytes) -> None:
        """Hear that the server has got a message."""
        if int(number) != self.outcome.confirmed:
            self.outcome.wrong.append(f"message {number!r} is confirmed where {self.outcome.confirmed} was to come")
        self.outcome.confirmed += 1
        self.maybeLeave()

    def maybeLeave(self) -> None:
        """Close the connection when all is said and confirmed, if that is how it is to end."""
        complete = self.outcome.confirmed == self.messages and self.written == len(self.wire)
        if complete and self.fault in ("none", "slow", "silent"):
            self.outcome.orderly = True
            self.leave()

    def connectionLost(self, reason: Any) -> None:
        self.outcome.sent = sum(1 for end in self.ends if end <= self.written)
        if self.fault in ("none", "slow", "silent") and self.outcome.confirmed != self.messages:
            self.outcome.wrong.append(f"{self.outcome.confirmed} of {self.messages} messages are confirmed: {reason}")
        self.tally.messages += self.outcome.sent
        self.tally.confirmed += self.outcome.confirmed
        self.end()


def stringPeer(kind: str) -> StringPeer:
    """Make a peer that reads with the package's own receiver."""

    class Reading(StringPeer, RECEIVERS[kind]):  # type: ignore[misc, valid-type]
        def lineReceived(self, line: bytes) -> None:
            self.confirm(line)

        stringReceived = lineReceived

    return Reading()


class _InPieces:
    """
    A transport that sends what is written in random pieces, later.

    What is not written, it leaves to the transport itself.
    """

    def __init__(self, transport: Any, peer: AMPPeer) -> None:
        self._transport, self._peer = transport, peer
        self._waiting = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._waiting:
            self._peer.after(0, self._send)
        self._waiting += data

    def _send(self) -> None:
        size = self._peer.random.choice((1, 2, 10, 100, 1000))
        piece, self._waiting = self._waiting[:size], self._waiting[size:]
        self._transport.write(piece)
        if self._waiting:
            self._peer.after(0.001 if self._peer.fault == "slow" else 0, self._send)

    def loseConnection(self) -> None:
        self._transport.write(self._waiting)
        self._waiting = b""
        self._transport.loseConnection()


class AMPPeer(_Peer, amp.AMP):
    """A peer that calls the server, is called back, and has each of its calls come to an end, once."""

    def __init__(self) -> None:
        amp.AMP.__init__(self)

    def begin(self, number: int, kind: str, link: str, fault: str, random: Random, tally: Tally) -> None:
        super().begin(number, kind, link, fault, random, tally)
        self.asks = random.randrange(1, 30)
        self.open = 0
        self.secures = link == "tcp" and random.random() < 0.6 and fault in ("none", "silent")
        self.endings: dict[int, int] = {}

    @Ask.responder
    def answerBack(self, peer: int, number: int, how: str) -> dict[str, int]:
        if peer != self.outcome.number:
            self.outcome.wrong.append(f"it was asked for {peer}")
        return {"number": number + 1}

    def makeConnection(self, transport: Any) -> None:
        super().makeConnection(transport if self.secures else _InPieces(transport, self))

    def connectionMade(self) -> None:
        if self.fault == "gone":
            self.leave()
            return
        if self.fault == "deaf":
            self.transport.pauseProducing()
        self.go()

    def go(self) -> None:
        """Ask some more, and come back."""
        for _ in range(self.random.choice((1, 1, 3, 10))):
            if self.outcome.sent < self.asks:
                self.ask()
        if self.secures and self.outcome.sent > 3 and not self.left:
            self.secures = False
            self.tally.secured += 1
            self.callRemote(amp.StartTLS).addErrback(self.failed)
        if self.outcome.sent < self.asks:
            self.after(self.random.random() * (0.3 if self.fault == "silent" else 0.01), self.go)
        else:
            self.said()

    def failed(self, failure: Failure) -> None:
        self.outcome.wrong.append(f"no TLS: {failure.value!r}")

    def ask(self) -> None:
        """Ask something, and expect what has to come of it."""
        number = self.outcome.sent
        hows = ["now", "now", "later", "back", "error"]
        if self.fault in ("deaf", "half", "reset"):
            hows.append("never")
        how = self.random.choice(hows)
        if self.fault in ("tooLong", "stubborn") and number == self.asks - 1:
            how = "undeclared"
        self.outcome.sent += 1
        self.open += 1
        self.tally.asked += 1
        self.tally.outstanding += 1
        asking = self.callRemote(Ask, peer=self.outcome.number, number=number, how=how)
        asking.addBoth(self.answered, number, how)
        if self.random.random() < 0.05:
            asking.cancel()

    def answered(self, result: Any, number: int, how: str) -> None:
        """A call has ended."""
        self.open -= 1
        self.tally.outstanding -= 1
        self.endings[number] = self.endings.get(number, 0) + 1
        if isinstance(result, Failure):
            ended = result.type.__name__
            right = how == "error" if ended == "ValueError" else self.mayFail(result, how)
        else:
            ended = "answered"
            self.outcome.confirmed += 1
            right = result == {"number": number + 1} and how in ("now", "later", "back")
        if not right:
            self.outcome.wrong.append(f"call {number} ({how}) came to {result}")
        self.tally.ended[ended] += 1
        self.maybeLeave()

    def mayFail(self, failure: Failure, how: str) -> bool:
        """Is it right that a call has failed so?"""
        if failure.check(CancelledError):
            return True
        if failure.check(amp.UnknownRemoteError):
            return how == "undeclared"
        return self.fault not in ("none", "slow", "silent")

    def said(self) -> None:
        """All is asked."""
        if self.fault == "reset":
            self.after(self.random.random() * 0.02, self.transport.abortConnection)
        elif self.fault in ("deaf", "half"):
            # Who reads nothing cannot close TLS in an orderly way.
            self.after(0.05, self.transport.abortConnection if self.fault == "deaf" else self.leave)
        elif self.fault == "stubborn":
            self.after(0, self.goOn)
        else:
            self.maybeLeave()

    def goOn(self) -> None:
        """Send what is nothing, although nobody listens."""
        self.transport.write(b"\xff" * 300_000)

    def maybeLeave(self) -> None:
        """Close the connection when all is asked and answered, if that is how it is to end."""
        if self.fault in ("none", "slow", "silent") and not self.open and self.outcome.sent == self.asks:
            self.leave()

    def connectionLost(self, reason: Any) -> None:
        super().connectionLost(reason)
        if self.open or any(times != 1 for times in self.endings.values()) or len(self.endings) != self.outcome.sent:
            self.outcome.wrong.append(f"{self.open} calls are left, and the others ended so often: {self.endings}")
        self.outcome.orderly = self.fault in ("none", "slow", "silent")
        self.tally.messages += self.outcome.sent
        self.tally.confirmed += self.outcome.confirmed
        self.end()


def makePeer(kind: str) -> Any:
    """Make a peer of one kind."""
    return AMPPeer() if kind == "amp" else stringPeer(kind)
