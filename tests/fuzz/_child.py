"""
Runs one target under libFuzzer, in its own process: C{python -m tests.fuzz._child TARGET
LIBFUZZER-ARGUMENT ...}.

C{python -m tests.fuzz} starts it, and reads libFuzzer's output.
"""

from __future__ import annotations

import os
import sys

import atheris  # type: ignore[import-not-found]

from twisted.logger import globalLogBeginner

# atheris measures only the modules that this block imports first, above all those of the package.
with atheris.instrument_imports(include=["twisted_basic_ng"]):
    from .builds import builds

    builds()

from .targets import TARGETS


def main() -> None:
    globalLogBeginner.beginLoggingTo([], discardBuffer=True, redirectStandardIO=False)
    name, *arguments = sys.argv[1:]
    atheris.Setup([os.environ.get("TESTS_FUZZ_PROGRAM", sys.argv[0]), *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
