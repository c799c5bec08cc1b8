"""Tests for L{twisted_basic_ng.amp._types}."""

from __future__ import annotations

from typing import get_type_hints

from twisted_basic_ng.amp import _types


class TestTypes:
    """The types describe real objects."""

    def test_duckTypes(self) -> None:
        """They have the methods that commands call."""
        assert set(vars(_types.BoxDispatch)) >= {"_sendBoxCommand"}
        assert get_type_hints(_types.TLSCredentials.options)["return"] is not None
