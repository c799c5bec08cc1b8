"""
Drives one receiver, Twisted's or ours, with a script, and records everything that an application
can see.

A script is a list of steps.  Each step passes a chunk to C{dataReceived} or executes an action
between chunks.  Each callback takes the next action from a second list.  This file does not know
which implementation it drives.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.helpers import RecordingTransport

__all__ = ["Case", "drive"]


class Planned(Exception):
    """Raised by a callback if the script says so."""


@dataclass(frozen=True)
class Case:
    """
    A script.

    @ivar kind: the name of the receiver's class in C{twisted.protocols.basic}.
    @ivar settings: attributes to set on the instance, such as the delimiter and the limit.
    @ivar own: whether the application overrides the hook for messages that are too long, and
        continues after one.
    @ivar steps: chunks of bytes, and actions between them.
    @ivar actions: the actions of the callbacks, in the order of the calls.
    @ivar look: whether the callbacks also read the receiver's attributes.
    """

    kind: str
    settings: dict[str, Any]
    own: bool
    steps: list[Any]
    actions: list[Any]
    look: bool = True


@dataclass
class _Log:
    events: list[Any] = field(default_factory=list)

    def __call__(self, *event: Any) -> None:
        self.events.append(event)


#: The attributes that applications read.
_LINES = ("_buffer", "line_mode", "paused", "delimiter", "MAX_LENGTH")
_STRINGS = ("recvd", "_unprocessed", "_compatibilityOffset", "paused", "MAX_LENGTH")
SEEN = {
    "LineReceiver": _LINES,
    "LineOnlyReceiver": ("_buffer", "delimiter", "MAX_LENGTH"),
    "NetstringReceiver": ("brokenPeer", "MAX_LENGTH"),
}


def _make(module: Any, case: Case, log: _Log) -> Any:
    base = getattr(module, case.kind)
    actions = iter(case.actions)

    class Driven(base):  # type: ignore[misc]
        def _called(self, name: str, data: Any) -> Any:
            log(name, data, see(self, case.kind) if case.look else [])
            return act(self, next(actions, None), log)

        def lineReceived(self, line: bytes) -> Any:
            return self._called("line", line)

        def rawDataReceived(self, data: bytes) -> Any:
            return self._called("raw", data)

        def stringReceived(self, string: bytes) -> Any:
            return self._called("string", string)

    class Owning(Driven):
        def lineLengthExceeded(self, line: bytes) -> Any:
            return self._called("lineLengthExceeded", line)

        def lengthLimitExceeded(self, length: int) -> Any:
            return self._called("lengthLimitExceeded", length)

    receiver = (Owning if case.own else Driven)()
    for name, value in case.settings.items():
        setattr(receiver, name, value)
    return receiver


def see(receiver: Any, kind: str) -> list[Any]:
    """Return what an application can see of the receiver."""
    seen = [(name, getattr(receiver, name)) for name in SEEN.get(kind, _STRINGS)]
    if kind not in SEEN and "recvd" not in vars(receiver):
        assert receiver.recvd == receiver._unprocessed[receiver._compatibilityOffset :]
    return seen


def act(receiver: Any, action: Any, log: _Log) -> Any:
    """Execute an action of the script."""
    if action is None:
        return None
    name, *arguments = action
    if name == "raise":
        raise Planned()
    if name == "return":
        return arguments[0]
    if name == "set":
        setattr(receiver, *arguments)
    elif name == "transport":
        getattr(receiver.transport, arguments[0])(*arguments[1:])
    elif name == "replace":

        def replacement(data: bytes) -> None:
            log("replaced", data)

        setattr(receiver, arguments[0], replacement)
    else:
        log(name, getattr(receiver, name)(*arguments))
    return None


def drive(module: Any, case: Case) -> list[Any]:
    """
    Run C{case} on the receivers of C{module}.

    @return: the recorded events.
    """
    log = _Log()
    receiver = _make(module, case, log)
    transport = RecordingTransport().connect(receiver)
    for step in case.steps:
        try:
            if isinstance(step, bytes):
                log("returned", receiver.dataReceived(step))
            else:
                act(receiver, step, log)
        except Planned:
            log("raised")
        log("after", see(receiver, case.kind), transport.disconnecting, list(transport.events))
    return log.events
