"""Tests for L{twisted_basic_ng.amp._switch}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory, loadStock
from twisted_basic_ng import amp


class Switch(amp.ProtocolSwitchCommand):
    """A command that switches to L{Inner}."""

    arguments = [(b"name", amp.String())]
    errors = {ValueError: b"VALUE"}


class Inner(Protocol):
    """Sends a greeting, and collects its data and the end."""

    def __init__(self) -> None:
        self.received: list[Any] = []

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(b"hello")

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.received.append(reason.type)


class InnerFactory(ClientFactory):
    """Makes the caller's new protocol, and records its calls."""

    def __init__(self) -> None:
        self.made: Any = None
        self.events: list[str] = []

    def buildProtocol(self, addr: object) -> Any:
        self.made = Inner()
        return self.made

    def clientConnectionFailed(self, connector: object, reason: Any) -> None:
        self.events.append("failed")

    def clientConnectionLost(self, connector: object, reason: Any) -> None:
        self.events.append("lost")


class Server(amp.AMP):
    """Switches the protocol."""

    inner: Any = None

    def amp_LATER(self, box: amp.AmpBox) -> Any:
        return Deferred()

    @Switch.responder
    def switch(self, name: bytes) -> Any:
        if name == b"never":
            raise ValueError("not to that")
        self.inner = Inner()
        return self.inner


class SwitchTests(SynchronousTestCase):
    """Both ends switch together."""

    def setUp(self) -> None:
        self.client, self.server = amp.AMP(), Server()
        self.connection = connectInMemory(self.client, self.server)
        self.factory = InnerFactory()

    def call(self, name: bytes) -> Any:
        """Ask the server to switch."""
        return self.client.callRemote(Switch, self.factory, name=name)

    def test_both(self) -> None:
        """Bytes after the last box go to the new protocols."""
        result = self.call(b"inner")
        self.assertRaises(amp.ProtocolSwitched, self.client.callRemoteString, b"x")
        self.connection.flush()
        self.assertEqual(self.successResultOf(result), {})
        self.assertEqual((self.factory.made.received, self.server.inner.received), ([b"hello"], [b"hello"]))
        self.assertIs(self.client.innerProtocol, self.factory.made)
        self.assertIn(f" inner {self.factory.made!r} at", repr(self.client))
        self.assertRaises(amp.ProtocolSwitched, self.server.callRemoteString, b"x")
        self.assertRaises(amp.ProtocolSwitched, self.client._unlockFromSwitch)

    def test_lost(self) -> None:
        """The protocols and the factory are told of the connection's end."""
        self.call(b"inner")
        self.connection.flush()
        self.connection.client.loseConnection()
        self.connection.flush()
        self.assertEqual(self.factory.made.received[1:], [ConnectionDone])
        self.assertEqual(self.server.inner.received[1:], [ConnectionDone])
        self.assertEqual(self.factory.events, ["lost"])

    def test_refused(self) -> None:
        """If the responder refuses, the connection goes on with boxes."""
        errors: list[Any] = []
        self.call(b"never").addErrback(lambda failure: errors.append(failure.type))
        self.connection.flush()
        self.assertEqual(errors, [ValueError])
        self.assertEqual(self.factory.events, ["failed"])
        again: Any = self.client.callRemoteString(b"x")
        again.addErrback(lambda failure: errors.append(failure.type))
        self.connection.flush()
        self.assertEqual(errors, [ValueError, amp.UnhandledCommand])

    def test_cancelled(self) -> None:
        """Cancelling the call closes the connection, since the peer may switch nevertheless."""
        result = self.call(b"inner")
        result.cancel()
        self.failureResultOf(result, CancelledError)
        self.assertTrue(self.connection.client.disconnecting)

    def test_lostBefore(self) -> None:
        """If the connection is lost first, the call fails, and the factory is told."""
        result = self.call(b"inner")
        self.connection.drop()
        self.failureResultOf(result)
        self.assertEqual(self.factory.events, ["failed"])

    def test_notBuilt(self) -> None:
        """
        If the factory makes no protocol, the connection is closed, and the factory is told.  No
        more bytes are read.
        """
        for build, kind in ((lambda addr: 1 / 0, ZeroDivisionError), (lambda addr: None, AttributeError)):
            self.setUp()
            self.factory.buildProtocol = build  # type: ignore[method-assign]
            errors: list[Any] = []
            waiting: Any = self.client.callRemoteString(b"later")
            self.call(b"inner").addErrback(lambda failure, errors=errors: errors.append(failure.type))
            self.server.dataReceived(self.connection.client.take(None))
            self.client.dataReceived(self.connection.server.take(None))
            self.assertEqual((errors, self.connection.client.disconnecting), ([kind], True))
            self.client.dataReceived(b"what is no box\xff\xff")
            self.assertEqual(self.factory.events, [])
            self.connection.flush()
            self.assertEqual(self.factory.events, ["lost"])
            self.failureResultOf(waiting)

    def test_notConnected(self) -> None:
        """A protocol that raises in C{makeConnection} keeps the connection, as in Twisted."""

        class Broken(Inner):
            def connectionMade(self) -> None:
                raise ZeroDivisionError

        self.factory.buildProtocol = lambda addr: Broken()  # type: ignore[method-assign]
        errors: list[Any] = []
        self.call(b"inner").addErrback(lambda failure: errors.append(failure.type))
        self.connection.pump()
        self.assertEqual((errors, type(self.client.innerProtocol)), ([ZeroDivisionError], Broken))
        self.assertFalse(self.connection.client.disconnecting)

    def test_toldRaises(self) -> None:
        """An error of the factory does not affect the connection."""
        self.factory.clientConnectionFailed = lambda *args: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        result = self.call(b"inner")
        result.cancel()
        self.failureResultOf(result, ZeroDivisionError)
        self.assertTrue(self.connection.client.disconnecting)

    def test_repr(self) -> None:
        """The C{repr} of the box is the same as Twisted's."""
        inner = Inner()
        theirs = loadStock("amp")._SwitchBox(inner, a=b"1")
        self.assertEqual(repr(amp._SwitchBox(inner, a=b"1")), repr(theirs))


class LeftoverTests(SynchronousTestCase):
    """No byte is lost between the two protocols."""

    def setUp(self) -> None:
        self.server = Server()
        self.transport = RecordingTransport().connect(self.server)
        self.box = amp.Box(_ask=b"1", _command=b"Switch", name=b"inner").serialize()

    def test_sameChunk(self) -> None:
        """Bytes of the same chunk and later ones go to the new protocol."""
        self.server.dataReceived(self.box + b"rest")
        self.server.dataReceived(b"more")
        self.assertEqual(self.server.inner.received, [b"rest", b"more"])
        self.assertEqual(self.server.recvd, b"")

    def test_everyCut(self) -> None:
        """They go there in any chunks."""
        data = self.box + b"rest"
        for cut in range(1, len(data)):
            server = Server()
            RecordingTransport().connect(server)
            server.dataReceived(data[:cut])
            server.dataReceived(data[cut:])
            self.assertEqual(b"".join(server.inner.received), b"rest")

    def test_duringConnection(self) -> None:
        """
        Bytes that arrive while the new protocol is connected are delivered after the earlier ones.
        """
        self.transport.hooks["write"] = lambda: self.server.innerProtocol and self.server.dataReceived(b"reply")
        self.server.dataReceived(self.box + b"rest")
        self.assertEqual(b"".join(self.server.inner.received), b"restreply")

    def test_duringLaterConnection(self) -> None:
        """This also holds if the switch comes later than the call, with half a box before it."""
        self.server.dataReceived(b"\x00\x01half")
        inner = Inner()
        self.transport.hooks["write"] = lambda: self.server.dataReceived(b"reply")
        self.server._switchTo(inner)
        self.assertEqual(b"".join(inner.received), b"\x00\x01halfreply"[3:])

    def test_raises(self) -> None:
        """If connecting the new protocol raises, it does not get the earlier bytes."""

        class Broken(Inner):
            def connectionMade(self) -> None:
                raise ZeroDivisionError("not today")

        broken = Broken()
        self.server.switch = None  # type: ignore[assignment, method-assign]
        self.assertRaises(ZeroDivisionError, self.server._switchTo, broken)
        self.server.dataReceived(b"more")
        self.assertEqual(broken.received, [b"more"])

    def test_innerRaises(self) -> None:
        """
        If the new protocol's C{connectionLost} raises, the factory and the calls are still told.
        """

        class Broken(Inner):
            def connectionLost(self, reason: Any = None) -> None:
                raise ZeroDivisionError("not today")

        factory = InnerFactory()
        waiting: Any = self.server.callRemoteString(b"x")
        self.server._switchTo(Broken(), factory)
        reason = Failure(ConnectionDone())
        self.assertRaises(ZeroDivisionError, self.server.connectionLost, reason)
        self.assertEqual(factory.events, ["lost"])
        self.assertIs(self.failureResultOf(waiting), reason)
        self.assertIsNone(self.server.transport)
