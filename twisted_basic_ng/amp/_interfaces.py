"""
The four interfaces that an application can implement: an argument's type, the two ends of the path
of a box, and the lookup of responders.
"""

# zope.interface methods take no self, and mypy-zope knows that.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from zope.interface import Interface

from .._places import public

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

    from ._boxes import AmpBox

__all__ = ["IArgumentType", "IBoxReceiver", "IBoxSender", "IResponderLocator"]

#: The module that the interfaces hash with; L{twisted_basic_ng._places} sets the one that they
#: report.
_TWISTED: Final = "twisted.protocols.amp"


@public("amp")
class IArgumentType(Interface):
    """Reads and writes one argument of a command, in one or several keys of a box."""

    __module__ = _TWISTED

    def fromBox(name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        """
        Read the argument.

        @param name: its name on the wire.
        @param strings: the box that was received.  You may remove what you have read.
        @param objects: the dictionary for the value, which you store under the argument's Python
            name.
        @param proto: the protocol that received the box.
        """

    def toBox(name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        """
        Write the argument.

        @param name: its name on the wire.
        @param strings: the box to write to.
        @param objects: the values, by the Python names of the arguments.  You may remove what you
            have written.
        @param proto: the protocol that will send the box.
        """


@public("amp")
class IBoxSender(Interface):
    """Sends boxes to the peer."""

    __module__ = _TWISTED

    def sendBox(box: AmpBox) -> None:
        """
        Send C{box}.

        @raise ProtocolSwitched: the connection has switched to another protocol.
        @raise ConnectionLost: the connection is lost.
        """

    def unhandledError(failure: Failure) -> None:
        """Called with an error that nobody else handled, to log it and to act on it."""


@public("amp")
class IBoxReceiver(Interface):
    """Receives the boxes that the peer sent."""

    __module__ = _TWISTED

    def startReceivingBoxes(boxSender: Any) -> None:
        """
        Called when the connection is made, before the first box.

        @param boxSender: sends boxes to the peer, an L{IBoxSender}.
        """

    def ampBoxReceived(box: AmpBox) -> None:
        """Called with each box."""

    def stopReceivingBoxes(reason: Failure) -> None:
        """Called with the reason when no more boxes will arrive."""


@public("amp")
class IResponderLocator(Interface):
    """Finds the responder of a command."""

    __module__ = _TWISTED

    def locateResponder(name: bytes) -> Callable[[AmpBox], Any] | None:
        """
        Find the responder of a command.

        @param name: the command's name on the wire.
        @return: a callable that takes the call's box and returns the answer box, or a C{Deferred}
            of it; C{None} if the command has no responder.
        """
