"""
AMP: the connection, the conversation and the lookup of responders, in one protocol.
"""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from .._places import public
from ._boxes import AmpBox, parseBoxes
from ._cancel import Cancel as Cancel
from ._dispatch import BoxDispatcher
from ._leave import Leave as Leave
from ._more import More as More
from ._responders import CommandLocator, SimpleStringLocator
from ._streamfeature import Streams as Streams
from ._tls import StartTLS
from ._types import Responder
from ._wire import BinaryBoxProtocol

__all__ = ["AMP", "_ParserHelper", "parse", "parseString"]

_log = Logger("twisted.protocols.amp")


@public("amp")
class AMP(BinaryBoxProtocol, BoxDispatcher, CommandLocator, SimpleStringLocator):
    """
    One end of an AMP connection.

    Subclass it and declare responders.  If another object is to receive the boxes or to find the
    responders, pass it to the constructor.

    @ivar boxReceiver: the object that receives the boxes; this protocol by default.
    @ivar locator: the object that finds responders; this protocol by default.
    @cvar logConnections: whether to log a connection when it is made and when it is lost.
    @ivar _transportPeer: the peer's address; it stays set after the connection is lost.
    @ivar _transportHost: this side's address; it stays set as well.
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
        """
        Find the method that is declared for the command, or else the one that is named after it.
        """
        declared = CommandLocator.locateResponder(self, name)
        return SimpleStringLocator.locateResponder(self, name) if declared is None else declared

    def __repr__(self) -> str:
        inner = "" if self.innerProtocol is None else f" inner {self.innerProtocol!r}"
        return f"<{self.__class__.__name__}{inner} at 0x{id(self):x}>"

    def makeConnection(self, transport: Any) -> None:
        """Start the connection, and log that it is made."""
        if not self._ampInitialized:
            AMP.__init__(self)  # a subclass may not call it: older versions of AMP had none
        self._transportPeer = _address(transport, "getPeer")
        self._transportHost = _address(transport, "getHost")
        self._ampLogConnection("{cls} connection established (HOST:{host} PEER:{peer})")
        BinaryBoxProtocol.makeConnection(self, transport)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """Log that the connection is lost, and end it."""
        self._ampLogConnection("{cls} connection lost (HOST:{host} PEER:{peer})")
        try:
            BinaryBoxProtocol.connectionLost(self, reason)
        finally:
            self._ampForgetTransport()

    def _ampLogConnection(self, message: str) -> None:
        if self.logConnections:
            _log.info(message, cls=self.__class__.__name__, host=self._transportHost, peer=self._transportPeer)


def _address(transport: Any, method: str) -> Any:
    """Return an address of the transport, or C{None} for a transport that has no such method."""
    ask = getattr(transport, method, None)
    return None if ask is None else ask()


@public("amp")
class _ParserHelper:
    """
    A box receiver that keeps the boxes, and that also stands in for their transport.

    @ivar boxes: the boxes received so far.
    """

    disconnecting = False

    def __init__(self) -> None:
        self.boxes: list[AmpBox] = []

    def getPeer(self) -> str:
        """Return a placeholder for the address of the peer."""
        return "string"

    def getHost(self) -> str:
        """Return a placeholder for the address of this side."""
        return "string"

    def startReceivingBoxes(self, sender: Any) -> None:
        """Do nothing."""

    def ampBoxReceived(self, box: AmpBox) -> None:
        """Keep a box."""
        self.boxes.append(box)

    @classmethod
    def parse(cls, fileObj: Any, strict: bool = False) -> list[AmpBox]:
        """
        Read the boxes in a file.

        @param fileObj: the file, open for reading bytes.
        @param strict: whether an unfinished box at the end is an error; by default it is left out.
        @raise KeyTooLongError: a key is longer than C{MAX_KEY_LENGTH}, 255 bytes.
        @raise TruncatedBoxError: the file ends in an unfinished box, and C{strict} is true.
        """
        return parseBoxes(fileObj.read(), strict)

    @classmethod
    def parseString(cls, data: bytes, strict: bool = False) -> list[AmpBox]:
        """Read the boxes in C{data}.  The parameter and the errors are those of L{parse}."""
        return parseBoxes(data, strict)


parse = _ParserHelper.parse
parseString = _ParserHelper.parseString
