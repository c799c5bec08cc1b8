"""
Targets for FTP: line ends, listings, and the bytes of an upload.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from io import BytesIO
from types import SimpleNamespace
from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.python.filepath import Permissions

from tests.helpers import RecordingTransport

from .builds import Build, builds
from .inputs import Input
from .of_receivers import compare

__all__ = ["FTP"]


class _Sink:
    """
    A consumer.

    @ivar events: each end, and the joined bytes between them.
    @ivar pauses: how often it pauses its producer.
    """

    def __init__(self, pauses: list[int]) -> None:
        self.written = b""
        self.events: list[str] = []
        self._pauses = iter(pauses)
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.events.append("begins")
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.events.append("ends")

    def write(self, data: bytes) -> None:
        self.written += data
        if next(self._pauses, 0) % 4 == 1:
            self.producer.pauseProducing()
            self.paused = True

    paused = False

    def goOn(self) -> None:
        """End all pauses."""
        while self.paused:
            self.paused = False
            self.producer.resumeProducing()


def _observeText(outward: bool, build: Build, chunks: list[bytes]) -> bytes:
    sink = _Sink([])
    if outward:
        sink.registerConsumer = None  # type: ignore[attr-defined] - data connections have it
    wrapper = build.consumers.ASCIIConsumerWrapper(sink)
    wrapper.registerProducer(None, True)
    for chunk in chunks:
        wrapper.write(chunk)
    wrapper.unregisterProducer()
    assert sink.events == ["begins", "ends"]
    return sink.written


def text(data: bytes) -> None:
    """Line ends are translated alike for any cut, and translating them back restores the text."""
    given = Input(data)
    outward = bool(given.number(2))
    written = compare(partial(_observeText, outward), given)
    joined = given.payload.replace(b"\r\n", b"\n")
    assert written == (joined.replace(b"\n", b"\r\n") if outward else joined)


def _observeUpload(early: int, clean: bool, pauses: list[int], build: Build, chunks: list[bytes]) -> Any:
    connection = build.dtp.DTP()
    fired: list[Any] = []
    connection.factory = SimpleNamespace(deferred=SimpleNamespace(callback=lambda result: None))
    RecordingTransport().connect(connection)
    sink = _Sink(pauses)
    for number, chunk in enumerate(chunks):
        if number == early:
            connection.registerConsumer(sink).addBoth(fired.append)
        connection.dataReceived(chunk)
        if number % 3:
            sink.goOn()
    if early >= len(chunks):
        connection.registerConsumer(sink).addBoth(fired.append)
    connection.connectionLost(Failure(ConnectionDone() if clean else ConnectionLost()))
    if clean:
        sink.goOn()
        assert sink.written == b"".join(chunks)
    else:
        assert b"".join(chunks).startswith(sink.written)
    assert sink.events == ["begins", "ends"]
    (result,) = fired
    return "complete" if result is None else type(result.value).__name__


def upload(data: bytes) -> None:
    """An upload arrives complete and in order, and ends once.  An upload that was cut off fails."""
    given = Input(data)
    early, clean, pauses = given.number(6), bool(given.number(4)), Input(data).list()[5:]
    assert compare(partial(_observeUpload, early, clean, pauses), given) == ("complete" if clean else "ConnectionLost")


def _observeListing(build: Build, name: bytes, numbers: list[int]) -> bytes:
    connection = build.dtp.DTP()
    connection.factory = SimpleNamespace(deferred=SimpleNamespace(callback=lambda result: None))
    transport = RecordingTransport().connect(connection)
    size, links, modified, owner = numbers
    row = (size, links % 2, Permissions(links % 512), links, modified, name.decode("latin-1"), chr(owner * 300))
    connection.sendListResponse(name, row)
    return transport.written


def listing(data: bytes) -> None:
    """
    A row of a listing is one line that ends with the name, whatever the name, owner and group
    contain.
    """
    given = Input(data)
    numbers = [
        given.number(256) ** 3,
        given.number(256),
        (given.number(256) - 128) << given.number(64),
        given.number(256),
    ]
    rows = [_observeListing(build, given.payload, numbers) for build in builds()]
    assert all(row == rows[0] for row in rows)
    assert rows[0].endswith(b"\r\n")
    line = rows[0][:-2]
    assert not any(each < 32 or each == 127 for each in line), line
    control = bytes([*range(32), 127])
    assert line.endswith(given.payload.translate(bytes.maketrans(control, b"?" * len(control))))


def file(data: bytes) -> None:
    """A file has the bytes that were written to it, and is closed."""
    given = Input(data)
    for chunks in given.cuts():
        for build in builds():
            kept: list[bytes] = []
            target = BytesIO()
            target.close = lambda kept=kept, target=target: kept.append(target.getvalue())  # type: ignore[misc]
            consumer = build.consumers.FileConsumer(target)
            consumer.registerProducer(None, True)
            for chunk in chunks:
                consumer.write(chunk)
            consumer.unregisterProducer()
            assert kept == [given.payload]


FTP: dict[str, Callable[[bytes], None]] = {each.__name__: each for each in (text, upload, listing, file)}
