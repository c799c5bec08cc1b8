"""Tests for L{twisted_basic_ng.amp._streamerrors}: the errors of streams."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from twisted_basic_ng import amp

ERRORS = [
    (amp.StreamStoppedError(b"ENOUGH", "no more"), "the stream was stopped: ENOUGH: no more", {"code": b"ENOUGH"}),
    (amp.StreamStoppedError(b"\xff"), "the stream was stopped: \\xff", {"text": ""}),
    (amp.StreamTooLongError(10), "the stream is too long: at most 10 bytes", {"limit": 10}),
    (amp.StreamOverflowError(11, 10), "too much waits in a pipe: got 11 bytes, at most 10", {"size": 11, "limit": 10}),
    (amp.TooManyStreamsError(6, 5), "too many streams: got 6, at most 5 (MAX_STREAMS)", {"count": 6, "limit": 5}),
    (amp.StreamViolationError(b"7", "wrong"), "stream 7: wrong", {"number": b"7"}),
    (amp.StreamsUnsupportedError("not here"), "not here", {"feature": b"streams"}),
    (amp.StreamBusyError("busy"), "busy", {}),
]


class TestErrors:
    """Each error says what happened, and holds its data."""

    @pytest.mark.parametrize(("error", "text", "data"), ERRORS)
    def test_text(self, error: amp.StreamError, text: str, data: dict[str, Any]) -> None:
        assert isinstance(error, amp.AmpError)
        assert str(error) == text
        assert {name: getattr(error, name) for name in data} == data

    @pytest.mark.parametrize("error", [error for error, _, _ in ERRORS])
    def test_pickled(self, error: amp.StreamError) -> None:
        copy = pickle.loads(pickle.dumps(error))
        assert type(copy) is type(error)
        assert (str(copy), vars(copy)) == (str(error), vars(error))

    def test_bases(self) -> None:
        """The errors also derive from the types that applications catch."""
        assert issubclass(amp.StreamsUnsupportedError, TypeError)
        assert issubclass(amp.StreamsUnsupportedError, amp.MissingFeatureError)
        assert issubclass(amp.StreamViolationError, amp.MalformedAmpBox)
