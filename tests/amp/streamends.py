"""Two ends with streams in memory, without commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.helpers import MemoryConnection
from twisted_basic_ng import amp
from twisted_basic_ng.amp._constants import STREAM, STREAMS
from twisted_basic_ng.amp._streamerrors import StreamViolationError
from twisted_basic_ng.amp._streaminbox import StreamInbox
from twisted_basic_ng.amp._streampipes import StreamSender
from twisted_basic_ng.amp._streamreader import StreamReader
from twisted_basic_ng.amp._streams import StreamTable
from twisted_basic_ng.amp._streamsources import Announced
from twisted_basic_ng.amp._streamtypes import Stream

__all__ = ["StreamEnd", "connectStreams", "stepped"]


class StreamEnd(amp.BinaryBoxProtocol):
    """
    One end that handles the boxes of streams, and boxes that announce them.

    @ivar arrived: the streams that the peer has announced.
    @ivar refusals: the errors for which the peer was dropped.
    @ivar idle: how often the last stream has ended.
    """

    def __init__(self) -> None:
        super().__init__(self)
        self.idle = 0
        self.table = StreamTable(self, self.later, self.noteIdle)
        self.arrived: list[StreamInbox] = []
        self.refusals: list[Any] = []
        self.delayed: list[Callable[[], object]] = []

    def noteIdle(self) -> None:
        self.idle += 1

    def later(self, function: Callable[..., object], *args: object) -> None:
        self.delayed.append(lambda: function(*args))

    def startReceivingBoxes(self, sender: Any) -> None:
        """Called when the connection is made."""

    def stopReceivingBoxes(self, reason: Failure) -> None:
        self.table.lose(reason)

    def ampBoxReceived(self, box: amp.AmpBox) -> None:
        try:
            if STREAM in box:
                self.table.received(box)
            elif STREAMS in box:
                self.table.open(box)
                self.arrived += [each for value in box.values() if (each := self.table.take(value)) is not None]
                self.table.settle(box)
        except StreamViolationError as error:
            self._ampRefuse(error)

    def _ampRefuse(self, error: amp.AmpError) -> None:
        self.refusals.append(error)
        super()._ampRefuse(error)

    def give(self, *values: Any, errors: dict[Any, bytes] | None = None) -> None:
        """Send streams of bytes, announced by one box."""
        box = amp.AmpBox(note=b"")
        for number, value in enumerate(values):
            announced = Announced(Stream()._ampSourceOf(value, None))
            announced.errors = errors or {}
            box[b"value%d" % number] = announced
        found = self.table.announce(box)
        self.table.commit(found)
        self.sendBox(box)
        self.table.begin(found)

    def send(self, value: Any, errors: dict[Any, bytes] | None = None) -> StreamSender:
        """Send one stream, and return its sender, whose end can be awaited."""
        sender = StreamSender(value)
        self.give(sender, errors=errors)
        return sender

    def reader(self, index: int = -1) -> StreamReader:
        """Make a reader of a stream that has arrived."""
        return StreamReader(self.arrived[index])

    def box(self, **kw: bytes) -> None:
        """Receive a box from the peer."""
        self.dataReceived(amp.AmpBox(kw).serialize())


class Connection(MemoryConnection):
    """A connection that also runs the delayed calls of its ends."""

    def pump(self) -> bool:
        moved = super().pump()
        for end in (self.client.protocol, self.server.protocol):
            delayed, end.delayed[:] = end.delayed[:], []
            for each in delayed:
                each()
            moved = moved or bool(delayed)
        return moved


def connectStreams(size: int | None = None) -> tuple[StreamEnd, StreamEnd, Connection]:
    """Connect two ends."""
    client, server = StreamEnd(), StreamEnd()
    return client, server, Connection(client, server, size)


def stepped(reader: Any) -> Deferred[Any]:
    """Take the next value."""
    return Deferred.fromCoroutine(reader.__anext__())
