"""AMP's work in memory: boxes, whole calls, and arguments that are lists."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from types import ModuleType
from typing import Any, Final

from .receivers import Transport
from .sides import Run, WorkError, checked

__all__ = ["CALLED", "DECODED", "PARSED", "SERIALIZED", "ampList", "call", "listOf", "parse", "serialize"]

#: How much work one run does.
PARSED: Final = 2_000
SERIALIZED: Final = 5_000
CALLED: Final = 500
DECODED: Final = 20
ELEMENTS: Final = 1_000
ROWS: Final = 500

#: The maximal size of a chunk from a socket, in bytes.
CHUNK: Final = 65536


def _box(amp: Any) -> Any:
    """Make a box with four short keys: a call with two integers."""
    return amp.Box(_ask=b"12", _command=b"Sum", a=b"1", b=b"22")


class _Counting:
    """Counts the boxes that it receives."""

    def __init__(self) -> None:
        self.count = 0

    def startReceivingBoxes(self, sender: object) -> None:
        """Do nothing."""

    def ampBoxReceived(self, box: object) -> None:
        """Count a box."""
        self.count += 1


def parse(module: ModuleType) -> Run:
    """Parse boxes of four short keys."""
    amp: Any = module
    data = _box(amp).serialize() * PARSED
    chunks = [data[at : at + CHUNK] for at in range(0, len(data), CHUNK)]

    def run() -> float:
        counting = _Counting()
        protocol = amp.BinaryBoxProtocol(counting)
        protocol.makeConnection(Transport())
        began = perf_counter()
        for chunk in chunks:
            protocol.dataReceived(chunk)
        seconds = perf_counter() - began
        checked(counting.count, PARSED)
        return seconds

    return run


def _repeated(times: int, work: Callable[[], object]) -> Run:
    def run() -> float:
        began = perf_counter()
        for _ in range(times):
            work()
        return perf_counter() - began

    return run


def serialize(module: ModuleType) -> Run:
    """Serialise a box of four short keys."""
    box = _box(module)
    wire = b"\0\x04_ask\0\x0212\0\x08_command\0\x03Sum\0\x01a\0\x011\0\x01b\0\x0222\0\0"
    if box.serialize() != wire:
        raise WorkError(f"the box was serialised as {box.serialize()!r}, and not as {wire!r}")
    return _repeated(SERIALIZED, box.serialize)


class _Wire(Transport):
    """Keeps what is written."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.write = self.written.append

    def getPeer(self) -> None:
        """Return no address."""

    getHost = getPeer

    def take(self) -> bytes:
        """Return the written bytes, and forget them."""
        data = b"".join(self.written)
        self.written.clear()
        return data


def _protocols(amp: Any) -> tuple[Any, Any, Any]:
    """Make a client, a server, and the command that they share."""

    class Sum(amp.Command):  # type: ignore[misc]
        arguments = [(b"a", amp.Integer()), (b"b", amp.Integer())]
        response = [(b"total", amp.Integer())]

    class Server(amp.AMP):  # type: ignore[misc]
        @Sum.responder  # type: ignore[untyped-decorator]
        def sum(self, a: int, b: int) -> dict[str, int]:
            """Return the sum."""
            return {"total": a + b}

    return amp.AMP(), Server(), Sum


def call(module: ModuleType) -> Run:
    """Make calls with two integers, answered with one, one call at a time."""
    client, server, command = _protocols(module)
    asks, answers = _Wire(), _Wire()
    client.makeConnection(asks)
    server.makeConnection(answers)

    def run() -> float:
        totals: list[dict[str, int]] = []
        began = perf_counter()
        for number in range(CALLED):
            client.callRemote(command, a=number, b=2).addCallback(totals.append)
            server.dataReceived(asks.take())
            client.dataReceived(answers.take())
        seconds = perf_counter() - began
        checked(sum(each["total"] for each in totals), sum(range(2, CALLED + 2)))
        return seconds

    return run


def listOf(module: ModuleType) -> Run:
    """Decode a list of a thousand integers."""
    amp: Any = module
    argument = amp.ListOf(amp.Integer())
    wire = argument.toString(range(ELEMENTS))
    checked(len(argument.fromString(wire)), ELEMENTS)
    return _repeated(DECODED, lambda: argument.fromString(wire))


def ampList(module: ModuleType) -> Run:
    """Decode a list of five hundred rows with two fields."""
    amp: Any = module
    argument = amp.AmpList([(b"a", amp.Integer()), (b"b", amp.Unicode())])
    wire = argument.toStringProto([{"a": number, "b": "x"} for number in range(ROWS)], None)
    checked(len(argument.fromStringProto(wire, None)), ROWS)
    return _repeated(DECODED, lambda: argument.fromStringProto(wire, None))
