"""Tests for L{twisted_basic_ng._receiving.pausing}."""

from __future__ import annotations

from twisted.internet.protocol import Protocol
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng.basic import Int8StringReceiver, LineReceiver, _PauseableMixin


class Own(Protocol, _PauseableMixin):
    """An application's own receiver."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)


class PauseableMixinTests(SynchronousTestCase):
    """Pausing is passed on to the transport, and resuming delivers the kept bytes."""

    def test_pauseAndResume(self) -> None:
        """The transport pauses with the receiver.  Resuming calls C{dataReceived} without bytes."""
        receiver = Own()
        transport = RecordingTransport().connect(receiver)
        self.assertFalse(receiver.paused)
        receiver.pauseProducing()
        self.assertEqual((receiver.paused, transport.names()), (True, ["pauseProducing"]))
        receiver.resumeProducing()
        self.assertEqual((receiver.paused, transport.names()[1:]), (False, ["resumeProducing"]))
        self.assertEqual(receiver.received, [b""])

    def test_stop(self) -> None:
        """C{stopProducing} pauses the receiver and stops the transport."""
        receiver = Own()
        transport = RecordingTransport().connect(receiver)
        receiver.stopProducing()
        self.assertEqual((receiver.paused, transport.names()), (True, ["stopProducing"]))


class Lines(LineReceiver):
    """Pauses at each frame, and optionally resumes at once."""

    atOnce = False

    def __init__(self) -> None:
        self.collected: list[bytes] = []

    def lineReceived(self, line: bytes) -> None:
        self.collected.append(line)
        self.pauseProducing()
        if self.atOnce:
            self.resumeProducing()

    def stringReceived(self, string: bytes) -> None:
        Lines.lineReceived(self, string)


class Strings(Int8StringReceiver):
    atOnce = False
    __init__ = Lines.__init__  # type: ignore[assignment]
    collected: list[bytes]
    stringReceived = Lines.lineReceived  # type: ignore[assignment]


class PausedReceiverTests(SynchronousTestCase):
    """A paused receiver delivers nothing and loses nothing."""

    def test_oneByOne(self) -> None:
        """Each resumption delivers one frame, and later frames wait behind the earlier ones."""
        for kind, frame in ((Lines, b"%b\r\n"), (Strings, b"\x01%b")):
            receiver = kind()
            RecordingTransport().connect(receiver)
            receiver.dataReceived(b"".join(frame % each for each in (b"a", b"b", b"c")))
            self.assertEqual(receiver.collected, [b"a"])
            receiver.dataReceived(frame % b"d")
            for count in (2, 3, 4, 4):
                receiver.resumeProducing()
                self.assertEqual(receiver.collected, [b"a", b"b", b"c", b"d"][:count])

    def test_inCallback(self) -> None:
        """Pausing and resuming in each of 100,000 callbacks changes nothing."""
        for kind, frame in ((Lines, b"%b\r\n"), (Strings, b"\x01%b")):
            receiver = kind()
            receiver.atOnce = True
            RecordingTransport().connect(receiver)
            receiver.dataReceived(frame % b"a" * 100_000)
            self.assertEqual(receiver.collected, [b"a"] * 100_000)

    def test_backlog(self) -> None:
        """100,000 resumptions of a backlog of 100,000 frames deliver each frame once."""
        for kind, frame in ((Lines, b"%b\r\n"), (Strings, b"\x01%b")):
            receiver = kind()
            RecordingTransport().connect(receiver)
            receiver.dataReceived(frame % b"a" * 100_000)
            for _ in range(100_000):
                receiver.resumeProducing()
            self.assertEqual(receiver.collected, [b"a"] * 100_000)
