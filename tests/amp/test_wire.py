"""
Tests for L{twisted_basic_ng.amp._wire}; C{test_tls} tests TLS, and C{test_switch} tests switching.
"""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IFileDescriptorReceiver
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp

from .boxes import Boxes


class WireTests(SynchronousTestCase):
    """A connection of boxes begins and ends."""

    def setUp(self) -> None:
        self.boxes = Boxes()
        self.protocol = amp.BinaryBoxProtocol(self.boxes)
        self.transport = RecordingTransport()

    def connect(self) -> None:
        self.transport.connect(self.protocol)

    def test_interfaces(self) -> None:
        """The protocol provides the interfaces for sending boxes and receiving descriptors."""
        self.assertTrue(verifyObject(amp.IBoxSender, self.protocol))
        self.assertTrue(verifyObject(IFileDescriptorReceiver, self.protocol))

    def test_repr(self) -> None:
        """The C{repr} shows the peer after the C{repr} of the base class."""
        self.connect()
        self.assertRegex(repr(self.protocol), f", to {re.escape(str(self.transport.getPeer()))}>$")

        class Session:
            def __repr__(self) -> str:
                return "session"

        class Both(amp.BinaryBoxProtocol, Session):
            pass

        self.assertEqual(repr(Both(None)), "session")

    def test_begin(self) -> None:
        """The receiver of boxes is told first, then C{connectionMade} is called."""
        order: list[Any] = []
        self.boxes.startReceivingBoxes = order.append  # type: ignore[method-assign]
        self.protocol.connectionMade = lambda: order.append(self.protocol.connected)  # type: ignore[method-assign]
        self.connect()
        self.assertEqual(order, [self.protocol, 0])

    def test_end(self) -> None:
        """The receiver of boxes gets the transport's reason."""
        self.connect()
        reason = Failure(ConnectionDone())
        self.protocol.connectionLost(reason)
        self.assertEqual(self.boxes.calls, [reason.value])

    def test_endRaises(self) -> None:
        """If the receiver of boxes raises at the end, its calls still fail, once."""
        for before in (True, False):

            class Receiver(amp.BoxDispatcher):
                def stopReceivingBoxes(self, reason: Failure, before: bool = before) -> None:
                    if not before:
                        super().stopReceivingBoxes(reason)
                    raise ZeroDivisionError

            receiver = Receiver(None)
            protocol = amp.BinaryBoxProtocol(receiver)
            RecordingTransport().connect(protocol)
            waiting: Any = receiver.callRemoteString(b"x")
            reason = Failure(ConnectionDone())
            self.assertRaises(ZeroDivisionError, protocol.connectionLost, reason)
            self.assertIs(self.failureResultOf(waiting), reason)
            self.failureResultOf(receiver.callRemoteString(b"x"))

    def test_endOfOthersRaises(self) -> None:
        """An error of a receiver that makes no calls is passed on."""
        self.boxes.stopReceivingBoxes = lambda reason: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        self.connect()
        self.assertRaises(ZeroDivisionError, self.protocol.connectionLost, Failure(ConnectionDone()))

    def test_unhandled(self) -> None:
        """An unhandled error is logged and closes the connection."""
        self.connect()
        self.protocol.unhandledError(Failure(ZeroDivisionError()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(self.transport.disconnecting)
        self.protocol.dataReceived(amp.AmpBox(a=b"1").serialize())
        self.assertEqual(self.boxes.calls, [])

    def test_unhandledWithout(self) -> None:
        """It is logged without a connection, too."""
        self.protocol.unhandledError(Failure(ZeroDivisionError()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_unhandledOption(self) -> None:
        """With C{unhandledErrorsAreFatal} off, the connection stays open."""
        self.connect()
        self.protocol.unhandledErrorsAreFatal = False  # type: ignore[misc]
        self.protocol.unhandledError(Failure(ZeroDivisionError()))
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertFalse(self.transport.disconnecting)

    def test_refusedOnce(self) -> None:
        """If a peer is refused twice, the first reason counts."""
        self.connect()
        first = amp.TooManyDescriptorsError(1)
        self.protocol._ampRefuse(first)
        self.protocol._ampRefuse(amp.TooManyDescriptorsError(2))
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.boxes.calls, [first])

    def test_refusedUnknown(self) -> None:
        """A peer is dropped even if its transport cannot describe it."""
        self.transport.getPeer = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        self.connect()
        self.protocol._ampRefuse(amp.TooManyDescriptorsError(1))
        self.assertTrue(self.transport.disconnecting)

    def test_peerCertificate(self) -> None:
        """With C{noPeerCertificate}, the certificate is C{None}, for tests without TLS."""
        self.protocol.noPeerCertificate = True
        self.assertIsNone(self.protocol.peerCertificate)

    def test_peerCertificateOfTransport(self) -> None:
        """Otherwise the certificate comes from the transport."""
        ssl = pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
        shown = amp._tls._temporaryCertificate()
        handle = SimpleNamespace(get_peer_certificate=lambda: shown.original)
        self.transport.getHandle = lambda: handle  # type: ignore[attr-defined]
        self.connect()
        self.assertIsInstance(self.protocol.peerCertificate, ssl.Certificate)
        self.assertEqual(self.protocol.peerCertificate, ssl.Certificate(shown.original))
