"""
Makes a whole Python environment swap, or stop swapping, by a C{.pth} file in its C{site-packages}.

This is for programs whose children start with an empty environment, which C{run} cannot reach.
Python runs the line in the file at every start.  The line imports a few small modules of this
package and nothing of Twisted's.  It does nothing if this package has been uninstalled.

Uninstalling the package deletes the file: L{enable} adds it to the C{RECORD} of the installation,
which lists the files that an installer deletes.  The wheel does not contain the file, because then
every environment with the package would run the line at every start, enabled or not.
"""

from __future__ import annotations

import os
import site
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from . import probe
from .enabled import FILE
from .swap import SWAPS, WARNED

__all__ = ["EnableError", "disable", "enable", "enabledBy", "isRecorded", "pthFile"]

#: The code that the line in the file runs.  It calls L{enabled.start}, and copes with any remains
#: of an uninstalled package.
_CODE: Final = f"""\
try:
 import twisted_basic_ng._swapping.enabled as ng
 ng.start(%s)
except Exception as e:
 p = sys.modules.get('twisted_basic_ng')
 gone = isinstance(e, ImportError) and (e.name == 'twisted_basic_ng' or p and getattr(p, '__file__', None) is None)
 if not gone and '{WARNED}' not in os.environ:
  os.environ['{WARNED}'] = '1'
  try:
   sys.stderr.write('twisted_basic_ng: not swapped: ' + str(e).partition('\\n')[0] + '\\n')
  except Exception:
   pass
"""


class EnableError(OSError):
    """The environment would not swap; the message says why."""


@dataclass(frozen=True)
class _Installation:
    """
    One installation of this package.

    @ivar directory: the directory for the file.
    @ivar record: the installation's C{RECORD}, if it is in the same directory.
    @ivar proof: the arguments by which L{enabled.start} recognises the installation.
    """

    directory: Path
    record: Path | None
    proof: str

    @property
    def text(self) -> str:
        """The content of the file."""
        code = _CODE % self.proof
        return (
            "# 'twisted-basic-ng enable' wrote this file, and 'disable' deletes it; so may you.\n"
            f"import os, sys; os.environ.get('TWISTED_BASIC_NG_SWAP') == '0' or exec({code!a})\n"
        )


def _ownSites() -> list[Path]:
    """The directories whose C{.pth} files this environment alone reads."""
    own = site.getsitepackages([sys.prefix, sys.exec_prefix])
    if site.ENABLE_USER_SITE and sys.prefix == sys.base_prefix:
        own.insert(0, site.getusersitepackages())
    return list(dict.fromkeys(map(Path, [*own, sysconfig.get_path("purelib")])))


def _otherSites() -> list[Path]:
    """The directories that a virtual environment shares with its base environment."""
    everything = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        everything.append(site.getusersitepackages())
    own = _ownSites()
    return [path for path in map(Path, everything) if path not in own]


def _installations() -> list[_Installation]:
    """
    The installations of this environment, in import order; if there are none, one outside of it.
    """
    found = [
        _Installation(directory, record, repr(record.parent.name))
        for directory in _ownSites()
        for record in directory.glob("twisted_basic_ng-*.dist-info/RECORD")
    ]
    return found or [_Installation(Path(sysconfig.get_path("purelib")), None, _proofElsewhere())]


def _proofElsewhere() -> str:
    """
    Identify an installation outside of the environment by the time when it was written.

    @return: arguments of L{enabled.start}; empty if pip knows of no installation.
    """
    for directory in _otherSites():
        for metadata in directory.glob("twisted_basic_ng-*.dist-info/METADATA"):
            written = int(metadata.stat().st_mtime)  # archives keep whole seconds
            return f"installed={str(metadata)!a}, at={written}"
    return ""


def _listing(record: Path) -> tuple[list[bytes], bool]:
    """Return the lines of C{record} without the file's line, and whether there was one."""
    lines = record.read_bytes().splitlines(keepends=True)
    others = [line for line in lines if not line.startswith(f"{FILE},".encode())]
    return others, len(others) < len(lines)


def pthFile() -> Path:
    """The path of the file in the environment of this interpreter, whether or not it exists."""
    return _installations()[0].directory / FILE


def isRecorded() -> bool:
    """Whether an installer that removes this package removes the file, too."""
    return _installations()[0].record is not None


def _isCurrent(installation: _Installation) -> bool:
    """Whether there is a file that belongs to this installation."""
    target = installation.directory / FILE
    return (
        target.is_file()
        and target.read_text("utf-8") == installation.text
        and (installation.record is None or _listing(installation.record)[1])
    )


def enabledBy() -> Path | None:
    """
    Find the file that makes this environment swap at its start: its own, or its base environment's.
    """
    own = (each.directory for each in _installations() if _isCurrent(each))
    shared = (path for path in _otherSites() if (path / FILE).is_file())
    directory = next(own, None) or next(shared, None)
    return directory and directory / FILE


def enable() -> bool:
    """
    Make every Python process of this environment swap at its start.

    @return: whether the environment was not enabled before.
    @raise EnableError: the environment would not swap; no file is left behind.
    @raise OSError: C{site-packages} cannot be written to.
    """
    installation = _installations()[0]
    isNew = not _isCurrent(installation)
    try:
        if isNew:
            disable()  # remove the file of an earlier installation
            if installation.record is not None:
                _list(installation.record, isWanted=True)
            _write(installation.directory / FILE, installation.text.encode("ascii"))
        obstacle = _obstacle(installation.directory)
    except BaseException:
        disable()
        raise
    if obstacle:
        disable()
        raise EnableError(f"not enabled: {obstacle}")
    return isNew


def _list(record: Path, isWanted: bool) -> None:
    """Add the file to C{record}, or remove it."""
    others, isListed = _listing(record)
    if isWanted != isListed:
        # pip ends lines as CSV does.
        end = b"\r\n" if others and others[-1].endswith(b"\r\n") else b"\n"
        _write(record, b"".join([*others, f"{FILE},,".encode() + end] if isWanted else others))


def _write(target: Path, content: bytes) -> None:
    """
    Replace a file atomically: a Python may start at any moment, and the old file may be a link into
    a cache.
    """
    mode = target.stat().st_mode if target.exists() else 0o644
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".twisted_basic_ng")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        os.unlink(name)
        raise


def _obstacle(directory: Path) -> str:
    """
    Start a Python of this environment; return what keeps it from swapping, empty if nothing does.
    """
    # The child must neither be told whether to swap, nor find the package through the path of this
    # process.
    without = {"PYTHONPATH", "TWISTED_BASIC_NG_SWAP", WARNED}
    environment = {name: value for name, value in os.environ.items() if name not in without}
    command = [sys.executable, "-S", probe.__file__, *SWAPS]
    ended = subprocess.run(command, cwd=directory, env=environment, capture_output=True, text=True, check=False)
    for line in ended.stdout.splitlines():
        if line.startswith(probe.MARK):
            return line.removeprefix(probe.MARK)
    return (ended.stderr.splitlines() or [f"{sys.executable} ended with status {ended.returncode}"])[-1]


def disable() -> bool:
    """
    Undo L{enable}.

    @return: whether there was a file to delete.
    @raise OSError: C{site-packages} cannot be written to.
    """
    found = [path / FILE for path in _ownSites() if (path / FILE).is_file()]
    for path in found:
        path.unlink()
    for installation in _installations():
        if installation.record is not None:
            _list(installation.record, isWanted=False)
    return bool(found)
