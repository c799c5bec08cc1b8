"""Tests for L{twisted_basic_ng_demo.bench.chart}."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from twisted_basic_ng_demo.bench.chart import drawPeers, drawRatios, hasPeers

from .examples import CASE, case, figures

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
# Warnings of matplotlib itself do not matter here.
pytestmark = pytest.mark.filterwarnings("default")

SVG = "{http://www.w3.org/2000/svg}"
OWN = {"stock": [1.0, 1.0], "ours": [0.25, 0.25]}
PEERS = {**OWN, "quick": [0.5, 0.5]}


def words(path: Path) -> set[str]:
    """Return the texts of an SVG."""
    root = ElementTree.parse(path).getroot()
    assert root.tag == f"{SVG}svg"
    return {"".join(each.itertext()).strip() for each in root.iter(f"{SVG}text")}


class TestRatios:
    """Tests for the chart of the ratios."""

    def test_files(self, tmp_path: Path) -> None:
        """Both files have the formats of their suffixes."""
        files = drawRatios([figures(case("x"), OWN, "pure")], tmp_path / "ratios")
        assert files == [tmp_path / "ratios.svg", tmp_path / "ratios.png"]
        assert files[0].read_bytes().startswith(b"<?xml")
        assert files[1].read_bytes().startswith(b"\x89PNG\r\n\x1a\n")

    def test_words(self, tmp_path: Path) -> None:
        """The chart shows cases, builds and ratios as text."""
        slower = {"stock": [1.0], "ours": [2.0]}
        cases = [figures(case("x"), OWN, "pure", "ext"), figures(case("y"), slower, "pure", "ext")]
        said = words(drawRatios(cases, tmp_path / "ratios")[0])
        assert {"Receiver, x", "Receiver, y", "pure Python", "compiled", "4", "0.5"} <= said

    def test_promised(self, tmp_path: Path) -> None:
        """There is a mark for each promise, and no others."""
        cases = [figures(case(name), OWN, "pure", "ext") for name in "xyz"]
        cases[0]["floors"], cases[1]["floors"] = {"pure": 2, "ext": 3}, {"ext": 8}
        root = ElementTree.parse(drawRatios(cases, tmp_path / "ratios")[0]).getroot()
        marks = [each for each in root.iter(f"{SVG}path") if "stroke: #000000; stroke-width: 1.5" in str(each.attrib)]
        assert len(marks) == 3

    def test_oneBuild(self, tmp_path: Path) -> None:
        """Builds and cases without figures are not shown."""
        failed = figures(case("y"), OWN, "ext")
        failed["builds"]["ext"]["sides"].clear()
        other = figures(case("z"), OWN, "ext")
        other["builds"].clear()
        said = words(drawRatios([figures(case("x"), OWN, "ext"), failed, other], tmp_path / "ratios")[0])
        assert "compiled" in said
        assert "pure Python" not in said

    def test_same(self, tmp_path: Path) -> None:
        """The same figures produce the same bytes."""
        cases = [figures(case("x"), OWN, "pure", "ext")]
        one, other = (drawRatios(cases, tmp_path / name) for name in ("one", "other"))
        assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


class TestPeers:
    """Tests for the chart with the peers."""

    def test_words(self, tmp_path: Path) -> None:
        """Each side of each case with peers is shown with its rate."""
        cases = [figures(CASE, PEERS, "pure", "ext"), figures(case("y"), OWN, "pure", "ext")]
        assert [hasPeers(each) for each in cases] == [True, False]
        files = drawPeers(cases, tmp_path / "peers")
        said = words(files[0])
        assert {"stock", "ours", "quick", "100", "400", "200", "lines a second"} <= said
        assert "Receiver, y" not in said
        assert files[1].read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
