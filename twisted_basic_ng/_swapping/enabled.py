"""
What the C{.pth} file of an enabled environment calls, at every start of its Python.

It checks that the file belongs to the installed package, and swaps.  It runs in programs that have
nothing to do with Twisted, so it imports nothing that a bare interpreter has not imported already.
"""

from __future__ import annotations

import os
import sys

from .swap import installIfPossible, warn

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from typing import Final

__all__ = ["FILE", "start"]

#: The name of the file.
FILE: Final = "twisted_basic_ng_swap.pth"


def start(listedIn: str = "", installed: str = "", at: int = 0) -> None:
    """
    Swap, unless the package was reinstalled since C{enable}: nobody has enabled the new installation.

    @param listedIn: the name of the installation's metadata directory, whose C{RECORD} lists the file.
    @param installed: the metadata file of an installation outside of the environment.
    @param at: when C{installed} was written, in seconds.
    """
    if (listedIn and not _isListed(listedIn)) or (installed and not _isAsOld(installed, at)):
        warn(f"it was reinstalled since 'enable': enable it again, or delete {_path()}")
    else:
        installIfPossible()


def _isListed(directory: str) -> bool:
    """Whether a C{RECORD} in the C{directory} of this name, anywhere on the path, lists the file."""
    listing = f"{FILE},".encode()
    return any(listing in _read(os.path.join(each, directory, "RECORD")) for each in sys.path)


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _isAsOld(installed: str, at: int) -> bool:
    try:
        return int(os.stat(installed).st_mtime) == at
    except OSError:
        return False


def _path() -> str:
    """Find the file."""
    paths = (os.path.join(each, FILE) for each in sys.path)
    return next(filter(os.path.isfile, paths), FILE)
