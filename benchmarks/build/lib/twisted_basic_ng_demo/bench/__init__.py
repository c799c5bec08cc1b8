"""
The benchmarks: the same work alternates between Twisted's modules and ours, in one process.

The map, each file knowing only those in front of it: C{sides} (what a measurement is made of),
C{receivers} and C{boxes} (the work in memory), C{applications} and C{changing} (the work of
applications that change something at each message), C{reactorends}, C{asyncioends} and C{end} (the
ends of connections over loopback), C{children} and C{loopback} (the processes that these are),
C{cases} (the table of the work), C{worker} (the process that measures), C{results} (ratios, the
document, the table), C{machine}, C{measure} (all rounds of all cases), C{chart}, C{progress},
C{command} (the command).

Every child process imports this file, so it imports nothing at its top.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """
    Measure.

    @param argv: the words after C{twisted-basic-ng bench}.
    @return: the exit status: 0 if both Twisted's modules and ours did all of the work, 1 if not, 2
        for an unknown option, 130 for an interrupt.
    """
    from .command import main as run

    return run(argv)
