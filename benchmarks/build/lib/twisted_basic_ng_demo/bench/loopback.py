"""
The work over loopback: starts the two ends as processes, and makes them work.

This file knows how to start the program C{end}, and nothing about what the ends do.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from time import perf_counter

from .children import child
from .receivers import Delivery
from .sides import Run, WorkError

__all__ = ["calls", "sending"]


def calls(side: str, count: int, window: int) -> Callable[[], AbstractContextManager[Run]]:
    """
    Make calls from a client process to a server process.

    @param count: how many calls to make in each run.
    @param window: how many of them are in flight.
    """

    @contextmanager
    def opened() -> Iterator[Run]:
        with child(f"{__package__}.end", "server", "calls", side) as server:
            port = server("")
            with child(f"{__package__}.end", "client", "calls", side, port) as client:
                yield lambda: float(client(f"{count} {window}"))

    return opened


def sending(work: str, side: str, delivery: Delivery) -> Callable[[], AbstractContextManager[Run]]:
    """
    Send from a plain socket in this process to a server process, and wait until it confirms
    everything.

    @param work: C{"lines"} or C{"int32"}.
    """

    @contextmanager
    def opened() -> Iterator[Run]:
        chunks = delivery.chunks()
        with (
            child(f"{__package__}.end", "server", work, side, delivery.count) as server,
            socket.create_connection(("127.0.0.1", int(server("")))) as connection,
        ):

            def run() -> float:
                began = perf_counter()
                for chunk in chunks:
                    connection.sendall(chunk)
                if connection.recv(2) != b".":
                    raise WorkError(f"{side} did not say that all is there")
                return perf_counter() - began

            yield run

    return opened
