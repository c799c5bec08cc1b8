"""
Switching to another protocol in the middle of a connection.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.main import CONNECTION_LOST
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure

from .._places import public
from ._boxes import AmpBox
from ._commands import Command
from ._types import SwitchableProtocol

__all__ = ["ProtocolSwitchCommand", "_SwitchBox"]


@public("amp")
class _SwitchBox(AmpBox):
    """
    The answer that is the last box: after it, another protocol uses the connection.

    @ivar innerProto: that protocol.
    """

    # Without __slots__, since it has an attribute.

    def __init__(self, innerProto: Any, **kw: Any) -> None:
        super().__init__(**kw)
        self.innerProto = innerProto

    def __repr__(self) -> str:
        return f"_SwitchBox({self.innerProto!r}, **{dict.__repr__(self)})"

    def _sendTo(self, proto: SwitchableProtocol) -> None:
        extensions = getattr(proto, "_ampExtensions", None)
        if extensions is not None:
            extensions.giveUp()
        overload = getattr(proto, "_ampOverload", None)
        if overload is not None:
            overload.beginChange()
        try:
            super()._sendTo(proto)
            proto._lockForSwitch()
            proto._switchTo(self.innerProto)
        finally:
            if overload is not None:
                overload.endChange()


@public("amp")
class ProtocolSwitchCommand(Command):
    """
    Switch to another protocol.  Subclass it to define a command for a protocol; TLS stays on if it
    is.

    The caller passes the factory of its new protocol as the first argument of C{callRemote}.  The
    responder returns its own new protocol instead of a response.  After that, neither side can send
    a box.  If the responder fails, C{clientConnectionFailed} of the caller's factory is called, and
    boxes can be sent again.

    @ivar protoToSwitchToFactory: the caller's factory.
    """

    _ampChangesConnection = True

    def __init__(self, _protoToSwitchToFactory: Any, **kw: Any) -> None:
        self.protoToSwitchToFactory = _protoToSwitchToFactory
        super().__init__(**kw)

    @classmethod
    def makeResponse(cls, innerProto: Any, proto: Any) -> Any:  # noqa: ARG003 - the argument is every command's
        """Make the box that switches to C{innerProto}."""
        return _SwitchBox(innerProto)

    def _doCommand(self, proto: SwitchableProtocol) -> Any:
        """Send the call.  Nothing else is sent until it is answered."""
        answering = self._ampDoAndChange(proto, super()._doCommand, proto._lockForSwitch)

        factory = self.protoToSwitchToFactory

        def changeOver(response: object) -> object:
            overload = getattr(proto, "_ampOverload", None)
            if overload is not None:
                overload.respondToKept()
            try:
                proto._switchTo(factory.buildProtocol(proto.transport.getPeer()), factory)
            except BaseException:
                if proto.innerProtocol is None:
                    # Differs from Twisted: the peer has switched, and this side has no protocol for
                    # it.
                    proto._switchTo(Protocol(), factory)
                    proto.transport.loseConnection()
                raise
            return response

        def stay(error: Failure) -> Failure:
            proto._unlockFromSwitch()
            try:
                factory.clientConnectionFailed(None, Failure(CONNECTION_LOST))
            finally:
                if error.check(CancelledError):
                    # Differs from Twisted: the peer will switch nevertheless, and what it then
                    # sends is not AMP.
                    proto.transport.loseConnection()
            return error

        return answering.addCallbacks(changeOver, stay)
