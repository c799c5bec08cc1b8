"""
Drives one receiver, Twisted's or ours, with a script of rarer changes than those of L{driver}, and
records everything that an application can see.

The application's class, transport and hooks change in the middle of chunks.  Bytes also arrive as
C{bytearray} and C{memoryview}.  A receiver may be copied, and then both copies continue.  This file
does not know which implementation it drives.
"""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from types import FunctionType, MethodType
from typing import Any

from tests.helpers import RecordingTransport

from .driver import SEEN, Case, Planned, act

__all__ = ["VARIANTS", "Endless", "drive"]

#: More events than any script causes.
_MANY = 20_000

#: Additional attributes to record: those for the callbacks only, and those for everywhere.
_INSIDE = {"NetstringReceiver": ("_remainingData",)}
_ANYWHERE = {"LineReceiver": ("_busyReceiving",)}

#: Class attributes of the subclasses that an instance may change to.
VARIANTS: dict[str, dict[str, Any]] = {
    "same": {},
    "short": {"MAX_LENGTH": 3},
    "paused": {"paused": True},
    "raw": {"line_mode": 0},
    "other": {"delimiter": b"b"},
    "wide": {"structFormat": "!I", "prefixLength": 4},
}

#: The types in which bytes may arrive.
FORMS: dict[str, Callable[[bytes], Any]] = {"bytes": bytes, "bytearray": bytearray, "memoryview": memoryview}


class Endless(Exception):
    """Raised if a receiver keeps calling back forever."""


class _Log(list[Any]):
    """The events so far."""

    def __call__(self, *event: Any) -> None:
        self.append(event)
        if len(self) > _MANY:
            raise Endless()


def _classes(module: Any, case: Case, log: _Log) -> dict[str, Any]:
    """Make the class of the application, and its variants."""
    base = getattr(module, case.kind)
    actions = iter(case.actions)

    class Driven(base):  # type: ignore[misc]
        who = "first"

        def called(self, name: str, data: Any) -> Any:
            log(name, self.who, shown(data), see(self, case, _INSIDE) if case.look else [])
            return change(self, next(actions, None), case, log)

        def lineReceived(self, line: bytes) -> Any:
            return self.called("line", line)

        def rawDataReceived(self, data: bytes) -> Any:
            return self.called("raw", data)

        def stringReceived(self, string: bytes) -> Any:
            return self.called("string", string)

        def lineLengthExceeded(self, line: bytes) -> Any:
            return self.called("exceeded", line) if case.own else self.refuse(super().lineLengthExceeded, line)

        def lengthLimitExceeded(self, length: int) -> Any:
            return self.called("exceeded", length) if case.own else self.refuse(super().lengthLimitExceeded, length)

        def refuse(self, does: Callable[[Any], Any], what: Any) -> Any:
            log("refused", shown(what))
            return does(what)

    for name, value in case.settings.items():
        setattr(Driven, name, value)
    Driven.variants = {name: type(name, (Driven,), dict(own)) for name, own in VARIANTS.items()}
    return Driven


def shown(value: Any) -> Any:
    """Copy a value that may change later."""
    return bytes(value) if isinstance(value, (bytearray, memoryview)) else value


def see(receiver: Any, case: Case, more: dict[str, tuple[str, ...]]) -> list[Any]:
    """Return what an application can see of the receiver."""
    names = (*SEEN.get(case.kind, ("recvd", "paused", "MAX_LENGTH")), *more.get(case.kind, ()))
    return [(name, shown(getattr(receiver, name))) for name in (*names, *_ANYWHERE.get(case.kind, ()))]


def change(receiver: Any, action: Any, case: Case, log: _Log) -> Any:
    """Execute an action of the script."""
    name, *arguments = action or ("nothing",)
    own = _CHANGES.get(name)
    if own is None:
        return act(receiver, action, log)  # type: ignore[arg-type]
    log(name, own(receiver, log, *arguments))
    return None


def _become(receiver: Any, log: _Log, name: str) -> None:
    receiver.__class__ = receiver.variants[name]


def _setClass(receiver: Any, log: _Log, name: str, value: Any) -> None:
    setattr(type(receiver), name, value)


def _assign(receiver: Any, log: _Log, name: str, form: str, value: bytes) -> None:
    setattr(receiver, name, FORMS[form](value))


def _delete(receiver: Any, log: _Log, name: str) -> None:
    """
    Delete the attribute.  On Twisted's receiver it exists only after something was received or
    assigned.
    """
    try:
        delattr(receiver, name)
    except AttributeError:
        pass


def _reassign(receiver: Any, log: _Log, name: str, skip: int) -> None:
    """Assign the undelivered bytes, without the first C{skip}."""
    setattr(receiver, name, getattr(receiver, name)[skip:])


def _feed(receiver: Any, log: _Log, form: str, value: bytes) -> Any:
    """Pass the bytes to C{dataReceived} in a buffer that is overwritten afterwards."""
    buffer = bytearray(value)
    returned = receiver.dataReceived(buffer if form == "bytearray" else memoryview(buffer))
    buffer[:] = bytes(len(buffer))
    return returned


def _drain(receiver: Any, log: _Log, times: int) -> None:
    """Resume from outside a callback, up to C{times} times."""
    for _ in range(times):
        if not receiver.paused:
            break
        receiver.resumeProducing()


def _move(receiver: Any, log: _Log, isClosing: bool) -> None:
    """Replace the transport with another one, which may be closing already."""
    receiver.transport = RecordingTransport()
    receiver.transport.disconnecting = isClosing


def _hook(receiver: Any, log: _Log, name: str, where: str) -> None:
    """Set a hook on the instance or on its class."""

    def onInstance(data: Any) -> None:
        log("hooked", name, data)

    def onClass(self: Any, data: Any) -> None:
        log("hooked on the class", name, data)

    if where == "instance":
        setattr(receiver, name, onInstance)
    elif where == "class":
        setattr(type(receiver), name, onClass)
    else:
        vars(receiver).pop(name, None)


_CHANGES: dict[str, Callable[..., Any]] = {
    "become": _become,
    "setClass": _setClass,
    "assign": _assign,
    "delete": _delete,
    "reassign": _reassign,
    "feed": _feed,
    "drain": _drain,
    "move": _move,
    "hook": _hook,
}


class _Freezer(pickle.Pickler):
    """
    Pickles a receiver, and refers to its classes, functions and transport without copying them.
    """

    def __init__(self, file: io.BytesIO, protocol: int, kept: list[Any]) -> None:
        super().__init__(file, protocol)
        self._kept = kept

    def persistent_id(self, value: Any) -> str | None:
        if not isinstance(value, (type, FunctionType, MethodType, RecordingTransport)):
            return None
        self._kept.append(value)
        return str(len(self._kept) - 1)


class _Thawer(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, kept: list[Any]) -> None:
        super().__init__(file)
        self._kept = kept

    def persistent_load(self, number: Any) -> Any:
        return self._kept[int(number)]


def copied(receiver: Any, how: Any) -> Any:
    """Copy C{receiver}.  The copy has the same transport."""
    if how == "copy":
        return copy.copy(receiver)
    if how == "deepcopy":
        return copy.deepcopy(receiver, {id(receiver.transport): receiver.transport})
    kept: list[Any] = []
    file = io.BytesIO()
    _Freezer(file, how, kept).dump(receiver)
    file.seek(0)
    return _Thawer(file, kept).load()


def _take(receiver: Any, step: Any, case: Case, log: _Log) -> None:
    """Execute a step.  The copies get different bytes than the original."""
    if isinstance(step, bytes):
        log("returned", receiver.dataReceived(step if receiver.who == "first" else step.replace(b"a", b"c")))
    else:
        change(receiver, step, case, log)


def drive(module: Any, case: Case) -> list[Any]:
    """
    Run C{case} on the receivers of C{module}.

    @return: the recorded events.
    """
    log = _Log()
    first = _classes(module, case, log)()
    transport = RecordingTransport().connect(first)
    receivers = [first]
    try:
        for step in case.steps:
            if step[:1] == ("copy",):
                receivers.append(copied(first, step[1]))
                receivers[-1].who = f"copy {len(receivers) - 1}"
                continue
            for receiver in receivers:
                try:
                    _take(receiver, step, case, log)
                except Planned:
                    log("raised")
                log("after", receiver.who, see(receiver, case, {}), transport.disconnecting, list(transport.events))
    except Exception as error:
        log.append(("failed", type(error).__name__))
    return list(log)
