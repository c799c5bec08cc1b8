"""What applications do works with ours as it works with Twisted's: each test runs with both."""

from __future__ import annotations

from typing import Any

import pytest

from tests.compatibility.words import Words
from tests.helpers import loadStock
from twisted_basic_ng import amp as ours


@pytest.fixture(params=["ours", "stock"])
def amp(request: pytest.FixtureRequest) -> Any:
    """Our C{amp}, and Twisted's."""
    return ours if request.param == "ours" else loadStock("amp")


@pytest.fixture
def words(amp: Any) -> Words:
    """The commands that the tests share, of each C{amp}."""
    return Words(amp)
