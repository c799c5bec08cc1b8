"""
File descriptors as arguments, over UNIX sockets.

A descriptor travels beside the bytes; in the box stands its number in the order of those that were sent.  The
sender's half is L{Descriptor}, the receiver's half keeps what came until its box does (L{_DescriptorExchanger}).
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

#: In how many parts the time is looked at in which a descriptor has to be claimed.
_CHECKS: Final = 4

#: How many descriptors of the process a peer leaves to others: enough to accept connections, and to
#: write a log.
_RESERVED_DESCRIPTORS: Final = 32


@public("amp")
class Descriptor(Integer):
    """
    A file descriptor, an C{int}; the receiver gets its own copy of it, which it has to close.

    The connection has to be over a UNIX socket.
    """

    def fromStringProto(self, inString: bytes, proto: DescriptorCarrier) -> Any:
        """
        Claim a descriptor that C{proto} has received.

        @raise KeyError: none with this number was received, or it was claimed before.
        """
        return proto._getDescriptor(int(inString))

    def _ampDiscard(self, value: Any) -> None:
        if type(self).fromStringProto is Descriptor.fromStringProto:  # else a subclass made something of it
            os.close(value)

    def toStringProto(self, inObject: int, proto: DescriptorCarrier) -> bytes:
        """Send a descriptor over C{proto}'s connection and write its number."""
        return Integer.toStringProto(self, proto._sendFileDescriptor(inObject), proto)


class _Unclaimed:
    """
    Sees to it that a peer with too many unclaimed descriptors goes on claiming them.

    Their boxes are on their way where the peer is a Twisted one: its transport sends each
    descriptor with the first byte that it has, so those of a thousand calls that are made at once
    arrive with the first thousand bytes, ahead of everything else that waits to be sent.  What
    tells such a peer from one that sends descriptors and nothing to claim them with is that its
    boxes come: so one has to be claimed from time to time, and that is all.

    Some may never be claimed although their peer does nothing wrong: those of calls that nobody
    responds to, and of answers to calls that were cancelled.  Such a descriptor is known by one
    that came later and was claimed.

    @ivar checksWithoutClaim: how many times nothing had been claimed since the last look.
    @ivar lastNumber: the number of the last descriptor that came.
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
        Was one claimed?

        It takes several looks to know: a process that was busy, or stopped, looks before it reads
        what has come.
        """
        self.checksWithoutClaim = 0 if self._exchanger._ampKeepsClaims() else self.checksWithoutClaim + 1
        if self._areFew():
            self.stop()
        elif self.checksWithoutClaim > _CHECKS:
            self.strike()
        else:
            self._scheduleCheck()

    def strike(self) -> None:
        """Close those that others were claimed behind; if too many are left, drop the peer."""
        unclaimed = self._exchanger._descriptors
        claimed = next((each for each in range(self.lastNumber, -1, -1) if each not in unclaimed), 0)
        for each in [each for each in unclaimed if each < claimed]:
            os.close(unclaimed.pop(each))
        if self._areFew():
            self.stop()
        else:
            self._exchanger._ampTooManyDescriptors()

    def stop(self) -> None:
        """There is nothing to look after any more."""
        self._exchanger._ampUnclaimed = None
        self._exchanger._getDescriptor = self._claim
        if self._timer.active():
            self._timer.cancel()


def _isLastOfProcess(descriptor: int) -> bool:
    """Is this one of the process's last?  The kernel gives the lowest free number."""
    try:
        from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit
    except ImportError:  # the system knows no such limit, nor UNIX sockets that send descriptors
        return False
    most = getrlimit(RLIMIT_NOFILE)[0]
    return most != RLIM_INFINITY and descriptor >= most - _RESERVED_DESCRIPTORS


@implementer(IFileDescriptorReceiver)
@public("amp")
class _DescriptorExchanger:
    """
    Both halves of passing descriptors, as a base of a protocol.

    @ivar _descriptors: by their numbers, the descriptors that no box has claimed yet.
    @ivar _getDescriptor: claims one by its number.
    @ivar _sendingDescriptorCounter: gives the number of the next one to be sent.
    @ivar _receivingDescriptorCounter: gives the number of the next one to be received.
    @cvar MAX_PENDING_DESCRIPTORS: how many descriptors may wait for boxes that do not come; C{None}
        for any number.  The peer that sends more is dropped: at once, where not a byte comes with
        them, or where the process has no room for more; else when none was claimed for a minute.
    """

    MAX_PENDING_DESCRIPTORS: int | None = 64

    #: Within how many seconds one of too many has to be claimed.
    _ampClaimTime: float = 60.0

    transport: Any
    _descriptors: dict[int, int]
    _getDescriptor: Callable[[int], int]
    _sendingDescriptorCounter: Callable[[], int]
    _receivingDescriptorCounter: Callable[[], int]

    #: How many came since the last byte.
    _ampDescriptorsSinceByte = 0

    #: Looks after them, where they are too many.
    _ampUnclaimed: _Unclaimed | None = None

    def __init__(self) -> None:
        self._sendingDescriptorCounter, self._receivingDescriptorCounter = count().__next__, count().__next__
        unclaimed: dict[int, int] = {}
        self._descriptors = unclaimed
        self._getDescriptor = unclaimed.pop

    def _sendFileDescriptor(self, descriptor: int) -> int:
        """
        Send a descriptor; return its number.

        @raise ConnectionLost: there is no connection any more.
        """
        if self.transport is None:
            raise ConnectionLost()  # Differs from Twisted: where this is an AttributeError
        self.transport.sendFileDescriptor(descriptor)
        return self._sendingDescriptorCounter()

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """Keep a descriptor until a box claims it, and look whether too many are kept."""
        number = self._receivingDescriptorCounter()
        self._descriptors[number] = descriptor
        self._ampDescriptorsSinceByte += 1
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
        """Have something done later."""
        from twisted.internet import reactor

        return reactor.callLater(*args)

    def _ampKeepsClaims(self) -> bool:
        """Do boxes that came wait on this side, which may claim something?"""
        return False

    def _ampTooManyDescriptors(self) -> None:
        """Be done with a peer that sent a descriptor too many."""
        self._ampCloseDescriptors()
        self.transport.loseConnection()

    # Differs from Twisted: what nobody claimed does not stay open.

    def _ampCloseDescriptors(self) -> None:
        """Close the descriptors that no box has claimed: none can any more."""
        if self._ampUnclaimed is not None:
            self._ampUnclaimed.stop()
        unclaimed = self.__dict__.get("_descriptors")  # which a subclass has not that never calls our __init__
        while unclaimed:
            with suppress(OSError):  # somebody else closed it
                os.close(unclaimed.popitem()[1])
