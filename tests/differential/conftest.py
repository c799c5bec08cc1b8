"""Collects the garbage of each script, so that it does not affect later tests."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.helpers import loadStock

from .amp_driver import quiet, unhandled

#: The source files of Twisted's own modules.
STOCK = [str(loadStock(name).__file__) for name in ("amp", "basic", "ftp")]


def ofOurs() -> list[str]:
    """Return the unhandled errors, without those from Twisted's own modules, and clear the list."""
    found = [each for each in unhandled if not any(file in each for file in STOCK)]
    unhandled.clear()
    return found


@pytest.fixture(autouse=True)
def nothingLeftBehind() -> Iterator[None]:
    """
    Collect the garbage of the scripts, and fail the test if our module leaves an unhandled error in
    it.

    Twisted's AMP loses track of some calls that scripts make.  Their errors are logged when they
    are garbage-collected, which may be much later.
    """
    unhandled.clear()
    yield
    with quiet():
        gc.collect()
    errors = ofOurs()
    if errors:
        pytest.fail("the test left errors that nobody handled:\n" + "\n".join(errors), pytrace=False)
