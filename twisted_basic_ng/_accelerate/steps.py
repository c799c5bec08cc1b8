"""
Records on an exception the path to the value that it is about, while the exception propagates.

A value may be nested in lists and rows.  Each loop that the exception leaves adds its own step: the
name of an argument, or the number of an element.  The code that formats the error takes them all.

This file knows nothing about arguments.  Both builds of the loops over values use it, only in their
C{except} branches.
"""

from __future__ import annotations

__all__ = ["noteStep", "takeSteps"]

#: The attribute that holds the steps.
_STEPS = "_ampSteps"


def noteStep(error: BaseException, step: object) -> None:
    """Add to C{error} one step of the path to its value; the innermost step is added first."""
    error.__dict__.setdefault(_STEPS, []).append(step)


def takeSteps(error: BaseException) -> list[object]:
    """Remove the steps from C{error}; return them, the outermost first."""
    steps: list[object] = error.__dict__.pop(_STEPS, [])
    return steps[::-1]
