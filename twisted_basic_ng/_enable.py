"""
Switches a whole Python environment to ours, and back: a C{.pth} file in its C{site-packages}.

For programs whose children start with an empty environment, out of reach of C{run}.  The line in the file
runs at every start of that Python: it imports two small modules of this package and nothing of Twisted's, and
does nothing where this package has been uninstalled.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["NotInstalledError", "disable", "enable", "isEnabled", "pthFile"]

_LINE: Final = (
    "import os; os.environ.get('TWISTED_BASIC_NG_SWAP') == '0' or exec("
    "'try:\\n import twisted_basic_ng as ng\\nexcept ImportError:\\n pass\\nelse:\\n ng.install()')\n"
)

#: Asks a Python of the environment, started away from here, whether it swaps.
_PROBE: Final = "import sys; sys.exit('twisted_basic_ng._swap' not in sys.modules)"


class NotInstalledError(OSError):
    """This package is not installed in the environment that is to swap: its processes could not import it."""


def pthFile() -> Path:
    """Where the file is, or would be, in the environment of this interpreter."""
    return Path(sysconfig.get_path("purelib"), "twisted_basic_ng_swap.pth")


def isEnabled() -> bool:
    """Does this environment swap at its start?"""
    return pthFile().is_file()


def enable() -> bool:
    """
    Have every Python of this environment swap from its start.

    @return: whether that is new.
    @raise NotInstalledError: this package is not installed there; nothing is changed.
    @raise OSError: C{site-packages} is not ours to write to.
    """
    if isEnabled():
        return False
    target = pthFile()
    _write(target)
    if not _works(target.parent):
        target.unlink()
        raise NotInstalledError(f"twisted_basic_ng is not installed in {target.parent}")
    return True


def _write(target: Path) -> None:
    """Write the file, at once whole: another Python may start at any moment."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".twisted_basic_ng")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(_LINE)
    os.chmod(name, 0o644)
    os.replace(name, target)


def _works(directory: Path) -> bool:
    """Does a Python of this environment swap, wherever it is started?"""
    environment = {**os.environ, "TWISTED_BASIC_NG_SWAP": "1"}  # even where this process is told not to
    command = [sys.executable, "-I", "-c", _PROBE]
    return not subprocess.run(command, cwd=directory, env=environment, check=False).returncode


def disable() -> bool:
    """
    Undo L{enable}.

    @return: whether there was anything to undo.
    @raise OSError: C{site-packages} is not ours to write to.
    """
    try:
        pthFile().unlink()
    except FileNotFoundError:
        return False
    return True
