"""
AMP: the connection, the conversation and the finding of responders, in one protocol.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from .._places import public
from ._boxes import AmpBox, parseBoxes
from ._dispatch import BoxDispatcher
from ._responders import CommandLocator, SimpleStringLocator
from ._tls import StartTLS
from ._types import Responder
from ._wire import BinaryBoxProtocol

__all__ = ["AMP", "_ParserHelper", "parse", "parseString"]

_log = Logger("twisted.protocols.amp")


@public("amp")
class AMP(BinaryBoxProtocol, BoxDispatcher, CommandLocator, SimpleStringLocator):
    """
    One end of an AMP connection.

    Subclass it and declare responders, or compose it of parts:

    @ivar boxReceiver: takes boxes in place of this object.
    @ivar locator: finds responders in place of this object.
    @cvar logConnections: whether connections are logged when they are made and lost.
    @ivar _transportPeer: the peer's address, also when the connection is gone.
    @ivar _transportHost: this side's address, likewise.
    """

    logConnections: bool = True

    _ampInitialized = False
    _transportPeer: Any = None
    _transportHost: Any = None

    StartTLS.responder(BinaryBoxProtocol._defaultStartTLSResponder)

    def __init__(self, boxReceiver: Any = None, locator: Any = None) -> None:
        self._ampInitialized = True
        BoxDispatcher.__init__(self, self if locator is None else locator)
        BinaryBoxProtocol.__init__(self, self if boxReceiver is None else boxReceiver)

    def locateResponder(self, name: bytes) -> Responder | None:
        """Find a method that was declared for the command, or else one that is named for it."""
        declared = CommandLocator.locateResponder(self, name)
        return SimpleStringLocator.locateResponder(self, name) if declared is None else declared

    def __repr__(self) -> str:
        inner = "" if self.innerProtocol is None else f" inner {self.innerProtocol!r}"
        return f"<{self.__class__.__name__}{inner} at 0x{id(self):x}>"

    def makeConnection(self, transport: Any) -> None:
        """Begin, and log it."""
        if not self._ampInitialized:
            AMP.__init__(self)  # for subclasses whose own __init__ does not: once there was none to call
        self._transportPeer = _address(transport, "getPeer")
        self._transportHost = _address(transport, "getHost")
        self._ampLogConnection("{cls} connection established (HOST:{host} PEER:{peer})")
        BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """End, and log it."""
        self._ampLogConnection("{cls} connection lost (HOST:{host} PEER:{peer})")
        try:
            BinaryBoxProtocol.connectionLost(self, reason)
        finally:
            self._ampForgetTransport()

    def _ampLogConnection(self, message: str) -> None:
        if self.logConnections:
            _log.info(message, cls=self.__class__.__name__, host=self._transportHost, peer=self._transportPeer)


def _address(transport: Any, method: str) -> Any:
    """Ask a transport for an address; not every transport has one."""
    ask = getattr(transport, method, None)
    return None if ask is None else ask()


@public("amp")
class _ParserHelper:
    """
    A receiver of boxes that keeps them, and looks like their transport.

    @ivar boxes: what was received.
    """

    disconnecting = False

    def __init__(self) -> None:
        self.boxes: list[AmpBox] = []

    def getPeer(self) -> str:
        """Say where the bytes come from."""
        return "string"

    def getHost(self) -> str:
        """Say where they go."""
        return "string"

    def startReceivingBoxes(self, sender: Any) -> None:
        """There is nothing to begin with."""

    def ampBoxReceived(self, box: AmpBox) -> None:
        """Keep a box."""
        self.boxes.append(box)

    @classmethod
    def parse(cls, fileObj: Any, strict: bool = False) -> list[AmpBox]:
        """
        Read the boxes in a file.

        @param fileObj: the file, open for reading bytes.
        @param strict: whether an unfinished box at the end is an error; else it is left out.
        @raise KeyTooLongError: a key is longer than C{MAX_KEY_LENGTH}.
        @raise TruncatedBoxError: there is an unfinished box at the end.
        """
        return parseBoxes(fileObj.read(), strict)

    @classmethod
    def parseString(cls, data: bytes, strict: bool = False) -> list[AmpBox]:
        """
        Read the boxes in C{data}; see L{parse}.
        """
        return parseBoxes(data, strict)


parse = _ParserHelper.parse
parseString = _ParserHelper.parseString
