"""
Which value an exception is about: the way to it, noted while the exception passes.

A value may be deep in lists and rows.  Each loop on the way out of them notes its own step, the name of an argument or
the number of an element.  Whoever words the error takes them all.

This file knows nothing of arguments.  Both builds of the loops over values use it, in their C{except} branches alone.
"""

from __future__ import annotations

__all__ = ["noteStep", "takeSteps"]

#: The attribute that holds the steps.
_STEPS = "_ampSteps"


def noteStep(error: BaseException, step: object) -> None:
    """Note on C{error} one step of the way to its value; the innermost one comes first."""
    error.__dict__.setdefault(_STEPS, []).append(step)


def takeSteps(error: BaseException) -> list[object]:
    """Remove the notes from C{error}; return the steps, the outermost first."""
    steps: list[object] = error.__dict__.pop(_STEPS, [])
    return steps[::-1]
