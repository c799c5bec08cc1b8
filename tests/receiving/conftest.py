"""Each test of a receiver also checks that the receiver is always in a valid state."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .states import checked


@pytest.fixture(autouse=True)
def statesAreChecked() -> Iterator[None]:
    """Check the states of all receivers."""
    with checked():
        yield
