"""Tests for L{twisted_basic_ng_demo.demo.display}."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng_demo.demo.display import Display, LiveDisplay, PlainDisplay
from twisted_basic_ng_demo.demo.jobs import JOBS
from twisted_basic_ng_demo.demo.results import Row

DONE = Row("short lines, both ways", "yes", "msg/s", "3,510,000", "9,750,000", "2.74")
BEGUN = Row("one 16 MiB int32 string", "", "MiB/s", "", "", "")
BAD = Row("netstrings, echoed", "NO", "msg/s", "1,234", "5,678", "4.60")


def play(display: Display) -> None:
    """Show a job that succeeds, one in progress, and one that fails."""
    display.say("[before]")
    with display.table():
        display.show([DONE], "3 of 3")
        display.show([DONE], "")
        display.show([DONE, BEGUN], "1 of 3")
        display.show([DONE, BAD], "")
    display.say("after")


class PlainDisplayTests(SynchronousTestCase):
    """Without redrawing, each row is printed once."""

    def setUp(self) -> None:
        output = StringIO()
        play(PlainDisplay(output))
        self.lines = output.getvalue().splitlines()

    def test_rows(self) -> None:
        """A row is printed when its job has finished, in order with the other messages."""
        self.assertEqual(
            [line.split()[0] for line in self.lines if line], ["[before]", "job", "short", "netstrings,", "after"]
        )

    def test_columns(self) -> None:
        """The columns are aligned with their headers, numbers at the right."""
        head, row = self.lines[1:3]
        self.assertEqual(row.index("yes"), head.index("same bytes"))
        self.assertEqual(row.index("9,750,000") + 9, head.index("ours") + 4)
        self.assertEqual(len(head), len(row))
        self.assertLess(len(head), 80)

    def test_ascii(self) -> None:
        """The table is in ASCII."""
        self.assertTrue("".join(self.lines).isascii())


class LiveDisplayTests(SynchronousTestCase):
    """On a terminal, the table is redrawn in place."""

    def draw(self, width: int) -> str:
        """Return the bytes sent to a terminal of that width."""
        console = Console(file=StringIO(), force_terminal=True, width=width, color_system=None)
        play(LiveDisplay(console))
        assert isinstance(console.file, StringIO)
        return console.file.getvalue()

    def test_final(self) -> None:
        """
        The final table has all cells, in order with the other messages, without truncation in 80
        columns.
        """
        drawn = self.draw(80)
        final = drawn[drawn.rindex("job") :]
        for each in (DONE, BAD):
            for cell in (each.title, each.same, each.unit, each.stock, each.ours, each.ratio):
                self.assertIn(cell, final)
        self.assertNotIn("\N{HORIZONTAL ELLIPSIS}", drawn)
        self.assertIn("[before]", drawn)
        self.assertIn("after", final)

    def test_progress(self) -> None:
        """The row of a running job shows its progress, and no verdict."""
        drawn = self.draw(80)
        self.assertIn("1 of 3", drawn)
        self.assertIn(BEGUN.title, drawn)
        self.assertNotIn(BEGUN.title, drawn[drawn.rindex("job") :])

    def test_own(self) -> None:
        """Without a given console, the output goes to the terminal."""
        self.patch(Console, "print", lambda self, *arguments, **options: said.append(arguments))
        said: list[tuple[object, ...]] = []
        LiveDisplay().say("words")
        self.assertEqual(said, [("words",)])

    def test_titles(self) -> None:
        """Every job's title fits into 80 columns."""
        for job in JOBS:
            console = Console(file=StringIO(), force_terminal=True, width=80, color_system=None)
            display = LiveDisplay(console)
            with display.table():
                display.show([Row(job.title, "failed", job.unit.value, "99,999,999", "99,999,999", "999.99")], "")
            assert isinstance(console.file, StringIO)
            self.assertIn(job.title, console.file.getvalue())
