"""
Carries the swap to the Python processes that a swapped one starts, by what they inherit.

The environment tells them: a variable, and a directory in front of C{PYTHONPATH} whose C{sitecustomize} looks at
the variable.  This file knows how a child is reached, and nothing of what is swapped in it.
"""

from __future__ import annotations

import os

from .swap import WARNED

TYPE_CHECKING = False  # as in typing, which is slow to import
if TYPE_CHECKING:
    from collections.abc import MutableMapping
    from typing import Final

__all__ = ["ENVIRONMENT", "STARTUP", "passOn", "stayOn"]

#: The environment variable that tells a Python process to swap from its start; C{"1"} does.
ENVIRONMENT: Final = "TWISTED_BASIC_NG_SWAP"

#: The directory of the C{sitecustomize} that looks at the variable.
STARTUP: Final = os.path.join(os.path.dirname(os.path.abspath(__file__)), "startup")


def passOn(environment: MutableMapping[str, str]) -> None:
    """
    Have the Python processes that get C{environment} swap, too.

    What is on their C{PYTHONPATH} stays there, in its order, behind the directory that does it.
    """
    environment[ENVIRONMENT] = "1"
    environment.pop(WARNED, None)
    before = environment.get("PYTHONPATH")
    # An empty entry among others is the working directory; an empty variable is none at all.
    others = [each for each in before.split(os.pathsep) if each != STARTUP] if before else []
    environment["PYTHONPATH"] = os.pathsep.join([STARTUP, *others])


def stayOn(path: list[str]) -> None:
    """
    Keep the swap in a C{sys.path} that the program hands to its children as their C{PYTHONPATH}.

    The directory stands where an entry of C{PYTHONPATH} would, behind the program's own; and once more behind that,
    because programs assign to C{sys.path[0]} and to C{sys.path[1]}.  It is in front of all others, since the first
    C{sitecustomize} that a child finds is the one that runs.
    """
    path[:] = [each for each in path if each != STARTUP]
    path[1:1] = [STARTUP, STARTUP]
