"""
The demo's AMP server and clients, written as one writes them for Twisted.

Each is made with the size of its job and a list, to which it appends every call or answer.  Nothing here tells
whose classes it is built on, or that anyone measures.
"""

# mypy: allow-untyped-calls
# (Twisted's own AMP has no annotations, and programs like these call it all the time.)

from __future__ import annotations

from typing import Any, Final

from twisted.internet.interfaces import ITransport
from twisted.protocols.amp import AMP, Command, Integer, ListOf, StartTLS, Unicode
from twisted.python import log

from .protocols import words

__all__ = ["CallClient", "CallServer", "SecureCallClient"]

#: How many calls wait for their answers at a time.
IN_FLIGHT: Final = 100


class Tell(Command):
    """Say something, with some numbers; be told how long it is, and their sum."""

    arguments = [(b"text", Unicode()), (b"numbers", ListOf(Integer()))]
    response = [(b"length", Integer()), (b"total", Integer())]


class CallServer(AMP):
    """Answers each call at once."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.delivered = delivered

    @Tell.responder
    def tell(self, text: str, numbers: list[int]) -> dict[str, int]:
        """Keep what was said, and answer."""
        self.delivered.append(text.encode())
        return {"length": len(text), "total": sum(numbers)}


class CallClient(AMP):
    """Calls, with a number of calls in flight, and hangs up when every answer is there."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.size = size
        self.questions = enumerate(words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Begin."""
        self.begin()

    def begin(self, _: object = None) -> None:
        """Fill the window."""
        for _ in range(min(IN_FLIGHT, self.size)):
            self.callNext()

    def callNext(self) -> None:
        """Make the next call, if there is one left."""
        for number, word in self.questions:
            calling: Any = self.callRemote(Tell, text=word.decode(), numbers=[number, -1, number])
            calling.addCallback(self.answered).addErrback(log.err, "a call failed")
            return

    def answered(self, answer: dict[str, int]) -> None:
        """Keep an answer, and go on or hang up."""
        self.delivered.append(b"%(length)d %(total)d" % {key.encode(): value for key, value in answer.items()})
        self.callNext()
        if len(self.delivered) == self.size:
            self.transport.loseConnection()


class SecureCallClient(CallClient):
    """Starts TLS before it calls."""

    def connectionMade(self) -> None:
        """Ask for TLS, and call when it is there."""
        starting: Any = self.callRemote(StartTLS)
        starting.addCallback(self.begin).addErrback(log.err, "there is no TLS")
