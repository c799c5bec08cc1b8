"""
Runs Twisted's own test suites, with and without the swap, and compares them test by test.

Each suite runs in fresh processes: once without the swap, and once for each build through C{python
-m twisted_basic_ng run}.  If a test differs, its suite runs five more times, with and without the
swap.  The test is unsteady, and not a difference, if it does not differ again or if its result
varies without the swap.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

from twisted import __version__ as twistedVersion

from tools.compiler import whyNone

from ._judge import Verdict, judge
from ._process import runSuite
from ._report import HEADING, findings, row, writeJUnit
from ._suites import SUITES, TOO_LONG


def isThere(name: str) -> bool:
    """Whether C{name} is an existing module or an object in one."""
    parts = name.split(".")
    for end in range(1, len(parts) + 1):
        spec = find_spec(".".join(parts[:end]))
        if spec is None or spec.submodule_search_locations is None:
            return spec is not None
    return True


def parse(arguments: list[str]) -> argparse.Namespace:
    """
    Parse the command line.  C{suites} are the existing suites, C{missing} those that this Twisted
    does not have.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__, allow_abbrev=False)
    parser.add_argument("--suites", nargs="+", metavar="NAME", default=SUITES, help="trial's names of what to run")
    parser.add_argument("--build", choices=["pure", "ext", "both"], default="both")
    parser.add_argument("--junit", type=Path, metavar="PATH", help="where to write the results")
    parser.add_argument("--timeout", type=float, default=600, metavar="SECONDS", help="for one suite in one process")
    parser.add_argument("--extended", action="store_true", help="with AMP's features beyond Twisted's on, but in stock")
    parser.add_argument("--list", action="store_true", help="print the suites and do nothing")
    options = parser.parse_args(arguments)
    options.missing = [each for each in options.suites if not isThere(each)]
    options.suites = [each for each in options.suites if each not in options.missing]
    for each in options.missing:
        if each not in SUITES:
            parser.error(f"there is no suite {each!r}")
    return options


def buildsFor(choice: str) -> tuple[str, ...]:
    """
    Return the builds to run on.  If there cannot be a compiled one, C{"both"} is the pure one.
    """
    if choice != "both":
        return (choice,)
    impossible = whyNone()
    if impossible:
        print(f"The compiled build is left out: {impossible}.")
        return ("pure",)
    return ("pure", "ext")


def main(arguments: list[str]) -> int:
    """Run the suites, and return the exit status."""
    options = parse(arguments)
    if options.list:
        print(*options.suites, sep="\n")
        return 0
    builds = buildsFor(options.build)
    print(f"Twisted {twistedVersion}\n{HEADING}")

    def compared(suite: str) -> list[Verdict]:
        verdicts = []
        for each in judge(suite, builds, lambda build, name: runSuite(build, name, options.timeout, options.extended)):
            if options.extended:
                each.differences = [found for found in each.differences if found.test not in TOO_LONG]
            print(row(each), flush=True)
            verdicts.append(each)
        return verdicts

    with ThreadPoolExecutor(2) as pool:
        verdicts = [each for group in pool.map(compared, options.suites) for each in group]
    print(*findings(verdicts, options.missing), sep="\n")
    print(writeJUnit(options.junit, verdicts, options.missing))
    return 0 if all(each.good for each in verdicts) and verdicts else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
