"""
Prints the tree of the package's functions that run when bytes arrive or a call is made.

usage: python -m tools.travels NAME      (see C{TRAVELS})

C{tools/architecture.py} runs it on the pure build, because functions of the extension cannot be
traced.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from twisted.internet.testing import StringTransport

import twisted_basic_ng
from twisted_basic_ng.amp import AMP, Command, Integer
from twisted_basic_ng.basic import LineReceiver

__all__ = ["TRAVELS", "main"]

_PACKAGE = Path(twisted_basic_ng.__file__).parent
_WIDTH = 64

#: Functions that run only on some versions of Python or Twisted.
_SOMETIMES = {"Receiver._receiverPin", "addBehind"}


@dataclass
class Step:
    """
    A function call.

    @ivar name: the name of the function, with its class.
    @ivar place: the file that defines it.
    @ivar steps: the calls that it made.
    """

    name: str
    place: str
    steps: list[Step] = field(default_factory=list)

    def lines(self, depth: int = 0) -> list[str]:
        """
        Return the call and its nested calls as indented lines.  A call that equals the one before
        it is left out.
        """
        indented = "  " * depth + self.name
        found = [f"{indented:<{_WIDTH}} {self.place}".rstrip()]
        for each, before in zip(self.steps, [None, *self.steps], strict=False):
            if each != before and each.name not in _SOMETIMES:
                found += each.lines(depth + 1)
        return found


class Tracer:
    """
    Records the calls of the package's functions, and of those of the sample application in this
    file.
    """

    def __init__(self) -> None:
        self.top = Step("", "")
        self._open: list[tuple[FrameType, Step]] = []

    def trace(self, function: Callable[[], object]) -> list[str]:
        """Call C{function} and return the calls that it made, as lines."""
        sys.setprofile(self._note)
        try:
            function()
        finally:
            sys.setprofile(None)
        return [line for step in self.top.steps if step.name not in _SOMETIMES for line in step.lines()]

    def _note(self, frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and _isShown(frame.f_code):
            step = Step(_nameOf(frame), _placeOf(frame.f_code))
            (self._open[-1][1] if self._open else self.top).steps.append(step)
            self._open.append((frame, step))
        elif event == "return" and self._open and self._open[-1][0] is frame:
            self._open.pop()


def _isShown(code: CodeType) -> bool:
    """
    Whether to show a function: it is defined in the package or the sample application, and has a
    name.
    """
    isOurs = Path(code.co_filename).is_relative_to(_PACKAGE) or code.co_filename == __file__
    return isOurs and not code.co_name.startswith("<") and code not in _OWN


def _nameOf(frame: FrameType) -> str:
    """Return the name of a function, with the class that defines it."""
    code = frame.f_code
    owner = frame.f_locals.get(code.co_varnames[0]) if code.co_argcount else None
    row = (owner if isinstance(owner, type) else type(owner)).__mro__
    for kind in row:
        value = kind.__dict__.get(code.co_name)
        if getattr(getattr(value, "__func__", value), "__code__", None) is code:
            return f"{kind.__name__}.{code.co_name}"
    return code.co_name


def _placeOf(code: CodeType) -> str:
    path = Path(code.co_filename)
    return path.relative_to(_PACKAGE).as_posix() if path.is_relative_to(_PACKAGE) else "(yours)"


class Greeter(LineReceiver):
    """A sample application that receives lines."""

    def lineReceived(self, line: bytes) -> None:
        """Answer a line."""
        self.sendLine(b"hello, " + line)


class Sum(Command):
    """A command."""

    arguments = [(b"a", Integer()), (b"b", Integer())]
    response = [(b"total", Integer())]


class Calculator(AMP):
    """A sample AMP application."""

    @Sum.responder
    def add(self, a: int, b: int) -> dict[str, int]:
        """Return the sum."""
        return {"total": a + b}


def _printTotal(response: dict[str, int]) -> None:
    assert response == {"total": 94}


def _ready(protocol: Any) -> Any:
    protocol.makeConnection(StringTransport())
    return protocol


def _taken(protocol: Any) -> bytes:
    data: bytes = protocol.transport.value()
    protocol.transport.clear()
    return data


def lines() -> list[str]:
    """Record the delivery of forty complete lines and a partial one, in one chunk."""
    receiver = _ready(Greeter())
    receiver.dataReceived(b"warming up\r\n")
    return Tracer().trace(lambda: receiver.dataReceived(b"Ada\r\n" * 40 + b"Gra"))


def _travel(stage: int) -> list[str]:
    """Make a call, answer it, and deliver the answer.  Return the trace of one of these stages."""
    client, server = _ready(AMP()), _ready(Calculator())
    ends: list[Callable[[], object]] = [
        lambda: client.callRemote(Sum, a=13, b=81).addCallback(_printTotal),
        lambda: server.dataReceived(_taken(client)),
        lambda: client.dataReceived(_taken(server)),
    ]
    for end in (*ends, *ends[:stage]):  # the first call sets up the connection
        end()
    return Tracer().trace(ends[stage])


TRAVELS: dict[str, Callable[[], list[str]]] = {
    "lines": lines,
    "call": lambda: _travel(0),
    "answering": lambda: _travel(1),
    "answered": lambda: _travel(2),
}

#: Functions of this file that belong neither to the package nor to the sample application.
_OWN = {each.__code__ for each in (_ready, _taken, _travel, lines)}


def main(name: str) -> None:
    """Print the trace with this name."""
    print("\n".join(TRAVELS[name]()))


if __name__ == "__main__":
    main(sys.argv[1])
