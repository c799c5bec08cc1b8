"""
Runs Twisted's own suites, stock and under the swap, and compares them test by test.

Each suite runs in fresh processes, once without the swap and once for each build through C{python -m
twisted_basic_ng run}.  A test that differs is run again, stock and swapped; only where it differs every time is that
counted as a difference, and one that does not is named as unsteady.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from twisted import __version__ as twistedVersion

from tools.compiler import whyNone
from twisted_basic_ng import _framing

from ._compare import Difference, compare
from ._process import runSuite
from ._report import Verdict, reasons, row, writeJUnit
from ._suites import SUITES

_AGAIN = 3


def steady(difference: Difference, build: str, directory: Path, timeout: float) -> bool:
    """Run the test's class again: does it differ every time?"""
    name = difference.test.rpartition(".")[0]
    for _ in range(_AGAIN):
        stock = runSuite("stock", [name], directory, timeout)
        ours = runSuite(build, [name], directory, timeout)
        if ours.outcomes.get(difference.test) == stock.outcomes.get(difference.test, ()):
            return False
    return True


def judge(suite: str, builds: Iterable[str], directory: Path, timeout: float) -> list[Verdict]:
    """Run one suite, stock and on C{builds}."""
    stock = runSuite("stock", [suite], directory, timeout)
    verdicts = []
    for build in builds:
        verdict = Verdict(suite, build, stock, runSuite(build, [suite], directory, timeout))
        for each in compare(stock, verdict.ours):
            kept = verdict.differences if steady(each, build, directory, timeout) else verdict.unsteady
            kept.append(each)
        verdicts.append(verdict)
        print(row(verdict), flush=True)
    return verdicts


def show(verdicts: list[Verdict], missing: list[str]) -> None:
    """Print what the table does not say."""
    for verdict in verdicts:
        if verdict.trouble:
            print(f"\n{verdict.suite} ({verdict.build}): {verdict.trouble}")
        for each in verdict.differences:
            print(f"\n{each.test} ({verdict.build}): stock {each.stock}, ours {each.ours}\n{each.detail}")
        for each in verdict.unsteady:
            print(
                f"\nunsteady: {each.test} ({verdict.build}): once stock {each.stock}, ours {each.ours}; then the same"
            )
    for suite in missing:
        print(f"\nnot in Twisted {twistedVersion}: {suite}")
    print("\nskipped, by stock and ours alike:")
    for reason, count in reasons(verdicts).most_common():
        print(f"{count:6} {reason[:100]}")


def parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    parser.add_argument("suites", nargs="*", default=list(SUITES), help="instead of all: trial's names of what to run")
    parser.add_argument("--build", choices=["pure", "ext", "both"], default="both")
    parser.add_argument("--junit", type=Path, help="where to write the results")
    parser.add_argument("--timeout", type=float, default=600, help="seconds for one suite in one process")
    parser.add_argument("--list", action="store_true", help="print the suites and do nothing")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse(arguments)
    if options.list:
        print("\n".join(options.suites))
        return 0
    builds = ("pure", "ext") if options.build == "both" else (options.build,)
    if options.build == "both" and (impossible := whyNone()):
        print(f"The compiled build is left out: {impossible}.")
        builds = ("pure",)
    present = [each for each in options.suites if find_spec(each.partition(":")[0]) is not None]
    missing = [each for each in options.suites if each not in present]
    print(f"Twisted {twistedVersion}, compared with {_framing.__name__.partition('.')[0]}")
    print(f"{'suite':38} {'build':5} | stock: ok skip todo fail | ours: ok skip todo fail |")
    with tempfile.TemporaryDirectory() as directory, ThreadPoolExecutor(2) as pool:
        every = list(pool.map(lambda suite: judge(suite, builds, Path(directory), options.timeout), present))
        verdicts = [each for group in every for each in group]
        show(verdicts, missing)
        counts = writeJUnit(options.junit or Path(directory, "junit.xml"), verdicts)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 0 if all(each.good for each in verdicts) and verdicts else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
