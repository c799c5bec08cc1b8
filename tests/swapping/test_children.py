"""Tests for L{twisted_basic_ng._swapping.children}."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.processes import SAYS, environment, python, write
from twisted_basic_ng._defaults import EXTENDED
from twisted_basic_ng._swapping.children import ENVIRONMENT, STARTUP, passOn, stayOn
from twisted_basic_ng._swapping.swap import WARNED


class TestPassOn:
    """L{passOn} reaches child processes."""

    def test_empty(self) -> None:
        """An environment without a C{PYTHONPATH} gets one."""
        environment: dict[str, str] = {}
        passOn(environment)
        assert environment == {ENVIRONMENT: "1", "PYTHONPATH": STARTUP}

    def test_order(self) -> None:
        """What is there stays there, in its order; doing it twice is doing it once."""
        environment = {"PYTHONPATH": os.pathsep.join(["b", "a"])}
        passOn(environment)
        passOn(environment)
        assert environment["PYTHONPATH"].split(os.pathsep) == [STARTUP, "b", "a"]

    def test_workingDirectory(self) -> None:
        """An empty entry, which is the working directory, stays; an empty variable has none."""
        for before, after in (("", []), (f"{os.pathsep}a", ["", "a"])):
            environment = {"PYTHONPATH": before}
            passOn(environment)
            assert environment["PYTHONPATH"].split(os.pathsep) == [STARTUP, *after]

    def test_extended(self) -> None:
        """The features of AMP that Twisted's has not are passed on where they are on, and are not switched off."""
        environment: dict[str, str] = {}
        passOn(environment, True)
        assert environment[EXTENDED] == "1"
        passOn(environment)
        assert environment[EXTENDED] == "1"

    def test_newTree(self) -> None:
        """What a parent has said is said again: the tree of processes that inherits this swap begins here."""
        environment = {WARNED: "1"}
        passOn(environment)
        assert WARNED not in environment


class TestStayOn:
    """L{stayOn} keeps the swap in a path that is handed on."""

    def test_place(self) -> None:
        """It stands behind the program's own directory, and in front of what C{PYTHONPATH} brings, once more."""
        path = ["program", "python path", "library"]
        stayOn(path)
        stayOn(path)
        assert path == ["program", STARTUP, STARTUP, "python path", "library"]

    def test_short(self) -> None:
        """A path may have no entry at all."""
        path: list[str] = []
        stayOn(path)
        assert set(path) == {STARTUP}


#: Starts the next of the programs that it is told, with its own sys.path in PYTHONPATH, as Evennia's launcher does.
HANDS_ON = """\
import os, subprocess, sys
{change}
environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
subprocess.run([sys.executable, *sys.argv[1:]], env=environment, check=True)
"""


class TestHandedOn:
    """The swap reaches children that are given the program's own C{sys.path}, whatever it has done to that."""

    @pytest.mark.parametrize(
        "change",
        [
            "sys.path[0] = os.getcwd()",
            "sys.path[1] = os.getcwd()",
            "sys.path[0] = sys.path[1] = os.getcwd()",
            "sys.path[1] = os.getcwd(); sys.path.insert(0, '/'); sys.path.insert(1, '/')",
            "sys.path[:] = list(dict.fromkeys(sys.path)); sys.path.insert(0, os.getcwd())",
            "sys.path.remove(os.path.dirname(os.path.abspath(__file__)))",
            "del sys.path[:2]",
            "sys.path = [os.getcwd()] + sys.path[1:]",
        ],
    )
    def test_children(self, tmp_path: Path, change: str) -> None:
        """The child, and its own one, to which it does the same."""
        program = write(tmp_path / "program.py", HANDS_ON.format(change=change))
        says = write(tmp_path / "says.py", SAYS)
        ended = python("-m", "twisted_basic_ng", "run", program, program, says, directory=tmp_path)
        assert (ended.stdout, ended.stderr) == ("twisted_basic_ng\n", "")

    def test_pytest(self, tmp_path: Path) -> None:
        """The plugin does the same for the tests."""
        program = write(tmp_path / "program.py", HANDS_ON.format(change="sys.path[1] = os.getcwd()"))
        says = write(tmp_path / "says.py", SAYS)
        code = "import sys, runpy, twisted_basic_ng.pytest_plugin; del sys.argv[0]; runpy.run_path(sys.argv[0])"
        ended = python("-c", code, program, says, directory=tmp_path)
        assert (ended.stdout, ended.stderr) == ("twisted_basic_ng\n", "")

    def test_otherInstallation(self, tmp_path: Path) -> None:
        """Where two installations both reach a child, each of their starts runs once."""
        other = tmp_path / "twisted_basic_ng" / "_swapping" / "startup"
        other.parent.mkdir(parents=True)
        other.symlink_to(STARTUP)
        home = environment()["PYTHONPATH"]
        write(tmp_path / "own" / "sitecustomize.py", "print('own')")
        path = os.pathsep.join([STARTUP, str(other), str(tmp_path / "own"), home])
        ended = python("-c", SAYS, PYTHONPATH=path, **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == ("own\ntwisted_basic_ng\n", "")
