"""Fixtures that run each test with our module and with Twisted's."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compatibility.words import Words
from tests.helpers import loadStock
from twisted_basic_ng import amp as ours


@pytest.fixture(params=["ours", "stock"])
def amp(request: pytest.FixtureRequest) -> Any:
    """Return our C{amp}, and Twisted's."""
    return ours if request.param == "ours" else loadStock("amp")


@pytest.fixture
def words(amp: Any) -> Words:
    """Return the commands that the tests share, built from each C{amp}."""
    return Words(amp)
