"""
Changing over to another protocol in the middle of a connection.
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
    The answer that is the last box: behind it, another protocol speaks.

    @ivar innerProto: that protocol.
    """

    # No __slots__: there is an attribute.

    def __init__(self, innerProto: Any, **kw: Any) -> None:
        super().__init__(**kw)
        self.innerProto = innerProto

    def __repr__(self) -> str:
        return f"_SwitchBox({self.innerProto!r}, **{dict.__repr__(self)})"

    def _sendTo(self, proto: SwitchableProtocol) -> None:
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
    Change over to another protocol.  Subclass it to name one; what TLS there is stays.

    The caller gives the factory of its new protocol, as the first argument of C{callRemote}; the responder returns its
    own new protocol in place of a response.  Neither side can send a box from then on.  Where the responder
    fails, the caller's factory is told C{clientConnectionFailed}, and boxes go on.

    @ivar protoToSwitchToFactory: the caller's factory.
    """

    _ampChangesConnection = True

    def __init__(self, _protoToSwitchToFactory: Any, **kw: Any) -> None:
        self.protoToSwitchToFactory = _protoToSwitchToFactory
        super().__init__(**kw)

    @classmethod
    def makeResponse(cls, innerProto: Any, proto: Any) -> Any:  # noqa: ARG003 - the argument is every command's
        """Make the box that changes over to C{innerProto}."""
        return _SwitchBox(innerProto)

    def _doCommand(self, proto: SwitchableProtocol) -> Any:
        """Send the call; nothing else is sent until it is answered."""
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
                    # Differs from Twisted: there is nobody who could speak with the peer, which has changed over.
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
                    # Differs from Twisted: the peer will change over nevertheless, and speak what is no AMP.
                    proto.transport.loseConnection()
            return error

        return answering.addCallbacks(changeOver, stay)
