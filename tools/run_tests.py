"""
Runs the tests on one build or on both, and keeps their results for the summary.

usage: python -m tools.run_tests --results DIRECTORY --build {pure,both} [--coverage] [--portable] [PYTEST-ARGUMENT ...]

--portable leaves out what does not differ from one Python or Twisted to another, and keeps the random tests short.
Another environment runs these.  The environment variable TWISTED_BASIC_NG_ALL_TESTS=1 brings them back.

The compiled build is left out, and counted as one test that was skipped, where it cannot be compiled; where it can
and is not there, that is a failure.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from .compiler import whyNone, whyStale

#: What is tried on one Python and one Twisted: tools, programs of their own, attacks that count work and memory.
ELSEWHERE = ("bench", "demo", "fuzz", "mutation", "project", "safety", "soak", "stress", "upstream")


def note(path: Path, kind: str, message: str) -> None:
    """Write down that the tests of a build were not run, as a test that C{kind} tells of."""
    print(message, flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    root = ElementTree.Element("testsuite", name=path.stem)
    case = ElementTree.SubElement(root, "testcase", classname="build", name=path.stem)
    ElementTree.SubElement(case, kind, message=message)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def run(build: str, results: Path, coverage: bool, arguments: list[str]) -> int:
    """Run the tests on C{build}; return pytest's exit status."""
    environment = dict(os.environ, TWISTED_BASIC_NG_PURE="1" if build == "pure" else "")
    environment["TWISTED_BASIC_NG_REQUIRE_EXTENSION"] = "1" if build == "ext" else ""
    tool = ["coverage", "run", "-m"] if coverage else []
    command = [sys.executable, "-m", *tool, "pytest", "-n", "2", f"--junitxml={results / build}.xml", "-q", *arguments]
    print(f"{build} build:", flush=True)
    return subprocess.run(command, env=environment, check=False).returncode


def runCompiled(results: Path, coverage: bool, arguments: list[str]) -> int:
    """Run the tests on the compiled build, if it is there; return 0 where it cannot be."""
    missing = whyNone()
    if missing:
        note(results / "ext.xml", "skipped", f"the compiled build: {missing}")
        return 0
    stale = whyStale()
    if stale:
        note(results / "ext.xml", "failure", f"{stale} (TWISTED_BASIC_NG_REQUIRE_EXTENSION=1 tells why)")
        return 1
    return run("ext", results, coverage, arguments)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.run_tests", description=__doc__, allow_abbrev=False)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--build", choices=["pure", "both"], required=True)
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--portable", action="store_true")
    options, rest = parser.parse_known_args()
    if options.portable and os.environ.get("TWISTED_BASIC_NG_ALL_TESTS", "") in ("", "0"):
        os.environ.setdefault("HYPOTHESIS_PROFILE", "short")
        rest += [f"--ignore=tests/{each}" for each in ELSEWHERE]
    pure = run("pure", options.results, options.coverage, rest)
    compiled = runCompiled(options.results, options.coverage, rest) if options.build == "both" else 0
    return pure or compiled


if __name__ == "__main__":
    sys.exit(main())
