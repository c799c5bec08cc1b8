"""Tests for L{twisted_basic_ng.amp._constants}."""

from __future__ import annotations

import pytest

from tests.helpers import loadStock
from twisted_basic_ng.amp import _constants

#: Constants of ours that Twisted writes as literals or does not have.
OWN = {
    "ACCEPTS": b"accepts",
    "CANCEL": b"_cancel",
    "CANCELLED_ERROR_CODE": b"CANCELLED",
    "CANCEL_FEATURE": b"cancel",
    "DEADLINE_ERROR_CODE": b"DEADLINE",
    "DESCRIBE": b"_describe",
    "EXTENSIONS": b"_extensions",
    "LEAVE": b"_leave",
    "LEAVE_FEATURE": b"leave",
    "MORE": b"_more",
    "MORE_FEATURE": b"more",
    "OFFERS": b"offers",
    "PING": b"_ping",
    "STREAM": b"_stream",
    "STREAMS": b"_streams",
    "STREAMS_FEATURE": b"streams",
    "STREAM_BAD_ITEM_CODE": b"BAD_ITEM",
    "STREAM_CREDIT": 16_384,
    "STREAM_DATA": b"_data",
    "STREAM_END": b"_end",
    "STREAM_ERROR_CODE": b"STREAM",
    "STREAM_FAILED_CODE": b"FAILED",
    "STREAM_MAX_CREDIT": 2_147_483_647,
    "STREAM_MAX_NUMBER": 9_007_199_254_740_991,
    "STREAM_OVERLOADED_CODE": b"OVERLOADED",
    "STREAM_PIECE": 16_384,
    "STREAM_RESET": b"_reset",
    "STREAM_STOP": b"_stop",
    "STREAM_STOPPED_CODE": b"STOPPED",
    "STREAM_TEXT": b"_text",
    "STREAM_TOO_LONG_CODE": b"TOO_LONG",
    "STREAM_TOO_MANY_CODE": b"TOO_MANY_STREAMS",
    "STREAM_UNREAD_CODE": b"UNREAD",
    "STREAM_UNSUPPORTED_CODE": b"UNSUPPORTED",
    "STREAM_WINDOW": b"_window",
    "TIMEOUT": b"_timeout",
    "TLS_ERROR_CODE": b"TLS_ERROR",
    "UNKNOWN_ERROR_TEXT": "Unknown Error",
}


class TestConstants:
    """The constants on the wire are Twisted's."""

    @pytest.mark.parametrize("name", _constants.__all__)
    def test_value(self, name: str) -> None:
        """Each constant has Twisted's value."""
        expected = OWN[name] if name in OWN else getattr(loadStock("amp"), name)
        assert getattr(_constants, name) == expected
