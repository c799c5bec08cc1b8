"""Runs C{benchmarks/streams.py} in a short form."""

from __future__ import annotations

import re

import pytest

from tests.processes import python

from .sources import ROOT


class TestScript:
    """Tests for the script."""

    @pytest.mark.parametrize("options", [[], ["--tls"]], ids=["tcp", "tls"])
    def test_runs(self, options: list[str]) -> None:
        """
        The script prints rates and times.  Its exit status means nothing after such a short run.
        """
        if options:
            pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
        done = python(ROOT / "benchmarks" / "streams.py", "--size", "4", "--calls", "20", "--rounds", "1", *options)
        assert re.search(r"FileSender +\d+ MiB/s +a stream +\d+ MiB/s", done.stdout), done.stderr
        assert "beside a stream it takes" in done.stdout
        assert done.returncode in (0, 1)

    def test_documented(self) -> None:
        """The chapter on streams names the script."""
        assert "benchmarks/streams.py" in (ROOT / "docs" / "streams.rst").read_text(encoding="utf-8")
