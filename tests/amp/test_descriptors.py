"""Tests for L{twisted_basic_ng.amp._descriptors}."""

from __future__ import annotations

import os
import sys
from typing import Any
from unittest.mock import patch

try:
    import resource
except ImportError:
    resource = None  # type: ignore[assignment]

from zope.interface import implementer

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IFileDescriptorReceiver
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp
from twisted_basic_ng.amp import _descriptors


class SendingTransport(RecordingTransport):
    """A transport that can send descriptors."""

    def sendFileDescriptor(self, descriptor: int) -> None:
        self._record("sendFileDescriptor", descriptor)


def isOpen(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True


def openDescriptor() -> int:
    return os.open(os.devnull, os.O_RDONLY)


@implementer(IFileDescriptorReceiver)
class Inner:
    """A protocol that was switched to, and receives descriptors."""

    def __init__(self) -> None:
        self.received: list[int] = []

    def makeConnection(self, transport: object) -> None:
        pass

    def fileDescriptorReceived(self, descriptor: int) -> None:
        self.received.append(descriptor)


class DescriptorTests(SynchronousTestCase):
    """Descriptors are sent beside the boxes that claim them."""

    def setUp(self) -> None:
        self.protocol = amp.AMP()
        self.transport = SendingTransport()
        self.transport.connect(self.protocol)

    def test_send(self) -> None:
        """A descriptor is sent at once, and the box has its number."""
        strings: dict[bytes, bytes] = {}
        argument = amp.Descriptor()
        argument.toBox(b"a", strings, {"a": 11}, self.protocol)
        argument.toBox(b"b", strings, {"b": 12}, self.protocol)
        self.assertEqual(strings, {b"a": b"0", b"b": b"1"})
        self.assertEqual(self.transport.events, [("sendFileDescriptor", 11), ("sendFileDescriptor", 12)])

    def test_receive(self) -> None:
        """A box claims a descriptor by its number, once."""
        first, second = openDescriptor(), openDescriptor()
        self.protocol.fileDescriptorReceived(first)
        self.protocol.fileDescriptorReceived(second)
        self.assertEqual(self.protocol._descriptors, {0: first, 1: second})
        objects: dict[str, Any] = {}
        amp.Descriptor().fromBox(b"a", {b"a": b"1"}, objects, self.protocol)
        self.assertEqual(objects, {"a": second})
        self.assertRaises(KeyError, amp.Descriptor().fromBox, b"a", {b"a": b"1"}, objects, self.protocol)
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((isOpen(first), isOpen(second)), (False, True))
        os.close(second)

    def read(self, kind: Any, string: bytes) -> int:
        """Refuse a box with a descriptor because of another argument, and return the descriptor."""
        descriptor = openDescriptor()
        self.protocol.fileDescriptorReceived(descriptor)

        class Take(amp.Command):
            arguments = [(b"file", kind), (b"number", amp.Integer())]

        self.assertRaises(ValueError, Take.parseArguments, amp.AmpBox(file=string, number=b"none"), self.protocol)
        return descriptor

    def test_refused(self) -> None:
        """The descriptor of a box that cannot be read is closed."""
        self.assertFalse(isOpen(self.read(amp.Descriptor(), b"0")))
        self.assertFalse(isOpen(self.read(amp.AmpList([(b"file", amp.Descriptor())]), b"\0\4file\0\x011\0\0")))
        self.assertFalse(
            isOpen(self.read(amp.ListOf(amp.AmpList([(b"f", amp.Descriptor())])), b"\0\x08\0\1f\0\x012\0\0"))
        )

    def test_refusedList(self) -> None:
        """The descriptors of a list with an element that cannot be read are closed."""
        descriptor = openDescriptor()
        self.protocol.fileDescriptorReceived(descriptor)
        rows = amp.AmpList([(b"f", amp.Descriptor())])
        self.assertRaises(ValueError, rows.fromStringProto, b"\0\1f\0\x010\0\0\0\1f\0\1x\0\0", self.protocol)
        self.assertFalse(isOpen(descriptor))
        descriptor = openDescriptor()
        self.protocol.fileDescriptorReceived(descriptor)
        both = amp.ListOf(rows).fromStringProto
        self.assertRaises(ValueError, both, b"\0\x08\0\1f\0\x011\0\0\0\x08\0\1f\0\1x\0\0", self.protocol)
        self.assertFalse(isOpen(descriptor))

    def test_notClaimed(self) -> None:
        """If a type does not claim the descriptor, nothing is closed."""
        descriptor = openDescriptor()
        self.read(amp.ListOf(amp.Descriptor()), b"\0\x02%2d" % descriptor)

        class Kept(amp.Descriptor):
            def fromStringProto(self, inString: bytes, proto: Any) -> Any:
                return descriptor

        self.read(Kept(), b"0")
        self.assertTrue(isOpen(descriptor))
        os.close(descriptor)
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def test_foreign(self) -> None:
        """The values of an argument type that is not a subclass of ours are not closed."""

        class Foreign:
            optional = False

            def fromBox(self, name: bytes, strings: Any, objects: dict[str, Any], proto: Any) -> None:
                objects[name.decode()] = 1

        self.assertRaises(
            ValueError,
            amp._stringsToObjects,
            {b"b": b"none"},
            [(b"a", Foreign()), (b"b", amp.Integer())],
            self.protocol,
        )

    def test_withoutBytes(self) -> None:
        """
        A peer that sends too many descriptors and no bytes is dropped at once, and all descriptors
        are closed.
        """
        self.protocol.MAX_PENDING_DESCRIPTORS = 2  # type: ignore[misc]
        descriptors = [openDescriptor() for _ in range(3)]
        for each in descriptors:
            self.protocol.fileDescriptorReceived(each)
        self.assertEqual([isOpen(each) for each in descriptors], [False, False, False])
        self.assertTrue(self.transport.disconnecting)
        waiting: Any = self.protocol.callRemoteString(b"command")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(waiting, amp.TooManyDescriptorsError)

    def test_dropped(self) -> None:
        """Descriptors of a dropped peer are closed."""
        first, second = openDescriptor(), openDescriptor()
        self.protocol.fileDescriptorReceived(first)
        self.protocol.dataReceived(b"\1\0")
        self.protocol.fileDescriptorReceived(second)
        self.assertEqual((isOpen(first), isOpen(second)), (False, False))

    def test_slow(self) -> None:
        """The descriptors are also closed if a box takes too long."""
        self.protocol.MAX_MESSAGE_TIME = 1  # type: ignore[misc]
        clock = Clock()
        self.protocol._receiverCallLater = clock.callLater  # type: ignore[method-assign]
        descriptor = openDescriptor()
        self.protocol.fileDescriptorReceived(descriptor)
        self.protocol.dataReceived(b"\0")
        clock.advance(1)
        self.assertFalse(isOpen(descriptor))

    def test_gone(self) -> None:
        """A call with a descriptor over a lost connection fails as usual."""

        class Pass(amp.Command):
            arguments = [(b"descriptor", amp.Descriptor())]

        class Note(Pass):
            requiresAnswer = False

        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(self.protocol.callRemote(Pass, descriptor=0), ConnectionDone)
        self.assertIsNone(self.protocol.callRemote(Note, descriptor=0))

    def test_closedElsewhere(self) -> None:
        """
        A descriptor that was closed elsewhere does not keep the others open, and calls still fail.
        """
        descriptors = [openDescriptor() for _ in range(3)]
        for each in descriptors:
            self.protocol.fileDescriptorReceived(each)
        os.close(descriptors[2])
        waiting: Any = self.protocol.callRemoteString(b"command")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(waiting, ConnectionDone)
        self.assertEqual([isOpen(each) for each in descriptors], [False, False, False])

    def test_bareExchanger(self) -> None:
        """A protocol that only exchanges descriptors closes the connection above the limit."""
        exchanger = amp._DescriptorExchanger()
        exchanger.transport = self.transport
        exchanger.MAX_PENDING_DESCRIPTORS = 0  # type: ignore[misc]
        exchanger.fileDescriptorReceived(openDescriptor())
        self.assertEqual(self.transport.names(), ["loseConnection"])

    def test_bareExchangerGone(self) -> None:
        """It cannot send descriptors after the connection is lost."""
        exchanger = amp._DescriptorExchanger()
        exchanger.transport = None
        self.assertRaises(ConnectionLost, exchanger._sendFileDescriptor, 0)

    def test_bareExchangerInTime(self) -> None:
        """It also closes the connection if no descriptor is claimed for a minute."""
        clock = Clock()
        exchanger = amp._DescriptorExchanger()
        exchanger.transport = self.transport
        exchanger._ampCallLater = clock.callLater  # type: ignore[method-assign]
        exchanger.MAX_PENDING_DESCRIPTORS = 1  # type: ignore[misc]
        for _ in range(2):
            exchanger.fileDescriptorReceived(openDescriptor())
            exchanger._ampDescriptorsSinceByte = 0
        for _ in range(80):
            clock.advance(1)
        self.assertEqual((self.transport.names(), exchanger._descriptors), (["loseConnection"], {}))

    def test_noLimit(self) -> None:
        """The limit can be switched off."""
        self.protocol.MAX_PENDING_DESCRIPTORS = None  # type: ignore[misc]
        for _ in range(70):
            self.protocol.fileDescriptorReceived(openDescriptor())
        self.assertFalse(self.transport.disconnecting)
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def test_inner(self) -> None:
        """A protocol that was switched to receives the later descriptors."""
        inner = Inner()
        self.protocol._switchTo(inner)
        self.protocol.fileDescriptorReceived(5)
        self.assertEqual((inner.received, self.protocol._descriptors), ([5], {}))

    def test_beforeInner(self) -> None:
        """
        It also receives the unclaimed ones, since its peer's descriptors may arrive ahead of the
        last box.
        """
        inner = Inner()
        for each in (5, 6, 7):
            self.protocol.fileDescriptorReceived(each)
        self.protocol._getDescriptor(1)
        self.protocol._switchTo(inner)
        self.assertEqual((inner.received, self.protocol._descriptors), ([5, 7], {}))

    def test_innerWithout(self) -> None:
        """If it does not accept descriptors, they are closed, however many there are."""
        self.protocol.MAX_PENDING_DESCRIPTORS = 1  # type: ignore[misc]
        descriptors = [openDescriptor() for _ in range(4)]
        self.protocol.fileDescriptorReceived(descriptors[0])
        self.protocol._switchTo(Protocol())
        for each in descriptors[1:]:
            self.protocol.fileDescriptorReceived(each)
        self.assertEqual([isOpen(each) for each in descriptors], [False] * 4)
        self.assertFalse(self.transport.disconnecting)

    def test_notSent(self) -> None:
        """The descriptor of a box that cannot be sent is not sent."""
        self.protocol._lockForSwitch()
        self.protocol._sendFileDescriptor(11)
        self.protocol._unlockFromSwitch()
        self.protocol._ampTLSAbandoned = True
        self.protocol._sendFileDescriptor(12)
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.protocol._sendFileDescriptor(13)
        self.assertEqual(self.transport.events, [])


class Give(amp.Command):
    """A command with a descriptor."""

    arguments = [(b"file", amp.Descriptor())]


class Noise(amp.Command):
    """A command without a descriptor."""

    requiresAnswer = False


class Server(amp.AMP):
    """Collects the descriptors of its calls."""

    MAX_PENDING_DESCRIPTORS = 3

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self._ampCallLater = self.clock.callLater  # type: ignore[method-assign]
        self.files: list[int] = []

    @Give.responder
    def give(self, file: int) -> Any:
        self.files.append(file)
        return {}

    @Noise.responder
    def respond(self) -> Any:
        return self.noise()

    def noise(self) -> Any:
        return {}


class UnclaimedTests(SynchronousTestCase):
    """Unclaimed descriptors, whose boxes may still arrive."""

    def setUp(self) -> None:
        self.server = Server()
        self.transport = SendingTransport()
        self.transport.connect(self.server)
        self.open: list[int] = []
        self.addCleanup(self.closeAll)

    def closeAll(self) -> None:
        """Close the claimed descriptors, and those that are left."""
        self.server._ampCloseDescriptors()
        for each in self.server.files:
            os.close(each)

    def send(self, count: int) -> None:
        """Receive descriptors, each with some bytes, as a UNIX transport sends them."""
        for _ in range(count):
            self.open.append(openDescriptor())
            self.server.fileDescriptorReceived(self.open[-1])
            self.server.dataReceived(amp.Box(_command=b"Noise").serialize())

    def claim(self, *numbers: int) -> None:
        """Receive boxes that claim descriptors."""
        for each in numbers:
            self.server.dataReceived(amp.Box(_command=b"Give", file=b"%d" % each).serialize())

    def stillOpen(self) -> int:
        """The number of open descriptors."""
        return sum(map(isOpen, self.open))

    def advance(self, seconds: int) -> None:
        """Advance the clock."""
        for _ in range(seconds):
            self.server.clock.advance(1)

    def requireDropped(self) -> None:
        """Assert that the peer was dropped, and that only claimed descriptors are open."""
        self.assertEqual((self.transport.disconnecting, self.stillOpen()), (True, len(self.server.files)))
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
        self.assertIsInstance(self.server._ampRefusal, amp.TooManyDescriptorsError)

    def requireFine(self) -> None:
        """Assert that the peer was not dropped, and that no timer runs."""
        self.assertFalse(self.transport.disconnecting)
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def test_claimed(self) -> None:
        """Any number of descriptors can be claimed."""
        self.send(200)
        self.claim(*range(200))
        self.assertEqual(self.server.files, self.open)
        self.requireFine()
        self.send(1)
        self.claim(200)
        self.requireFine()

    def test_slowly(self) -> None:
        """The time this takes does not matter if one is claimed now and then."""
        self.send(20)
        for each in range(17):
            self.advance(55)
            self.claim(each)
        self.requireFine()

    def test_few(self) -> None:
        """Descriptors within the limit may wait for ever."""
        self.send(3)
        self.advance(1000)
        self.requireFine()
        self.assertEqual(self.stillOpen(), 3)

    def test_notClaimed(self) -> None:
        """A peer of which no descriptor is claimed for a minute is dropped."""
        self.send(4)
        self.advance(59)
        self.assertFalse(self.transport.disconnecting)
        self.advance(20)
        self.requireDropped()

    def test_stopped(self) -> None:
        """The peer is not dropped if this process was stopped and has not read the claims."""
        self.send(4)
        self.server.clock.advance(1000)
        self.assertFalse(self.transport.disconnecting)
        self.claim(*range(4))
        self.requireFine()

    def test_wrongClaims(self) -> None:
        """Boxes with wrong numbers claim nothing."""
        self.server.unknownErrorsAreFatal = self.server.unhandledErrorsAreFatal = False
        self.send(4)
        for _ in range(80):
            self.advance(1)
            self.claim(17)
        self.requireDropped()
        self.flushLoggedErrors(KeyError)

    def test_passed(self) -> None:
        """Descriptors that were sent before a claimed one are closed after a while."""
        self.send(3)
        self.claim(2)
        self.send(3)
        self.assertEqual(self.stillOpen(), 6)
        self.advance(80)
        self.requireFine()
        self.assertEqual([isOpen(each) for each in self.open], [False] * 2 + [True] * 4)
        self.claim(4)
        self.assertEqual(self.server.files, [self.open[2], self.open[4]])

    def test_passedAndMore(self) -> None:
        """If too many are left then, the peer is dropped."""
        self.send(2)
        self.claim(1)
        self.send(4)
        self.advance(80)
        self.requireDropped()

    def reserve(self) -> None:
        """Make the next descriptors the last ones that the process may open."""
        if resource is None:
            raise SkipTest("the system knows no limit")
        self.patch(_descriptors, "_RESERVED_DESCRIPTORS", resource.getrlimit(resource.RLIMIT_NOFILE)[0] - self.open[0])

    def test_lastOfProcess(self) -> None:
        """A peer may not use up the descriptors of the process, beyond the limit."""
        self.send(3)
        self.reserve()
        self.send(1)
        self.requireDropped()

    def test_lastOfProcessPassed(self) -> None:
        """The descriptors that were sent before a claimed one are closed first then, too."""
        self.send(3)
        self.claim(2)
        self.send(1)
        self.reserve()
        self.send(1)
        self.requireFine()
        self.assertEqual([isOpen(each) for each in self.open], [False] * 2 + [True] * 3)

    def test_noLimitOfProcess(self) -> None:
        """If the number of a process's descriptors is not limited, none are the last ones."""
        self.send(1)
        self.reserve()
        self.patch(resource, "getrlimit", lambda what: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.send(9)
        self.assertFalse(self.transport.disconnecting)
        self.claim(*range(10))
        self.requireFine()

    def test_noLimitKnown(self) -> None:
        """The same holds if the system knows no such limit."""
        self.patch(_descriptors, "_RESERVED_DESCRIPTORS", 1 << 62)
        with patch.dict(sys.modules, {"resource": None}):
            self.send(10)
        self.assertFalse(self.transport.disconnecting)
        self.claim(*range(10))
        self.requireFine()

    def test_paused(self) -> None:
        """No time passes while the application has paused the connection."""
        self.send(4)
        self.server.pauseProducing()
        self.advance(1000)
        self.assertFalse(self.transport.disconnecting)
        self.server.resumeProducing()
        self.advance(80)
        self.requireDropped()

    def test_kept(self) -> None:
        """No time passes while calls are kept that may claim descriptors."""
        server = self.server = Server()
        server.MAX_ASKS_IN_PROGRESS = 1  # type: ignore[misc]
        waiting: Deferred[Any] = Deferred()
        server.noise = lambda: waiting  # type: ignore[method-assign]
        self.transport = SendingTransport()
        self.transport.connect(server)
        server.callRemoteString(b"anything")
        self.send(4)
        self.claim(*range(4))
        self.advance(1000)
        self.assertFalse(self.transport.disconnecting)
        waiting.callback({})
        self.assertEqual(server.files, self.open)
        self.requireFine()

    def test_limitTaken(self) -> None:
        """The limit may be switched off or raised at any time."""
        self.send(4)
        self.server.MAX_PENDING_DESCRIPTORS = None  # type: ignore[assignment, misc]
        self.advance(20)
        self.requireFine()
        self.send(200)
        self.requireFine()

    def test_lost(self) -> None:
        """After the connection is lost, no timer runs."""
        self.send(4)
        self.server.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((self.server.clock.getDelayedCalls(), self.stillOpen()), ([], 0))

    def test_reactor(self) -> None:
        """The timer uses the reactor's clock by default."""
        called: list[object] = []
        calling = amp._DescriptorExchanger()._ampCallLater(0, called.append, 1)
        self.assertTrue(calling.active())
        calling.cancel()
