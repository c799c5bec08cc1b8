"""
What is swapped, where, and which build is in use: facts for people and for programs.

It only looks: nothing is changed or imported that was not before, but for the choice of the build.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from .. import __version__
from .._places import public
from .children import ENVIRONMENT
from .enable import enabledBy, pthFile
from .swap import PATCHES, SWAPS, isInstalled

__all__ = ["Status", "read"]


@public("")
@dataclass(frozen=True)
class Status:
    """
    How things are in this process and its Python environment.

    @ivar installed: imports in this process are answered with ours.
    @ivar swapped: which module of ours stands, or would stand, for which of Twisted's.
    @ivar enabled: the whole Python environment swaps at its start.
    @ivar enabledBy: the file that does, or would do, that.
    @ivar passedOn: the Python processes started from here swap, because the environment variable says so.
    @ivar build: C{"ext"} where the compiled functions are in use, C{"pure"} otherwise.
    @ivar version: this package's version.
    @ivar twisted: Twisted's version; C{None} where it is not installed.
    @ivar python: the interpreter's version.
    """

    installed: bool
    swapped: tuple[tuple[str, str], ...]
    enabled: bool
    enabledBy: str
    passedOn: bool
    build: str
    version: str
    twisted: str | None
    python: str

    def __str__(self) -> str:
        def say(fact: bool) -> str:
            return "yes" if fact else "no"

        lines = [
            f"twisted_basic_ng {self.version} ({self.build} build)",
            f"Twisted {self.twisted or 'is not installed'}, Python {self.python}",
            f"swapped in this process: {say(self.installed)}",
            *(f"    {name} -> {ours}" for name, ours in self.swapped if self.installed),
            f"passed on to child processes ({ENVIRONMENT}): {say(self.passedOn)}",
            f"enabled for this Python environment: {say(self.enabled)} ({self.enabledBy})",
        ]
        return "\n".join(lines)


def _twistedVersion() -> str | None:
    try:
        return version("Twisted")
    except PackageNotFoundError:
        return None


def _build() -> str:
    from .. import _accelerate

    return _accelerate.build


def _names() -> list[tuple[str, str]]:
    """The names that are put into modules of Twisted's."""
    return [
        (f"{module}.{each}", f"{ours}.{name}")
        for module, (ours, names) in PATCHES.items()
        for each, name in names.items()
    ]


def read() -> Status:
    """Look how things are."""
    file = enabledBy()
    return Status(
        installed=isInstalled(),
        swapped=(*SWAPS.items(), *_names()),
        enabled=file is not None,
        enabledBy=str(file or pthFile()),
        passedOn=os.environ.get(ENVIRONMENT) == "1",
        build=_build(),
        version=__version__,
        twisted=_twistedVersion(),
        python=".".join(map(str, sys.version_info[:3])),
    )
