"""
The program that runs one end of a connection over loopback.

Start it with C{python -m twisted_basic_ng_demo.bench.end} and C{server calls SIDE}, C{client calls
SIDE PORT}, or C{server lines|int32 SIDE COUNT}.  C{SIDE} may end with C{on uvloop}.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from . import asyncioends, reactorends
from .sides import PACKAGES

__all__ = ["main"]

_RECEIVERS = {"lines": "LineReceiver", "int32": "Int32StringReceiver"}


def main(words: Sequence[str]) -> None:
    """Run the end that the command line names, until standard input is closed."""
    role, work, name, *numbers = words
    side, _, loop = name.partition(" on ")
    if role == "client":
        _client(side, bool(loop), int(numbers[0]))
    elif work == "calls":
        _server(side, bool(loop))
    else:
        _sink(work, side, bool(loop), int(numbers[0]))


def _client(side: str, fast: bool, port: int) -> None:
    connect = asyncioends.client(side)
    if connect is None:
        reactorends.choose(fast)
        reactorends.ask(reactorends.client(side, port))
    else:
        asyncioends.ask(connect, port)


def _server(side: str, fast: bool) -> None:
    start = asyncioends.server(side)
    if start is None:
        reactorends.choose(fast)
        reactorends.serve(reactorends.server(side))
    else:
        asyncioends.serve(start)


def _sink(work: str, side: str, fast: bool, count: int) -> None:
    if side == "asyncio":
        asyncioends.serve(asyncioends.sink(work, count), fast)
        return
    reactorends.choose(fast)
    reactorends.serve(reactorends.sink(PACKAGES[side], _RECEIVERS[work], count))


if __name__ == "__main__":
    main(sys.argv[1:])
