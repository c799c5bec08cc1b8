"""Tests for L{tests.project.sources}."""

from __future__ import annotations

from pathlib import Path

import pytest

from .sources import imports, importsAtRunTime, importsIn, isEmpty, moduleName, sources


class TestSources:
    """Tests for finding and naming the source files."""

    def test_found(self) -> None:
        """Python and Cython files are found, and no generated or compiled ones."""
        assert {Path("basic.py"), Path("_accelerate/framing_ext.pyx"), Path("__init__.py")} <= set(sources())
        assert {each.suffix for each in sources()} == {".py", ".pyx"}

    def test_named(self) -> None:
        """A package has the name of its folder."""
        named = [moduleName(Path(each)) for each in ("basic.py", "amp/_boxes.py", "amp/__init__.py", "__init__.py")]
        assert named == ["basic", "amp._boxes", "amp", ""]

    def test_empty(self) -> None:
        """A file that has only a docstring is empty."""
        assert isEmpty(Path("..", "tests", "project", "__init__.py"))
        assert not isEmpty(Path("__init__.py"))
        assert not isEmpty(Path("_accelerate/framing_ext.pyx"))


class TestImports:
    """Tests for reading the imports of a file."""

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("import os.path, re as r", {"os.path", "re"}),
            ("from twisted.internet import defer", {"twisted.internet", "twisted.internet.defer"}),
            ("from . import _boxes", {"amp", "amp._boxes"}),
            ("from ._boxes import Box as B", {"amp._boxes", "amp._boxes.Box"}),
            ("from .. import __version__", {"", "__version__"}),
            ("from .._accelerate.framing import Stop", {"_accelerate.framing", "_accelerate.framing.Stop"}),
            ("import twisted_basic_ng.basic", {"basic"}),
            ("def f():\n    if x:\n        from . import _tls", {"amp", "amp._tls"}),
            ("if TYPE_CHECKING:\n    import re\nelse:\n    import os", {"os", "re"}),
        ],
    )
    def test_names(self, text: str, expected: set[str]) -> None:
        """Imports are found in any place and any form."""
        assert importsIn(text, Path("amp", "_wire.py")) == expected

    def test_atRunTime(self) -> None:
        """Imports for type checkers only can be left out, in functions as well."""
        text = "def f():\n    if TYPE_CHECKING:\n        import re\n    else:\n        import os"
        assert importsIn(text, Path("_swap.py"), isRun=True) == {"os"}

    def test_facade(self) -> None:
        """In a package's C{__init__.py}, one dot refers to that package."""
        assert importsIn("from . import _wire", Path("amp", "__init__.py")) == {"amp", "amp._wire"}

    def test_file(self) -> None:
        """The imports of a real file are read."""
        assert {"_accelerate.framing", "_accelerate.framing_ext", "os"} <= imports(Path("_accelerate/__init__.py"))

    def test_typeCheckers(self) -> None:
        """The imports for type checkers are included or left out."""
        source = Path("amp", "_types.py")
        assert "amp._boxes" in imports(source)
        assert "amp._boxes" not in importsAtRunTime(source)
