"""
Switches a whole Python environment to ours, and back: a C{.pth} file in its C{site-packages}.

For programs whose children start with an empty environment, out of reach of C{run}.  The line in the file runs at
every start of that Python: it imports a few small modules of this package and nothing of Twisted's, and does nothing
where this package has been uninstalled.

The file goes with the package: it is added to the C{RECORD} of the installation, which lists the files that an
installer deletes.  The wheel itself does not bring one: every environment that has the package would then run its
line at every start, whether it is enabled or not.
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

#: What the line in the file does: it calls L{enabled.start}, and survives whatever may be left of this package.
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
    """The environment would not swap; the message says why not."""


@dataclass(frozen=True)
class _Installation:
    """
    What is known of how this package was installed.

    @ivar directory: where the file belongs.
    @ivar record: the list of what was installed, if that is in the same directory.
    @ivar proof: the arguments by which L{enabled.start} knows the installation again.
    """

    directory: Path
    record: Path | None
    proof: str

    @property
    def text(self) -> str:
        """What is in the file."""
        code = _CODE % self.proof
        return (
            "# 'twisted-basic-ng enable' wrote this file, and 'disable' deletes it; so may you.\n"
            f"import os, sys; os.environ.get('TWISTED_BASIC_NG_SWAP') == '0' or exec({code!a})\n"
        )


def _ownSites() -> list[Path]:
    """The directories whose C{.pth} files this environment reads and no other one does."""
    own = site.getsitepackages([sys.prefix, sys.exec_prefix])
    if site.ENABLE_USER_SITE and sys.prefix == sys.base_prefix:
        own.insert(0, site.getusersitepackages())
    return list(dict.fromkeys(map(Path, [*own, sysconfig.get_path("purelib")])))


def _otherSites() -> list[Path]:
    """The directories that a virtual environment shares with the one it was made from."""
    everything = site.getsitepackages()
    if site.ENABLE_USER_SITE:
        everything.append(site.getusersitepackages())
    own = _ownSites()
    return [path for path in map(Path, everything) if path not in own]


def _installations() -> list[_Installation]:
    """Those of this environment, the one that is imported first; if there are none, what else there is."""
    found = [
        _Installation(directory, record, repr(record.parent.name))
        for directory in _ownSites()
        for record in directory.glob("twisted_basic_ng-*.dist-info/RECORD")
    ]
    return found or [_Installation(Path(sysconfig.get_path("purelib")), None, _proofElsewhere())]


def _proofElsewhere() -> str:
    """Tell one outside of the environment by the time when it was written; nothing, if pip knows of none."""
    for directory in _otherSites():
        for metadata in directory.glob("twisted_basic_ng-*.dist-info/METADATA"):
            written = int(metadata.stat().st_mtime)  # whole seconds, which archives keep
            return f"installed={str(metadata)!a}, at={written}"
    return ""


def _listing(record: Path) -> tuple[list[bytes], bool]:
    """Split C{record} into its lines but the file's, and whether that is among them."""
    lines = record.read_bytes().splitlines(keepends=True)
    others = [line for line in lines if not line.startswith(f"{FILE},".encode())]
    return others, len(others) < len(lines)


def pthFile() -> Path:
    """Where the file is, or would be, in the environment of this interpreter."""
    return _installations()[0].directory / FILE


def isRecorded() -> bool:
    """Will an installer that removes this package remove the file, too?"""
    return _installations()[0].record is not None


def _isCurrent(installation: _Installation) -> bool:
    """Is there a file that belongs to this installation?"""
    target = installation.directory / FILE
    return (
        target.is_file()
        and target.read_text("utf-8") == installation.text
        and (installation.record is None or _listing(installation.record)[1])
    )


def enabledBy() -> Path | None:
    """Find the file by which this environment swaps at its start: its own, or that of the one it was made from."""
    own = (each.directory for each in _installations() if _isCurrent(each))
    shared = (path for path in _otherSites() if (path / FILE).is_file())
    directory = next(own, None) or next(shared, None)
    return directory and directory / FILE


def enable() -> bool:
    """
    Have every Python of this environment swap from its start.

    @return: whether that is new.
    @raise EnableError: it would not swap; nothing is left behind.
    @raise OSError: C{site-packages} is not ours to write to.
    """
    installation = _installations()[0]
    isNew = not _isCurrent(installation)
    try:
        if isNew:
            disable()  # what an earlier installation has left
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
    """Have C{record} list the file, or not."""
    others, isListed = _listing(record)
    if isWanted != isListed:
        end = b"\r\n" if others and others[-1].endswith(b"\r\n") else b"\n"  # pip's are those of every CSV file
        _write(record, b"".join([*others, f"{FILE},,".encode() + end] if isWanted else others))


def _write(target: Path, content: bytes) -> None:
    """Write a file, at once whole: a Python may start at any moment, and the old one may be a link to a cache."""
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
    """Start a Python of this environment, and say what keeps it from swapping, if anything does."""
    # It is told neither to swap nor not to, and does not find the package by the path of this process.
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

    @return: whether there was anything to undo.
    @raise OSError: C{site-packages} is not ours to write to.
    """
    found = [path / FILE for path in _ownSites() if (path / FILE).is_file()]
    for each in found:
        each.unlink()
    for installation in _installations():
        if installation.record is not None:
            _list(installation.record, isWanted=False)
    return bool(found)
