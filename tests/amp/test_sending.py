"""Tests for L{twisted_basic_ng.amp._sending}; holding a peer is tested in C{test_overload}, TLS in C{test_tls}."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng import amp

from .boxes import Boxes


class SendingTests(SynchronousTestCase):
    """Boxes are written as long as the connection exchanges boxes."""

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
        """A box whose serialization ends the connection is written to the former transport."""
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
        """Without a connection, or while the protocol switches, sending raises an error."""
        error = self.assertRaises(ConnectionLost, self.protocol.sendBox, amp.AmpBox())
        self.assertIn("the box was not sent over this connection: there is none yet, or no more", str(error))
        self.connect()
        self.protocol._lockForSwitch()
        self.assertRaises(amp.ProtocolSwitched, self.protocol.sendBox, amp.AmpBox())
        self.protocol._unlockFromSwitch()
        self.protocol.sendBox(amp.AmpBox())
        self.assertEqual(self.transport.written, b"\0\0")


class StreamTests(SynchronousTestCase):
    """Streams write when the transport has sent."""

    def setUp(self) -> None:
        self.protocol = amp.AMP()
        self.told = 0

    def tell(self) -> None:
        self.told += 1

    def test_notConnected(self) -> None:
        """Without a connection, nothing is waited for and nothing is written."""
        self.assertFalse(self.protocol._ampWaitUntilSent(self.tell))
        self.protocol._ampWritePiece(b"x")
        self.protocol._ampWaitNoMore()
        self.assertEqual(self.told, 0)

    def test_waits(self) -> None:
        """The transport is wrapped for the first stream only."""
        transport = RecordingTransport().connect(self.protocol)
        for _ in range(2):
            self.assertTrue(self.protocol._ampWaitUntilSent(self.tell))
            self.protocol._ampWritePiece(b"x")
            wrapped = self.protocol.transport
            self.protocol._ampWaitNoMore()
            self.assertIs(self.protocol.transport, wrapped)
        self.assertEqual(transport.written, b"xx")
        self.assertIsNone(transport.producer)

    def test_tooLong(self) -> None:
        """
        If a call with a stream is too long for a box, it is not sent, and the stream never begins.
        """

        class Send(amp.Command):
            arguments = [(b"data", amp.Stream()), (b"text", amp.String())]

        client, server = amp.AMP(), amp.AMP()
        client.extended = server.extended = True
        client.MAX_BOX_LENGTH = 100_000
        connection = connectInMemory(client, server)
        failures: list[Any] = []
        sender = amp.StreamSender(b"x")
        calling = client.callRemote(Send, data=sender, text=bytes(200_000))
        calling.addErrback(failures.append)
        connection.flush()
        self.assertTrue(failures[0].check(amp.TooLong))
        self.assertEqual((sender.bytesSent, client._ampStreams.writers), (0, {}))
