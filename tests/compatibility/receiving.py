"""A receiver of boxes, and some for it."""

from __future__ import annotations

from typing import Any

from tests.helpers import RecordingTransport

__all__ = ["BOXES", "DATA", "Receiver", "connected"]

#: Two boxes, and what they say.
DATA = b"\0\1a\0\3one\0\1b\0\0\0\0" + b"\0\3key\0\5value\0\0"
BOXES = [{b"a": b"one", b"b": b""}, {b"key": b"value"}]


class Receiver:
    """Writes boxes down."""

    def __init__(self) -> None:
        self.boxes: list[Any] = []
        self.reason: Any = None

    def startReceivingBoxes(self, boxSender: Any) -> None:
        """Is told of the connection."""

    def ampBoxReceived(self, box: Any) -> None:
        self.boxes.append(dict(box))

    def stopReceivingBoxes(self, reason: Any) -> None:
        self.reason = reason


def connected(kind: Any) -> Any:
    """A connection of this type, and where its boxes and its transport are."""
    protocol = kind(Receiver())
    protocol.wire = RecordingTransport().connect(protocol)
    return protocol
