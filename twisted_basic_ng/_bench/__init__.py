"""
The benchmarks: the same work on Twisted's modules and on ours, in one process, in turn.

The map, each file knowing only those in front of it: C{_sides} (what a measurement is made of), C{_receivers} and
C{_boxes} (the work in memory), C{_applications} and C{_changing} (the work of applications that change something at
each message), C{_reactorends}, C{_asyncioends} and C{_end} (the ends of connections over loopback),
C{_children} and C{_loopback} (the processes that these are), C{_cases} (the table of the work), C{_worker} (the
process that measures), C{_results} (ratios, the document, the table), C{_machine}, C{_measure} (all rounds of all
cases), C{_chart}, C{_progress}, C{_main} (the command).

Every child process imports this file: it imports nothing before it is asked to.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """
    Measure.

    @param argv: the words behind C{twisted-basic-ng bench}.
    @return: the exit status: 0 where Twisted's and ours did all of the work, 1 where not, 2 for a mistyped option,
        130 for an interrupt.
    """
    from ._main import main as run

    return run(argv)
