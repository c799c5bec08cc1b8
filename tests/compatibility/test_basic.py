"""
Tests for the names of C{basic}, including private ones, that applications read, write, override and
patch.

Each test follows the code of a real application.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng.basic import (
    FileSender,
    Int8StringReceiver,
    Int16StringReceiver,
    IntNStringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
    _PauseableMixin,
)


def connected(receiver: Any) -> Any:
    receiver.transport_ = RecordingTransport().connect(receiver)
    return receiver


class Lines(LineReceiver):
    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def lineReceived(self, line: bytes) -> object:
        self.lines.append(line)
        return None


class OldLineLoop(LineReceiver):
    """Has its own C{dataReceived} in the old style, which cuts lines from C{_buffer} itself."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def dataReceived(self, data: bytes) -> Any:
        self._buffer += data
        if self._busyReceiving:
            return None
        self._busyReceiving = True
        try:
            while self._buffer and not self.paused:
                if not self.line_mode:
                    chunk, self._buffer = self._buffer, b""
                    self.rawDataReceived(chunk)
                    continue
                found = self._buffer.find(self.delimiter)
                if found < 0:
                    break
                line = self._buffer[:found]
                self._buffer = self._buffer[found + len(self.delimiter) :]
                self.lineReceived(line)
        finally:
            self._busyReceiving = False

    def lineReceived(self, line: bytes) -> None:
        self.seen.append(line)
        if line == b"raw":
            self.setRawMode()
        if line == b"pause":
            self.pauseProducing()
        if line == b"again":
            self.dataReceived(b"entered\r\n")

    def rawDataReceived(self, data: bytes) -> None:
        self.seen.append(("raw", data))
        self.setLineMode(b"back\r\n")


class OldStringLoop(Int8StringReceiver):
    """
    Has its own C{dataReceived} in the old style, which maintains C{_unprocessed} and its offset
    itself.
    """

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def dataReceived(self, data: bytes) -> None:
        everything = self._unprocessed + data
        self._unprocessed = everything
        at = 0
        while at < len(everything) and not self.paused:
            end = at + 1 + everything[at]
            if end > len(everything):
                break
            self._compatibilityOffset = end
            self.stringReceived(everything[at + 1 : end])
            at = end
            if "recvd" in self.__dict__:
                everything = self.__dict__.pop("recvd")
                self._unprocessed = everything
                self._compatibilityOffset = at = 0
        self._unprocessed = everything[at:]
        self._compatibilityOffset = 0

    def stringReceived(self, string: bytes) -> None:
        self.seen.append((string, self.recvd))
        if string == b"drop":
            self.recvd = b"\1x"


class OwnLoopTests(SynchronousTestCase):
    """Tests for applications that override C{dataReceived} with their own loop."""

    def test_lines(self) -> None:
        """Lines, raw data, pauses and reentrant bytes work."""
        receiver = connected(OldLineLoop())
        receiver.dataReceived(b"a\r\nagain\r\nraw\r\n")
        receiver.dataReceived(b"data")
        self.assertEqual(receiver.seen, [b"a", b"again", b"raw", ("raw", b"entered\r\n"), b"back", b"data"][:5])
        receiver.dataReceived(b"\r\npause\r\nb\r\nc")
        self.assertEqual((receiver.seen[5:], receiver._buffer), ([b"data", b"pause"], b"b\r\nc"))
        receiver.resumeProducing()
        self.assertEqual((receiver.seen[7:], receiver._buffer), ([b"b"], b"c"))

    def test_strings(self) -> None:
        """Strings work, with C{recvd} read and written in their callback."""
        receiver = connected(OldStringLoop())
        receiver.dataReceived(b"\1a\4drop\1lost")
        self.assertEqual(receiver.seen, [(b"a", b"\4drop\1lost"), (b"drop", b"\1lost"), (b"x", b"")])
        receiver.dataReceived(b"\2b")
        self.assertEqual((receiver.recvd, receiver._unprocessed), (b"\2b", b"\2b"))

    def test_callsBase(self) -> None:
        """An override of C{dataReceived} can inspect the bytes and call the base by its class."""

        class Looking(Lines):
            def dataReceived(self, data: bytes) -> Any:
                self.lines.append(b"got %d" % len(data))
                return LineReceiver.dataReceived(self, data)

        receiver = connected(Looking())
        receiver.dataReceived(b"a\r\n")
        self.assertEqual(receiver.lines, [b"got 3", b"a"])

    def test_ownReceiver(self) -> None:
        """An application's own receiver can have C{_PauseableMixin} as a base."""

        class Own(Protocol, _PauseableMixin):
            def __init__(self) -> None:
                self.got: list[bytes] = []
                self.kept = b""

            def dataReceived(self, data: bytes) -> None:
                self.kept += data
                if not self.paused:
                    self.got.append(self.kept)
                    self.kept = b""

        receiver = connected(Own())
        receiver.pauseProducing()
        receiver.dataReceived(b"a")
        receiver.resumeProducing()
        self.assertEqual(receiver.got, [b"a"])


class BufferTests(SynchronousTestCase):
    """Tests for applications that read and reset C{_buffer}, in callbacks and outside."""

    def test_handOver(self) -> None:
        """A callback can take the remaining bytes for another protocol."""

        class Switching(Lines):
            def lineReceived(self, line: bytes) -> None:
                self.lines.append(line)
                self.rest, self._buffer = self._buffer, b""

        receiver = connected(Switching())
        receiver.dataReceived(b"switch\r\nfor\r\nanother")
        self.assertEqual((receiver.lines, receiver.rest, receiver._buffer), ([b"switch"], b"for\r\nanother", b""))

    def test_initialized(self) -> None:
        """C{connectionMade} can reset C{_buffer}."""

        class Resetting(Lines):
            def connectionMade(self) -> None:
                self._buffer = b""

        receiver = connected(Resetting())
        receiver.dataReceived(b"a\r\n")
        self.assertEqual(receiver.lines, [b"a"])

    def test_lineOnly(self) -> None:
        """An application can read the unfinished line of a C{LineOnlyReceiver}."""

        class Only(LineOnlyReceiver):
            def lineReceived(self, line: bytes) -> None:
                """Ignore the line."""

        receiver = connected(Only())
        receiver.dataReceived(b"a\r\nunfinished")
        self.assertEqual(receiver._buffer, b"unfinished")


class OverrideTests(SynchronousTestCase):
    """Tests for what applications override, on classes and on instances."""

    def test_delimiterAndLimit(self) -> None:
        """The delimiter and the limit can be set on the class or on the instance."""

        class Own(Lines):
            delimiter = b"\0"
            MAX_LENGTH = 3

        receiver = connected(Own())
        receiver.dataReceived(b"abc\0")
        receiver.MAX_LENGTH = 5
        receiver.delimiter = b";"
        receiver.dataReceived(b"abcde;abcdef;")
        self.assertEqual((receiver.lines, receiver.transport_.disconnecting), ([b"abc", b"abcde"], True))

    def test_raisingHooks(self) -> None:
        """A hook for a message that is too long can raise, and the caller gets the error."""

        class Raising(Int8StringReceiver):
            MAX_LENGTH = 1

            def lengthLimitExceeded(self, length: int) -> None:
                raise RuntimeError(length)

        class RaisingLines(Lines):
            MAX_LENGTH = 1

            def lineLengthExceeded(self, line: bytes) -> None:
                raise RuntimeError(line)

        self.assertRaises(RuntimeError, connected(Raising()).dataReceived, b"\2ab")
        self.assertRaises(RuntimeError, connected(RaisingLines()).dataReceived, b"ab\r\n")

    def test_sendLine(self) -> None:
        """C{sendLine}, C{clearLineBuffer} and C{setRawMode} can be overridden."""

        class Text(Lines):
            def sendLine(self, line: Any) -> None:
                super().sendLine(line.encode())

            def setRawMode(self) -> None:
                super().setRawMode()
                self.lines.append(b"raw")

            def clearLineBuffer(self) -> bytes:
                self.lines.append(b"cleared")
                return super().clearLineBuffer()

        receiver = connected(Text())
        receiver.sendLine("ä")
        receiver.setRawMode()
        receiver.clearLineBuffer()
        self.assertEqual((receiver.transport_.written, receiver.lines), ("ä\r\n".encode(), [b"raw", b"cleared"]))

    def test_producer(self) -> None:
        """A receiver can be the producer for another connection."""

        class Proxy(Lines):
            def resumeProducing(self) -> None:
                self.lines.append(b"resumed")
                super().resumeProducing()

        receiver = connected(Proxy())
        receiver.pauseProducing()
        receiver.dataReceived(b"a\r\n")
        receiver.resumeProducing()
        receiver.stopProducing()
        self.assertEqual(receiver.lines, [b"resumed", b"a"])
        self.assertEqual(receiver.transport_.names(), ["pauseProducing", "resumeProducing", "stopProducing"])

    def test_format(self) -> None:
        """C{structFormat} and C{prefixLength} can define another format."""

        class Wide(IntNStringReceiver):
            structFormat = "<Q"
            prefixLength = 8

            def stringReceived(self, string: bytes) -> None:
                self.string = string

        receiver = connected(Wide())
        receiver.dataReceived(b"\1\0\0\0\0\0\0\0a")
        self.assertEqual(receiver.string, b"a")
        self.assertEqual((Int16StringReceiver.structFormat, Int16StringReceiver.prefixLength), ("!H", 2))

    def test_brokenPeer(self) -> None:
        """C{brokenPeer} can be read."""
        receiver = connected(NetstringReceiver())
        receiver.dataReceived(b"x")
        self.assertEqual(receiver.brokenPeer, 1)

    def test_recvd(self) -> None:
        """C{recvd} can be read in a callback that passes the rest on, and between chunks."""

        class Handing(Int8StringReceiver):
            def stringReceived(self, string: bytes) -> None:
                self.rest, self.recvd = self.recvd, b""

        receiver = connected(Handing())
        receiver.dataReceived(b"\1a\1b\5c")
        self.assertEqual((receiver.rest, receiver.recvd), (b"\1b\5c", b""))

    def test_lineMode(self) -> None:
        """C{line_mode} can be set on a class and on an instance."""

        class Raw(Lines):
            line_mode = 0

            def rawDataReceived(self, data: bytes) -> None:
                self.lines.append(data)
                self.line_mode = 1

        receiver = connected(Raw())
        receiver.dataReceived(b"ab")
        receiver.dataReceived(b"c\r\n")
        self.assertEqual(receiver.lines, [b"ab", b"c"])

    def test_fileSender(self) -> None:
        """The attributes of L{FileSender} have the same values as in Twisted."""

        class Large(FileSender):
            CHUNK_SIZE = 1 << 16

        sender = Large()
        self.assertEqual((sender.lastSent, sender.deferred, sender.CHUNK_SIZE), ("", None, 65536))
        transport = RecordingTransport()
        file: Any = object()
        sender.beginFileTransfer(file, transport)  # type: ignore[arg-type]
        self.assertEqual((sender.file, sender.consumer, sender.transform), (file, transport, None))
