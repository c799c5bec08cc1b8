"""
The exceptions of what goes beyond Twisted's AMP, on the connection.

::

    AmpError
    +-- MissingFeatureError     the peer lacks a feature that Twisted's AMP has not
    +-- DeadlineError           a call takes longer than its caller waits (also a TimeoutError)
    +-- LeavingError            the connection takes no new calls (also a ConnectionDone)
    +-- SilentPeerError         a peer is gone without a word (also a ConnectionLost)

This file knows no connection and no box.
"""

from __future__ import annotations

from twisted.internet import error

from .._places import public
from ._errors import AmpError

__all__ = ["DeadlineError", "LeavingError", "MissingFeatureError", "SilentPeerError"]


@public("amp")
class MissingFeatureError(AmpError):
    """
    A box was not sent because the peer lacks a feature that it needs.

    @ivar feature: the name of the feature on the wire.
    """

    def __init__(self, feature: bytes) -> None:
        AmpError.__init__(self, feature)
        self.feature = feature

    def __str__(self) -> str:
        name = self.feature.decode("ascii", "backslashreplace")
        return f"the peer does not have {name!r}, or has not switched it on"


@public("amp")
class DeadlineError(error.TimeoutError, AmpError):
    """
    A call was not answered within the time that its caller waits.

    It is Twisted's C{twisted.internet.error.TimeoutError} as well.

    @ivar command: the command's name on the wire.
    @ivar peer: the address of the peer, as a text.
    @ivar seconds: how many seconds the caller has waited.
    """

    def __init__(self, command: bytes, peer: str, seconds: float) -> None:
        self.osError = None
        AmpError.__init__(self, command, peer, seconds)
        self.command = command
        self.peer = peer
        self.seconds = seconds

    def __str__(self) -> str:
        name = self.command.decode("ascii", "backslashreplace")
        return f"{self.peer} did not answer {name} within {self.seconds:g} seconds"


@public("amp")
class LeavingError(error.ConnectionDone, AmpError):
    """
    A call was not sent because one side leaves the connection, which takes no new calls.

    It is Twisted's C{ConnectionDone} as well.  The peer has not seen the call.

    @ivar command: the command's name on the wire.
    @ivar peer: the address of the peer, as a text.
    """

    def __init__(self, command: bytes, peer: str) -> None:
        name = command.decode("ascii", "backslashreplace")
        super().__init__(f"{name} was not sent to {peer}: the connection takes no new calls")
        self.command = command
        self.peer = peer


@public("amp")
class SilentPeerError(error.ConnectionLost, AmpError):
    """
    Nothing came from a peer, not even an answer to a ping.

    It is Twisted's C{ConnectionLost} as well.

    @ivar peer: its address, as a text.
    @ivar interval: for how many seconds nothing had come when it was asked.
    @ivar time: how many seconds it had for an answer.
    """

    def __init__(self, peer: str, interval: float, time: float) -> None:
        super().__init__(f"nothing came from {peer} for {interval:g} seconds, and no answer to a ping for {time:g}")
        self.peer = peer
        self.interval = interval
        self.time = time
