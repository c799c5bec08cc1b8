"""
Tells people and programs what is swapped, where, and which build is in use.

It changes nothing, and imports nothing but the build in use.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

from .. import __version__
from .._defaults import EXTENDED, isExtended
from .._places import public
from .children import ENVIRONMENT
from .enable import enabledBy, pthFile
from .swap import PATCHES, SWAPS, isInstalled

__all__ = ["Status", "read"]


@public("")
@dataclass(frozen=True)
class Status:
    """
    The state of the swap in this process and its Python environment.

    @ivar installed: whether imports in this process are answered with our modules.
    @ivar swapped: pairs of names: the module or name of Twisted's, and ours that replaces it, or
        would.
    @ivar extended: whether connections of AMP have features beyond Twisted's by default.
    @ivar enabled: whether the whole Python environment swaps at its start.
    @ivar enabledBy: the C{.pth} file that makes the environment swap, or would.
    @ivar passedOn: whether the Python processes that this process starts swap, because of the
        environment variable.
    @ivar build: C{"ext"} if the compiled functions are in use, C{"pure"} otherwise.
    @ivar version: this package's version.
    @ivar twisted: Twisted's version; C{None} if it is not installed.
    @ivar python: the interpreter's version.
    """

    installed: bool
    swapped: tuple[tuple[str, str], ...]
    extended: bool
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
            f"AMP extended ({EXTENDED}): {say(self.extended)}",
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
    """The names that the swap replaces in modules of Twisted's, and ours for them."""
    return [
        (f"{module}.{each}", f"{ours}.{name}")
        for module, (ours, names) in PATCHES.items()
        for each, name in names.items()
    ]


def read() -> Status:
    """Return the state of the swap."""
    file = enabledBy()
    return Status(
        installed=isInstalled(),
        swapped=(*SWAPS.items(), *_names()),
        extended=isExtended(),
        enabled=file is not None,
        enabledBy=str(file or pthFile()),
        passedOn=os.environ.get(ENVIRONMENT) == "1",
        build=_build(),
        version=__version__,
        twisted=_twistedVersion(),
        python=".".join(map(str, sys.version_info[:3])),
    )
