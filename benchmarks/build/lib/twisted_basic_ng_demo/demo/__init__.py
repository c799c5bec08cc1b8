"""
The demo: the same work on Twisted's own modules and on ours, side by side, in fresh processes on
real sockets.

The map, each file knowing only those in front of it: C{transcript} (what one end of a connection
has seen), C{protocols} (the servers and clients, as anyone would write them), C{jobs} (the table of
what there is to do), C{ends} (one end of a job on a reactor), C{child} (the program that is one
end), C{pairs} (starts and bounds two such programs), C{results} (rates, ratios, verdicts),
C{display} (the table while it grows), C{command} (the command).

Every child process imports this file, so it imports nothing at its top.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str]) -> int:
    """
    Run the demo.

    @param argv: the words after C{twisted-basic-ng demo}.
    @return: the exit status: 0 if every job ran and all its transcripts were the same, 1 if not, 2
        for an unknown option, 130 for an interrupt.
    """
    from .command import main as run

    return run(argv)
