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
    """Tests for L{passOn}, which passes the swap on to child processes."""

    def test_empty(self) -> None:
        """An environment without C{PYTHONPATH} gets one."""
        environment: dict[str, str] = {}
        passOn(environment)
        assert environment == {ENVIRONMENT: "1", "PYTHONPATH": STARTUP}

    def test_order(self) -> None:
        """Existing entries keep their order, and a second call changes nothing."""
        environment = {"PYTHONPATH": os.pathsep.join(["b", "a"])}
        passOn(environment)
        passOn(environment)
        assert environment["PYTHONPATH"].split(os.pathsep) == [STARTUP, "b", "a"]

    def test_workingDirectory(self) -> None:
        """
        An empty entry means the working directory and is kept.  An empty variable has no entries.
        """
        for before, after in (("", []), (f"{os.pathsep}a", ["", "a"])):
            environment = {"PYTHONPATH": before}
            passOn(environment)
            assert environment["PYTHONPATH"].split(os.pathsep) == [STARTUP, *after]

    def test_extended(self) -> None:
        """C{extended} is passed on if it is requested, and never switched off."""
        environment: dict[str, str] = {}
        passOn(environment, True)
        assert environment[EXTENDED] == "1"
        passOn(environment)
        assert environment[EXTENDED] == "1"

    def test_newTree(self) -> None:
        """
        The mark that a warning was printed is removed, so that a new tree of processes can warn
        again.
        """
        environment = {WARNED: "1"}
        passOn(environment)
        assert WARNED not in environment


class TestStayOn:
    """Tests for L{stayOn}, which keeps the swap in a path that a program passes on."""

    def test_place(self) -> None:
        """
        The entry is inserted twice: after the program's own directory, and in front of the entries
        from C{PYTHONPATH}.
        """
        path = ["program", "python path", "library"]
        stayOn(path)
        stayOn(path)
        assert path == ["program", STARTUP, STARTUP, "python path", "library"]

    def test_short(self) -> None:
        """The path may be empty."""
        path: list[str] = []
        stayOn(path)
        assert set(path) == {STARTUP}


#: A program that starts the next program in its arguments with its own sys.path as PYTHONPATH, as
#: Evennia's launcher does.
HANDS_ON = """\
import os, subprocess, sys
{change}
environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
subprocess.run([sys.executable, *sys.argv[1:]], env=environment, check=True)
"""


class TestHandedOn:
    """
    The swap reaches children that get the program's own C{sys.path}, however the program has
    changed it.
    """

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
        """The swap reaches the child, and the child's own child."""
        program = write(tmp_path / "program.py", HANDS_ON.format(change=change))
        says = write(tmp_path / "says.py", SAYS)
        ended = python("-m", "twisted_basic_ng", "run", program, program, says, directory=tmp_path)
        assert (ended.stdout, ended.stderr) == ("twisted_basic_ng\n", "")

    def test_pytest(self, tmp_path: Path) -> None:
        """The pytest plugin keeps the swap in the path, too."""
        program = write(tmp_path / "program.py", HANDS_ON.format(change="sys.path[1] = os.getcwd()"))
        says = write(tmp_path / "says.py", SAYS)
        code = "import sys, runpy, twisted_basic_ng.pytest_plugin; del sys.argv[0]; runpy.run_path(sys.argv[0])"
        ended = python("-c", code, program, says, directory=tmp_path)
        assert (ended.stdout, ended.stderr) == ("twisted_basic_ng\n", "")

    def test_otherInstallation(self, tmp_path: Path) -> None:
        """If two installations reach a child, each user customization runs only once."""
        other = tmp_path / "twisted_basic_ng" / "_swapping" / "startup"
        other.parent.mkdir(parents=True)
        other.symlink_to(STARTUP)
        home = environment()["PYTHONPATH"]
        write(tmp_path / "own" / "sitecustomize.py", "print('own')")
        path = os.pathsep.join([STARTUP, str(other), str(tmp_path / "own"), home])
        ended = python("-c", SAYS, PYTHONPATH=path, **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == ("own\ntwisted_basic_ng\n", "")
