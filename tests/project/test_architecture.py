"""The pictures and the map of the architecture are of the code as it is."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.architecture import TARGET, texts

from .sources import ROOT, sources


@pytest.fixture(scope="module")
def drawn() -> dict[Path, str]:
    """What would be written."""
    return texts()


class TestCurrent:
    """C{python -m tools.architecture} would change nothing."""

    def test_texts(self, drawn: dict[Path, str]) -> None:
        """Each file is there as it would be written, and there is no other."""
        assert {each: each.read_text(encoding="utf-8") for each in TARGET.iterdir()} == drawn, (
            "run python -m tools.architecture"
        )

    def test_shown(self, drawn: dict[Path, str]) -> None:
        """The page shows them all."""
        page = (ROOT / "docs" / "architecture.rst").read_text(encoding="utf-8") + drawn[TARGET / "map.txt"]
        assert [each.name for each in drawn if f"architecture/{each.name}" not in page] == []


class TestMap:
    """The map leads to each file."""

    def test_complete(self, drawn: dict[Path, str]) -> None:
        """Each has a line."""
        files = [each for each in sources() if each.suffix == ".py"]
        lines = drawn[TARGET / "map.txt"].splitlines()
        assert [each for each in files if each.name != "__init__.py" and f"   * - ``{each.name}``" not in lines] == []


class TestPictures:
    """A reader sees them."""

    def test_wellFormed(self, drawn: dict[Path, str]) -> None:
        """Each is XML, with a box for each name."""
        pictures = [text for path, text in drawn.items() if path.suffix == ".svg"]
        assert len(pictures) >= 4
        for each in pictures:
            root = ElementTree.fromstring(each)
            assert len(root.findall("{http://www.w3.org/2000/svg}text")) >= 3


class TestTravels:
    """What travels arrives."""

    @pytest.mark.parametrize(
        ("name", "last"), [("lines", "lineReceived"), ("call", "sendBox"), ("answering", "add"), ("answered", "_print")]
    )
    def test_arrives(self, drawn: dict[Path, str], name: str, last: str) -> None:
        """The application's function, or the transport's, is among those that run."""
        assert last in drawn[TARGET / f"{name}.txt"]
