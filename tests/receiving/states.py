"""
The states of a receiver, as assertions.  The table of states is in
L{twisted_basic_ng._receiving.receiver}.

The assertions run before and after each call of C{dataReceived}: between two chunks, and also
inside a callback that calls C{dataReceived}.  Production code does not run them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from twisted_basic_ng._receiving.backlog import Backlog
from twisted_basic_ng._receiving.connection import Connection, Dropped
from twisted_basic_ng._receiving.receiver import Receiver

__all__ = ["check", "checked"]


def checkBacklog(backlog: Backlog) -> None:
    """Assert the invariants of the undelivered bytes."""
    batch = backlog.batch
    assert type(backlog.current) is bytes
    assert 0 <= backlog.start <= len(backlog.current)
    assert 0 <= batch.left <= len(batch.frames)
    assert batch.frames == () or type(batch.frames) is list
    for pieces in (backlog.unfinishedPieces, backlog.arrivedMeanwhile):
        assert pieces is None or pieces.size > 0
    assert backlog.unfinishedPieces is not None or not backlog.seam
    assert len(backlog.seam) <= max(0, len(backlog.delimiter) - 1)
    assert backlog.size >= 0
    assert bool(backlog) or backlog.kept == 0


def check(connection: Connection | None) -> None:
    """Assert the invariants of a receiver's connection between two frames."""
    if connection is None:  # new
        return
    checkBacklog(connection.backlog)
    if type(connection) is Dropped:
        assert connection.isDelivering
        assert not connection.backlog or connection.backlog.isLookedAt  # set by the application
    elif not connection.isDelivering:  # resting, or waiting
        assert not connection.backlog.isPlain


@contextmanager
def checked() -> Iterator[None]:
    """Check each receiver before and after each call of C{dataReceived}."""
    original = Receiver.dataReceived

    def dataReceived(self: Any, data: bytes) -> Any:
        check(self._receiverConnection)
        try:
            return original(self, data)
        finally:
            check(self._receiverConnection)

    with patch.object(Receiver, "dataReceived", dataReceived):
        yield
