"""Line receivers that record their calls, for the tests of both kinds."""

from __future__ import annotations

from typing import Any

from tests.helpers import RecordingTransport
from twisted_basic_ng.basic import LineOnlyReceiver, LineReceiver


class Script:
    """Records each call, and runs its action in C{actions}, if there is one."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.actions: dict[bytes, Any] = {}

    def _called(self, kind: str, data: bytes) -> Any:
        self.calls.append((kind, data))
        return self.actions.get(data, lambda: None)()

    def lineReceived(self, line: bytes) -> Any:
        return self._called("line", line)

    def rawDataReceived(self, data: bytes) -> Any:
        return self._called("raw", data)


class Exceeding(Script):
    """Records lines that are too long, and keeps the connection open."""

    def lineLengthExceeded(self, line: bytes) -> Any:
        return self._called("exceeded", line)


class Lines(Script, LineReceiver):
    pass


class ExceedingLines(Exceeding, LineReceiver):
    pass


class OnlyLines(Script, LineOnlyReceiver):
    pass


class ExceedingOnlyLines(Exceeding, LineOnlyReceiver):
    pass


def connected(kind: Any, **attributes: Any) -> tuple[Any, RecordingTransport]:
    receiver = kind()
    vars(receiver).update(attributes)
    return receiver, RecordingTransport().connect(receiver)
