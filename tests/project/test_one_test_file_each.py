"""Every source file of the package has its own test file."""

from __future__ import annotations

from pathlib import Path

import pytest

from .sources import DEMO, ROOT, isEmpty, sources


def whereTested(source: Path) -> Path:
    """
    Say where the tests of C{source} are.

    Underscores fall away: C{amp/_boxes.py} is tested by C{tests/amp/test_boxes.py}.  A package's own file is tested by
    C{test_package.py}.  A compiled twin has the tests of the Python file.  The folder that is put on a child's path
    holds one file, whose name is Python's choice: the folder's name stands for it.
    """
    if source.name == "sitecustomize.py":
        source = source.parent
    folders = [each.strip("_") for each in source.parts[:-1]]
    name = "package" if source.name == "__init__.py" else source.stem.strip("_").removesuffix("_ext")
    return Path("tests", *folders, f"test_{name}.py")


class TestNames:
    """Where the tests of a file are is plain from its name."""

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
        """Folders are kept, underscores are not."""
        assert whereTested(Path(source)) == Path(expected)


class TestEverySource:
    """No source file is without tests of its own."""

    @pytest.mark.parametrize("source", [each for each in sources() if not isEmpty(each)], ids=str)
    def test_has(self, source: Path) -> None:
        """Its test file is there, and has tests."""
        expected = ROOT / whereTested(source)
        assert expected.is_file(), f"{source} needs {whereTested(source)}"
        assert "def test_" in expected.read_text(encoding="utf-8")

    @pytest.mark.parametrize("source", [each for each in sources(DEMO) if not isEmpty(each, DEMO)], ids=str)
    def test_hasOfDemo(self, source: Path) -> None:
        """The same of the package of the demo, whose own files have theirs in C{tests/demo}."""
        self.test_has(source if len(source.parts) > 1 else Path("demo", source))
