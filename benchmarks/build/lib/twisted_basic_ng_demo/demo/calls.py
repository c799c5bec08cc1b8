"""
The demo's AMP server and clients, written like any Twisted application.

Each takes the size of its job and a list, to which it appends every call or answer.  Nothing here
shows whose classes these are, or that they are measured.
"""

# mypy: allow-untyped-calls
# (Twisted's own AMP has no annotations.)

from __future__ import annotations

from typing import Any, Final

from twisted.internet.interfaces import ITransport
from twisted.protocols.amp import AMP, Command, Integer, ListOf, StartTLS, Unicode
from twisted.python import log

from .protocols import words

__all__ = ["CallClient", "CallServer", "SecureCallClient"]

#: How many calls are in flight at a time.
IN_FLIGHT: Final = 100


class Tell(Command):
    """Send a text and some numbers; the answer is the length of the text and the sum."""

    arguments = [(b"text", Unicode()), (b"numbers", ListOf(Integer()))]
    response = [(b"length", Integer()), (b"total", Integer())]


class CallServer(AMP):
    """Answers each call at once."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.delivered = delivered

    @Tell.responder
    def tell(self, text: str, numbers: list[int]) -> dict[str, int]:
        """Keep the text, and answer."""
        self.delivered.append(text.encode())
        return {"length": len(text), "total": sum(numbers)}


class CallClient(AMP):
    """Makes calls, several of them in flight, and disconnects after the last answer."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.size = size
        self.questions = enumerate(words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Begin to call."""
        self.begin()

    def begin(self, _: object = None) -> None:
        """Make the first calls, as many as may be in flight."""
        for _ in range(min(IN_FLIGHT, self.size)):
            self.callNext()

    def callNext(self) -> None:
        """Make the next call, if there is one left."""
        for number, word in self.questions:
            calling: Any = self.callRemote(Tell, text=word.decode(), numbers=[number, -1, number])
            calling.addCallback(self.answered).addErrback(log.err, "a call failed")
            return

    def answered(self, answer: dict[str, int]) -> None:
        """Keep an answer, then make the next call or disconnect."""
        self.delivered.append(b"%(length)d %(total)d" % {key.encode(): value for key, value in answer.items()})
        self.callNext()
        if len(self.delivered) == self.size:
            self.transport.loseConnection()


class SecureCallClient(CallClient):
    """Starts TLS before it calls."""

    def connectionMade(self) -> None:
        """Ask for TLS, and begin to call when it has started."""
        starting: Any = self.callRemote(StartTLS)
        starting.addCallback(self.begin).addErrback(log.err, "there is no TLS")
