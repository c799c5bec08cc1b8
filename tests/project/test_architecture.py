"""Tests that the pictures and the map of the architecture match the code."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.architecture import TARGET, texts

from .sources import ROOT, sources


@pytest.fixture(scope="module")
def drawn() -> dict[Path, str]:
    """Generate the texts."""
    return texts()


class TestCurrent:
    """C{python -m tools.architecture} would change nothing."""

    def test_texts(self, drawn: dict[Path, str]) -> None:
        """The directory contains exactly the generated files."""
        assert {each: each.read_text(encoding="utf-8") for each in TARGET.iterdir()} == drawn, (
            "run python -m tools.architecture"
        )

    def test_shown(self, drawn: dict[Path, str]) -> None:
        """The page on the architecture shows all of them."""
        page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8") + drawn[TARGET / "map.txt"]
        assert [each.name for each in drawn if f"architecture/{each.name}" not in page] == []


class TestMap:
    """Tests for the map of the files."""

    def test_complete(self, drawn: dict[Path, str]) -> None:
        """Each file has a line."""
        files = [each for each in sources() if each.suffix == ".py"]
        lines = drawn[TARGET / "map.txt"].splitlines()
        assert [each for each in files if each.name != "__init__.py" and f"   * - ``{each.name}``" not in lines] == []


class TestPictures:
    """Tests for the pictures."""

    def test_wellFormed(self, drawn: dict[Path, str]) -> None:
        """Each picture is well-formed XML, with the name of each box."""
        pictures = [text for path, text in drawn.items() if path.suffix == ".svg"]
        assert len(pictures) >= 4
        for each in pictures:
            root = ElementTree.fromstring(each)
            assert len(root.findall("{http://www.w3.org/2000/svg}text")) >= 3


class TestTravels:
    """Tests for the call trees."""

    @pytest.mark.parametrize(
        ("name", "last"), [("lines", "lineReceived"), ("call", "sendBox"), ("answering", "add"), ("answered", "_print")]
    )
    def test_arrives(self, drawn: dict[Path, str], name: str, last: str) -> None:
        """The last function of each scenario is in its call tree."""
        assert last in drawn[TARGET / f"{name}.txt"]
