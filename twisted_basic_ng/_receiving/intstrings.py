"""
Strings after a length prefix, a binary number of one, two, four or any other number of bytes.

L{twisted_basic_ng._accelerate.framing} finds where a string ends.  This file delivers strings one
at a time.  After each string, it checks whether the callback changed anything that matters for the
next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import length_hint
from struct import Struct, calcsize, pack, unpack
from typing import Any, ClassVar, Final

from .. import _accelerate
from .._places import public
from .backlog import CAUTION, MANY, Backlog
from .pausing import _PauseableMixin
from .pins import PINNED
from .receiver import Receiver, Undelivered
from .wording import amendUnsent, notOverridden

__all__ = [
    "Int8StringReceiver",
    "Int16StringReceiver",
    "Int32StringReceiver",
    "IntNStringReceiver",
    "StringTooLongError",
    "_RecvdCompatHack",
]


#: In fewer bytes than these, looking ahead does not pay.
_SHORT: Final = 64


@public("basic")
class StringTooLongError(AssertionError):
    """A string is too long to be expressed in its length prefix."""


@public("basic")
class _RecvdCompatHack(Undelivered):
    """
    The descriptor of L{IntNStringReceiver.recvd}: the bytes from the next string on.

    An application's own C{dataReceived} looks for an assigned value in the instance's C{__dict__},
    as Twisted's does.  So the value is stored there as well, unless our own delivery is in
    progress.
    """

    def __get__(self, receiver: Receiver | None, owner: type[Receiver]) -> Any:
        if receiver is None:
            return self
        backlog = receiver._receiverState
        if backlog is None:
            if not receiver._receiverIsCopy:
                return b""
            backlog = receiver._receiverBacklog()
        if backlog.isSeen is not None:
            backlog.isSeen = True
            known = backlog.inHand
            if known is None:
                return backlog.current[backlog.start :]
            if known[1] is backlog.current and not known[2]:
                return known[0][backlog.start - backlog.deliveryStart :]
        if not backlog.busy:
            return backlog.rest()[backlog.skipped :]
        if backlog.frames:
            backlog.look()
        if backlog.inHand is not None:
            return receiver._unprocessed[receiver._compatibilityOffset :]  # type: ignore[attr-defined]
        if backlog.arrivedMeanwhile is not None:
            return backlog.peek()
        return backlog.current[backlog.offset if backlog.frames else backlog.start :]

    def __set__(self, receiver: Receiver, value: bytes) -> None:
        backlog = receiver._receiverState
        if backlog is not None and backlog.busy:
            if type(value) is not bytes:
                value = b"" + value if value else b""
            if backlog.isSeen is None:
                backlog.isLookedAt = backlog.cautious > 0
                backlog.replace(value)
            else:
                backlog.isSeen = True
                backlog.current = value
                backlog.start = backlog.deliveryStart = 0
                backlog.takenEarlier = ()
            return
        super().__set__(receiver, value)
        receiver.__dict__["recvd"] = value


class _Unprocessed(Undelivered):
    """
    The descriptor of L{IntNStringReceiver._unprocessed}: the bytes that C{_compatibilityOffset}
    points into.

    A value that is assigned during a delivery has no effect on it, as in Twisted.
    """

    def __get__(self, receiver: Receiver | None, owner: type[Receiver]) -> bytes:
        backlog = None if receiver is None else receiver._receiverState
        if backlog is None or not backlog.busy:
            return super().__get__(receiver, owner)
        arrived = backlog.arrivedMeanwhile
        waiting = 0 if arrived is None else arrived.size
        known = backlog.inHand
        if known is not None and known[1] is backlog.current and known[2] == waiting:
            return known[0]
        inHand: bytes = b"".join((*backlog.takenEarlier, backlog.current[backlog.begin() :]))
        if arrived is not None:
            inHand += arrived.join()
        backlog.inHand = inHand, backlog.current, waiting
        return inHand

    def __set__(self, receiver: Receiver, value: bytes) -> None:
        backlog = receiver._receiverState
        if backlog is not None and backlog.busy:
            backlog.inHand = (
                value,
                backlog.current,
                0 if backlog.arrivedMeanwhile is None else backlog.arrivedMeanwhile.size,
            )
        else:
            super().__set__(receiver, value)


class _CompatibilityOffset(Undelivered):
    """
    The descriptor of L{IntNStringReceiver._compatibilityOffset}: how many bytes of C{_unprocessed}
    were delivered.

    A value that is assigned during a delivery has no effect on it, as in Twisted.
    """

    def __get__(self, receiver: Receiver | None, owner: type[Receiver]) -> Any:
        backlog = None if receiver is None else receiver._receiverState
        if backlog is None:
            return 0
        if not backlog.busy:
            return backlog.skipped
        delivered = (backlog.offset if backlog.frames else backlog.start) - backlog.begin()
        return delivered + sum(map(len, backlog.takenEarlier)) if backlog.takenEarlier else delivered

    def __set__(self, receiver: Receiver, value: Any) -> None:
        backlog = receiver._receiverBacklog()
        if not backlog.busy:
            backlog.skipped = value


@public("basic")
class IntNStringReceiver(Receiver, _PauseableMixin):
    """
    A protocol that receives strings after a length prefix.

    Override L{stringReceived}.  For a format of your own, set C{structFormat} and C{prefixLength}.
    A callback can change the limit, C{paused} and C{recvd}.  The change applies from the next
    string on.

    @cvar MAX_LENGTH: the longest string to accept, in bytes, without its prefix.
    @cvar structFormat: the format of the prefix, for the C{struct} module.
    @cvar prefixLength: the size of the prefix in bytes.
    @ivar recvd: the bytes that are not delivered yet.  Assigning to it replaces them.
    @ivar _unprocessed: the bytes in hand, including those that the current call has delivered.  It
        is kept for applications with a C{dataReceived} of their own, as is C{_compatibilityOffset}.
    @ivar _compatibilityOffset: how many bytes of C{_unprocessed} were delivered.
    """

    _receiverSaved = "_unprocessed"
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
        Send a string after its length prefix.

        @param string: the string; less than 2 ** (8 * C{prefixLength}) bytes.
        @raise StringTooLongError: the string is longer than its prefix can express.
        @raise TypeError: the string is not bytes.
        @raise AttributeError: there is no connection yet.
        """
        limit = 2 ** (8 * self.prefixLength)
        if len(string) >= limit:
            raise StringTooLongError(f"Try to send {len(string)} bytes whereas maximum is {limit}")
        try:
            self.transport.write(pack(self.structFormat, len(string)) + string)  # type: ignore[union-attr]
        except (AttributeError, TypeError) as error:
            amendUnsent(error, self, "sendString", string)
            raise

    def stringReceived(self, string: bytes) -> object:
        """
        Called with each string, without its prefix.  Override it.

        @param string: the string, as bytes.
        @raise NotImplementedError: you have not overridden it.
        """
        raise notOverridden(self, "stringReceived")

    def lengthLimitExceeded(self, length: int) -> object:
        """
        Called when the peer announces a string that is longer than C{MAX_LENGTH}.  It drops the
        peer.

        Override it to do something else.  It is called again for each chunk while that string comes
        first in C{recvd}.

        @param length: the announced length in bytes; negative if the format allows that.
        """
        return self._receiverDrop()

    def _receiverDeliver(self, backlog: Backlog) -> None:
        """
        Deliver the strings that have arrived.

        This is one flat loop, for speed: it runs once for each batch of strings.
        """
        plainTransport = backlog.plainTransport
        prefix = self.structFormat, self.prefixLength
        backlog.skipped = 0
        backlog.inHand = None
        backlog.deliveryStart = backlog.start
        if backlog.frames:
            ahead = length_hint(backlog.reader)
            if ahead:
                backlog.deliveryStart = -ahead
            else:
                backlog.frames = ()
        while True:
            pinned = backlog.pinnedAttributes
            if pinned is not None and (backlog.cautious or backlog.isLookedAt or type(self) is not pinned.kind):
                self._receiverUnpin(backlog)
                pinned = None
            if self.paused or not (backlog.start < len(backlog.current) or backlog):
                return
            if plainTransport is not None and plainTransport.TLS:
                backlog, plainTransport = self._receiverLeavePlaintext(backlog, b""), None
                continue
            if backlog.isLookedAt and self._receiverOneByOne(backlog, plainTransport, *prefix):
                continue
            limit = self.MAX_LENGTH
            isShort = len(backlog.current) - backlog.start < _SHORT
            if (backlog.cautious or isShort) and backlog.unfinishedPieces is None and not backlog.frames:
                # Something changes at each string, so looking ahead would be wasted.
                payload = backlog.start + prefix[1]
                end = payload
                if payload <= len(backlog.current):
                    end += unpack(prefix[0], backlog.current[backlog.start : payload])[0]
                if payload <= end <= len(backlog.current) and not end - payload > limit:
                    if backlog.cautious:
                        backlog.cautious -= 1
                    backlog.start = end
                    backlog.hasDelivered = True
                    self.stringReceived(backlog.current[payload:end])
                    if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                        return
                    continue
            strings: Sequence[bytes] = backlog.frames
            if strings:
                if backlog.terms != prefix:
                    backlog.putBack()
                    continue
                needed, reader, mayExceed = 0, backlog.reader, True
            else:
                strings, end, needed = found = self._receiverSplit(backlog, prefix, limit, backlog.most)
                if strings:
                    if len(strings) > 1:
                        if len(strings) >= PINNED and pinned is None:
                            self._receiverPin(backlog)
                            pinned = backlog.pinnedAttributes
                        backlog.frames = found[0]
                        backlog.terms = prefix
                        backlog.framing = prefix[1]
                        backlog.taken = 0
                        backlog.mark = backlog.start
                    backlog.reader = reader = iter(strings)
                    backlog.start = end
                    mayExceed = False
            if strings:
                backlog.hasDelivered = True
                kind = type(self)
                for string in reader:
                    if mayExceed and len(string) > limit:
                        backlog.refuse(string)
                        break
                    self.stringReceived(string)
                    if self.paused or (plainTransport is not None and plainTransport.TLS) or kind is not type(self):
                        needed = 0
                        break
                    if limit is not self.MAX_LENGTH:
                        limit, mayExceed, needed = self.MAX_LENGTH, True, 0
                else:
                    if backlog.reader is not reader:
                        continue  # there are other bytes now
                    if backlog.frames:
                        if backlog.deliveryStart < 0:
                            backlog.begin()
                        backlog.frames = ()
                        backlog.caution = CAUTION
                    if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                        return
                if needed <= 0:
                    backlog.most = min(backlog.most * 2, MANY)
                    continue
            elif needed < 0:
                if not self._receiverRefuse(backlog, prefix):
                    return
                continue
            backlog.terms = prefix
            if not backlog.unfinished(needed):
                return

    def _receiverOneByOne(self, backlog: Backlog, plainTransport: Any, structFormat: str, width: int) -> bool:
        """
        Deliver strings to an application that reads the rest after each.

        @return: whether any string was delivered.
        """
        prefix = Struct(structFormat)
        if prefix.size != width:
            return False
        backlog.joinLater()
        unpackFrom = prefix.unpack_from
        isDelivered = False
        backlog.isSeen = True
        try:
            while True:
                current = backlog.current
                start = backlog.start
                payload = start + width
                if payload > len(current):
                    break
                end = payload + unpackFrom(current, start)[0]
                if not payload <= end <= len(current) or end - payload > self.MAX_LENGTH:
                    break
                backlog.start = end
                backlog.isSeen = False
                isDelivered = True
                self.stringReceived(current[payload:end])
                if not backlog.isSeen or self.paused or (plainTransport is not None and plainTransport.TLS):
                    break
            return isDelivered
        finally:
            if isDelivered:
                backlog.hasDelivered = True
            backlog.isLookedAt = backlog.isSeen is True
            backlog.isSeen = None

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        if self.paused or backlog.needed - self.prefixLength > self.MAX_LENGTH:
            return False
        if backlog.terms != (self.structFormat, self.prefixLength):
            return False
        backlog.skipped = 0
        return backlog.extendsString(data)

    def _receiverSplit(
        self, backlog: Backlog, prefix: tuple[str, int], limit: int, most: int
    ) -> tuple[list[bytes], int, int]:
        """
        Find strings ahead.  If there is none, C{backlog} begins with an unfinished string or one to
        refuse.
        """
        unfinished = backlog.unfinishedPieces
        if unfinished is not None:
            announced = backlog.needed - prefix[1]
            if backlog.terms == prefix and announced > 0 and not announced > limit and unfinished.size >= prefix[1]:
                if not backlog.completesAside():
                    return [], 0, backlog.needed
                return [backlog.takeString(prefix[1])], 0, 0
            backlog.rejoin()
        return _accelerate.splitStrings(backlog.current, backlog.start, *prefix, limit, most)

    def _receiverRefuse(self, backlog: Backlog, prefix: tuple[str, int]) -> bool:
        """
        Refuse the next string.

        @return: whether the callback has called C{dataReceived}, so that there are bytes to
            deliver.
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
    """Strings of up to 255 bytes, after a prefix of 1 byte."""

    structFormat = "!B"
    prefixLength = calcsize(structFormat)


@public("basic")
class Int16StringReceiver(IntNStringReceiver):
    """Strings of up to 65,535 bytes, after a prefix of 2 bytes in network order."""

    structFormat = "!H"
    prefixLength = calcsize(structFormat)


@public("basic")
class Int32StringReceiver(IntNStringReceiver):
    """Strings of up to 4 GiB minus 1 byte, after a prefix of 4 bytes in network order."""

    structFormat = "!I"
    prefixLength = calcsize(structFormat)
