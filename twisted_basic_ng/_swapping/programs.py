"""
Finds the program that a command line names, and says what kind of program it is.

Nothing here runs a program or imports a module of one.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from typing import Final

__all__ = ["isArchive", "isPython", "isStream", "locate", "moduleExists", "scriptDirectory"]

#: The second line of a script that pip installs when the interpreter's path is too long for a C{#!}
#: line.
_LONG_PATH: Final = b"'''exec' "


def moduleExists(name: str) -> bool:
    """
    Look for a module without importing its packages.

    Importing them runs code of the program's, which may use Twisted's modules, fail, or print, and
    the swap is not in place yet.
    """
    from importlib.util import find_spec

    top, *inner = name.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):  # an empty or a relative name
        return False
    for part in inner:
        if spec is None or spec.submodule_search_locations is None:
            return False
        top = f"{top}.{part}"
        spec = PathFinder.find_spec(top, spec.submodule_search_locations)
    return spec is not None


def locate(name: str) -> str | None:
    """
    Find a program: as a file or a directory that can be run, then as a script beside the
    interpreter, then as one on C{PATH}.
    """
    if os.path.isfile(name) or os.path.isfile(os.path.join(name, "__main__.py")) or isStream(name):
        return name
    from shutil import which

    beside = os.path.dirname(sys.executable)
    return which(name, path=beside) or which(name)


def isStream(path: str) -> bool:
    """
    Whether C{path} is a pipe, or an open file by its number.  Data that is read here may be lost
    for the program.
    """
    return os.path.exists(path) and (
        not (os.path.isfile(path) or os.path.isdir(path)) or path.startswith(("/dev/", "/proc/"))
    )


def isArchive(path: str) -> bool:
    """
    Whether C{path} is a directory or a zip file.  As in Python itself, a zip file may have any name
    and begin with a C{#!} line.
    """
    if os.path.isdir(path):
        return True
    from zipimport import ZipImportError, zipimporter

    try:
        zipimporter(path)
    except ZipImportError:
        return False
    return True


def isPython(path: str) -> bool:
    """Whether C{path} is a Python program, rather than a shell script or a binary."""
    if path.endswith((".py", ".pyc", ".pyw", ".tac")):
        return True
    try:
        with open(path, "rb") as file:
            first, second = file.readline(256), file.readline(256)
    except OSError:  # a file that cannot be read may still be executable
        first = second = b""
    if first.startswith(b"#!"):
        return b"python" in first or second.startswith(_LONG_PATH)
    return not os.access(path, os.X_OK)


def scriptDirectory(path: str) -> str:
    """
    The directory that Python puts on C{sys.path} for a script.

    Links are followed, unless one leads to something without a path, such as a pipe.
    """
    try:
        return os.path.dirname(os.path.realpath(path, strict=True))
    except OSError:
        link = os.readlink(path) if os.path.islink(path) else ""
        return os.path.dirname(os.path.join(os.path.dirname(path), link) if os.sep in link else path)
