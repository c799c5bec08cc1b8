"""
How applications use AMP, for mypy and pyright; it is never run.

A line that must not type-check says so to both: each of them complains about such a remark where it finds nothing
wrong.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from typing_extensions import assert_type
from zope.interface import implementer

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure

from twisted_basic_ng import amp
from twisted_basic_ng.amp import (
    AMP,
    MAX_VALUE_LENGTH,
    AmpBox,
    AmpList,
    Argument,
    BinaryBoxProtocol,
    Box,
    BoxDispatcher,
    Command,
    CommandLocator,
    DateTime,
    Descriptor,
    IBoxReceiver,
    Integer,
    ListOf,
    OneWayCommand,
    ProtocolSwitchCommand,
    QuitBox,
    RemoteAmpError,
    SimpleStringLocator,
    StartTLS,
    String,
    Unicode,
    UnknownRemoteError,
    parseString,
)


class JSON(Argument):
    def toString(self, inObject: dict[str, Any]) -> bytes:
        return json.dumps(inObject).encode()

    def fromString(self, inString: bytes) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads(inString)
        return loaded


class Hexadecimal(Integer):
    def toString(self, inObject: int) -> bytes:
        return b"%x" % inObject

    def fromString(self, inString: bytes) -> int:
        return int(inString, 16)


class Wrong(Argument):
    def toString(self, inObject: object) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return "text"


class Split(Argument):
    """Takes as many keys as it needs."""

    def toBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        strings[name] = objects.pop(name.decode())[:MAX_VALUE_LENGTH]

    def fromBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        objects[name.decode()] = strings.pop(name)


class Sum(Command):
    arguments = [(b"a", Integer()), (b"b", Hexadecimal()), (b"c", JSON(optional=True)), (b"d", Split())]
    response = [(b"total", Integer())]
    errors = {ZeroDivisionError: b"ZERO"}
    fatalErrors = {OverflowError: b"OVERFLOW", ValueError: b"VALUE"}


class More(Sum):
    commandName = b"more"
    arguments = [
        *Sum.arguments,
        (b"rows", AmpList([(b"when", DateTime()), (b"names", ListOf(Unicode()))])),
        (b"descriptor", Descriptor(optional=True)),
    ]


class Note(OneWayCommand):
    arguments = [(b"text", Unicode())]


class OldNote(Command):
    arguments = [(b"text", Unicode())]
    requiresAnswer = False


class Misspelled(Command):
    arguments = [("a", Integer())]  # type: ignore[list-item]  # pyright: ignore[reportAssignmentType]
    response = [(b"a", "Integer")]  # type: ignore[list-item]  # pyright: ignore[reportAssignmentType]
    errors = {"ZeroDivisionError": b"ZERO"}  # type: ignore[dict-item]  # pyright: ignore[reportAssignmentType]
    commandName = "text"  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


class Calculator(AMP):
    MAX_BOX_KEYS = 100
    MAX_BOX_LENGTH = None
    unknownErrorsAreFatal = False

    @Sum.responder
    def add(self, a: int, b: int, c: dict[str, Any] | None, d: bytes) -> dict[str, int]:
        return {"total": a + b}

    @Note.responder
    async def note(self, text: str) -> dict[str, Any]:
        await succeed(None)
        return {}

    def later(self, **arguments: Any) -> Deferred[dict[str, Any]]:
        return Deferred()

    More.responder(later)

    def amp_ECHO(self, box: AmpBox) -> AmpBox:
        return QuitBox(box) if b"last" in box else Box(a=b"1")

    def unhandledError(self, failure: Failure) -> None:
        failure.printTraceback()

    @Sum.responder
    def useless(self) -> None: ...

    Sum.responder(5)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]


async def call(proto: AMP) -> int:
    result = await proto.callRemote(Sum, a=1, b=2, d=b"")
    assert_type(result, dict[str, Any])
    total: int = result["total"]
    try:
        await proto.callRemote(More, rows=[])
    except (ZeroDivisionError, UnknownRemoteError):
        total = 0
    except RemoteAmpError as error:
        assert_type(error.errorCode, bytes)
        assert_type(error.fatal, bool)
    await proto.callRemote(Note, text="")  # type: ignore[misc]  # pyright: ignore[reportGeneralTypeIssues]
    return total


def callbacks(proto: AMP, answered: bool) -> None:
    assert_type(proto.callRemote(Sum, a=1), Deferred[dict[str, Any]])
    assert_type(proto.callRemote(OldNote, text=""), Deferred[dict[str, Any]])  # only the base tells a checker
    proto.callRemote(Note, text="")
    proto.callRemote(Note, text="").addErrback(print)  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
    proto.callRemote("Sum")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    proto.callRemote(Sum(a=1))  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert_type(proto.callRemoteString(b"echo", a=b"1"), Deferred[AmpBox])
    assert_type(proto.callRemoteString(b"echo", requiresAnswer=answered), "Deferred[AmpBox] | None")
    proto.callRemoteString("echo")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    secured = proto.callRemote(StartTLS, tls_verifyAuthorities=[])
    secured.addCallback(lambda response: proto.peerCertificate)


class Switch(ProtocolSwitchCommand):
    arguments = [(b"name", String())]


def switch(proto: AMP) -> None:
    proto.callRemote(Switch, ClientFactory.forProtocol(Protocol), name=b"x")


@implementer(IBoxReceiver)
class Receiver:
    def startReceivingBoxes(self, boxSender: BinaryBoxProtocol) -> None:
        boxSender.sendBox(Box(a=b"1"))
        boxSender.sendBox({b"a": b"1"})  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    def ampBoxReceived(self, box: AmpBox) -> None:
        assert_type(box[b"a"], bytes)
        assert_type(box.copy(), AmpBox)
        assert_type(box.serialize(), bytes)

    def stopReceivingBoxes(self, reason: Failure) -> None: ...


class Locator(CommandLocator, SimpleStringLocator):
    def locateResponder(self, name: bytes) -> Any:
        return CommandLocator.locateResponder(self, name) or SimpleStringLocator.locateResponder(self, name)


def compose() -> AMP:
    dispatcher = BoxDispatcher(Locator())
    assert_type(dispatcher.callRemote(Sum, a=1), Deferred[dict[str, Any]])
    return AMP(boxReceiver=Receiver(), locator=Locator())


def incidental() -> None:
    assert_type(parseString(b"", strict=True), list[AmpBox])
    answer: Literal[b"_answer"] = amp.ANSWER
    keywords: list[str] = amp.PYTHON_KEYWORDS
    errors: dict[bytes, type[Exception]] = amp.PROTOCOL_ERRORS
    amp.TooLong(True, False, None)
    amp.TooLong("key", False, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    amp._stringsToObjects({b"a": b"1"}, Sum.arguments, None)
    print(answer, keywords, errors, amp._objectsToStrings, amp._TLSBox, amp._SwitchBox, amp._ParserHelper)


async def callWithin(protocol: AMP) -> None:
    """A call with a deadline has the types of any other call."""
    assert_type(await protocol.callRemoteWithin(1.5, Command), dict[str, Any])
    call = amp.currentCall()
    if call is not None:
        assert_type(call.deadline, "float | None")


class Transfer(Command):
    """Has streams."""

    arguments = [(b"data", amp.Stream()), (b"numbers", amp.StreamOf(amp.Integer(), optional=True))]


async def transfer(protocol: AMP, reader: amp.StreamReader, items: amp.ItemReader) -> None:
    """What reads a stream is typed as far as it can be."""
    sender = amp.StreamSender(b"x", lambda sent: assert_type(sent, int))
    pipe = amp.StreamPipe(limit=10)
    await protocol.callRemote(Transfer, data=sender, numbers=pipe)
    assert_type(sender.bytesSent, int)
    assert_type(pipe.whenFinished(), Deferred[None])
    async for piece in reader:
        assert_type(piece, bytes)
    assert_type(reader.deliverTo(pipe), Deferred[None])
    await items.collect("all")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    items.stop(b"ENOUGH", "text")


async def leave(protocol: AMP) -> None:
    """What goes beyond Twisted's AMP."""
    protocol.extended = True
    assert_type(protocol.leave(), Deferred[None])
    assert_type(await protocol.callRemote(amp.Describe), dict[str, Any])
    error: amp.LeavingError | amp.MissingFeatureError = amp.MissingFeatureError(b"more")
    print(error, amp.LeavingError(b"Sum", "peer").command)


class Extended(AMP):
    extended = True
    describes = True
    MAX_WAITING_BYTES = None

    def peerLeaves(self) -> None:
        print("it leaves")
