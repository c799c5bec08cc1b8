"""
Finding the responder of a command: a method that is declared for it, or one that is named after it.

Commands register their responders here (L{CommandLocator}).  This file knows three things of a
command: its name, how to read its boxes, and how to write them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any, ClassVar

from zope.interface import implementer

from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.python.failure import Failure

from .._places import public
from ._boxes import AmpBox
from ._errors import BadLocalReturn, RemoteAmpError
from ._interfaces import IResponderLocator
from ._types import Responder, RespondingCommand

__all__ = ["CommandLocator", "SerializingResponder", "SimpleStringLocator", "_CommandLocatorMeta"]


@public("amp")
class _CommandLocatorMeta(type):
    """
    Gives each class a table of responders: those of its bases and those declared in its body.

    C{Command.responder} adds the declarations to C{_currentClassCommands}, and the next class that
    is created takes them.  Applications' own decorators do the same.
    """

    _currentClassCommands: ClassVar[list[tuple[Any, Callable[..., Any]]]] = []

    def __new__(cls, name: str, bases: tuple[type, ...], attrs: dict[str, Any]) -> Any:
        declared = cls._currentClassCommands[:]
        cls._currentClassCommands.clear()
        dispatch = attrs["_commandDispatch"] = {}
        made: Any = type.__new__(cls, name, bases, attrs)
        for ancestor in reversed(made.__mro__[1:]):
            dispatch.update(getattr(ancestor, "_commandDispatch", {}))
        dispatch.update({command.commandName: (command, function) for command, function in declared})
        if bases and made.lookupFunction != CommandLocator.lookupFunction:
            made.locateResponder = _locateByLookupFunction
        return made


def _locateByLookupFunction(self: Any, name: bytes) -> Responder | None:
    """Find responders for a class that still overrides C{lookupFunction}."""
    warnings.warn("Override locateResponder, not lookupFunction.", PendingDeprecationWarning, stacklevel=2)
    found: Responder | None = self.lookupFunction(name)
    return found


class SerializingResponder:
    """A responder for boxes, built on a callable that works with values."""

    __slots__ = ("_command", "_function", "_proto")

    def __init__(self, function: Callable[..., Any], command: RespondingCommand, proto: Any) -> None:
        self._function = function
        self._command = command
        self._proto = proto

    def __repr__(self) -> str:
        return f"<responder to {self._command!r}: {self._function!r}>"

    def __call__(self, box: AmpBox) -> Deferred[Any]:
        """
        Respond to C{box}.

        @raise Exception: the box cannot be read.
        """
        answer = self.respond(box)
        return answer if isinstance(answer, Deferred) else succeed(answer)

    def respond(self, box: AmpBox) -> Any:
        """
        Respond to C{box}, at once if the callable does.

        @return: the answer box, or a C{Deferred} of it.
        @raise Exception: C{box} cannot be read.
        """
        arguments = self._command.parseArguments(box, self._proto)
        try:
            objects = self._function(**arguments)
            if type(objects) is dict:
                try:
                    answer = self._command.makeResponse(objects, self._proto)
                except BaseException:
                    raise self._unwritten(objects) from None
                # The type is compared first, because isinstance is slow here.
                if type(answer) is not AmpBox and isinstance(answer, Deferred):
                    answer.addErrback(self._declare)
                return answer
        except BaseException:
            return fail().addErrback(self._declare)
        return maybeDeferred(_returned, objects).addCallback(self._write).addErrback(self._declare)

    def _write(self, objects: Any) -> Any:
        try:
            return self._command.makeResponse(objects, self._proto)
        except BaseException:
            raise self._unwritten(objects) from None

    def _unwritten(self, objects: Any) -> BadLocalReturn:
        """
        Make an error that names the values that could not be written, and encloses the current
        exception.
        """
        message = f"{self._function!r} returned {objects!r} and {self._command!r} could not serialize it"
        return BadLocalReturn(message, Failure())

    def _declare(self, error: Failure) -> Failure:
        """Turn an error that the command declares into one that can be sent."""
        kind = error.check(*self._command.allErrors)
        if kind is None:
            return error
        code = self._command.allErrors[kind]
        return Failure(RemoteAmpError(code, str(error.value), kind in self._command.fatalErrors, local=error))


def _returned(result: Any) -> Any:
    """Return C{result}, so that C{maybeDeferred} can wrap a value that was returned before."""
    return result


@implementer(IResponderLocator)
@public("amp")
class CommandLocator(metaclass=_CommandLocatorMeta):
    """
    Responds to commands with the methods that C{Command.responder} declares for them.

    @cvar overriddenResponders: whether a method of a subclass replaces the declared method of the
        same name.  By default, and in Twisted, the declared method stays, unless you declare the
        overriding one as well.
    @cvar _commandDispatch: the command and its function, by the command's name on the wire.
        Applications read it.
    """

    overriddenResponders: bool = False
    _commandDispatch: ClassVar[dict[bytes, tuple[Any, Callable[..., Any]]]]

    def _wrapWithSerialization(self, aCallable: Callable[..., Any], command: RespondingCommand) -> Responder:
        """
        Make a responder for boxes from a callable that works with values.

        Applications use it for callables of their own.

        @param aCallable: takes the command's arguments by keyword, and returns its response, or a
            C{Deferred} or coroutine of it.
        @param command: the command that reads the arguments and writes the response.
        """
        return SerializingResponder(aCallable, command, self)

    def lookupFunction(self, name: bytes) -> Responder | None:
        """The old name of L{locateResponder}."""
        if self.__class__.lookupFunction != CommandLocator.lookupFunction:
            return CommandLocator.locateResponder(self, name)
        warnings.warn("Call locateResponder, not lookupFunction.", PendingDeprecationWarning, stacklevel=2)
        return self.locateResponder(name)

    def locateResponder(self, name: bytes) -> Responder | None:
        """
        Find the method that is declared for a command.

        @param name: the command's name on the wire.
        @return: a callable that takes the call's box; C{None} if no method is declared.
        """
        declared = self._commandDispatch.get(name)
        if declared is None:
            return None
        command, function = declared
        if self.overriddenResponders:
            function = getattr(type(self), function.__name__, function)
        return self._wrapWithSerialization(MethodType(function, self), command)


@implementer(IResponderLocator)
@public("amp")
class SimpleStringLocator:
    """
    Responds to commands with the methods that are named after them, which take and return boxes.

    @cvar baseDispatchPrefix: the prefix of such a method's name.  The command's name follows it in
        capitals.
    """

    baseDispatchPrefix = b"amp_"

    def locateResponder(self, name: bytes) -> Responder | None:
        """
        Find the method C{amp_NAME}.

        @param name: the command's name on the wire.
        @return: the method; C{None} if there is none.
        """
        try:
            method = (self.baseDispatchPrefix + name.upper()).decode("ascii")
        except UnicodeDecodeError:
            # Differs from Twisted: there is no such method, and the peer is told so.
            return None
        found: Responder | None = getattr(self, method, None)
        return found
