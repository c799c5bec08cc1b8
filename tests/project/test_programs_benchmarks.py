"""
Runs the scripts in C{benchmarks/programs} in a short form, and tests that their pages are up to
date.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.processes import python

from .sources import ROOT

SCRIPTS = ROOT / "benchmarks" / "programs"
PAGES = ROOT / "docs" / "performance"


def rows(name: str, directory: Path, *words: object) -> list[dict[str, Any]]:
    """Run a script, and return the results that it writes."""
    file = directory / "figures.json"
    ended = python(SCRIPTS / f"{name}.py", *words, "--json", file)
    assert ended.returncode == 0, ended.stderr
    found = json.loads(file.read_text(encoding="utf-8"))
    assert found["benchmark"] == name
    results: list[dict[str, Any]] = found["results"]
    assert all(each["case"] in ended.stdout for each in results)
    return results


class TestPrograms:
    """Tests for the benchmark of whole programs, with and without the swap."""

    def test_runs(self, tmp_path: Path) -> None:
        """The script measures the rate of a program on each build."""
        found = rows("programs", tmp_path, "--short", "--rounds", "1", "LineOnlyReceiver")
        rates = [each for each in found if each["measure"] == "rate"]
        assert [each["case"] for each in rates] == ["syslog on LineOnlyReceiver, 100,000 lines"] * len(rates)
        assert {each["build"] for each in rates} >= {"pure"}
        assert all(each["stock"] > 0 < each["ours"] for each in rates)

    def test_absent(self, tmp_path: Path) -> None:
        """Programs that are not installed are left out, and reported."""
        program = f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import programs; print(programs.absent([{{}}]))"
        ended = python("-c", program.format("'.no_such_package', 'no-such-command', '.twisted'"))
        assert ended.stdout == "no_such_package, no-such-command\n", ended.stderr
        if shutil.which("wrk") is None:
            (found,) = rows("programs", tmp_path, "--short", "twisted.web")
            assert found["absent"] == "absent: wrk is not installed"


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="tracemalloc is CPython's")
class TestMemory:
    """Tests for the memory of connections, and for the time of imports."""

    def test_memory(self, tmp_path: Path) -> None:
        """The script measures the memory of each state."""
        found = rows("memory", tmp_path, "--only", "memory", "--connections", "100", "Int32")
        assert [each["measure"] for each in found] == [
            "never used",
            "after a message",
            "after one in two pieces",
            "after 100 at once",
        ]
        assert all(each["stock"] > 0 < each["ours"] for each in found)

    def test_idle(self, tmp_path: Path) -> None:
        """
        A connection that was never used takes no more memory than Twisted's.  This does not depend
        on the machine's speed.
        """
        found = rows("memory", tmp_path, "--only", "memory", "--connections", "1000", "never used")
        idle = {each["case"]: each["ratio"] for each in found}
        assert len(idle) == 5
        assert {name: ratio for name, ratio in idle.items() if ratio > 1.001} == {}

    def test_imports(self, tmp_path: Path) -> None:
        """The script times both sides."""
        found = rows("memory", tmp_path, "--only", "imports", "--rounds", "1", "import basic, cold")
        assert {(each["case"], each["measure"]) for each in found} == {("import basic", "cold")}
        assert all(each["stock"] > 0 < each["ours"] for each in found)


class TestGrowth:
    """Tests for the growth with the size of the input."""

    def test_all(self, tmp_path: Path) -> None:
        """
        The script measures each receiver, AMP and FTP on both sides.  It checks itself that
        everything was delivered.
        """
        found = rows("growth", tmp_path, "--from", "8", "--to", "16")
        sides: dict[str, set[str]] = {}
        for each in found:
            sides.setdefault(each["case"].partition(",")[0], set()).add(each["side"])
        kinds = ("Line", "LineOnly", "Netstring", "Int8String", "Int16String", "Int32String")
        assert sides == {name: {"stock", "ours"} for name in (*(f"{kind}Receiver" for kind in kinds), "AMP", "FTP")}
        assert {tuple(each["sizes"]) for each in found} == {(8192, 16384)}
        assert all(len(each["seconds"]) == 2 for each in found)

    @pytest.mark.parametrize(("power", "doubled"), [(1, 2), (2, 4)])
    def test_exponent(self, power: int, doubled: int) -> None:
        """The exponent is the power with which the time grows."""
        seconds = [0.001 * doubled**step for step in range(4)]
        program = (
            f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import growth; print(growth.exponent([1,2,4,8], {{}}))"
        )
        assert float(python("-c", program.format(seconds)).stdout) == pytest.approx(power)

    def test_lost(self) -> None:
        """If not everything is delivered, the script raises an error."""
        program = (
            f"import sys; sys.path.insert(0, {str(SCRIPTS)!r}); import growth\n"
            "case = growth.Case('none', lambda package, size: growth.Ready(lambda: None, lambda: 1, 2))\n"
            "growth.timed(case, 'nothing', 1)\n"
        )
        assert "RuntimeError: none: 1 of 2 came out of nothing" in python("-c", program).stderr


def copied(directory: Path) -> Path:
    """Copy the figures of the pages into a directory."""
    for name in ("programs", "memory", "growth"):
        shutil.copy(PAGES / f"{name}.json", directory)
    return directory


def made(directory: Path) -> None:
    """Generate the report from the figures in a directory."""
    ended = python(SCRIPTS / "report.py", "--as-is", "--directory", directory)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with the figures of the pages and the report generated from them."""
    directory = copied(tmp_path_factory.mktemp("whole"))
    made(directory)
    return directory


class TestReport:
    """Tests for the tables and charts of the pages."""

    @pytest.fixture
    def figures(self, tmp_path: Path) -> Path:
        """Return a directory with the figures of the pages."""
        return copied(tmp_path)

    def test_true(self, whole: Path) -> None:
        """The tables match the figures."""
        texts = [path for path in sorted(whole.iterdir()) if path.suffix == ".txt"]
        assert [path.name for path in texts] == [
            "growth.txt",
            "imports.txt",
            "memory.txt",
            "programs-machine.txt",
            "programs-verdicts.txt",
            "programs.txt",
        ]
        for path in texts:
            assert path.read_text(encoding="utf-8") == (PAGES / path.name).read_text(encoding="utf-8")

    def test_absent(self, figures: Path) -> None:
        """A case that was not measured is listed with the reason."""
        document = json.loads((figures / "programs.json").read_text(encoding="utf-8"))
        case = document["results"][0]["case"]
        kept = [each for each in document["results"] if each["case"] != case]
        absent = {"case": case, "measure": "rate", "absent": "absent: wrk is not installed"}
        document["results"] = [absent, *kept]
        (figures / "programs.json").write_text(json.dumps(document), encoding="utf-8")
        made(figures)
        assert case not in (figures / "programs.txt").read_text(encoding="utf-8")
        said = (figures / "programs-verdicts.txt").read_text(encoding="utf-8")
        assert f"Not measured\n    Left out: {case}: absent: wrk is not installed.\n" in said

    def test_charts(self, whole: Path, figures: Path) -> None:
        """The same figures produce the same charts."""
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
        charts = {name: (whole / name).read_bytes() for name in ("programs.svg", "growth.svg")}
        made(figures)
        assert {name: (figures / name).read_bytes() for name in charts} == charts
        assert all(b"<svg" in chart for chart in charts.values())
