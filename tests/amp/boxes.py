"""A receiver of boxes that keeps them, and a connection that reads a string at a time."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp

__all__ = ["Boxes", "Hooked", "ReadingCase", "numbered"]


class Boxes:
    """Keeps what it is given, and does what it is told at each box."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.actions: dict[int, Any] = {}

    def startReceivingBoxes(self, boxSender: Any) -> None:
        self.sender = boxSender

    def ampBoxReceived(self, box: amp.AmpBox) -> None:
        self.calls.append(box)
        self.actions.get(len(self.calls), lambda: None)()

    def stopReceivingBoxes(self, reason: Any) -> None:
        self.calls.append(reason.value)


class Hooked(amp.BinaryBoxProtocol):
    """Looks at each string."""

    def stringReceived(self, string: bytes) -> None:
        super().stringReceived(string)


def numbered(number: int) -> amp.AmpBox:
    """A box that is known by its number."""
    return amp.AmpBox(n=b"%d" % number, other=b"x" * number)


class ReadingCase(SynchronousTestCase):
    """Both ways to read: by whole boxes, and a string at a time where somebody looks at the strings."""

    kind = amp.BinaryBoxProtocol

    def setUp(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.boxes = Boxes()
        self.protocol = self.kind(self.boxes)
        self.transport = RecordingTransport().connect(self.protocol)

    def data(self, count: int) -> bytes:
        """Some boxes, as bytes."""
        return b"".join(numbered(number).serialize() for number in range(count))
