"""
Undelivered bytes as attributes of a receiver, which applications read, assign and delete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .connection import Connection

__all__ = ["Shown", "Undelivered"]


class Shown:
    """An attribute that shows undelivered bytes."""


class Undelivered(Shown):
    """
    The undelivered bytes, as an attribute that is computed when it is read.

    Assigning to it replaces the bytes, from the next frame on.  Deleting it leaves none.  On the
    class, its value is C{b""}, as in Twisted.

    It is computed once for each frame: reading it cuts off what was delivered.
    """

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._receiverName = name

    def __get__(self, receiver: Any, owner: type[Any]) -> bytes:
        if receiver is None:
            return b""
        connection: Connection | None = receiver._receiverConnection
        if connection is None:
            if not receiver._receiverIsCopy:
                return b""
            connection = receiver._receiverConnected()
        backlog = connection.backlog
        if backlog.isPlain:  # the same, in less time
            backlog.isLookedAt = True
            return backlog.current
        if (
            backlog.start
            or backlog.batch.frames
            or backlog.arrivedMeanwhile is not None
            or backlog.unfinishedPieces is not None
        ):
            rest = backlog.rest()
            backlog.isLookedAt = True
            return rest
        backlog.isLookedAt = True
        return backlog.current

    def __set__(self, receiver: Any, value: bytes) -> None:
        if type(value) is not bytes:
            value = b"" + value if value else b""
        connection: Connection | None = receiver._receiverConnection
        if connection is None:
            connection = receiver._receiverConnected()
        backlog = connection.backlog
        if backlog.isPlain:  # the same, in less time
            backlog.current = value
        else:
            backlog.replace(value)
        backlog.isLookedAt = True

    def __delete__(self, receiver: Any) -> None:
        if receiver._receiverConnection is None and not receiver._receiverIsCopy:
            raise AttributeError(self._receiverName)
        self.__set__(receiver, b"")
