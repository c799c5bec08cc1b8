"""
Whether a peer has closed its connection, asked of the system while nobody reads from it.

It knows of a transport only that it may have a descriptor.
"""

from __future__ import annotations

import select
from typing import Any, Final

__all__ = ["hasHungUp"]

#: What the system calls a peer that sends no more; without that name it tells of a connection that is closed both ways.
_PEER_IS_DONE: Final = getattr(select, "POLLRDHUP", 0)


def hasHungUp(transport: Any) -> bool:
    """
    Ask whether the peer has closed its side, or broken the connection off.

    @param transport: a transport; one without a socket has not been closed.
    @return: C{False} also where the system cannot tell, and while bytes of the peer are still on their way.
    """
    try:
        watched = select.poll()
        watched.register(transport.fileno(), _PEER_IS_DONE)
    except (AttributeError, TypeError, ValueError, OSError):
        return False
    return bool(watched.poll(0))
