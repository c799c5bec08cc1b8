"""Tests for L{tools.check_pages}, which finds what is missing from the built API reference."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest

from tools import check_pages
from twisted_basic_ng import ftp


def built(directory: Path, names: Iterable[str], page: str = "") -> Path:
    """Write what Sphinx would write: an inventory of C{names}, and a page."""
    lines = "".join(f"{each} py:class 1 api/ftp.html#$ -\n" for each in names) + "api/ftp std:doc -1 api/ftp.html ftp\n"
    head = b"# Sphinx inventory version 2\n# Project: x\n# Version: 1\n# The remainder is compressed using zlib.\n"
    (directory / "objects.inv").write_bytes(head + zlib.compress(lines.encode()))
    (directory / "api").mkdir()
    (directory / "api" / "ftp.html").write_text(page, encoding="utf-8")
    return directory


class TestMain:
    """Tests for the check of the whole reference."""

    names = [f"twisted_basic_ng.ftp.{each}" for each in ftp.__all__]

    @pytest.fixture(autouse=True)
    def oneModule(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Check one module only, because importing others would install the swap."""
        monkeypatch.setattr(check_pages, "publicModules", lambda: ["twisted_basic_ng.ftp"])

    def test_whole(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        """The check accepts a reference with every name."""
        assert check_pages.main(built(tmp_path, self.names)) is None
        assert capsys.readouterr().out == f"twisted_basic_ng.ftp: {len(self.names)} of {len(self.names)} names\n"

    def test_missing(self, tmp_path: Path) -> None:
        """The check reports a missing name."""
        assert check_pages.main(built(tmp_path, self.names[1:])) == f"not in the API reference: {self.names[0]}"

    def test_markup(self, tmp_path: Path) -> None:
        """The check reports a page that shows epytext markup."""
        found = check_pages.main(built(tmp_path, self.names, "<p>Return C{None}.</p>"))
        assert found == "markup is shown on ftp.html"


class TestPublicModules:
    """Tests for finding the public modules."""

    def test_found(self) -> None:
        """Public modules are found, and private ones are not."""
        found = set(check_pages.publicModules())
        assert {"twisted_basic_ng", "twisted_basic_ng.amp", "twisted_basic_ng.basic"} <= found
        assert [each for each in found if "._" in each] == []
