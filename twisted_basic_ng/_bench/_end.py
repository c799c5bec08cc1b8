"""
The program that is one end of a connection over loopback.

C{python -m twisted_basic_ng._bench._end server calls SIDE}, C{client calls SIDE PORT}, or
C{server lines|int32 SIDE COUNT}, where C{SIDE} may end with C{on uvloop}.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from . import _asyncioends, _reactorends
from ._sides import PACKAGES

__all__ = ["main"]

_RECEIVERS = {"lines": "LineReceiver", "int32": "Int32StringReceiver"}


def main(words: Sequence[str]) -> None:
    """Be that end until standard input is closed."""
    role, work, name, *numbers = words
    side, _, loop = name.partition(" on ")
    if role == "client":
        _client(side, bool(loop), int(numbers[0]))
    elif work == "calls":
        _server(side, bool(loop))
    else:
        _sink(work, side, bool(loop), int(numbers[0]))


def _client(side: str, fast: bool, port: int) -> None:
    connect = _asyncioends.client(side)
    if connect is None:
        _reactorends.choose(fast)
        _reactorends.ask(_reactorends.client(side, port))
    else:
        _asyncioends.ask(connect, port)


def _server(side: str, fast: bool) -> None:
    start = _asyncioends.server(side)
    if start is None:
        _reactorends.choose(fast)
        _reactorends.serve(_reactorends.server(side))
    else:
        _asyncioends.serve(start)


def _sink(work: str, side: str, fast: bool, count: int) -> None:
    if side == "asyncio":
        _asyncioends.serve(_asyncioends.sink(work, count), fast)
        return
    _reactorends.choose(fast)
    _reactorends.serve(_reactorends.sink(PACKAGES[side], _RECEIVERS[work], count))


if __name__ == "__main__":
    main(sys.argv[1:])
