"""
A server that echoes each line: C{python examples/echo_lines.py [ENDPOINT]}, at TCP port 8007 by
default.
"""

from __future__ import annotations

import sys
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.protocol import Factory
from twisted.internet.task import react

from twisted_basic_ng.basic import LineReceiver


class Echo(LineReceiver):
    """Echoes each line.  A line of more than 1,000 bytes closes the connection."""

    MAX_LENGTH = 1000

    def lineReceived(self, line: bytes) -> None:
        """Send C{line} back."""
        self.sendLine(line)


async def serve(reactor: Any, endpoint: str = "tcp:8007:interface=127.0.0.1") -> None:
    """Listen at C{endpoint} until the process is stopped."""
    port = await serverFromString(reactor, endpoint).listen(Factory.forProtocol(Echo))
    print(f"listening at {port.getHost()}", flush=True)
    await Deferred()


if __name__ == "__main__":
    react(lambda reactor, *arguments: Deferred.fromCoroutine(serve(reactor, *arguments)), sys.argv[1:])
