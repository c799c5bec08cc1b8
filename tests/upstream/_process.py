"""Runs the recorder in a separate process, without the swap or through the launcher."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ._compare import Record, read

__all__ = ["runSuite"]

_ROOT = Path(__file__).parent.parent.parent


def runSuite(build: str, name: str, timeout: float, extended: bool = False) -> Record:
    """
    Run a suite.

    @param build: C{"stock"}, C{"pure"} or C{"ext"}.
    @param name: trial's name for what to run.
    @param extended: whether to enable AMP's features beyond Twisted's; ignored for C{"stock"}.
    @param timeout: how long it may take, in seconds.
    """
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "outcomes")
        record = read(output, _run(build, ["-m", "tests.upstream.record", str(output), name], timeout, extended))
    if record.build not in ("", build):
        record.trouble = f"asked for {build}, but {record.implementation} ({record.build}) was in force"
    return record


def _run(build: str, arguments: list[str], timeout: float, extended: bool) -> str:
    """Run Python, and return what went wrong."""
    launcher = [] if build == "stock" else ["-m", "twisted_basic_ng", "run", *(["--extended"] if extended else [])]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TWISTED_BASIC_NG_")}
    if build == "pure":
        environment["TWISTED_BASIC_NG_PURE"] = "1"
    try:
        ended = subprocess.run(
            [sys.executable, *launcher, *arguments],
            cwd=_ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not done after {timeout:g} s"
    return f"exit status {ended.returncode}: {ended.stderr[-2000:]}" if ended.returncode else ""
