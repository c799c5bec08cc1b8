"""
AMP: boxes in a connection and out of one, and both roles of a peer, whatever its bytes are.

An ask is answered; a call of ours comes to an end, once; only the documented errors leave C{dataReceived}.
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
    Receives boxes, and does with each what comes next.

    @ivar seen: the boxes, and how it ended.
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
        # Which number went over the limit depends on how much came at once.
        self.seen.append(type(reason.value).__name__)


def _end(protocol: Any, transport: RecordingTransport) -> tuple[Any, ...]:
    """Close the connection, and say what can be seen of its end."""
    layer = None if transport.protocol is protocol else getattr(transport.protocol, "received", "none")
    protocol.connectionLost(Failure(ConnectionDone()))
    return transport.written, transport.disconnecting, transport.aborted, layer


def observeBoxes(keys: int, size: int | None, actions: list[int], build: Build, chunks: list[bytes]) -> Any:
    """
    Hand C{chunks} to a protocol that receives boxes.

    @param keys: how many keys a box may have in the beginning.
    @param size: how many bytes.
    @param actions: what is done with each box, one after the other.
    @return: the boxes, and how it ended.
    """
    receiver = _Boxes(actions)
    protocol = build.amp.BinaryBoxProtocol(receiver)
    protocol.MAX_BOX_KEYS, protocol.MAX_BOX_LENGTH = keys, size
    transport = RecordingTransport().connect(protocol)
    for chunk in chunks:
        feed(protocol, transport, chunk)
    return receiver.seen, _end(protocol, transport)


def boxes(data: bytes) -> None:
    """Boxes come whole, in order, once; one that is too large closes the connection."""
    given = Input(data)
    keys, size = given.choice(_MOST_KEYS), given.choice(_MOST_BYTES)
    compare(partial(observeBoxes, keys, size, Input(data).list()[5:]), given)


def parseString(data: bytes) -> None:
    """A string of boxes is parsed, or is refused with the documented error; strictly, or as in Twisted."""
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
    Commands for a peer to call.

    @return: one with an argument of each kind, one that changes over to another protocol, and the AMP that responds.
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
    """What is changed over to: joins all that it receives."""

    def __init__(self, called: list[Any]) -> None:
        self._called = called
        called.append(b"")

    def dataReceived(self, data: bytes) -> None:
        self._called[0] += data


def _errors(build: Build) -> tuple[type[Exception], ...]:
    """What may leave C{dataReceived}: it says so, and why."""
    return (build.amp.AmpError,)


#: A question about features beyond Twisted's AMP, from a peer that has them all.
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
            break  # a transport closes the connection then
    reason = _end(peer, transport)
    assert sorted(number for number, _ in ended) == list(range(calls)), "each call ends once"
    return peer.called, seen, ended, reason


def _ended(ended: list[Any], number: int, result: Any) -> None:
    if isinstance(result, Failure):
        result = (type(result.value).__name__, str(result.value))
    ended.append((number, _shown(result)))


def _shown(value: object) -> str:
    """Show a value without where in memory its parts are."""
    return re.sub(" at 0x[0-9a-f]+", "", repr(value))


def peer(data: bytes) -> None:
    """What is asked is answered, what was asked is answered or fails; nothing else happens."""
    given = Input(data)
    calls, cancelled = given.number(4), given.number(8)
    compare(partial(_observePeer, calls, cancelled), given)


def extended(data: bytes) -> None:
    """The same with features beyond Twisted's AMP, whether they are agreed or not."""
    given = Input(data)
    calls, cancelled, features = given.number(4), given.number(8), 1 + given.number(2)
    compare(partial(_observePeer, calls, cancelled, features=features), given)


AMP: dict[str, Callable[[bytes], None]] = {
    "boxes": boxes,
    "parseString": parseString,
    "peer": peer,
    "extended": extended,
}
