"""
Targets for AMP: boxes with and without a connection, and both roles of a peer, with any bytes.

Each ask is answered, each call of ours ends once, and C{dataReceived} raises only the documented
errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport

from .builds import Build, builds
from .inputs import Input
from .of_receivers import Planned, compare, feed

__all__ = ["AMP", "observeBoxes"]

_MOST_KEYS = (4096, 1, 2, 5)
_MOST_BYTES = (None, 0, 10, 60, 1000)


class _Boxes:
    """
    Receives boxes, and executes the next action for each.

    @ivar seen: the boxes, and the reason for the end.
    """

    def __init__(self, actions: list[int]) -> None:
        self.seen: list[Any] = []
        self._actions: Iterator[int] = iter(actions)

    def startReceivingBoxes(self, sender: Any) -> None:
        self._protocol = sender

    def ampBoxReceived(self, box: Any) -> None:
        self.seen.append(dict(box))
        protocol = self._protocol
        which, number = divmod(next(self._actions, 0), 32)
        if which == 1:
            protocol.pauseProducing()
        elif which == 2:
            raise Planned
        elif which == 3:
            protocol.transport.startTLS()
        elif which == 4:
            protocol.MAX_BOX_KEYS = _MOST_KEYS[number % len(_MOST_KEYS)]
        elif which == 5:
            protocol.transport.loseConnection()

    def stopReceivingBoxes(self, reason: Failure) -> None:
        # The number over the limit depends on the size of the chunks.
        self.seen.append(type(reason.value).__name__)


def _end(protocol: Any, transport: RecordingTransport) -> tuple[Any, ...]:
    """Close the connection, and return what can be seen of its end."""
    layer = None if transport.protocol is protocol else getattr(transport.protocol, "received", "none")
    protocol.connectionLost(Failure(ConnectionDone()))
    return transport.written, transport.disconnecting, transport.aborted, layer


def observeBoxes(keys: int, size: int | None, actions: list[int], build: Build, chunks: list[bytes]) -> Any:
    """
    Deliver C{chunks} to a protocol that receives boxes.

    @param keys: the initial limit on the keys of a box.
    @param size: the limit on the bytes of a box.
    @param actions: the actions for the boxes, in order.
    @return: the boxes, and how the connection ended.
    """
    receiver = _Boxes(actions)
    protocol = build.amp.BinaryBoxProtocol(receiver)
    protocol.MAX_BOX_KEYS, protocol.MAX_BOX_LENGTH = keys, size
    transport = RecordingTransport().connect(protocol)
    for chunk in chunks:
        feed(protocol, transport, chunk)
    return receiver.seen, _end(protocol, transport)


def boxes(data: bytes) -> None:
    """Boxes arrive complete, in order and once.  A box that is too large closes the connection."""
    given = Input(data)
    keys, size = given.choice(_MOST_KEYS), given.choice(_MOST_BYTES)
    compare(partial(observeBoxes, keys, size, Input(data).list()[5:]), given)


def parseString(data: bytes) -> None:
    """A string of boxes is parsed, or refused with the documented error."""
    payload = Input(data).payload
    seen = []
    for build in builds():
        documented = build.amp.TooLong
        try:
            parsed = build.amp.parseString(payload)
        except documented as error:
            seen.append((type(error).__name__, str(error)))
        else:
            again = b"".join(each.serialize() for each in parsed)
            assert [dict(each) for each in build.amp.parseString(again)] == [dict(each) for each in parsed]
            seen.append((again,))
    assert all(each == seen[0] for each in seen), seen


@cache
def _words(build: Build) -> tuple[type[Any], type[Any], type[Any]]:
    """
    Make the commands for a peer to call.

    @return: a command with an argument of each type, a command that switches the protocol, and the
        AMP class that responds.
    """
    amp = build.amp

    class Everything(amp.Command):  # type: ignore[misc]
        arguments = [
            (b"i", amp.Integer(optional=True)),
            (b"s", amp.String(optional=True)),
            (b"f", amp.Float(optional=True)),
            (b"b", amp.Boolean(optional=True)),
            (b"u", amp.Unicode(optional=True)),
            (b"l", amp.ListOf(amp.Integer(), optional=True)),
            (b"a", amp.AmpList([(b"x", amp.String())], optional=True)),
            (b"d", amp.Decimal(optional=True)),
            (b"t", amp.DateTime(optional=True)),
            (b"n", amp.Descriptor(optional=True)),
        ]
        response = arguments[:9]
        errors = {ValueError: b"VALUE"}
        fatalErrors = {ArithmeticError: b"ARITHMETIC"}

    class Switch(amp.ProtocolSwitchCommand):  # type: ignore[misc]
        pass

    class Peer(amp.AMP):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.called: list[Any] = []
            self.switched = Received(self.called)

        @Everything.responder
        def everything(self, n: int | None = None, **values: Any) -> Any:
            self.called.append(_shown(sorted(values.items())))
            if values["i"] == 1:
                raise ValueError("one")
            if values["i"] == 2:
                raise ArithmeticError("two")
            if values["i"] == 3:
                raise OSError("three")
            return succeed(values) if values["i"] == 4 else values

        @Switch.responder
        def switch(self) -> Any:
            return self.switched

    return Everything, Switch, Peer


class Received(Protocol):
    """The protocol to switch to.  It joins all bytes that it receives."""

    def __init__(self, called: list[Any]) -> None:
        self._called = called
        called.append(b"")

    def dataReceived(self, data: bytes) -> None:
        self._called[0] += data


def _errors(build: Build) -> tuple[type[Exception], ...]:
    """Return the errors that C{dataReceived} may raise."""
    return (build.amp.AmpError,)


#: The request of a peer that offers all features beyond Twisted's AMP.
_QUESTION = b"\0\4_ask\0\1q\0\x08_command\0\x0b_extensions\0\6offers\0\x15\0\4more\0\6cancel\0\5leave\0\0"


def _observePeer(calls: int, cancelled: int, build: Build, chunks: list[bytes], features: int = 0) -> Any:
    Everything, _, Peer = _words(build)
    peer = Peer()
    peer.extended = bool(features)
    peer._ampClock = Clock()
    transport = RecordingTransport().connect(peer)
    if features > 1:
        peer.dataReceived(_QUESTION)
    ended: list[Any] = []
    asked: list[Deferred[Any]] = []
    for number in range(calls):
        asking = peer.callRemote(Everything, i=number)
        asking.addBoth(partial(_ended, ended, number))
        asked.append(asking)
    if cancelled < calls:
        asked[cancelled].cancel()
    seen: list[Any] = []
    for chunk in chunks:
        try:
            feed(peer, transport, chunk)
        except _errors(build) as error:  # noqa: PERF203 - the loop ends with it
            seen.append((type(error).__name__, str(error)))
            break  # a transport would close the connection
    reason = _end(peer, transport)
    assert sorted(number for number, _ in ended) == list(range(calls)), "each call ends once"
    return peer.called, seen, ended, reason


def _ended(ended: list[Any], number: int, result: Any) -> None:
    if isinstance(result, Failure):
        result = (type(result.value).__name__, str(result.value))
    ended.append((number, _shown(result)))


def _shown(value: object) -> str:
    """Return the C{repr} of a value, without addresses of objects."""
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


def peer(data: bytes) -> None:
    """Each ask is answered, and each call is answered or fails."""
    given = Input(data)
    calls, cancelled = given.number(4), given.number(8)
    compare(partial(_observePeer, calls, cancelled), given)


def extended(data: bytes) -> None:
    """
    The same holds with features beyond Twisted's AMP, whether both sides have agreed on them or
    not.
    """
    given = Input(data)
    calls, cancelled, features = given.number(4), given.number(8), 1 + given.number(2)
    compare(partial(_observePeer, calls, cancelled, features=features), given)


AMP: dict[str, Callable[[bytes], None]] = {
    "boxes": boxes,
    "parseString": parseString,
    "peer": peer,
    "extended": extended,
}
