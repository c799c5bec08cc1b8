"""
Asks the operating system whether a peer has closed a connection that nobody reads from.

All that this file knows of a transport is that it may have a file descriptor.
"""

from __future__ import annotations

import select
from typing import Any, Final

__all__ = ["hasHungUp"]

#: The event for a peer that sends no more.  On a system without it, C{poll} still reports a
#: connection that is closed both ways.
_PEER_IS_DONE: Final = getattr(select, "POLLRDHUP", 0)


def hasHungUp(transport: Any) -> bool:
    """
    Ask whether the peer has closed its side, or has reset the connection.

    @param transport: a transport; one without a socket counts as open.
    @return: C{False} also if the system cannot tell, or while bytes of the peer are still in
        transit.
    """
    try:
        poller = select.poll()
        poller.register(transport.fileno(), _PEER_IS_DONE)
    except (AttributeError, TypeError, ValueError, OSError):
        return False
    return bool(poller.poll(0))
