"""Tests for L{twisted_basic_ng_demo.bench.boxes}."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import amp
from twisted_basic_ng_demo.bench import boxes as module
from twisted_basic_ng_demo.bench.sides import Prepare, WorkError

WORKS = [module.parse, module.serialize, module.call, module.listOf, module.ampList]


class TestWorks:
    """Both modules do each of the works."""

    @pytest.mark.parametrize("module", [loadStock("amp"), amp], ids=["stock", "ours"])
    @pytest.mark.parametrize("work", WORKS)
    def test_time(self, work: Prepare, module: Any) -> None:
        """The work can be repeated, and takes time."""
        run = work(module)
        assert run() > 0
        assert run() > 0


class TestChecks:
    """Work that was not done raises an error."""

    def test_serialize(self) -> None:
        """A wrongly serialised box raises an error that shows it."""

        class Box(dict[str, bytes]):
            def serialize(self) -> bytes:
                return b"nothing"

        with pytest.raises(WorkError, match="serialised as b'nothing'"):
            module.serialize(cast("Any", SimpleNamespace(Box=Box)))

    def test_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A call without an answer raises an error."""
        monkeypatch.setattr(module._Wire, "take", lambda self: b"")
        with pytest.raises(WorkError, match="0 came out"):
            module.call(amp)()
