"""
The undelivered bytes of the int-prefixed receivers: C{recvd}, and the two attributes that it is
computed from.

Twisted's receivers keep all bytes that C{dataReceived} has in hand in C{_unprocessed}, delivered or
not, and count in C{_compatibilityOffset} how many of them were delivered.  Applications with a
C{dataReceived} of their own use both.
"""

from __future__ import annotations

from typing import Any

from .._places import public
from .backlog import Backlog
from .shown import Undelivered

__all__ = ["CompatibilityOffset", "StringBacklog", "Unprocessed", "_RecvdCompatHack"]


class StringBacklog(Backlog):
    """
    A backlog of strings, which can also tell what the current delivery has delivered.

    @ivar takenEarlier: the bytes that this delivery has taken and that are not in C{current}.
    @ivar deliveryStart: the offset in C{current} where this delivery began.  If the delivery
        continues a batch and L{begin} was not called yet, it is negative: the number of frames that
        were left then.
    @ivar inHand: the bytes of this delivery that were shown last, and what they were computed from:
        C{current} and the size of C{arrivedMeanwhile}.
    @ivar skipped: how many bytes an application's own C{dataReceived} says it has delivered.
    """

    __slots__ = ("deliveryStart", "inHand", "skipped", "takenEarlier")

    def resume(self) -> None:
        """Begin a delivery with a batch, or with bytes that arrived meanwhile."""
        self.joinMeanwhile()
        left = self.batch.left
        if left:
            self.deliveryStart = -left

    def begin(self) -> int:
        """Return the offset in C{current} where this delivery began."""
        if self.deliveryStart < 0:
            self.deliveryStart = self.start - self.batch.wireSize(self.batch.frames[self.deliveryStart :])
        return self.deliveryStart

    def replace(self, data: bytes) -> None:
        super().replace(data)
        self.deliveryStart = self.skipped = 0
        self.takenEarlier: tuple[bytes, ...] = ()
        self.inHand: tuple[bytes, bytes, int] | None = None

    def _extend(self, data: bytes) -> None:
        super()._extend(data)
        self.deliveryStart = 0

    def takeString(self, prefix: int, suffix: int = 0) -> bytes:
        assert self.unfinishedPieces is not None
        before = self.unfinishedPieces.begin(prefix)
        string = super().takeString(prefix, suffix)
        self.takenEarlier = before, string
        self.deliveryStart = 0
        return string

    def putBack(self) -> None:
        if self.batch.frames:
            self.begin()
        super().putBack()

    def refuse(self, frame: bytes) -> None:
        self.begin()
        super().refuse(frame)

    @property
    def inProgress(self) -> bytes:
        """All bytes of this delivery, delivered or not."""
        arrived = self.arrivedMeanwhile
        waiting = 0 if arrived is None else arrived.size
        known = self.inHand
        if known is not None and known[1] is self.current and known[2] == waiting:
            return known[0]
        inHand: bytes = b"".join((*self.takenEarlier, self.current[self.begin() :]))
        if arrived is not None:
            inHand += arrived.join()
        self.inHand = inHand, self.current, waiting
        return inHand

    @property
    def delivered(self) -> int:
        """How many bytes this delivery has delivered."""
        return self.offset - self.begin() + sum(map(len, self.takenEarlier))


@public("basic")
class _RecvdCompatHack(Undelivered):
    """
    The descriptor of L{IntNStringReceiver.recvd}: the bytes from the next string on.

    An application's own C{dataReceived} looks for an assigned value in the instance's C{__dict__},
    as Twisted's does.  So the value is stored there as well, unless our own delivery is in
    progress.
    """

    def __get__(self, receiver: Any, owner: type[Any]) -> Any:
        if receiver is None:
            return self
        connection = receiver._receiverConnection
        if connection is None:
            if not receiver._receiverIsCopy:
                return b""
            connection = receiver._receiverConnected()
        backlog: StringBacklog = connection.backlog
        if not connection.isDelivering:
            return backlog.rest()[backlog.skipped :]
        backlog.isLookedAt = True
        known = backlog.inHand
        if backlog.isPlain:
            if known is None:
                return backlog.current[backlog.start :]
            if known[1] is backlog.current and not known[2] and not backlog.takenEarlier:
                return known[0][backlog.start - backlog.deliveryStart :]
        backlog.putBack()
        if known is None:
            return backlog.peek()
        return receiver._unprocessed[receiver._compatibilityOffset :]

    def __set__(self, receiver: Any, value: bytes) -> None:
        connection = receiver._receiverConnection
        if connection is None or not connection.isDelivering:
            super().__set__(receiver, value)
            receiver._receiverConnection.backlog.skipped = 0
            receiver.__dict__["recvd"] = value
            return
        if type(value) is not bytes:
            value = b"" + value if value else b""
        backlog = connection.backlog
        if backlog.isPlain:
            backlog.current = value
            backlog.start = backlog.deliveryStart = 0
            backlog.takenEarlier = ()
        else:
            backlog.replace(value)
        backlog.isLookedAt = True


class Unprocessed(Undelivered):
    """
    The descriptor of L{IntNStringReceiver._unprocessed}: the bytes that C{_compatibilityOffset}
    points into.

    A value that is assigned during a delivery has no effect on it, as in Twisted.
    """

    def __get__(self, receiver: Any, owner: type[Any]) -> bytes:
        connection = None if receiver is None else receiver._receiverConnection
        if connection is None or not connection.isDelivering:
            return super().__get__(receiver, owner)
        inProgress: bytes = connection.backlog.inProgress
        return inProgress

    def __set__(self, receiver: Any, value: bytes) -> None:
        connection = receiver._receiverConnection
        if connection is None or not connection.isDelivering:
            super().__set__(receiver, value)
            receiver._receiverConnection.backlog.skipped = 0
        else:
            backlog = connection.backlog
            arrived = backlog.arrivedMeanwhile
            backlog.inHand = value, backlog.current, 0 if arrived is None else arrived.size


class CompatibilityOffset(Undelivered):
    """
    The descriptor of L{IntNStringReceiver._compatibilityOffset}: how many bytes of C{_unprocessed}
    were delivered.

    A value that is assigned during a delivery has no effect on it, as in Twisted.
    """

    def __get__(self, receiver: Any, owner: type[Any]) -> Any:
        connection = None if receiver is None else receiver._receiverConnection
        if connection is None:
            return 0
        return connection.backlog.delivered if connection.isDelivering else connection.backlog.skipped

    def __set__(self, receiver: Any, value: Any) -> None:
        connection = receiver._receiverConnected()
        if not connection.isDelivering:
            connection.backlog.skipped = value
