"""A box receiver, and some boxes for it."""

from __future__ import annotations

from typing import Any

from tests.helpers import RecordingTransport

__all__ = ["BOXES", "DATA", "Receiver", "connected"]

#: The bytes of two boxes, and their contents.
DATA = b"\0\1a\0\3one\0\1b\0\0\0\0" + b"\0\3key\0\5value\0\0"
BOXES = [{b"a": b"one", b"b": b""}, {b"key": b"value"}]


class Receiver:
    """Records the boxes that it receives."""

    def __init__(self) -> None:
        self.boxes: list[Any] = []
        self.reason: Any = None

    def startReceivingBoxes(self, boxSender: Any) -> None:
        """Do nothing."""

    def ampBoxReceived(self, box: Any) -> None:
        self.boxes.append(dict(box))

    def stopReceivingBoxes(self, reason: Any) -> None:
        self.reason = reason


def connected(kind: Any) -> Any:
    """
    Connect a new C{kind} to a recording transport, which is available as its attribute C{wire}.
    """
    protocol = kind(Receiver())
    protocol.wire = RecordingTransport().connect(protocol)
    return protocol
