"""Runs the scripts in C{benchmarks} in their shortest form."""

from __future__ import annotations

import pytest

from tests.processes import python

from .sources import ROOT

BENCHMARKS = ROOT / "benchmarks"

#: For each script that uses pyperf, a short case.
CASES = {
    "lines": "headers",
    "netstrings": "netstrings-64k",
    "intstrings": "int16-1400",
    "boxes": "serialize",
    "arguments": "list",
    "calls": "calls-1",
    "loopback": "loopback-lines",
}

#: For each other script, its arguments and a part of its output.
OTHERS = {
    "changing": (["--quick", "--only", "only-limit", "--size", "250"], "only-limit        250"),
    "extended": (["--rounds", "3"], "1 MiB: "),
    "ftp": (["1", "1"], "upload    ours"),
    "msgpack_rpc": (["1"], "msgpack-rpc-python"),
    "overload": (["--help"], "--without"),  # tests/project/test_overload_benchmark.py runs it
    "promises": (["--help"], "--limit"),
    "report": (["--help"], "--rounds"),
    "streams": (["--help"], "--calls"),  # tests/project/test_streams_benchmark.py runs it
    "startup": (["1"], "the receivers"),
}


class TestScripts:
    """Every script has a test here."""

    def test_all(self) -> None:
        """Every script whose name does not begin with an underscore has a test."""
        assert {path.stem for path in BENCHMARKS.glob("[!_]*.py")} == CASES.keys() | OTHERS.keys()

    @pytest.mark.parametrize("name", OTHERS)
    def test_other(self, name: str) -> None:
        """The script prints its results."""
        words, said = OTHERS[name]
        ended = python(BENCHMARKS / f"{name}.py", *words)
        assert said in ended.stdout, ended.stderr
        assert ended.returncode == 0


class TestPyperf:
    """Tests for the scripts that use pyperf."""

    @pytest.fixture(autouse=True)
    def pyperf(self) -> None:
        """Skip the test if pyperf is not installed."""
        pytest.importorskip("pyperf", reason="pyperf is not installed")

    @pytest.mark.parametrize("name", CASES)
    def test_runs(self, name: str) -> None:
        """The script can measure our side alone, under the name of the case."""
        words = ("--debug-single-value", "--case", CASES[name], "--side", "ours")
        ended = python(BENCHMARKS / f"{name}.py", *words)
        assert f"{CASES[name]}: " in ended.stdout, ended.stderr
        assert ended.returncode == 0

    def test_ratio(self) -> None:
        """The script measures every side, and prints the ratios to Twisted's."""
        ended = python(BENCHMARKS / "boxes.py", "--debug-single-value", "--case", "serialize")
        assert "serialize/stock: " in ended.stdout
        assert "serialize/ours: " in ended.stdout
        assert "serialize: ours is " in ended.stderr
        assert "parse" not in ended.stdout

    def test_swapped(self) -> None:
        """Under the swap, the script says that there is nothing to compare with."""
        program = BENCHMARKS / "boxes.py"
        ended = python("-m", "twisted_basic_ng", "run", program, "--debug-single-value")
        assert ended.returncode == 1
        assert "nothing to compare with" in ended.stderr
