"""
Bytes to boxes, a string at a time: the documented hooks, the limits, and how a peer that breaks
them is dropped.

A box is read as keys and values, each of them a string after its length.  L{StringReader} takes one
string after the other, in the states C{init}, C{key} and C{value}.
L{twisted_basic_ng.amp._reading} does the same a box at a time if no application reads the strings.

This file knows nothing of sending, and nothing of asks and answers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from operator import length_hint
from typing import Any, ClassVar

from twisted.logger import Logger

from .._places import publicMethods
from .._receiving.backlog import Backlog
from .._receiving.batch import Batch
from .._receiving.connection import Connection, Dropped, describePeer
from .._receiving.intstrings import Int16StringReceiver
from .._receiving.recvd import StringBacklog
from .._receiving.stateful import StatefulStringProtocol
from ._boxes import AmpBox, newBox
from ._constants import MAX_KEY_LENGTH, MAX_VALUE_LENGTH
from ._descriptors import _DescriptorExchanger
from ._errors import AmpError, BoxTooLargeError, TooManyDescriptorsError, UnfinishedBoxError
from ._keepalive import Keepalive

__all__ = ["StringReader"]

_log = Logger("twisted.protocols.amp")


class _BoxBatch(Batch):
    """
    A batch of boxes.

    @ivar ends: the offset after each box.
    """

    __slots__ = ("ends",)

    def __init__(self) -> None:
        super().__init__()
        self.ends: Sequence[int] = ()

    @property
    def offset(self) -> int:
        return self.ends[-1 - length_hint(self.reader)] if self.ends else super().offset


class _BoxBacklog(StringBacklog):
    """
    A backlog of boxes.

    @ivar hasBox: whether a box was delivered since the timer was last checked.
    """

    __slots__ = ("hasBox",)

    def __init__(self) -> None:
        super().__init__(_BoxBatch())
        self.hasBox = False


@publicMethods("amp", "BinaryBoxProtocol")
class StringReader(StatefulStringProtocol, Int16StringReceiver, _DescriptorExchanger):
    """
    The part of L{twisted_basic_ng.amp.BinaryBoxProtocol} that reads strings; the attributes are
    documented there.
    """

    MAX_BOX_KEYS: int | None = 4096
    MAX_BOX_LENGTH: int | None = 16 * 2**20

    _MAX_KEY_LENGTH: int = MAX_KEY_LENGTH
    _MAX_VALUE_LENGTH: int = MAX_VALUE_LENGTH
    MAX_LENGTH: int = _MAX_KEY_LENGTH

    boxReceiver: Any
    transport: Any

    _receiverPinned: ClassVar[tuple[str, ...]] = ("paused", "_ampDetour")

    #: The boxes that wait for TLS to start.
    _startingTLSBuffer: list[AmpBox] | None = None

    #: Whether boxes take a longer way, in either direction: TLS is being started, or a feature beyond
    #: Twisted's AMP is in use.
    _ampDetour = False

    #: Notices a peer that is gone without a word, if that is wanted.
    _ampKeepalive: Keepalive | None = None

    _keyLengthLimitExceeded = False
    _currentKey: bytes | None = None
    _currentBox: AmpBox | None = None

    #: The length of the key that was too long.
    _ampKeyLength = 0

    #: How many bytes of the current box have been read.
    _ampCurrentSize = 0

    #: The protocol that the connection has switched to.
    innerProtocol: Any = None

    #: Whether TLS was started and nothing has arrived since.
    _justStartedTLS = False

    #: Whether the connection is lost.
    _ampIsLost = False

    #: Why the peer was dropped, if it broke a limit.
    _ampRefusal: AmpError | None = None

    # The methods of the states, which subclasses override.

    def proto_init(self, string: bytes) -> str:
        """Start a box with its first key."""
        self._currentBox = newBox(AmpBox)
        self._ampCurrentSize = 0
        return self.proto_key(string)

    def proto_key(self, string: bytes) -> str:
        """Read a key.  An empty one completes the box."""
        if string:
            self._currentKey = string
            self.MAX_LENGTH = self._MAX_VALUE_LENGTH
            return "value"
        box = self._currentBox
        assert box is not None
        self._ampForgetHalfBox()  # before the callback, which may raise
        connection = self._receiverConnection
        if connection is not None and isinstance(connection.backlog, _BoxBacklog):
            connection.backlog.hasBox = True
        self._ampDeliver(box)
        return "init"

    def proto_value(self, string: bytes) -> str:
        """Read the value of the key before it."""
        box, key = self._currentBox, self._currentKey
        assert box is not None
        assert key is not None
        box[key] = string
        self._currentKey = None
        self._ampCurrentSize += len(key) + len(string) + 2 * self.prefixLength
        self.MAX_LENGTH = self._MAX_KEY_LENGTH
        return "init" if self._ampIsRefused(box, self._ampCurrentSize) else "key"

    def lengthLimitExceeded(self, length: int) -> None:
        """
        Drop a peer that sends a key that is too long.

        @param length: the announced length in bytes.
        """
        self._keyLengthLimitExceeded = True
        self._ampKeyLength = length
        self._ampForgetHalfBox()
        self._receiverDrop()

    def _ampDeliver(self, box: AmpBox) -> None:
        """Deliver a received box."""
        self.boxReceiver.ampBoxReceived(box)

    def _ampIsRefused(self, box: AmpBox, size: int) -> bool:
        """
        Drop the peer if C{box}, of which C{size} bytes have arrived, is too large.  Return whether
        it is.
        """
        keys, length = self.MAX_BOX_KEYS, self.MAX_BOX_LENGTH
        if keys is not None and len(box) > keys:
            self._ampRefuse(BoxTooLargeError(len(box), keys, "keys"))
        elif length is not None and size > length:
            self._ampRefuse(BoxTooLargeError(size, length, "bytes"))
        else:
            return False
        return True

    def _ampForgetHalfBox(self) -> None:
        """Discard the unfinished box."""
        self._currentBox = self._currentKey = None
        self._ampCurrentSize = 0
        self.state = "init"

    # Undelivered bytes.

    def _receiverMakeBacklog(self) -> Backlog:
        return _BoxBacklog()

    # The time limit of a box.

    def _receiverTime(self, connection: Connection) -> None:
        backlog: Any = connection.backlog
        connection.hasDelivered, backlog.hasBox = backlog.hasBox, False
        # After a callback has ended the connection, nothing would stop the timer.
        if not self._ampIsLost:
            super()._receiverTime(connection)

    def _receiverIsUnfinished(self, backlog: Backlog) -> bool:
        return not self.paused and (bool(backlog) or self._currentBox is not None)

    def _receiverAbort(self) -> None:
        self._ampRefusal = UnfinishedBoxError(self.MAX_MESSAGE_TIME)
        self._ampForgetHalfBox()
        self._ampCloseDescriptors()
        super()._receiverAbort()

    # Dropping a peer.

    def _ampLeavePeer(self) -> None:
        """
        Close the connection, discard the peer's undelivered bytes, and ignore any further data.
        """
        self._ampStopKeepalive()
        if self.transport is not None and not isinstance(self._receiverConnection, Dropped):
            self._receiverConnected().backlog.replace(b"")
            self._ampForgetHalfBox()
            self._receiverDrop()

    def _ampHeedBytes(self) -> None:
        """Note that bytes have arrived."""
        self._ampDescriptorsSinceByte = 0
        self._ampHeedsBytes = self._ampKeepalive is not None
        if self._ampKeepalive is not None:
            self._ampKeepalive.heard()

    def _ampStopKeepalive(self) -> None:
        """Send no pings any more, and wait for none."""
        keepalive, self._ampKeepalive = self._ampKeepalive, None
        if keepalive is not None:
            keepalive.stop()

    def _ampForgetTransport(self) -> None:
        """Drop the references to a transport whose connection is lost."""
        self.transport = None
        if self._receiverConnection is not None:
            self._receiverConnection.forgetTransport()

    def _receiverDrop(self) -> object:
        self._ampCloseDescriptors()
        return super()._receiverDrop()

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until a box claims it.  Close it if the peer was dropped."""
        if isinstance(self._receiverConnection, Dropped):
            os.close(descriptor)
        else:
            super().fileDescriptorReceived(descriptor)

    def _ampRefuse(self, error: AmpError) -> None:
        """Log that the peer broke a limit, and close the connection."""
        if self._ampRefusal is None:
            self._ampRefusal = error
            _log.warn(
                "{receiver} closes the connection to {peer}: {error}",
                receiver=type(self).__qualname__,
                peer=describePeer(self.transport),
                error=error,
            )
            self._ampLeavePeer()

    # File descriptors.

    def _ampKeepsClaims(self) -> bool:
        return self.paused

    def _ampTooManyDescriptors(self) -> None:
        limit = self.MAX_PENDING_DESCRIPTORS
        assert limit is not None
        self._ampRefuse(TooManyDescriptorsError(limit))
