"""Twisted's modules leave nothing of their scripts to the tests behind."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from .amp_driver import quiet


@pytest.fixture(autouse=True)
def nothingLeftBehind() -> Iterator[None]:
    """
    Collect the garbage of the scripts, unheard.

    Twisted's AMP loses track of some calls that scripts make.  Their errors are logged when they are collected, which
    the drivers do not listen to, and no other test should.
    """
    yield
    with quiet():
        gc.collect()
