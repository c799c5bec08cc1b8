"""Tests for C{twisted_basic_ng/_startup/sitecustomize.py}: what a child process runs at its start."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.processes import SAYS, environment, python, write
from twisted_basic_ng._swap import ENVIRONMENT, STARTUP

HOME = environment()["PYTHONPATH"]


def path(*directories: object) -> str:
    return os.pathsep.join(map(str, directories))


class TestStart:
    """A child swaps, and is otherwise as it would be."""

    def test_swaps(self) -> None:
        """With the variable set it swaps, with another value it does not."""
        for value, says in (("1", "twisted_basic_ng\n"), ("0", "twisted\n"), ("", "twisted\n")):
            assert python("-c", SAYS, PYTHONPATH=path(STARTUP, HOME), **{ENVIRONMENT: value}).stdout == says

    def test_elsewhere(self, tmp_path: Path) -> None:
        """It finds the package where it is itself, if it is not on the path."""
        package = tmp_path / "home" / "twisted_basic_ng"
        package.parent.mkdir()
        package.symlink_to(Path(STARTUP).parent)
        code = "import sys; sys.path = [each for each in sys.path if each]\n" + SAYS
        ended = python("-c", code, directory=tmp_path, PYTHONPATH=str(package / "_startup"), **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == ("twisted_basic_ng\n", "")

    @pytest.mark.parametrize("name", ["sitecustomize", "usercustomize"])
    def test_ownCustomization(self, tmp_path: Path, name: str) -> None:
        """A customization of the user's own runs, once, and is the module of that name."""
        write(tmp_path / f"{name}.py", "print('custom', __name__)\n")
        code = f"import {name}; print({name}.__file__)"
        ended = python("-c", code, PYTHONPATH=path(STARTUP, tmp_path, HOME), **{ENVIRONMENT: "1"})
        if name == "usercustomize" and not ended.stdout:
            pytest.skip("this Python has no user site")
        assert ended.stdout.splitlines()[0] == f"custom {name}"
        assert ended.stdout.splitlines()[-1] == str(tmp_path / f"{name}.py")

    def test_noTrace(self) -> None:
        """Without a customization of the user's own there is a module of that name only where there was one anyway."""
        code = "import sys, site; site.execsitecustomize(); print('sitecustomize' in sys.modules)"
        without = python("-S", "-c", code, PYTHONPATH=HOME)
        ended = python("-S", "-c", code, PYTHONPATH=path(STARTUP, HOME), **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == (without.stdout, "")

    def test_tooLate(self) -> None:
        """Where it cannot swap it says so in one line, and the program runs."""
        code = "import twisted.mail.smtp, site; site.execsitecustomize(); print('runs')"
        site = os.pathsep.join(each for each in sys.path if each)
        ended = python("-S", "-c", code, PYTHONPATH=path(STARTUP, HOME, site), **{ENVIRONMENT: "1"})
        assert (ended.stdout, len(ended.stderr.splitlines())) == ("runs\n", 1)
        assert "twisted.mail.smtp" in ended.stderr

    def test_inIsolation(self) -> None:
        """A Python that is told to ignore its environment ignores this, too."""
        assert (
            python("-I", "-c", "import sys; print('sitecustomize' in sys.modules)", PYTHONPATH=STARTUP).returncode == 0
        )
