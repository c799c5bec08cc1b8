"""Tests for L{twisted_basic_ng_demo.demo.command}."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng_demo.demo import command as module
from twisted_basic_ng_demo.demo.command import Options, demonstrate, main
from twisted_basic_ng_demo.demo.display import LiveDisplay, PlainDisplay
from twisted_basic_ng_demo.demo.jobs import JOBS, Job
from twisted_basic_ng_demo.demo.pairs import OURS, STOCK, Implementation, PairError
from twisted_basic_ng_demo.demo.results import Round
from twisted_basic_ng_demo.demo.transcript import Record, Transcript

LINES, NETSTRINGS = JOBS[:2]
#: The jobs of the table, in sizes that take almost no time.
SMALL = tuple(replace(job, size=50) for job in JOBS)


def called(argv: Sequence[str]) -> tuple[int, str, str]:
    """Return the exit status and both outputs of a command line."""
    with redirect_stdout(StringIO()) as output, redirect_stderr(StringIO()) as errors:
        status = main(argv)
    return status, output.getvalue(), errors.getvalue()


def freshFile(case: SynchronousTestCase) -> Path:
    """Return the path of a file that does not exist yet.  It is deleted after the test."""
    directory = TemporaryDirectory()
    case.addCleanup(directory.cleanup)
    return Path(directory.name, "demo.json")


def canned(job: Job, implementation: Implementation) -> Round:
    """Return the result of a successful round, in which ours was twice as fast."""
    seen = Transcript.of(Record([b"x"], [b"x\n"]))
    return Round(seen, seen, 1.0 if implementation is STOCK else 0.5, {}, "pure", "26.10.0")


def mangled(job: Job, implementation: Implementation) -> Round:
    """Return the same result, with another message delivered by ours."""
    ours = Transcript.of(Record([b"y"], [b"x\n"]))
    made = canned(job, implementation)
    return replace(made, client=ours) if implementation is OURS else made


class OptionsTests(SynchronousTestCase):
    """An invalid command line causes one line of output and exit status 2."""

    def test_mistyped(self) -> None:
        """The line says what is wrong, and how to get help."""
        for argv, word in (
            (["--job", "nope"], "'nope'"),
            (["--rounds", "0"], "number of rounds value: '0'"),
            (["--rounds", "many"], "'many'"),
            (["--roun", "3"], "--roun"),
            (["extra"], "extra"),
            (["--json", "/no/such/directory/file"], "cannot write '/no/such/directory/file': No such file"),
        ):
            status, output, errors = called(argv)
            self.assertEqual((status, output, errors.count("\n")), (2, "", 1), argv)
            self.assertIn(word, errors)
            self.assertIn("see 'twisted-basic-ng demo --help'", errors)

    def test_help(self) -> None:
        """The help has the options, the jobs and the exit statuses."""
        status, output, errors = called(["--help"])
        self.assertEqual((status, errors), (0, ""))
        for word in ("--rounds", "--job", "--json", "--plain", "exit status", *(job.name for job in JOBS)):
            self.assertIn(word, output)


class Terminal(StringIO):
    """An output that is a terminal."""

    def isatty(self) -> bool:
        """Return true."""
        return True


class DisplayTests(SynchronousTestCase):
    """Tests for the choice of the display."""

    def setUp(self) -> None:
        self.patch(os, "environ", {**os.environ, "TERM": "xterm"})
        self.patch(sys, "stdout", Terminal())

    def test_terminal(self) -> None:
        """A terminal gets a live table."""
        self.assertIsInstance(module._display(False), LiveDisplay)

    def test_plain(self) -> None:
        """The table is plain if that is requested, or if the terminal cannot redraw it."""
        self.assertIsInstance(module._display(True), PlainDisplay)
        os.environ["TERM"] = "dumb"
        self.assertIsInstance(module._display(False), PlainDisplay)

    def test_file(self) -> None:
        """A file or a pipe gets a plain table."""
        self.patch(sys, "stdout", StringIO())
        self.assertIsInstance(module._display(False), PlainDisplay)

    def test_withoutRich(self) -> None:
        """Without rich, the table is plain, and a message says how to install rich."""
        missing = dict.fromkeys(("rich", "rich.console", "rich.live"))
        with patch.dict(sys.modules, missing), redirect_stderr(StringIO()) as errors:
            self.assertIsInstance(module._display(False), PlainDisplay)
        self.assertIn("pip install rich", errors.getvalue())


class DemonstrateTests(SynchronousTestCase):
    """Each job runs on each implementation in turn, and the results are shown."""

    def demonstrate(
        self,
        play: Callable[[Job, Implementation], Round],
        rounds: int | None = 2,
        clock: Callable[[], float] = lambda: 0.0,
        path: Path | None = None,
    ) -> tuple[int, str]:
        """Run two jobs.  Return the exit status and the output."""
        output = StringIO()
        options = Options(rounds, [], path, True)
        status = demonstrate([LINES, NETSTRINGS], options, PlainDisplay(output), play, clock)
        return status, output.getvalue()

    def test_order(self) -> None:
        """The two implementations alternate, so that both run under the same conditions."""
        played: list[tuple[Job, Implementation]] = []

        def play(job: Job, implementation: Implementation) -> Round:
            played.append((job, implementation))
            return canned(job, implementation)

        self.demonstrate(play)
        turns = [STOCK, OURS, STOCK, OURS]
        self.assertEqual(played, [*((LINES, turn) for turn in turns), *((NETSTRINGS, turn) for turn in turns)])

    def test_passed(self) -> None:
        """
        If everything passes, the status is 0, and there is a row for each job and a closing line.
        """
        status, said = self.demonstrate(canned)
        self.assertEqual((status, said.count(" yes "), said.count("2.00")), (0, 2, 2))
        self.assertIn("Every transcript was the same", said)

    def test_differs(self) -> None:
        """If a transcript differs, the status is 1, and the difference is shown."""
        status, said = self.demonstrate(mangled)
        self.assertEqual((status, said.count(" NO ")), (1, 2))
        self.assertIn("lines: the client was delivered 1 messages of 1 bytes", said)
        self.assertIn("NOT the same", said)

    def test_fails(self) -> None:
        """If a job fails, the status is 1, the reason is shown, and the other jobs run."""

        def play(job: Job, implementation: Implementation) -> Round:
            if (job, implementation) == (LINES, OURS):
                raise PairError("the client failed, with exit status 1", "client: of no mind")
            return canned(job, implementation)

        status, said = self.demonstrate(play)
        self.assertEqual((status, said.count(" failed "), said.count(" yes ")), (1, 1, 1))
        self.assertIn("lines: on twisted_basic_ng: the client failed, with exit status 1\nclient: of no mind", said)
        self.assertIn("lines (1 of 2)", said)

    def test_json(self) -> None:
        """The figures are written to the given file."""
        path = freshFile(self)
        self.demonstrate(canned, path=path)
        found = json.loads(path.read_text(encoding="ascii"))
        self.assertEqual((found["passed"], [job["ratio"] for job in found["jobs"]]), (True, [2.0, 2.0]))

    def test_rounds(self) -> None:
        """
        Without a given number, there are as many rounds as the time permits, and at least one.
        """
        self.assertEqual([self.roundsOf(seconds) for seconds in (0.1, 1.3, 1.5, 3.0, 100.0)], [3, 3, 2, 1, 1])

    def roundsOf(self, seconds: float) -> int:
        """Return the number of rounds for a job that takes this long on either implementation."""
        now = [0.0]
        played: list[Job] = []

        def play(job: Job, implementation: Implementation) -> Round:
            played.append(job)
            now[0] += seconds
            return canned(job, implementation)

        self.demonstrate(play, None, lambda: now[0])
        return len(played) // 4

    def test_roundsGiven(self) -> None:
        """A given number of rounds is made, however long it takes."""
        now = iter(range(0, 10**6, 1000))
        played: list[Job] = []

        def play(job: Job, implementation: Implementation) -> Round:
            played.append(job)
            return canned(job, implementation)

        self.demonstrate(play, 4, lambda: next(now))
        self.assertEqual(len(played), 2 * 2 * 4)


class MainTests(SynchronousTestCase):
    """Tests for the command."""

    def test_jobs(self) -> None:
        """Only the named jobs run, each once, in the order of the table."""
        played: list[str] = []

        def play(job: Job, implementation: Implementation) -> Round:
            played.append(job.name)
            return canned(job, implementation)

        self.patch(module, "play", play)
        status, said, _ = called(["--rounds", "1", "--job", "netstrings", "--job", "lines", "--job", "lines"])
        self.assertEqual((status, played), (0, ["lines"] * 2 + ["netstrings"] * 2))
        self.assertIn("2 jobs, once on each", said)

    def test_interrupt(self) -> None:
        """An interrupt causes exit status 130, without a traceback."""

        def play(job: Job, implementation: Implementation) -> Round:
            raise KeyboardInterrupt

        self.patch(module, "play", play)
        status, _, errors = called([])
        self.assertEqual((status, errors), (130, "\ntwisted-basic-ng demo: interrupted\n"))

    def test_real(self) -> None:
        """Every job runs on both implementations in real processes, with the intended classes."""
        self.patch(module, "JOBS", SMALL)
        path = freshFile(self)
        status, said, errors = called(["--rounds", "1", "--json", str(path)])
        self.assertEqual((status, errors), (0, ""), said)
        found = json.loads(path.read_text(encoding="ascii"))
        self.assertEqual([job["name"] for job in found["jobs"]], [job.name for job in JOBS])
        for job in found["jobs"]:
            self.assertIs(job["same"], True)
            for package in ("twisted", "twisted_basic_ng"):
                (round_,) = job[package]["rounds"]
                self.assertTrue(round_["classes"])
                for name in round_["classes"].values():
                    self.assertEqual(name.partition(".")[0], package)
                self.assertEqual(round_["build"] is None, package == "twisted")

    def test_realFailure(self) -> None:
        """A job that fails in a real process shows the output of that process."""
        self.patch(module, "JOBS", (replace(SMALL[0], size=-1),))
        self.patch(module, "TIMEOUT", 20.0)
        status, said, _ = called(["--rounds", "1"])
        self.assertEqual(status, 1)
        self.assertIn("lines: on twisted: ", said)
        self.assertIn("IncompleteError", said)
