"""Tests for L{twisted_basic_ng._receiving.stateful}."""

from __future__ import annotations

from typing import Any

from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng.basic import Int8StringReceiver, StatefulStringProtocol


class Phases(StatefulStringProtocol, Int8StringReceiver):
    """Changes to the states that the strings name."""

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def proto_init(self, string: bytes) -> str:
        self.calls.append(("init", string))
        return string.decode()

    def proto_next(self, string: bytes) -> str:
        self.calls.append(("next", string))
        return "done"

    def proto_broken(self, string: bytes) -> str:
        raise AttributeError("of its own")


class StatefulStringProtocolTests(SynchronousTestCase):
    """Each string is passed to the method of the current state."""

    def setUp(self) -> None:
        self.protocol = Phases()
        self.transport = RecordingTransport().connect(self.protocol)

    def test_states(self) -> None:
        """The method's return value is the next state, and 'done' closes the connection."""
        self.protocol.dataReceived(b"\x04next\x01x")
        self.assertEqual(self.protocol.calls, [("init", b"next"), ("next", b"x")])
        self.assertEqual((self.protocol.state, self.transport.disconnecting), ("done", True))

    def test_unknown(self) -> None:
        """A state without a method is logged and otherwise ignored."""
        observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
        self.protocol.state = "nowhere"
        self.protocol.dataReceived(b"\x01x")
        self.assertEqual((self.protocol.calls, self.protocol.state), ([], "nowhere"))
        self.assertIn("callback nowhere not found", [event.get("log_text") for event in observer])

    def test_error(self) -> None:
        """An C{AttributeError} raised inside the method is not mistaken for a missing method."""
        self.protocol.state = "broken"
        self.assertRaises(AttributeError, self.protocol.dataReceived, b"\x01x")
