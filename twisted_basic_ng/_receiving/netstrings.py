"""
Netstrings: U{http://cr.yp.to/proto/netstrings.txt}.

L{twisted_basic_ng._accelerate.framing} knows the format.  This file delivers netstrings, and drops
a peer that sends anything else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from twisted.internet.interfaces import ITransport
from twisted.internet.protocol import Protocol

from .. import _accelerate
from .._accelerate import Stop, formatNetstring, netstringLength
from .._places import public
from .backlog import Backlog
from .batch import MANY, Batch
from .connection import Connection
from .pins import PINNED
from .receiver import Receiver
from .shown import Undelivered
from .wording import amendUnsent, notOverridden

__all__ = ["IncompleteNetstring", "NetstringParseError", "NetstringReceiver", "formatNetstring"]

public("basic", "_formatNetstring")(formatNetstring)

#: How many digits of a length that is too long are logged.
_DIGITS: Final = 20


@public("basic")
class NetstringParseError(ValueError):
    """The received bytes are not a netstring, or announce a longer one than is accepted."""


@public("basic")
class IncompleteNetstring(Exception):
    """No whole netstring has arrived yet."""


class _NetstringBatch(Batch):
    """A batch of netstrings; their framing is as long as their length has digits."""

    __slots__ = ()

    def wireSize(self, frames: Sequence[bytes]) -> int:
        return sum(len(formatNetstring(each)) for each in frames)


@public("basic")
class NetstringReceiver(Receiver):
    """
    A protocol that receives netstrings: U{http://cr.yp.to/proto/netstrings.txt}.

    Override L{stringReceived}.  The connection of a peer is closed if the peer sends anything but
    netstrings, or a netstring longer than C{MAX_LENGTH}.

    @cvar MAX_LENGTH: the longest payload to accept, in bytes.
    @ivar brokenPeer: 1 once the peer has broken the protocol, else 0.
    @ivar _remainingData: the bytes that are not delivered yet.
    """

    _receiverShown = ("_remainingData",)
    _receiverSaved = "_remainingData"
    _remainingData: bytes = Undelivered()  # type: ignore[assignment]
    MAX_LENGTH: int = 99999
    brokenPeer = 0

    _MISSING_LENGTH = "The received netstring does not start with a length specification."
    _OVERFLOW = (
        "The length specification of the received netstring cannot be represented in Python"
        " - it causes an OverflowError!"
    )
    _TOO_LONG = "The received netstring is longer than the maximum %s specified by self.MAX_LENGTH"
    _MISSING_COMMA = "The received netstring is not terminated by a comma."

    def makeConnection(self, transport: ITransport) -> None:
        """Start on C{transport}, with no bytes received and C{brokenPeer} reset."""
        if self._receiverConnection is not None:
            self._receiverConnection.backlog.replace(b"")  # this ends a delivery that the call is made from
            self._receiverConnection = None
        if self._receiverIsCopy:
            self._receiverIsCopy = False
        self.brokenPeer = 0
        Protocol.makeConnection(self, transport)

    def sendString(self, string: bytes) -> None:
        """
        Send C{string} as a netstring.

        @param string: the payload, bytes of any length.
        @raise TypeError: the payload is not bytes.
        @raise AttributeError: there is no connection yet.
        """
        try:
            self.transport.write(formatNetstring(string))  # type: ignore[union-attr]
        except (AttributeError, TypeError) as error:
            amendUnsent(error, self, "sendString", string)
            raise

    def stringReceived(self, string: bytes) -> object:
        """
        Called with each payload.  Override it.

        A L{NetstringParseError} that you raise here counts as the peer's error, as if it had been
        found in the netstring.

        @param string: the payload, as bytes.
        @raise NotImplementedError: you have not overridden it.
        """
        raise notOverridden(self, "stringReceived")

    def _receiverMakeBacklog(self) -> Backlog:
        return Backlog(_NetstringBatch())

    def _receiverDeliver(self, connection: Connection) -> None:
        try:
            self._receiverStrings(connection)
        except IncompleteNetstring:
            pass  # only a callback can raise it; the rest waits for more bytes, as in Twisted
        except NetstringParseError:
            self._handleParseError()

    def _receiverStrings(self, connection: Connection) -> None:
        """
        Deliver the netstrings that have arrived.  Each turn of the loop delivers a
        batch, or a single one.

        @raise NetstringParseError: the bytes that follow are not a netstring.
        """
        while True:
            plainTransport = connection.plainTransport
            if plainTransport.TLS:
                connection = self._receiverLeavePlaintext(connection, b"")
                plainTransport = connection.plainTransport
            backlog = connection.backlog
            batch = backlog.batch
            if connection.pins is not None and (batch.cautious or connection.pins.kind is not type(self)):
                self._receiverUnpin(connection)
            limit = self.MAX_LENGTH
            strings: Sequence[bytes] = batch.frames
            needed = 0
            if strings:
                if limit != batch.terms:
                    backlog.putBack()
                    continue
                reader = batch.reader
            else:
                if not backlog:
                    return
                most = 1 if batch.cautious or backlog.isLookedAt else batch.most
                strings, end, needed = self._receiverSplit(backlog, most)
                if len(strings) == 1:
                    backlog.start = end
                    backlog.isLookedAt = False
                    if batch.cautious:
                        batch.cautious -= 1
                    connection.hasDelivered = True
                    self.stringReceived(strings[0])
                    if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                        backlog.current = b""
                        backlog.start = 0
                        return
                    continue
                if strings:
                    reader = batch.start(strings, backlog.start, limit, 0)
                    backlog.start = end
            if strings:
                connection.hasDelivered = True
                if len(strings) >= PINNED and connection.pins is None:
                    self._receiverPin(connection)
                isPinned = connection.pins is not None
                kind = type(self)
                for string in reader:
                    self.stringReceived(string)
                    if (
                        (limit is not self.MAX_LENGTH and limit != self.MAX_LENGTH)
                        or plainTransport.TLS
                        or (isPinned and kind is not type(self))
                    ):
                        needed = 0
                        break
                else:
                    if batch.frames is not strings:
                        continue  # there are other bytes now
                    batch.finish()
                    if backlog.start == len(backlog.current) and backlog.arrivedMeanwhile is None:
                        backlog.current = b""
                        backlog.start = 0
                        return
                if needed <= 0:
                    batch.most = min(batch.most * 2, MANY)
                    continue
            elif needed < 0:
                raise NetstringParseError(self._receiverComplaint(connection, needed))
            if not backlog.unfinished(needed):
                return

    def _receiverSetsAside(self, backlog: Backlog, data: bytes) -> bool:
        return backlog.extendsString(data)

    def _receiverSplit(self, backlog: Backlog, most: int) -> tuple[list[bytes], int, int]:
        """
        Find netstrings ahead.  A netstring whose length was accepted stays accepted when
        C{MAX_LENGTH} changes.
        """
        accepted = backlog.needed
        unfinished = backlog.unfinishedPieces
        if unfinished is not None:
            if not backlog.completesString():
                return [], 0, accepted
            digits = unfinished.begin(_DIGITS).partition(b":")[0]
            last = accepted - unfinished.size - 1
            isWhole = digits.isdigit() and len(digits) + 2 + int(digits) == accepted
            if isWhole and backlog.current[last : last + 1] == b",":
                string = backlog.takeString(len(digits) + 1, 1)
                backlog.needed = 0
                return [string], 0, 0
            backlog.rejoin()
        backlog.needed = 0
        return _accelerate.splitNetstrings(
            backlog.current, backlog.start, max(self.MAX_LENGTH, accepted), 1 if accepted else most
        )

    def _receiverComplaint(self, connection: Connection, stop: int) -> str:
        """Make the error for the next netstring.  If it exceeds a limit, log that."""
        if stop == Stop.TOO_LONG:
            self._receiverLogLimit(connection, self._receiverAnnounced(connection.backlog))
            return self._TOO_LONG % (self.MAX_LENGTH,)
        return self._MISSING_LENGTH if stop == Stop.MALFORMED else self._MISSING_COMMA

    @staticmethod
    def _receiverAnnounced(backlog: Backlog) -> int:
        """Read the length that is too long from the digits that were examined."""
        digits = backlog.current[backlog.start : backlog.start + _DIGITS]
        return int(digits[: len(digits) - len(digits.lstrip(b"0123456789"))])

    # Twisted's own tests call the next two methods; nothing here needs them.

    def _consumeLength(self) -> None:
        """
        Read the length of the next netstring.  C{_expectedPayloadSize} then includes its comma.

        @raise IncompleteNetstring: the length has not arrived whole.
        @raise NetstringParseError: the length is invalid or too long.
        """
        data = self._remainingData
        length, colon = netstringLength(data, 0, self.MAX_LENGTH)
        if length < 0:
            raise NetstringParseError(self._receiverComplaint(self._receiverConnected(), length))
        if colon < 0:
            raise IncompleteNetstring()
        self._expectedPayloadSize = length + 1
        self._remainingData = data[colon + 1 :]

    def _payloadComplete(self) -> bool:
        """Whether no payload is in progress."""
        return b":" not in self._remainingData

    def _handleParseError(self) -> None:
        """Called when the peer has broken the protocol.  It drops the peer."""
        self._receiverDrop()
        self.brokenPeer = 1
