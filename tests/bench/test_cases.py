"""Tests for L{twisted_basic_ng_demo.bench.cases}."""

from __future__ import annotations

import pytest

from tests.project.sources import ROOT
from twisted_basic_ng_demo.bench.cases import CASES, GROUPS, selected
from twisted_basic_ng_demo.bench.sides import OURS, STOCK


class TestTable:
    """The table is sound."""

    def test_names(self) -> None:
        """Each case has a name and a title of its own, fit for a command line and for a table."""
        assert len({case.name for case in CASES}) == len(CASES)
        assert len({case.title for case in CASES}) == len(CASES)
        assert max(len(case.name) for case in CASES) <= 16

    def test_sides(self) -> None:
        """Twisted's comes first, then ours, then the peers, each once."""
        for case in CASES:
            names = [side.name for side in case.sides]
            assert names[:2] == [STOCK, OURS]
            assert len(set(names)) == len(names)

    def test_scripts(self) -> None:
        """Each group is a script in C{benchmarks}."""
        for group in GROUPS:
            script = ROOT / "benchmarks" / f"{group}.py"
            whole = "in CHANGES" if group == "changing" else f'main("{group}")'  # a table of its own
            assert whole in script.read_text(encoding="utf-8")

    def test_floors(self) -> None:
        """Everything is promised for both builds, but what the network takes most of."""
        promised = {case.name: len(case.floors) for case in CASES if case.floors}
        assert promised == {case.name: 2 for case in CASES if case.group != "loopback"}

    @pytest.mark.parametrize(
        "case", [case for case in CASES if case.group not in ("calls", "loopback")], ids=lambda case: case.name
    )
    def test_works(self, case: object) -> None:
        """Each case in memory is done by all of its sides."""
        for side in case.sides:  # type: ignore[attr-defined]
            with side.opened() as run:
                assert run() > 0


class TestSelected:
    """Words select cases."""

    def names(self, *words: str) -> list[str]:
        """The names of those selected."""
        return [case.name for case in selected(words)]

    def test_all(self) -> None:
        """No words, all of them."""
        assert selected([]) == list(CASES)

    def test_group(self) -> None:
        """A group's name; the order is the table's, and none comes twice."""
        assert self.names("arguments", "boxes", "rows") == ["parse", "serialize", "list", "rows"]

    def test_part(self) -> None:
        """A part of a name or title, in capitals or not."""
        assert self.names("INT16") == ["int16-64k", "int16-1400"]
        assert self.names("calls-") == ["calls-100", "calls-1"]

    def test_exact(self) -> None:
        """A name that is part of another stands for its own case alone."""
        assert self.names("calls-1") == ["calls-1"]

    def test_none(self) -> None:
        """A word in none is an error that names it."""
        with pytest.raises(LookupError, match="'nope'"):
            selected(["lines", "nope"])
