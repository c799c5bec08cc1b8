"""
Runs the tests of the extension, compiled with AddressSanitizer and UndefinedBehaviorSanitizer.

usage: python -m tools.sanitize --results DIRECTORY [PYTEST-ARGUMENT ...]

The run ends at the first access outside allocated memory and at the first operation that is
undefined in C.  To prove that, the tool first runs an extension from which one bounds check was
removed.  If there is no sanitizer, that counts as one skipped test.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .compiler import whyNone
from .run_tests import note

#: The tests that run the extensions: their own, the corpus of the fuzzer, and the receivers.
TESTS = [
    "tests/accelerate/test_framing.py",
    "tests/accelerate/test_values.py",
    "tests/accelerate/test_references.py",
    "tests/fuzz/test_fuzz.py::TestCorpus",
    "tests/receiving/test_lineonly.py",
    "tests/receiving/test_lines.py",
    "tests/receiving/test_netstrings.py",
    "tests/receiving/test_intstrings.py",
    "tests/amp/test_reading.py",
    "tests/amp/test_strings.py",
]

_ROOT = Path(__file__).parent.parent

_FLAGS = "-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -g -O1"

#: The check to remove, its replacement, and a call that then reads behind the end of the bytes.
_CHECK = ("if size - start < width:", "if size < start:")
_HOSTILE = (
    "from twisted_basic_ng._accelerate.framing_ext import splitStrings; splitStrings(bytes(33), 33, '!I', 4, 9, 9)"
)


def library() -> str:
    """Return the path of the sanitizer's library, or an empty string if there is none."""
    if sys.platform != "linux" or shutil.which("gcc") is None:
        return ""
    asked = ["gcc", "-print-file-name=libasan.so"]
    found = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    return os.path.realpath(found) if os.path.isabs(found) else ""


def build(place: Path, check: bool = True) -> None:
    """
    Compile a copy of the project in C{place}.  If C{check} is false, remove one bounds check first.
    """
    for name in ("twisted_basic_ng", "tests", "tools"):
        shutil.copytree(_ROOT / name, place / name, ignore=shutil.ignore_patterns("*.so", "*.c", "__pycache__"))
    for name in ("setup.py", "setup.cfg", "pyproject.toml", "README.rst"):
        shutil.copy(_ROOT / name, place)
    if not check:
        source = place / "twisted_basic_ng" / "_accelerate" / "framing_ext.pyx"
        text = source.read_text("utf-8")
        if _CHECK[0] not in text:
            raise SystemExit(f"the check is not in {source.name} any more: {_CHECK[0]}")
        source.write_text(text.replace(*_CHECK), "utf-8")
    command = [sys.executable, "setup.py", "-q", "build_ext", "--inplace"]
    compiler = {"CC": "gcc", "CFLAGS": _FLAGS, "LDFLAGS": _FLAGS, "TWISTED_BASIC_NG_REQUIRE_EXTENSION": "1"}
    environment = dict(os.environ, TWISTED_BASIC_NG_PURE="", **compiler)
    subprocess.run(command, cwd=place, env=environment, check=True, stdout=subprocess.DEVNULL)


def python(place: Path, preload: str, *arguments: str, **options: bool) -> subprocess.CompletedProcess[str]:
    """Run this Python in C{place}, with a sanitizer that tracks all its allocations."""
    environment = dict(
        os.environ,
        LD_PRELOAD=preload,
        PYTHONMALLOC="malloc",
        PYTHONPATH=str(place),
        # The interpreter itself keeps memory until it exits.  The tests of references find leaks in
        # the extension.
        ASAN_OPTIONS="detect_leaks=0",
        UBSAN_OPTIONS="print_stacktrace=1",
        TWISTED_BASIC_NG_PURE="",
        TWISTED_BASIC_NG_REQUIRE_EXTENSION="1",
    )
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=place, env=environment, check=False, text=True, **options)  # type: ignore[call-overload, no-any-return]


def isSeen(place: Path, preload: str) -> bool:
    """Whether the sanitizer ends a program that reads outside its memory."""
    ended = python(place, preload, "-c", _HOSTILE, capture_output=True)
    return ended.returncode != 0 and "AddressSanitizer: heap-buffer-overflow" in ended.stderr


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.sanitize", description=__doc__, allow_abbrev=False)
    parser.add_argument("--results", type=Path, required=True)
    options, rest = parser.parse_known_args()
    results = options.results.absolute()
    preload = library()
    missing = whyNone() or ("" if preload else "no gcc with AddressSanitizer here")
    if missing:
        note(results / "sanitize.xml", "skipped", f"the sanitized build: {missing}")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        wrong, right = Path(directory, "wrong"), Path(directory, "right")
        print("compiling the extension twice, the first time without one of its checks", flush=True)
        build(wrong, check=False)
        if not isSeen(wrong, preload):
            note(results / "sanitize.xml", "failure", "the sanitizer does not see what is wrong")
            return 1
        print("what is wrong is seen; now the tests", flush=True)
        build(right)
        command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={results / 'sanitize.xml'}"]
        return python(right, preload, *command, *(rest or TESTS)).returncode


if __name__ == "__main__":
    sys.exit(main())
