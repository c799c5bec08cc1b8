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
    """Takes descriptors."""

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
    """A protocol that was changed over to, and takes descriptors."""

    def __init__(self) -> None:
        self.received: list[int] = []

    def makeConnection(self, transport: object) -> None:
        pass

    def fileDescriptorReceived(self, descriptor: int) -> None:
        self.received.append(descriptor)


class DescriptorTests(SynchronousTestCase):
    """Descriptors travel beside the boxes that speak of them."""

    def setUp(self) -> None:
        self.protocol = amp.AMP()
        self.transport = SendingTransport()
        self.transport.connect(self.protocol)

    def test_send(self) -> None:
        """A descriptor is sent at once, and its number is what is in the box."""
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
        """Have a box with a descriptor of that type refused for another argument; return the descriptor."""
        descriptor = openDescriptor()
        self.protocol.fileDescriptorReceived(descriptor)

        class Take(amp.Command):
            arguments = [(b"file", kind), (b"number", amp.Integer())]

        self.assertRaises(ValueError, Take.parseArguments, amp.AmpBox(file=string, number=b"none"), self.protocol)
        return descriptor

    def test_refused(self) -> None:
        """A descriptor whose box cannot be read is closed: nobody else could."""
        self.assertFalse(isOpen(self.read(amp.Descriptor(), b"0")))
        self.assertFalse(isOpen(self.read(amp.AmpList([(b"file", amp.Descriptor())]), b"\0\4file\0\x011\0\0")))
        self.assertFalse(
            isOpen(self.read(amp.ListOf(amp.AmpList([(b"f", amp.Descriptor())])), b"\0\x08\0\1f\0\x012\0\0"))
        )

    def test_refusedList(self) -> None:
        """So are those of a list with an element that cannot be read."""
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
        """Where a descriptor's number was not taken for more than a number, nothing is closed."""
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
        """A type of argument that is no subclass of ours holds nothing."""

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
        """A peer that sends too many and not a byte is dropped at once, and nothing stays open."""
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
        """What a peer sends that was dropped is closed."""
        first, second = openDescriptor(), openDescriptor()
        self.protocol.fileDescriptorReceived(first)
        self.protocol.dataReceived(b"\1\0")
        self.protocol.fileDescriptorReceived(second)
        self.assertEqual((isOpen(first), isOpen(second)), (False, False))

    def test_slow(self) -> None:
        """They are closed where a box takes too long, too."""
        self.protocol.MAX_MESSAGE_TIME = 1  # type: ignore[misc]
        clock = Clock()
        self.protocol._receiverCallLater = clock.callLater  # type: ignore[method-assign]
        descriptor = openDescriptor()
        self.protocol.fileDescriptorReceived(descriptor)
        self.protocol.dataReceived(b"\0")
        clock.advance(1)
        self.assertFalse(isOpen(descriptor))

    def test_gone(self) -> None:
        """A call with a descriptor over a connection that is gone fails, as any other."""

        class Pass(amp.Command):
            arguments = [(b"descriptor", amp.Descriptor())]

        class Note(Pass):
            requiresAnswer = False

        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(self.protocol.callRemote(Pass, descriptor=0), ConnectionDone)
        self.assertIsNone(self.protocol.callRemote(Note, descriptor=0))

    def test_closedElsewhere(self) -> None:
        """One that somebody else has closed keeps neither the others open nor calls waiting."""
        descriptors = [openDescriptor() for _ in range(3)]
        for each in descriptors:
            self.protocol.fileDescriptorReceived(each)
        os.close(descriptors[2])
        waiting: Any = self.protocol.callRemoteString(b"command")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(waiting, ConnectionDone)
        self.assertEqual([isOpen(each) for each in descriptors], [False, False, False])

    def test_bareExchanger(self) -> None:
        """A protocol that only exchanges descriptors closes the connection."""
        exchanger = amp._DescriptorExchanger()
        exchanger.transport = self.transport
        exchanger.MAX_PENDING_DESCRIPTORS = 0  # type: ignore[misc]
        exchanger.fileDescriptorReceived(openDescriptor())
        self.assertEqual(self.transport.names(), ["loseConnection"])

    def test_bareExchangerGone(self) -> None:
        """It can send none when the connection is gone."""
        exchanger = amp._DescriptorExchanger()
        exchanger.transport = None
        self.assertRaises(ConnectionLost, exchanger._sendFileDescriptor, 0)

    def test_bareExchangerInTime(self) -> None:
        """It does so, too, where none was claimed for a minute."""
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
        """The limit can be taken away."""
        self.protocol.MAX_PENDING_DESCRIPTORS = None  # type: ignore[misc]
        for _ in range(70):
            self.protocol.fileDescriptorReceived(openDescriptor())
        self.assertFalse(self.transport.disconnecting)
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def test_inner(self) -> None:
        """A protocol that was changed over to has those that come then."""
        inner = Inner()
        self.protocol._switchTo(inner)
        self.protocol.fileDescriptorReceived(5)
        self.assertEqual((inner.received, self.protocol._descriptors), ([5], {}))

    def test_beforeInner(self) -> None:
        """And those that no box has claimed: its peer's may come ahead of the last box."""
        inner = Inner()
        for each in (5, 6, 7):
            self.protocol.fileDescriptorReceived(each)
        self.protocol._getDescriptor(1)
        self.protocol._switchTo(inner)
        self.assertEqual((inner.received, self.protocol._descriptors), ([5, 7], {}))

    def test_innerWithout(self) -> None:
        """Those of a protocol that takes none are closed, however many there are."""
        self.protocol.MAX_PENDING_DESCRIPTORS = 1  # type: ignore[misc]
        descriptors = [openDescriptor() for _ in range(4)]
        self.protocol.fileDescriptorReceived(descriptors[0])
        self.protocol._switchTo(Protocol())
        for each in descriptors[1:]:
            self.protocol.fileDescriptorReceived(each)
        self.assertEqual([isOpen(each) for each in descriptors], [False] * 4)
        self.assertFalse(self.transport.disconnecting)

    def test_notSent(self) -> None:
        """The descriptor of a box that cannot be sent does not leave."""
        self.protocol._lockForSwitch()
        self.protocol._sendFileDescriptor(11)
        self.protocol._unlockFromSwitch()
        self.protocol._ampTLSAbandoned = True
        self.protocol._sendFileDescriptor(12)
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.protocol._sendFileDescriptor(13)
        self.assertEqual(self.transport.events, [])


class Give(amp.Command):
    """Has a descriptor."""

    arguments = [(b"file", amp.Descriptor())]


class Noise(amp.Command):
    """Is nothing to do with descriptors."""

    requiresAnswer = False


class Server(amp.AMP):
    """Keeps what it is given."""

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
    """Descriptors that no box has claimed: their boxes may be on their way."""

    def setUp(self) -> None:
        self.server = Server()
        self.transport = SendingTransport()
        self.transport.connect(self.server)
        self.open: list[int] = []
        self.addCleanup(self.closeAll)

    def closeAll(self) -> None:
        """Close what was claimed, and what is left."""
        self.server._ampCloseDescriptors()
        for each in self.server.files:
            os.close(each)

    def send(self, count: int) -> None:
        """Have descriptors come, each with some bytes, as a UNIX transport sends them."""
        for _ in range(count):
            self.open.append(openDescriptor())
            self.server.fileDescriptorReceived(self.open[-1])
            self.server.dataReceived(amp.Box(_command=b"Noise").serialize())

    def claim(self, *numbers: int) -> None:
        """Have boxes claim some."""
        for each in numbers:
            self.server.dataReceived(amp.Box(_command=b"Give", file=b"%d" % each).serialize())

    def stillOpen(self) -> int:
        """How many of them are open?"""
        return sum(map(isOpen, self.open))

    def advance(self, seconds: int) -> None:
        """Have time pass."""
        for _ in range(seconds):
            self.server.clock.advance(1)

    def requireDropped(self) -> None:
        """The peer was dropped, and nothing stays open."""
        self.assertEqual((self.transport.disconnecting, self.stillOpen()), (True, len(self.server.files)))
        self.assertEqual(self.server.clock.getDelayedCalls(), [])
        self.assertIsInstance(self.server._ampRefusal, amp.TooManyDescriptorsError)

    def requireFine(self) -> None:
        """It was not, and nobody waits for anything."""
        self.assertFalse(self.transport.disconnecting)
        self.assertEqual(self.server.clock.getDelayedCalls(), [])

    def test_claimed(self) -> None:
        """However many there are, all can be claimed."""
        self.send(200)
        self.claim(*range(200))
        self.assertEqual(self.server.files, self.open)
        self.requireFine()
        self.send(1)
        self.claim(200)
        self.requireFine()

    def test_slowly(self) -> None:
        """For how long that takes does not matter, where one is claimed from time to time."""
        self.send(20)
        for each in range(17):
            self.advance(55)
            self.claim(each)
        self.requireFine()

    def test_few(self) -> None:
        """As many as may wait may do so for ever."""
        self.send(3)
        self.advance(1000)
        self.requireFine()
        self.assertEqual(self.stillOpen(), 3)

    def test_notClaimed(self) -> None:
        """A peer that has none claimed for a minute is dropped."""
        self.send(4)
        self.advance(59)
        self.assertFalse(self.transport.disconnecting)
        self.advance(20)
        self.requireDropped()

    def test_stopped(self) -> None:
        """Not so if it was this process that did nothing, and has not read what came."""
        self.send(4)
        self.server.clock.advance(1000)
        self.assertFalse(self.transport.disconnecting)
        self.claim(*range(4))
        self.requireFine()

    def test_wrongClaims(self) -> None:
        """Boxes that claim what is not there claim nothing."""
        self.server.unknownErrorsAreFatal = self.server.unhandledErrorsAreFatal = False
        self.send(4)
        for _ in range(80):
            self.advance(1)
            self.claim(17)
        self.requireDropped()
        self.flushLoggedErrors(KeyError)

    def test_passed(self) -> None:
        """Those that others were claimed behind are closed: nobody will claim them."""
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
        """Have all descriptors that come now be the last ones of the process."""
        if resource is None:
            raise SkipTest("the system knows no limit")
        self.patch(_descriptors, "_RESERVED_DESCRIPTORS", resource.getrlimit(resource.RLIMIT_NOFILE)[0] - self.open[0])

    def test_lastOfProcess(self) -> None:
        """A peer may not take the last descriptors of the process, but for as many as may wait."""
        self.send(3)
        self.reserve()
        self.send(1)
        self.requireDropped()

    def test_lastOfProcessPassed(self) -> None:
        """There, too, those are closed first that others were claimed behind."""
        self.send(3)
        self.claim(2)
        self.send(1)
        self.reserve()
        self.send(1)
        self.requireFine()
        self.assertEqual([isOpen(each) for each in self.open], [False] * 2 + [True] * 3)

    def test_noLimitOfProcess(self) -> None:
        """Where the process may have any number, it has no last ones."""
        self.send(1)
        self.reserve()
        self.patch(resource, "getrlimit", lambda what: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        self.send(9)
        self.assertFalse(self.transport.disconnecting)
        self.claim(*range(10))
        self.requireFine()

    def test_noLimitKnown(self) -> None:
        """Nor where the system knows no limit."""
        self.patch(_descriptors, "_RESERVED_DESCRIPTORS", 1 << 62)
        with patch.dict(sys.modules, {"resource": None}):
            self.send(10)
        self.assertFalse(self.transport.disconnecting)
        self.claim(*range(10))
        self.requireFine()

    def test_paused(self) -> None:
        """While the application has paused the connection, none can be claimed."""
        self.send(4)
        self.server.pauseProducing()
        self.advance(1000)
        self.assertFalse(self.transport.disconnecting)
        self.server.resumeProducing()
        self.advance(80)
        self.requireDropped()

    def test_kept(self) -> None:
        """Nor while calls are kept that may claim them."""
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
        """The limit may be taken away, or raised, at any time."""
        self.send(4)
        self.server.MAX_PENDING_DESCRIPTORS = None  # type: ignore[assignment, misc]
        self.advance(20)
        self.requireFine()
        self.send(200)
        self.requireFine()

    def test_lost(self) -> None:
        """When the connection is lost, nobody waits for them any more."""
        self.send(4)
        self.server.connectionLost(Failure(ConnectionDone()))
        self.assertEqual((self.server.clock.getDelayedCalls(), self.stillOpen()), ([], 0))

    def test_reactor(self) -> None:
        """It is the reactor's time."""
        called: list[object] = []
        calling = amp._DescriptorExchanger()._ampCallLater(0, called.append, 1)
        self.assertTrue(calling.active())
        calling.cancel()
