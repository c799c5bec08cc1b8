"""
Tells whether a Python environment swaps at its start and, if not, why: L{enable} runs this file in a Python of it.

usage: python -S probe.py MODULE ...      (of Twisted's, that ours stand for)

It prints a line that begins with L{MARK}, and says what stands in the way; nothing follows if nothing does.
With C{-S} it goes through the start itself, so that it sees which C{.pth} file imports one of the modules.
It is run as a file, because the package may be missing there.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import redirect_stderr
from importlib import import_module

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import Collection
    from typing import Any

__all__ = ["MARK", "main"]

#: What its line begins with: other things may print, too, at the start and at the end.
MARK = "what keeps it from swapping: "

#: What the line of the file begins with when it says that it does not swap.
_NOT_SWAPPED = "twisted_basic_ng: not swapped: "


def _start(modules: Collection[str]) -> tuple[str, str]:
    """
    Go through what Python does at its start.

    @return: the first C{.pth} file that has imported one of C{modules}, if one has; and what was said meanwhile.
    """
    import site

    found = []
    original = site.addpackage

    def addpackage(*arguments: Any) -> Any:
        result = original(*arguments)
        if any(each in sys.modules for each in modules):
            found.append(os.path.join(*arguments[:2]))
        return result

    vars(site)["addpackage"] = addpackage
    with redirect_stderr(io.StringIO()) as said:
        site.main()
    return found[0] if found else "", said.getvalue()


def _whyNotSwapped(importer: str, said: str) -> str:
    """Say what has kept the start from swapping, by the results of L{_start}."""
    for line in said.splitlines():
        if line.startswith(_NOT_SWAPPED):
            reason = line[len(_NOT_SWAPPED) :]
            return f"{reason} (imported first by {importer})" if importer else reason
    try:
        package = import_module("twisted_basic_ng")
    except ImportError:
        package = None
    if getattr(package, "__file__", None) is None:  # nothing, or what pip has left of it
        return "twisted_basic_ng is not installed there"
    return "Python does not read it at its start"


def _whyNotImported(modules: Collection[str]) -> str:
    """Import C{modules} up to one that fails, and say why it does."""
    name = ""
    try:
        for name in modules:
            import_module(name)
    except Exception as error:
        return f"{name} cannot be imported: {error}"
    return ""


def main(modules: Collection[str]) -> None:
    """Print what is wrong, if anything is."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [each for each in sys.path if os.path.abspath(each) != here]  # they are no modules of their own
    importer, said = _start(modules)
    swap = sys.modules.get("twisted_basic_ng._swapping.swap")
    if swap is None or not swap.isInstalled():
        reason = _whyNotSwapped(importer, said)
    else:
        swap._finder.isOptional = False  # else Twisted's own modules would be imported
        reason = _whyNotImported(modules)
    print(f"{MARK}{reason}")


if __name__ == "__main__":
    main(sys.argv[1:])
