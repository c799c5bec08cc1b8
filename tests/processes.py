"""
Python processes for the tests of program startup.

They import the package from where these tests find it, whatever directory they start in.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import twisted_basic_ng

__all__ = ["SAYS", "environment", "python", "running", "waitFor", "write"]

_HOME = str(Path(twisted_basic_ng.__file__).parent.parent)

#: The environment variables that an outer swap sets.
_SWITCHES = {"TWISTED_BASIC_NG_EXTENDED", "TWISTED_BASIC_NG_SWAP"}

#: A program that prints which package its receivers come from.
SAYS = "from twisted.protocols import basic\nprint(basic.__name__.split('.')[0])\n"


def environment(**changes: str) -> dict[str, str]:
    """Return this process's environment without a swap, and with C{changes}."""
    kept = {name: value for name, value in os.environ.items() if name not in _SWITCHES}
    kept["PYTHONPATH"] = _HOME
    return {**kept, **changes}


def python(
    *arguments: object, directory: Path | None = None, stdin: int | IO[bytes] = subprocess.DEVNULL, **changes: str
) -> subprocess.CompletedProcess[str]:
    """Run this Python with C{arguments}."""
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=directory,
        env=environment(**changes),
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def write(path: Path, program: str) -> Path:
    """Write a program to C{path}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(program), encoding="utf-8")
    return path


@contextmanager
def running(*arguments: object, directory: Path | None = None, **changes: str) -> Iterator[subprocess.Popen[str]]:
    """
    Run this Python with C{arguments} until the block is left.  It must end by itself on C{SIGTERM}.
    """
    with subprocess.Popen(
        [sys.executable, *map(str, arguments)],
        cwd=directory,
        env=environment(**changes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
            process.terminate()
            process.communicate(timeout=60)
        finally:
            process.kill()


def waitFor(process: subprocess.Popen[str], pattern: str) -> re.Match[str]:
    """Read the output of C{process} until a line matches C{pattern}."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(pattern, line):
            return found
    raise AssertionError("it ended before: " + "".join(said))
