"""
C{pytest -p twisted_basic_ng.pytest_plugin} runs the tests, and the Python processes that they
start, on our modules.

pytest imports this file before it collects tests.
"""

from __future__ import annotations

import os
import sys

from . import install, status
from ._swapping import children

__all__ = ["pytest_report_header"]

install()
children.passOn(os.environ)
children.stayOn(sys.path)


def pytest_report_header() -> str:
    """Name the replaced modules at the top of the report."""
    now = status()
    names = ", ".join(name for name, _ in now.swapped)
    return f"twisted_basic_ng {now.version} ({now.build} build) in place of: {names}"
