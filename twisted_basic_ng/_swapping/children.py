"""
Passes the swap on to the Python processes that a swapped process starts.

They inherit it through the environment: a variable, and a directory in front of C{PYTHONPATH} whose
C{sitecustomize} reads the variable.  This file knows how to reach a child, and nothing about what
is swapped there.
"""

from __future__ import annotations

import os

from .._defaults import EXTENDED
from .swap import WARNED

TYPE_CHECKING = False  # like typing's, which is slow to import
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Final

__all__ = ["ENVIRONMENT", "STARTUP", "passOn", "stayOn"]

#: The environment variable that makes a Python process swap at its start, if its value is C{"1"}.
ENVIRONMENT: Final = "TWISTED_BASIC_NG_SWAP"

#: The directory of the C{sitecustomize} that reads the variable.
STARTUP: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "startup")


def passOn(environment: MutableMapping[str, str], extended: bool = False) -> None:
    """
    Make the Python processes that inherit C{environment} swap, too.

    @param extended: whether they also have the features of AMP that Twisted's has not.
    Entries that are on C{PYTHONPATH} already stay there, in their order, after L{STARTUP}.
    """
    environment[ENVIRONMENT] = "1"
    if extended:
        environment[EXTENDED] = "1"
    environment.pop(WARNED, None)
    inherited = environment.get("PYTHONPATH")
    # An empty entry among others means the working directory; an empty variable has no entries.
    others = [entry for entry in inherited.split(os.pathsep) if entry != STARTUP] if inherited else []
    environment["PYTHONPATH"] = os.pathsep.join([STARTUP, *others])


def stayOn(path: list[str]) -> None:
    """
    Add L{STARTUP} to C{path}, a C{sys.path} that the program may pass to its children as
    C{PYTHONPATH}.

    L{STARTUP} goes where an entry of C{PYTHONPATH} would be, after the program's own directory.  It
    is added twice, because programs assign to C{sys.path[0]} and to C{sys.path[1]}.  It precedes
    all other entries, because a child runs the first C{sitecustomize} that it finds.
    """
    path[:] = [entry for entry in path if entry != STARTUP]
    path[1:1] = [STARTUP, STARTUP]
