"""
A protocol of strings as a state machine, with one method for each state.
"""

from __future__ import annotations

from typing import Any

from twisted.python import log

from .._places import public

__all__ = ["StatefulStringProtocol"]


@public("basic")
class StatefulStringProtocol:
    """
    A mixin for the string receivers that passes each string to the method of the current state.

    In the state C{'x'}, it calls C{proto_x} with the string, and the method returns the next state.
    The state C{'done'} closes the connection.

    @ivar state: the name of the current state, C{'init'} at first.
    """

    state = "init"
    transport: Any

    def stringReceived(self, string: bytes) -> None:
        """
        Pass C{string} to the method of the current state.  A state without a method is logged, and
        stays.
        """
        try:
            proto = getattr(self, "proto_" + self.state)
        except AttributeError:
            log.msg("callback", self.state, "not found")
            return
        self.state = proto(string)
        if self.state == "done":
            self.transport.loseConnection()
