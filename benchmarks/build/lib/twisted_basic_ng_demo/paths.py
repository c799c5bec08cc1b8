"""
The locations of this package and the library, for child processes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import twisted_basic_ng

__all__ = ["HOME", "childEnvironment"]

_HOMES: Final = [str(Path(each).resolve().parents[1]) for each in (__file__, str(twisted_basic_ng.__file__))]

#: Start children in this directory: C{python -m} searches its working directory first, which may
#: contain another copy.
HOME: Final = _HOMES[0]


def childEnvironment(**changes: str) -> dict[str, str]:
    """
    Make an environment in which a child finds the same copies of both packages as this process,
    installed or not.

    @param changes: variables to set in addition.
    """
    others = filter(None, [os.environ.get("PYTHONPATH")])
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*dict.fromkeys(_HOMES), *others]), **changes}
