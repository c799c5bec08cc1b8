"""Tests that the examples and commands in the README work."""

from __future__ import annotations

import re
import socket
import textwrap
from itertools import pairwise
from pathlib import Path
from statistics import median

import pytest

from tests.processes import python, write

from .sources import ROOT

README = (ROOT / "README.rst").read_text(encoding="utf-8")

#: A directive and its indented lines.
_BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def program() -> str:
    """Return the program with the server and client."""
    (found,) = (each for each in _BLOCK.findall(README) if "react(main)" in each)
    return textwrap.dedent(found)


class TestProgram:
    """Tests for the program with the server and client."""

    def test_runs(self, tmp_path: Path) -> None:
        """
        The program prints what its comment says.  The test uses another port, since that one may be
        in use.
        """
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        written = write(tmp_path / "program.py", program().replace("8750", str(port)))
        result = python(written)
        (promised,) = re.findall(r"# (\{.*\})$", program(), re.MULTILINE)
        assert (result.stdout, result.stderr, result.returncode) == (f"{promised}\n", "", 0)

    def test_short(self) -> None:
        """The program fits on a screen."""
        assert len([line for line in program().splitlines() if line]) <= 16


class TestCommands:
    """Tests for the two commands."""

    def test_tests(self) -> None:
        """The command that runs the tests is the one that continuous integration runs."""
        command = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]
        assert f"\n    {command}\n" in README

    def test_demo(self) -> None:
        """The command that starts the demo installs an existing extra and the demo's package."""
        (extra, package) = re.findall(r"pip install -q '\.\[(\w+)\]' \./(\w+) && .*twisted-basic-ng demo\n", README)[0]
        assert f"\n{extra} =\n" in (ROOT / "setup.cfg").read_text(encoding="utf-8")
        assert (ROOT / package / "setup.cfg").exists()


class TestNumbers:
    """Tests for the number at the top."""

    def test_median(self) -> None:
        """The median ratio of the extension is about five."""
        ratios = [float(each) for each in re.findall(r"^\S.* +[\d.]+x +([\d.]+)x$", README, re.MULTILINE)]
        assert len(ratios) > 20
        assert 4.5 <= median(ratios) < 6.5


class TestLinks:
    """Tests for links."""

    def test_files(self) -> None:
        """Each linked file exists."""
        linked = re.findall(r"<([\w/.]+\.rst)>`_", README)
        assert len(linked) >= 8
        assert [each for each in linked if not (ROOT / each).exists()] == []


class TestMerged:
    """Tests for leftovers of merges."""

    @pytest.mark.parametrize(
        "page", sorted([*ROOT.glob("*.rst"), *(ROOT / "docs").rglob("*.rst")]), ids=lambda each: each.name
    )
    def test_marks(self, page: Path) -> None:
        """
        No page contains a conflict marker.  A line of seven equals signs may underline a title of
        seven letters.
        """
        lines = page.read_text(encoding="utf-8").splitlines()
        marks = [line for line in lines if line.startswith(("<<<<<<< ", ">>>>>>> "))]
        marks += [line for before, line in pairwise(lines) if line == "=======" and len(before) != 7]
        assert marks == []
