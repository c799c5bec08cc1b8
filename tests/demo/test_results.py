"""Tests for L{twisted_basic_ng_demo.demo.results}."""

from __future__ import annotations

import json
from dataclasses import asdict

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng_demo.demo.jobs import JOBS
from twisted_basic_ng_demo.demo.pairs import OURS, STOCK
from twisted_basic_ng_demo.demo.results import Outcome, Round, closingLine, document, introduction, roundOf, row
from twisted_basic_ng_demo.demo.transcript import Record, Transcript

MESSAGES, BYTES = JOBS[0], JOBS[3]


def transcript(*delivered: bytes) -> Transcript:
    """Return the transcript of an end that received lines."""
    return Transcript.of(Record(list(delivered), [line + b"\n" for line in delivered]))


def made(seconds: float, *delivered: bytes, build: str | None = None) -> Round:
    """Return a round in which the client received something, and the server one line."""
    return Round(transcript(b"one"), transcript(*delivered), seconds, {"LineReceiver": "a.module"}, build, "26.10.0")


def outcome(*pairs: tuple[float, float], build: str = "ext") -> Outcome:
    """Return the outcome of rounds that took so many seconds on Twisted's and on ours."""
    result = Outcome(MESSAGES)
    for stock, ours in pairs:
        result.rounds[STOCK].append(made(stock, b"x"))
        result.rounds[OURS].append(made(ours, b"x", build=build))
    return result


class RoundTests(SynchronousTestCase):
    """Tests for a round, which is made from two reports."""

    def test_reports(self) -> None:
        """The transcripts come from both ends, the time and the build from the client."""

        def report(seconds: float, seen: Transcript) -> str:
            return json.dumps(
                {
                    "classes": {"LineReceiver": "a.module"},
                    "build": "pure",
                    "twisted": "26.10.0",
                    "seconds": seconds,
                    "transcript": asdict(seen),
                }
            )

        found = roundOf(report(9.0, transcript(b"one")), report(2.0, transcript(b"x", b"y")))
        self.assertEqual(found, made(2.0, b"x", b"y", build="pure"))

    def test_messages(self) -> None:
        """The rate counts the messages of both ends per second."""
        self.assertEqual(made(0.5, b"x", b"y").rate(MESSAGES.unit), 6)

    def test_bytes(self) -> None:
        """The rate in MiB counts the bytes of both ends."""
        self.assertEqual(made(0.5, b"x" * (2**20 - 3)).rate(BYTES.unit), 2)


class OutcomeTests(SynchronousTestCase):
    """Tests for the outcome of several rounds."""

    def test_nothing(self) -> None:
        """Without rounds, there is no verdict and no rate."""
        found = Outcome(MESSAGES)
        self.assertEqual((found.same, found.rate(STOCK), found.rate(OURS), found.ratio), (None, None, None, None))
        self.assertFalse(found.passed)

    def test_half(self) -> None:
        """After Twisted's round only, there is its rate, and no verdict."""
        found = Outcome(MESSAGES)
        found.rounds[STOCK].append(made(1.0, b"x"))
        self.assertEqual((found.same, found.rate(STOCK), found.ratio), (None, 2.0, None))

    def test_medians(self) -> None:
        """The rate is the median of the rounds, and the ratio the median of the pairs' ratios."""
        found = outcome((1.0, 0.5), (4.0, 0.5), (8.0, 4.0))
        self.assertEqual((found.rate(STOCK), found.rate(OURS), found.ratio), (0.5, 4.0, 2.0))
        self.assertTrue(found.passed)

    def test_unpaired(self) -> None:
        """A round of Twisted's without its pair does not count for the ratio."""
        found = outcome((1.0, 0.5))
        found.rounds[STOCK].append(made(100.0, b"x"))
        self.assertEqual(found.ratio, 2.0)

    def test_differ(self) -> None:
        """
        One different transcript makes the verdict negative.  Each kind of difference is reported
        once.
        """
        found = outcome((1.0, 1.0), (1.0, 1.0))
        found.rounds[OURS][1] = made(1.0, b"y")
        self.assertIs(found.same, False)
        self.assertFalse(found.passed)
        self.assertEqual(
            [each.partition(" on ")[0][:24] for each in found.differences],
            ["the client was delivered", "the client read 2 bytes "],
        )

    def test_failure(self) -> None:
        """A failed job has not passed, whatever its transcripts."""
        found = outcome((1.0, 1.0))
        found.failure = "no more"
        self.assertFalse(found.passed)


class WordsTests(SynchronousTestCase):
    """Tests for the texts."""

    def test_row(self) -> None:
        """A row has a verdict, and rates rounded to three digits."""
        found = row(outcome((0.00001234, 0.0000008)))
        self.assertEqual((found.title, found.same, found.unit), (MESSAGES.title, "yes", "msg/s"))
        self.assertEqual((found.stock, found.ours, found.ratio), ("162,000", "2,500,000", "15.43"))

    def test_small(self) -> None:
        """Small rates are not rounded further."""
        self.assertEqual(row(outcome((0.1, 2.0))).stock, "20")

    def test_empty(self) -> None:
        """Unknown values are empty."""
        found = row(Outcome(MESSAGES))
        self.assertEqual((found.same, found.stock, found.ours, found.ratio), ("", "", "", ""))

    def test_verdicts(self) -> None:
        """A difference and a failure are shown in the verdict."""
        found = outcome((1.0, 1.0))
        found.rounds[OURS][0] = made(1.0, b"y")
        self.assertEqual(row(found).same, "NO")
        found.failure = "no more"
        self.assertEqual(row(found).same, "failed")

    def test_introduction(self) -> None:
        """The introduction says what is compared and how often, in lines that fit."""
        many = introduction("0.1.0", "3.10.13", 5, 3)
        self.assertIn("5 jobs, 3 times on each", many)
        self.assertTrue(all(len(line) <= 80 for line in many.splitlines()))
        self.assertIn("one job, once on each", introduction("0.1.0", "3.10.13", 1, 1))

    def test_closing(self) -> None:
        """The closing line has the range of the ratios, and the build."""
        said = closingLine([outcome((1.0, 1.0)), outcome((3.0, 1.0), build="pure")], 12.4)
        self.assertIn("Every transcript was the same, to the byte.", said)
        self.assertIn("Ours (pure Python) ran at 1.0 to 3.0 times the speed of Twisted 26.10.0; 12 s.", said)
        self.assertIn("Ours (compiled) ran at 2.0 times", closingLine([outcome((2.0, 1.0))], 1))

    def test_closingBad(self) -> None:
        """The closing line names the jobs that did not pass."""
        bad = outcome((1.0, 1.0))
        bad.failure = "no more"
        said = closingLine([outcome((1.0, 1.0)), bad], 1)
        self.assertEqual(said, "NOT the same, for the reasons above: lines (1 of 2).")


class DocumentTests(SynchronousTestCase):
    """Tests for the JSON document."""

    def test_document(self) -> None:
        """
        The document has versions, verdicts, figures, transcripts, and the modules of the classes.
        """
        found = json.loads(json.dumps(document([outcome((1.0, 0.5))], "0.1.0", "3.11.7", 3.0)))
        self.assertEqual((found["twisted_basic_ng"], found["python"], found["passed"]), ("0.1.0", "3.11.7", True))
        (job,) = found["jobs"]
        self.assertEqual((job["name"], job["same"], job["ratio"], job["failure"]), ("lines", True, 2.0, None))
        self.assertEqual((job["differences"], job["unit"], job["size"]), ([], "msg/s", MESSAGES.size))
        (stock,), (ours,) = job["twisted"]["rounds"], job["twisted_basic_ng"]["rounds"]
        self.assertEqual((stock["rate"], ours["rate"], job["twisted"]["rate"]), (2.0, 4.0, 2.0))
        self.assertEqual((stock["build"], ours["build"]), (None, "ext"))
        self.assertEqual(ours["classes"], {"LineReceiver": "a.module"})
        self.assertEqual(ours["client"]["delivered"]["count"], 1)
