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
    """Each is done by either module."""

    @pytest.mark.parametrize("module", [loadStock("amp"), amp], ids=["stock", "ours"])
    @pytest.mark.parametrize("work", WORKS)
    def test_time(self, work: Prepare, module: Any) -> None:
        """It takes time, again and again."""
        run = work(module)
        assert run() > 0
        assert run() > 0


class TestChecks:
    """What is not done is not timed."""

    def test_serialize(self) -> None:
        """A box that is serialised as something else is an error that shows it."""

        class Box(dict[str, bytes]):
            def serialize(self) -> bytes:
                return b"nothing"

        with pytest.raises(WorkError, match="serialised as b'nothing'"):
            module.serialize(cast("Any", SimpleNamespace(Box=Box)))

    def test_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A call that is not answered is an error."""
        monkeypatch.setattr(module._Wire, "take", lambda self: b"")
        with pytest.raises(WorkError, match="0 came out"):
            module.call(amp)()
