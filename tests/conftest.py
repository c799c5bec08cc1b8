"""What pytest is to know before it collects: which builds there are, and what it is not to take for a test."""

from __future__ import annotations

import gc
import importlib
import os
import random
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

from twisted.logger import LogEvent, globalLogPublisher

#: Lines that must not type-check are read by mypy and pyright, and never run.
collect_ignore = ["typing"]

settings.register_profile("tests", derandomize=True, deadline=None, database=None, max_examples=150)
settings.register_profile("campaign", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("short", parent=settings.get_profile("tests"), max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))


@pytest.fixture(params=["pure", "ext"])
def framing(request: pytest.FixtureRequest) -> ModuleType:
    """
    Each build of the framing functions.

    Where the extension has to be there (C{TWISTED_BASIC_NG_REQUIRE_EXTENSION}), it is no reason to skip that it is not.
    """
    if request.param == "pure":
        return importlib.import_module("twisted_basic_ng._accelerate.framing")
    try:
        return importlib.import_module("twisted_basic_ng._accelerate.framing_ext")
    except ImportError:
        if os.environ.get("TWISTED_BASIC_NG_REQUIRE_EXTENSION", "") not in ("", "0"):
            raise
        pytest.skip("the extension is not built")


#: If it is set, the order of the tests is drawn with it: of the files, and of the tests in each.
_SEED = os.environ.get("TWISTED_BASIC_NG_TEST_ORDER", "")


def pytest_report_header() -> str | None:
    """Tell how to repeat an order."""
    return f"the order of the tests: TWISTED_BASIC_NG_TEST_ORDER={_SEED}" if _SEED else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Shuffle the tests.  Each worker does it alike, and those of one file stay together, with their fixtures."""
    if _SEED:
        drawn = random.Random(_SEED)
        places = {path: drawn.random() for path in sorted({item.path for item in items})}
        items.sort(key=lambda item: (places[item.path], drawn.random()))


#: Freezing objects spares the collector from looking at them again.  PyPy has no such thing.
_freeze: Callable[[], None] = getattr(gc, "freeze", lambda: None)


def pytest_collection_finish() -> None:
    """Leave out of every later collection what importing the tests has made: there is much, and it stays."""
    gc.collect()
    _freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """
    Collect the garbage of each test behind it, and fail the test if an error is in it that nobody handled.

    A C{Deferred} logs such an error when it is collected.  That must not happen during a later test, which would have
    to answer for it.  Twisted's own modules may leave such errors, where a test shows what these do.
    """
    yield
    errors: list[str] = []

    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            errors.append(event["log_failure"].getTraceback())

    getattr(item, "funcargs", {}).clear()  # they outlive the test by a moment
    globalLogPublisher.addObserver(observe)
    try:
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(observe)
    _freeze()
    if errors and item.get_closest_marker("stock") is None:
        pytest.fail("the test left errors that nobody handled:\n" + "\n".join(errors), pytrace=False)
