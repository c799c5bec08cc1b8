"""
An exceeded limit is logged once for each connection, with the limit, the size and the peer.
"""

from __future__ import annotations

import os
from typing import Any

import pytest

from twisted.logger import capturedLogs, formatEvent

from tests.helpers import RecordingTransport

from .promises import Modules, alike, differs, require

#: For each receiver: data that is too long, the limit for it, and the size that is logged.
STRIKES: dict[str, tuple[bytes, int, int]] = {
    "LineReceiver": (b"x" * 777 + b"\r\n", 100, 777),
    "LineOnlyReceiver": (b"x" * 777 + b"\r\n", 100, 777),
    "NetstringReceiver": (b"777:x", 100, 777),
    "Int8StringReceiver": (b"\xde", 100, 222),
    "Int16StringReceiver": (b"\3\x09", 100, 777),
    "Int32StringReceiver": (b"\0\0\3\x09", 100, 777),
}

BOXES: dict[str, tuple[bytes, dict[str, int], int, int]] = {
    "key": (b"\3\x09" + b"x" * 777, {}, 255, 777),
    "keys": (b"".join(b"\0\2%02d\0\0" % number for number in range(23)), {"MAX_BOX_KEYS": 22}, 22, 23),
    "bytes": (b"\0\1k\3\x09" + b"x" * 777, {"MAX_BOX_LENGTH": 555}, 555, 782),
}


def warnings(deliver: Any) -> list[str]:
    """Call C{deliver}, and return the warnings and errors logged meanwhile."""
    with capturedLogs() as events:
        deliver()
    return [formatEvent(each) for each in events if each["log_level"].name in ("warn", "error", "critical")]


def requireOnce(logged: list[str], limit: int, size: int) -> None:
    """Require one warning with the limit, the size and the peer."""
    require(len(logged) == 1, f"it is logged once, not {len(logged)} times")
    for word in (str(limit), str(size), "192.0.2.1"):
        require(word in logged[0], f"{word} is in {logged[0]!r}")


class TestReceivers:
    """C{MAX_LENGTH} of the receivers."""

    def receiver(self, modules: Modules, name: str, isPatient: bool) -> Any:
        base: Any = getattr(modules.basic, name)

        class Limited(base):  # type: ignore[misc]
            MAX_LENGTH = STRIKES[name][1]

            def lineLengthExceeded(self, line: bytes) -> Any:
                return None if isPatient else super().lineLengthExceeded(line)

            def lengthLimitExceeded(self, length: int) -> None:
                if not isPatient:
                    super().lengthLimitExceeded(length)

        made = Limited()
        RecordingTransport().connect(made)
        return made

    @pytest.mark.parametrize("name", STRIKES)
    @differs
    def test_dropped(self, modules: Modules, name: str) -> None:
        """One warning is logged if the peer is dropped."""
        self.strike(modules, name, False)

    def strike(self, modules: Modules, name: str, isPatient: bool) -> None:
        data, limit, size = STRIKES[name]
        limited = self.receiver(modules, name, isPatient)
        requireOnce(warnings(lambda: [limited.dataReceived(data) for _ in range(5)]), limit, size)

    @pytest.mark.parametrize(
        "name", ["LineOnlyReceiver", "Int8StringReceiver", "Int16StringReceiver", "Int32StringReceiver"]
    )
    @differs
    def test_patient(self, modules: Modules, name: str) -> None:
        """
        One warning is logged if the application keeps the connection and exceeds the limit again.
        """
        self.strike(modules, name, True)

    @pytest.mark.parametrize("name", STRIKES)
    @alike
    def test_within(self, modules: Modules, name: str) -> None:
        """Nothing is logged within the limit."""
        limited = self.receiver(modules, name, False)
        limited.MAX_LENGTH = 1000
        require(not warnings(lambda: limited.dataReceived(STRIKES[name][0][:-2])), "nothing is logged")


class TestBoxes:
    """The limits of a box."""

    @pytest.mark.parametrize("which", BOXES)
    @differs
    def test_dropped(self, modules: Modules, which: str) -> None:
        """One warning is logged if a box exceeds a limit."""
        data, bounds, limit, size = BOXES[which]
        peer: Any = modules.amp.AMP()
        peer.logConnections = False
        for name, value in bounds.items():
            setattr(peer, name, value)
        RecordingTransport().connect(peer)
        requireOnce(warnings(lambda: [peer.dataReceived(data) for _ in range(3)]), limit, size)

    @differs
    def test_descriptors(self, modules: Modules) -> None:
        """One warning is logged if too many descriptors are pending."""
        peer: Any = modules.amp.AMP()
        peer.logConnections = False
        peer.MAX_PENDING_DESCRIPTORS = 0
        RecordingTransport().connect(peer)
        read, write = os.pipe()
        try:
            logged = warnings(lambda: peer.fileDescriptorReceived(os.dup(write)))
            for descriptor in peer._descriptors.values():
                os.close(descriptor)
        finally:
            os.close(read)
            os.close(write)
        require(len(logged) == 1, "it is logged")
        require("192.0.2.1" in logged[0], "with the peer")
