"""Tests that the report in C{docs/performance} and the README's table match the figures."""

from __future__ import annotations

import json
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from twisted_basic_ng_demo.bench.cases import CASES

from .sources import ROOT

REPORT = ROOT / "docs" / "performance"


def load() -> Any:
    """Import the script."""
    spec = spec_from_file_location("report", ROOT / "benchmarks" / "report.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


report = load()
document = json.loads((REPORT / "bench.json").read_text(encoding="utf-8"))


class TestReport:
    """C{python benchmarks/report.py --from docs/performance/bench.json} would change nothing."""

    @pytest.mark.parametrize("path", report.texts(document), ids=lambda path: path.name)
    def test_text(self, path: Any) -> None:
        """Each text matches the figures."""
        assert path.read_text(encoding="utf-8") == report.texts(document)[path]

    def test_cases(self) -> None:
        """Each case was measured on both builds without failures, with today's promised ratios."""
        assert [each["name"] for each in document["cases"]] == [case.name for case in CASES]
        assert [tuple(each["floors"].values()) for each in document["cases"]] == [case.floors for case in CASES]
        for each in document["cases"]:
            assert each["builds"].keys() == {"pure", "ext"}
            assert [figures["failed"] for figures in each["builds"].values()] == [{}, {}]

    def test_charts(self) -> None:
        """The charts show the same figures."""
        front = [each for each in document["cases"] if each["name"] in report.FRONT]
        assert len(front) == len(report.FRONT)
        for picture, cases in (("ratios", document["cases"]), ("front", front)):
            root = ElementTree.parse(REPORT / f"{picture}.svg").getroot()
            said = {"".join(each.itertext()).strip() for each in root.iter("{http://www.w3.org/2000/svg}text")}
            for each in cases:
                ratios = {f"{build['sides']['ours']['ratio']:.3g}" for build in each["builds"].values()}
                assert {each["title"], *ratios} <= said
        for name in ("ratios", "peers", "front"):
            assert (REPORT / f"{name}.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")

    def test_peers(self) -> None:
        """The page describes each peer."""
        page = (ROOT / "docs" / "performance.rst").read_text(encoding="utf-8")
        names = {side.name for case in CASES for side in case.sides if side.isPeer and " on " not in side.name}
        assert {name for name in names if f"\n{report.NAMES.get(name, name)}\n" not in page} == set()


class TestScript:
    """Tests for C{benchmarks/report.py}."""

    @pytest.fixture(autouse=True)
    def elsewhere(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Write to a temporary directory, and draw no charts."""
        monkeypatch.setattr(report, "REPORT", tmp_path / "report")
        monkeypatch.setattr(report, "README", tmp_path / "README.rst")
        monkeypatch.setattr(report, "drawRatios", lambda cases, path: path.touch())
        monkeypatch.setattr(report, "drawPeers", lambda cases, path: path.touch())
        (tmp_path / "README.rst").write_text(f"before\n\n{report.BEGIN}\n\nold\n\n{report.END}\n\nafter\n")

    def run(self, figures: Any, directory: Path, monkeypatch: pytest.MonkeyPatch) -> int:
        """Run the script with some figures."""
        file = directory / "figures.json"
        file.write_text(json.dumps(figures))
        monkeypatch.setattr(sys, "argv", ["report.py", "--from", str(file)])
        return int(report.main())

    def changed(self) -> Any:
        """Return figures that keep all promises, for the tests to change."""
        own = json.loads(json.dumps(document))
        for case in own["cases"]:
            case["floors"] = {}
        return own

    def test_writes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """The script writes each file, and replaces only the table of the README."""
        assert self.run(self.changed(), tmp_path, monkeypatch) == 0
        names = {each.name for each in (tmp_path / "report").iterdir()}
        assert names == {"bench.json", "machine.txt", "ratios.txt", "peers.txt", "ratios", "front", "peers"}
        assert "Each ratio is at least what is promised." in (tmp_path / "report" / "ratios.txt").read_text()
        table = report.short(document["cases"])
        said = f"before\n\n{report.BEGIN}\n\n{table}\n{report.END}\n\nafter\n"
        assert (tmp_path / "README.rst").read_text() == said
        assert capsys.readouterr().err == ""

    def test_below(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        """A ratio below the promised one is reported, in the report and on standard error."""
        figures = self.changed()
        figures["cases"][1]["floors"] = {"ext": 1e6}
        assert self.run(figures, tmp_path, monkeypatch) == 1
        (below,) = capsys.readouterr().err.splitlines()
        assert below.startswith(f"{CASES[1].title}, compiled: ")
        assert f"Below what is promised:\n\n- {below}\n" in (tmp_path / "report" / "ratios.txt").read_text()

    @pytest.mark.parametrize(("side", "written"), [("asyncio", True), ("ours", False), ("stock", False)])
    def test_failed(
        self,
        side: str,
        written: bool,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        """A failure is reported.  If Twisted's module or ours failed, no report is written."""
        figures = self.changed()
        build = figures["cases"][0]["builds"]["ext"]
        build["failed"][side] = "of no mind"
        build["sides"].pop(side)
        assert self.run(figures, tmp_path, monkeypatch) == 1
        assert capsys.readouterr().err == f"{CASES[0].title} / ext / {side}: of no mind\n"
        assert (tmp_path / "report").exists() == written
