"""Tests for L{twisted_basic_ng.amp._types}."""

from __future__ import annotations

from typing import get_type_hints

from twisted_basic_ng.amp import _types


class TestTypes:
    """The names are those of types that exist."""

    def test_duckTypes(self) -> None:
        """What a command is sent over is called in the way that commands call it."""
        assert set(vars(_types.BoxDispatch)) >= {"_sendBoxCommand"}
        assert get_type_hints(_types.TLSCredentials.options)["return"] is not None
