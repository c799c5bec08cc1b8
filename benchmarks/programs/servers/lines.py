"""
Reads a stream of lines, and sends back a byte when a line says that it is the last.

C{lines.py syslog} parses priorities and counts them, on LineReceiver; C{lines.py syslog-only} does so on
LineOnlyReceiver; C{lines.py irc} is the reading half of Twisted's IRC client.
"""

from __future__ import annotations

import sys

from twisted.internet import reactor
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineOnlyReceiver, LineReceiver
from twisted.words.protocols.irc import IRCClient


class Counting:
    """Counts the messages of each severity."""

    delimiter = b"\n"

    def connectionMade(self) -> None:
        """Begin."""
        self.counts = [0] * 8

    def lineReceived(self, line: bytes) -> None:
        """Look at the number in front: C{<facility * 8 + severity>}."""
        end = line.find(b">", 1, 5)
        self.counts[int(line[1:end]) & 7] += 1
        if line.endswith(b" END"):
            self.transport.write(b".")  # type: ignore[attr-defined]


class Syslog(Counting, LineReceiver):
    """On the receiver with a raw mode."""


class SyslogOnly(Counting, LineOnlyReceiver):
    """On the one without."""


class Chat(IRCClient):
    """A client that counts what is said."""

    performLogin = False
    said = 0

    def privmsg(self, user: str, channel: str, message: str) -> None:
        """Somebody says something."""
        self.said += 1
        if message == "END":
            self.transport.write(b".")


KINDS = {"syslog": Syslog, "syslog-only": SyslogOnly, "irc": Chat}

port = reactor.listenTCP(0, Factory.forProtocol(KINDS[sys.argv[1]]), interface="127.0.0.1")
print("serving", port.getHost().port, flush=True)
reactor.run()
