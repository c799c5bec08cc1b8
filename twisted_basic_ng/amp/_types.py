"""
The types that several files of this package share.

A file imports only the files below it.  A class that needs something of a class above it names a
C{Protocol} from here, which lists exactly the members that it uses.  So this file is also the list
of what the layers expect of each other.

The C{Protocol}s are for type checkers.  No object is tested against one at run time, because an
application may put any object in those places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, Union

from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from twisted.python.failure import Failure

    from ._boxes import AmpBox
    from ._errors import AmpError

__all__ = [
    "AnswerReader",
    "AnyCommand",
    "AnyOneWayCommand",
    "ArgumentType",
    "BoundedSender",
    "BoxDispatch",
    "CallDropper",
    "CallResponder",
    "DeliveringReader",
    "DescriptorCarrier",
    "Dispatcher",
    "ErrorGuardian",
    "ExtendedDispatcher",
    "ExtendedSender",
    "InboxesTable",
    "Objects",
    "Responder",
    "RespondingCommand",
    "Schema",
    "SourceWriter",
    "StreamConnection",
    "StreamSource",
    "Strings",
    "SwitchableProtocol",
    "TLSCredentials",
    "TLSStarter",
    "WaitingCommand",
    "WatchedConnection",
]

#: Values by their Python names.
Objects: TypeAlias = "dict[str, Any]"

#: The written values by their names on the wire.
Strings: TypeAlias = "dict[bytes, bytes]"


class ArgumentType(Protocol):
    """
    An L{twisted_basic_ng.amp.IArgumentType}, for type checkers without support for zope.interface.
    """

    def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> object: ...

    def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> object: ...


#: The type of a command's C{arguments} and C{response}.
Schema: TypeAlias = Sequence[tuple[bytes, ArgumentType]]

#: Takes the box of a call and returns the answer box.
Responder: TypeAlias = Callable[["AmpBox"], Union["AmpBox", Deferred["AmpBox"]]]


class TLSCredentials(Protocol):
    """What one side of a TLS connection presents, for example a C{PrivateCertificate}."""

    def options(self, *authorities: Any) -> Any:
        """
        Make the argument of C{transport.startTLS}.  It verifies the peer if there are authorities.
        """


# What the calling half of a dispatcher needs of commands, which are defined above it.


class AnyCommand(Protocol):
    """A call of a L{twisted_basic_ng.amp.Command}, as C{callRemote} sees it."""

    def _doCommand(self, proto: Any) -> Any: ...


class AnyOneWayCommand(Protocol):
    """A call of an L{twisted_basic_ng.amp.OneWayCommand}, as C{callRemote} sees it."""

    requiresAnswer: ClassVar[Literal[False]]

    def _doCommand(self, proto: Any) -> Any: ...


class AnswerReader(Protocol):
    """A command that reads the box or the error that answers it."""

    def _ampReadResponse(self, box: Any, proto: Any) -> Any: ...

    def _ampAsDeclared(self, error: Failure, proto: Any) -> Failure: ...


class WaitingCommand(Protocol):
    """A command that waits in line to be sent."""

    structured: Objects

    def makeArguments(self, objects: Objects, proto: Any) -> Any: ...

    def _doCommand(self, proto: Any) -> Any: ...


# What responders need of commands.


class RespondingCommand(Protocol):
    """A command class that reads the boxes of calls and writes the boxes of answers."""

    allErrors: Mapping[type[Exception], bytes]
    fatalErrors: Any

    def parseArguments(self, box: Any, protocol: Any) -> Objects: ...

    def makeResponse(self, objects: Any, proto: Any) -> Any: ...


# What the files below a dispatcher need of it.


class BoxDispatch(Protocol):
    """
    The object that a command is sent over: a L{twisted_basic_ng.amp.BoxDispatcher} or a substitute.
    """

    def _sendBoxCommand(self, command: bytes, box: AmpBox, requiresAnswer: bool = ...) -> Any: ...


class ErrorGuardian(Protocol):
    """A dispatcher that is told of errors that no callback handled."""

    def unhandledError(self, failure: Failure) -> Any: ...


class CallResponder(Protocol):
    """The answering half of a dispatcher, for the queue of the peer's calls."""

    def _commandReceived(self, box: AmpBox) -> Any: ...

    def _ampAnswerCancelled(self, box: AmpBox) -> None: ...

    def _ampChangesConnection(self, box: AmpBox) -> bool: ...


class CallDropper(Protocol):
    """The calling half of a dispatcher, for the line of our own calls."""

    _ampCancelledRequests: dict[bytes, None] | None
    _failAllReason: Failure | None

    def failAllOutgoing(self, reason: Failure) -> None: ...

    def _nextTag(self) -> bytes: ...

    def _ampDropAnswer(self, tag: bytes) -> None: ...

    def _ampIsDropped(self, tag: bytes) -> bool: ...

    def _ampFailUnsent(self, tag: bytes, error: Failure) -> None: ...


class Dispatcher(CallResponder, CallDropper, Protocol):
    """Both halves of a dispatcher."""


# What the files below a connection need of it.


class BoundedSender(Protocol):
    """A connection whose peer can be held, for the limits on the calls of both sides."""

    MAX_BOX_LENGTH: int | None
    _startingTLSBuffer: Any
    _locked: bool
    _justStartedTLS: bool
    _ampIsPausedByApplication: bool

    def sendBox(self, box: AmpBox) -> None: ...

    def unhandledError(self, failure: Failure) -> None: ...

    def _ampIsUnsent(self) -> bool: ...

    def _ampHoldPeer(self) -> None: ...

    def _ampLetPeerGo(self) -> None: ...

    def _ampAbort(self, error: AmpError) -> None: ...


class ExtendedDispatcher(CallDropper, Protocol):
    """A dispatcher whose connection can have features beyond Twisted's AMP."""

    boxSender: Any
    _outstandingRequests: dict[bytes, Any] | None
    _ampOverload: Any
    _ampExtensions: Any

    def unhandledError(self, failure: Failure) -> Any: ...

    def _ampFailAnswer(self, box: AmpBox, error: Failure) -> None: ...

    def _ampCancelAsked(self, tag: bytes) -> None: ...

    def peerLeaves(self) -> None: ...


class ExtendedSender(Protocol):
    """A connection that can have features beyond Twisted's AMP."""

    MAX_BOX_LENGTH: int | None
    MAX_BOX_KEYS: int | None
    MAX_UNSENT_BYTES: int | None
    MAX_WAITING_BYTES: int | None
    transport: Any
    _startingTLSBuffer: Any
    _ampExtensions: Any

    def sendBox(self, box: AmpBox) -> None: ...

    def _ampSendNext(self, box: AmpBox) -> None: ...

    def _ampSendAside(self, box: AmpBox) -> None: ...

    def _ampUpdateDetour(self) -> None: ...

    def _ampRefuse(self, error: AmpError) -> None: ...

    def _ampAbort(self, error: AmpError) -> None: ...

    def _ampLeavePeer(self) -> None: ...


class WatchedConnection(Protocol):
    """A connection that notices when its peer is gone."""

    KEEPALIVE_INTERVAL: float | None
    KEEPALIVE_TIME: float | None
    transport: Any
    paused: bool
    _locked: bool

    def sendBox(self, box: AmpBox) -> None: ...

    def _ampAbort(self, error: AmpError) -> None: ...


class DescriptorCarrier(Protocol):
    """A connection that passes file descriptors beside its boxes."""

    def _getDescriptor(self, number: int) -> int: ...

    def _sendFileDescriptor(self, descriptor: int) -> int: ...


class SwitchableProtocol(Protocol):
    """A connection that can switch to another protocol."""

    innerProtocol: Any
    transport: Any

    def _lockForSwitch(self) -> None: ...

    def _unlockFromSwitch(self) -> None: ...

    def _switchTo(self, newProto: Any, clientFactory: Any = ...) -> None: ...


class TLSStarter(Protocol):
    """A connection that can start TLS."""

    transport: Any

    def _prepareTLS(self, certificate: TLSCredentials, verifyAuthorities: Any) -> None: ...

    def _startTLS(self, certificate: TLSCredentials, verifyAuthorities: Any) -> None: ...

    def _ampAbandonTLS(self, refused: bool) -> None: ...


# What the files of streams need of each other.


class StreamConnection(Protocol):
    """A connection that streams go over."""

    STREAM_WINDOW: int
    MAX_STREAMS: int
    MAX_STREAM_BYTES: int
    _locked: bool
    _startingTLSBuffer: Any

    def sendBox(self, box: AmpBox) -> None: ...

    def _ampRefuse(self, error: AmpError) -> None: ...

    def _ampWritePiece(self, data: bytes) -> None: ...

    def _ampWaitUntilSent(self, listener: Callable[[], object]) -> bool: ...

    def _ampWaitNoMore(self) -> None: ...


class WritersTable(Protocol):
    """The streams of a connection, for one that this side sends."""

    def queue(self, writer: Any) -> None: ...

    def emit(self, box: AmpBox) -> None: ...

    def emitBytes(self, data: bytes) -> None: ...

    def forgetWriter(self, writer: Any) -> None: ...


class InboxesTable(Protocol):
    """The streams of a connection, for one that the peer sends."""

    soon: Callable[..., object]

    @property
    def window(self) -> int: ...

    def stop(self, inbox: Any, code: bytes, text: str) -> None: ...

    def grant(self, inbox: Any, size: int) -> None: ...

    def lend(self, wanted: int) -> int: ...

    def release(self, inbox: Any) -> None: ...


class SourceWriter(Protocol):
    """The sending end of a stream, for its source."""

    size: int
    piece: int

    def isFull(self) -> bool: ...

    def wantsMore(self) -> bool: ...

    def write(self, data: bytes) -> None: ...

    def end(self) -> None: ...

    def fail(self, failure: Failure) -> None: ...


class StreamSource(Protocol):
    """What gives the bytes of a stream, for its writer."""

    def begin(self, writer: Any) -> None: ...

    def more(self) -> None: ...

    def stop(self, failure: Failure) -> None: ...

    def sent(self, size: int) -> None: ...

    def finished(self, failure: Failure | None) -> None: ...


class DeliveringReader(Protocol):
    """The reader of a stream whose values are delivered."""

    _ampInbox: Any
    _ampDelivery: Any

    def _ampNext(self) -> Any: ...

    def _ampIsOver(self) -> bool: ...

    def _ampFailure(self) -> Failure | None: ...

    def stop(self) -> None: ...
