"""What pytest is to know before it collects: which builds there are, and what it is not to take for a test."""

from __future__ import annotations

import importlib
import os
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

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
