"""
Tests for what applications override, call, read and set on a connection: its ends, switching, TLS
and descriptors.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IFileDescriptorReceiver
from twisted.internet.protocol import ClientFactory, Protocol
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.compatibility.receiving import BOXES, DATA, Receiver, connected
from tests.helpers import RecordingTransport, connectInMemory

case = SynchronousTestCase()


@pytest.fixture
def logged() -> Iterator[list[Any]]:
    """Collect the log events during a test."""
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    yield events
    globalLogPublisher.removeObserver(events.append)


class TestBeginning:
    """Tests for connections that are made in unusual ways, and for how they end."""

    def test_copiedMakeConnection(self, amp: Any, logged: list[Any]) -> None:
        """
        An application's own copy of C{makeConnection} can leave out the log event, and call the
        base unbound.
        """

        class Quiet(amp.AMP):
            def __init__(self) -> None:
                """Do not call the base."""

            def makeConnection(self, transport: Any) -> None:
                assert not self._ampInitialized
                amp.AMP.__init__(self)
                self._transportPeer = transport.getPeer()
                self._transportHost = transport.getHost()
                amp.BinaryBoxProtocol.makeConnection(self, transport)

            def connectionMade(self) -> None:
                made.append(self)

        made: list[Any] = []
        quiet = Quiet()
        transport = RecordingTransport().connect(quiet)
        assert (made, quiet._ampInitialized, quiet.transport, quiet.boxSender) == ([quiet], True, transport, quiet)
        assert (quiet._outstandingRequests, logged) == ({}, [])

    def test_noInit(self, amp: Any) -> None:
        """
        A subclass whose C{__init__} does not call the base works, and keeps what it set before the
        connection.
        """

        class Old(amp.AMP):
            def __init__(self, name: str) -> None:
                self.name = name

            def amp_NAME(self, box: Any) -> Any:
                return amp.Box(name=self.name.encode())

        client = Old("client")
        connection = connectInMemory(client, Old("server"))
        outcomes: list[Any] = []
        client.callRemoteString(b"name").addCallback(outcomes.append)
        connection.flush()
        connection.drop()
        assert outcomes[0][b"name"] == b"server"
        assert (client.boxReceiver, client.locator, client.transport) == (client, client, None)

    def test_noInitOfBoxes(self, amp: Any) -> None:
        """
        A subclass of C{BinaryBoxProtocol} can set C{boxReceiver} and never call the base's
        C{__init__}.
        """

        class Own(amp.BinaryBoxProtocol):
            def __init__(self) -> None:
                self.boxReceiver = Receiver()

        own = Own()
        RecordingTransport().connect(own)
        own.dataReceived(DATA)
        own.connectionLost(Failure(ConnectionDone()))
        assert own.boxReceiver.boxes == BOXES
        own.boxReceiver.reason.trap(ConnectionDone)

    def test_addresses(self, amp: Any) -> None:
        """
        C{_transportPeer} and C{_transportHost} are available during the connection and after it.
        """
        protocol = amp.AMP()
        transport = RecordingTransport().connect(protocol)
        protocol.connectionLost(Failure(ConnectionDone()))
        assert (protocol._transportPeer, protocol._transportHost) == (transport.getPeer(), transport.getHost())
        assert protocol.transport is None

    def test_transportOfPipes(self, amp: Any) -> None:
        """
        The parent of a process pool can serve as the transport, with only the methods that AMP
        needs.
        """

        class Parent:
            disconnecting = False

            def __init__(self) -> None:
                self.written: list[bytes] = []

            def write(self, data: bytes) -> None:
                self.written.append(data)

            def loseConnection(self) -> None:
                self.disconnecting = True

            def getPeer(self) -> tuple[str]:
                return ("subprocess",)

            getHost = getPeer

        protocol, parent = amp.AMP(), Parent()
        protocol.makeConnection(parent)
        calling = protocol.callRemoteString(b"x")
        protocol.dataReceived(amp.Box(_answer=b"1", y=b"2").serialize())
        assert case.successResultOf(calling)[b"y"] == b"2"
        protocol.unhandledError(Failure(RuntimeError()))
        assert parent.disconnecting
        assert amp.parseString(b"".join(parent.written)) == [{b"_command": b"x", b"_ask": b"1"}]

    def test_makeConnection(self, amp: Any, logged: list[Any]) -> None:
        """
        An override of C{makeConnection} finds both addresses after it has called the base, which
        logs one event.
        """

        class Own(amp.AMP):
            def makeConnection(self, transport: Any) -> None:
                super().makeConnection(transport)
                seen.append((self._transportPeer, self._transportHost))

        seen: list[Any] = []
        transport = RecordingTransport().connect(Own())
        assert (seen, len(logged)) == ([(transport.getPeer(), transport.getHost())], 1)

    def test_startAndStop(self, amp: Any) -> None:
        """
        Overrides of C{startReceivingBoxes} and C{stopReceivingBoxes} are called, and may call the
        base.
        """

        class Own(amp.AMP):
            def startReceivingBoxes(self, boxSender: Any) -> None:
                told.append(boxSender)
                super().startReceivingBoxes(boxSender)

            def stopReceivingBoxes(self, reason: Any) -> None:
                told.append(reason.type)
                super().stopReceivingBoxes(reason)

        told: list[Any] = []
        own = Own()
        RecordingTransport().connect(own)
        own.connectionLost(Failure(ConnectionDone()))
        assert told == [own, ConnectionDone]

    def test_noTransport(self, amp: Any) -> None:
        """A connection whose transport is C{None} closes nothing and sends nothing."""
        protocol = amp.AMP()
        protocol.transport = None
        protocol.unhandledError(Failure(RuntimeError()))
        with pytest.raises(ConnectionLost):
            protocol.sendBox(amp.Box(a=b"1"))


class Inner(Protocol):
    """A protocol to switch to."""

    def __init__(self) -> None:
        self.events: list[Any] = []

    def connectionMade(self) -> None:
        self.events.append("made")

    def dataReceived(self, data: bytes) -> None:
        self.events.append(data)

    def connectionLost(self, reason: Any = None) -> None:
        self.events.append(reason.type)


class TestSwitching:
    """Tests for C{_switchTo} and the locks, which applications call."""

    def test_switchTo(self, amp: Any) -> None:
        """The bytes after the box, and all later ones, are passed to the new protocol."""

        class Switching(Receiver):
            def ampBoxReceived(self, box: Any) -> None:
                super().ampBoxReceived(box)
                protocol._switchTo(inner)

        inner = Inner()
        protocol = amp.BinaryBoxProtocol(Switching())
        transport = RecordingTransport().connect(protocol)
        protocol.dataReceived(b"\0\1a\0\1b\0\0" + b"not a box")
        protocol.dataReceived(b"\0")
        assert (protocol.innerProtocol, inner.transport) == (inner, transport)
        protocol.connectionLost(Failure(ConnectionDone()))
        assert inner.events == ["made", b"not a box", b"\0", ConnectionDone]
        assert protocol.boxReceiver.boxes == [{b"a": b"b"}]

    def test_factory(self, amp: Any) -> None:
        """The client factory is notified of the connection's end after its protocol."""

        class Factory(ClientFactory):
            def clientConnectionLost(self, connector: Any, reason: Any) -> None:
                inner.events.append((connector, reason.type))

        inner, factory = Inner(), Factory()
        protocol = connected(amp.BinaryBoxProtocol)
        protocol._switchTo(inner, factory)
        protocol.connectionLost(Failure(ConnectionDone()))
        assert inner.events == ["made", ConnectionDone, (None, ConnectionDone)]
        assert protocol.innerProtocolClientFactory is factory

    def test_lock(self, amp: Any) -> None:
        """
        While locked, no box can be sent.  Unlocking permits that again, except after a switch.
        """
        protocol = connected(amp.BinaryBoxProtocol)
        protocol._lockForSwitch()
        with pytest.raises(amp.ProtocolSwitched, match="no AMP traffic allowed"):
            protocol.sendBox(amp.Box(a=b"1"))
        protocol._unlockFromSwitch()
        protocol.sendBox(amp.Box(a=b"1"))
        protocol._switchTo(Inner())
        with pytest.raises(amp.ProtocolSwitched, match="Cannot unlock"):
            protocol._unlockFromSwitch()
        assert protocol.wire.written == b"\0\1a\0\0011\0\0"

    def test_overridden(self, amp: Any) -> None:
        """Commands call overrides of C{_switchTo} and C{_lockForSwitch}."""

        class Switch(amp.ProtocolSwitchCommand):
            pass

        class Peer(amp.AMP):
            def _switchTo(self, newProto: Any, clientFactory: Any = None) -> None:
                events.append(("to", clientFactory is not None))
                super()._switchTo(newProto, clientFactory)

            def _lockForSwitch(self) -> None:
                events.append("lock")
                super()._lockForSwitch()

            @Switch.responder
            def switch(self) -> Any:
                return Inner()

        events: list[Any] = []
        client = Peer()
        connection = connectInMemory(client, Peer())
        calling = client.callRemote(Switch, ClientFactory.forProtocol(Inner))
        connection.flush()
        assert case.successResultOf(calling) == {}
        assert events == ["lock", "lock", ("to", False), ("to", True)]


class Shown:
    """A fake certificate."""

    def options(self, *authorities: Any) -> Any:
        return ("options", *authorities)


class TestTLS:
    """Tests for what applications use of StartTLS."""

    def test_startTLS(self, amp: Any) -> None:
        """
        C{_prepareTLS} queues boxes, C{_startTLS} sends them over TLS, and C{hostCertificate} is the
        certificate in use.
        """
        protocol, certificate = connected(amp.BinaryBoxProtocol), Shown()
        assert (protocol.hostCertificate, protocol.noPeerCertificate) == (None, False)
        protocol._prepareTLS(certificate, [1])
        protocol.sendBox(amp.Box(a=b"1"))
        assert (protocol._startingTLSBuffer, protocol.wire.events) == ([{b"a": b"1"}], [])
        protocol._startTLS(certificate, [1])
        assert (protocol.wire.names(), protocol.hostCertificate) == (["startTLS", "write"], certificate)
        assert protocol._startingTLSBuffer is None

    def test_twice(self, amp: Any) -> None:
        """TLS starts only once.  C{hostCertificate} records that, and can be set from outside."""
        protocol = connected(amp.BinaryBoxProtocol)
        protocol.noPeerCertificate = True
        protocol.hostCertificate = "mine"
        with pytest.raises(amp.OnlyOneTLS, match="between mine and None is trying to re-establish as"):
            protocol._prepareTLS("other", None)
        protocol.hostCertificate = None
        protocol._prepareTLS("other", None)
        assert protocol._startingTLSBuffer == []

    def test_peerCertificate(self, amp: Any) -> None:
        """
        C{noPeerCertificate} makes C{peerCertificate} C{None}.  A subclass can override
        C{peerCertificate}.
        """

        class Known(amp.BinaryBoxProtocol):
            peerCertificate = "theirs"

        protocol = connected(amp.BinaryBoxProtocol)
        protocol.noPeerCertificate = True
        assert (protocol.peerCertificate, connected(Known).peerCertificate) == (None, "theirs")

    def test_overridden(self, amp: Any) -> None:
        """The answer calls an override of C{_startTLS} with what the responder returned."""
        pytest.importorskip("OpenSSL")

        class Server(amp.AMP):
            def _startTLS(self, certificate: Any, verifyAuthorities: Any) -> None:
                self.started = certificate, verifyAuthorities

            @amp.StartTLS.responder
            def secure(self) -> Any:
                return {"tls_localCertificate": "mine", "tls_verifyAuthorities": ["them"]}

        server = Server()
        transport = RecordingTransport().connect(server)
        server.dataReceived(amp.Box(_command=b"StartTLS", _ask=b"1").serialize())
        assert server.started == ("mine", ["them"])
        assert amp.parseString(transport.written) == [{b"_answer": b"1"}]

    def test_default(self, amp: Any) -> None:
        """C{_defaultStartTLSResponder} returns an empty dictionary, and can be called."""
        command, function = amp.AMP._commandDispatch[b"StartTLS"]
        assert (command, function(amp.AMP())) == (amp.StartTLS, {})
        assert amp.BinaryBoxProtocol._defaultStartTLSResponder(amp.AMP()) == {}


class Descriptors(RecordingTransport):
    """A transport that can send file descriptors."""

    def sendFileDescriptor(self, descriptor: int) -> None:
        self.events.append(("sendFileDescriptor", descriptor))


class TestDescriptors:
    """Tests for the private methods that pass descriptors."""

    def test_sending(self, amp: Any) -> None:
        """C{_sendFileDescriptor} sends a descriptor, and numbers them from zero."""
        protocol = amp.AMP()
        transport = Descriptors().connect(protocol)
        assert [protocol._sendFileDescriptor(descriptor) for descriptor in (7, 8)] == [0, 1]
        assert transport.events == [("sendFileDescriptor", 7), ("sendFileDescriptor", 8)]
        assert protocol._sendingDescriptorCounter() == 2

    def test_receiving(self, amp: Any) -> None:
        """
        C{_descriptors} has the received descriptors, by their numbers, until they are claimed.
        """
        protocol = amp.AMP()
        Descriptors().connect(protocol)
        for descriptor in (1007, 1008):
            protocol.fileDescriptorReceived(descriptor)
        assert protocol._descriptors == {0: 1007, 1: 1008}
        assert amp.Descriptor().fromStringProto(b"1", protocol) == protocol._descriptors.get(1, 1008)
        assert (protocol._descriptors, protocol._receivingDescriptorCounter()) == ({0: 1007}, 2)
        assert protocol._getDescriptor(0) == 1007
        with pytest.raises(KeyError):
            protocol._getDescriptor(0)
        assert IFileDescriptorReceiver.providedBy(protocol)


#: The documented members of a connection, and those that come with them.
MEMBERS = [
    "boxReceiver",
    "sendBox",
    "makeConnection",
    "dataReceived",
    "connectionLost",
    "proto_init",
    "proto_key",
    "proto_value",
    "unhandledError",
    "lengthLimitExceeded",
    "_keyLengthLimitExceeded",
    "_switchTo",
    "_lockForSwitch",
    "_unlockFromSwitch",
    "_prepareTLS",
    "_startTLS",
    "_defaultStartTLSResponder",
    "state",
    "stringReceived",
    "structFormat",
    "prefixLength",
    "sendString",
    "_unprocessed",
    "_compatibilityOffset",
    "recvd",
    "pauseProducing",
    "resumeProducing",
    "stopProducing",
    "fileDescriptorReceived",
    "_descriptors",
    "_sendingDescriptorCounter",
    "_receivingDescriptorCounter",
    "_sendFileDescriptor",
    "paused",
    "hostCertificate",
    "noPeerCertificate",
    "innerProtocol",
    "innerProtocolClientFactory",
    "_justStartedTLS",
    "_startingTLSBuffer",
    "_locked",
    "_currentKey",
    "_currentBox",
    "MAX_LENGTH",
    "_MAX_KEY_LENGTH",
    "_MAX_VALUE_LENGTH",
    "transport",
    "connected",
    "factory",
]


class TestMembers:
    """The documented members of a connection exist before the connection is made."""

    @pytest.mark.parametrize(
        "name",
        MEMBERS,
    )
    def test_member(self, amp: Any, name: str) -> None:
        """The member exists, and can be set on the instance."""
        protocol = amp.BinaryBoxProtocol(Receiver())
        value = getattr(protocol, name)
        setattr(protocol, name, value)
        assert getattr(protocol, name) == value

    def test_interfaces(self, amp: Any) -> None:
        """A connection provides the interfaces that applications ask for."""
        assert amp.IBoxSender.providedBy(amp.BinaryBoxProtocol(Receiver()))
        for interface in (amp.IBoxSender, amp.IBoxReceiver, amp.IResponderLocator):
            assert interface.providedBy(amp.AMP())
