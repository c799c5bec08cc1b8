"""What the README shows works as it stands there."""

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

#: A directive, and the lines that are indented below it.
_BLOCK = re.compile(r"^\.\. code-block:: python\n\n((?:    .*\n|\n)+)", re.MULTILINE)


def program() -> str:
    """The server and client."""
    (found,) = (each for each in _BLOCK.findall(README) if "react(main)" in each)
    return textwrap.dedent(found)


class TestProgram:
    """The server and client are a whole program."""

    def test_runs(self, tmp_path: Path) -> None:
        """It prints what its comment says; at another port, as that may be taken."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        written = write(tmp_path / "program.py", program().replace("8750", str(port)))
        result = python(written)
        (promised,) = re.findall(r"# (\{.*\})$", program(), re.MULTILINE)
        assert (result.stdout, result.stderr, result.returncode) == (f"{promised}\n", "", 0)

    def test_short(self) -> None:
        """It fits on a screen."""
        assert len([line for line in program().splitlines() if line]) <= 16


class TestCommands:
    """The two commands need nothing but Python."""

    def test_tests(self) -> None:
        """What runs the tests is what the continuous integration runs."""
        command = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()[-1]
        assert f"\n    {command}\n" in README

    def test_demo(self) -> None:
        """What starts the demo installs what there is: an extra, and the package of the demo."""
        (extra, package) = re.findall(r"pip install -q '\.\[(\w+)\]' \./(\w+) && .*twisted-basic-ng demo\n", README)[0]
        assert f"\n{extra} =\n" in (ROOT / "setup.cfg").read_text(encoding="utf-8")
        assert (ROOT / package / "setup.cfg").exists()


class TestNumbers:
    """The number at the top is that of the table."""

    def test_median(self) -> None:
        """Half of the cases are about five times as fast with the extension, or faster."""
        ratios = [float(each) for each in re.findall(r"^\S.* +[\d.]+x +([\d.]+)x$", README, re.MULTILINE)]
        assert len(ratios) > 20
        assert 4.5 <= median(ratios) < 6.5


class TestLinks:
    """The README leads on."""

    def test_files(self) -> None:
        """Each file that it links to is there."""
        linked = re.findall(r"<([\w/.]+\.rst)>`_", README)
        assert len(linked) >= 8
        assert [each for each in linked if not (ROOT / each).exists()] == []


class TestMerged:
    """A merge has left nothing behind."""

    @pytest.mark.parametrize(
        "page", sorted([*ROOT.glob("*.rst"), *(ROOT / "docs").rglob("*.rst")]), ids=lambda each: each.name
    )
    def test_marks(self, page: Path) -> None:
        """No line of a page is the mark of a conflict; a line of seven signs underlines a title of as many letters."""
        lines = page.read_text(encoding="utf-8").splitlines()
        marks = [line for line in lines if line.startswith(("<<<<<<< ", ">>>>>>> "))]
        marks += [line for before, line in pairwise(lines) if line == "=======" and len(before) != 7]
        assert marks == []
