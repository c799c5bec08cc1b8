"""
The servers and clients of the demo, written like any Twisted application.

Each takes the size of its job and a list, to which it appends every delivered message.  Nothing
here shows whose classes these are, or that they are measured.
"""

# mypy: allow-untyped-calls
# (Twisted's own sendLine and sendString have no annotations.)

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

#: The size of the pieces of a large write, in bytes.
PIECE = 2**16

#: A payload repeats after this many bytes.  The number is prime, so that successive chunks differ.
PERIOD = 65_521


def words(count: int) -> Iterator[bytes]:
    """Yield C{count} short messages, of 6 to 40 bytes."""
    for number in range(count):
        yield b"item %d" % number + b"." * (number % 29)


def payload(size: int) -> bytes:
    """Make C{size} bytes that contain every byte value."""
    pattern = b"".join(pack("!Q", number * 0x9E3779B97F4A7C15 % 2**64) for number in range(PERIOD // 8 + 1))[:PERIOD]
    return (pattern * (size // PERIOD + 1))[:size]


class LineServer(LineReceiver):
    """Sends its lines to every client, receives the client's, and disconnects after C{quit}."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.news = b"".join(b"server " + word + self.delimiter for word in words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send all lines in one write."""
        self.transport.write(self.news)

    def lineReceived(self, line: bytes) -> None:
        """Keep a line, and check whether it is the last one."""
        self.delivered.append(line)
        if line == b"quit":
            self.sendLine(b"bye")
            self.transport.loseConnection()


class LineClient(LineReceiver):
    """Sends its lines, then C{quit}, and receives lines until the server disconnects."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.news = b"".join(b"client " + word + self.delimiter for word in words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send all lines in one write, then C{quit}."""
        self.transport.write(self.news)
        self.sendLine(b"quit")

    def lineReceived(self, line: bytes) -> None:
        """Keep a line."""
        self.delivered.append(line)


class NetstringServer(NetstringReceiver):
    """Echoes each string."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.delivered = delivered

    def stringReceived(self, string: bytes) -> None:
        """Answer with the same string."""
        self.delivered.append(string)
        self.sendString(string)


class NetstringClient(NetstringReceiver):
    """Sends all strings without waiting, and disconnects after the last answer."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        super().__init__()
        self.questions = list(words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send all strings."""
        for question in self.questions:
            self.sendString(question)

    def stringReceived(self, string: bytes) -> None:
        """Keep an answer, and check whether it is the last one."""
        self.delivered.append(string)
        if len(self.delivered) == len(self.questions):
            self.transport.loseConnection()


class Int32Server(Int32StringReceiver):
    """Echoes each string."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.delivered = delivered

    def stringReceived(self, string: bytes) -> None:
        """Answer with the same string."""
        self.delivered.append(string)
        self.sendString(string)


class Int32Client(Int32StringReceiver):
    """Sends all strings without waiting, and disconnects after the last answer."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.questions = list(words(size))
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send all strings."""
        for question in self.questions:
            self.sendString(question)

    def stringReceived(self, string: bytes) -> None:
        """Keep an answer, and check whether it is the last one."""
        self.delivered.append(string)
        if len(self.delivered) == len(self.questions):
            self.transport.loseConnection()


class LargeStringServer(Int32StringReceiver):
    """Receives strings of up to its job's size, and answers with their size."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.MAX_LENGTH = size
        self.delivered = delivered

    def stringReceived(self, string: bytes) -> None:
        """Keep the string, and confirm it."""
        self.delivered.append(string)
        self.sendString(b"%d bytes, thank you" % len(string))


class LargeStringClient(Int32StringReceiver):
    """Sends one large string piece by piece, as if it were not in memory as a whole."""

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
        """Keep the confirmation, and disconnect."""
        self.delivered.append(string)
        self.transport.loseConnection()


class FileServer(Protocol):
    """Sends a file to each client, no faster than the client takes it, and disconnects."""

    transport: ITransport

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.file = TemporaryFile()  # noqa: SIM115 - closed with the connection
        self.file.write(payload(size))
        self.file.seek(0)
        self.delivered = delivered

    def connectionMade(self) -> None:
        """Send the file; the sender's result is the last byte."""
        transfer = FileSender().beginFileTransfer(self.file, IConsumer(self.transport))
        transfer.addCallback(self.delivered.append)
        transfer.addErrback(log.err, "the file was not sent")
        transfer.addBoth(lambda _: self.transport.loseConnection())

    def connectionLost(self, reason: object = None) -> None:
        """Close the file."""
        self.file.close()


class FileClient(Protocol):
    """Receives data until the server disconnects, and delivers it as one message."""

    def __init__(self, size: int, delivered: list[bytes]) -> None:
        self.chunks: list[bytes] = []
        self.delivered = delivered

    def dataReceived(self, data: bytes) -> None:
        """Keep a chunk."""
        self.chunks.append(data)

    def connectionLost(self, reason: object = None) -> None:
        """Deliver the file, or the part of it that has arrived."""
        self.delivered.append(b"".join(self.chunks))
