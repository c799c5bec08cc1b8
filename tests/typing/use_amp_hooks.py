"""
How applications override and call what is behind AMP's calls, for mypy and pyright; it is never run.

A line that must not type-check says so to both, as in C{use_amp.py}.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeVar

from typing_extensions import assert_type
from zope.interface import implementer

from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from twisted_basic_ng import amp
from twisted_basic_ng.amp import (
    AMP,
    ASK,
    AmpBox,
    Argument,
    BinaryBoxProtocol,
    BoxDispatcher,
    Command,
    CommandLocator,
    IArgumentType,
    Integer,
    IResponderLocator,
    ListOf,
    ProtocolSwitchCommand,
    QuitBox,
    RemoteAmpError,
    StartTLS,
    String,
    Unicode,
)

_Function = TypeVar("_Function", bound=Callable[..., object])


@implementer(IArgumentType)
class Whole:
    """A type of argument that is none of ours."""

    optional = True

    def fromBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        objects["whole"] = dict(strings)

    def toBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        strings[name] = b""


class Half:
    """One that cannot be written."""

    def fromBox(self, name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None: ...


class Choice(Argument):
    """One whose own C{__init__} calls nobody, and which gets its value elsewhere."""

    def __init__(self, *choices: str) -> None:
        self.choices = choices

    def retrieve(self, d: dict[Any, Any], name: Any, proto: Any) -> Any:
        return d.pop(name, self.choices[0])

    def fromStringProto(self, inString: bytes, proto: AMP) -> str:
        return self.choices[int(inString)]

    def toStringProto(self, inObject: str, proto: AMP) -> bytes:
        return b"%d" % self.choices.index(inObject)


class SignedBox(AmpBox):
    def __init__(self, key: bytes = b"") -> None:
        super().__init__(_key=key)

    def _sendTo(self, proto: BinaryBoxProtocol) -> None:
        super()._sendTo(proto)
        proto.pauseProducing()


class Signed(Command):
    arguments = [(b"choice", Choice("a", "b")), (b"whole", Whole()), (b"list", ListOf(Choice("a")))]
    response = [(b"numbers", ListOf(Integer(optional=True)))]
    errors = [(KeyError, b"KEY")]
    fatalErrors = {OSError: b"OS"}
    commandType = SignedBox
    responseType = QuitBox

    @classmethod
    def makeArguments(cls, objects: dict[str, Any], proto: AMP) -> AmpBox:
        box: AmpBox = super().makeArguments(objects, proto)
        box[b"signature"] = b"1"
        return box

    @classmethod
    def parseResponse(cls, box: dict[bytes, bytes], protocol: AMP) -> dict[str, Any]:
        return super().parseResponse(box, protocol)


class Wrong(Command):
    arguments = [(b"half", Half())]  # type: ignore[list-item]  # pyright: ignore[reportAssignmentType]
    fatalErrors = {KeyError: "KEY"}  # type: ignore[dict-item]  # pyright: ignore[reportAssignmentType]
    requiresAnswer = "no"  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]


class Secure(StartTLS):
    arguments = [*StartTLS.arguments, (b"name", Unicode())]


def responds(command: type[Command]) -> Callable[[_Function], _Function]:
    """A decorator of an application's own."""

    def decorate(function: _Function) -> _Function:
        CommandLocator._currentClassCommands.append((command, function))
        return function

    return decorate


class Game(AMP):
    """Overrides what a connection does, and a conversation."""

    MAX_LENGTH = 100
    MAX_PENDING_DESCRIPTORS = None
    plaintextAfterRefusedTLS = True
    overriddenResponders = True

    def __init__(self, name: str) -> None:
        self.name = name

    @responds(Signed)
    def signed(self, choice: str, whole: dict[bytes, bytes], list: list[str]) -> dict[str, Any]:  # noqa: A002
        return {"numbers": [1]}

    @StartTLS.responder
    def secure(self) -> dict[str, Any]:
        return {"tls_localCertificate": None}

    def makeConnection(self, transport: Any) -> None:
        if not self._ampInitialized:
            AMP.__init__(self)
        self._transportPeer, self._transportHost = transport.getPeer(), transport.getHost()
        BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        super().connectionLost(reason)

    def dataReceived(self, data: bytes) -> None:
        try:
            super().dataReceived(data)
        except KeyError:
            assert_type(self.recvd, bytes)

    def stringReceived(self, string: bytes) -> None:
        self.state = str(getattr(self, "proto_" + self.state)(string))

    def proto_key(self, string: bytes) -> str:
        return super().proto_key(string.upper())

    def lengthLimitExceeded(self, length: int) -> None:
        self.unhandledError(Failure(ValueError(length)))

    def locateResponder(self, name: bytes) -> Any:
        return super().locateResponder(name.lower())

    def dispatchCommand(self, box: AmpBox) -> Deferred[AmpBox]:
        return super().dispatchCommand(box).addErrback(self._mapped)

    def _mapped(self, failure: Failure) -> AmpBox:
        raise RemoteAmpError(b"MAPPED", failure.getErrorMessage(), fatal=True, local=failure)

    def _sendBoxCommand(self, command: bytes, box: AmpBox, requiresAnswer: bool = True) -> Deferred[AmpBox] | None:
        box[b"_name"] = self.name.encode()
        return super()._sendBoxCommand(command, box, requiresAnswer)

    def _commandReceived(self, box: AmpBox) -> None:
        if ASK in box:
            self.dispatchCommand(box).addCallback(self._safeEmit)

    def ampBoxReceived(self, box: AmpBox) -> None:
        super().ampBoxReceived(box)

    def waiting(self) -> int:
        return len(self._outstandingRequests or {})


class Misled(AMP):
    """Overrides what it should not like this."""

    MAX_BOX_KEYS = "many"  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]

    def ampBoxReceived(self, box: AmpBox, more: int) -> None: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]

    def dispatchCommand(self, box: AmpBox) -> str:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return "text"

    def locateResponder(self, name: str) -> Any: ...  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]


@implementer(IResponderLocator)
class Locators:
    """Several locators in the place of one."""

    def __init__(self, *locators: CommandLocator) -> None:
        self.locators = locators

    def locateResponder(self, name: bytes) -> Callable[[AmpBox], Any] | None:
        for each in self.locators:
            if name in each._commandDispatch:
                command, function = each._commandDispatch[name]
                return each._wrapWithSerialization(function, command)
        return None


class GameFactory(Factory):
    def buildProtocol(self, addr: IAddress | None) -> AMP:
        return AMP(locator=Locators(CommandLocator()))


class SwitchTo(ProtocolSwitchCommand):
    arguments = [(b"name", String())]


@inlineCallbacks
def oldCoroutine(game: Game) -> Generator[Deferred[dict[str, Any]], dict[str, Any], int]:
    response = yield game.callRemote(Signed, choice="a")
    return len(response["numbers"])


async def several(game: Game, commands: list[type[Command]]) -> list[dict[str, Any]]:
    results = await gatherResults([game.callRemote(each) for each in commands])
    answer: dict[str, Any] = await game.callRemote(Secure, name="x")
    number: int = await game.callRemote(Secure, name="x")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    game.callRemote(Signed).addCallback(lambda response: response["numbers"]).addErrback(game.unhandledError)
    game.callRemote(Signed).addCallback(len).addCallback(str.upper)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    await game.callRemoteString("name")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    return [*results, answer, {"number": number}]


def onInstances(game: Game, dispatcher: BoxDispatcher) -> None:
    game.locator = CommandLocator()
    game.boxReceiver = dispatcher
    game.boxSender = game
    game.MAX_LENGTH = 5
    game.MAX_LENGTH = "many"  # type: ignore[assignment]  # pyright: ignore[reportAttributeAccessIssue]
    game.MAX_BOX_LENGTH = None
    game.unknownErrorsAreFatal = game.unhandledErrorsAreFatal = False
    game.noPeerCertificate = True
    game.hostCertificate = None
    game.peerCertificate = None  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    amp.PYTHON_KEYWORDS.append("async")
    amp.PYTHON_KEYWORDS.append(b"async")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert_type(amp._wireNameToPythonIdentifier(b"from"), str)
    assert_type(AmpBox(a=b"1").serialize(), bytes)
    amp.TooLong(False, True, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
