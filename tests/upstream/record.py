"""
Runs one suite with trial's runner, and writes the result of each test.

usage: python -m tests.upstream.record OUTPUT SUITE

Each line of OUTPUT is a JSON object.  The first and the last line have the implementation in use.
Each of the others says that a test has C{started} or has a result, in the order of the run.  The
exit status is 0 whatever the tests do.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any, TextIO

from twisted.trial import reporter, runner

__all__ = ["main", "record"]


class _Recorder(reporter.Reporter):
    """A reporter with machine-readable output."""

    output: TextIO

    def _write(self, test: Any, outcome: str, detail: object = "") -> None:
        print(json.dumps({"test": test.id(), "outcome": outcome, "detail": str(detail)}), file=self.output, flush=True)

    def startTest(self, test: Any) -> None:
        super().startTest(test)
        self._write(test, "started")

    def addSuccess(self, test: Any) -> None:
        super().addSuccess(test)
        self._write(test, "success")

    def addFailure(self, test: Any, fail: Any) -> None:
        super().addFailure(test, fail)
        self._write(test, "failure", _traceback(fail))

    def addError(self, test: Any, error: Any) -> None:
        super().addError(test, error)
        self._write(test, "error", _traceback(error))

    def addSkip(self, test: Any, reason: Any) -> None:
        super().addSkip(test, reason)
        self._write(test, "skip", reason)

    def addExpectedFailure(self, test: Any, error: Any, todo: Any = None) -> None:
        super().addExpectedFailure(test, error, todo)
        self._write(test, "expected failure")

    def addUnexpectedSuccess(self, test: Any, todo: Any = None) -> None:
        super().addUnexpectedSuccess(test, todo)
        self._write(test, "unexpected success")

    def done(self) -> None:
        """Print no summary, since C{output} has everything."""


def _traceback(failure: Any) -> str:
    return failure.getTraceback() if hasattr(failure, "getTraceback") else repr(failure)


def inForce() -> dict[str, str]:
    """Return the implementation that an import of Twisted's module gets here, and its build."""
    from twisted.protocols import basic

    module = basic.__name__
    if not module.startswith("twisted_basic_ng."):
        return {"implementation": module, "build": "stock"}
    from twisted_basic_ng import status

    return {"implementation": module, "build": status().build}


def record(output: TextIO, suite: str, directory: str) -> None:
    """Run C{suite} in C{directory}, and write the results of its tests."""
    print(json.dumps({"when": "beginning", **inForce()}), file=output, flush=True)
    tests = runner.TestLoader().loadByName(suite, recurse=True)
    recorder = type("Recorder", (_Recorder,), {"output": output})
    with open(Path(directory, "report"), "w", encoding="utf-8") as report:
        runner.TrialRunner(
            recorder, stream=report, logfile="test.log", workingDirectory=str(Path(directory, "trial"))
        ).run(tests)
    print(json.dumps({"when": "end", **inForce()}), file=output, flush=True)


def makeSmallKeys() -> None:
    """
    Limit generated keys to 2048 bits.

    Older suites ask for 4096 bits, and generating such a key takes longer than most suites.
    """
    try:
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ImportError:
        return
    generate = rsa.generate_private_key

    def generateSmall(public_exponent: int, key_size: int, backend: object = None) -> object:
        return generate(public_exponent, min(key_size, 2048), backend)

    rsa.generate_private_key = generateSmall  # type: ignore[assignment]


def main(arguments: list[str]) -> None:
    """Parse the command line and run the suite."""
    makeSmallKeys()
    output, suite = arguments
    with tempfile.TemporaryDirectory() as directory, open(output, "w", encoding="utf-8") as file:
        record(file, suite, directory)


if __name__ == "__main__":
    main(sys.argv[1:])
