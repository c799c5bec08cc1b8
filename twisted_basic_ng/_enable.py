"""
Switches a whole Python environment to ours, and back: a C{.pth} file in its C{site-packages}.

For programs whose children start with an empty environment, out of reach of C{run}.  The line in the file
runs at every start of that Python: it imports two small modules of this package and nothing of Twisted's, and
does nothing where this package has been uninstalled.
"""

from __future__ import annotations

import os
import sysconfig
import tempfile
from pathlib import Path
from typing import Final

__all__ = ["disable", "enable", "isEnabled", "pthFile"]

_LINE: Final = (
    "import sys; exec('try:\\n import twisted_basic_ng as ng\\nexcept ImportError:\\n pass\\nelse:\\n ng.install()')\n"
)


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
    @raise OSError: C{site-packages} is not ours to write to.
    """
    if isEnabled():
        return False
    target = pthFile()
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".twisted_basic_ng")
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(_LINE)
    os.chmod(name, 0o644)
    os.replace(name, target)  # at once whole: another Python may start at any moment
    return True


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
