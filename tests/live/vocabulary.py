"""
Commands for two AMP peers, for either implementation.

A vocabulary is made from a module, Twisted's or ours, and is identical for both.
"""

from __future__ import annotations

import datetime
import decimal
import os
from types import ModuleType
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.filepath import FilePath

__all__ = ["VALUES", "Inner", "InnerFactory", "Vocabulary"]

#: A value for each argument of C{Everything}.
VALUES: dict[str, Any] = {
    "integer": -(10**30),
    "string": b"\x00\xff" * 30000,
    "float": 1.5e300,
    "boolean": True,
    "unicode": "\N{SNOWMAN}",
    "path": FilePath("/a/b"),
    "integers": [1, 2, -3],
    "texts": ["", "\N{SNOWMAN}"],
    "rows": [{"a": 1, "b_c": "x"}, {"a": 2, "b_c": None}],
    "decimal": decimal.Decimal("1.50E+7"),
    "moment": datetime.datetime(2012, 1, 23, 12, 34, 56, 54321, datetime.timezone(datetime.timedelta(minutes=-83))),
    "print_": "given",
    "From": 5,
}


class Inner(Protocol):
    """
    The protocol that two peers switch to.  It collects its data, and tells when it is complete.
    """

    def __init__(self, greeting: bytes) -> None:
        self.greeting = greeting
        self.received = b""
        self.wanted = b""
        self.complete: Deferred[bytes] = Deferred()
        self.lost: Deferred[None] = Deferred()

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self.greeting)

    def dataReceived(self, data: bytes) -> None:
        self.received += data
        if self.received == self.wanted:
            self.complete.callback(self.received)

    def connectionLost(self, reason: object = None) -> None:
        self.lost.callback(None)


class InnerFactory(ClientFactory):
    """Makes the caller's inner protocol, and records its calls."""

    noisy = False

    def __init__(self) -> None:
        self.inner = Inner(b"from the client")
        self.inner.wanted = b"from the server"
        self.events: list[str] = []

    def buildProtocol(self, addr: object) -> Inner:
        return self.inner

    def clientConnectionFailed(self, connector: object, reason: object) -> None:
        self.events.append("failed")

    def clientConnectionLost(self, connector: object, reason: object) -> None:
        self.events.append("lost")


class Vocabulary:
    """
    Commands, and a peer that responds to them.

    @ivar amp: the module that they are made from.
    """

    def __init__(self, amp: ModuleType) -> None:
        self.amp = amp
        everything = [
            (b"integer", amp.Integer()),
            (b"string", amp.String()),
            (b"float", amp.Float()),
            (b"boolean", amp.Boolean()),
            (b"unicode", amp.Unicode()),
            (b"path", amp.Path()),
            (b"integers", amp.ListOf(amp.Integer())),
            (b"texts", amp.ListOf(amp.Unicode())),
            (b"rows", amp.AmpList([(b"a", amp.Integer()), (b"b-c", amp.Unicode(optional=True))])),
            (b"decimal", amp.Decimal()),
            (b"moment", amp.DateTime()),
            (b"print-", amp.Unicode(optional=True)),
            (b"from", amp.Integer(optional=True)),
        ]

        class Everything(amp.Command):  # type: ignore[name-defined, misc]
            arguments = everything
            response = everything

        class Fail(amp.Command):  # type: ignore[name-defined, misc]
            arguments = [(b"how", amp.Unicode())]
            errors = {ValueError: b"VALUE"}
            fatalErrors = {KeyError: b"KEY"}

        class Note(amp.Command):  # type: ignore[name-defined, misc]
            arguments = [(b"text", amp.Unicode())]
            requiresAnswer = False

        class Hold(amp.Command):  # type: ignore[name-defined, misc]
            arguments = [(b"number", amp.Integer())]
            response = [(b"number", amp.Integer())]

        class Undefined(amp.Command):  # type: ignore[name-defined, misc]
            pass

        class Switch(amp.ProtocolSwitchCommand):  # type: ignore[name-defined, misc]
            arguments = [(b"willing", amp.Boolean())]
            errors = {ValueError: b"VALUE"}

        class Copy(amp.Command):  # type: ignore[name-defined, misc]
            arguments = [(b"first", amp.Descriptor()), (b"second", amp.Descriptor(optional=True))]
            response = [(b"reader", amp.Descriptor())]

        class Peer(amp.AMP):  # type: ignore[name-defined, misc]
            certificate: Any = None
            authorities: Any = None

            def __init__(self) -> None:
                super().__init__()
                self.notes: list[str] = []
                self.held: list[tuple[int, Deferred[Any]]] = []
                self.enough = 0
                self.inner: Any = None
                self.ready: Deferred[None] = Deferred()
                self.lost: Deferred[Any] = Deferred()

            def connectionMade(self) -> None:
                self.ready.callback(None)

            def connectionLost(self, reason: Any) -> None:
                super().connectionLost(reason)
                self.lost.callback(reason.value)

            @Everything.responder
            def everything(self, **arguments: Any) -> Any:
                return arguments

            @Fail.responder
            def fail(self, how: str) -> Any:
                if how == "long":
                    return {"too": "much"}
                raise {"known": ValueError("known"), "fatal": KeyError("fatal"), "unknown": OSError("secret")}[how]

            @Note.responder
            def note(self, text: str) -> Any:
                self.notes.append(text)
                return {}

            @Hold.responder
            def hold(self, number: int) -> Any:
                waiting: Deferred[Any] = Deferred()
                self.held.append((number, waiting))
                if len(self.held) == self.enough:
                    for number, each in reversed(self.held[::2] + self.held[1::2]):
                        each.callback({"number": number})
                return waiting

            @amp.StartTLS.responder  # type: ignore[attr-defined, untyped-decorator, unused-ignore]
            def secure(self) -> Any:
                options = {"tls_localCertificate": self.certificate, "tls_verifyAuthorities": self.authorities}
                return {name: value for name, value in options.items() if value is not None}

            @Switch.responder
            def switch(self, willing: bool) -> Any:
                if not willing:
                    raise ValueError("not willing")
                self.inner = Inner(b"from the server")
                self.inner.wanted = b"from the client"
                return self.inner

            @Copy.responder
            def copy(self, first: int, second: int | None) -> Any:
                text = b""
                for each in (first, second):
                    if each is not None:
                        text += os.read(each, 100)
                        os.close(each)
                reader, writer = os.pipe()
                os.write(writer, text)
                os.close(writer)
                self.reader = reader
                return {"reader": reader}

        self.Everything, self.Fail, self.Note, self.Hold = Everything, Fail, Note, Hold
        self.Undefined, self.Switch, self.Copy, self.Peer = Undefined, Switch, Copy, Peer
