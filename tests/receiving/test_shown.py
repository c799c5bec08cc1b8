"""Tests for L{twisted_basic_ng._receiving.shown}."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport

from .kinds import KINDS, Lines, OnlyLines


class AssignedTests(SynchronousTestCase):
    """
    The undelivered bytes can be assigned and deleted, like the plain attributes of Twisted's
    receivers.
    """

    NAMES = ("_buffer", "_buffer", "_remainingData", "_unprocessed")

    def each(self) -> Any:
        for (kind, frame, _), name in zip(KINDS, self.NAMES, strict=True):
            receiver = kind()
            yield receiver, RecordingTransport().connect(receiver), frame, name

    def test_deleted(self) -> None:
        """Deleting the attribute discards the undelivered bytes."""
        for receiver, _, frame, name in self.each():
            self.assertRaises(AttributeError, delattr, receiver, name)
            receiver.dataReceived(frame(b"abc")[:-1])
            delattr(receiver, name)
            self.assertEqual(getattr(receiver, name), b"")
            receiver.dataReceived(frame(b"def"))
            self.assertEqual(receiver.collected, [b"def"])

    def test_assignedWhenDropped(self) -> None:
        """A receiver that has dropped its peer keeps assigned bytes and never delivers them."""
        for receiver, transport, frame, name in self.each():
            receiver.MAX_LENGTH = 5
            receiver.dataReceived(frame(b"abcdef"))
            self.assertEqual(transport.names(), ["loseConnection"])
            setattr(receiver, name, frame(b"abc"))
            receiver.dataReceived(frame(b"def"))
            self.assertEqual((receiver.collected, getattr(receiver, name)), ([], frame(b"abc")))

    def test_deletedInPieces(self) -> None:
        """
        Deleting the attribute also discards bytes that are kept in pieces.  Those of
        L{LineOnlyReceiver} must be read first.
        """
        for kind in (Lines, OnlyLines):
            receiver: Any = kind()
            RecordingTransport().connect(receiver)
            for _ in range(40):
                receiver.dataReceived(b"x" * 200)
            if kind is OnlyLines:
                self.assertRaises(AttributeError, delattr, receiver, "_buffer")
            self.assertEqual(receiver._buffer, b"x" * 8000)
            del receiver._buffer
            self.assertEqual(receiver._buffer, b"")
            receiver.dataReceived(b"def\r\n")
            self.assertEqual(receiver.collected, [b"def"])

    def test_lookedAtInPieces(self) -> None:
        """Reading a line that is kept in pieces does not disturb it."""
        receiver: Any = OnlyLines()
        RecordingTransport().connect(receiver)
        for number in range(1, 40):
            receiver.dataReceived(b"x" * 100)
            if number % 3 == 0:
                self.assertEqual(receiver._buffer, b"x" * 100 * number)
        receiver.dataReceived(b"\r")
        receiver.dataReceived(b"\ny")
        self.assertEqual((receiver.collected, receiver._buffer), ([b"x" * 3900], b"y"))

    def test_plainAttributes(self) -> None:
        """
        Setting an application's attributes calls no hook, which would be as slow as a callback.
        """
        for kind, _, _ in KINDS:
            self.assertIs(kind.__setattr__, object.__setattr__)
            self.assertIs(kind.__delattr__, object.__delattr__)

    def test_forms(self) -> None:
        """Any object with a buffer is accepted."""
        for make in (bytes, bytearray, memoryview):
            for receiver, _, frame, name in self.each():
                value: Any = make(frame(b"abc")[:-1])
                setattr(receiver, name, value)
                receiver.dataReceived(make(frame(b"abc")[-1:] + frame(b"d")))
                self.assertEqual(receiver.collected, [b"abc", b"d"])
                self.assertEqual(type(receiver.collected[0]), bytes)

    def test_odd(self) -> None:
        """Any other false value discards the undelivered bytes."""
        for odd in (None, "", 0, ()):
            for receiver, _, frame, name in self.each():
                setattr(receiver, name, odd)
                receiver.dataReceived(frame(b"abc")[:-1])
                setattr(receiver, name, odd)
                receiver.dataReceived(frame(b"def"))
                self.assertEqual(receiver.collected, [b"def"])

    def test_same(self) -> None:
        """Assigning the current value changes nothing."""
        for receiver, _, frame, name in self.each():
            receiver.dataReceived(frame(b"abc")[:-1])
            setattr(receiver, name, getattr(receiver, name))
            receiver.dataReceived(frame(b"abc")[-1:])
            self.assertEqual(receiver.collected, [b"abc"])
