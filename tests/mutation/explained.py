"""
The mutants that no test can find, and why: mostly for they do the same.

C{explained.txt} has each reason in a line, and the mutants that it holds for in the lines below, indented.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["EXPLAINED", "read"]


def read(text: str) -> dict[str, str]:
    """Read the reasons, by the names of the mutants."""
    reasons: dict[str, str] = {}
    reason = ""
    for line in filter(None, text.splitlines()):
        if line.startswith(" "):
            reasons[line.strip()] = reason
        else:
            reason = line
    return reasons


EXPLAINED = read(Path(__file__).with_name("explained.txt").read_text(encoding="utf-8"))
