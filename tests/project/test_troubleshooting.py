"""
Provokes each text on the page "When something goes wrong", to test that the page matches what users
see.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.logger import LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from twisted_basic_ng import amp, basic

from .sources import ROOT

PAGE = ROOT / "docs" / "troubleshooting.rst"

#: The heading of an entry, and its body up to the next heading.
_ENTRY = re.compile(r"^(\S.*)\n\.{3,}\n\n((?:(?!^\S.*\n[.-]{3,}\n).*\n)*)", re.MULTILINE)

#: The texts of an entry.
_BLOCK = re.compile(r"::\n\n((?:    .*\n)+)")


class Sum(amp.Command):
    arguments = [
        (b"a", amp.Integer()),
        (b"rows", amp.AmpList([(b"b", amp.Integer())], optional=True)),
        (b"text", amp.Unicode(optional=True)),
        (b"name", amp.String(optional=True)),
        (b"names", amp.ListOf(amp.String(), optional=True)),
    ]
    response = [(b"total", amp.Integer())]


class End(amp.AMP):
    """An end of a connection with a responder that calls a function."""

    logConnections = False

    def __init__(self, respond: Callable[[], Any] = dict) -> None:
        super().__init__()
        self.respond = respond

    @Sum.responder
    def sum(self, **arguments: Any) -> Any:
        return self.respond()


def textOf(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


@contextmanager
def logged() -> Iterator[list[str]]:
    """Collect the log messages, and the texts of logged errors."""
    texts: list[str] = []

    def observe(event: LogEvent) -> None:
        texts.append(formatEvent(event))
        if "log_failure" in event:
            texts.append(textOf(event["log_failure"].value).replace("\n", " "))

    globalLogPublisher.addObserver(observe)
    try:
        yield texts
    finally:
        globalLogPublisher.removeObserver(observe)


def raisedBy(action: Callable[..., Any], *args: Any, **kw: Any) -> str:
    """Return the text of the exception that C{action} raises or that its C{Deferred} fails with."""
    errors: list[Any] = []
    try:
        action(*args, **kw).addErrback(errors.append)
    except Exception as error:
        return textOf(error)
    return textOf(errors[0].value)


def connected(respond: Callable[[], Any] = dict) -> tuple[End, Any, End, Any]:
    """Return two ends and their transports."""
    made: list[Any] = []
    for end in (End(), End(respond)):
        transport = StringTransport()
        end.makeConnection(transport)
        made += end, transport
    return made[0], made[1], made[2], made[3]


def called(respond: Callable[[], Any], isHandled: bool = True) -> list[str]:
    """Make a call.  Return its errors and the log messages."""
    client, toServer, server, toClient = connected(respond)
    errors: list[str] = []
    with logged() as texts:
        result: Any = client.callRemote(Sum, a=1)
        if isHandled:
            result.addErrback(lambda failure: errors.append(textOf(failure.value)))
        server.dataReceived(toServer.value())
        client.dataReceived(toClient.value())
    return errors + texts


def received(data: bytes) -> list[str]:
    """
    Receive C{data} while a call waits, then lose the connection.  Return the errors of the call and
    of the receiver, and the log messages.
    """
    client = connected()[0]
    errors: list[str] = []
    with logged() as texts:
        client.callRemote(Sum, a=1).addErrback(lambda failure: errors.append(textOf(failure.value)))
        try:
            client.dataReceived(data)
        except amp.AmpError as error:
            errors.append(textOf(error))
        client.connectionLost(Failure(ConnectionDone()))
    return errors + texts


def call(**kw: Any) -> str:
    return raisedBy(connected()[0].callRemote, Sum, **kw)


def late(reason: Exception) -> str:
    client = connected()[0]
    client.connectionLost(Failure(reason))
    return raisedBy(client.callRemote, Sum, a=1)


def refuse() -> Any:
    raise amp.RemoteAmpError(b"OTHER", "text")


def startTwice() -> str:
    from zope.interface import alsoProvides

    from twisted.internet.interfaces import ISSLTransport

    client, transport, _, _ = connected()
    alsoProvides(transport, ISSLTransport)
    return raisedBy(client.callRemote, amp.StartTLS)


def withoutTLS() -> str:
    with pytest.MonkeyPatch.context() as patching:
        patching.setattr(amp, "ssl", None)
        return raisedBy(connected()[0].callRemote, amp.StartTLS)


def switched() -> str:
    client = connected()[0]
    client._lockForSwitch()
    return raisedBy(client.callRemote, Sum, a=1)


def declare(**attributes: Any) -> list[str]:
    """Return the texts of the error and of its cause, in the order of a traceback."""
    with pytest.raises(TypeError) as caught:
        type(amp.Command)("Sum", (amp.Command,), attributes)
    assert caught.value.__cause__ is not None
    return [textOf(caught.value.__cause__), textOf(caught.value)]


class Receivers:
    """Receivers that override no method."""

    @staticmethod
    def make(kind: type[Any], isConnected: bool = True) -> Any:
        receiver = type("Mine", (kind,), {})()
        if isConnected:
            receiver.makeConnection(StringTransport())
        return receiver

    @classmethod
    def unsent(cls) -> list[str]:
        line, string = cls.make(basic.LineReceiver), cls.make(basic.NetstringReceiver)
        return [raisedBy(line.sendLine, "x"), raisedBy(string.sendString, "x")]

    @classmethod
    def notOverridden(cls) -> list[str]:
        line, raw = cls.make(basic.LineReceiver), cls.make(basic.LineReceiver)
        raw.setRawMode()
        string = cls.make(basic.Int8StringReceiver)
        deliveries = ((line, b"x\r\n"), (raw, b"x"), (string, b"\1x"))
        return [raisedBy(receiver.dataReceived, data) for receiver, data in deliveries]

    @classmethod
    def refused(cls) -> list[str]:
        with logged() as texts:
            receiver = cls.make(basic.LineReceiver)
            receiver.dataReceived(b"x" * 16387)
        return [raisedBy(cls.make(basic.Int8StringReceiver).sendString, b"x" * 256), *texts]


#: For each entry, a function that provokes its texts.
PROVOKED: dict[str, Callable[[], list[str]]] = {
    "A value has the wrong type": lambda: [
        call(a="x"),
        call(a=1, rows=[{"b": 1}, {"b": "x"}]),
        call(a=1, text=5),
    ],
    "Text where bytes are needed": lambda: [call(a=1, name="x")],
    "A value is too long": lambda: [call(a=1, name=b"x" * 70000), call(a=1, names=[b"", b"x" * 70000])],
    "An argument is missing, or there is no such argument": lambda: [call(), call(a=1, b=2), call(a=1, rows=[{}])],
    "A name is a string": lambda: [
        *declare(arguments=[("a", amp.Integer())]),
        raisedBy(amp.AmpBox.serialize, {"a": b"1"}),
    ],
    "The call comes too early": lambda: [raisedBy(End().callRemote, Sum, a=1)],
    "The call comes too late": lambda: [late(ConnectionDone()), late(ConnectionLost())],
    "An error that the command does not declare": lambda: called(lambda: 1 / 0),
    "An error that only the peer declares": lambda: called(refuse),
    "Nobody responds": lambda: received(
        amp.Box(_error=b"1", _error_code=b"UNHANDLED", _error_description=b"Unhandled Command: b'Sum'").serialize()
    ),
    "Nobody handles the error of a call": lambda: called(lambda: 1 / 0, isHandled=False),
    "A responder does not return a dictionary": lambda: called(lambda: None),
    "A value of the response is missing, or has the wrong type": lambda: [
        *called(dict),
        *called(lambda: {"total": "x"}),
    ],
    "A key is missing in a box": lambda: [
        *received(amp.Box(_command=b"Sum", _ask=b"1").serialize()),
        *received(amp.Box(_answer=b"1").serialize()),
    ],
    "A value cannot be read": lambda: received(amp.Box(_command=b"Sum", _ask=b"1", a=b"x").serialize()),
    "The peer does not speak AMP": lambda: [
        *received(b"\x16\x03\x01\x02\x00\x01"),
        *received(b"GET / HTTP/1.1\r\n"),
        *received(b"\xff\xff"),
    ],
    "A box that makes no sense": lambda: [
        *received(amp.Box(a=b"1").serialize()),
        *received(amp.Box(_answer=b"99").serialize()),
    ],
    "A limit strikes": lambda: received(b"".join(b"\0\4%04d\0\0" % each for each in range(4097))),
    "There is no TLS": lambda: [withoutTLS(), startTwice()],
    "The protocol was switched": lambda: [switched()],
    "Text is sent": Receivers.unsent,
    "Sending comes too early": lambda: [raisedBy(Receivers.make(basic.LineReceiver, False).sendLine, b"x")],
    "A method is not overridden": Receivers.notOverridden,
    "A string is too long": Receivers.refused,
}


def entries() -> dict[str, list[str]]:
    """Return the texts of each entry of the page."""
    page = PAGE.read_text(encoding="utf-8")
    return {
        title: [line.strip() for block in _BLOCK.findall(body) for line in block.splitlines()]
        for title, body in _ENTRY.findall(page)
    }


class TestPage:
    """Tests for the page."""

    def test_complete(self) -> None:
        """Each entry has a text and a function that provokes it."""
        assert [*entries()] == [*PROVOKED]
        assert all(entries().values())

    @pytest.mark.parametrize("title", PROVOKED)
    def test_provoked(self, title: str) -> None:
        """Each text of the entry is provoked exactly."""
        seen = PROVOKED[title]()
        for text in entries()[title]:
            pattern = re.compile(".*".join(map(re.escape, text.split("…"))))
            assert any(pattern.fullmatch(each) for each in seen), (text, seen)
