"""Tests for L{twisted_basic_ng_demo.demo.transcript}."""

from __future__ import annotations

from dataclasses import asdict

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng_demo.demo.transcript import Record, Transcript, differences, digestMessages, digestStream


class DigestTests(SynchronousTestCase):
    """A digest stands for what was seen, and for nothing that is chance."""

    def test_messages(self) -> None:
        """Messages are counted and measured."""
        digest = digestMessages([b"one", b"", b"three"])
        self.assertEqual((digest.count, digest.size), (3, 8))

    def test_boundaries(self) -> None:
        """The same bytes as other messages have another digest."""
        digests = {digestMessages(cut).sha256 for cut in ([b"ab", b"c"], [b"a", b"bc"], [b"abc"], [b"abc", b""])}
        self.assertEqual(len(digests), 4)

    def test_forged(self) -> None:
        """A message that looks like a boundary is none."""
        self.assertNotEqual(digestMessages([b"a1:b"]).sha256, digestMessages([b"a", b"b"]).sha256)

    def test_stream(self) -> None:
        """The chunks of a stream do not matter, its bytes do."""
        self.assertEqual(digestStream([b"ab", b"c"]), digestStream([b"a", b"", b"bc"]))
        self.assertEqual((digestStream([b"ab", b"c"]).size, digestStream([]).size), (3, 0))
        self.assertNotEqual(digestStream([b"abc"]), digestStream([b"acb"]))


class TranscriptTests(SynchronousTestCase):
    """A transcript holds the two digests of one end."""

    def setUp(self) -> None:
        self.transcript = Transcript.of(Record([b"x", b"y"], [b"x\r", b"\ny\r\n"]))

    def test_of(self) -> None:
        """It has what was delivered and what was received."""
        self.assertEqual((self.transcript.delivered.count, self.transcript.received.size), (2, 6))

    def test_mapping(self) -> None:
        """It survives being a mapping."""
        self.assertEqual(Transcript.fromMapping(asdict(self.transcript)), self.transcript)

    def test_same(self) -> None:
        """The same record in other chunks makes no difference."""
        again = Transcript.of(Record([b"x", b"y"], [b"x\r\ny\r\n"]))
        self.assertEqual(differences("client", self.transcript, again), [])

    def test_delivered(self) -> None:
        """Other messages are said with both their counts."""
        other = Transcript.of(Record([b"xy"], [b"x\r\ny\r\n"]))
        (found,) = differences("client", self.transcript, other)
        self.assertIn("the client was delivered 2 messages of 2 bytes", found)
        self.assertIn("on Twisted, 1 messages of 2 bytes", found)

    def test_received(self) -> None:
        """Other bytes are said with both their sizes."""
        other = Transcript.of(Record([b"x", b"y"], [b"x\r\ny\r\nz"]))
        (found,) = differences("server", self.transcript, other)
        self.assertIn("the server read 6 bytes", found)
        self.assertIn("on Twisted, 7 bytes", found)
