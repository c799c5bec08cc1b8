"""Tests for L{twisted_basic_ng.amp._descriptors}."""

from __future__ import annotations

import os
from typing import Any

from zope.interface import implementer

from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IFileDescriptorReceiver
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp


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

    def test_limit(self) -> None:
        """A peer that sends too many is dropped, and nothing stays open."""
        self.protocol.MAX_PENDING_DESCRIPTORS = 2  # type: ignore[misc]
        descriptors = [openDescriptor() for _ in range(3)]
        for each in descriptors:
            self.protocol.fileDescriptorReceived(each)
        self.assertEqual([isOpen(each) for each in descriptors], [True, True, False])
        self.assertTrue(self.transport.disconnecting)
        waiting: Any = self.protocol.callRemoteString(b"command")
        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(waiting, amp.TooManyDescriptorsError)
        self.assertEqual([isOpen(each) for each in descriptors], [False, False, False])

    def test_gone(self) -> None:
        """A call with a descriptor over a connection that is gone fails, as any other."""

        class Pass(amp.Command):
            arguments = [(b"descriptor", amp.Descriptor())]

        class Note(Pass):
            requiresAnswer = False

        self.protocol.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(self.protocol.callRemote(Pass, descriptor=0), ConnectionLost)
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
