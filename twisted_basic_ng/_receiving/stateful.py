"""
A protocol of strings as a table of states: one method for each.
"""

from __future__ import annotations

from typing import Any

from twisted.python import log

from .._places import public

__all__ = ["StatefulStringProtocol"]


@public("basic")
class StatefulStringProtocol:
    """
    A base, beside one of the string receivers, that gives each string to the method of the state it is in.

    In the state C{'x'}, C{proto_x} is called with the string and returns the next state; the state
    C{'done'} closes the connection.

    @ivar state: the name of the state, C{'init'} at first.
    """

    state = "init"
    transport: Any

    def stringReceived(self, string: bytes) -> None:
        """Give C{string} to the state's method; a state without one is logged and kept."""
        try:
            proto = getattr(self, "proto_" + self.state)
        except AttributeError:
            log.msg("callback", self.state, "not found")
            return
        self.state = proto(string)
        if self.state == "done":
            self.transport.loseConnection()
