"""
The commands, and the peer that responds to them, with which the tests of AMP fill both ends of a
connection.

Twisted's module and ours each get their own classes from L{vocabulary}.  This file does not know
how the two ends are connected.
"""

from __future__ import annotations

import datetime
import decimal
import re
from collections.abc import Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol
from twisted.python.failure import Failure
from twisted.python.filepath import FilePath

__all__ = [
    "SAMPLES",
    "FatalError",
    "KnownError",
    "Switched",
    "SwitchedFactory",
    "UndeclaredError",
    "described",
    "everything",
    "nothing",
    "vocabulary",
    "withoutAdvice",
]


class KnownError(Exception):
    """An error that the command declares."""


class FatalError(Exception):
    """An error that the command declares as fatal."""


class UndeclaredError(Exception):
    """An error that no command declares."""


_ERRORS: dict[bytes, Callable[[], Exception]] = {
    b"known": lambda: KnownError("known \N{SNOWMAN}"),
    b"empty": KnownError,
    b"fatal": lambda: FatalError("fatal"),
    b"undeclared": lambda: UndeclaredError("a secret"),
}


def _zone(minutes: int) -> datetime.timezone:
    return datetime.timezone(datetime.timedelta(minutes=minutes))


#: Values to test, by the arguments' names in Python.
SAMPLES: dict[str, list[Any]] = {
    "integer": [0, -1, 2**200],
    "string": [b"", b"\0\xff", b"x" * 65535],
    "float": [0.1, -0.0, 1e308, float("inf"), float("nan")],
    "boolean": [True, False],
    "unicode": ["", "\N{SNOWMAN}", "\0", "x" * 65535],
    "path": [FilePath("/tmp/a b"), FilePath("/tmp/\N{SNOWMAN}")],
    "list_of": [[], [0, -5, 2**70]],
    "nested": [[], [[], [b""], [b"a", b"bc"]]],
    "rows": [[], [{"name": "a", "size": 1}, {"name": "\N{SNOWMAN}", "size": None}]],
    "decimal": [decimal.Decimal(each) for each in ("0", "-1.50", "1E+99", "Infinity", "-0", "NaN", "sNaN12")],
    "moment": [
        datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, datetime.timezone.utc),
        datetime.datetime(1, 1, 1, 0, 0, 0, 0, _zone(-83)),
        datetime.datetime(9999, 12, 31, 23, 59, 59, 999999, _zone(839)),
    ],
    "Class": [b"a keyword"],
    "with_dash": [b"a dash"],
}


def everything(number: int = 0) -> dict[str, Any]:
    """
    Return a value for each argument: its C{number}th sample, starting over at the end of the
    samples.
    """
    return {name: samples[number % len(samples)] for name, samples in SAMPLES.items()}


def nothing() -> dict[str, Any]:
    """Return C{None} for each argument, as a responder receives omitted arguments."""
    return dict.fromkeys(SAMPLES)


def _schema(amp: Any, optional: bool) -> list[tuple[bytes, Any]]:
    row = [(b"name", amp.Unicode()), (b"size", amp.Integer(optional=True))]
    return [
        (b"integer", amp.Integer(optional)),
        (b"string", amp.String(optional)),
        (b"float", amp.Float(optional)),
        (b"boolean", amp.Boolean(optional)),
        (b"unicode", amp.Unicode(optional)),
        (b"path", amp.Path(optional)),
        (b"list-of", amp.ListOf(amp.Integer(), optional)),
        (b"nested", amp.ListOf(amp.ListOf(amp.String()), optional)),
        (b"rows", amp.AmpList(row, optional)),
        (b"decimal", amp.Decimal(optional)),
        (b"moment", amp.DateTime(optional)),
        (b"class", amp.String(optional)),
        (b"with-dash", amp.String(optional)),
    ]


class Switched(Protocol):
    """
    The protocol that takes over from AMP.  It collects bytes.

    @ivar received: the bytes received.
    @ivar reasons: why the connection was lost; one entry for each notification.
    """

    def __init__(self, greeting: bytes = b"") -> None:
        self.greeting = greeting
        self.received = b""
        self.reasons: list[Failure] = []
        self._waiting: list[tuple[int, Deferred[bytes]]] = []

    def connectionMade(self) -> None:
        if self.greeting:
            self.transport.write(self.greeting)  # type: ignore[union-attr]

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        while self._waiting and self._waiting[0][0] <= len(self.received):
            self._waiting.pop(0)[1].callback(self.received)

    def whenReceived(self, size: int) -> Deferred[bytes]:
        """Wait for C{size} bytes in total."""
        waiting: Deferred[bytes] = Deferred()
        self._waiting.append((size, waiting))
        self.dataReceived(b"")
        return waiting

    def connectionLost(self, reason: Any = None) -> None:
        self.reasons.append(reason)


class SwitchedFactory(Factory):
    """
    The caller's factory.

    @ivar built: the protocol that it built, if any.
    @ivar told: which of its notification methods were called.
    """

    def __init__(self, greeting: bytes = b"") -> None:
        self.greeting = greeting
        self.built: Any = None
        self.told: list[str] = []

    def buildProtocol(self, addr: Any) -> Switched:
        self.built = Switched(self.greeting)
        return self.built  # type: ignore[no-any-return]

    def clientConnectionFailed(self, connector: Any, reason: Any) -> None:
        self.told.append("failed")

    def clientConnectionLost(self, connector: Any, reason: Any) -> None:
        self.told.append("lost")


@cache
def vocabulary(amp: Any) -> Any:
    """Make the commands and the peer from the classes of the module C{amp}."""

    class Echo(amp.Command):  # type: ignore[misc]
        arguments = response = _schema(amp, False)

    class Maybe(amp.Command):  # type: ignore[misc]
        arguments = response = _schema(amp, True)

    class Fail(amp.Command):  # type: ignore[misc]
        arguments = [(b"how", amp.String())]
        errors = {KnownError: b"KNOWN"}
        fatalErrors = {FatalError: b"FATAL"}

    class Notify(amp.Command):  # type: ignore[misc]
        arguments = [(b"text", amp.String())]
        requiresAnswer = False

    class Later(amp.Command):  # type: ignore[misc]
        arguments = response = [(b"number", amp.Integer())]

    class Nobody(amp.Command):  # type: ignore[misc]
        commandName = b"nobody-responds"

    class Wrong(amp.Command):  # type: ignore[misc]
        response = [(b"number", amp.Integer())]

    class Grow(amp.Command):  # type: ignore[misc]
        response = [(b"text", amp.String())]

    class Switch(amp.ProtocolSwitchCommand):  # type: ignore[misc]
        arguments = [(b"refuse", amp.Boolean())]
        errors = {KnownError: b"KNOWN"}

    class Pass(amp.Command):  # type: ignore[misc]
        arguments = [(b"text", amp.String()), (b"descriptor", amp.Descriptor())]

    class Peer(amp.AMP):  # type: ignore[misc]
        def __init__(self, **secured: Any) -> None:
            super().__init__()
            self.secured = secured
            self.notified: list[bytes] = []
            self.waiting: dict[int, Deferred[dict[str, Any]]] = {}
            self.whenWaiting: Deferred[None] = Deferred()
            self.expected = 0
            self.switched: Any = None
            self.descriptors: list[tuple[bytes, int]] = []
            self.reasons: list[Failure] = []
            self.whenLost: Deferred[None] = Deferred()
            self.whenMade: Deferred[Any] = Deferred()

        def connectionMade(self) -> None:
            self.whenMade.callback(self)

        def connectionLost(self, reason: Failure) -> None:
            super().connectionLost(reason)
            self.reasons.append(reason)
            self.whenLost.callback(None)

        @Echo.responder
        def echo(self, **values: Any) -> Any:
            return values

        @Maybe.responder
        def maybe(self, **values: Any) -> Any:
            return values

        @Fail.responder
        def failed(self, how: bytes) -> Any:
            raise _ERRORS[how]()

        @Notify.responder
        def notify(self, text: bytes) -> Any:
            self.notified.append(text)
            return {}

        @Later.responder
        def later(self, number: int) -> Any:
            self.waiting[number] = Deferred()
            if len(self.waiting) == self.expected:
                self.whenWaiting.callback(None)
            return self.waiting[number]

        @Wrong.responder
        def wrong(self) -> Any:
            return {"number": "no number"}

        @Grow.responder
        def grow(self) -> Any:
            return {"text": b"x" * 65536}

        @Switch.responder
        def switch(self, refuse: bool) -> Any:
            if refuse:
                raise KnownError("no")
            self.switched = Switched(b"greeting of the responder")
            return self.switched

        @Pass.responder
        def passed(self, text: bytes, descriptor: int) -> Any:
            self.descriptors.append((text, descriptor))
            return {}

        @amp.StartTLS.responder  # type: ignore[untyped-decorator, unused-ignore]
        def secure(self) -> Any:
            return self.secured

    return SimpleNamespace(amp=amp, **{name: value for name, value in locals().items() if isinstance(value, type)})


#: The part of the text of a connection error that only our module adds.
_LATE = re.compile(r": (\w+ was called after the connection to .* had ended|the box was not sent over this .*)\.$")


def withoutAdvice(error: BaseException) -> tuple[str, str]:
    """Return the name and text of an error as in Twisted, without the text that our module adds."""
    if isinstance(error, KeyError) and type(error).__name__ == "MissingKeyError":
        return "KeyError", str(KeyError(*error.args))
    return type(error).__name__, _LATE.sub(".", str(error).partition("; ")[0])


def described(result: Any) -> Any:
    """
    Return a result in a comparable form: the name and text of an error, the C{repr} of a value.
    """
    if isinstance(result, Failure):
        result = result.value
    if isinstance(result, BaseException):
        # TooLong has a text only in our module.  BadLocalReturn's text contains the instance.  A
        # traceback contains the name of the module.
        name, text = withoutAdvice(result)
        return name, "" if name in ("TooLong", "BadLocalReturn") else text.split("\n")[0]
    if isinstance(result, dict):
        return [(name, described(value)) for name, value in sorted(result.items())]
    return result.isoformat() if isinstance(result, datetime.datetime) else repr(result)
