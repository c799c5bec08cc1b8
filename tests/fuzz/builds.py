"""
Loads the package twice in one process: with the pure build and with the compiled one.

Neither copy is in C{sys.modules}, so they are independent of what the other tests import.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType

from twisted.logger import Logger

__all__ = ["Build", "builds", "forget", "functions", "load"]

_SWITCH = "TWISTED_BASIC_NG_PURE"
_REQUIRED = "TWISTED_BASIC_NG_REQUIRE_EXTENSION"


@dataclass(frozen=True)
class Build:
    """
    A copy of the package.

    @ivar name: C{"pure"} or C{"ext"}.
    @ivar framing: the module with its framing functions.
    """

    name: str
    framing: ModuleType
    basic: ModuleType
    amp: ModuleType
    dtp: ModuleType
    consumers: ModuleType


def _isOurs(name: str) -> bool:
    return name.partition(".")[0] == "twisted_basic_ng"


@contextmanager
def _apart(pure: bool) -> Iterator[None]:
    """
    Import the package again in this block, with one of its builds.  Restore C{sys.modules} after
    it.
    """
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if _isOurs(name)}
    switch = os.environ.get(_SWITCH)
    os.environ[_SWITCH] = "1" if pure else ""
    try:
        yield
    finally:
        for name in [name for name in sys.modules if _isOurs(name)]:
            del sys.modules[name]
        sys.modules.update(kept)
        if switch is None:
            del os.environ[_SWITCH]
        else:
            os.environ[_SWITCH] = switch


@cache
def load(name: str) -> Build | None:
    """
    Load a copy of the package.

    @param name: C{"pure"} or C{"ext"}.
    @return: the copy, or C{None} if the extension is not built and not required.
    """
    with _apart(pure=name == "pure"):
        imported = [importlib.import_module(f"twisted_basic_ng.{each}") for each in ("basic", "amp", "ftp")]
        for module in imported:
            for each in dir(module):
                getattr(module, each)  # import now what would be imported lazily
        consumers = importlib.import_module("twisted_basic_ng._ftp.consumers")
        if importlib.import_module("twisted_basic_ng._accelerate").build != name:
            if os.environ.get(_REQUIRED, "") not in ("", "0"):
                raise ImportError("the extension has to be there, and is not")
            return None
        framing = importlib.import_module(
            "twisted_basic_ng._accelerate.framing" if name == "pure" else "twisted_basic_ng._accelerate.framing_ext"
        )
        _hush()
    return Build(name, framing, *imported, consumers)


def _hush() -> None:
    """
    Switch off the logging of the copy that was just imported, because hostile bytes cause many
    messages.
    """
    for module in [each for name, each in sys.modules.items() if _isOurs(name)]:
        if isinstance(getattr(module, "_log", None), Logger):
            module._log.observer = lambda event: None


@cache
def builds() -> list[Build]:
    """Return both builds, or the pure one only if the extension is not built."""
    return [build for build in (load("pure"), load("ext")) if build is not None]


def forget() -> None:
    """
    Clear the pure build's cache of lengths, so that the result of an input does not depend on
    earlier ones.
    """
    for build in builds():
        getattr(build.framing, "_LENGTHS", {}).clear()


def functions(framing: ModuleType) -> set[str]:
    """Return the names of the framing functions that a compiled build defines."""
    return {
        name
        for name in dir(framing)
        if callable(getattr(framing, name)) and name[0].islower() and name != "annotations"
    }
