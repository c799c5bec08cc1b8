"""
Separate Python environments with this package installed by pip, for the tests of what pip installs
and deletes.

The wheels are assembled here, since building one takes long.  tools/check_package.py tests the real
ones.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import twisted_basic_ng

from .processes import SAYS

__all__ = ["LIBRARIES", "Environment", "editableWheel", "userEnvironment", "virtualEnvironment", "wheel"]

#: The file that adds the libraries to an environment.  It is read before any other.
LIBRARIES = "00.pth"

_PACKAGE = Path(twisted_basic_ng.__file__).parent
_NAME = f"twisted_basic_ng-{twisted_basic_ng.__version__}"


def packageFiles() -> dict[str, bytes]:
    """The package's files in the pure build, by their names in a wheel."""
    return {path.relative_to(_PACKAGE.parent).as_posix(): path.read_bytes() for path in sorted(_PACKAGE.rglob("*.py"))}


def _pack(directory: Path, files: dict[str, bytes]) -> Path:
    info = f"{_NAME}.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {_NAME.partition('-')[0]}\n"
        f"Version: {twisted_basic_ng.__version__}\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"]).encode()
    directory.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(directory / f"{_NAME}-py3-none-any.whl", "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return Path(str(archive.filename))


def wheel(directory: Path) -> Path:
    """Make a wheel of the package in C{directory}."""
    return _pack(directory, packageFiles())


def editableWheel(directory: Path) -> Path:
    """Make the wheel that C{pip install -e} installs: it only points to the sources."""
    return _pack(directory, {f"__editable__.{_NAME}.pth": f"{_PACKAGE.parent}\n".encode()})


class Environment:
    """
    A Python environment.

    @ivar python: its interpreter.
    @ivar site: the directory that pip installs into.
    """

    def __init__(self, python: Path, site: Path, tools: Path, *installing: str, **environment: str) -> None:
        self.python = python
        self.site = site
        self._tools = tools
        self._installing = installing
        self._environment = environment
        site.mkdir(parents=True, exist_ok=True)
        # Twisted and its dependencies, from the environment of these tests, without this package.
        (site / LIBRARIES).write_text(f"{tools / 'libraries'}\n")

    def copy(self, old: Path, new: Path) -> Environment:
        """Copy the directory C{old}, which contains this environment, to C{new}."""
        shutil.copytree(old, new, symlinks=True)
        paths = (new / path.relative_to(old) for path in (self.python, self.site, self._tools))
        return Environment(*paths, *self._installing, **self._environment)

    def run(self, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the interpreter, with no environment variables except C{environment}."""
        return subprocess.run(
            [self.python, *map(str, words)],
            cwd=self._tools,
            env={**self._environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def says(self, *options: str, **environment: str) -> tuple[str, str]:
        """
        Run a program that prints where its receivers come from.  Return its output and standard
        error.
        """
        ended = self.run(*options, "-c", SAYS, **environment)
        return ended.stdout.strip(), ended.stderr

    def command(self, word: str) -> str:
        """Run a command of the package, and return its output."""
        ended = self.run("-m", "twisted_basic_ng", word)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout

    def install(self, archive: Path) -> None:
        """Install C{archive} with pip."""
        self._pip("install", *self._installing, "--no-deps", "--no-index", "--no-compile", archive)

    def unpack(self, archive: Path) -> None:
        """
        Unpack C{archive} where pip would install it.  That is quicker and changes nothing else.
        """
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(self.site)

    def delete(self, pattern: str) -> None:
        """Delete installed files that match C{pattern}, without pip."""
        for path in self.site.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    def hide(self, name: str) -> None:
        """Remove the link to a library."""
        (self._tools / "libraries" / name).unlink(missing_ok=True)

    def uninstall(self) -> None:
        """Uninstall the package with pip."""
        self._pip("uninstall", "--yes", "twisted_basic_ng")

    def _pip(self, *words: object) -> None:
        options = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_BREAK_SYSTEM_PACKAGES": "1"}
        ended = self.run(self._tools / "pip", "-q", *words, **options)
        assert ended.returncode == 0, ended.stdout + ended.stderr


def _tools(directory: Path) -> Path:
    """Put links to pip and to the installed libraries into C{directory}."""
    pip = importlib.util.find_spec("pip")
    if pip is None or pip.origin is None:
        pytest.skip("there is no pip")
    libraries = directory / "libraries"
    libraries.mkdir(parents=True)
    (directory / "pip").symlink_to(Path(pip.origin).parent)
    for each in (Path(path) for path in reversed(sys.path) if path.endswith(("site-packages", "dist-packages"))):
        for entry in each.iterdir():
            link = libraries / entry.name
            if "twisted_basic_ng" not in entry.name and not entry.name.endswith(".pth") and not link.exists():
                link.symlink_to(entry)
    return directory


def virtualEnvironment(directory: Path, user: Path | None = None) -> Environment:
    """
    Make a virtual environment.

    @param user: the user base directory that it shares with the Python it is made from, if any.
    """
    home = directory / "venv"
    venv.create(home, symlinks=True, system_site_packages=user is not None)
    environment = {} if user is None else {"PYTHONUSERBASE": str(user)}
    python = home / "bin" / "python"
    return Environment(python, _purelib(python), _tools(directory / "tools"), **environment)


def userEnvironment(directory: Path) -> Environment:
    """The Python that this environment was made from, with the user site in C{directory}."""
    python = Path(sys.executable).resolve()
    ask = [python, "-c", "import site; print(site.getusersitepackages())"]
    site = subprocess.check_output(ask, env={"PYTHONUSERBASE": str(directory / "user")}, text=True)
    return Environment(
        python, Path(site.strip()), _tools(directory / "user tools"), "--user", PYTHONUSERBASE=str(directory / "user")
    )


def _purelib(python: Path) -> Path:
    ask = [python, "-I", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.check_output(ask, text=True).strip())
