"""
Drives one AMP end, Twisted's or ours, with a script, and writes down all that can be seen of it.

A script is chunks of bytes and what is done between them; each callback takes the next of the actions it is given.
Nothing here knows which implementation it drives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.logger import LogEvent, globalLogPublisher
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport

from .amp_calls import described

__all__ = ["Case", "drive", "quiet", "unhandled"]


class Planned(Exception):
    """What a callback raises when the script says so."""


class Declared(Exception):
    """What the command declares."""


class Fatal(Exception):
    """What it declares as fatal."""


@dataclass(frozen=True)
class Case:
    """
    One script.

    @ivar kind: C{"boxes"}, a receiver of boxes below nothing but the wire; or C{"calls"}, a whole AMP.
    @ivar steps: chunks of bytes, or actions to take between them.
    @ivar actions: what the callbacks do, one each, in the order that they are called.
    @ivar look: the callbacks look at the bytes that are not delivered, too.
    """

    kind: str
    steps: list[Any]
    actions: list[Any]
    look: bool = False


@dataclass
class Log:
    """What was seen."""

    events: list[Any] = field(default_factory=list)

    def __call__(self, *event: Any) -> None:
        self.events.append(event)


#: The attributes that are to be the same after each step.
SEEN = ("state", "MAX_LENGTH", "recvd", "paused", "_keyLengthLimitExceeded", "_locked", "_currentKey")


def see(protocol: Any) -> list[Any]:
    """What an application sees of the protocol after a step."""
    if protocol.innerProtocol is not None:  # where it stood in a box does not matter any more
        return [("switched", True), ("_locked", protocol._locked), ("recvd", protocol.recvd or b"")]
    box = protocol._currentBox
    return [*((name, getattr(protocol, name)) for name in SEEN), ("_currentBox", None if box is None else dict(box))]


class Inner:
    """What is changed over to."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def makeConnection(self, transport: Any) -> None:
        self._log("inner made")

    def dataReceived(self, data: bytes) -> None:
        self._log("inner", data)

    def connectionLost(self, reason: Failure) -> None:
        self._log("inner lost", described(reason))


class Sent:
    """What passes for a box where one is sent."""

    def serialize(self) -> bytes:
        return b"a box"


def act(protocol: Any, action: Any, log: Log) -> Any:
    """Do what the script says."""
    if action is None:
        return None
    name, *arguments = action
    if name == "raise":
        raise Planned()
    log("does", *action)
    if name == "transport":
        if protocol.transport is not None:
            getattr(protocol.transport, arguments[0])(*arguments[1:])
    elif name == "set":
        setattr(protocol, *arguments)
    elif name == "send":
        protocol.sendBox(Sent())
    elif name == "switch":
        if protocol.innerProtocol is None:
            protocol._switchTo(Inner(log))
    elif name == "call":
        _call(log, protocol, "result", lambda: protocol.callRemoteString(*arguments))
    elif name == "secure":
        secure = partial(protocol.callRemote, protocol.StartTLS, tls_localCertificate=Credentials())
        _call(log, protocol, "secured", secure)
    elif name == "cancel":
        calls = protocol.__dict__.get("scriptedCalls", [])
        if calls:
            calls.pop(0).cancel()
    elif name == "lose":
        if not protocol.__dict__.get("scriptedEnd"):
            protocol.scriptedEnd = True
            protocol.connectionLost(Failure(ConnectionLost()))
    else:
        getattr(protocol, name)(*arguments)
    return None


def _call(log: Log, protocol: Any, name: str, call: Callable[[], Any]) -> None:
    """Call the peer, and write down what comes of it as an event of that C{name}."""
    try:
        answering = call()
    except Exception as error:
        log("not called", described(error))
        return
    if answering is None:
        return
    calls = protocol.__dict__.setdefault("scriptedCalls", [])
    calls.append(answering)
    number = protocol._counter
    answering.addBoth(lambda result: log(name, number, isinstance(result, Failure), described(result)))


class BoxReceiver:
    """Takes boxes, and does with each what the script says."""

    def __init__(self, log: Log, actions: Any, look: bool) -> None:
        self._log, self._actions, self._look = log, actions, look
        self.protocol: Any = None

    def startReceivingBoxes(self, sender: Any) -> None:
        self._log("start", sender is self.protocol)

    def ampBoxReceived(self, box: Any) -> None:
        self._log("box", type(box).__name__, dict(box), self.protocol.recvd if self._look else None)
        act(self.protocol, next(self._actions, None), self._log)

    def stopReceivingBoxes(self, reason: Failure) -> None:
        self._log("stop", described(reason))


class Credentials:
    """What TLS is started with: the transport does not look."""

    def options(self, *authorities: Any) -> Any:
        return authorities


@cache
def _calls(amp: Any) -> Any:
    """Make a peer for scripts with the classes of the module C{amp}."""

    class Act(amp.Command):  # type: ignore[misc]
        commandName = b"act"
        arguments = [(b"n", amp.Integer(optional=True))]
        response = [(b"n", amp.Integer(optional=True))]
        errors = {Declared: b"DECLARED"}
        fatalErrors = {Fatal: b"FATAL"}

    class Change(amp.ProtocolSwitchCommand):  # type: ignore[misc]
        commandName = b"change"
        arguments: list[Any] = []

    class Scripted(amp.AMP):  # type: ignore[misc]
        log: Log
        actions: Any
        look: bool
        held: list[Deferred[Any]]
        noPeerCertificate = True  # the transport has none to show
        StartTLS = amp.StartTLS

        @Act.responder
        def act(self, n: int | None) -> Any:
            self.log("act", n, self.recvd if self.look else None)
            action = next(self.actions, None)
            return self.respond(action) if action is not None and action[0] in RESPONDING else self.done(action, n)

        def done(self, action: Any, n: int | None) -> Any:
            act(self, action, self.log)
            return {"n": n}

        def respond(self, action: Any) -> Any:
            if action[0] == "hold":
                self.held.append(Deferred())
                return self.held[-1]
            if action[0] == "wrong":
                return {"n": "no number"}
            raise {"declared": Declared, "fatal": Fatal}[action[0]]("text")

        @amp.StartTLS.responder  # type: ignore[untyped-decorator, unused-ignore]
        def secure(self) -> Any:
            self.log("secure", self.hostCertificate is not None)
            return {"tls_localCertificate": Credentials()}

        @Change.responder
        def change(self) -> Any:
            self.log("change")
            return Inner(self.log)

        def release(self, how: str) -> None:
            """Answer the call that was held first."""
            if not self.held:
                return
            held = self.held.pop(0)
            if how == "value":
                held.callback({"n": 7})
            else:
                held.errback({"declared": Declared, "fatal": Fatal, "planned": Planned}[how]("late"))

        def amp_STRING(self, box: Any) -> Any:
            self.log("string", dict(box), self.recvd if self.look else None)
            act(self, next(self.actions, None), self.log)
            return amp.Box(answered=b"yes")

        def unhandledError(self, failure: Failure) -> None:
            self.log("unhandled", described(failure))
            super().unhandledError(failure)

    return Scripted


#: What a responder answers with; anything else it does, and then answers.
RESPONDING = ("hold", "declared", "fatal", "wrong")


def _make(amp: Any, case: Case, log: Log) -> Any:
    actions = iter(case.actions)
    if case.kind == "boxes":
        receiver = BoxReceiver(log, actions, case.look)
        protocol = receiver.protocol = amp.BinaryBoxProtocol(receiver)
        return protocol
    protocol = _calls(amp)()
    protocol.log, protocol.actions, protocol.look, protocol.held = log, actions, case.look, []
    return protocol


#: The errors that nobody handled and that were logged meanwhile, when their Deferreds were collected.
unhandled: list[str] = []


def _keep(event: LogEvent) -> None:
    if event["log_namespace"] == "twisted.internet.defer" and "log_failure" in event:
        unhandled.append(event["log_failure"].getTraceback())


@contextmanager
def quiet() -> Iterator[None]:
    """
    Log nothing: to format what these scripts do wrong takes longer than to run them.

    What a Deferred logs when it is collected is kept in L{unhandled}.
    """
    publisher: Any = globalLogPublisher
    observers, publisher._observers = publisher._observers, [_keep]
    try:
        yield
    finally:
        publisher._observers = observers


def drive(amp: Any, case: Case) -> list[Any]:
    """
    Run C{case} on the protocols of the module C{amp}, to the end of the connection.

    @return: what was seen.
    """
    with quiet():
        return _drive(amp, case)


def _drive(amp: Any, case: Case) -> list[Any]:
    log = Log()
    protocol = _make(amp, case, log)
    transport = RecordingTransport()
    transport.hooks = {
        "loseConnection": lambda: log("closing"),
        "abortConnection": lambda: log("aborting"),
        "startTLS": lambda: log("tls", protocol.recvd or b""),
    }
    transport.connect(protocol)
    for step in case.steps:
        if protocol.transport is None:
            break
        _step(protocol, step, log)
        log("after", see(protocol), transport.disconnecting, list(transport.events))
    _step(protocol, ("lose",), log)
    return log.events


def _step(protocol: Any, step: Any, log: Log) -> None:
    try:
        if isinstance(step, bytes):
            protocol.dataReceived(step)
        else:
            act(protocol, step, log)
    except Exception as error:
        log("raised", *described(error))
