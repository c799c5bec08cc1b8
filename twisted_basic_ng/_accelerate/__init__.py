"""
Chooses between the pure and the compiled build of L{twisted_basic_ng._accelerate.framing} and
L{twisted_basic_ng._accelerate.values}.

This is the only file that knows that there are two builds.  It takes the compiled one if it is
there, unless the environment variable C{TWISTED_BASIC_NG_PURE} is set to anything but the empty
string or C{0}.  Both have the same functions, with the same results and errors.

@var build: C{"ext"} if the compiled functions are in use, C{"pure"} otherwise.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Final

from . import framing, values
from .framing import Stop, formatNetstring, netstringLength

__all__ = [
    "Stop",
    "areGiven",
    "areKnown",
    "build",
    "formatBox",
    "formatNetstring",
    "netstringLength",
    "parseBox",
    "readBox",
    "readBoxes",
    "splitBoxes",
    "splitLines",
    "splitNetstrings",
    "splitStrings",
    "writeBox",
]


def _choose() -> tuple[ModuleType, ModuleType]:
    """Import the build to use: its module for frames and its module for values."""
    if os.environ.get("TWISTED_BASIC_NG_PURE", "") in ("", "0"):
        try:
            from . import framing_ext, values_ext
        except ImportError:
            return framing, values
        else:
            return framing_ext, values_ext
    return framing, values


_frames, _objects = _choose()
build: Final = "pure" if _frames is framing else "ext"

areGiven = values.areGiven
areKnown = values.areKnown
formatBox = framing.formatBox
parseBox = framing.parseBox
readBox = values.readBox
readBoxes = values.readBoxes
splitBoxes = framing.splitBoxes
splitLines = framing.splitLines
splitNetstrings = framing.splitNetstrings
splitStrings = framing.splitStrings
writeBox = values.writeBox
if build == "ext":
    areGiven = _objects.areGiven
    areKnown = _objects.areKnown
    formatBox = _frames.formatBox
    parseBox = _frames.parseBox
    readBox = _objects.readBox
    readBoxes = _objects.readBoxes
    splitBoxes = _frames.splitBoxes
    splitLines = _frames.splitLines
    splitNetstrings = _frames.splitNetstrings
    splitStrings = _frames.splitStrings
    writeBox = _objects.writeBox
