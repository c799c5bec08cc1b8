"""
Strings that their length precedes, as a binary number of one, two, four or any other number of bytes.

Where a string ends, L{twisted_basic_ng._framing} knows; this file delivers them one at a time and looks, after
each, whether its callback changed anything that matters for the next one.
"""

from __future__ import annotations

from struct import calcsize, pack, unpack
from typing import Any, ClassVar

from . import _accelerate
from ._backlog import FEW, MANY, Backlog
from ._pausing import _PauseableMixin
from ._pins import PINNED
from ._places import public
from ._receiver import Receiver, Undelivered

__all__ = [
    "Int8StringReceiver",
    "Int16StringReceiver",
    "Int32StringReceiver",
    "IntNStringReceiver",
    "StringTooLongError",
    "_RecvdCompatHack",
]


@public("basic")
class StringTooLongError(AssertionError):
    """A string is too long for the length in front of it to say so."""


@public("basic")
class _RecvdCompatHack(Undelivered):
    """
    L{IntNStringReceiver.recvd}: the bytes from the next string on.

    A C{dataReceived} that an application brings along looks for what was assigned in the instance's
    C{__dict__}, as Twisted's own does: so it is there, too, unless the delivery under way is ours.
    """

    def __get__(self, receiver: Receiver | None, owner: type[Receiver]) -> Any:
        if receiver is None:
            return self
        return receiver._unprocessed[receiver._compatibilityOffset :]  # type: ignore[attr-defined]

    def __set__(self, receiver: Receiver, value: bytes) -> None:
        super().__set__(receiver, value)
        if not receiver._receiverBacklog().busy:
            receiver.__dict__["recvd"] = value


class _Unprocessed(Undelivered):
    """L{IntNStringReceiver._unprocessed}: the bytes that C{_compatibilityOffset} counts in."""

    def read(self, backlog: Backlog) -> bytes:
        if not backlog.busy:
            return backlog.peek()
        inHand = b"".join((*backlog.before, backlog.current[backlog.base :]))
        return inHand if backlog.later is None else inHand + backlog.later.join()


class _CompatibilityOffset(Undelivered):
    """L{IntNStringReceiver._compatibilityOffset}: how much of C{_unprocessed} was delivered."""

    def __get__(self, receiver: Receiver | None, owner: type[Receiver]) -> Any:
        if receiver is None:
            return 0
        backlog = receiver._receiverBacklog()
        if not backlog.busy:
            return backlog.skipped
        return sum(map(len, backlog.before)) + backlog.offset - backlog.base

    def __set__(self, receiver: Receiver, value: Any) -> None:
        receiver._receiverBacklog().skipped = value


@public("basic")
class IntNStringReceiver(Receiver, _PauseableMixin):
    """
    A protocol of strings that their length precedes, as a binary number.

    Override L{stringReceived}, and in a format of one's own C{structFormat} and C{prefixLength}.  What a
    callback changes (the limit, C{paused}, C{recvd}) holds from the very next string on.

    @cvar MAX_LENGTH: the longest string to accept, in bytes.
    @cvar structFormat: the length, as C{struct} writes it.
    @cvar prefixLength: its size in bytes.
    @ivar recvd: the bytes that are not delivered yet; assigning replaces them.
    @ivar _unprocessed: the bytes in hand, those delivered in this very call included; kept for applications
        that bring their own C{dataReceived}, as is the next.
    @ivar _compatibilityOffset: how many of C{_unprocessed} were delivered.
    """

    _receiverFollowed = ("MAX_LENGTH",)
    _receiverPinned: ClassVar[tuple[str, ...]] = ("paused",)
    _receiverShown = ("recvd", "_unprocessed", "_compatibilityOffset")
    MAX_LENGTH: int = 99999
    structFormat: str
    prefixLength: int
    recvd: bytes = _RecvdCompatHack()  # type: ignore[assignment]
    _unprocessed: bytes = _Unprocessed()  # type: ignore[assignment]
    _compatibilityOffset: int = _CompatibilityOffset()  # type: ignore[assignment]

    def sendString(self, string: bytes) -> None:
        """
        Send a string behind its length.

        @param string: the string; less than 2 ** (8 * C{prefixLength}) bytes.
        @raise StringTooLongError: it is longer than its length can say.
        """
        limit = 2 ** (8 * self.prefixLength)
        if len(string) >= limit:
            raise StringTooLongError(f"Try to send {len(string)} bytes whereas maximum is {limit}")
        self.transport.write(pack(self.structFormat, len(string)) + string)  # type: ignore[union-attr]

    def stringReceived(self, string: bytes) -> object:
        """
        Called with each string, without its length.  Override it.
        """
        raise NotImplementedError

    def lengthLimitExceeded(self, length: int) -> object:
        """
        Called when a string is announced that is longer than C{MAX_LENGTH}: drops the peer.  Override it to
        do something else; as long as that string comes first in C{recvd}, it is called for each chunk.

        @param length: the length announced, in bytes; below zero where the format allows that.
        """
        return self._receiverDrop()

    def _receiverDeliver(self, backlog: Backlog) -> None:
        """
        Deliver what there is.

        One flat loop, for its speed: it is walked once for each batch of strings.
        """
        watched = backlog.watched
        prefix = self.structFormat, self.prefixLength
        backlog.framing = self.prefixLength
        backlog.skipped = 0
        backlog.base = backlog.start
        while not self.paused and (backlog.start < len(backlog.current) or backlog):
            if watched is not None and watched.TLS:
                backlog, watched = self._receiverLeavePlaintext(backlog, b""), None
                continue
            limit = self.MAX_LENGTH
            strings, end, needed = self._receiverSplit(backlog, prefix, limit, backlog.most)
            if strings:
                if len(strings) >= PINNED and backlog.pins is None:
                    self._receiverPin(backlog)
                backlog.hasDelivered = True
                backlog.frames = strings
                backlog.reader = reader = iter(strings)
                backlog.start = end
                for string in reader:
                    self.stringReceived(string)
                    if (
                        self.paused
                        or (limit is not self.MAX_LENGTH and limit != self.MAX_LENGTH)
                        or (watched is not None and watched.TLS)
                    ):
                        backlog.putBack()
                        break
                if not backlog.frames:
                    backlog.most = FEW
                    continue
                backlog.frames = ()
                if end == len(backlog.current) and backlog.later is None:
                    return
                if needed <= 0:
                    backlog.most = min(backlog.most * 2, MANY)
                    continue
            elif needed < 0:
                if not self._receiverRefuse(backlog, prefix):
                    return
                continue
            if not backlog.unfinished(needed):
                return

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        if self.paused or backlog.needed - self.prefixLength > self.MAX_LENGTH:
            return False
        backlog.skipped = 0
        return backlog.extendsString(data)

    def _receiverSplit(
        self, backlog: Backlog, prefix: tuple[str, int], limit: int, most: int
    ) -> tuple[list[bytes], int, int]:
        """Find strings ahead; without any, C{backlog} holds an unfinished one, or one to refuse."""
        aside = backlog.aside
        if aside is not None:
            announced = backlog.needed - prefix[1]
            if 0 < announced <= limit and aside.size >= prefix[1]:
                if not backlog.completesAside():
                    return [], 0, backlog.needed
                if unpack(prefix[0], aside.begin(prefix[1])) == (announced,):  # the format may have changed
                    return [backlog.takeString(prefix[1])], 0, 0
            backlog.rejoin()
        return _accelerate.splitStrings(backlog.current, backlog.start, *prefix, limit, most)

    def _receiverRefuse(self, backlog: Backlog, prefix: tuple[str, int]) -> bool:
        """
        Refuse the string that comes next.

        @return: whether the callback has called C{dataReceived}, and so that there is something to deliver.
        """
        (length,) = unpack(prefix[0], backlog.current[backlog.start : backlog.start + prefix[1]])
        self._receiverLogLimit(backlog, length)
        backlog.reentered = False
        self.lengthLimitExceeded(length)
        if not backlog.reentered or self._receiverState is not backlog:
            return False
        return self._receiverSplit(backlog, prefix, self.MAX_LENGTH, 1)[2] >= 0


@public("basic")
class Int8StringReceiver(IntNStringReceiver):
    """Strings of up to 255 bytes, behind 1 byte of length."""

    structFormat = "!B"
    prefixLength = calcsize(structFormat)


@public("basic")
class Int16StringReceiver(IntNStringReceiver):
    """Strings of up to 65,535 bytes, behind 2 bytes of length in network order."""

    structFormat = "!H"
    prefixLength = calcsize(structFormat)


@public("basic")
class Int32StringReceiver(IntNStringReceiver):
    """Strings of up to 4 GiB less a byte, behind 4 bytes of length in network order."""

    structFormat = "!I"
    prefixLength = calcsize(structFormat)
