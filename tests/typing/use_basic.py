"""
How applications use the receivers, for mypy and pyright; it is never run.

A line that must not type-check says so to both: each of them complains about such a remark where it finds nothing
wrong.
"""

from __future__ import annotations

from io import BytesIO

from typing_extensions import assert_type

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IConsumer

import twisted_basic_ng
from twisted_basic_ng.basic import (
    FileSender,
    Int8StringReceiver,
    Int32StringReceiver,
    IntNStringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
    StatefulStringProtocol,
    _PauseableMixin,
)


class Lines(LineReceiver):
    delimiter = b"\n"
    MAX_LENGTH = 1 << 20

    def lineReceived(self, line: bytes) -> None:
        assert_type(self.clearLineBuffer(), bytes)
        assert_type(self._buffer, bytes)
        self.sendLine(line)
        self.sendLine("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        self.setLineMode(b"extra")
        self.setLineMode("extra")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def rawDataReceived(self, data: bytes) -> bool:
        return bool(data)

    def lineLengthExceeded(self, line: bytes) -> None:
        self.pauseProducing()


class TextLines(LineOnlyReceiver):
    delimiter = "\n"  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def lineReceived(self, line: str) -> None:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


class Answering(LineOnlyReceiver):
    def lineReceived(self, line: bytes) -> Deferred[None]:
        return Deferred()


class Netstrings(NetstringReceiver):
    async def stringReceived(self, string: bytes) -> None:
        self.sendString(string)
        self.sendString(1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


class Strings(Int32StringReceiver):
    def stringReceived(self, string: bytes) -> None:
        assert_type(self.recvd, bytes)
        self.recvd = b""
        self.recvd = ""  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
        self.sendString("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def lengthLimitExceeded(self, length: int) -> None:
        assert_type(self.prefixLength, int)


class Wide(IntNStringReceiver):
    structFormat = "!Q"
    prefixLength = 8


class Phases(StatefulStringProtocol, Int8StringReceiver):
    def proto_init(self, string: bytes) -> str:
        return "done"


class Own(_PauseableMixin):
    def dataReceived(self, data: bytes) -> None:
        assert_type(self.paused, bool)


def send(consumer: IConsumer) -> None:
    sender = FileSender()
    assert_type(sender.beginFileTransfer(BytesIO(b""), consumer), Deferred[bytes | str])
    sender.beginFileTransfer(BytesIO(b""), consumer, lambda chunk: chunk.upper())
    sender.beginFileTransfer(BytesIO(b""), consumer, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    sender.beginFileTransfer("a name", consumer)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def swap() -> None:
    twisted_basic_ng.install()
    twisted_basic_ng.uninstall()
    assert_type(twisted_basic_ng.status().installed, bool)
    assert_type(twisted_basic_ng.status().swapped, tuple[tuple[str, str], ...])
    twisted_basic_ng.install(extended=True)
    twisted_basic_ng.install("all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
