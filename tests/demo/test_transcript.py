"""Tests for L{twisted_basic_ng_demo.demo.transcript}."""

from __future__ import annotations

from dataclasses import asdict

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng_demo.demo.transcript import Record, Transcript, differences, digestMessages, digestStream


class DigestTests(SynchronousTestCase):
    """A digest represents what an end saw, and does not depend on chance."""

    def test_messages(self) -> None:
        """Messages are counted and measured."""
        digest = digestMessages([b"one", b"", b"three"])
        self.assertEqual((digest.count, digest.size), (3, 8))

    def test_boundaries(self) -> None:
        """The same bytes in different messages have different digests."""
        digests = {digestMessages(cut).sha256 for cut in ([b"ab", b"c"], [b"a", b"bc"], [b"abc"], [b"abc", b""])}
        self.assertEqual(len(digests), 4)

    def test_forged(self) -> None:
        """A message that resembles a boundary does not count as one."""
        self.assertNotEqual(digestMessages([b"a1:b"]).sha256, digestMessages([b"a", b"b"]).sha256)

    def test_stream(self) -> None:
        """The digest of a stream depends on its bytes, and not on its chunks."""
        self.assertEqual(digestStream([b"ab", b"c"]), digestStream([b"a", b"", b"bc"]))
        self.assertEqual((digestStream([b"ab", b"c"]).size, digestStream([]).size), (3, 0))
        self.assertNotEqual(digestStream([b"abc"]), digestStream([b"acb"]))


class TranscriptTests(SynchronousTestCase):
    """A transcript has the two digests of one end."""

    def setUp(self) -> None:
        self.transcript = Transcript.of(Record([b"x", b"y"], [b"x\r", b"\ny\r\n"]))

    def test_of(self) -> None:
        """The transcript has the digests of the delivered messages and of the received bytes."""
        self.assertEqual((self.transcript.delivered.count, self.transcript.received.size), (2, 6))

    def test_mapping(self) -> None:
        """A transcript can be converted to a mapping and back."""
        self.assertEqual(Transcript.fromMapping(asdict(self.transcript)), self.transcript)

    def test_same(self) -> None:
        """The same record in other chunks causes no difference."""
        again = Transcript.of(Record([b"x", b"y"], [b"x\r\ny\r\n"]))
        self.assertEqual(differences("client", self.transcript, again), [])

    def test_delivered(self) -> None:
        """A difference in the messages is reported with both counts."""
        other = Transcript.of(Record([b"xy"], [b"x\r\ny\r\n"]))
        (found,) = differences("client", self.transcript, other)
        self.assertIn("the client was delivered 2 messages of 2 bytes", found)
        self.assertIn("on Twisted, 1 messages of 2 bytes", found)

    def test_received(self) -> None:
        """A difference in the bytes is reported with both sizes."""
        other = Transcript.of(Record([b"x", b"y"], [b"x\r\ny\r\nz"]))
        (found,) = differences("server", self.transcript, other)
        self.assertIn("the server read 6 bytes", found)
        self.assertIn("on Twisted, 7 bytes", found)
