"""
What tox is told beside tox.ini: where interpreters may be, and to sum up at the end.

The summary names what ran, what was skipped and why, and counts: each test, and each check that is no test.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from tox.plugin import impl

#: Where pyenv keeps its interpreters; they stand behind everything that is on PATH already.
_pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"), "versions")
_interpreters = sorted(str(each.parent) for each in _pyenv.glob("*/bin/python3.*[0-9]"))
os.environ["PATH"] = os.pathsep.join([os.environ.get("PATH", os.defpath), *dict.fromkeys(_interpreters)])

_ran: dict[str, bool] = {}
_seen: dict[str, Path] = {}
_whole = False


@impl
def tox_add_core_config(core_conf, state):
    global _whole
    _whole = state.conf.options.env.is_default_list


@impl
def tox_before_run_commands(tox_env):
    results = Path(str(tox_env.core["work_dir"]), "results")
    _seen[tox_env.name] = results
    for old in (*results.glob(f"{tox_env.name}.xml"), *results.glob(f"{tox_env.name}/*.xml")):
        old.unlink()
    if len(_seen) == 1:
        atexit.register(_summarize, list(tox_env.core["env_list"].envs), os.getpid())


@impl
def tox_after_run_commands(tox_env, exit_code, outcomes):
    _ran[tox_env.name] = exit_code == 0


def _read(name: str, counts: Counter[str], reasons: Counter[str]) -> str:
    """Add up the results that the environment has written; say what they are."""
    results = _seen[name]
    own: Counter[str] = Counter()
    for file in sorted((*results.glob(f"{name}.xml"), *results.glob(f"{name}/*.xml"))):
        for case in ElementTree.parse(file).iter("testcase"):
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                own["failed"] += 1
            elif skipped is not None and skipped.get("type") != "pytest.xfail":
                own["skipped"] += 1
                reasons[skipped.get("message", "no reason given")] += 1
            else:
                own["passed"] += 1
    if not own or (not _ran.get(name) and not own["failed"]):
        own["passed" if _ran.get(name) else "failed"] += 1
    counts.update(own)
    return ", ".join(f"{own[kind]} {kind}" for kind in ("passed", "failed", "skipped") if own[kind])


def _summarize(wanted: list[str], process: int) -> None:
    if os.getpid() != process:
        return
    counts: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    width = shutil.get_terminal_size().columns - 1
    lines = ["", "What ran:"]
    lines += [f"  {name:16} {_read(name, counts, reasons)}" for name in _seen]
    missing = [name for name in wanted if name not in _seen]
    if missing and _whole:
        lines += ["What did not run, for want of its interpreter:", *(f"  {name}" for name in missing)]
    if reasons:
        lines.append("Why tests were skipped:")
        lines += [f"  {number:5} {reason}"[:width] for reason, number in reasons.most_common()]
    lines.append(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    print("\n".join(lines), flush=True)
    sys.stdout.flush()
