"""Tests for L{twisted_basic_ng_demo.demo.protocols}."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng_demo.demo import protocols as module


class PayloadTests(SynchronousTestCase):
    """Tests for the generated payloads, which are the same in every process."""

    def test_words(self) -> None:
        """
        The words have the requested number, are all different, have different lengths, and fit into
        a line.
        """
        words = list(module.words(1000))
        self.assertEqual((len(words), len(set(words))), (1000, 1000))
        self.assertGreater(len({len(word) for word in words}), 20)
        self.assertNotIn(b"\n", b"".join(words))

    def test_payload(self) -> None:
        """A payload has the requested size, contains every byte value, and its pieces differ."""
        payload = module.payload(200_000)
        self.assertEqual((len(payload), len(set(payload))), (200_000, 256))
        self.assertNotEqual(payload[: module.PIECE], payload[module.PIECE : 2 * module.PIECE])

    def test_small(self) -> None:
        """A payload may be of any small size."""
        self.assertEqual([len(module.payload(size)) for size in (0, 1, 2)], [0, 1, 2])


class ProtocolTests(SynchronousTestCase):
    """Each server and its client do their work, and close the connection."""

    def converse(self, server: Any, client: Any, size: int) -> tuple[list[bytes], list[bytes]]:
        """Let the two talk in chunks that cut messages.  Return what was delivered to each."""
        served: list[bytes] = []
        asked: list[bytes] = []
        connection = connectInMemory(client(size, asked), server(size, served), 1000)
        connection.flush()
        self.assertTrue(connection.client.lost and connection.server.lost)
        return served, asked

    def test_lines(self) -> None:
        """Each end receives all lines of the other, and the final one."""
        served, asked = self.converse(module.LineServer, module.LineClient, 100)
        words = list(module.words(100))
        self.assertEqual(served, [*(b"client " + word for word in words), b"quit"])
        self.assertEqual(asked, [*(b"server " + word for word in words), b"bye"])

    def test_netstrings(self) -> None:
        """Each question is sent back, in order."""
        served, asked = self.converse(module.NetstringServer, module.NetstringClient, 100)
        self.assertEqual(served, list(module.words(100)))
        self.assertEqual(asked, served)

    def test_int32(self) -> None:
        """Each question is sent back, in order."""
        served, asked = self.converse(module.Int32Server, module.Int32Client, 100)
        self.assertEqual(served, list(module.words(100)))
        self.assertEqual(asked, served)

    def test_large(self) -> None:
        """A string of several pieces arrives complete and is confirmed."""
        served, asked = self.converse(module.LargeStringServer, module.LargeStringClient, 150_000)
        self.assertEqual(served, [module.payload(150_000)])
        self.assertEqual(asked, [b"150000 bytes, thank you"])

    def test_largePieces(self) -> None:
        """The string is written in pieces, after its length."""
        transport = RecordingTransport().connect(module.LargeStringClient(150_000, []))
        self.assertEqual([len(event[1]) for event in transport.events], [4, 65536, 65536, 18928])

    def test_file(self) -> None:
        """The file arrives complete, and its sender reports the last byte."""
        served, asked = self.converse(module.FileServer, module.FileClient, 150_000)
        self.assertEqual(asked, [module.payload(150_000)])
        self.assertEqual(served, [asked[0][-1:]])

    def test_fileCut(self) -> None:
        """
        After a transfer that was cut off, the file is closed, and the bytes received are the
        message.
        """
        server = module.FileServer(100_000, [])
        asked: list[bytes] = []
        connection = connectInMemory(module.FileClient(100_000, asked), server, 1000)
        connection.pump()
        connection.pump()
        connection.server.lose(ConnectionLost)
        connection.client.lose(ConnectionLost)
        self.assertTrue(module.payload(100_000).startswith(asked[0]))
        self.assertTrue(0 < len(asked[0]) < 100_000)
        self.assertTrue(server.file.closed)
        self.assertEqual(len(self.flushLoggedErrors()), 1)
