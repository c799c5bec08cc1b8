"""
Finding who responds to a command: by the commands that methods were declared for, or by the names of methods.

Commands register their responders here (L{CommandLocator}); this file knows a command only by what it offers:
its name, and reading and writing its boxes.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import MethodType
from typing import Any, ClassVar

from zope.interface import implementer

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from ._boxes import AmpBox
from ._errors import BadLocalReturn, RemoteAmpError
from ._interfaces import IResponderLocator
from ._types import Responder

__all__ = ["CommandLocator", "SimpleStringLocator", "_CommandLocatorMeta"]


class _CommandLocatorMeta(type):
    """
    Gives each class its own table of responders: those of its bases, and those declared in its body.

    C{Command.responder} puts the declarations into C{_currentClassCommands}; the next class that is made takes them.
    Applications' own decorators do the same.
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
    """Locate as a class does that still overrides C{lookupFunction}."""
    warnings.warn("Override locateResponder, not lookupFunction.", PendingDeprecationWarning, stacklevel=2)
    found: Responder | None = self.lookupFunction(name)
    return found


@implementer(IResponderLocator)
class CommandLocator(metaclass=_CommandLocatorMeta):
    """
    Responds to commands with the methods that are declared for them by C{Command.responder}.

    @cvar overriddenResponders: whether a subclass's method of the same name takes the place of the one that was
        declared.  In Twisted, and by default, the declared one stays unless the override is declared, too.
    @cvar _commandDispatch: by the command's name on the wire, the command and the function; applications look there.
    """

    overriddenResponders: bool = False
    _commandDispatch: ClassVar[dict[bytes, tuple[Any, Callable[..., Any]]]]

    def _wrapWithSerialization(self, aCallable: Callable[..., Any], command: Any) -> Responder:
        """
        Make a responder that takes and gives boxes of one that takes and gives values.

        Applications use it for callables of their own.

        @param aCallable: takes the command's arguments by keyword; returns its response, or a C{Deferred} or coroutine
            of it.
        @param command: the command that reads the one and writes the other.
        """

        def respond(box: AmpBox) -> Deferred[Any]:
            arguments = command.parseArguments(box, self)
            return _call(aCallable, arguments).addCallback(write).addErrback(declare)

        def write(objects: Any) -> Any:
            try:
                return command.makeResponse(objects, self)
            except BaseException:
                message = f"{aCallable!r} returned {objects!r} and {command!r} could not serialize it"
                raise BadLocalReturn(message, Failure()) from None

        def declare(error: Failure) -> Failure:
            kind = error.trap(*command.allErrors)
            code = command.allErrors[kind]
            return Failure(RemoteAmpError(code, str(error.value), kind in command.fatalErrors, local=error))

        return respond

    def lookupFunction(self, name: bytes) -> Responder | None:
        """Do what L{locateResponder} does; its old name."""
        if self.__class__.lookupFunction != CommandLocator.lookupFunction:
            return CommandLocator.locateResponder(self, name)
        warnings.warn("Call locateResponder, not lookupFunction.", PendingDeprecationWarning, stacklevel=2)
        return self.locateResponder(name)

    def locateResponder(self, name: bytes) -> Responder | None:
        """
        Find the method that was declared for a command.

        @param name: the command's name on the wire.
        @return: what takes the box that asks; C{None} if no method was declared.
        """
        declared = self._commandDispatch.get(name)
        if declared is None:
            return None
        command, function = declared
        if self.overriddenResponders:
            function = getattr(type(self), function.__name__, function)
        return self._wrapWithSerialization(MethodType(function, self), command)


# Differs from Twisted: the arguments may have any names, f for example, which maybeDeferred has itself.
def _call(function: Callable[..., Any], arguments: dict[str, Any]) -> Deferred[Any]:
    return maybeDeferred(lambda: function(**arguments))


@implementer(IResponderLocator)
class SimpleStringLocator:
    """
    Responds to commands with the methods that are named for them, which take and give boxes.

    @cvar baseDispatchPrefix: what precedes the command's name, in capitals, in that of the method.
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
            # Differs from Twisted: there is no such method, and a peer that asks for it is told so.
            return None
        found: Responder | None = getattr(self, method, None)
        return found
