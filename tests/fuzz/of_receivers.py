"""
Targets for the receivers: the same bytes, cut in any way and on either build, cause the same
callbacks.

The actions of the callbacks are drawn, too: they raise, pause, change the limit or the delimiter,
take raw bytes, or start TLS, as far as the result does not depend on the cuts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from tests.helpers import RecordingTransport

from .builds import Build, builds, forget
from .inputs import Input

__all__ = ["Planned", "compare", "feed", "observe", "receiverTarget"]

_LIMITS = (16, 0, 1, 5, 100, 300, 99999)
_DELIMITERS = (b"\r\n", b"\n", b"aa", b"aba")


class Planned(Exception):
    """Raised by a callback if its action says so."""


def feed(receiver: Any, transport: RecordingTransport, chunk: bytes) -> None:
    """
    Deliver C{chunk} as a transport does.  Resume the receiver after each pause or error until it
    rests.
    """
    step = partial(transport.protocol.dataReceived, chunk)
    while True:
        try:
            step()
        except Planned:  # noqa: PERF203 - the purpose of the loop
            step = partial(transport.protocol.dataReceived, b"")
        else:
            if not getattr(receiver, "paused", False):
                return
            step = receiver.resumeProducing


def compare(observe: Callable[[Build, list[bytes]], Any], given: Input) -> Any:
    """
    Observe the same on both builds for each way to cut the payload, and then for the first way
    again, with filled caches.  Return the observation.
    """
    first: Any = None
    cuts = given.cuts()
    forget()
    for chunks in [*cuts, cuts[0]]:
        for build in builds():
            seen = observe(build, chunks)
            if first is None:
                first = seen
            assert seen == first, f"{build.name}, {chunks}:\n{seen}\nbut, in one chunk:\n{first}"
    return first


class _Script:
    """
    The actions of the callbacks, and what the callbacks received.

    @ivar seen: each frame, and each run of raw bytes.
    @ivar largest: the largest limit so far.
    """

    def __init__(self, kind: str, actions: list[int], limit: int) -> None:
        self.kind = kind
        self.seen: list[Any] = []
        self.raw = 0
        self.largest = limit
        self._actions: Iterator[int] = iter(actions)

    def called(self, receiver: Any, name: str, data: Any) -> None:
        """Record a frame, and execute the next action."""
        self.seen.append((name, data))
        self.act(receiver, next(self._actions, 0))

    def act(self, receiver: Any, action: int) -> None:
        """Execute an action.  Unknown actions do nothing."""
        which, number = action % 8, action // 8
        if which == 1 and hasattr(receiver, "pauseProducing"):
            receiver.pauseProducing()
        elif which == 2:
            raise Planned
        elif which == 3:
            receiver.MAX_LENGTH = _LIMITS[number % len(_LIMITS)]
            self.largest = max(self.largest, receiver.MAX_LENGTH)
        elif which == 4:
            receiver.transport.startTLS()
        elif which == 5 and self.kind == "LineReceiver":
            self.raw = number + 1
            receiver.setRawMode()
        elif which == 6 and self.kind == "LineReceiver":
            receiver.delimiter = _DELIMITERS[number % len(_DELIMITERS)]
        elif which == 6 and not self.kind.startswith("Line"):
            receiver.transport.loseConnection()

    def rawReceived(self, receiver: Any, data: bytes) -> None:
        """Take as many raw bytes as requested, and return the rest."""
        taken, rest = data[: self.raw], data[self.raw :]
        self.raw -= len(taken)
        if self.seen[-1][0] == "raw":
            taken = self.seen.pop()[1] + taken
        self.seen.append(("raw", taken))
        if not self.raw:
            receiver.setLineMode(rest)


@cache
def _scripted(build: Build, kind: str) -> type[Any]:
    """Return a subclass of the receiver C{kind} whose callbacks execute a script."""

    class Scripted(getattr(build.basic, kind)):  # type: ignore[misc]
        script: _Script

        def lineReceived(self, line: bytes) -> None:
            self.script.called(self, "line", line)

        def stringReceived(self, string: bytes) -> None:
            self.script.called(self, "string", string)

        def rawDataReceived(self, data: bytes) -> None:
            self.script.rawReceived(self, data)

        def lineLengthExceeded(self, line: bytes) -> Any:
            assert isinstance(line, bytes)  # its length depends on the cuts, as in Twisted
            self.script.seen.append("lineLengthExceeded")
            return super().lineLengthExceeded(line)

        def lengthLimitExceeded(self, length: int) -> Any:
            self.script.seen.append(("lengthLimitExceeded", length))
            return super().lengthLimitExceeded(length)

    return Scripted


def _undelivered(receiver: Any, kind: str) -> bytes:
    """Return the undelivered bytes of a receiver."""
    name = {"NetstringReceiver": "_remainingData"}.get(kind, "_buffer" if kind.startswith("Line") else "recvd")
    return getattr(receiver, name)  # type: ignore[no-any-return]


def observe(kind: str, limit: int, delimiter: bytes, actions: list[int], build: Build, chunks: list[bytes]) -> Any:
    """
    Deliver C{chunks} to a receiver.

    @param limit: its initial C{MAX_LENGTH}.
    @param actions: the actions of its callbacks, in order.
    @return: what the callbacks received, the undelivered bytes, and how the connection ended.
    """
    script = _Script(kind, actions, limit)
    receiver = _scripted(build, kind)()
    receiver.script = script
    receiver.MAX_LENGTH = limit
    if kind.startswith("Line"):
        receiver.delimiter = delimiter
    transport = RecordingTransport().connect(receiver)
    for chunk in chunks:
        feed(receiver, transport, chunk)
        kept = len(_undelivered(receiver, kind))
        assert kept <= script.largest + 20, f"{kept} bytes are kept"
    layer = None if transport.protocol is receiver else transport.protocol.received
    return script.seen, _undelivered(receiver, kind), transport.disconnecting, transport.aborted, layer


def receiverTarget(kind: str) -> Callable[[bytes], None]:
    """Make the target of one class."""

    def target(data: bytes) -> None:
        given = Input(data)
        limit, delimiter = given.choice(_LIMITS), given.choice(_DELIMITERS)
        # The cuts consume the next control bytes, so read the actions from a copy.
        actions = Input(data).list()[5:]
        compare(partial(observe, kind, limit, delimiter, actions), given)

    return target
