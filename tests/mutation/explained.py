"""
The mutants that no test can find, with the reasons.  Most of them are equivalent to the original.

C{explained.txt} has a line for each reason, followed by indented lines with the mutants.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["EXPLAINED", "read"]


def read(text: str) -> dict[str, str]:
    """Parse the reasons, by the names of the mutants."""
    reasons: dict[str, str] = {}
    reason = ""
    for line in filter(None, text.splitlines()):
        if line.startswith(" "):
            reasons[line.strip()] = reason
        else:
            reason = line
    return reasons


EXPLAINED = read(Path(__file__).with_name("explained.txt").read_text(encoding="utf-8"))
