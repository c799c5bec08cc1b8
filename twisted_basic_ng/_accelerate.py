"""
The one place that knows that there are two builds of L{twisted_basic_ng._framing}.

The compiled one is taken where it was built, unless the environment variable C{TWISTED_BASIC_NG_PURE} is set
(to anything but the empty string or C{0}).  Both have the same functions, with the same results and errors.

@var build: C{"ext"} where the compiled functions are in use, C{"pure"} otherwise.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Final

from . import _framing
from ._framing import Stop, formatNetstring, lastLineEnd, netstringLength

__all__ = [
    "Stop",
    "build",
    "formatBox",
    "formatNetstring",
    "lastLineEnd",
    "netstringLength",
    "parseBox",
    "splitBoxes",
    "splitLines",
    "splitNetstrings",
    "splitStrings",
]


def _choose() -> ModuleType:
    """Import the build to use."""
    if os.environ.get("TWISTED_BASIC_NG_PURE", "") in ("", "0"):
        try:
            from . import _framing_ext
        except ImportError:
            return _framing
        else:
            return _framing_ext
    return _framing


_chosen = _choose()
build: Final = "pure" if _chosen is _framing else "ext"

formatBox = _framing.formatBox
parseBox = _framing.parseBox
splitBoxes = _framing.splitBoxes
splitLines = _framing.splitLines
splitNetstrings = _framing.splitNetstrings
splitStrings = _framing.splitStrings
if build == "ext":
    formatBox = _chosen.formatBox
    parseBox = _chosen.parseBox
    splitBoxes = _chosen.splitBoxes
    splitLines = _chosen.splitLines
    splitNetstrings = _chosen.splitNetstrings
    splitStrings = _chosen.splitStrings
