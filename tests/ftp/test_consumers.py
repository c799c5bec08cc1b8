"""Tests for L{twisted_basic_ng._ftp.consumers}."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, partitions
from twisted_basic_ng._ftp import consumers
from twisted_basic_ng._ftp.consumers import ASCIIConsumerWrapper, FileConsumer
from twisted_basic_ng._ftp.dtp import DTP
from twisted_basic_ng._ftp.dtpfactory import DTPFactory


class Kept(FileConsumer):
    """Writes to memory."""

    def __init__(self) -> None:
        super().__init__(BytesIO())
        self.written = b""

    def write(self, bytes: bytes) -> None:  # noqa: A002
        self.written += bytes


class ASCIITests(SynchronousTestCase):
    """Lines end in CR LF on the wire and in the local line ending in files, in any chunks."""

    def outward(self, chunks: list[Any]) -> bytes:
        """Send text over a data connection."""
        dtp = DTP()
        dtp.factory = DTPFactory(self)
        transport = RecordingTransport().connect(dtp)
        wrapper = ASCIIConsumerWrapper(dtp)
        for chunk in chunks:
            wrapper.write(chunk)
        wrapper.unregisterProducer()
        self.assertTrue(transport.disconnecting)
        return transport.written

    def inward(self, chunks: list[Any]) -> bytes:
        """Receive text."""
        kept = Kept()
        wrapper = ASCIIConsumerWrapper(kept)
        wrapper.registerProducer(self, True)
        for chunk in chunks:
            wrapper.write(chunk)
        wrapper.unregisterProducer()
        self.assertTrue(kept.fObj.closed)
        return kept.written

    def test_outward(self) -> None:
        """LF becomes CR LF, and CR LF is not changed."""
        self.patch(consumers, "_LOCAL", b"\n")
        text = b"a\nb\r\n\n\rc\r"
        for chunks in partitions(text):
            self.assertEqual(self.outward([*chunks, b""]), b"a\r\nb\r\n\r\n\rc\r")

    def test_inward(self) -> None:
        """CR LF becomes LF, and a single CR is not changed."""
        self.patch(consumers, "_LOCAL", b"\n")
        text = b"a\r\nb\n\r\r\nc\r"
        for chunks in partitions(text):
            self.assertEqual(self.inward(chunks), b"a\nb\n\r\nc\r")

    def test_alike(self) -> None:
        """Nothing is changed if files use the line ending of the wire."""
        self.patch(consumers, "_LOCAL", b"\r\n")
        text = b"a\nb\r\n\r"
        for chunks in partitions(text):
            self.assertEqual((self.outward(chunks), self.inward(chunks)), (text, text))

    def test_kinds(self) -> None:
        """Any bytes-like object is accepted as text."""
        self.patch(consumers, "_LOCAL", b"\n")
        for kind in (bytes, bytearray, memoryview):
            self.assertEqual(self.outward([kind(b"a\nb\r"), kind(b"\n")]), b"a\r\nb\r\n")
            self.assertEqual(self.inward([kind(b"a\r"), kind(b"\nb\r")]), b"a\nb\r")

    def test_endFails(self) -> None:
        """The file is closed even if the last of the text cannot be written."""
        kept = Kept()
        wrapper = ASCIIConsumerWrapper(kept)
        self.patch(consumers, "_LOCAL", b"\n")
        wrapper.write(b"a\r")
        kept.write = lambda data: 1 / 0  # type: ignore[assignment, method-assign, return-value, misc]
        self.assertRaises(ZeroDivisionError, wrapper.unregisterProducer)
        self.assertTrue(kept.fObj.closed)

    def test_failed(self) -> None:
        """A consumer that has raised receives no more data, and is closed."""
        kept = Kept()
        wrapper = ASCIIConsumerWrapper(kept)
        self.patch(consumers, "_LOCAL", b"\n")
        given: list[bytes] = []

        def fail(data: bytes) -> None:
            given.append(data)
            raise OSError

        kept.write = fail  # type: ignore[method-assign]
        self.assertRaises(OSError, wrapper.write, b"a\r")
        wrapper.unregisterProducer()
        self.assertEqual((given, kept.fObj.closed), ([b"a"], True))

    def test_result(self) -> None:
        """The return value of the consumer's C{write} is returned."""
        consumer: Any = Kept()
        consumer.write = len
        self.assertEqual(ASCIIConsumerWrapper(consumer).write(b"abc"), 3)


class FileConsumerTests(SynchronousTestCase):
    """L{FileConsumer} writes a file and closes it."""

    def test_all(self) -> None:
        """C{producer} is set while a producer is registered."""
        file = BytesIO()
        consumer = FileConsumer(file)
        consumer.registerProducer(self, True)
        self.assertIs(consumer.producer, self)
        consumer.write(b"one")
        self.assertEqual(file.getvalue(), b"one")
        consumer.unregisterProducer()
        self.assertEqual((consumer.producer, file.closed), (None, True))

    def test_pull(self) -> None:
        """A pull producer is refused."""
        self.assertRaises(AssertionError, FileConsumer(BytesIO()).registerProducer, self, False)
