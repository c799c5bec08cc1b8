"""
Commands: what a call's arguments and response are, and which errors it may end with.

A command is a class; an instance is one call of it.  This file knows arguments, boxes and responders, and of the
connection only that boxes can be sent over it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.python.reflect import accumulateClassDict

from .. import _accelerate
from .._places import public
from ._boxes import AmpBox, Box, newBox
from ._caller import SEND_BOX_COMMAND
from ._calls import Call
from ._constants import DEADLINE_ERROR_CODE, UNKNOWN_ERROR_CODE, UNKNOWN_ERROR_TEXT
from ._errors import InvalidSignature, RemoteAmpError, UnknownRemoteError
from ._explain import addToRepr, briefly, describePeerOf, explainWriting
from ._names import IDENTIFIERS
from ._responders import CommandLocator
from ._schema import HOOKS, readObjects
from ._types import Objects, Schema, Strings

__all__ = ["Command", "OneWayCommand", "_CommandMeta"]

_T_Callable = TypeVar("_T_Callable", bound=Callable[..., object])
_Self = TypeVar("_Self")

for _each in (_T_Callable, _Self):
    public("amp")(_each)


def _requireBytes(command: str, what: str, names: list[Any]) -> None:
    """
    Check the names that the command declares: they go over the wire as they are.

    Applications match the whole text of the error, so its cause says what to do.
    """
    for name in names:
        if not isinstance(name, bytes):
            fix = f"write b{name!r}" if isinstance(name, str) and name.isascii() else "a name is ASCII, in bytes"
            advice = TypeError(f"{fix} in {command}: it goes over the wire as it is")
            raise TypeError(f"{what} names must be byte strings, got: {name!r}") from advice


def _unknownArgument(command: type, objects: Objects, arguments: Schema) -> InvalidSignature:
    """Say which argument is not in the schema; there is one."""
    names = _namesIn(arguments)
    unknown = next(name for name in objects if name not in names)
    return InvalidSignature(f"{unknown} is not a valid argument; {command.__name__} takes {', '.join(names) or 'none'}")


def _namesIn(arguments: Schema) -> list[str]:
    """The names of arguments in Python, each once."""
    return [*dict.fromkeys(IDENTIFIERS[name] for name, _ in arguments)]


@public("amp")
class _CommandMeta(type):
    """Names a command after its class, gathers the errors of its bases, and checks what it declares."""

    def __new__(cls: type[_Self], name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        attrs.setdefault("commandName", name.encode("ascii"))
        allErrors = attrs["allErrors"] = {}
        reverseErrors = attrs["reverseErrors"] = {}
        command: Any = type.__new__(cls, name, bases, attrs)
        _requireBytes(name, "Command", [command.commandName])
        _requireBytes(name, "Argument", [each for each, _ in command.arguments])
        _requireBytes(name, "Response", [each for each, _ in command.response])
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
    A call that one peer can make to the other.  Subclass it to define one.

    @cvar commandName: its name on the wire; that of the class, unless it is given.
    @cvar arguments: the names on the wire, as bytes, and the types of the arguments.
    @cvar response: the same of what the responder returns, which is a dictionary.
    @cvar errors: the errors that a responder may fail with, and their codes on the wire; a subclass adds to those
        of its bases.  The caller gets the same error with the same text; any other is L{UnknownRemoteError}.
    @cvar fatalErrors: the same; but the connection is closed after one of these.
    @cvar allErrors: both, with those of the bases.
    @cvar reverseErrors: the same, by code.
    @cvar extra: not used.
    @cvar commandType: makes the box that asks.
    @cvar responseType: makes the box that answers.
    @cvar requiresAnswer: false for a call that wants no answer: C{callRemote} then returns C{None}.  A peer may want
        one nevertheless, so a responder always has to return what C{response} says.
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

    #: Nothing is as it was behind this call.
    _ampChangesConnection: ClassVar[bool] = False

    def __init__(self, **kw: Any) -> None:
        """
        Make a call, to be sent.

        @param kw: its arguments, by their names in Python.
        @raise InvalidSignature: a required one is missing.
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
        Write a response.

        @param objects: its values, by their names in Python.
        @param proto: the protocol that will send it.
        @return: the box; a failed C{Deferred} if C{responseType} makes none.
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
        return box

    @classmethod
    def makeArguments(cls, objects: Objects, proto: Any) -> Any:
        """
        Write a call's arguments.

        @param objects: their values, by their names in Python.
        @param proto: the protocol that will send them.
        @return: the box.
        @raise InvalidSignature: an argument is none of this command's.
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
        return box

    @classmethod
    def parseResponse(cls, box: Strings, protocol: Any) -> Objects:
        """
        Read a response.

        @param box: what came.
        @param protocol: the protocol that received it.
        @return: its values, by their names in Python.
        @raise KeyError: a required one is missing.
        """
        return readObjects(box, cls.response, protocol, "response value", cls)

    @classmethod
    def parseArguments(cls, box: Strings, protocol: Any) -> Objects:
        """
        Read a call's arguments.

        @param box: what came.
        @param protocol: the protocol that received it.
        @return: their values, by their names in Python.
        @raise KeyError: a required one is missing.
        """
        return readObjects(box, cls.arguments, protocol, "argument", cls)

    @classmethod
    def responder(cls, methodfunc: _T_Callable) -> _T_Callable:
        """
        Declare, as its decorator, that a method responds to this command.

        It belongs into the body of a L{CommandLocator}, L{twisted_basic_ng.amp.AMP} for one: the next such class that
        is made takes the method, so it is not for several threads at once.

        @param methodfunc: the method.  It takes the arguments by keyword, and returns the response, a dictionary, or a
            C{Deferred} of it, or is a coroutine function.
        @return: the method, as it was.
        """
        CommandLocator._currentClassCommands.append((cls, methodfunc))
        return methodfunc

    def _doCommand(self, proto: Any) -> Any:
        """Send the call over C{proto}; return the C{Deferred} of its response, if there will be one."""
        try:
            arguments = self.makeArguments(self.structured, proto)
        except ConnectionLost:  # an argument that is sent by itself, a descriptor for one
            return fail() if self.requiresAnswer else None
        if self._ampDeadline is not None:
            arguments = self._ampDeadline.written(arguments)
        answering = proto._sendBoxCommand(self.commandName, arguments, self.requiresAnswer)
        if not self.requiresAnswer:
            return answering
        try:
            # Has nobody added a callback to the answer yet, and is what is read of it no Deferred?
            isOwn = (
                type(answering) is Call
                and not answering.called
                and proto._sendBoxCommand.__func__ is SEND_BOX_COMMAND
                and self.parseResponse.__func__ is _PARSE_RESPONSE  # type: ignore[attr-defined]
            )
        except AttributeError:  # one of them is a function
            isOwn = False
        if isOwn:
            answering._ampCommand = self
            answering._ampProto = proto
        else:
            answering.addCallbacks(self._ampReadResponse, self._ampAsDeclared, (proto,), None, (proto,))
        return answering

    def _ampDoAndChange(self, proto: Any, doCommand: Callable[[Any], Any], change: Callable[[], object]) -> Any:
        """
        Send a call that changes the connection, and all that waits in line in front of it.

        @param doCommand: sends it.
        @param change: changes what is to be different until the answer comes.
        """
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
        """Read the peer's response; what an application's way to read it makes of it may be the peer's error, too."""
        try:
            response: Any = self.parseResponse(box, proto)
        except RemoteAmpError:
            response = Failure()
        if type(response) is dict:
            return response
        if isinstance(response, Failure):  # not in the handler: what is raised here must not hold the frames of that
            return self._ampAsDeclared(response, proto)
        return response.addErrback(self._ampAsDeclared, proto) if isinstance(response, Deferred) else response

    def _ampAsDeclared(self, error: Failure, proto: Any) -> Failure:
        """Turn the peer's error into the one that the command declares for its code, or what making that raises."""
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
        """Say where to look for the peer's error, or which error is to be declared."""
        name, peer = type(self).__name__, describePeerOf(proto)
        if code != UNKNOWN_ERROR_CODE:
            more = f"{peer} answered {name} with the code {code!r}, which {name}.errors does not declare here"
        elif error.description == UNKNOWN_ERROR_TEXT:
            more = f"{peer} failed in responding to {name}, with an error that is in its log"
        else:
            return  # the peer's application has a text of its own
        error.args = (f"{error.args[0]}; {more}",)

    # Differs from Twisted: a command shows its arguments.

    def __repr__(self) -> str:
        return addToRepr(super().__repr__(), "".join(f" {name}={briefly(value)}" for name, value in self._ampShown()))

    def _ampShown(self) -> list[tuple[str, object]]:
        """The arguments, as far as the application's own C{__init__} has set them."""
        return [*getattr(self, "structured", {}).items()]


#: Remembered, as others.
_PARSE_RESPONSE: Final = Command.parseResponse.__func__  # type: ignore[attr-defined]


@public("amp")
class OneWayCommand(Command):
    """
    A call that wants no answer, and whose errors the caller does not learn: C{callRemote} returns C{None}.

    It is what C{requiresAnswer = False} makes of any other command; type checkers see it in the base.
    """

    requiresAnswer: ClassVar[Literal[False]] = False
