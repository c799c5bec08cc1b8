"""
Applications that change something at each message, so that frames found ahead may be useless.

L{CHANGES} lists them.  Nothing here delivers or measures anything.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any, Final
from unittest.mock import patch

from .sides import WorkError

__all__ = ["CHANGES", "Change"]

#: Makes an application's class from a receiver's class.
Application = Callable[[Any], Any]


def _applied(change: Callable[[Any], object]) -> Application:
    """Make an application that counts each message, then applies C{change} to its receiver."""

    def application(base: Any) -> Any:
        class Changing(base):  # type: ignore[misc]
            count = 0

            def lineReceived(self, line: bytes) -> object:
                self.count += 1
                return change(self)

            stringReceived = lineReceived

        return Changing

    return application


def _pause(receiver: Any) -> None:
    receiver.pauseProducing()


def _turn(receiver: Any) -> None:
    """
    Expect the other line end next: the first message ends with C{\\r\\n}, the second one with
    C{\\n}.
    """
    receiver.delimiter = b"\n" if receiver.count & 1 else b"\r\n"


def _limit(receiver: Any) -> None:
    receiver.MAX_LENGTH = 70_000 + (receiver.count & 1)


def _takeBack(receiver: Any) -> None:
    """Take all undelivered bytes, and give them back."""
    receiver.dataReceived(receiver.clearLineBuffer())


def _read(name: str) -> Callable[[Any], None]:
    def read(receiver: Any) -> None:
        getattr(receiver, name)

    return read


def _assign(name: str, source: str) -> Callable[[Any], None]:
    """Assign the value of C{source}, the undelivered bytes, to C{name}, so that nothing changes."""

    def assign(receiver: Any) -> None:
        if receiver.count > receiver.expected:
            raise WorkError("a message was delivered again")
        setattr(receiver, name, getattr(receiver, source))

    return assign


def _requests(base: Any) -> Any:
    """Make an application that receives requests with bodies, like HTTP's."""

    class Requests(base):  # type: ignore[misc]
        count = 0
        missing = 0

        def lineReceived(self, line: bytes) -> None:
            if line.startswith(b"Content-Length: "):
                self.missing = int(line[16:])
            elif not line:
                self.setRawMode()
                self.count += 1

        def rawDataReceived(self, data: bytes) -> None:
            missing = self.missing
            self.missing = missing - len(data[:missing])
            if not self.missing:
                self.setLineMode(data[missing:])

    return Requests


def _cache(base: Any) -> Any:
    """Make a memcached client that requests all values before the first arrives."""

    class Cache(_memcacheProtocol(base)):  # type: ignore[misc]
        count = 0

        def connectionMade(self) -> None:
            self.persistentTimeOut = None
            for _ in range(self.expected):
                self.get(b"key").addCallback(self.counted)

        def counted(self, value: object) -> None:
            self.count += 1

    return Cache


def _memcacheProtocol(base: Any) -> Any:
    """Make Twisted's C{MemCacheProtocol} with C{base} as its C{LineReceiver}."""
    spec = find_spec("twisted.protocols.memcache")
    assert spec is not None
    assert spec.loader is not None
    made, basic = module_from_spec(spec), ModuleType("basic")
    basic.LineReceiver = base  # type: ignore[attr-defined]
    with patch.dict(sys.modules, {"twisted.protocols.basic": basic}):
        spec.loader.exec_module(made)
    return made.MemCacheProtocol


def _boxes(base: Any) -> Any:
    """Make an application that receives AMP boxes, and pauses at each."""

    class Boxes(base):  # type: ignore[misc]
        count = 0

        def __init__(self) -> None:
            super().__init__(self)

        def startReceivingBoxes(self, sender: object) -> None:
            """Do nothing."""

        def ampBoxReceived(self, box: object) -> None:
            self.count += 1
            self.pauseProducing()

    return Boxes


def _resume(receiver: Any) -> None:
    """Resume C{receiver} until it has delivered everything."""
    while receiver.paused:
        receiver.resumeProducing()


def _goOn(receiver: Any) -> None:
    """Call C{dataReceived} until it has delivered everything."""
    delivered = -1
    while delivered != receiver.count:
        delivered = receiver.count
        receiver.dataReceived(b"")


def _line(size: int) -> bytes:
    return b"x" * size + b"\r\n"


def _lineOfEach(size: int) -> bytes:
    return b"x" * size + b"\r\n" + b"x" * size + b"\n"


def _netstring(size: int) -> bytes:
    return b"%d:%b," % (size, b"x" * size)


def _string(width: int) -> Callable[[int], bytes]:
    return lambda size: size.to_bytes(width, "big") + b"x" * size


def _request(size: int) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * size)


def _value(size: int) -> bytes:
    return b"VALUE key 0 %d\r\n%b\r\nEND\r\n" % (size, b"x" * size)


def _box(size: int) -> bytes:
    return b"\0\1k" + size.to_bytes(2, "big") + b"x" * size + b"\0\0"


@dataclass(frozen=True)
class Change:
    """
    A change that an application makes at each message.

    @ivar name: its name on the command line.
    @ivar title: a description for people.
    @ivar receiver: the name of the receiver's class.
    @ivar application: makes the application.
    @ivar frame: makes messages, as they are on the wire, of the given size in bytes.
    @ivar many: how many messages C{frame} makes.
    @ivar goOn: makes a stopped receiver continue until it has delivered everything; C{None} if it
        does not stop.
    @ivar pauses: whether the receiver can be paused, and buffers what arrives then.
    @ivar copies: whether each message needs a copy of all undelivered bytes, which cannot take
        linear time.
    @ivar module: the name of the receiver's module.
    """

    name: str
    title: str
    receiver: str
    application: Application
    frame: Callable[[int], bytes]
    many: int = 1
    goOn: Callable[[Any], None] | None = None
    pauses: bool = True
    copies: bool = False
    module: str = "basic"

    def made(self, module: ModuleType) -> Any:
        """Make the application's class from the receiver in C{module}."""
        return self.application(getattr(module, self.receiver))


def _pausing(name: str, receiver: str, frame: Callable[[int], bytes]) -> Change:
    return Change(name, "paused at each", receiver, _applied(_pause), frame, goOn=_resume)


def _limiting(name: str, receiver: str, frame: Callable[[int], bytes], pauses: bool = True) -> Change:
    return Change(name, "MAX_LENGTH changed at each", receiver, _applied(_limit), frame, pauses=pauses)


def _looking(
    prefix: str,
    receiver: str,
    frame: Callable[[int], bytes],
    name: str,
    source: str = "",
    suffix: str = "",
    pauses: bool = True,
) -> list[Change]:
    """Return two changes: one reads the attribute C{name}, the other assigns to it."""
    does = {"read": _read(name), "assign": _assign(name, source or name)}
    titles = {"read": f"{name} read at each", "assign": f"{name} assigned at each"}
    return [
        Change(
            f"{prefix}-{verb}{suffix}", titles[verb], receiver, _applied(does[verb]), frame, pauses=pauses, copies=True
        )
        for verb in does
    ]


_LINES, _ONLY, _NETSTRINGS, _INT16 = "LineReceiver", "LineOnlyReceiver", "NetstringReceiver", "Int16StringReceiver"

CHANGES: Final = (
    _pausing("line-pause", _LINES, _line),
    _pausing("int8-pause", "Int8StringReceiver", _string(1)),
    _pausing("int16-pause", _INT16, _string(2)),
    _pausing("int32-pause", "Int32StringReceiver", _string(4)),
    Change("amp-pause", "paused at each box", "BinaryBoxProtocol", _boxes, _box, goOn=_resume, module="amp"),
    Change("memcache", "Twisted's memcache client", _LINES, _cache, _value, copies=True),
    Change("http", "requests with bodies", _LINES, _requests, _request, copies=True),
    Change("line-delimiter", "delimiter changed at each", _LINES, _applied(_turn), _lineOfEach, 2),
    Change("only-delimiter", "delimiter changed at each", _ONLY, _applied(_turn), _line, pauses=False),
    _limiting("line-limit", _LINES, _line),
    _limiting("only-limit", _ONLY, _line, False),
    _limiting("netstring-limit", _NETSTRINGS, _netstring, False),
    _limiting("int16-limit", _INT16, _string(2)),
    Change("line-true", "a true value from each", _LINES, _applied(bool), _line, goOn=_goOn),
    Change("line-clear", "clearLineBuffer at each", _LINES, _applied(_takeBack), _line, copies=True),
    *_looking("line", _LINES, _line, "_buffer"),
    *_looking("only", _ONLY, _line, "_buffer", pauses=False),
    *_looking("netstring", _NETSTRINGS, _netstring, "_remainingData", pauses=False),
    *_looking("int16", _INT16, _string(2), "recvd"),
    *_looking("int16", _INT16, _string(2), "_unprocessed", "recvd", "-all"),
)
