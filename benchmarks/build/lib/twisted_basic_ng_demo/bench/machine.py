"""Describes the machine, and the versions of the software that takes part."""

from __future__ import annotations

import os
import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

__all__ = ["machine", "processor", "versions"]

#: The distributions that may take part in a measurement.
DISTRIBUTIONS: Final = ("twisted", "uvloop", "grpcio", "aio-msgpack-rpc", "msgpack")


def processor(listing: Path = Path("/proc/cpuinfo")) -> str:
    """
    Name the processor.

    @param listing: the file in which Linux names it.
    """
    try:
        found = re.search(r"^model name\s*: (.*)$", listing.read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def machine() -> dict[str, Any]:
    """Describe the machine."""
    return {
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "processor": processor(),
        "cores": os.cpu_count(),
    }


def versions() -> dict[str, str]:
    """Return the versions of the installed distributions, by name."""
    found = {name: _versionOf(name) for name in DISTRIBUTIONS}
    return {name: number for name, number in found.items() if number}


def _versionOf(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""
