"""Runs the recorder in a process of its own, without the swap or through the launcher that users have."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ._compare import Record, read

__all__ = ["BUILDS", "runSuite"]

BUILDS = ("stock", "pure", "ext")


def runSuite(
    build: str, names: list[str], directory: Path, timeout: float, module: str = "tests.upstream.record"
) -> Record:
    """
    Run the suites C{names}.

    @param build: C{"stock"}, C{"pure"} or C{"ext"}.
    @param directory: where to put files.
    @param timeout: how long it may take, in seconds.
    """
    output = directory / f"{build}-{names[0]}-{len(list(directory.iterdir()))}.jsonl"
    launcher = [] if build == "stock" else ["-m", "twisted_basic_ng", "run"]
    command = [sys.executable, *launcher, "-m", module, str(output), *names]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TWISTED_BASIC_NG_")}
    if build == "pure":
        clean["TWISTED_BASIC_NG_PURE"] = "1"
    trouble = ""
    try:
        ended = subprocess.run(
            command, env=clean, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False
        )
        if ended.returncode:
            trouble = f"exit status {ended.returncode}: {ended.stderr[-2000:]}"
    except subprocess.TimeoutExpired:
        trouble = f"not done after {timeout:.0f} s"
    record = read(output, trouble)
    if not record.trouble and record.build != build:
        record.trouble = f"asked for {build}, but {record.implementation} ({record.build}) was in force"
    return record
