"""Tests for L{twisted_basic_ng._ftp.dtpfactory}."""

from __future__ import annotations

import gc
import sys
import weakref
from types import ModuleType, SimpleNamespace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.protocols.ftp import PortConnectionError
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng._ftp.dtp import DTP
from twisted_basic_ng._ftp.dtpfactory import DTPFactory

LOST = Failure(ConnectionLost())


class FactoryTests(SynchronousTestCase):
    """The factory waits for one data connection, up to a time limit."""

    dtpInstance: Any = None

    def setUp(self) -> None:
        self.clock = Clock()
        self.factory = DTPFactory(self, "192.0.2.1", self.clock)

    def test_one(self) -> None:
        """The first connection is accepted, and its protocol is set on the server."""
        dtp = self.factory.buildProtocol(None)
        self.assertIs(self.dtpInstance, dtp)
        self.assertIs(self.factory._state, DTPFactory._FINISHED)
        self.assertIsNone(self.factory.buildProtocol(None))

    def test_unmakeable(self) -> None:
        """
        If the application's class or server raises, another peer may connect until the time limit.
        """

        class Refusing:
            dtpInstance = property()

        def explode() -> Any:
            raise ZeroDivisionError

        module = ModuleType("twisted.protocols.ftp")
        vars(module).update(vars(sys.modules["twisted.protocols.ftp"]))
        vars(module).update(DTP=explode, DTPFactory=DTPFactory)
        for pi, error in ((self, ZeroDivisionError), (Refusing(), AttributeError)):
            factory = DTPFactory(pi, None, self.clock)
            factory.setTimeout(10)
            waiting = factory.deferred
            assert waiting is not None
            patch = self.patch(sys, "modules", {**sys.modules, "twisted.protocols.ftp": module})
            self.assertRaises(error, factory.buildProtocol, None)
            patch.restore()
            vars(module).update(DTP=DTP)
            self.clock.advance(10)
            self.failureResultOf(waiting, PortConnectionError)

    def test_late(self) -> None:
        """After the time limit, no peer may connect."""
        self.factory.setTimeout(10)
        waiting = self.factory.deferred
        assert waiting is not None
        self.clock.advance(10)
        self.failureResultOf(waiting, PortConnectionError)
        self.assertEqual((self.factory.deferred, self.factory.buildProtocol(None)), (None, None))
        self.assertIs(self.factory._state, DTPFactory._FAILED)

    def test_inTime(self) -> None:
        """The time limit ends with the connection or with the factory."""
        for end in (lambda: self.factory.buildProtocol(None), self.factory.stopFactory):
            self.factory.setTimeout(10)
            end()
            self.assertEqual(self.clock.getDelayedCalls(), [])
            self.factory.cancelTimeout()

    def test_refused(self) -> None:
        """A refused connection fails the Deferred once."""
        waiting = self.factory.deferred
        assert waiting is not None
        self.factory.clientConnectionFailed(None, LOST)
        self.factory.clientConnectionFailed(None, LOST)
        self.factory.timeoutFactory()
        self.assertEqual(self.failureResultOf(waiting, PortConnectionError).value.args, (LOST,))

    def test_peer(self) -> None:
        """With C{peerCheck}, only the peer of the control connection may connect."""
        transport = RecordingTransport()
        other = type(transport.getPeer())("TCP", "192.0.2.9", 5)
        self.factory.peerCheck = True
        self.assertIsNone(self.factory.buildProtocol(other))
        self.assertIsInstance(self.factory.buildProtocol(transport.getPeer()), DTP)
        anybody = DTPFactory(self, None, self.clock)
        anybody.peerCheck = True
        self.assertIsInstance(anybody.buildProtocol(other), DTP)

    def test_application(self) -> None:
        """
        If Twisted's module has this factory, an application's class in that module is used for the
        connections.
        """

        class Own(DTP):
            pass

        module = ModuleType("twisted.protocols.ftp")
        vars(module).update(DTP=Own, DTPFactory=DTPFactory)
        self.patch(sys, "modules", {**sys.modules, "twisted.protocols.ftp": module})
        self.assertIsInstance(self.factory.buildProtocol(None), Own)
        vars(module).update(DTPFactory=object)
        self.assertIs(type(DTPFactory(self, None, self.clock).buildProtocol(None)), DTP)
        vars(module).update(DTPFactory=DTPFactory, DTP=SimpleNamespace)
        foreign = DTPFactory(self, None, self.clock)
        self.assertIsInstance(foreign.buildProtocol(None), SimpleNamespace)
        foreign.stopFactory()

    def test_port(self) -> None:
        """
        Closing the port keeps the data of a connection for a later consumer.  C{stopFactory} closes
        the connection.
        """
        self.factory.doStart()
        dtp: Any = self.factory.buildProtocol(None)
        transport = RecordingTransport().connect(dtp)
        dtp.dataReceived(b"x" * 70000)
        self.factory.doStop()
        self.assertEqual(transport.names(), ["pauseProducing"])
        self.factory.stopFactory()
        self.assertTrue(transport.disconnecting)

    def test_gone(self) -> None:
        """A connection that the server has forgotten is freed without garbage collection."""
        dtp: Any = self.factory.buildProtocol(None)
        known = weakref.ref(dtp)
        gc.disable()
        self.addCleanup(gc.enable)
        self.dtpInstance = None
        del dtp
        if sys.implementation.name != "cpython":  # CPython counts references
            gc.collect()
        self.assertIsNone(known())
        self.factory.stopFactory()

    def test_reactor(self) -> None:
        """The global reactor is used by default."""
        from twisted.internet import reactor

        self.assertIs(DTPFactory(self)._reactor, reactor)
        self.assertIsInstance(DTPFactory(self).deferred, Deferred)
