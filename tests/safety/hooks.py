"""
Two ends whose application may do something wrong wherever its code is called.

Each hook asks a L{Plan} whether to raise, cancel, call or close.  The checks look at the calls, the
timers and the descriptors afterwards.  Twisted's module and ours are tested in the same way.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport

__all__ = ["Aborted", "Conversation", "Plan", "Planned"]


class Planned(Exception):
    """
    Raised by a hook.

    @ivar hook: the name of the hook.
    """

    def __init__(self, hook: str) -> None:
        super().__init__(hook)
        self.hook = hook


class Aborted(BaseException):
    """Raised by a hook, and not an C{Exception}."""

    def __init__(self, hook: str) -> None:
        super().__init__(hook)
        self.hook = hook


class Plan:
    """
    The planned faults.

    @ivar trace: the names of the called hooks, in order.
    @ivar faults: what a hook does, by its index in C{trace}.
    """

    def __init__(self, faults: dict[int, Callable[[str], object]]) -> None:
        self.faults = faults
        self.trace: list[str] = []

    def __call__(self, hook: str) -> None:
        """Record a call of a hook, and run the fault for this place, if there is one."""
        place = len(self.trace)
        self.trace.append(hook)
        if place in self.faults:
            self.faults[place](hook)


def hooked(plan: Plan, owner: Any, *names: str) -> Any:
    """Make the methods of a class call the plan before and after they run."""

    def wrap(name: str) -> Any:
        original = getattr(owner, name)

        def method(*args: Any, **kw: Any) -> Any:
            plan(f"{owner.__name__}.{name}")
            result = original(*args, **kw)
            plan(f"{owner.__name__}.{name} done")
            return result

        # A bound method stays a class method.  A type in place of a method, such as int, takes no
        # self.
        if isinstance(original, type):
            return lambda self, *args: method(*args)
        return staticmethod(method) if getattr(original, "__self__", None) is owner else method

    for name in names:
        setattr(owner, name, wrap(name))
    return owner


def arguments(amp: Any, plan: Plan) -> SimpleNamespace:
    """Argument types: one overrides the methods called first, and one those called last."""

    class Full(amp.Integer):  # type: ignore[misc]
        pass

    class Last(amp.Integer):  # type: ignore[misc]
        pass

    class Passed(amp.Descriptor):  # type: ignore[misc]
        pass

    hooked(plan, Full, "toBox", "fromBox", "retrieve", "toStringProto", "fromStringProto")
    hooked(plan, Last, "toString", "fromString")
    hooked(plan, Passed, "toString")
    return SimpleNamespace(Full=Full, Last=Last, Passed=Passed)


def errors(plan: Plan) -> SimpleNamespace:
    """Errors to declare, and a table of errors."""

    class DeclaredError(Exception):
        def __init__(self, text: str) -> None:
            plan("DeclaredError")
            super().__init__(text)

        def __str__(self) -> str:
            plan("DeclaredError.__str__")
            return super().__str__()

    class TwoTextsError(Exception):
        def __init__(self, one: str, other: str) -> None:
            super().__init__(one, other)

    class Table(dict[Any, Any]):
        def __iter__(self) -> Any:
            plan("Table.__iter__")
            return super().__iter__()

    hooked(plan, Table, "get", "__getitem__", "__contains__", "keys")
    return SimpleNamespace(DeclaredError=DeclaredError, TwoTextsError=TwoTextsError, Table=Table)


def commands(amp: Any, plan: Plan) -> SimpleNamespace:
    """Commands with hooks in many places, and in few."""
    types, faults = arguments(amp, plan), errors(plan)

    class Box(amp.AmpBox):  # type: ignore[misc]
        pass

    hooked(plan, Box, "_sendTo", "serialize", "__setitem__")
    declared = {faults.DeclaredError: b"DECLARED", faults.TwoTextsError: b"TWO"}
    numbers = [(b"how", amp.Unicode()), (b"a", types.Last())]

    class Fast(amp.Command):  # type: ignore[misc]
        arguments = response = numbers
        errors = declared

    class Full(amp.Command):  # type: ignore[misc]
        arguments = response = [*numbers, (b"b", types.Full(optional=True))]
        errors = declared
        fatalErrors = {KeyError: b"FATAL"}
        commandType = responseType = Box

    Full.reverseErrors = faults.Table(Full.reverseErrors)
    Full.allErrors = faults.Table(Full.allErrors)
    Full.fatalErrors = faults.Table(Full.fatalErrors)
    hooked(plan, Full, "__init__", "makeArguments", "makeResponse", "parseArguments", "parseResponse")

    class Note(amp.Command):  # type: ignore[misc]
        arguments = [(b"a", types.Last())]
        requiresAnswer = False

    class Switch(amp.ProtocolSwitchCommand):  # type: ignore[misc]
        arguments = [(b"willing", amp.Boolean())]
        errors = declared

    class Pass(amp.Command):  # type: ignore[misc]
        arguments = [(b"first", types.Passed()), (b"second", types.Passed()), (b"a", types.Last())]
        response = [(b"back", types.Passed()), (b"a", types.Last())]

    return SimpleNamespace(Fast=Fast, Full=Full, Note=Note, Switch=Switch, Pass=Pass, **vars(faults))


class Credentials:
    """Options for starting TLS."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def options(self, *authorities: Any) -> Any:
        self.plan("Credentials.options")
        return authorities


def inner(plan: Plan) -> Any:
    """Make a protocol to switch to."""

    class Inner(Protocol):
        def connectionMade(self) -> None:
            self.transport.write(b"hello")  # type: ignore[union-attr]

    return hooked(plan, Inner, "makeConnection", "dataReceived", "connectionLost")()


def factory(plan: Plan) -> Any:
    """Make a factory of such protocols."""

    class Making:
        def buildProtocol(self, addr: Any) -> Any:
            return inner(plan)

        def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
            """Exists so that it can be called."""

        def clientConnectionLost(self, connector: Any, reason: Any) -> None:
            """Exists so that it can be called."""

    return hooked(plan, Making, "buildProtocol", "clientConnectionFailed", "clientConnectionLost")()


def end(amp: Any, plan: Plan, words: Any, options: dict[str, Any]) -> Any:
    """Make an end of a connection.  With the option C{isFull}, it has hooks of its own."""

    class End(amp.AMP):  # type: ignore[misc]
        logConnections = False
        noPeerCertificate = True

        def __init__(self) -> None:
            super().__init__()
            self.later: list[Any] = []
            self.told = 0
            self.own = -1

        def respond(self, how: str, **values: Any) -> Any:
            plan("respond")
            if how == "declared":
                raise words.DeclaredError("text")
            if how == "two":
                raise words.TwoTextsError("one", "other")
            if how == "undeclared":
                raise LookupError
            if how == "later":
                answer: Deferred[Any] = Deferred()
                self.later.append((answer, {"how": how, **values}))
                return answer
            return {"how": how, **values}

        words.Fast.responder(respond)

        @words.Full.responder
        def full(self, **values: Any) -> Any:
            return self.respond(**values)

        @words.Note.responder
        def note(self, a: int) -> Any:
            plan("note")
            return {}

        @words.Switch.responder
        def switch(self, willing: bool) -> Any:
            plan("switch")
            if not willing:
                raise words.DeclaredError("not willing")
            return inner(plan)

        @amp.StartTLS.responder  # type: ignore[untyped-decorator, unused-ignore]
        def secure(self) -> Any:
            plan("secure")
            return {"tls_localCertificate": Credentials(plan)}

        @words.Pass.responder
        def passed(self, first: int, second: int, a: int) -> Any:
            os.close(first)
            os.close(second)
            plan("passed")
            return {"back": self.own, "a": a}

        def connectionLost(self, reason: Any) -> None:
            self.told += 1
            super().connectionLost(reason)

    vars_ = {name: value for name, value in options.items() if name.isupper()}
    for name, value in vars_.items():
        setattr(End, name, value)
    hooked(plan, End, "unhandledError", "stopReceivingBoxes")
    if options.get("isFull"):
        hooked(plan, End, "startReceivingBoxes", "locateResponder", "dispatchCommand", "ampBoxReceived")
        hooked(plan, End, "_safeEmit", "_sendBoxCommand", "_commandReceived", "sendBox")
    return End()


class Wire(RecordingTransport):
    """
    A transport that passes descriptors, and may fail if the plan says so.

    @ivar unsent: the bytes and descriptors that are not delivered yet.
    @ivar isGone: whether the connection is lost.
    """

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.unsent: list[Any] = []
        self.isGone = False

    def write(self, data: bytes) -> None:
        self.plan("Wire.write")
        super().write(data)
        self.unsent.append(data)

    def sendFileDescriptor(self, descriptor: int) -> None:
        self.plan("Wire.sendFileDescriptor")
        self.unsent.append(os.dup(descriptor))

    def startTLS(self, contextFactory: object = None, normal: bool = True) -> None:
        self.plan("Wire.startTLS")
        super().startTLS(contextFactory, normal)


class Conversation:
    """
    Two ends, the calls between them, and the results.

    @ivar calls: for each call, the results that its Deferred fired with.
    @ivar connected: the connected ends, with their transports.
    @ivar raised: the errors that left C{dataReceived}, or another method that a transport calls.
    """

    def __init__(self, amp: Any, plan: Plan, options: dict[str, Any]) -> None:
        self.amp = amp
        self.plan = plan
        self.words = commands(amp, plan)
        self.ends = [end(amp, plan, self.words, options) for _ in range(2)]
        self.wires = [Wire(plan), Wire(plan)]
        self.clock = Clock()
        self.calls: list[list[Any]] = []
        self.deferreds: list[Any] = []
        self.raised: list[BaseException] = []
        self.connected: list[tuple[Any, Wire]] = []
        self.descriptor = os.open(os.devnull, os.O_RDONLY)
        for each in self.ends:
            each.own = self.descriptor
        self.isLosing = False

    def begin(self) -> None:
        """Connect both ends."""
        for each, wire in zip(self.ends, self.wires, strict=True):
            if not self.isLosing:
                each._receiverCallLater = self.clock.callLater
                wire.protocol = each
                self.connected.append((each, wire))
                self.guarded(lambda each=each, wire=wire: each.makeConnection(wire))

    def guarded(self, call: Callable[[], object]) -> None:
        """Call a protocol as a transport does: an exception ends the connection."""
        try:
            call()
        except BaseException as error:
            self.raised.append(error)
            self.lose()

    # Actions of applications.

    def call(self, side: int, make: Callable[[Any], Any]) -> None:
        """Make a call, and record each result."""
        try:
            called = make(self.ends[side])
        except BaseException as error:
            if not isinstance(error, (Planned, Aborted, self.amp.AmpError, self.amp.ProtocolSwitched, ConnectionLost)):
                raise
            return
        if called is None:
            return
        results: list[Any] = []
        self.calls.append(results)
        self.deferreds.append(called)

        def ended(result: Any) -> Any:
            results.append(result)
            if isinstance(result, dict) and "back" in result:
                os.close(result["back"])
            self.plan("callback")
            return result

        called.addBoth(ended)
        called.addErrback(lambda failure: self.plan("errback"))

    def work(self, side: int, command: str, how: str) -> None:
        self.call(side, lambda end: end.callRemote(getattr(self.words, command), how=how, a=5))

    def note(self, side: int) -> None:
        self.call(side, lambda end: end.callRemote(self.words.Note, a=5))

    def string(self, side: int) -> None:
        self.call(side, lambda end: end.callRemoteString(b"nothing", a=b"5"))

    def secure(self, side: int) -> None:
        credentials = Credentials(self.plan)
        self.call(side, lambda end: end.callRemote(self.amp.StartTLS, tls_localCertificate=credentials))

    def switch(self, side: int, willing: bool) -> None:
        self.call(side, lambda end: end.callRemote(self.words.Switch, factory(self.plan), willing=willing))

    def passOn(self, side: int) -> None:
        one = self.descriptor
        self.call(side, lambda end: end.callRemote(self.words.Pass, first=one, second=one, a=5))

    def answer(self, side: int) -> None:
        """Answer the calls whose responders wait."""
        later, self.ends[side].later = self.ends[side].later, []
        for waiting, values in later:
            waiting.callback(values)

    def cancel(self) -> None:
        """Cancel every call.  Cancelling one that has ended has no effect."""
        for each in self.deferreds:
            maybeDeferred(each.cancel).addErrback(lambda failure: failure.trap(Planned, Aborted))

    # Actions of the network.

    def move(self) -> None:
        """Deliver everything, until nothing moves."""
        moved = True
        while moved and not self.isLosing:
            moved = self.deliver(0) or self.deliver(1)
        if any(wire.disconnecting for wire in self.wires):
            self.lose()

    def deliver(self, side: int) -> bool:
        """Deliver what an end has written."""
        source, target = self.wires[side], self.ends[1 - side]
        if self.isLosing or not source.unsent or not self.wires[1 - side].reading:
            return False
        data = b""
        while source.unsent and isinstance(source.unsent[0], bytes):
            data += source.unsent.pop(0)
        if data:
            self.guarded(lambda: target.dataReceived(data))
        else:
            descriptor = source.unsent.pop(0)
            self.guarded(lambda: target.fileDescriptorReceived(descriptor))
        return True

    def lose(self) -> None:
        """Lose the connection.  Each end is told once."""
        if self.isLosing:
            return
        self.isLosing = True
        for each, wire in self.connected:
            producer, wire.producer = wire.producer, None
            if producer is not None:
                producer.stopProducing()
            try:
                each.connectionLost(Failure(ConnectionDone()))
            except (Planned, Aborted):
                pass

    def finish(self) -> None:
        """Finish the conversation."""
        self.lose()
        for side in (0, 1):
            self.answer(side)
            for each in self.wires[side].unsent:
                if isinstance(each, int):
                    os.close(each)
            self.wires[side].unsent.clear()
        os.close(self.descriptor)
