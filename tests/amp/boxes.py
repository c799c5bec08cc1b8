"""A receiver of boxes that collects them, and a connection that reads single strings."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp

__all__ = ["Boxes", "Hooked", "ReadingCase", "numbered"]


class Boxes:
    """Records its boxes, and runs an action for each, if there is one."""

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
    """Overrides C{stringReceived}, so that boxes are read string by string."""

    def stringReceived(self, string: bytes) -> None:
        super().stringReceived(string)


def numbered(number: int) -> amp.AmpBox:
    """Make a box with a number."""
    return amp.AmpBox(n=b"%d" % number, other=b"x" * number)


class ReadingCase(SynchronousTestCase):
    """
    A base for tests of both ways to read: whole boxes, or single strings if a subclass looks at
    them.
    """

    kind = amp.BinaryBoxProtocol

    def setUp(self) -> None:
        self.renew()

    def renew(self) -> None:
        self.boxes = Boxes()
        self.protocol = self.kind(self.boxes)
        self.transport = RecordingTransport().connect(self.protocol)

    def data(self, count: int) -> bytes:
        """Return the bytes of C{count} boxes."""
        return b"".join(numbered(number).serialize() for number in range(count))
