"""
Keepalive: a peer that is gone without a word is noticed.

After a time without any byte from the peer, it is asked C{_ping}.  Any byte that comes is an answer, also those of the
error that says that the command is unknown.  Without one, the connection is aborted.

This file knows how a connection is watched, and of dispatchers only how they make tags and drop answers.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from ._beyonderrors import SilentPeerError
from ._boxes import AmpBox
from ._constants import ASK, COMMAND, PING
from ._deadlines import LONGEST_WAIT, clockOf
from ._errors import ProtocolSwitched
from ._explain import describePeerOf

if TYPE_CHECKING:
    from ._types import CallDropper, WatchedConnection

__all__ = ["Keepalive", "watch"]


def watch(connection: WatchedConnection, dispatcher: Any) -> Keepalive | None:
    """
    Watch a connection, if its class says so.

    @param dispatcher: its receiver of boxes; one that is no dispatcher of ours cannot ask, and is not watched.
    @raise ValueError: an interval or a time is not a positive number.
    """
    interval, time = connection.KEEPALIVE_INTERVAL, connection.KEEPALIVE_TIME
    if interval is None or not hasattr(dispatcher, "_ampDropAnswer"):
        return None
    if time is None:
        time = interval
    if not (0 < interval < inf and 0 < time < inf):
        raise ValueError(f"keepalive needs positive numbers of seconds, got {interval!r} and {time!r}")
    return Keepalive(connection, dispatcher, interval, time)


class Keepalive:
    """
    Watches one connection.
    """

    #: When the peer was asked; C{None} if something was heard since.
    _asked: float | None = None

    #: The ping that was sent last.
    _tag: bytes | None = None

    _isLastChance = False

    def __init__(self, connection: WatchedConnection, dispatcher: CallDropper, interval: float, time: float) -> None:
        self._connection = connection
        self._dispatcher = dispatcher
        self._interval = interval
        self._time = time
        self._clock = clockOf(dispatcher)
        self.heard()
        self._wait(interval)

    def heard(self) -> None:
        """Something has arrived, or nothing could."""
        self._heard = self._clock.seconds()
        self._asked = None

    def stop(self) -> None:
        """Watch no more."""
        if self._delayed.active():
            self._delayed.cancel()

    def _wait(self, seconds: float) -> None:
        self._delayed = self._clock.callLater(min(seconds, LONGEST_WAIT), self._check)

    def _check(self) -> None:
        """Look whether there is something to be done now."""
        connection = self._connection
        if getattr(connection.transport, "disconnecting", False):
            return  # nothing can be asked any more, and what is not sent yet may take any time
        if connection.paused or connection._locked:
            self.heard()  # nothing is read, or nothing can be asked
        now = self._clock.seconds()
        if self._asked is None:
            quiet = now - self._heard
            if quiet < self._interval:
                self._wait(self._interval - quiet)
                return
            self._asked = now
            self._isLastChance = False
            self._ask()
        left = self._asked + self._time - now
        if left > 0:
            self._wait(min(left, self._interval))
        elif not self._isLastChance:
            self._isLastChance = True
            self._wait(0)  # a process that was busy has not read yet what is there
        else:
            error = SilentPeerError(describePeerOf(connection), self._interval, self._time)
            connection._ampAbort(error)
            # A process that has stopped does not end when its pipes are closed, and nothing else
            # would tell that the connection is lost.
            if self._dispatcher._failAllReason is None:
                self._dispatcher.failAllOutgoing(Failure(error))

    def _ask(self) -> None:
        """Send a ping, unless the last one is not answered yet; it waits in no line."""
        if self._tag is not None and self._tag in (self._dispatcher._ampCancelledRequests or ()):
            return
        self._tag = tag = self._dispatcher._nextTag()
        self._dispatcher._ampDropAnswer(tag)
        try:
            self._connection.sendBox(AmpBox({COMMAND: PING, ASK: tag}))
        except (ConnectionLost, ProtocolSwitched):
            self._dispatcher._ampIsDropped(tag)
