"""
Tells whether this interpreter can compile the extension, and whether the compiled extension is up
to date.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shlex
import shutil
import sys
import sysconfig
from pathlib import Path

__all__ = ["whyNone", "whyStale"]


def whyNone() -> str:
    """
    Return what is missing for a compiled build, or an empty string if nothing is.

    If C{TWISTED_BASIC_NG_REQUIRE_EXTENSION} is set, a missing compiler is not reported, so that the
    build fails instead.
    """
    if platform.python_implementation() != "CPython":
        return f"{platform.python_implementation()} has the pure build alone"
    if sys.maxsize < 2**32:
        return "32-bit machines have the pure build alone"
    if os.environ.get("TWISTED_BASIC_NG_REQUIRE_EXTENSION", "") not in ("", "0"):
        return ""
    compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")[0]
    if os.name == "posix" and shutil.which(compiler) is None:
        return f"no C compiler here ({compiler})"
    if not Path(sysconfig.get_path("include"), "Python.h").exists():
        return f"no header files for Python {platform.python_version()} here"
    return ""


def whyStale() -> str:
    """
    Return what is wrong with the compiled build that this interpreter imports, or an empty string.
    """
    for name in ("framing_ext", "values_ext"):
        built = importlib.util.find_spec(f"twisted_basic_ng._accelerate.{name}")
        if built is None or built.origin is None:
            return f"{name} was not built, although there is a compiler"
        source = Path(built.origin).with_name(f"{name}.pyx")
        if source.exists() and source.stat().st_mtime > Path(built.origin).stat().st_mtime:
            return f"{name} is older than its source: building it failed"
    return ""
