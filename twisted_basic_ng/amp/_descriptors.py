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
from typing import Any

from zope.interface import implementer

from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IFileDescriptorReceiver

from .._places import public
from ._arguments import Integer

__all__ = ["Descriptor", "_DescriptorExchanger"]


@public("amp")
class Descriptor(Integer):
    """
    A file descriptor, an C{int}; the receiver gets its own copy of it, which it has to close.

    The connection has to be over a UNIX socket.
    """

    def fromStringProto(self, inString: bytes, proto: Any) -> Any:
        """
        Claim a descriptor that C{proto} has received.

        @raise KeyError: none with this number was received, or it was claimed before.
        """
        return proto._getDescriptor(int(inString))

    def _ampDiscard(self, value: Any) -> None:
        if type(self).fromStringProto is Descriptor.fromStringProto:  # else a subclass made something of it
            os.close(value)

    def toStringProto(self, inObject: int, proto: Any) -> bytes:
        """Send a descriptor over C{proto}'s connection and write its number."""
        return Integer.toStringProto(self, proto._sendFileDescriptor(inObject), proto)


@implementer(IFileDescriptorReceiver)
@public("amp")
class _DescriptorExchanger:
    """
    Both halves of passing descriptors, as a base of a protocol.

    @ivar _descriptors: by their numbers, the descriptors that no box has claimed yet.
    @ivar _getDescriptor: claims one by its number.
    @ivar _sendingDescriptorCounter: gives the number of the next one to be sent.
    @ivar _receivingDescriptorCounter: gives the number of the next one to be received.
    @cvar MAX_PENDING_DESCRIPTORS: how many descriptors may wait for their boxes; C{None} for any number.
    """

    MAX_PENDING_DESCRIPTORS: int | None = 64

    transport: Any
    _descriptors: dict[int, int]
    _getDescriptor: Callable[[int], int]
    _sendingDescriptorCounter: Callable[[], int]
    _receivingDescriptorCounter: Callable[[], int]

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
            raise ConnectionLost()
        self.transport.sendFileDescriptor(descriptor)
        return self._sendingDescriptorCounter()

    def fileDescriptorReceived(self, descriptor: int) -> None:
        """
        Keep a descriptor until a box claims it.

        One that finds C{MAX_PENDING_DESCRIPTORS} others waiting is closed, and its sender dropped.
        """
        limit = self.MAX_PENDING_DESCRIPTORS
        if limit is not None and len(self._descriptors) >= limit:
            os.close(descriptor)
            self._ampTooManyDescriptors(limit)
        else:
            self._descriptors[self._receivingDescriptorCounter()] = descriptor

    def _ampTooManyDescriptors(self, limit: int) -> None:
        """Be done with a peer that sent a descriptor too many."""
        self.transport.loseConnection()

    # Differs from Twisted: what nobody claimed does not stay open.

    def _ampCloseDescriptors(self) -> None:
        """Close the descriptors that no box has claimed: none can any more."""
        unclaimed = self.__dict__.get("_descriptors")  # which a subclass has not that never calls our __init__
        while unclaimed:
            with suppress(OSError):  # somebody else closed it
                os.close(unclaimed.popitem()[1])
