"""
Bytes to boxes, a box at a time: the fast path, for connections whose strings no application reads.

L{twisted_basic_ng._accelerate.framing} finds where a box begins and ends.  This file delivers boxes
one at a time.  After each box, it checks whether the callback changed anything that matters for the
next one.  A callback may close the connection, start TLS, switch to another protocol, pause, raise,
or pass in more bytes.

This file knows nothing of sending, and nothing of asks and answers.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from .. import _accelerate
from .._places import publicMethods
from .._receiving.backlog import Backlog
from .._receiving.batch import CAUTION, MANY, NOTHING
from .._receiving.connection import Connection
from .._receiving.intstrings import Int16StringReceiver
from .._receiving.pins import PINNED
from ._boxes import AmpBox, newBox
from ._constants import MAX_KEY_LENGTH, MAX_VALUE_LENGTH
from ._strings import StringReader

__all__ = ["BoxReader"]

#: Stands for no limit.
_UNBOUNDED: Final = 1 << 62


#: Reads the methods that are skipped when boxes are read whole.  It does not read the instance's
#: C{__dict__}: CPython 3.11 creates that on first access, and then reads every attribute more
#: slowly.
_hooksOf: Final = attrgetter(
    *(f"{name}.__func__" for name in ("stringReceived", "proto_init", "proto_key", "proto_value"))
)

#: Reads the format that whole boxes are assumed to have.
_formatOf: Final = attrgetter("structFormat", "_MAX_KEY_LENGTH", "_MAX_VALUE_LENGTH")

#: Reads both, and the state of a receiver, which has fixed values between two boxes.
_stateOf: Final = attrgetter(
    *(f"{name}.__func__" for name in ("stringReceived", "proto_init", "proto_key", "proto_value")),
    *("structFormat", "_MAX_KEY_LENGTH", "_MAX_VALUE_LENGTH", "MAX_LENGTH", "state", "_currentBox"),
)


@publicMethods("amp", "BinaryBoxProtocol")
class BoxReader(StringReader):
    """
    The reading half of L{twisted_basic_ng.amp.BinaryBoxProtocol}, which documents the attributes.
    """

    def _receiverSplit(
        self, backlog: Backlog, prefix: tuple[str, int], limit: int, most: int
    ) -> tuple[list[bytes], int, int]:
        """Find one string at a time, since the next one has another limit."""
        return super()._receiverSplit(backlog, prefix, limit, 1)

    def dataReceived(self, data: bytes) -> Any:
        """
        Deliver the boxes that C{data} completes, or pass the data to the protocol that the
        connection has switched to.

        Most chunks consist of whole boxes, and nothing is kept from earlier chunks.  These are
        delivered here, at once.  Every other chunk is handled as in all receivers.

        @param data: the received bytes; a chunk may end anywhere.
        @raise AmpError: the box receiver does not understand a box.  The boxes after it are kept,
            and delivered with the next bytes.
        """
        self._justStartedTLS = False
        if self._ampHeedsBytes:
            self._ampHeedBytes()
        connection: Any = self._receiverConnection
        backlog: Any = None if connection is None else connection.backlog
        if self.innerProtocol is not None:
            if backlog:
                return connection.addMeanwhile(data)  # after the bytes that are being handed over
            return self.innerProtocol.dataReceived(data)
        if (
            connection is None
            or connection.isDelivering
            or backlog.current
            or backlog.arrivedMeanwhile is not None
            or backlog.unfinishedPieces is not None
            or connection.transport is not self.transport
            or connection.plainTransport.TLS
            or connection.closingTransport.disconnecting
            or backlog.batch.cautious
            or self.paused
            or type(data) is not bytes
        ):
            return Int16StringReceiver.dataReceived(self, data)
        pins = connection.pins
        if pins is not None and (pins.kind is not type(self) or pins.values != pins.read(pins.kind)):
            self._receiverUnpin(connection)
        try:
            if _stateOf(self) != _BETWEEN_BOXES:
                return Int16StringReceiver.dataReceived(self, data)
        except AttributeError:  # a hook is a plain function, set on the instance
            return Int16StringReceiver.dataReceived(self, data)
        batch = backlog.batch
        keys, length = self.MAX_BOX_KEYS, self.MAX_BOX_LENGTH
        boxes, ends = _accelerate.splitBoxes(
            data,
            0,
            AmpBox,
            batch.most,
            _UNBOUNDED if keys is None else keys,
            _UNBOUNDED if length is None else length,
        )
        if not boxes or ends[-1] != len(data):
            return Int16StringReceiver.dataReceived(self, data)
        connection.isDelivering = True
        backlog.isSearched = False
        backlog.skipped = backlog.deliveryStart = 0
        backlog.inHand = None
        backlog.current = data
        batch.frames = boxes
        batch.ends = ends
        backlog.start = ends[-1]
        try:
            self._ampDeliverBoxes(connection, boxes)
            if backlog.start != len(backlog.current) or backlog.arrivedMeanwhile is not None:
                self._receiverDeliver(connection)
        finally:
            connection.isDelivering = False
            if batch.frames:
                backlog.putBack()
            if backlog.start == len(backlog.current):
                backlog.current = b""
                backlog.start = 0
            if self.MAX_MESSAGE_TIME is not None or connection.plainTransport.TLS:
                self._receiverSettle(connection)
        return None

    def _receiverDeliver(self, connection: Any) -> None:
        """
        Deliver the bytes in hand, as whole boxes if an application cannot tell the difference.

        This is one flat loop, for speed: it runs once for each batch of boxes.
        """
        # The batch was interrupted.  Finding its boxes again takes a third of their delivery time.
        backlog = connection.backlog
        if backlog.batch.frames:
            backlog.putBack()
        backlog.skipped = 0
        backlog.inHand = None
        backlog.deliveryStart = backlog.start
        while not self.paused:
            backlog = connection.backlog
            batch = backlog.batch
            if (
                backlog.start == len(backlog.current)
                and backlog.arrivedMeanwhile is None
                and backlog.unfinishedPieces is None
            ):
                backlog.current = b""
                backlog.start = 0
                return
            plainTransport = connection.plainTransport
            if plainTransport.TLS:
                connection = self._receiverLeavePlaintext(connection, b"")
                continue
            try:
                isBetweenBoxes = _stateOf(self) == _BETWEEN_BOXES
            except AttributeError:  # a hook is a plain function, set on the instance
                isBetweenBoxes = False
            if not isBetweenBoxes and not self._ampGoesOnWithBox():
                batch.ends = ()
                super()._receiverDeliver(connection)
                return
            if backlog.unfinishedPieces is not None:
                if not backlog.completesString():
                    if not backlog.unfinished(backlog.needed):
                        return
                    continue
                backlog.rejoin()
            if isBetweenBoxes:
                keys, length = self.MAX_BOX_KEYS, self.MAX_BOX_LENGTH
                boxes, ends = _accelerate.splitBoxes(
                    backlog.current,
                    backlog.start,
                    AmpBox,
                    1 if batch.cautious else batch.most,
                    _UNBOUNDED if keys is None else keys,
                    _UNBOUNDED if length is None else length,
                )
                if boxes:
                    if batch.cautious:
                        batch.cautious -= 1
                    batch.frames = boxes
                    batch.ends = ends
                    backlog.start = ends[-1]
                    self._ampDeliverBoxes(connection, boxes)
                    continue
            if not self._ampDeliverBox(connection):
                return

    def _ampGoesOnWithBox(self) -> bool:
        """
        Whether the rest of the current box can be read without calling the hooks for its strings.
        """
        try:
            if _formatOf(self) != _FORMAT or _hooksOf(self) != _HOOKS:
                return False
        except AttributeError:  # a hook is a plain function, set on the instance
            return False
        if self._currentBox is None:
            return False
        state = self._ampHalfState()
        return state == self.state and (MAX_VALUE_LENGTH if state == "value" else MAX_KEY_LENGTH) == self.MAX_LENGTH

    def _ampHalfState(self) -> str:
        return "key" if self._currentKey is None else "value"

    def _ampDeliverBoxes(self, connection: Any, boxes: list[AmpBox]) -> None:
        """Deliver a batch of boxes, until a callback changes something."""
        backlog = connection.backlog
        batch = backlog.batch
        if len(boxes) >= PINNED and connection.pins is None:
            self._receiverPin(connection)
        backlog.hasBox = True
        plainTransport = connection.plainTransport
        keys, length = self.MAX_BOX_KEYS, self.MAX_BOX_LENGTH
        last = boxes[-1]
        batch.reader = reader = iter(boxes)
        for box in reader:
            if self._ampDetour:
                self._ampDeliver(box)
            else:
                self.boxReceiver.ampBoxReceived(box)
            self.state = "init"  # even if the callback has set another state, as in Twisted
            if box is last:
                batch.frames = batch.ends = ()
                batch.reader = NOTHING
                if len(boxes) > 1:
                    batch.caution = CAUTION
                if len(boxes) == batch.most:
                    batch.most = min(batch.most * 2, MANY)
                return
            if self.paused or self.MAX_LENGTH != MAX_KEY_LENGTH or plainTransport.TLS:
                break
            if self.MAX_BOX_KEYS is not keys or self.MAX_BOX_LENGTH is not length:
                break
            try:
                if _hooksOf(self) != _HOOKS:
                    break
            except AttributeError:
                break
        backlog.putBack()

    def _ampDeliverBox(self, connection: Any) -> bool:
        """
        Continue with a box that is incomplete, or that will be refused.

        @return: whether to continue.
        """
        backlog = connection.backlog
        box = self._currentBox
        if box is None:
            box = newBox(AmpBox)
        begin = backlog.start
        end, key, needed = _accelerate.parseBox(backlog.current, begin, box, self._currentKey)
        backlog.start = end
        if needed:
            return self._ampKeepHalfBox(connection, box, key, needed, end - begin)
        # The end of the box does not count.
        if self._ampIsRefused(box, end - begin - self.prefixLength + self._ampCurrentSize):
            return False
        self._ampForgetHalfBox()
        self.MAX_LENGTH = self._MAX_KEY_LENGTH
        backlog.hasBox = True
        self._ampDeliver(box)
        self.state = "init"
        return True

    def _ampKeepHalfBox(self, connection: Connection, box: AmpBox, key: bytes | None, needed: int, size: int) -> bool:
        """
        Keep the part of a box that has arrived.

        @param needed: how many bytes its next string needs, or a C{Stop}.
        @param size: how many bytes of the box have just arrived.
        @return: whether to continue.
        """
        if size:
            self._currentBox, self._currentKey = box, key
            self._ampCurrentSize += size
            self.state = self._ampHalfState()
            self.MAX_LENGTH = self._MAX_KEY_LENGTH if key is None else self._MAX_VALUE_LENGTH
            if self._ampIsRefused(box, self._ampCurrentSize):
                return False
        if needed < 0:
            return self._receiverRefuse(connection, (self.structFormat, self.prefixLength))
        connection.backlog.batch.terms = self.structFormat, self.prefixLength
        return connection.backlog.unfinished(needed)


#: The values of an unmodified receiver.  Comparing with them shows when an application has replaced
#: a hook or a value.
_HOOKS: Final = _hooksOf(BoxReader())
_FORMAT: Final = _formatOf(BoxReader)
_BETWEEN_BOXES: Final = _stateOf(BoxReader())
