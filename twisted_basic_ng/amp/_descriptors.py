"""
File descriptors as arguments, over UNIX sockets.

A descriptor travels beside the bytes, and the box holds its number: its position among the
descriptors that were sent.  L{Descriptor} is the sender's half.  The receiver's half
(L{_DescriptorExchanger}) keeps each descriptor until its box arrives.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any, Final

from zope.interface import implementer

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IFileDescriptorReceiver

from .._places import public
from ._arguments import Integer
from ._types import DescriptorCarrier

__all__ = ["Descriptor", "_DescriptorExchanger"]

#: The number of checks during the time in which a descriptor has to be claimed.
_CHECKS: Final = 4

#: How many of the process's descriptors are reserved, so that a peer cannot use them up: enough to
#: accept connections and to write a log.
_RESERVED_DESCRIPTORS: Final = 32


@public("amp")
class Descriptor(Integer):
    """
    A file descriptor, an C{int}.  The receiver gets its own copy and has to close it.

    It works only on a connection over a UNIX socket.
    """

    _ampBelongsToBox = True

    def fromStringProto(self, inString: bytes, proto: DescriptorCarrier) -> Any:
        """
        Claim a descriptor that C{proto} has received.

        @raise KeyError: no descriptor with this number was received, or it was claimed before.
        """
        return proto._getDescriptor(int(inString))

    def _ampDiscard(self, value: Any) -> None:
        # A subclass may have converted the descriptor, which then cannot be closed here.
        if type(self).fromStringProto is Descriptor.fromStringProto:
            os.close(value)

    def toStringProto(self, inObject: int, proto: DescriptorCarrier) -> bytes:
        """Send a descriptor over the connection of C{proto}, and write its number."""
        return Integer.toStringProto(self, proto._sendFileDescriptor(inObject), proto)


class _Unclaimed:
    """
    Checks that a peer with too many unclaimed descriptors continues to claim them.

    If the peer runs Twisted, the boxes are on their way.  Its transport sends each descriptor with
    the first byte available.  The descriptors of a thousand calls that are made at once arrive with
    the first thousand bytes, before everything else that waits to be sent.  Such a peer differs in
    one way from a peer that sends descriptors and nothing to claim them with: its boxes arrive.  So
    the only condition is that a descriptor is claimed from time to time.

    Some descriptors may never be claimed although the peer does nothing wrong: those of calls
    without a responder, and those of answers to cancelled calls.  Such a descriptor is recognised
    when a later one has been claimed.

    @ivar checksWithoutClaim: the number of checks since a descriptor was last claimed.
    @ivar lastNumber: the number of the last descriptor received.
    """

    def __init__(self, exchanger: _DescriptorExchanger) -> None:
        self._exchanger = exchanger
        self._claim = exchanger._getDescriptor
        exchanger._getDescriptor = self.claim
        self.checksWithoutClaim = self.lastNumber = 0
        self._scheduleCheck()

    def _scheduleCheck(self) -> None:
        self._timer = self._exchanger._ampCallLater(self._exchanger._ampClaimTime / _CHECKS, self._check)

    def claim(self, number: int) -> int:
        """
        Claim a descriptor.

        @raise KeyError: there is none with this number.
        """
        descriptor = self._claim(number)
        self.checksWithoutClaim = 0
        if self._areFew():
            self.stop()
        return descriptor

    def _areFew(self) -> bool:
        limit = self._exchanger.MAX_PENDING_DESCRIPTORS
        return limit is None or len(self._exchanger._descriptors) <= limit

    def _check(self) -> None:
        """
        Check whether a descriptor was claimed.

        This takes several checks, because a process that was busy or stopped checks before it reads
        the bytes that have arrived.
        """
        self.checksWithoutClaim = 0 if self._exchanger._ampKeepsClaims() else self.checksWithoutClaim + 1
        if self._areFew():
            self.stop()
        elif self.checksWithoutClaim > _CHECKS:
            self.strike()
        else:
            self._scheduleCheck()

    def strike(self) -> None:
        """
        Close the descriptors that precede a claimed one.  If too many are left, drop the peer.
        """
        unclaimed = self._exchanger._descriptors
        claimed = next((each for each in range(self.lastNumber, -1, -1) if each not in unclaimed), 0)
        for each in [each for each in unclaimed if each < claimed]:
            os.close(unclaimed.pop(each))
        if self._areFew():
            self.stop()
        else:
            self._exchanger._ampTooManyDescriptors()

    def stop(self) -> None:
        """Stop checking."""
        self._exchanger._ampUnclaimed = None
        self._exchanger._getDescriptor = self._claim
        if self._timer.active():
            self._timer.cancel()


def _isLastOfProcess(descriptor: int) -> bool:
    """
    Whether C{descriptor} is one of the last that the process may open.  The kernel assigns the
    lowest free number.
    """
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:  # the system has no such limit, and its UNIX sockets send no descriptors
        return False
    most = getrlimit(RLIMIT_NOFILE)[0]
    return most != RLIM_INFINITY and descriptor >= most - _RESERVED_DESCRIPTORS


@implementer(IFileDescriptorReceiver)
@public("amp")
class _DescriptorExchanger:
    """
    Sends and receives file descriptors; a base of a protocol.

    @ivar _descriptors: the descriptors that no box has claimed yet, by their numbers.
    @ivar _getDescriptor: claims a descriptor by its number.
    @ivar _sendingDescriptorCounter: returns the number of the next descriptor to send.
    @ivar _receivingDescriptorCounter: returns the number of the next descriptor to receive.
    @cvar MAX_PENDING_DESCRIPTORS: how many descriptors may wait for their boxes; C{None} for no
        limit.  A peer that sends more is dropped.  It is dropped at once if no byte comes with them
        or the process has no room for more, and otherwise when none was claimed for a minute.
    """

    MAX_PENDING_DESCRIPTORS: int | None = 64

    #: The time limit, in seconds, for claiming one of too many descriptors.
    _ampClaimTime: float = 60.0

    transport: Any
    _descriptors: dict[int, int]
    _getDescriptor: Callable[[int], int]
    _sendingDescriptorCounter: Callable[[], int]
    _receivingDescriptorCounter: Callable[[], int]

    #: How many descriptors have arrived since the last byte.
    _ampDescriptorsSinceByte = 0

    #: Whether something besides the boxes depends on the arrival of bytes.
    _ampHeedsBytes = False

    #: Checks the descriptors while there are too many.
    _ampUnclaimed: _Unclaimed | None = None

    def __init__(self) -> None:
        self._sendingDescriptorCounter, self._receivingDescriptorCounter = count().__next__, count().__next__
        unclaimed: dict[int, int] = {}
        self._descriptors = unclaimed
        self._getDescriptor = unclaimed.pop

    def _sendFileDescriptor(self, descriptor: int) -> int:
        """
        Send a descriptor, and return its number.

        @raise ConnectionLost: the connection is lost.
        """
        if self.transport is None:
            raise ConnectionLost()  # Differs from Twisted: there, it is an AttributeError
        self.transport.sendFileDescriptor(descriptor)
        return self._sendingDescriptorCounter()

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until a box claims it, and check whether there are too many."""
        number = self._receivingDescriptorCounter()
        self._descriptors[number] = descriptor
        self._ampDescriptorsSinceByte += 1
        self._ampHeedsBytes = True
        limit = self.MAX_PENDING_DESCRIPTORS
        if limit is None or len(self._descriptors) <= limit:
            return
        if self._ampDescriptorsSinceByte > limit:
            self._ampTooManyDescriptors()
            return
        if self._ampUnclaimed is None:
            self._ampUnclaimed = _Unclaimed(self)
        self._ampUnclaimed.lastNumber = number
        if _isLastOfProcess(descriptor):
            self._ampUnclaimed.strike()

    def _ampCallLater(self, *args: Any) -> Any:
        """Schedule a call with the reactor."""
        from twisted.internet import reactor

        return reactor.callLater(*args)

    def _ampKeepsClaims(self) -> bool:
        """Whether received boxes wait on this side, since they may claim descriptors."""
        return False

    def _ampTooManyDescriptors(self) -> None:
        """Drop a peer that has sent too many descriptors."""
        self._ampCloseDescriptors()
        self.transport.loseConnection()

    # Differs from Twisted: unclaimed descriptors do not stay open.

    def _ampCloseDescriptors(self) -> None:
        """Close the descriptors that no box has claimed; none can be claimed any more."""
        if self._ampUnclaimed is not None:
            self._ampUnclaimed.stop()
        # The attribute is missing in a subclass that never calls our __init__.
        unclaimed = self.__dict__.get("_descriptors")
        while unclaimed:
            with suppress(OSError):  # it is closed already
                os.close(unclaimed.popitem()[1])
