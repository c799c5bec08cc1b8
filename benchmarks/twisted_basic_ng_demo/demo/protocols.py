"""
The servers and clients of the demo, written as one writes them for Twisted.

Each is made with the size of its job and a list, to which it appends every message that it is given.  Nothing
here tells whose classes it is built on, or that anyone measures.
"""

# mypy: allow-untyped-calls
# (Twisted's own sendLine and sendString have no annotations, and programs like these call them all the time.)

from __future__ import annotations

from collections.abc import Iterator
from struct import pack
from tempfile import TemporaryFile

from twisted.internet.interfaces import IConsumer, ITransport
from twisted.internet.protocol import Protocol
from twisted.protocols.basic import FileSender, Int32StringReceiver, LineReceiver, NetstringReceiver
from twisted.python import log

__all__ = [
    "FileClient",
    "FileServer",
    "Int32Client",
    "Int32Server",
    "LargeStringClient",
    "LargeStringServer",
    "LineClient",
    "LineServer",
    "NetstringClient",
    "NetstringServer",
    "payload",
    "words",
]

#: A large write is made of pieces of this size, in bytes.
PIECE = 2**16

#: A payload repeats after so many bytes: a prime, so that no chunk looks like the one before it.
PERIOD = 65_521


def words(count: int) -> Iterator[bytes]:
    """Make up C{count} short messages, of 6 to 40 bytes."""
    for number in range(count):
        yield b"item %d" % number + b"." * (number % 29)


def payload(size: int) -> bytes:
    """Make up C{size} bytes of every value."""
    pattern = b"".join(pack("!Q", number * 0x9E3779B97F4A7C15 % 2**64) for number in range(PERIOD // 8 + 1))[:PERIOD]
    return (pattern * (size // PERIOD + 1))[:size]


class LineServer(LineReceiver):
    """Has lines of its own for every client, takes the client's, and says goodbye at C{quit}."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.news = b"".join(b"server " + word + self.delimiter for word in words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send all news in one write."""
        self.transport.write(self.news)

    def lineReceived(self, line: bytes) -> None:
        """Keep a line, and see whether it is the last one."""
        self.delivered.append(line)
        if line == b"quit":
            self.sendLine(b"bye")
            self.transport.loseConnection()


class LineClient(LineReceiver):
    """Sends its lines, then C{quit}, and takes what comes until the server hangs up."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.news = b"".join(b"client " + word + self.delimiter for word in words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send all news in one write, and that there is no more."""
        self.transport.write(self.news)
        self.sendLine(b"quit")

    def lineReceived(self, line: bytes) -> None:
        """Keep a line."""
        self.delivered.append(line)


class NetstringServer(NetstringReceiver):
    """Sends back what it is sent."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.delivered = delivered

    def stringReceived(self, string: bytes) -> None:
        """Answer with the same string."""
        self.delivered.append(string)
        self.sendString(string)


class NetstringClient(NetstringReceiver):
    """Asks without waiting, and hangs up when every answer is there."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.questions = list(words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Ask everything."""
        for question in self.questions:
            self.sendString(question)

    def stringReceived(self, string: bytes) -> None:
        """Keep an answer, and see whether it is the last one."""
        self.delivered.append(string)
        if len(self.delivered) == len(self.questions):
            self.transport.loseConnection()


class Int32Server(Int32StringReceiver):
    """Sends back what it is sent."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.delivered = delivered

    def stringReceived(self, string: bytes) -> None:
        """Answer with the same string."""
        self.delivered.append(string)
        self.sendString(string)


class Int32Client(Int32StringReceiver):
    """Asks without waiting, and hangs up when every answer is there."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.questions = list(words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Ask everything."""
        for question in self.questions:
            self.sendString(question)

    def stringReceived(self, string: bytes) -> None:
        """Keep an answer, and see whether it is the last one."""
        self.delivered.append(string)
        if len(self.delivered) == len(self.questions):
            self.transport.loseConnection()


class LargeStringServer(Int32StringReceiver):
    """Takes strings as large as its client was made for, and answers with their size."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.MAX_LENGTH = size
        self.delivered = delivered

    def stringReceived(self, string: bytes) -> None:
        """Keep the string, and confirm it."""
        self.delivered.append(string)
        self.sendString(b"%d bytes, thank you" % len(string))


class LargeStringClient(Int32StringReceiver):
    """Sends one large string piece by piece, as one does that is not in memory as a whole."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.large = memoryview(payload(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send the length, then the pieces."""
        self.transport.write(pack(self.structFormat, len(self.large)))
        for start in range(0, len(self.large), PIECE):
            self.transport.write(bytes(self.large[start : start + PIECE]))

    def stringReceived(self, string: bytes) -> None:
        """Keep the confirmation, and hang up."""
        self.delivered.append(string)
        self.transport.loseConnection()


class FileServer(Protocol):
    """Sends a file to whoever connects, no faster than it is taken, and hangs up."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.file = TemporaryFile()  # noqa: SIM115 - open for as long as the connection
        self.file.write(payload(size))
        self.file.seek(0)
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send the file; what the sender reports at its end is the last byte."""
        transfer = FileSender().beginFileTransfer(self.file, IConsumer(self.transport))
        transfer.addCallback(self.delivered.append)
        transfer.addErrback(log.err, "the file was not sent")
        transfer.addBoth(lambda _: self.transport.loseConnection())

    def connectionLost(self, reason: object = None) -> None:
        """Close the file, whichever way it ended."""
        self.file.close()


class FileClient(Protocol):
    """Takes what comes until the server hangs up, and makes it one message."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.chunks: list[bytes] = []
        self.delivered = delivered

    def dataReceived(self, data: bytes) -> None:
        """Keep a chunk."""
        self.chunks.append(data)

    def connectionLost(self, reason: object = None) -> None:
        """Have the file, or what came of it."""
        self.delivered.append(b"".join(self.chunks))
