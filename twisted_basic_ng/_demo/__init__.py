"""
The demo: the same work on Twisted's own modules and on ours, side by side, in fresh processes on real sockets.

The map, each file knowing only those in front of it: C{_transcript} (what one end of a connection has seen),
C{_protocols} (the servers and clients, as anyone would write them), C{_jobs} (the table of what there is to do),
C{_ends} (one end of a job on a reactor), C{_child} (the program that is one end), C{_pairs} (starts and bounds two
such programs), C{_results} (rates, ratios, verdicts), C{_display} (the table while it grows), C{_main} (the
command).

Every child process imports this file: it imports nothing before it is asked to.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """
    Run the demo.

    @param argv: the words behind C{twisted-basic-ng demo}.
    @return: the exit status: 0 where every job ran and every transcript was the same, 1 where not, 2 for a
        mistyped option, 130 for an interrupt.
    """
    from ._main import main as run

    return run(argv)
