"""Runs C{benchmarks/overload.py} in a short form."""

from __future__ import annotations

import re

import pytest

from tests.processes import python

from .sources import ROOT

FIGURES = (
    r"{link} {which} +3,000 asks, +([\d,]+) accepted before the peer reads; "
    r"peak MiB: +[\d.]+ before, +[\d.]+ unread, +[\d.]+ after; all answered in +[\d.]+ s"
)


class TestOverload:
    """Tests for the script."""

    @pytest.mark.parametrize("link", ["tcp", "tls"])
    def test_small(self, link: str) -> None:
        """
        With the bounds the server stops reading, without them it reads everything, and all asks are
        answered in the end.
        """
        if link == "tls":
            pytest.importorskip("OpenSSL", reason="pyOpenSSL is not installed")
        options = ["--asks", "3000", "--without", "3000", "--size", "5000", *(["--tls"] if link == "tls" else [])]
        done = python(ROOT / "benchmarks" / "overload.py", *options)
        assert done.returncode == 0, done.stdout + done.stderr
        accepted = []
        for which in ("with", "without"):
            found = re.search(FIGURES.format(link=link, which=which), done.stdout)
            assert found is not None, done.stdout
            accepted.append(int(found[1].replace(",", "")))
        assert accepted[0] < accepted[1] == 3000

    def test_shown(self) -> None:
        """The page on safety names the script as the source of its figures."""
        assert "benchmarks/overload.py" in (ROOT / "docs" / "safety.rst").read_text(encoding="utf-8")
