"""
Drives one AMP end, Twisted's or ours, with a script, and records everything that an application can
see.

A script consists of chunks of bytes and of actions between them.  Each callback takes the next
action from a second list.  This file does not know which implementation it drives.
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
    """Raised by a callback if the script says so."""


class Declared(Exception):
    """An error that the command declares."""


class Fatal(Exception):
    """An error that the command declares as fatal."""


@dataclass(frozen=True)
class Case:
    """
    A script.

    @ivar kind: C{"boxes"} for a L{BinaryBoxProtocol<twisted_basic_ng.amp.BinaryBoxProtocol>} alone,
        or C{"calls"} for a complete AMP.
    @ivar steps: chunks of bytes, and actions between them.
    @ivar actions: the actions of the callbacks, in the order of the calls.
    @ivar look: whether the callbacks also read the undelivered bytes.
    """

    kind: str
    steps: list[Any]
    actions: list[Any]
    look: bool = False


@dataclass
class Log:
    """The recorded events."""

    events: list[Any] = field(default_factory=list)

    def __call__(self, *event: Any) -> None:
        self.events.append(event)


#: The attributes to compare after each step.
SEEN = ("state", "MAX_LENGTH", "recvd", "paused", "_keyLengthLimitExceeded", "_locked", "_currentKey")


def see(protocol: Any) -> list[Any]:
    """Return what an application can see of the protocol after a step."""
    if protocol.innerProtocol is not None:  # the state within a box does not matter any more
        return [("switched", True), ("_locked", protocol._locked), ("recvd", protocol.recvd or b"")]
    box = protocol._currentBox
    return [*((name, getattr(protocol, name)) for name in SEEN), ("_currentBox", None if box is None else dict(box))]


class Inner:
    """The protocol to switch to."""

    def __init__(self, log: Log) -> None:
        self._log = log

    def makeConnection(self, transport: Any) -> None:
        self._log("inner made")

    def dataReceived(self, data: bytes) -> None:
        self._log("inner", data)

    def connectionLost(self, reason: Failure) -> None:
        self._log("inner lost", described(reason))


class Sent:
    """Replaces a box in a call of C{sendBox}."""

    def serialize(self) -> bytes:
        return b"a box"


def act(protocol: Any, action: Any, log: Log) -> Any:
    """Execute an action of the script."""
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
    """Call the peer, and record the result as an event with this C{name}."""
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
    """Receives boxes, and executes the script's next action for each."""

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
    """Credentials for C{startTLS}.  The transport ignores them."""

    def options(self, *authorities: Any) -> Any:
        return authorities


@cache
def _calls(amp: Any) -> Any:
    """Make a peer for scripts from the classes of the module C{amp}."""

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
        noPeerCertificate = True  # the transport has no certificate
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
            """Answer the call that has waited longest."""
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


#: The actions that are themselves a response.  After any other action, the responder returns a
#: result.
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


#: The unhandled errors that Deferreds logged when they were garbage-collected.
unhandled: list[str] = []


def _keep(event: LogEvent) -> None:
    if event["log_namespace"] == "twisted.internet.defer" and "log_failure" in event:
        unhandled.append(event["log_failure"].getTraceback())


@contextmanager
def quiet() -> Iterator[None]:
    """
    Log nothing, because formatting the errors of these scripts takes longer than running them.

    Errors that a Deferred logs when it is garbage-collected are kept in L{unhandled}.
    """
    publisher: Any = globalLogPublisher
    observers, publisher._observers = publisher._observers, [_keep]
    try:
        yield
    finally:
        publisher._observers = observers


def drive(amp: Any, case: Case) -> list[Any]:
    """
    Run C{case} on the protocols of the module C{amp}, until the connection is lost.

    @return: the recorded events.
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
