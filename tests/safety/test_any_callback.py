"""
Each frame is delivered exactly once, in order, and never within another callback, whatever the
callbacks do.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, strategies as st

from tests.helpers import RecordingTransport, cutAt
from twisted_basic_ng import basic

from .frames import FRAMES

KINDS = [kind for kind in FRAMES if kind not in ("Int16StringReceiver", "AMP")]
PAUSING = [kind for kind in KINDS if issubclass(getattr(basic, kind), basic._PauseableMixin)]

#: The actions of a callback; "next" passes in the next chunk.
ACTIONS = ("nothing", "raise", "next", "empty", "limit", "look", "bounce", "pause")


class Planned(Exception):
    """Raised by a callback."""


def _receiver(kind: str, chunks: list[bytes], actions: list[str]) -> Any:
    """Make a receiver that collects its messages and cycles through the actions."""

    class Acting(getattr(basic, kind)):  # type: ignore[misc]
        depth = 0

        def __init__(self) -> None:
            self.delivered: list[bytes] = []

        def _called(self, payload: bytes) -> None:
            assert self.depth == 0
            self.depth += 1
            try:
                self.delivered.append(payload)
                self._act(actions[len(self.delivered) % len(actions)])
            finally:
                self.depth -= 1

        lineReceived = stringReceived = _called

        def _act(self, action: str) -> None:
            if action == "raise":
                raise Planned()
            if action == "next" and chunks:
                self.dataReceived(chunks.pop(0))
            elif action == "empty":
                self.dataReceived(b"")
            elif action == "limit":
                self.MAX_LENGTH += 1
            elif action == "look":
                assert isinstance(getattr(self, "recvd", getattr(self, "_buffer", b"")), bytes)
            elif action in ("bounce", "pause") and kind in PAUSING:
                self.pauseProducing()
                if action == "bounce":
                    self.resumeProducing()

    return Acting()


def _feed(receiver: Any, data: bytes) -> bool:
    """Deliver C{data}, and return whether there was no exception."""
    try:
        receiver.dataReceived(data)
    except Planned:
        return False
    return True


@pytest.mark.parametrize("kind", KINDS)
class TestExactlyOnce:
    """
    Callbacks that raise, pause, re-enter, look or change limits neither lose nor repeat a frame.
    """

    @given(
        payloads=st.lists(st.binary(max_size=5).map(lambda payload: payload.replace(b"\r", b"r")), max_size=90),
        repeated=st.integers(1, 20),
        cuts=st.lists(st.integers(0, 10_000), max_size=8),
        actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=8),
    )
    def test_delivered(
        self, kind: str, payloads: list[bytes], repeated: int, cuts: list[int], actions: list[str]
    ) -> None:
        """All frames are delivered, in batches, too."""
        sent = payloads * repeated
        data = b"".join(map(FRAMES[kind], sent))
        chunks = cutAt(data, sorted(cut % (len(data) + 1) for cut in cuts))
        receiver = _receiver(kind, chunks, actions)
        RecordingTransport().connect(receiver)
        while chunks:
            _feed(receiver, chunks.pop(0))
        for _ in range(len(sent) + 1):  # each of these delivers at least one more
            receiver.paused = False
            _feed(receiver, b"")
        assert receiver.delivered == sent
