"""
Runs the targets under libFuzzer, one after the other, for a limited time.

Each target runs in a separate process, under atheris, and begins with its corpus.  The run ends
with a summary in numbers.  An input that breaks a promise is saved to a file, and reported with the
command that repeats it.  The exit status is then 1.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .archive import FOUND, Kept, read, spread, write
from .targets import TARGETS

#: The corpus: an archive of inputs for each target.
CORPUS = Path(__file__).parent / "corpus"

#: The directory for inputs that broke a promise.
CRASHES = Path("fuzz-crashes")

#: How long an input may take, in seconds.  Longer is a failure.
TIMEOUT = 10

#: The longest input to generate, in bytes.
LONGEST = 4096

_STATUS = re.compile(r"#(\d+)\s+\w+\s.*?cov: (\d+)(?:.*?corp: (\d+))?")
_SAVED = re.compile(r"Test unit written to (\S+)")


@dataclass
class Report:
    """
    The results of one target.

    @ivar runs: how many inputs it was run with.
    @ivar covered: how many code locations were covered.
    @ivar corpus: how many inputs are needed to cover them.
    @ivar seconds: how long it ran.
    @ivar crash: the input that broke a promise, if there is one.
    @ivar status: the exit status of its process.
    @ivar said: the end of the process's output.
    """

    name: str
    runs: int = 0
    covered: int = 0
    corpus: int = 0
    seconds: float = 0.0
    crash: Path | None = None
    status: int = 0
    said: str = ""

    def read(self, line: str) -> None:
        """Parse a line of libFuzzer's output."""
        if status := _STATUS.match(line):
            self.runs, self.covered = int(status[1]), int(status[2])
            self.corpus = int(status[3] or self.corpus)
        elif saved := _SAVED.search(line):
            self.crash = Path(saved[1])
        else:
            self.said = (self.said + line)[-4000:]

    def numbers(self) -> str:
        """Return the numbers, in one line."""
        return f"{self.runs:>10,} runs {self.covered:>6,} places {self.corpus:>5,} inputs {self.seconds:>5.0f} s"


class Progress:
    """
    Prints the progress: on a terminal in one line that is updated, otherwise in a new line every
    ten seconds.
    """

    def __init__(self, seconds: float) -> None:
        self._live = sys.stdout.isatty()
        self._next = 0.0
        self._every = 0.2 if self._live else 10.0
        self._seconds = seconds
        self._begun = time.monotonic()

    def tell(self, place: str, report: Report, last: bool = False) -> None:
        """Print the progress, unless the last update was too recent."""
        now = time.monotonic()
        if not last and now < self._next:
            return
        self._next = now + self._every
        line = f"[{now - self._begun:4.0f} of about {self._seconds:.0f} s] {place} {report.name:20}{report.numbers()}"
        print(f"\r{line}" if self._live else line, end="\n" if last or not self._live else "", flush=True)


def libFuzzer(options: argparse.Namespace, seconds: float, name: str, *folders: Path) -> list[str]:
    """Return the arguments for libFuzzer.  It writes new inputs to the first of the C{folders}."""
    CRASHES.mkdir(exist_ok=True)
    arguments = [f"-max_total_time={max(1, round(seconds))}", f"-max_len={LONGEST}", f"-timeout={TIMEOUT}"]
    arguments += [f"-artifact_prefix={CRASHES}/{name}-", "-print_final_stats=1", f"-seed={options.seed}"]
    if options.runs:
        arguments.append(f"-runs={options.runs}")
    return [*arguments, *map(str, folders)]


def lines(process: subprocess.Popen[str]) -> Iterator[str]:
    """Yield the lines of a process's output until it ends."""
    assert process.stdout is not None
    yield from process.stdout


def campaign(name: str, arguments: list[str], place: str, progress: Progress) -> Report:
    """Run one target."""
    report = Report(name)
    begun = time.monotonic()
    command = [sys.executable, "-m", "tests.fuzz._child", name, *arguments]
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=environment
    ) as process:
        for line in lines(process):
            report.read(line)
            report.seconds = time.monotonic() - begun
            progress.tell(place, report)
    report.status = process.returncode
    progress.tell(place, report, last=True)
    return report


def merge(name: str, file: Path, *folders: Path) -> None:
    """
    Keep in the archive the inputs made by hand, and those inputs in C{folders} that cover something
    new.
    """
    with tempfile.TemporaryDirectory() as place:
        # For this, libFuzzer starts its own program again through a shell.
        program, chosen = Path(place, "again"), Path(place, "chosen")
        program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tests.fuzz._child {name} "$@"\n')
        program.chmod(0o755)
        made = [each for each in (read(file) if file.exists() else []) if each.name != FOUND]
        chosen.mkdir()
        for number, each in enumerate(made):
            (chosen / str(number)).write_bytes(each.data)
        command = [sys.executable, "-m", "tests.fuzz._child", name, "-merge=1"]
        environment = dict(os.environ, TESTS_FUZZ_PROGRAM=str(program))
        subprocess.run(
            [*command, str(chosen), *map(str, folders)],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        inputs = [each.read_bytes() for each in chosen.iterdir()]
    if not inputs:
        raise RuntimeError(f"of the inputs for {name} none reaches anything")
    known = {each.data for each in made}
    write(file, [*made, *(Kept(FOUND, data) for data in inputs if data not in known)])


def repeat(name: str, file: Path) -> int:
    """Run a target with one input, without atheris.  An exception shows the broken promise."""
    TARGETS[name](file.read_bytes())
    print(f"{name}: {file} breaks no promise")
    return 0


def summarize(reports: list[Report]) -> int:
    """Print a summary, and return the exit status."""
    print("\nWhat was tried:")
    for report in reports:
        print(f"  {report.name:20}{report.numbers()}{'  FAILED' if report.status else ''}")
    for report in reports:
        if report.status:
            print(f"\n{report.name} ended with the status {report.status}. It said:\n{report.said}")
        if report.crash is not None:
            print(f"This repeats it:\n  python -m tests.fuzz --target {report.name} --repeat {report.crash}")
    failed = sum(1 for report in reports if report.status)
    runs = sum(report.runs for report in reports)
    print(f"\n{len(reports)} targets, {runs:,} runs, {failed} failed")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__, allow_abbrev=False)
    parser.add_argument("--seconds", type=float, default=150, help="for how long, over all targets (150)")
    parser.add_argument("--runs", type=int, default=0, help="for how many inputs of each target at the most")
    parser.add_argument("--target", action="append", choices=list(TARGETS), help="which target; more than one may be")
    parser.add_argument("--seed", type=int, default=0, help="what the inputs are drawn with (by default a new seed)")
    parser.add_argument("--corpus", type=Path, default=CORPUS, help="where the inputs are that are kept")
    parser.add_argument("--keep", action="store_true", help="keep the inputs that reach something new in the corpus")
    parser.add_argument("--repeat", type=Path, metavar="FILE", help="give one target this input, and end")
    options = parser.parse_args()
    names = options.target or list(TARGETS)
    if options.repeat is not None:
        return repeat(names[0], options.repeat)
    if importlib.util.find_spec("atheris") is None:
        parser.error("atheris is not installed here; the tests in tests/fuzz/test_fuzz.py do without it")
    progress = Progress(options.seconds)
    reports = []
    for number, name in enumerate(names, 1):
        file = options.corpus / f"{name}.txt"
        with tempfile.TemporaryDirectory() as place:
            found, kept = Path(place, "found"), Path(place, "kept")
            found.mkdir()
            spread(file, kept)
            arguments = libFuzzer(options, options.seconds / len(names), name, found, kept)
            reports.append(campaign(name, arguments, f"{number:2}/{len(names)}", progress))
            if options.keep and not reports[-1].status:
                merge(name, file, kept, found)
    if CRASHES.is_dir() and not any(CRASHES.iterdir()):
        CRASHES.rmdir()
    return summarize(reports)


if __name__ == "__main__":
    sys.exit(main())
