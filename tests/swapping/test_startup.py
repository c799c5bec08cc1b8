"""
Tests for C{twisted_basic_ng/_swapping/startup/sitecustomize.py}, which child processes run when
they start.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import SAYS, environment, python, write
from twisted_basic_ng._swapping.children import ENVIRONMENT, STARTUP

HOME = environment()["PYTHONPATH"]


def path(*directories: object) -> str:
    return os.pathsep.join(map(str, directories))


class TestStart:
    """A child process swaps, and is otherwise unchanged."""

    def test_swaps(self) -> None:
        """The child swaps only if the variable is 1."""
        for value, says in (("1", "twisted_basic_ng\n"), ("0", "twisted\n"), ("", "twisted\n")):
            assert python("-c", SAYS, PYTHONPATH=path(STARTUP, HOME), **{ENVIRONMENT: value}).stdout == says

    def test_elsewhere(self, tmp_path: Path) -> None:
        """If the package is not on the path, the file finds it by its own location."""
        package = tmp_path / "home" / "twisted_basic_ng"
        package.parent.mkdir()
        package.symlink_to(Path(STARTUP).parent.parent)
        code = "import sys; sys.path = [each for each in sys.path if each]\n" + SAYS
        startup = str(package / "_swapping" / "startup")
        ended = python("-c", code, directory=tmp_path, PYTHONPATH=startup, **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == ("twisted_basic_ng\n", "")

    @pytest.mark.parametrize("name", ["sitecustomize", "usercustomize"])
    def test_ownCustomization(self, tmp_path: Path, name: str) -> None:
        """The user's own customization runs once, and becomes the module of that name."""
        write(tmp_path / f"{name}.py", "print('custom', __name__)\n")
        code = f"import {name}; print({name}.__file__)"
        ended = python("-c", code, PYTHONPATH=path(STARTUP, tmp_path, HOME), **{ENVIRONMENT: "1"})
        if name == "usercustomize" and not ended.stdout:
            pytest.skip("this Python has no user site")
        assert ended.stdout.splitlines()[0] == f"custom {name}"
        assert ended.stdout.splitlines()[-1] == str(tmp_path / f"{name}.py")

    def test_noTrace(self) -> None:
        """
        If the user has no customization, C{sys.modules} has one only if it would have one anyway.
        """
        code = "import sys, site; site.execsitecustomize(); print('sitecustomize' in sys.modules)"
        without = python("-S", "-c", code, PYTHONPATH=HOME)
        ended = python("-S", "-c", code, PYTHONPATH=path(STARTUP, HOME), **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == (without.stdout, "")

    def test_tooLate(self) -> None:
        """If the swap is not possible, one line says so, and the program runs."""
        code = "import twisted.mail.smtp, site; site.execsitecustomize(); print('runs')"
        site = os.pathsep.join(each for each in sys.path if each)
        ended = python("-S", "-c", code, PYTHONPATH=path(STARTUP, HOME, site), **{ENVIRONMENT: "1"})
        assert (ended.stdout, len(ended.stderr.splitlines())) == ("runs\n", 1)
        assert "twisted.mail.smtp" in ended.stderr

    def test_inIsolation(self) -> None:
        """In isolated mode, Python ignores the file."""
        assert (
            python("-I", "-c", "import sys; print('sitecustomize' in sys.modules)", PYTHONPATH=STARTUP).returncode == 0
        )

    def test_remains(self, tmp_path: Path) -> None:
        """Remains of the package in a child's environment do not hide the complete package."""
        write(tmp_path / "child" / "twisted_basic_ng" / "left.txt", "")
        package = tmp_path / "home" / "twisted_basic_ng"
        package.parent.mkdir()
        package.symlink_to(Path(STARTUP).parent.parent)
        code = f"import sys; sys.path[:] = [each for each in sys.path if each not in ('', {HOME!r})]\n{SAYS}"
        start = path(package / "_swapping" / "startup", tmp_path / "child")
        ended = python("-c", code, directory=tmp_path, PYTHONPATH=start, **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == ("twisted_basic_ng\n", "")

    def test_broken(self, tmp_path: Path) -> None:
        """If the package cannot be imported, one line says so."""
        write(tmp_path / "twisted_basic_ng" / "__init__.py", "1 / 0")
        ended = python("-c", "print('runs')", PYTHONPATH=path(STARTUP, tmp_path), **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == ("runs\n", "twisted_basic_ng: not swapped: division by zero\n")


#: A Twisted that is too old for the swap, and a program that prints the classes it uses.
OLD_TWISTED = {
    "__init__": "__version__ = '21.2.0'",
    "protocols/__init__": "",
    "protocols/basic": "class LineReceiver: pass",
    "protocols/amp": "import twisted.protocols.basic",
    "protocols/ftp": "class DTP: pass",
}
USES = """\
import subprocess, sys
from twisted.protocols import amp, basic, ftp
print([each.__name__ for each in (amp, basic, ftp, basic.LineReceiver)], flush=True)
if sys.argv[1:]:
    sys.exit(subprocess.call([sys.executable, *sys.argv[1:]]))
"""
NAMES = "['twisted.protocols.amp', 'twisted.protocols.basic', 'twisted.protocols.ftp', 'LineReceiver']\n"


@pytest.fixture
def oldTwisted(tmp_path: Path) -> Path:
    for name, code in OLD_TWISTED.items():
        write(tmp_path / "old" / "twisted" / f"{name}.py", code)
    write(tmp_path / "uses.py", USES)
    return tmp_path / "old"


class TestOldTwisted:
    """A child whose Twisted is too old runs on that Twisted."""

    def test_child(self, oldTwisted: Path, tmp_path: Path) -> None:
        """It prints one line, and its own children do not repeat that."""
        start = path(STARTUP, oldTwisted, HOME)
        ended = python("uses.py", "uses.py", directory=tmp_path, PYTHONPATH=start, **{ENVIRONMENT: "1"})
        assert ended.stdout == NAMES * 2
        reason = "Twisted 21.2.0 is too old: twisted_basic_ng needs 22.10 or later"
        assert ended.stderr == f"twisted_basic_ng: not swapped: {reason}\n"

    def test_unused(self, oldTwisted: Path) -> None:
        """A child that does not import Twisted's modules prints nothing."""
        ended = python("-c", "import twisted", PYTHONPATH=path(STARTUP, oldTwisted, HOME), **{ENVIRONMENT: "1"})
        assert (ended.returncode, ended.stderr) == (0, "")

    def test_none(self, tmp_path: Path) -> None:
        """A child without Twisted gets an ImportError."""
        code = "try:\n import twisted.protocols.basic\nexcept ModuleNotFoundError as error:\n print(error.name)"
        # Leave out the packages that are installed here.
        start = path(STARTUP, Path(STARTUP).parent.parent)
        code = f"import site; site.execsitecustomize()\n{code}"
        ended = python("-S", "-c", code, PYTHONPATH=start, **{ENVIRONMENT: "1"})
        assert (ended.stdout, ended.stderr) == ("twisted\n", "")

    def test_asked(self, oldTwisted: Path, tmp_path: Path) -> None:
        """If the user asked for the swap, it is an error."""
        home = path(oldTwisted, HOME)
        ended = python("-m", "twisted_basic_ng", "run", "uses.py", directory=tmp_path, PYTHONPATH=home)
        assert (ended.returncode, ended.stdout) == (1, "")
        reason = "Twisted 21.2.0 is too old: twisted_basic_ng needs 22.10 or later"
        assert ended.stderr.splitlines()[-1].endswith(reason)


def oldPythons() -> list[Path]:
    """Return the Python interpreters of this machine that are too old for this package."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
    return [each / "bin" / "python" for each in sorted(versions.glob("[23].*")) if each.name.split(".")[1] in "6789"]


class TestOldPythons:
    """A child whose Python is too old for this package runs without the swap."""

    def test_syntax(self) -> None:
        """The syntax of the file is valid in any Python."""
        source = Path(STARTUP, "sitecustomize.py").read_text(encoding="ascii")
        ast.parse(source, feature_version=(3, 4))
        assert not any(modern in source for modern in ('f"', "f'", "nonlocal", " -> ", "print(", "async"))

    @pytest.mark.skipif(not oldPythons(), reason="there is no old Python here")
    @pytest.mark.parametrize("python", oldPythons(), ids=lambda each: str(each.parent.parent.name))
    def test_each(self, python: Path, oldTwisted: Path, tmp_path: Path) -> None:
        """It prints one line when it imports Twisted's modules, and its own customization runs."""
        write(tmp_path / "own" / "sitecustomize.py", "X = 1")
        code = "import sys; print('start'); print('sitecustomize' in sys.modules)"
        uses = f"{code}; import twisted.protocols.basic, twisted.protocols.amp; print(twisted.__version__)"

        def run(code: str, *directories: object) -> tuple[str, str]:
            environment = {ENVIRONMENT: "1", "PYTHONPATH": path(STARTUP, *directories), "PYTHONDONTWRITEBYTECODE": "1"}
            ended = subprocess.run([python, "-c", code], env=environment, capture_output=True, text=True, check=True)
            return ended.stdout, ended.stderr

        assert run(code, oldTwisted) == ("start\nFalse\n", "")
        own = "; import sitecustomize; print(sitecustomize.X); print(hasattr(sitecustomize, '_goOn'))"
        assert run(code + own, tmp_path / "own") == ("start\nTrue\n1\nFalse\n", "")
        said = run(uses, oldTwisted)
        version = ".".join(python.parent.parent.name.split(".")[:2])
        assert said == (
            "start\nFalse\n21.2.0\n",
            f"twisted_basic_ng: not swapped: it needs Python 3.10 or later, not {version}\n",
        )
