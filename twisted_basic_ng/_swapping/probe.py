"""
Reports whether a Python environment swaps at its start and, if not, why not.

usage: python -S probe.py MODULE ...      (the modules of Twisted's that ours replace)

L{enable} runs this file in a Python of the environment.  It prints a line that begins with L{MARK}
and says what keeps the environment from swapping; nothing follows L{MARK} if nothing does.  With
C{-S} this file performs Python's start itself, to see which C{.pth} file imports one of the
modules.  It is run as a file, because the package may be missing in that environment.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr
from importlib import import_module

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

__all__ = ["MARK", "main"]

#: The beginning of this program's line: other code may print, too, at the start and at the end.
MARK = "what keeps it from swapping: "

#: The beginning of the message by which the line in the C{.pth} file says that it does not swap.
_NOT_SWAPPED = "twisted_basic_ng: not swapped: "


def _start(modules: Collection[str]) -> tuple[str, str]:
    """
    Do what Python does at its start.

    @return: the first C{.pth} file that imported one of C{modules}, or an empty string; and the
        text that was printed on standard error.
    """
    import site

    found = []
    original = site.addpackage

    def addpackage(*arguments: Any) -> Any:
        result = original(*arguments)
        if any(name in sys.modules for name in modules):
            found.append(os.path.join(*arguments[:2]))
        return result

    vars(site)["addpackage"] = addpackage
    with redirect_stderr(io.StringIO()) as said:
        site.main()
    return found[0] if found else "", said.getvalue()


def _whyNotSwapped(importer: str, said: str) -> str:
    """Say what kept the start from swapping, given the results of L{_start}."""
    for line in said.splitlines():
        if line.startswith(_NOT_SWAPPED):
            reason = line[len(_NOT_SWAPPED) :]
            return f"{reason} (imported first by {importer})" if importer else reason
    try:
        package = import_module("twisted_basic_ng")
    except ImportError:
        package = None
    if getattr(package, "__file__", None) is None:  # not installed, or remains that pip has left
        return "twisted_basic_ng is not installed there"
    return "Python does not read it at its start"


def _whyNotImported(modules: Collection[str]) -> str:
    """Import C{modules}, and say why the first that fails does; empty if none fails."""
    name = ""
    try:
        for name in modules:
            import_module(name)
    except Exception as error:
        return f"{name} cannot be imported: {error}"
    return ""


def main(modules: Collection[str]) -> None:
    """Print the line, given the names of Twisted's C{modules}."""
    here = os.path.dirname(os.path.abspath(__file__))
    # The files beside this one are not top-level modules.
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    importer, said = _start(modules)
    swap = sys.modules.get("twisted_basic_ng._swapping.swap")
    if swap is None or not swap.isInstalled():
        reason = _whyNotSwapped(importer, said)
    else:
        swap._finder.isOptional = False  # otherwise Twisted's own modules would be imported
        reason = _whyNotImported(modules)
    print(f"{MARK}{reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
