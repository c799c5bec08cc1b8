"""
Names for types that many files of this package speak of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

from twisted.internet.defer import Deferred

if TYPE_CHECKING:
    from ._boxes import AmpBox

__all__ = ["ArgumentType", "BoxDispatch", "Objects", "Responder", "Schema", "Strings", "TLSCredentials"]

#: Values by their names in Python.
Objects: TypeAlias = "dict[str, Any]"

#: Their written form by their names on the wire.
Strings: TypeAlias = "dict[bytes, bytes]"


class ArgumentType(Protocol):
    """An L{twisted_basic_ng.amp.IArgumentType}, for type checkers that do not know interfaces."""

    def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> object: ...

    def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> object: ...


#: What a command's C{arguments} and C{response} are.
Schema: TypeAlias = Sequence[tuple[bytes, ArgumentType]]

#: What takes a box that asks, and gives the one that answers.
Responder: TypeAlias = Callable[["AmpBox"], Union["AmpBox", Deferred["AmpBox"]]]


class BoxDispatch(Protocol):
    """What a command is sent over: L{twisted_basic_ng.amp.BoxDispatcher} and what is used like one."""

    def _sendBoxCommand(self, command: bytes, box: AmpBox, requiresAnswer: bool = ...) -> Any: ...


class TLSCredentials(Protocol):
    """What one side of a TLS connection shows of itself, a C{PrivateCertificate} for example."""

    def options(self, *authorities: Any) -> Any:
        """Make what C{transport.startTLS} takes, which verifies the peer if there are authorities."""
