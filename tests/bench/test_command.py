"""Tests for L{twisted_basic_ng_demo.bench.command}."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from twisted_basic_ng import _accelerate
from twisted_basic_ng_demo.bench import command as module
from twisted_basic_ng_demo.bench.cases import CASES
from twisted_basic_ng_demo.bench.command import heading, main, write
from twisted_basic_ng_demo.bench.measure import Plan, Show
from twisted_basic_ng_demo.bench.results import Document
from twisted_basic_ng_demo.bench.sides import WorkError

from .examples import CASE, case, document, figures

FIGURES = figures(case("x"), {"stock": [1.0], "ours": [0.5]}, "pure")
PEERS = figures(CASE, {"stock": [1.0], "ours": [0.5], "quick": [0.25]}, "pure")


class TestOptions:
    """An invalid command line causes one line of output and exit status 2."""

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            (["--rounds", "0"], "number of rounds value: '0'"),
            (["--rounds", "many"], "'many'"),
            (["--build", "fast"], "'fast'"),
            (["--roun", "3"], "--roun"),
            (["nope"], "no case has 'nope' in its name"),
        ],
    )
    def test_mistyped(self, words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
        """The line says what is wrong."""
        assert main(words) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1)
        assert err.startswith("twisted-basic-ng bench: ")
        assert said in err

    def test_help(self, capsys: pytest.CaptureFixture[str]) -> None:
        """The help has the options."""
        assert main(["--help"]) == 0
        out = capsys.readouterr().out
        for option in ("--list", "--rounds", "--build", "--peers", "--output", "--json", "--plain", "exit status"):
            assert option in out

    def test_list(self, capsys: pytest.CaptureFixture[str]) -> None:
        """C{--list} prints each case."""
        assert main(["--list"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == [case.name for case in CASES]


class Measured:
    """
    Replaces the measurement with a given result.

    @ivar plan: the plan that it was called with.
    """

    def __init__(self, given: Document | BaseException) -> None:
        self.given = given
        self.plan: Plan | None = None

    def __call__(self, plan: Plan, show: Show) -> Document:
        """Return the given result, or raise the given error."""
        self.plan = plan
        if isinstance(self.given, BaseException):
            raise self.given
        return self.given


class TestMain:
    """Tests for printing and writing the results."""

    def run(
        self, given: Document | BaseException, directory: Path, monkeypatch: pytest.MonkeyPatch, *words: str
    ) -> tuple[int, Plan | None]:
        """Run the command, with C{given} as the result of the measurement."""
        measured = Measured(given)
        monkeypatch.setattr(module, "measure", measured)
        return main([*words, "--output", str(directory)]), measured.plan

    def test_plan(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """
        The options select what is measured.  By default it is all cases, on the build in use,
        without peers.
        """
        _, plan = self.run(document(FIGURES), tmp_path, monkeypatch)
        assert plan is not None
        assert (len(plan.cases), plan.builds, plan.rounds, plan.peers) == (len(CASES), [""], 7, False)
        _, plan = self.run(
            document(FIGURES), tmp_path, monkeypatch, "parse", "--rounds", "2", "--build", "both", "--peers"
        )
        assert plan is not None
        assert ([each.name for each in plan.cases], plan.builds) == (["parse"], ["pure", "ext"])
        assert (plan.rounds, plan.peers) == (2, True)
        assert plan.command.startswith("twisted-basic-ng bench parse --rounds 2 --build both --peers --output ")

    def test_unread(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """If standard output is closed, the error propagates, and the files are written."""

        class Unread(io.StringIO):
            def write(self, text: str) -> int:
                raise BrokenPipeError

        monkeypatch.setattr(sys, "stdout", Unread())
        with pytest.raises(BrokenPipeError):
            self.run(document(FIGURES), tmp_path, monkeypatch)
        assert {"bench.txt", "bench.json"} <= {each.name for each in tmp_path.iterdir()}

    def test_table(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """The table is printed and written to a file."""
        status, _ = self.run(document(FIGURES), tmp_path / "new" / "directory", monkeypatch)
        out, err = capsys.readouterr()
        assert (status, "Receiver, x" in out) == (0, True)
        assert (tmp_path / "new" / "directory" / "bench.txt").read_text(encoding="utf-8") == out.removesuffix("\n")
        assert "written: " in err

    def test_json(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """With C{--json}, the figures are printed and written."""
        self.run(document(FIGURES), tmp_path, monkeypatch, "--json")
        assert json.loads(capsys.readouterr().out) == document(FIGURES)
        assert json.loads((tmp_path / "bench.json").read_text(encoding="utf-8")) == document(FIGURES)

    @pytest.mark.parametrize(
        ("error", "status", "said"),
        [(WorkError("no build"), 1, "no build"), (KeyboardInterrupt(), 130, "interrupted")],
    )
    def test_error(
        self,
        error: BaseException,
        status: int,
        said: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """An error causes one line of output and an exit status."""
        assert self.run(error, tmp_path, monkeypatch)[0] == status
        assert capsys.readouterr().err == f"twisted-basic-ng bench: {said}\n"

    def test_unwritable(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """If the directory cannot be created, the command fails before the measurement."""
        (tmp_path / "file").touch()
        assert self.run(document(), tmp_path / "file", monkeypatch) == (1, None)
        assert "file" in capsys.readouterr().err

    @pytest.mark.parametrize(("side", "expected"), [("ours", 1), ("stock", 1), ("quick", 0)])
    def test_failed(
        self,
        side: str,
        expected: int,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """A failed side is reported with the reason.  The exit status is 1 unless it was a peer."""
        failing = figures(CASE, {"stock": [1.0], "ours": [0.5]}, "pure")
        failing["builds"]["pure"]["failed"][side] = "of no mind"
        assert self.run(document(failing), tmp_path, monkeypatch)[0] == expected
        assert f"full, {side}: of no mind\n" in capsys.readouterr().err


class TestHeading:
    """Tests for the heading of the table."""

    def test_facts(self) -> None:
        """The heading has the versions, the machine and the number of rounds."""
        said = heading(document())
        for fact in ("1.2.3", "24.3.0", "CPython 3.12.1", "A Processor, 2 cores", "3 rounds in 1 min 23 s"):
            assert fact in said

    def test_one(self) -> None:
        """A single round is written as a word."""
        assert "one round in" in heading({**document(), "rounds": 1})


class TestWrite:
    """Tests for writing the files."""

    @pytest.mark.filterwarnings("default")
    def test_charts(self, tmp_path: Path) -> None:
        """Charts are written, and that of the peers only if there are peers."""
        pytest.importorskip("matplotlib", reason="matplotlib is not installed")
        texts, ratios = ["bench.txt", "bench.json"], ["ratios.svg", "ratios.png"]
        assert [each.name for each in write(document(FIGURES), tmp_path, "")] == [*texts, *ratios]
        files = write(document(PEERS), tmp_path, "")
        assert [each.name for each in files] == [*texts, *ratios, "peers.svg", "peers.png"]
        assert all(each.stat().st_size > 0 for each in files[1:])

    def test_withoutMatplotlib(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Without matplotlib there are no charts, and a message says how to install it."""
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        assert [each.name for each in write(document(FIGURES), tmp_path, "")] == ["bench.txt", "bench.json"]
        assert "pip install 'twisted_basic_ng[bench]'" in capsys.readouterr().err


class TestReal:
    """Tests with real workers."""

    @pytest.mark.filterwarnings("default")
    def test_run(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """Some cases run on the build in use, with peers, and the document is complete."""
        words = ["headers", "serialize", "calls-1", "--rounds", "2", "--peers", "--json", "--output", str(tmp_path)]
        status = main(words)
        out, err = capsys.readouterr()
        assert status == 0, err
        found: Any = json.loads(out)
        assert [each["name"] for each in found["cases"]] == ["headers", "serialize", "calls-1"]
        for each in found["cases"]:
            figures = each["builds"][_accelerate.build]
            assert figures["failed"] == {}
            assert {"stock", "ours"} <= figures["sides"].keys()
            for side in figures["sides"].values():
                assert len(side["seconds"]) == 2
                assert side["lower"] <= side["ratio"] <= side["upper"]
                assert side["rate"] > 0
        assert "asyncio" in found["cases"][0]["builds"][_accelerate.build]["sides"]
        assert "echo" in found["cases"][2]["builds"][_accelerate.build]["sides"]
