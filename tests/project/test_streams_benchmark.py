"""C{benchmarks/streams.py} runs, in a form that takes no time to speak of."""

from __future__ import annotations

import re

import pytest

from tests.processes import python

from .sources import ROOT


class TestScript:
    """It measures both, and judges."""

    @pytest.mark.parametrize("options", [[], ["--tls"]], ids=["tcp", "tls"])
    def test_runs(self, options: list[str]) -> None:
        """It prints rates and times.  Its status says whether they are good, which so few cannot show."""
        if options:
            pytest.importorskip("twisted.internet.ssl", reason="pyOpenSSL is not installed")
        done = python(ROOT / "benchmarks" / "streams.py", "--size", "4", "--calls", "20", "--rounds", "1", *options)
        assert re.search(r"FileSender +\d+ MiB/s +a stream +\d+ MiB/s", done.stdout), done.stderr
        assert "beside a stream it takes" in done.stdout
        assert done.returncode in (0, 1)

    def test_documented(self) -> None:
        """The chapter on streams says how to run it."""
        assert "benchmarks/streams.py" in (ROOT / "docs" / "streams.rst").read_text(encoding="utf-8")
