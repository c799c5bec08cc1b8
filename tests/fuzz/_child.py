"""
One target under libFuzzer, in a process of its own: C{python -m tests.fuzz._child TARGET LIBFUZZER-ARGUMENT ...}.

Started by C{python -m tests.fuzz}, which reads what libFuzzer says.
"""

from __future__ import annotations

import os
import sys

import atheris  # type: ignore[import-not-found]

from twisted.logger import globalLogBeginner

# Everything that is imported here is to be watched, the package above all; so it is imported in this block first.
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
