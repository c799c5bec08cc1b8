"""
What the scripts here that start processes have in common: children on Twisted and on ours, and how figures are shown.

Each figure is a row with the same keys, in the table and in the JSON: C{case}, C{measure}, C{unit}, C{stock}, C{ours},
C{ratio} (ours to stock's, the median of the pairs' own ratios), C{build}.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import twisted

import twisted_basic_ng

ROOT = Path(__file__).resolve().parents[2]

#: What goes between this Python and a program, for each of the two.
LAUNCHERS = {"stock": [], "ours": ["-m", "twisted_basic_ng", "run"]}


def builds() -> list[str]:
    """Name the builds that there are to measure."""
    compiled = find_spec("twisted_basic_ng._accelerate.framing_ext") is not None
    forced = os.environ.get("TWISTED_BASIC_NG_PURE", "") not in ("", "0")
    return ["ext", "pure"] if compiled and not forced else ["pure"]


@contextmanager
def compiledOnce() -> Iterator[dict[str, str]]:
    """Give an environment for children whose bytecode is kept, as that of installed packages is, for the block."""
    with tempfile.TemporaryDirectory() as directory:
        environment = environmentOf("ext")
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        yield {**environment, "PYTHONPYCACHEPREFIX": directory}


def environmentOf(build: str) -> dict[str, str]:
    """This process's environment for a child that is not swapped yet, and takes C{build}."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TWISTED_BASIC_NG_")}
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**kept, "PYTHONPATH": path, **({"TWISTED_BASIC_NG_PURE": "1"} if build == "pure" else {})}


def row(case: str, measure: str, unit: str, pairs: Sequence[tuple[float, float]], **more: Any) -> dict[str, Any]:
    """
    Sum up one comparison.

    @param pairs: what was measured, Twisted's and ours, in turn.
    """
    stock, ours = (statistics.median(each) for each in zip(*pairs, strict=True))
    ratios = [own / theirs for theirs, own in pairs if theirs]
    ratio = statistics.median(ratios) if ratios else None
    return {"case": case, "measure": measure, "unit": unit, "stock": stock, "ours": ours, "ratio": ratio, **more}


def show(rows: Sequence[dict[str, Any]], title: str) -> None:
    """Print rows as a table."""
    print(f"{title:58} {'build':>5} {'Twisted':>11} {'ours':>11} {'ratio':>7}")
    for each in rows:
        name = f"{each['case']}, {each['measure']}"
        if "absent" in each:
            print(f"{name:58} {each['absent']}")
            continue
        ratio = "" if each["ratio"] is None else f"{each['ratio']:7.3f}"
        print(f"{name:58} {each['build']:>5} {each['stock']:11,.2f} {each['ours']:11,.2f} {ratio}  {each['unit']}")


def facts() -> dict[str, str]:
    """Tell what was measured on."""
    return {
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "twisted": twisted.__version__,
        "twisted_basic_ng": twisted_basic_ng.__version__,
    }


def save(path: str | None, benchmark: str, rows: Sequence[dict[str, Any]]) -> None:
    """Write rows to a file, if there is to be one."""
    if path:
        document = {"benchmark": benchmark, **facts(), "results": list(rows)}
        Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def interpreter(*words: object) -> list[str]:
    """A command line for this Python."""
    return [sys.executable, *map(str, words)]
