"""
The function that the C{.pth} file of an enabled environment calls at every start of Python.

It checks that the file belongs to the installed package, then swaps.  It also runs in programs that
have nothing to do with Twisted, so this file imports only what a bare interpreter has already
imported.
"""

from __future__ import annotations

import os
import sys

from .swap import installIfPossible, warn

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from typing import Final

__all__ = ["FILE", "start"]

#: The name of the C{.pth} file.
FILE: Final = "twisted_basic_ng_swap.pth"


def start(listedIn: str = "", installed: str = "", at: int = 0) -> None:
    """
    Swap, unless the package was reinstalled since C{enable}: the new installation is not enabled.

    @param listedIn: the name of the installation's metadata directory; its C{RECORD} must list the
        file.
    @param installed: the path of the metadata file of an installation outside of the environment.
    @param at: the modification time of C{installed}, in whole seconds since the epoch.
    """
    if (listedIn and not _isListed(listedIn)) or (installed and not _isAsOld(installed, at)):
        warn(f"it was reinstalled since 'enable': enable it again, or delete {_path()}")
    else:
        installIfPossible()


def _isListed(directory: str) -> bool:
    """
    Whether the C{RECORD} of a metadata directory of this name, anywhere on C{sys.path}, lists the
    file.
    """
    listing = f"{FILE},".encode()
    return any(listing in _read(os.path.join(entry, directory, "RECORD")) for entry in sys.path)


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
    """Find the path of the file; its name alone if it is nowhere on C{sys.path}."""
    paths = (os.path.join(entry, FILE) for entry in sys.path)
    return next(filter(os.path.isfile, paths), FILE)
