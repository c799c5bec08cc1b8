"""
The peers of a soak.  Each has one connection, sends its messages in pieces, and fails in its own
way.

The actions of a peer depend only on the seed and its number, because it has its own random
generator.
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

#: The faults of the peers, with their frequencies in percent.
FAULTS = {
    "none": 34,  # sends all, receives all, closes
    "slow": 8,  # the same, but sends very small pieces with pauses
    "silent": 8,  # the same, but stays silent for long in the middle of a message
    "half": 10,  # closes its own side after its last message, with an incomplete message at the end
    "deaf": 8,  # sends all and reads nothing, then disconnects
    "reset": 14,  # resets the connection at some point
    "gone": 6,  # connects, and disconnects without sending anything
    "tooLong": 6,  # sends a message that is too long
    "stubborn": 6,  # the same, and continues to send
}


@dataclass
class Tally:
    """The counts over all peers."""

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
    The result of a peer.

    @ivar sent: how many complete messages were passed to the transport.
    @ivar confirmed: how many of them the server has confirmed.
    @ivar orderly: whether all sent messages must have arrived.
    @ivar wrong: descriptions of errors.
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
    A peer.

    @ivar done: fires with the L{Outcome} when the connection is closed.
    """

    transport: Any
    left = False

    def begin(self, number: int, kind: str, link: str, fault: str, random: Random, tally: Tally) -> None:
        """Set the properties of the peer, before it is connected."""
        self.outcome = Outcome(number, f"peer {number} ({kind}, {link}, {fault})")
        self.link, self.fault, self.random, self.tally = link, fault, random, tally
        self.done: Deferred[Outcome] = Deferred()
        self.calls: list[Any] = []

    def after(self, seconds: float, call: Callable[[], object]) -> None:
        """Call C{call} later, if the peer is still connected."""
        self.calls = [each for each in self.calls if each.active()]
        self.calls.append(_later(seconds, call))

    def end(self) -> None:
        """Report the outcome when the connection is closed."""
        for each in self.calls:
            if each.active():
                each.cancel()
        self.calls.clear()
        self.done.callback(self.outcome)

    def leave(self) -> None:
        """Close both directions of the connection."""
        self.left = True
        self.transport.loseConnection()


class StringPeer(_Peer):
    """
    A peer that sends messages in one of the formats of C{basic}, and waits for their confirmations.
    """

    def begin(self, number: int, kind: str, link: str, fault: str, random: Random, tally: Tally) -> None:
        super().begin(number, kind, link, fault, random, tally)
        self.kind = kind
        self.messages = random.randrange(1, 40)
        self.ends: list[int] = []
        self.written = 0
        self.wire = self.write() + self.spoil()

    def write(self) -> bytes:
        """Return all messages as bytes, and record the end of each."""
        wire = b""
        for number in range(self.messages):
            raw = self.random.randrange(1, 3000) if self.kind == "lines" and self.random.random() < 0.1 else 0
            padding = self.random.choice((0, 1, 20, LIMIT - 40))
            wire += frame(self.kind, payload(self.outcome.number, number, padding, raw))
            self.ends.append(len(wire))  # it counts as received without the raw bytes after it
            wire += b"r" * raw
        return wire

    def spoil(self) -> bytes:
        """Return the bytes after the messages."""
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
        """Send the next piece, and schedule the one after it."""
        size = self.random.choice((1, 2, 3) if self.fault == "slow" else (1, 40, 300, 1500, 5000, 65536))
        piece, pause = self.wire[self.written : self.written + size], 0.0
        if self.fault == "slow":
            pause = 0.001
            if self.written > 400:
                piece = self.wire[self.written :]  # stop being slow after a while
        elif self.fault == "silent" and self.written and not self.random.randrange(4):
            pause = self.random.random() * 0.5
        self.transport.write(piece)
        self.written += len(piece)
        if self.written < len(self.wire):
            self.after(pause, self.go)
        else:
            self.said()

    def said(self) -> None:
        """Do the last action of the fault, after everything was sent."""
        if self.fault == "reset":
            self.transport.abortConnection()
        elif self.fault == "half" and self.link != "tls":  # TLS cannot close one side
            self.outcome.orderly = True
            self.transport.loseWriteConnection()
        elif self.fault in ("deaf", "half"):
            self.after(0.05, self.transport.abortConnection if self.fault == "deaf" else self.leave)
        else:
            self.maybeLeave()

    def confirm(self, number: bytes) -> None:
        """Count a confirmation from the server."""
        if int(number) != self.outcome.confirmed:
            self.outcome.wrong.append(f"message {number!r} is confirmed where {self.outcome.confirmed} was to come")
        self.outcome.confirmed += 1
        self.maybeLeave()

    def maybeLeave(self) -> None:
        """
        Close the connection if everything was sent and confirmed, unless the fault needs another
        end.
        """
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
    """Make a peer that reads with one of the package's receivers."""

    class Reading(StringPeer, RECEIVERS[kind]):  # type: ignore[misc, valid-type]
        def lineReceived(self, line: bytes) -> None:
            self.confirm(line)

        stringReceived = lineReceived

    return Reading()


class _InPieces:
    """
    A transport that sends written bytes later, in random pieces.

    All other methods are those of the transport itself.
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
    """
    A peer that calls the server, is called by it, and checks that each of its calls ends once.
    """

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
        """Make some more calls, and schedule the next ones."""
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
        """Make a call, and expect its result."""
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
        """Record the end of a call."""
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
        """Whether a call may fail with this error."""
        if failure.check(CancelledError):
            return True
        if failure.check(amp.UnknownRemoteError):
            return how == "undeclared"
        return self.fault not in ("none", "slow", "silent")

    def said(self) -> None:
        """Do the last action of the fault, after all calls were made."""
        if self.fault == "reset":
            self.after(self.random.random() * 0.02, self.transport.abortConnection)
        elif self.fault in ("deaf", "half"):
            # A peer that reads nothing cannot close TLS in an orderly way.
            self.after(0.05, self.transport.abortConnection if self.fault == "deaf" else self.leave)
        elif self.fault == "stubborn":
            self.after(0, self.goOn)
        else:
            self.maybeLeave()

    def goOn(self) -> None:
        """Send invalid bytes, although the server has stopped listening."""
        self.transport.write(b"\xff" * 300_000)

    def maybeLeave(self) -> None:
        """
        Close the connection if all calls were made and answered, unless the fault needs another
        end.
        """
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
