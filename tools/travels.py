"""
Prints which functions of the package run, one inside of the other, while bytes come or a call travels.

usage: python -m tools.travels NAME      (see C{TRAVELS})

C{tools/architecture.py} runs it on the pure build, where no function is hidden in the extension.
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

#: What runs on some versions of Python or Twisted alone.
_SOMETIMES = {"Receiver._receiverPin", "addBehind"}


@dataclass
class Step:
    """
    A call of a function.

    @ivar name: the function's, with its class.
    @ivar place: the file that defines it.
    @ivar steps: what it called.
    """

    name: str
    place: str
    steps: list[Step] = field(default_factory=list)

    def lines(self, depth: int = 0) -> list[str]:
        """Write the call and those inside of it; one that repeats its neighbour is left out."""
        indented = "  " * depth + self.name
        found = [f"{indented:<{_WIDTH}} {self.place}".rstrip()]
        for each, before in zip(self.steps, [None, *self.steps], strict=False):
            if each != before and each.name not in _SOMETIMES:
                found += each.lines(depth + 1)
        return found


class Tracer:
    """Notes the calls of functions of the package, and of the application here."""

    def __init__(self) -> None:
        self.top = Step("", "")
        self._open: list[tuple[FrameType, Step]] = []

    def trace(self, function: Callable[[], object]) -> list[str]:
        """Call C{function} and write what it called."""
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
    """Whether a function is the package's or the application's, and has a name."""
    isOurs = Path(code.co_filename).is_relative_to(_PACKAGE) or code.co_filename == __file__
    return isOurs and not code.co_name.startswith("<") and code not in _OWN


def _nameOf(frame: FrameType) -> str:
    """Name a function, with the class that defines it."""
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
    """An application of lines."""

    def lineReceived(self, line: bytes) -> None:
        """Answer."""
        self.sendLine(b"hello, " + line)


class Sum(Command):
    """A command."""

    arguments = [(b"a", Integer()), (b"b", Integer())]
    response = [(b"total", Integer())]


class Calculator(AMP):
    """An application of AMP."""

    @Sum.responder
    def add(self, a: int, b: int) -> dict[str, int]:
        """Respond."""
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
    """Forty whole lines and a half one come in one chunk."""
    receiver = _ready(Greeter())
    receiver.dataReceived(b"warming up\r\n")
    return Tracer().trace(lambda: receiver.dataReceived(b"Ada\r\n" * 40 + b"Gra"))


def _travel(stage: int) -> list[str]:
    """Make a call, answer it, and take the answer; write one of the three."""
    client, server = _ready(AMP()), _ready(Calculator())
    ends: list[Callable[[], object]] = [
        lambda: client.callRemote(Sum, a=13, b=81).addCallback(_printTotal),
        lambda: server.dataReceived(_taken(client)),
        lambda: client.dataReceived(_taken(server)),
    ]
    for end in (*ends, *ends[:stage]):  # a whole call first: what happens once for a connection is left out
        end()
    return Tracer().trace(ends[stage])


TRAVELS: dict[str, Callable[[], list[str]]] = {
    "lines": lines,
    "call": lambda: _travel(0),
    "answering": lambda: _travel(1),
    "answered": lambda: _travel(2),
}

#: What is neither the package's nor the application's, but this file's.
_OWN = {each.__code__ for each in (_ready, _taken, _travel, lines)}


def main(name: str) -> None:
    """Print one of them."""
    print("\n".join(TRAVELS[name]()))


if __name__ == "__main__":
    main(sys.argv[1])
