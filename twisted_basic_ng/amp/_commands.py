"""
Commands: the arguments and the response of a call, and the errors that it may end with.

A command is a class, and each instance is one call of it.  This file knows arguments, boxes and
responders.  All it knows of the connection is that it sends boxes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeVar

from twisted.internet.defer import Deferred, fail, maybeDeferred
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.python.reflect import accumulateClassDict

from .. import _accelerate
from .._places import public
from ._boxes import AmpBox, Box, newBox
from ._caller import SEND_BOX_COMMAND
from ._calls import Call
from ._constants import DEADLINE_ERROR_CODE, STREAMS, UNKNOWN_ERROR_CODE, UNKNOWN_ERROR_TEXT
from ._errors import InvalidSignature, RemoteAmpError, UnknownRemoteError
from ._explain import addToRepr, briefly, describePeerOf, explainWriting
from ._names import IDENTIFIERS
from ._responders import CommandLocator
from ._schema import HOOKS, readObjects
from ._streamtypes import NEEDED, bindReaders, bindStreams, hasStreams
from ._types import Objects, Schema, Strings

__all__ = ["Command", "OneWayCommand", "_CommandMeta"]

_T_Callable = TypeVar("_T_Callable", bound=Callable[..., object])
_Self = TypeVar("_Self")

for _each in (_T_Callable, _Self):
    public("amp")(_each)


def _requireBytes(command: str, what: str, names: list[Any]) -> None:
    """
    Check that the names which the command declares are bytes, since they go over the wire
    unchanged.

    Applications match the whole text of the error, so the advice is in the error's cause.
    """
    for name in names:
        if not isinstance(name, bytes):
            fix = f"write b{name!r}" if isinstance(name, str) and name.isascii() else "a name is ASCII, in bytes"
            advice = TypeError(f"{fix} in {command}: it goes over the wire as it is")
            raise TypeError(f"{what} names must be byte strings, got: {name!r}") from advice


def _unknownArgument(command: type, objects: Objects, arguments: Schema) -> InvalidSignature:
    """Make the error for the first argument that is not in the schema; there must be one."""
    names = _namesIn(arguments)
    unknown = next(name for name in objects if name not in names)
    return InvalidSignature(f"{unknown} is not a valid argument; {command.__name__} takes {', '.join(names) or 'none'}")


def _namesIn(arguments: Schema) -> list[str]:
    """Return the Python names of the arguments, each once."""
    return [*dict.fromkeys(IDENTIFIERS[name] for name, _ in arguments)]


@public("amp")
class _CommandMeta(type):
    """
    Names a command after its class, collects the errors of its bases, and checks its declarations.
    """

    def __new__(cls: type[_Self], name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        attrs.setdefault("commandName", name.encode("ascii"))
        allErrors = attrs["allErrors"] = {}
        reverseErrors = attrs["reverseErrors"] = {}
        command: Any = type.__new__(cls, name, bases, attrs)
        _requireBytes(name, "Command", [command.commandName])
        _requireBytes(name, "Argument", [each for each, _ in command.arguments])
        _requireBytes(name, "Response", [each for each, _ in command.response])
        command._ampHasStreams = hasStreams(command.arguments, command.response)
        for attribute, what in (("errors", "Error"), ("fatalErrors", "Fatal error")):
            inherited: dict[Any, Any] = {}
            accumulateClassDict(command, attribute, inherited)
            if not isinstance(getattr(command, attribute), dict):
                setattr(command, attribute, dict(getattr(command, attribute)))
            allErrors.update(inherited)
            reverseErrors.update({code: error for error, code in inherited.items()})
            _requireBytes(name, what, list(getattr(command, attribute).values()))
        return command


@public("amp")
class Command(metaclass=_CommandMeta):
    """
    A call that one peer can make to the other.  Subclass it to define a command.

    @cvar commandName: the name on the wire, as bytes; the name of the class by default.
    @cvar arguments: the arguments, as pairs of a name on the wire, in bytes, and a type.
    @cvar response: the values of the response, as pairs like those of C{arguments}.  The responder
        returns them as a dictionary.
    @cvar errors: the errors that a responder may fail with, and their codes on the wire.  A
        subclass adds to the errors of its bases.  The caller gets the same error with the same
        text.  Any other error reaches it as L{UnknownRemoteError}.
    @cvar fatalErrors: like C{errors}, but the connection is closed after one of these.
    @cvar allErrors: C{errors} and C{fatalErrors} together, with those of the bases.
    @cvar reverseErrors: the errors of C{allErrors}, by their codes.
    @cvar extra: not used.
    @cvar commandType: makes the box of a call.
    @cvar responseType: makes the box of an answer.
    @cvar requiresAnswer: whether the caller wants an answer.  If false, C{callRemote} returns
        C{None}.  A peer may still ask for an answer, so a responder must always return the values
        that C{response} declares.
    @ivar structured: the call's arguments.
    """

    commandName: ClassVar[bytes]
    arguments: ClassVar[Schema] = []
    response: ClassVar[Schema] = []
    extra: ClassVar[list[Any]] = []
    errors: ClassVar[Mapping[type[Exception], bytes] | Sequence[tuple[type[Exception], bytes]]] = {}
    fatalErrors: ClassVar[Mapping[type[Exception], bytes] | Sequence[tuple[type[Exception], bytes]]] = {}
    allErrors: ClassVar[dict[type[Exception], bytes]]
    reverseErrors: ClassVar[dict[bytes, type[Exception]]]

    commandType: ClassVar[Callable[[], Any]] = Box
    responseType: ClassVar[Callable[[], Any]] = Box

    requiresAnswer: ClassVar[bool] = True

    #: When its caller stops waiting, an L{twisted_basic_ng.amp._deadlines.Deadline}.
    _ampDeadline: Any = None

    #: Whether the call changes the connection for everything that follows it.
    _ampChangesConnection: ClassVar[bool] = False

    #: Whether an argument or a response value is a stream.
    _ampHasStreams: ClassVar[bool] = False

    def __init__(self, **kw: Any) -> None:
        """
        Make a call that can be sent.

        @param kw: the arguments, by their Python names.
        @raise InvalidSignature: a required argument is missing.
        """
        self.structured = kw
        arguments: Any = self.arguments
        if _accelerate.areGiven(arguments, kw, IDENTIFIERS):
            return
        forgotten = [IDENTIFIERS[name] for name, kind in arguments if IDENTIFIERS[name] not in kw and not kind.optional]
        if forgotten:
            takes = f"{type(self).__name__} takes {', '.join(_namesIn(arguments))}"
            raise InvalidSignature(f"forgot {', '.join(forgotten)} for {self.commandName!r}; {takes}")

    @classmethod
    def makeResponse(cls, objects: Any, proto: Any) -> Any:
        """
        Write a response to a box.

        @param objects: the values, by their Python names.
        @param proto: the protocol that will send the box.
        @return: the box, or a failed C{Deferred} if C{responseType} raises.
        """
        kind = cls.responseType
        try:
            box = newBox(AmpBox) if kind is AmpBox else kind()
        except BaseException:
            return fail()
        try:
            _accelerate.writeBox(objects, cls.response, box, proto, IDENTIFIERS, HOOKS)
        except BaseException as error:
            explainWriting(error, "response value", cls, cls.response, objects)
            raise
        if cls._ampHasStreams:
            bindStreams(box, cls)
        return box

    @classmethod
    def makeArguments(cls, objects: Objects, proto: Any) -> Any:
        """
        Write a call's arguments to a box.

        @param objects: the values, by their Python names.
        @param proto: the protocol that will send the box.
        @return: the box.
        @raise InvalidSignature: this command does not declare one of the arguments.
        """
        arguments = cls.arguments
        if not _accelerate.areKnown(arguments, objects, IDENTIFIERS):
            raise _unknownArgument(cls, objects, arguments)
        kind = cls.commandType
        box = newBox(AmpBox) if kind is AmpBox else kind()
        try:
            _accelerate.writeBox(objects, arguments, box, proto, IDENTIFIERS, HOOKS)
        except BaseException as error:
            explainWriting(error, "argument", cls, arguments, objects)
            raise
        if cls._ampHasStreams:
            bindStreams(box, cls)
            box[STREAMS] = NEEDED
        return box

    @classmethod
    def parseResponse(cls, box: Strings, protocol: Any) -> Objects:
        """
        Read a response from a box.

        @param box: the box that was received.
        @param protocol: the protocol that received it.
        @return: the values, by their Python names.
        @raise KeyError: a required value is missing.
        """
        objects = readObjects(box, cls.response, protocol, "response value", cls)
        if cls._ampHasStreams:
            bindReaders(objects, cls)
        return objects

    @classmethod
    def parseArguments(cls, box: Strings, protocol: Any) -> Objects:
        """
        Read a call's arguments from a box.

        @param box: the box that was received.
        @param protocol: the protocol that received it.
        @return: the values, by their Python names.
        @raise KeyError: a required argument is missing.
        """
        objects = readObjects(box, cls.arguments, protocol, "argument", cls)
        if cls._ampHasStreams:
            bindReaders(objects, cls)
        return objects

    @classmethod
    def responder(cls, methodfunc: _T_Callable) -> _T_Callable:
        """
        Declare a method as the responder of this command.  Use it as a decorator.

        Use it in the body of a L{CommandLocator}, such as L{twisted_basic_ng.amp.AMP}.  The next
        such class that is created takes the method, so do not create these classes in several
        threads at once.

        @param methodfunc: the method.  It takes the arguments by keyword.  It returns the response
            as a dictionary or as a C{Deferred} of one, or it is a coroutine function.
        @return: the method, unchanged.
        """
        CommandLocator._currentClassCommands.append((cls, methodfunc))
        return methodfunc

    def _doCommand(self, proto: Any) -> Any:
        """Send the call over C{proto}, and return the C{Deferred} of its response if it has one."""
        try:
            arguments = self.makeArguments(self.structured, proto)
        except ConnectionLost:  # from an argument that is sent on its own, such as a descriptor
            return fail() if self.requiresAnswer else None
        answering = proto._sendBoxCommand(self.commandName, arguments, self.requiresAnswer)
        if not self.requiresAnswer:
            return answering
        try:
            # Whether nobody has added a callback to the answer yet, and its parsed response is no
            # Deferred.
            isOwn = (
                type(answering) is Call
                and not answering.called
                and proto._sendBoxCommand.__func__ is SEND_BOX_COMMAND
                and self.parseResponse.__func__ is _PARSE_RESPONSE  # type: ignore[attr-defined]
            )
        except AttributeError:  # one of them is a plain function
            isOwn = False
        if isOwn:
            answering._ampCommand = self
            answering._ampProto = proto
        else:
            answering.addCallbacks(self._ampReadResponse, self._ampAsDeclared, (proto,), None, (proto,))
        return answering

    def _ampDoAndChange(self, proto: Any, doCommand: Callable[[Any], Any], change: Callable[[], object]) -> Any:
        """
        Send a call that changes the connection, after the calls that wait in line before it.

        @param doCommand: sends the call.
        @param change: makes the changes that last until the answer arrives.
        """
        extensions = getattr(proto, "_ampExtensions", None)
        if extensions is not None:
            later: Deferred[Any] = Deferred()

            def doLater() -> None:
                maybeDeferred(self._ampDoAndChange, proto, doCommand, change).chainDeferred(later)

            if extensions.postpone(doLater, later.errback, later.errback):
                return later
            extensions.changing()
        overload = getattr(proto, "_ampOverload", None)
        if overload is None:
            answering = doCommand(proto)
            change()
            return answering
        overload.beginChange()
        try:
            answering = doCommand(proto)
            change()
        finally:
            overload.endChange()
        return answering

    def _ampReadResponse(self, box: Strings, proto: Any) -> Any:
        """
        Read the peer's response; an application's own parser may turn it into the peer's error.
        """
        try:
            response: Any = self.parseResponse(box, proto)
        except RemoteAmpError:
            response = Failure()
        if type(response) is dict:
            return response
        # Outside the handler, so that an error raised here does not hold the handler's frames.
        if isinstance(response, Failure):
            return self._ampAsDeclared(response, proto)
        return response.addErrback(self._ampAsDeclared, proto) if isinstance(response, Deferred) else response

    def _ampAsDeclared(self, error: Failure, proto: Any) -> Failure:
        """
        Turn the peer's error into the one declared for its code, or into what creating that raises.
        """
        if not error.check(RemoteAmpError):
            return error
        remote: Any = error.value
        if self._ampDeadline is not None and remote.errorCode == DEADLINE_ERROR_CODE not in self.reverseErrors:
            return error  # what the deadline makes of it is no unknown error
        try:
            kind: Any = self.reverseErrors.get(remote.errorCode, UnknownRemoteError)
            declared = kind(remote.description)
        except BaseException:
            return Failure()
        if kind is UnknownRemoteError:
            self._ampExplainUnknown(declared, remote.errorCode, proto)
        return Failure(declared)

    def _ampExplainUnknown(self, error: UnknownRemoteError, code: bytes, proto: Any) -> None:
        """Say where to look for the peer's error, or which error to declare."""
        name, peer = type(self).__name__, describePeerOf(proto)
        if code != UNKNOWN_ERROR_CODE:
            more = f"{peer} answered {name} with the code {code!r}, which {name}.errors does not declare here"
        elif error.description == UNKNOWN_ERROR_TEXT:
            more = f"{peer} failed in responding to {name}, with an error that is in its log"
        else:
            return  # the peer's application sent a text of its own
        error.args = (f"{error.args[0]}; {more}",)

    # Differs from Twisted: a command shows its arguments.

    def __repr__(self) -> str:
        return addToRepr(super().__repr__(), "".join(f" {name}={briefly(value)}" for name, value in self._ampShown()))

    def _ampShown(self) -> list[tuple[str, object]]:
        """Return the arguments, as far as the application's own C{__init__} has set them."""
        return [*getattr(self, "structured", {}).items()]


#: Kept to notice an application's own C{parseResponse}.
_PARSE_RESPONSE: Final = Command.parseResponse.__func__  # type: ignore[attr-defined]


@public("amp")
class OneWayCommand(Command):
    """
    A call without an answer: C{callRemote} returns C{None}, and the caller learns of no error.

    C{requiresAnswer = False} has the same effect in any other command.  This base also tells type
    checkers about it.
    """

    requiresAnswer: ClassVar[Literal[False]] = False
