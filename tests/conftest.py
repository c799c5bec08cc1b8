"""Hypothesis profiles, the fixture for both builds, and pytest hooks for all tests."""

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

#: These files contain lines that must not type-check.  mypy and pyright read them; they never run.
collect_ignore = ["typing"]

settings.register_profile("tests", derandomize=True, deadline=None, database=None, max_examples=150)
settings.register_profile("campaign", deadline=None, max_examples=20_000, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("short", parent=settings.get_profile("tests"), max_examples=20)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "tests"))


@pytest.fixture(params=["pure", "ext"])
def framing(request: pytest.FixtureRequest) -> ModuleType:
    """
    Each build of the framing functions.

    A missing extension skips the test, unless C{TWISTED_BASIC_NG_REQUIRE_EXTENSION} is set.
    """
    if request.param == "pure":
        return importlib.import_module("twisted_basic_ng._accelerate.framing")
    try:
        return importlib.import_module("twisted_basic_ng._accelerate.framing_ext")
    except ImportError:
        if os.environ.get("TWISTED_BASIC_NG_REQUIRE_EXTENSION", "") not in ("", "0"):
            raise
        pytest.skip("the extension is not built")


#: If this is set, it is the seed for a random order of the files and of the tests in each.
_SEED = os.environ.get("TWISTED_BASIC_NG_TEST_ORDER", "")


def pytest_report_header() -> str | None:
    """Say how to repeat a random order."""
    return f"the order of the tests: TWISTED_BASIC_NG_TEST_ORDER={_SEED}" if _SEED else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """
    Shuffle the tests.  Each worker gets the same order, and the tests of a file stay together for
    their fixtures.
    """
    if _SEED:
        drawn = random.Random(_SEED)
        places = {path: drawn.random() for path in sorted({item.path for item in items})}
        items.sort(key=lambda item: (places[item.path], drawn.random()))


#: Frozen objects are not scanned by later collections.  PyPy has no such function.
_freeze: Callable[[], None] = getattr(gc, "freeze", lambda: None)


def pytest_collection_finish() -> None:
    """Exclude the objects made by importing the tests, which are many, from later collections."""
    gc.collect()
    _freeze()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    """
    Collect garbage after each test, and fail the test if a C{Deferred} has an unhandled error.

    A C{Deferred} logs such an error when it is collected.  That must not happen during a later
    test, which would then fail for it.  Tests of Twisted's own modules may leave such errors.
    """
    yield
    errors: list[str] = []

    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            errors.append(event["log_failure"].getTraceback())

    getattr(item, "funcargs", {}).clear()  # they would outlive the test for a moment
    globalLogPublisher.addObserver(observe)
    try:
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(observe)
    _freeze()
    if errors and item.get_closest_marker("stock") is None:
        pytest.fail("the test left errors that nobody handled:\n" + "\n".join(errors), pytrace=False)
