"""
Bytes to boxes: the reading half of a connection.

L{twisted_basic_ng._accelerate.framing} finds where a box begins and ends.  This file delivers boxes one
at a time, and checks after each whether its callback changed anything that matters for the next
one: it may close the connection, start TLS, change over to another protocol, pause, raise, or hand
in more bytes.

It knows nothing of sending, and nothing of asks and answers.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from operator import attrgetter, length_hint
from typing import Any, ClassVar, Final

from twisted.logger import Logger

from .. import _accelerate
from .._receiving.backlog import CAUTION, MANY, Backlog
from .._receiving.intstrings import Int16StringReceiver
from .._receiving.pins import PINNED
from .._receiving.receiver import Dropped, describePeer
from .._receiving.stateful import StatefulStringProtocol
from ._boxes import AmpBox, newBox
from ._constants import MAX_KEY_LENGTH, MAX_VALUE_LENGTH
from ._descriptors import _DescriptorExchanger
from ._errors import AmpError, BoxTooLargeError, TooManyDescriptorsError, UnfinishedBoxError

__all__ = ["BoxReader"]

_log = Logger("twisted.protocols.amp")

#: No bound.
_ANY: Final = 1 << 62


#: Reads the methods that are skipped where boxes are read whole; not from the instance's C{__dict__}, which CPython
#: 3.11 makes when somebody looks, and from then on reads every attribute more slowly.
_hooksOf: Final = attrgetter(
    *(f"{name}.__func__" for name in ("stringReceived", "proto_init", "proto_key", "proto_value"))
)

#: Reads the rest of what is taken for granted there.
_formatOf: Final = attrgetter("structFormat", "_MAX_KEY_LENGTH", "_MAX_VALUE_LENGTH")

#: Reads all of it, and where between two boxes a receiver stands.
_restOf: Final = attrgetter(
    *(f"{name}.__func__" for name in ("stringReceived", "proto_init", "proto_key", "proto_value")),
    *("structFormat", "_MAX_KEY_LENGTH", "_MAX_VALUE_LENGTH", "MAX_LENGTH", "state", "_currentBox"),
)


class _BoxBacklog(Backlog):
    """
    A backlog of boxes.

    @ivar ends: for each box of the batch, the offset behind it.
    @ivar hasBox: a box was delivered since the last look at the timer.
    """

    __slots__ = ("ends", "hasBox")

    def __init__(self) -> None:
        self.ends: Sequence[int] = ()
        self.hasBox = False
        super().__init__()

    @property
    def offset(self) -> int:
        """Where in C{current} the undelivered bytes begin."""
        if self.frames and self.ends:
            return self.ends[-1 - length_hint(self.reader)]
        return super().offset


class BoxReader(StatefulStringProtocol, Int16StringReceiver, _DescriptorExchanger):
    """
    The reading half of L{twisted_basic_ng.amp.BinaryBoxProtocol}, where its attributes are described.
    """

    MAX_BOX_KEYS: int | None = 4096
    MAX_BOX_LENGTH: int | None = 16 * 2**20

    _MAX_KEY_LENGTH: int = MAX_KEY_LENGTH
    _MAX_VALUE_LENGTH: int = MAX_VALUE_LENGTH
    MAX_LENGTH: int = _MAX_KEY_LENGTH

    boxReceiver: Any
    transport: Any

    _receiverPinned: ClassVar[tuple[str, ...]] = ("paused", "_startingTLSBuffer")

    #: What is kept back until TLS was started.
    _startingTLSBuffer: list[AmpBox] | None = None

    _keyLengthLimitExceeded = False
    _currentKey: bytes | None = None
    _currentBox: AmpBox | None = None

    #: How many bytes of the current box were taken so far.
    _ampCurrentSize = 0

    #: The protocol that was changed over to.
    innerProtocol: Any = None

    #: TLS was started, and nothing has come since.
    _justStartedTLS = False

    #: The connection is gone.
    _ampIsLost = False

    #: Why the peer was dropped, if it asked too much.
    _ampRefusal: AmpError | None = None

    # Bytes to boxes, a string at a time: what subclasses override, and what happens where one does.

    def proto_init(self, string: bytes) -> str:
        """Begin a box with its first key."""
        self._currentBox = newBox(AmpBox)
        self._ampCurrentSize = 0
        return self.proto_key(string)

    def proto_key(self, string: bytes) -> str:
        """Take a key; an empty one completes the box."""
        if string:
            self._currentKey = string
            self.MAX_LENGTH = self._MAX_VALUE_LENGTH
            return "value"
        box = self._currentBox
        assert box is not None
        self._ampForgetHalfBox()  # before the callback, which may raise
        if isinstance(self._receiverState, _BoxBacklog):
            self._receiverState.hasBox = True
        self._ampDeliver(box)
        return "init"

    def proto_value(self, string: bytes) -> str:
        """Take the value of the key that came before it."""
        box, key = self._currentBox, self._currentKey
        assert box is not None
        assert key is not None
        box[key] = string
        self._currentKey = None
        self._ampCurrentSize += len(key) + len(string) + 2 * self.prefixLength
        self.MAX_LENGTH = self._MAX_KEY_LENGTH
        return "init" if self._ampIsRefused(box, self._ampCurrentSize) else "key"

    def lengthLimitExceeded(self, length: int) -> None:
        """Drop a peer that sends a key that is too long."""
        self._keyLengthLimitExceeded = True
        self._ampForgetHalfBox()
        self._receiverDrop()

    def _ampDeliver(self, box: AmpBox) -> None:
        """Deliver a box that was received."""
        self.boxReceiver.ampBoxReceived(box)

    def _ampIsRefused(self, box: AmpBox, size: int) -> bool:
        """Is C{box}, of C{size} bytes so far, too large?  Then its peer is dropped."""
        keys, length = self.MAX_BOX_KEYS, self.MAX_BOX_LENGTH
        if keys is not None and len(box) > keys:
            self._ampRefuse(BoxTooLargeError(len(box), keys, "keys"))
        elif length is not None and size > length:
            self._ampRefuse(BoxTooLargeError(size, length, "bytes"))
        else:
            return False
        return True

    # Bytes to boxes, a box at a time: the same, where nobody looks at the strings.

    def _receiverSplit(
        self, backlog: Backlog, prefix: tuple[str, int], limit: int, most: int
    ) -> tuple[list[bytes], int, int]:
        """Find one string: the next one has another limit."""
        return super()._receiverSplit(backlog, prefix, limit, 1)

    def _receiverMakeBacklog(self) -> Backlog:
        return _BoxBacklog()

    def dataReceived(self, data: bytes) -> Any:
        """
        Deliver the boxes that C{data} completes, or hand it to the protocol that was changed over to.

        A chunk of nothing but whole boxes, where nothing is kept, is what most are: it is delivered here, at once.  Any
        other goes the way that it goes in every receiver.

        @raise AmpError: what the receiver of boxes raises for a box that says nothing it understands; the boxes
            behind it are kept, and delivered with the next bytes.
        """
        self._justStartedTLS = False
        if self._ampWithoutByte:
            self._ampWithoutByte = 0
        backlog: Any = self._receiverState
        if self.innerProtocol is not None:
            if backlog:
                return backlog.put(data)  # what is being handed over goes first
            return self.innerProtocol.dataReceived(data)
        if (
            backlog is None
            or backlog.busy
            or backlog.current
            or backlog.later is not None
            or backlog.aside is not None
            or backlog.transport is not self.transport
            or (backlog.watched is not None and backlog.watched.TLS)
            or (backlog.tellsClose and backlog.transport.disconnecting)
            or backlog.cautious
            or self.paused
            or type(data) is not bytes
        ):
            return Int16StringReceiver.dataReceived(self, data)
        pins = backlog.pins
        if pins is not None and (pins.kind is not type(self) or pins.values != pins.read(pins.kind)):
            self._receiverUnpin(backlog)
        try:
            if _restOf(self) != _REST:
                return Int16StringReceiver.dataReceived(self, data)
        except AttributeError:  # a hook is a function, set on the instance
            return Int16StringReceiver.dataReceived(self, data)
        keys, length = self.MAX_BOX_KEYS, self.MAX_BOX_LENGTH
        boxes, ends = _accelerate.splitBoxes(
            data, 0, AmpBox, backlog.most, _ANY if keys is None else keys, _ANY if length is None else length
        )
        if not boxes or ends[-1] != len(data):
            return Int16StringReceiver.dataReceived(self, data)
        backlog.busy = True
        backlog.reentered = backlog.searched = False
        backlog.skipped = backlog.base = 0
        backlog.inHand = None
        backlog.current = data
        backlog.frames = boxes
        backlog.ends = ends
        backlog.start = ends[-1]
        try:
            self._ampDeliverBoxes(backlog, boxes)
            if backlog.start != len(backlog.current) or backlog.later is not None:
                self._receiverDeliver(backlog)
        finally:
            backlog.busy = False
            backlog.putBack()
            if backlog.start == len(backlog.current):
                backlog.current = b""
                backlog.start = 0
            self._receiverSettle(backlog)
        return None

    def _receiverDeliver(self, backlog: Any) -> None:
        """
        Deliver what there is; by whole boxes where that makes no difference.

        One flat loop, for its speed: it is walked once for each batch of boxes.
        """
        backlog.putBack()  # an interrupted batch: finding boxes again takes a third of what delivering them takes
        backlog.skipped = 0
        backlog.inHand = None
        backlog.base = backlog.start
        while not self.paused and (backlog.start < len(backlog.current) or backlog):
            watched = backlog.watched
            if watched is not None and watched.TLS:
                backlog = self._receiverLeavePlaintext(backlog, b"")
                continue
            try:
                isAtRest = _restOf(self) == _REST
            except AttributeError:  # a hook is a function, set on the instance
                isAtRest = False
            if not isAtRest and not self._ampGoesOnWithBox():
                backlog.ends = ()
                super()._receiverDeliver(backlog)
                return
            if backlog.aside is not None and not backlog.completesString():
                if not backlog.unfinished(backlog.needed):
                    return
                continue
            if isAtRest:
                keys, length = self.MAX_BOX_KEYS, self.MAX_BOX_LENGTH
                boxes, ends = _accelerate.splitBoxes(
                    backlog.current,
                    backlog.start,
                    AmpBox,
                    1 if backlog.cautious else backlog.most,
                    _ANY if keys is None else keys,
                    _ANY if length is None else length,
                )
                if boxes:
                    if backlog.cautious:
                        backlog.cautious -= 1
                    backlog.frames = boxes
                    backlog.ends = ends
                    backlog.start = ends[-1]
                    self._ampDeliverBoxes(backlog, boxes)
                    if backlog.start == len(backlog.current) and backlog.later is None:
                        return
                    continue
            if not self._ampDeliverBox(backlog):
                return

    def _ampGoesOnWithBox(self) -> bool:
        """Does nothing stand between the strings and the boxes that they make, in the middle of a box?"""
        try:
            if _formatOf(self) != _FORMAT or _hooksOf(self) != _HOOKS:
                return False
        except AttributeError:  # a hook is a function, set on the instance
            return False
        if self._currentBox is None:
            return False
        state = self._ampHalfState()
        return state == self.state and (MAX_VALUE_LENGTH if state == "value" else MAX_KEY_LENGTH) == self.MAX_LENGTH

    def _ampHalfState(self) -> str:
        return "key" if self._currentKey is None else "value"

    def _ampDeliverBoxes(self, backlog: Any, boxes: list[AmpBox]) -> None:
        """Deliver a batch of boxes, until one changes something."""
        if len(boxes) >= PINNED and backlog.pins is None:
            self._receiverPin(backlog)
        backlog.hasBox = True
        watched = backlog.watched
        keys, length = self.MAX_BOX_KEYS, self.MAX_BOX_LENGTH
        last = boxes[-1]
        backlog.reader = reader = iter(boxes)
        for box in reader:
            if self._startingTLSBuffer:
                self._ampDeliver(box)
            else:
                self.boxReceiver.ampBoxReceived(box)
            self.state = "init"  # whatever the callback made of it, as in Twisted
            if box is last:
                backlog.frames = ()
                if len(boxes) > 1:
                    backlog.caution = CAUTION
                if len(boxes) == backlog.most:
                    backlog.most = min(backlog.most * 2, MANY)
                return
            if self.paused or self.MAX_LENGTH != MAX_KEY_LENGTH or (watched is not None and watched.TLS):
                break
            if self.MAX_BOX_KEYS is not keys or self.MAX_BOX_LENGTH is not length:
                break
            try:
                if _hooksOf(self) != _HOOKS:
                    break
            except AttributeError:
                break
        backlog.putBack()

    def _ampDeliverBox(self, backlog: Any) -> bool:
        """
        Go on with a box that is not in hand whole, or that is not to be accepted.

        @return: whether to look again.
        """
        box = self._currentBox
        if box is None:
            box = newBox(AmpBox)
        begin = backlog.start
        end, key, needed = _accelerate.parseBox(backlog.current, begin, box, self._currentKey)
        backlog.start = end
        if needed:
            return self._ampKeepHalfBox(backlog, box, key, needed, end - begin)
        if self._ampIsRefused(box, end - begin - self.prefixLength + self._ampCurrentSize):  # its end does not count
            return False
        self._ampForgetHalfBox()
        self.MAX_LENGTH = self._MAX_KEY_LENGTH
        backlog.hasBox = True
        self._ampDeliver(box)
        self.state = "init"
        return True

    def _ampKeepHalfBox(self, backlog: Backlog, box: AmpBox, key: bytes | None, needed: int, size: int) -> bool:
        """
        Keep what came of a box.

        @param needed: how many bytes its next string needs, or a C{Stop}.
        @param size: how many bytes of the box came just now.
        @return: whether to look again.
        """
        if size:
            self._currentBox, self._currentKey = box, key
            self._ampCurrentSize += size
            self.state = self._ampHalfState()
            self.MAX_LENGTH = self._MAX_KEY_LENGTH if key is None else self._MAX_VALUE_LENGTH
            if self._ampIsRefused(box, self._ampCurrentSize):
                return False
        if needed < 0:
            return self._receiverRefuse(backlog, (self.structFormat, self.prefixLength))
        backlog.terms = self.structFormat, self.prefixLength
        return backlog.unfinished(needed)

    def _ampForgetHalfBox(self) -> None:
        """Begin with a new box."""
        self._currentBox = self._currentKey = None
        self._ampCurrentSize = 0
        self.state = "init"

    # The time of a box.

    def _receiverTime(self, backlog: Any) -> None:
        backlog.hasDelivered, backlog.hasBox = backlog.hasBox, False
        if not self._ampIsLost:  # a callback may have ended the connection, and nothing would stop the timer
            super()._receiverTime(backlog)

    def _receiverIsUnfinished(self, backlog: Backlog) -> bool:
        return not self.paused and (bool(backlog) or self._currentBox is not None)

    def _receiverAbort(self, backlog: Backlog) -> None:
        self._ampRefusal = UnfinishedBoxError(self.MAX_MESSAGE_TIME)
        self._ampForgetHalfBox()
        self._ampCloseDescriptors()
        super()._receiverAbort(backlog)

    # Parting with a peer.

    def _ampLeavePeer(self) -> None:
        """Be done with the peer: what it has sent is forgotten, what it still sends is ignored."""
        if self.transport is not None and not isinstance(self._receiverState, Dropped):
            self._receiverBacklog().replace(b"")
            self._ampForgetHalfBox()
            self._receiverDrop()

    def _ampForgetTransport(self) -> None:
        """Let go of a transport that is gone."""
        self.transport = None
        if self._receiverState is not None:
            self._receiverState.transport = self._receiverState.watched = None

    def _receiverDrop(self) -> object:
        self._ampCloseDescriptors()
        return super()._receiverDrop()

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until a box claims it; one of a peer that was dropped is closed."""
        if isinstance(self._receiverState, Dropped):
            os.close(descriptor)
        else:
            super().fileDescriptorReceived(descriptor)

    def _ampRefuse(self, error: AmpError) -> None:
        """Be done with a peer that asks too much."""
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


#: Remembered, so that others that an application puts in their place, in these classes, are seen to be others.
_HOOKS: Final = _hooksOf(BoxReader())
_FORMAT: Final = _formatOf(BoxReader)
_REST: Final = _restOf(BoxReader())
