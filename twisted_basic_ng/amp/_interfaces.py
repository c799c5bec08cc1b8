"""
The four places where an application can put an object of its own: an argument's type, either end of the path
that boxes take, and the finding of responders.
"""

# zope.interface methods have no self; mypy-zope understands.

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from zope.interface import Interface

from .._places import public

if TYPE_CHECKING:
    from collections.abc import Callable

    from twisted.python.failure import Failure

    from ._boxes import AmpBox

__all__ = ["IArgumentType", "IBoxReceiver", "IBoxSender", "IResponderLocator"]

#: The module by which the interfaces are hashed; L{twisted_basic_ng._places} sets the one that they say they are in.
_TWISTED: Final = "twisted.protocols.amp"


@public("amp")
class IArgumentType(Interface):
    """Reads and writes one argument of a command, in one key of a box or in several."""

    __module__ = _TWISTED

    def fromBox(name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        """
        Read the argument.

        @param name: its name on the wire.
        @param strings: the box that was received; what was read may be taken out.
        @param objects: where to put the value, under the name that the argument has in Python.
        @param proto: the protocol that received the box.
        """

    def toBox(name: bytes, strings: dict[bytes, bytes], objects: dict[str, Any], proto: Any) -> None:
        """
        Write the argument.

        @param name: its name on the wire.
        @param strings: the box to write to.
        @param objects: what the values are, under the names that the arguments have in Python; what was written may be
            taken out.
        @param proto: the protocol that will send the box.
        """


@public("amp")
class IBoxSender(Interface):
    """Takes boxes to the peer."""

    __module__ = _TWISTED

    def sendBox(box: AmpBox) -> None:
        """
        Send C{box}.

        @raise ProtocolSwitched: the connection speaks another protocol by now.
        @raise ConnectionLost: there is no connection any more.
        """

    def unhandledError(failure: Failure) -> None:
        """Be told of an error that nobody else wanted, to log it and do what is right."""


@public("amp")
class IBoxReceiver(Interface):
    """Takes the boxes that the peer sent."""

    __module__ = _TWISTED

    def startReceivingBoxes(boxSender: Any) -> None:
        """
        Be told of the connection, before the first box.

        @param boxSender: where to send boxes, an L{IBoxSender}.
        """

    def ampBoxReceived(box: AmpBox) -> None:
        """Take a box."""

    def stopReceivingBoxes(reason: Failure) -> None:
        """Be told that no box will come any more, and why."""


@public("amp")
class IResponderLocator(Interface):
    """Knows who responds to which command."""

    __module__ = _TWISTED

    def locateResponder(name: bytes) -> Callable[[AmpBox], Any] | None:
        """
        Find who responds to a command.

        @param name: the command's name on the wire.
        @return: what takes the box that asks and returns the box that answers, or a C{Deferred} of it; C{None} where
            nobody responds.
        """
