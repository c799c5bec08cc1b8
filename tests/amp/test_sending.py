"""Tests for L{twisted_basic_ng.amp._sending}; holding a peer is tested in C{test_overload}, TLS in C{test_tls}."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp

from .boxes import Boxes


class SendingTests(SynchronousTestCase):
    """Boxes become bytes, as long as there is a connection of boxes."""

    def setUp(self) -> None:
        self.protocol = amp.BinaryBoxProtocol(Boxes())
        self.transport = RecordingTransport()

    def connect(self) -> None:
        self.transport.connect(self.protocol)

    def test_send(self) -> None:
        """A box is written in one piece."""
        self.connect()
        box = amp.AmpBox(a=b"1")
        self.protocol.sendBox(box)
        self.assertEqual(self.transport.events, [("write", box.serialize())])

    def test_lostMeanwhile(self) -> None:
        """A box that ends the connection while it is serialised is written to what was the transport."""
        protocol = amp.AMP()
        transport = RecordingTransport().connect(protocol)

        class Ending(amp.AmpBox):
            def serialize(self) -> bytes:
                protocol.connectionLost(Failure(ConnectionDone()))
                return super().serialize()

        result: Any = protocol._sendBoxCommand(b"x", Ending())
        self.failureResultOf(result, ConnectionDone)
        self.assertEqual(transport.names(), ["write"])

    def test_notSent(self) -> None:
        """Nothing is sent without a connection, nor over one that speaks another protocol."""
        error = self.assertRaises(ConnectionLost, self.protocol.sendBox, amp.AmpBox())
        self.assertIn("the box was not sent over this connection: there is none yet, or no more", str(error))
        self.connect()
        self.protocol._lockForSwitch()
        self.assertRaises(amp.ProtocolSwitched, self.protocol.sendBox, amp.AmpBox())
        self.protocol._unlockFromSwitch()
        self.protocol.sendBox(amp.AmpBox())
        self.assertEqual(self.transport.written, b"\0\0")
