"""Tests for L{twisted_basic_ng.amp._constants}."""

from __future__ import annotations

import pytest

from tests.helpers import loadStock
from twisted_basic_ng.amp import _constants

#: Ours alone: Twisted writes them where they are used, or has not got them.
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
    "TIMEOUT": b"_timeout",
    "TLS_ERROR_CODE": b"TLS_ERROR",
    "UNKNOWN_ERROR_TEXT": "Unknown Error",
}


class TestConstants:
    """What is on the wire is what Twisted puts there."""

    @pytest.mark.parametrize("name", _constants.__all__)
    def test_value(self, name: str) -> None:
        """Each constant is Twisted's."""
        expected = OWN[name] if name in OWN else getattr(loadStock("amp"), name)
        assert getattr(_constants, name) == expected
