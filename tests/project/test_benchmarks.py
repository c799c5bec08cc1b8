"""The scripts in C{benchmarks} run, in a form that takes no time to speak of."""

from __future__ import annotations

import pytest

from tests.processes import python

from .sources import ROOT

BENCHMARKS = ROOT / "benchmarks"

#: Under pyperf: a case of each script, that its shortest form has.
CASES = {
    "lines": "headers",
    "netstrings": "netstrings-64k",
    "intstrings": "int16-1400",
    "boxes": "serialize",
    "arguments": "list",
    "calls": "calls-1",
    "loopback": "loopback-lines",
}

#: The others: what their command line has to be, and what they say then.
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
    """Each script is tried here."""

    def test_all(self) -> None:
        """There is none that is not; what begins with an underscore is none."""
        assert {path.stem for path in BENCHMARKS.glob("[!_]*.py")} == CASES.keys() | OTHERS.keys()

    @pytest.mark.parametrize("name", OTHERS)
    def test_other(self, name: str) -> None:
        """It says what it has found."""
        words, said = OTHERS[name]
        ended = python(BENCHMARKS / f"{name}.py", *words)
        assert said in ended.stdout, ended.stderr
        assert ended.returncode == 0


class TestPyperf:
    """A script is a program of pyperf's."""

    @pytest.fixture(autouse=True)
    def pyperf(self) -> None:
        """It has to be there."""
        pytest.importorskip("pyperf", reason="pyperf is not installed")

    @pytest.mark.parametrize("name", CASES)
    def test_runs(self, name: str) -> None:
        """It measures ours alone, under the case's name."""
        words = ("--debug-single-value", "--case", CASES[name], "--side", "ours")
        ended = python(BENCHMARKS / f"{name}.py", *words)
        assert f"{CASES[name]}: " in ended.stdout, ended.stderr
        assert ended.returncode == 0

    def test_ratio(self) -> None:
        """It measures every side, and says the ratios to Twisted's."""
        ended = python(BENCHMARKS / "boxes.py", "--debug-single-value", "--case", "serialize")
        assert "serialize/stock: " in ended.stdout
        assert "serialize/ours: " in ended.stdout
        assert "serialize: ours is " in ended.stderr
        assert "parse" not in ended.stdout

    def test_swapped(self) -> None:
        """Under the swap it says that there is nothing to compare with."""
        program = BENCHMARKS / "boxes.py"
        ended = python("-m", "twisted_basic_ng", "run", program, "--debug-single-value")
        assert ended.returncode == 1
        assert "nothing to compare with" in ended.stderr
