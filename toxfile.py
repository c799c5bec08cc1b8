"""
Extends tox.ini: finds pyenv's interpreters, runs two environments in parallel, and prints a
summary.

The summary lists what ran, what was skipped and why, and counts the results: each test, and each
check that has no tests.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

from tox.plugin import impl
from tox.tox_env.runner import RunToxEnv

#: The directory of pyenv's interpreters.  They are searched after everything that is on PATH
#: already.
_pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv", "versions")
_interpreters = sorted(str(each.parent) for each in _pyenv.glob("*/bin/python3.*[0-9]"))
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *dict.fromkeys(_interpreters)])

# While one environment installs or waits, another one can work.  If you name environments on the
# command line, they run one at a time and use the terminal directly.
if len(sys.argv) == 1:
    os.environ.setdefault("TOX_PARALLEL", "2")

_KINDS = ("passed", "failed", "skipped")

#: How many of the slowest tests to print.
_SLOWEST = 10


@dataclass
class _Run:
    """
    The result of one environment.

    @ivar status: the exit status of its commands, or None if they did not start.
    @ivar seconds: how long its commands took.
    @ivar skipped: why tox skipped it, if it did.
    @ivar results: the JUnit XML files with its test results.
    """

    results: list[Path] = field(default_factory=list)
    status: int | None = None
    seconds: float = 0.0
    skipped: str = ""

    @cached_property
    def cases(self) -> list[tuple[str, ElementTree.Element]]:
        """The tests, each with the name of the file that has its result."""
        return [(file.stem, case) for file in self.results for case in ElementTree.parse(file).iter("testcase")]


_runs: dict[str, _Run] = {}
_thread = threading.local()


class _SkipReasons(logging.Handler):
    """Collects the reason why tox skips an environment.  tox reports it only in its log."""

    def emit(self, record: logging.LogRecord) -> None:
        if str(record.msg).startswith("skipped because"):
            _thread.reason = record.getMessage().removeprefix("skipped because ")


def _resultFiles(tox_env) -> list[Path]:
    results = Path(str(tox_env.core["work_dir"]), "results")
    return sorted((*results.glob(f"{tox_env.name}.xml"), *results.glob(f"{tox_env.name}/*.xml")))


@impl
def tox_add_core_config(core_conf, state):
    if not getattr(state.conf.options, "no_test", False):
        logging.getLogger("tox.session").addHandler(_SkipReasons())
        atexit.register(_summarize)


@impl
def tox_before_run_commands(tox_env):
    for old in _resultFiles(tox_env):
        old.unlink()


@impl
def tox_after_run_commands(tox_env, exit_code, outcomes):
    seconds = sum(each.elapsed for each in outcomes)
    _runs[tox_env.name] = _Run(_resultFiles(tox_env), exit_code, seconds)


@impl
def tox_env_teardown(tox_env):
    if isinstance(tox_env, RunToxEnv):
        _runs.setdefault(tox_env.name, _Run()).skipped = vars(_thread).pop("reason", "")


def _count(run: _Run, reasons: Counter[str]) -> Counter[str]:
    """
    Count the results of an environment.  If there are no test results, the environment counts as
    one check.
    """
    counts: Counter[str] = Counter()
    for _, case in run.cases:
        skipped = case.find("skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            counts["failed"] += 1
        elif skipped is not None and skipped.get("type") != "pytest.xfail":
            counts["skipped"] += 1
            reasons[" ".join(skipped.get("message", "no reason given").split())] += 1
        else:
            counts["passed"] += 1
    if run.status != 0 and not counts["failed"]:
        counts["skipped" if run.skipped else "failed"] += 1
    elif not counts:
        counts["passed"] += 1
    return counts


def _slowest() -> list[tuple[float, str]]:
    """
    Return the slowest tests of all environments, slowest first: the seconds, and the environment
    with the test.
    """
    timed = [
        (float(case.get("time", 0)), f"{name} {results}: {case.get('classname')}.{case.get('name')}")
        for name, run in _runs.items()
        for results, case in run.cases
    ]
    return sorted(timed, reverse=True)[:_SLOWEST]


def _summarize() -> None:
    reasons: Counter[str] = Counter()
    counts = {name: _count(run, reasons) for name, run in _runs.items()}
    total = sum(counts.values(), Counter())
    if not counts:
        return
    slowest = _slowest()
    if slowest:
        print("\nThe slowest tests:")
    for seconds, test in slowest:
        print(f"  {seconds:5.1f} s  {test}")
    print("\nWhat ran:")
    for name, run in _runs.items():
        if not run.skipped:
            told = ", ".join(f"{counts[name][kind]} {kind}" for kind in _KINDS if counts[name][kind])
            print(f"  {name:16} {run.seconds:5.0f} s  {'failed to set up' if run.status is None else told}")
    if any(run.skipped for run in _runs.values()):
        print("What was skipped, and why:")
    for name, run in _runs.items():
        if run.skipped:
            print(f"  {name:16} {run.skipped}")
    if reasons:
        print("Tests that were skipped, and why:")
    for reason, number in reasons.most_common():
        print(f"  {number:5} {reason}")
    print(", ".join(f"{total[kind]} {kind}" for kind in _KINDS), flush=True)
