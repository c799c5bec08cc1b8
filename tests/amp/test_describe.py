"""Tests for L{twisted_basic_ng.amp._describe}."""

from __future__ import annotations

from typing import Any

from twisted_basic_ng import amp

from .extended import Echo, ExtendedCase, FatalError, Peer, RefusedError, StockPeer


class DescribeTests(ExtendedCase):
    """A peer describes the commands it responds to."""

    def describe(self, server: Any) -> Any:
        self.join(Peer(), server)
        results = self.waiting(self.client.callRemote(amp.Describe))
        self.wire.flush()
        return results[0]

    def test_commands(self) -> None:
        """It does so if C{describes} is set, with or without the other features."""
        for isExtended in (True, False):
            server = Peer()
            server.describes = True
            server.extended = isExtended
            commands = self.describe(server)["commands"]
            self.assertEqual([each["name"] for each in commands], [b"Echo", b"Note", b"StartTLS"])
            values = [
                {"name": b"data", "type": "String", "optional": True},
                {"name": b"numbers", "type": "ListOf(Integer)", "optional": True},
            ]
            self.assertEqual(
                commands[0],
                {
                    "name": b"Echo",
                    "text": Echo.__doc__,
                    "arguments": values,
                    "response": values,
                    "errors": [
                        {"code": b"REFUSED", "name": RefusedError.__name__, "fatal": False},
                        {"code": b"FATAL", "name": FatalError.__name__, "fatal": True},
                    ],
                    "requiresAnswer": True,
                },
            )
            self.assertFalse(commands[1]["requiresAnswer"])

    def test_off(self) -> None:
        """A peer without C{describes}, or of Twisted's, does not know the command."""
        for server in (Peer(), StockPeer()):
            self.assertIsInstance(self.describe(server), amp.UnhandledCommand)
            self.assertEqual(self.asked(1), 1)
