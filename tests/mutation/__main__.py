"""
Makes mutants of the parsers, and checks that the tests find each of them.

Each mutant is tested in a separate process on the pure build, and the extension is hidden.  A
mutant that no test finds is reported, unless explained.txt says why no test can find it.  An
explanation without a mutant is reported, too.  In both cases the exit status is 1.
"""

from __future__ import annotations

import argparse
import importlib.abc
import importlib.util
import os
import resource
import signal
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec, SourceFileLoader
from math import ceil
from pathlib import Path
from types import ModuleType
from typing import Any

# Import once what the tests need, before the processes fork; except the package, which differs in
# each.
import hypothesis
import pytest

from tests import helpers  # noqa: F401

from .explained import EXPLAINED
from .mutants import Mutant, mutants

_ROOT = Path(__file__).parent.parent.parent
_PACKAGE = "twisted_basic_ng"

#: The parsers, and the tests that must find their mutants.
PARSERS = {
    "_accelerate/framing.py": ["tests/accelerate/test_framing.py"],
    "amp/_boxes.py": ["tests/amp/test_boxes.py"],
}

#: How much memory a mutant may use, in bytes, because some allocate endlessly.
_MEMORY = 4 * 2**30

#: How much more processor time than the original a mutant may use, in seconds.  A slower mutant
#: counts as found.
_PATIENCE = 20.0

#: How many times as long it may take in wall-clock time, because the machine may be busy or the
#: mutant may sleep.
_BUSY = 20


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the mutant in place of one of the package's modules, and hides the extension."""

    def __init__(self, name: str, source: str) -> None:
        self._name = name
        self._source = source

    def find_spec(self, fullname: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname.startswith(_PACKAGE) and fullname.endswith("_ext"):
            raise ImportError("hidden")
        if fullname != f"{_PACKAGE}.{self._name.removesuffix('.py').replace('/', '.')}":
            return None
        file = str(_ROOT / _PACKAGE / self._name)
        return importlib.util.spec_from_file_location(fullname, file, loader=_Loader(fullname, file, self._source))


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._source = source

    def get_code(self, fullname: str) -> Any:
        return compile(self._source, self.path, "exec", dont_inherit=True)


def start(file: str, source: str, tests: list[str], patience: float = float("inf")) -> int:
    """
    Start to test C{source} in place of C{file}, in a new process.  Return the process id.

    @param patience: how much processor time it may use, in seconds.
    """
    if _PACKAGE in sys.modules:
        raise RuntimeError("the package is imported already")
    number = os.fork()
    if number:
        return number
    status = 1
    try:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        if patience < float("inf"):
            resource.setrlimit(resource.RLIMIT_CPU, (ceil(patience), ceil(patience) + 1))
        os.chdir(_ROOT)
        sys.meta_path.insert(0, _Finder(file, source))
        # Do not minimize failing examples.
        hypothesis.settings.register_profile(
            "mutation",
            derandomize=True,
            deadline=None,
            database=None,
            max_examples=150,
            phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        )
        os.environ.update(
            HYPOTHESIS_PROFILE="mutation", TWISTED_BASIC_NG_PURE="1", TWISTED_BASIC_NG_REQUIRE_EXTENSION=""
        )
        options = ["-x", "-q", "-p", "no:cacheprovider", "--tb=no", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
        status = int(pytest.main([*options, *tests]))
    finally:
        os._exit(status)


@dataclass
class Trial:
    """
    A mutant under test.

    @ivar late: the time after which it counts as found, because it is endless.
    """

    file: str
    mutant: Mutant
    late: float


@dataclass
class Result:
    """
    The results of all mutants.

    @ivar left: the mutants that no test finds and that have no explanation.
    @ivar untried: how many mutants were not tested for lack of time.
    """

    found: int = 0
    endless: int = 0
    explained: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    untried: int = 0

    @property
    def tried(self) -> int:
        return self.found + len(self.explained) + len(self.left)

    def take(self, trial: Trial, survived: bool) -> None:
        """Record the result of a mutant."""
        name = f"{trial.file}: {trial.mutant.name}"
        if not survived:
            self.found += 1
        elif name in EXPLAINED:
            self.explained.append(name)
        else:
            self.left.append(f"{trial.file}:{trial.mutant.line}: {trial.mutant.name}")

    def numbers(self) -> str:
        """Return the numbers, in one line."""
        return (
            f"{self.tried} mutants: {self.found} found ({self.endless} of them went on for ever), "
            f"{len(self.explained)} explained, {len(self.left)} left"
        )


def tell(result: Result, whole: int, begun: float, last: bool = False) -> None:
    """
    Print the progress: on a terminal in one line that is updated, otherwise in a new line now and
    then.
    """
    live = sys.stdout.isatty()
    if not live and result.tried % 20 and not last:
        return
    line = f"[{time.monotonic() - begun:4.0f} s] of {whole}, {result.numbers()}"
    print(f"\r{line}" if live else line, end="\n" if last or not live else "", flush=True)


def ended(running: dict[int, Trial], result: Result) -> Iterator[tuple[Trial, bool]]:
    """Yield the finished mutants, and whether all tests passed.  Kill those that take too long."""
    for number, trial in list(running.items()):
        gone, status = os.waitpid(number, os.WNOHANG)
        if gone:
            del running[number]
            result.endless += os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU
            yield trial, status == 0
        elif time.monotonic() > trial.late:
            os.kill(number, signal.SIGKILL)
            os.waitpid(number, 0)
            del running[number]
            result.endless += 1
            yield trial, False


def baseline(files: list[str]) -> float:
    """
    Run the tests on the unchanged files.

    @return: how long the slowest took.
    @raise SystemExit: the tests fail.
    """
    longest = 0.0
    for file in files:
        begun = processorTime()
        _, status = os.waitpid(start(file, (_ROOT / _PACKAGE / file).read_text("utf-8"), PARSERS[file]), 0)
        if status:
            raise SystemExit(f"the tests of {file} fail already without a change")
        longest = max(longest, processorTime() - begun)
    return longest


def processorTime() -> float:
    """Return the processor time of all child processes that have ended, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(trials: list[tuple[str, Mutant]], jobs: int, seconds: float, patience: float) -> Result:
    """Test all mutants, several at a time.  None is started after C{seconds}."""
    result = Result()
    begun = time.monotonic()
    waiting = iter(trials)
    running: dict[int, Trial] = {}
    while True:
        while len(running) < jobs and time.monotonic() - begun < seconds:
            following = next(waiting, None)
            if following is None:
                break
            file, mutant = following
            late = time.monotonic() + _BUSY * patience
            running[start(file, mutant.source, PARSERS[file], patience)] = Trial(file, mutant, late)
        if not running:
            break
        for trial, survived in ended(running, result):
            result.take(trial, survived)
            tell(result, len(trials), begun)
        time.sleep(0.01)
    result.untried = sum(1 for _ in waiting)
    tell(result, len(trials), begun, last=True)
    return result


def summarize(result: Result, gone: Collection[str] = ()) -> int:
    """
    Print a summary, and return the exit status.

    @param gone: the explanations without a mutant.
    """
    for name in sorted(gone):
        print(f"GONE       {name}")
    for name in sorted(result.explained):
        print(f"explained  {name}\n           {EXPLAINED[name]}")
    for name in result.left:
        print(f"NOT FOUND  {name}")
    if result.untried:
        print(f"there was no time for {result.untried} more")
    share = 100 * result.found / max(result.tried, 1)
    print(f"{result.numbers()}; {share:.1f} % found")
    return 1 if result.left or result.untried or gone else 0


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__, allow_abbrev=False)
    parser.add_argument("--file", action="append", choices=list(PARSERS), help="which parser; more than one may be")
    parser.add_argument("--only", default="", metavar="TEXT", help="mutants alone that have this in their names")
    parser.add_argument("--seconds", type=float, default=900, help="begin no mutant after so long (900)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many to try at once")
    parser.add_argument("--list", action="store_true", help="name the mutants, and end")
    options = parser.parse_args(arguments)
    files = options.file or list(PARSERS)
    trials = [
        (file, mutant)
        for file in files
        for mutant in mutants((_ROOT / _PACKAGE / file).read_text("utf-8"))
        if options.only in mutant.name
    ]
    if options.list:
        print("\n".join(f"{file}: {mutant.name}" for file, mutant in trials))
        return 0
    whole = files == list(PARSERS) and not options.only
    gone = set(EXPLAINED) - {f"{file}: {mutant.name}" for file, mutant in trials} if whole else set()
    return summarize(run(trials, options.jobs, options.seconds, _PATIENCE + baseline(files)), gone)


if __name__ == "__main__":
    sys.exit(main())
