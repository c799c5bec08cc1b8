"""
Strings after a length prefix, a binary number of one, two, four or any other number of bytes.

L{twisted_basic_ng._accelerate.framing} finds where a string ends.  This file delivers strings one
at a time.  After each string, it checks whether the callback changed anything that matters for the
next one.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct, calcsize, pack, unpack
from typing import Any, ClassVar, Final

from .. import _accelerate
from .._places import public
from .backlog import Backlog
from .batch import MANY
from .connection import Connection
from .pausing import _PauseableMixin
from .pins import PINNED
from .receiver import Receiver
from .recvd import CompatibilityOffset, StringBacklog, Unprocessed, _RecvdCompatHack
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
    _unprocessed: bytes = Unprocessed()  # type: ignore[assignment]
    _compatibilityOffset: int = CompatibilityOffset()  # type: ignore[assignment]

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

    def _receiverMakeBacklog(self) -> Backlog:
        return StringBacklog()

    def _receiverDeliver(self, connection: Any) -> None:
        """
        Deliver the strings that have arrived.

        This is one flat loop, for speed.  Each turn delivers one string, or a batch of strings.
        Whatever a callback changes is looked at after each string of a batch, and at the beginning
        of each turn.
        """
        prefix = self.structFormat, self.prefixLength
        whole = connection.backlog
        whole.skipped = 0
        whole.deliveryStart = whole.start
        if whole.batch.frames or whole.arrivedMeanwhile is not None:
            whole.resume()
        try:
            while True:
                plainTransport = connection.plainTransport
                if plainTransport.TLS:
                    connection = self._receiverLeavePlaintext(connection, b"")
                    plainTransport = connection.plainTransport
                backlog = connection.backlog
                batch = backlog.batch
                if connection.pins is not None and (batch.cautious or connection.pins.kind is not type(self)):
                    self._receiverUnpin(connection)
                if self.paused:
                    return
                limit = self.MAX_LENGTH
                strings: Sequence[bytes] = batch.frames
                needed = 0
                if strings:
                    if batch.terms != prefix:
                        backlog.putBack()
                        continue
                    reader = batch.reader
                    mayExceed = True
                else:
                    isShown = backlog.isLookedAt and backlog.unfinishedPieces is None
                    if isShown and self._receiverDeliverShown(connection, *prefix):
                        continue
                    current = backlog.current
                    if (batch.cautious or len(current) - backlog.start < _SHORT) and backlog.unfinishedPieces is None:
                        payload = end = backlog.start + prefix[1]
                        if payload <= len(current):
                            end += unpack(prefix[0], current[backlog.start : payload])[0]
                        if payload <= end <= len(current) and not end - payload > limit:
                            if batch.cautious:
                                batch.cautious -= 1
                            backlog.start = end
                            connection.hasDelivered = True
                            self.stringReceived(current[payload:end])
                            if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                                backlog.current = b""
                                backlog.start = 0
                                return
                            continue
                    if not backlog:
                        backlog.current = b""
                        backlog.start = 0
                        return
                    strings, end, needed = self._receiverSplit(backlog, prefix, limit, batch.most)
                    if len(strings) == 1:
                        backlog.start = end
                        connection.hasDelivered = True
                        self.stringReceived(strings[0])
                        if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                            backlog.current = b""
                            backlog.start = 0
                            return
                        continue
                    if strings:
                        reader = batch.start(strings, backlog.start, prefix, prefix[1])
                        backlog.start = end
                        mayExceed = False
                if strings:
                    connection.hasDelivered = True
                    if len(strings) >= PINNED and connection.pins is None:
                        self._receiverPin(connection)
                    isPinned = connection.pins is not None
                    kind = type(self)
                    for string in reader:
                        if mayExceed and len(string) > limit:
                            backlog.refuse(string)
                            break
                        self.stringReceived(string)
                        if self.paused or plainTransport.TLS or (isPinned and kind is not type(self)):
                            needed = 0
                            break
                        if limit is not self.MAX_LENGTH:
                            limit, mayExceed, needed = self.MAX_LENGTH, True, 0
                    else:
                        if batch.frames is not strings:
                            continue  # there are other bytes now
                        backlog.begin()
                        batch.finish()
                        if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                            backlog.current = b""
                            backlog.start = 0
                            return
                    if needed <= 0:
                        batch.most = min(batch.most * 2, MANY)
                        continue
                elif needed < 0:
                    if not self._receiverRefuse(connection, prefix):
                        return
                    continue
                batch.terms = prefix
                if not backlog.unfinished(needed):
                    return
        finally:
            whole.inHand = None
            if whole.takenEarlier:
                whole.takenEarlier = ()

    def _receiverDeliverShown(self, connection: Any, structFormat: str, width: int) -> bool:
        """
        Deliver strings to an application that reads or assigns the rest at each.

        @return: whether any string was delivered.
        """
        prefix = Struct(structFormat)
        if prefix.size != width:
            return False
        backlog = connection.backlog
        plainTransport = connection.plainTransport
        unpackFrom = prefix.unpack_from
        isDelivered = False
        backlog.joinMeanwhile()
        backlog.begin()
        backlog.isPlain = True
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
                backlog.isLookedAt = False
                isDelivered = True
                self.stringReceived(current[payload:end])
                if not backlog.isLookedAt or self.paused or plainTransport.TLS:
                    break
            return isDelivered
        finally:
            backlog.isPlain = False
            if isDelivered:
                connection.hasDelivered = True

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        if self.paused or backlog.needed - self.prefixLength > self.MAX_LENGTH:
            return False
        if backlog.batch.terms != (self.structFormat, self.prefixLength):
            return False
        assert isinstance(backlog, StringBacklog)
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
            isAnnounced = backlog.batch.terms == prefix and unfinished.size >= prefix[1]
            if isAnnounced and announced > 0 and not announced > limit:
                if not backlog.completesString():
                    return [], 0, backlog.needed
                return [backlog.takeString(prefix[1])], 0, 0
            backlog.rejoin()
        return _accelerate.splitStrings(backlog.current, backlog.start, *prefix, limit, most)

    def _receiverRefuse(self, connection: Connection, prefix: tuple[str, int]) -> bool:
        """
        Refuse the next string.

        @return: whether the callback has called C{dataReceived}, so that there are bytes to
            deliver.
        """
        backlog = connection.backlog
        (length,) = unpack(prefix[0], backlog.current[backlog.start : backlog.start + prefix[1]])
        self._receiverLogLimit(connection, length)
        connection.isReentered = False
        self.lengthLimitExceeded(length)
        if not connection.isReentered or self._receiverConnection is not connection:
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
