"""
Runs the tests on one build or on both, and keeps their results for the summary.

usage: python -m tools.run_tests --results DIRECTORY --build {pure,both,one} [--part {all,portable,files}]
           [--coverage] [--shuffle] [PYTEST-ARGUMENT ...]

"portable" leaves out the tests whose result does not depend on the version of Python or Twisted,
and shortens the random tests.  With the environment variable TWISTED_BASIC_NG_ALL_TESTS=1 it is the
same as "all".  "files" runs the unit tests of each source file.

On both builds, a test runs only once if it tests both builds itself, does not depend on the build,
or tests Twisted's own modules.  The pure build runs few random examples, the compiled build all of
them.

--coverage measures the branch coverage of the pure build, unless there are arguments for pytest.
The unit tests of the source files have to reach all branches: they run under coverage, and all
other tests run without it.

--shuffle runs the tests in a random order.  The environment variable TWISTED_BASIC_NG_TEST_ORDER
repeats an order.

"both" skips the compiled build if it cannot be compiled, and counts that as one skipped test.  If
it can be compiled but is missing, that is a failure.  "one" is the compiled build, or the pure one
if the compiled one is not possible.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from .compiler import whyNone, whyStale

_ROOT = Path(__file__).parent.parent

#: Folders of tests that are not unit tests of one source file.
TOGETHER = (
    "compatibility",
    "differential",
    "fuzz",
    "live",
    "mutation",
    "parity",
    "project",
    "safety",
    "soak",
    "stress",
    "upstream",
    "vectors",
)

#: Folders of tests for the programs that come with the package.  The package does not import them.
PROGRAMS = ("bench", "demo")

#: Folders of tests that test both builds themselves or do not depend on the build.  They run once.
EITHER = ("fuzz", "mutation", "project", "upstream", "vectors")

#: The same among the unit tests: the programs start processes for both builds, and the swap does
#: not depend on the build that it installs.
EITHER_FILES = (
    *PROGRAMS,
    "swapping/test_children.py",
    "swapping/test_enable.py",
    "swapping/test_run.py",
    "swapping/test_startup.py",
    "test_pytest_plugin.py",
)

#: A file that tests both builds itself.  Its many repetitions are slow under coverage, and other
#: tests reach all branches.
REPEATING = "accelerate/test_references.py"

#: If several Pythons are tested, one build is enough for tests that do not depend on the build:
#: files and directories over FTP, names in pickles and tracebacks, the processes of trial and of
#: whole programs, and the list of compatibility tests that use features beyond Twisted's AMP.
ONE_BUILD = (
    "differential/test_extended.py",
    "live/test_coroutines.py",
    "live/test_ftp.py",
    "live/test_processes.py",
    "live/test_public_names.py",
    "live/test_trial.py",
)

#: Folders for which one Python and one Twisted are enough: tools, programs, the wire format,
#: attacks that count work, memory.
ELSEWHERE = (*PROGRAMS, "fuzz", "mutation", "project", "safety", "soak", "stress", "upstream", "vectors")


def note(path: Path, kind: str, message: str) -> None:
    """
    Record that the tests of a build were not run, as a single test case with the result C{kind}.
    """
    print(message, flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    root = ElementTree.Element("testsuite", name=path.stem)
    case = ElementTree.SubElement(root, "testcase", classname="build", name=path.stem)
    ElementTree.SubElement(case, kind, message=message)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def isWhole() -> bool:
    """Whether to leave out no tests at all."""
    return os.environ.get("TWISTED_BASIC_NG_ALL_TESTS", "") not in ("", "0")


def without(paths: tuple[str, ...]) -> list[str]:
    """Return the pytest options that leave out these folders and files of the tests."""
    return [f"--ignore=tests/{each}" for each in paths]


#: Tests that differ only in the transport.  The other Pythons run them over TCP only.
LINKS = [f"--deselect=tests/live/test_overload.py::{each}Tests" for each in ("OverTLS", "OverUNIX", "TimedOverTLS")]

#: The pytest options that select each part of the tests.
PARTS = {"all": [], "portable": [*without(ELSEWHERE), *LINKS], "files": without(TOGETHER)}

#: The pytest options that leave out of a second run the tests that do not depend on the build.
#: Twisted's own modules are the same in both runs.
ONCE = without(EITHER_FILES)
STOCK_ONCE = ["-m", "not stock"]


def run(build: str, results: Path, arguments: list[str], measured: bool = False, isShort: bool = False) -> int:
    """
    Run tests on C{build}, optionally under coverage or with few random examples.  Return pytest's
    exit status.
    """
    environment = dict(os.environ, TWISTED_BASIC_NG_PURE="1" if build == "pure" else "")
    if isShort:
        environment.setdefault("HYPOTHESIS_PROFILE", "short")
    environment["TWISTED_BASIC_NG_REQUIRE_EXTENSION"] = "1" if build == "ext" else ""
    if measured:
        environment.update(measuring(results))
    tool = ["coverage", "run", "-m"] if measured else []
    name = f"{build}-measured" if measured else build
    options = ["-n", "2", "--dist", "worksteal", "-q", f"--junitxml={results / name}.xml"]
    print(f"{build} build{', measured' if measured else ''}:", flush=True)
    command = [sys.executable, "-m", *tool, "pytest", *options, *arguments]
    return subprocess.run(command, env=environment, check=False).returncode


def measuring(results: Path) -> dict[str, str]:
    """Return the environment variables that measure the coverage of a process and its children."""
    return {"COVERAGE_PROCESS_START": str(_ROOT / "setup.cfg"), "COVERAGE_FILE": str(results / ".coverage")}


def runMeasured(results: Path) -> int:
    """Run the unit tests on the pure build, and fail if they miss a branch."""
    results.mkdir(parents=True, exist_ok=True)
    for old in results.glob(".coverage*"):
        old.unlink()
    status = run("pure", results, [*PARTS["files"], *without((REPEATING,))], measured=True)
    environment = dict(os.environ, COVERAGE_FILE=measuring(results)["COVERAGE_FILE"])
    for words in (["combine", "--quiet"], ["report"]):
        command = [sys.executable, "-m", "coverage", *words]
        status = subprocess.run(command, env=environment, check=False).returncode or status
    return status


def runAllMeasured(results: Path, isOnly: bool) -> int:
    """
    Run all tests on the pure build, the unit tests under coverage.  C{isOnly} is true if no other
    build is tested.
    """
    others = [f"tests/{each}" for each in TOGETHER if isOnly or each not in EITHER]
    others += [f"tests/{REPEATING}"] if isOnly else STOCK_ONCE
    measured = runMeasured(results)
    # The compiled build runs the long random tests, if there is one.
    return run("pure", results, others, isShort=not isOnly) or measured


def runCompiled(results: Path, arguments: list[str]) -> int:
    """Run the tests on the compiled build.  Return 0 if it cannot be compiled."""
    missing = whyNone()
    if missing:
        note(results / "ext.xml", "skipped", f"the compiled build: {missing}")
        return 0
    stale = whyStale()
    if stale:
        note(results / "ext.xml", "failure", f"{stale} (TWISTED_BASIC_NG_REQUIRE_EXTENSION=1 tells why)")
        return 1
    return run("ext", results, arguments)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.run_tests", description=__doc__, allow_abbrev=False)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--build", choices=["pure", "both", "one"], required=True)
    parser.add_argument("--part", choices=["all", "portable", "files"], default="all")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--shuffle", action="store_true")
    options, rest = parser.parse_known_args()
    if options.shuffle:
        seed = os.environ.setdefault("TWISTED_BASIC_NG_TEST_ORDER", str(random.randrange(10**6)))
        print(f"TWISTED_BASIC_NG_TEST_ORDER={seed} repeats this order", flush=True)
    if options.part == "portable" and isWhole():
        options.part = "all"
    elif options.part == "portable":
        os.environ.setdefault("HYPOTHESIS_PROFILE", "short")
    if options.build == "one":
        options.build = "pure" if whyNone() else "ext"
    return runBuilds(options.build, options.part, options.results, options.coverage and not rest, rest)


def runBuilds(builds: str, part: str, results: Path, isMeasured: bool, arguments: list[str]) -> int:
    """
    Run a part of the tests on the builds, and each test that does not depend on the build once.
    Return the worst status.
    """
    isOnly = builds == "pure" or bool(whyNone())
    isEach = isOnly or isWhole() or bool(arguments)
    once = [] if isEach else ONCE
    pure = compiled = 0
    if isMeasured and builds != "ext":
        pure = runMeasured(results) if part == "files" else runAllMeasured(results, isOnly or isWhole())
    elif builds != "ext":
        shown = [] if isEach else [*ONCE, *without((*EITHER, REPEATING)), *STOCK_ONCE]
        shown += without(ONE_BUILD) if part == "portable" and not isEach else []
        pure = run("pure", results, [*PARTS[part], *shown, *arguments], isShort=not isEach)
    if builds != "pure":
        compiled = runCompiled(results, [*PARTS[part], *(once if isMeasured else []), *arguments])
    return pure or compiled


if __name__ == "__main__":
    sys.exit(main())
