"""What Twisted's modules leave behind here stays here."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def nothingLeftBehind() -> Iterator[None]:
    """
    Collect the garbage of these checks.

    Some of them leave failed C{Deferred}s of Twisted's, whose errors are logged when they are collected: that is not to
    happen in a later test of another module, which would have to answer for them.
    """
    yield
    gc.collect()
