"""
The one place that knows that there are two builds of L{twisted_basic_ng._framing} and
L{twisted_basic_ng._values}.

The compiled one is taken where it was built, unless the environment variable C{TWISTED_BASIC_NG_PURE} is set
(to anything but the empty string or C{0}).  Both have the same functions, with the same results and errors.

@var build: C{"ext"} where the compiled functions are in use, C{"pure"} otherwise.
"""

from __future__ import annotations

import os
from types import ModuleType
from typing import Final

from . import _framing, _values
from ._framing import Stop, formatNetstring, netstringLength

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
    """Import the build to use: its functions over frames, and those over values."""
    if os.environ.get("TWISTED_BASIC_NG_PURE", "") in ("", "0"):
        try:
            from . import _framing_ext, _values_ext
        except ImportError:
            return _framing, _values
        else:
            return _framing_ext, _values_ext
    return _framing, _values


_frames, _objects = _choose()
build: Final = "pure" if _frames is _framing else "ext"

areGiven = _values.areGiven
areKnown = _values.areKnown
formatBox = _framing.formatBox
parseBox = _framing.parseBox
readBox = _values.readBox
readBoxes = _values.readBoxes
splitBoxes = _framing.splitBoxes
splitLines = _framing.splitLines
splitNetstrings = _framing.splitNetstrings
splitStrings = _framing.splitStrings
writeBox = _values.writeBox
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
