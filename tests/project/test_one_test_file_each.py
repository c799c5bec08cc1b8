"""Tests that every source file of the package has its own test file."""

from __future__ import annotations

from pathlib import Path

import pytest

from .sources import DEMO, ROOT, isEmpty, sources


def whereTested(source: Path) -> Path:
    """
    Return the path of the tests for C{source}.

    Underscores are dropped: C{tests/amp/test_boxes.py} tests C{amp/_boxes.py}.  C{test_package.py}
    tests a package's C{__init__.py}.  A compiled module shares the tests of its Python version.
    C{sitecustomize.py} has a name that Python prescribes, so its tests are named after its folder.
    """
    if source.name == "sitecustomize.py":
        source = source.parent
    folders = [each.strip("_") for each in source.parts[:-1]]
    name = "package" if source.name == "__init__.py" else source.stem.strip("_").removesuffix("_ext")
    return Path("tests", *folders, f"test_{name}.py")


class TestNames:
    """Tests for the names of test files."""

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("basic.py", "tests/test_basic.py"),
            ("_accelerate/framing.py", "tests/accelerate/test_framing.py"),
            ("_accelerate/framing_ext.pyx", "tests/accelerate/test_framing.py"),
            ("__init__.py", "tests/test_package.py"),
            ("__main__.py", "tests/test_main.py"),
            ("amp/_boxes.py", "tests/amp/test_boxes.py"),
            ("_receiving/__init__.py", "tests/receiving/test_package.py"),
            ("_swapping/startup/sitecustomize.py", "tests/swapping/test_startup.py"),
        ],
    )
    def test_name(self, source: str, expected: str) -> None:
        """Folders are kept, and underscores are dropped."""
        assert whereTested(Path(source)) == Path(expected)


class TestEverySource:
    """Every source file has its own tests."""

    @pytest.mark.parametrize("source", [each for each in sources() if not isEmpty(each)], ids=str)
    def test_has(self, source: Path) -> None:
        """The test file exists, and has tests."""
        expected = ROOT / whereTested(source)
        assert expected.is_file(), f"{source} needs {whereTested(source)}"
        assert "def test_" in expected.read_text(encoding="utf-8")

    @pytest.mark.parametrize("source", [each for each in sources(DEMO) if not isEmpty(each, DEMO)], ids=str)
    def test_hasOfDemo(self, source: Path) -> None:
        """The files of the demo's package have their tests in C{tests/demo}."""
        self.test_has(source if len(source.parts) > 1 else Path("demo", source))
