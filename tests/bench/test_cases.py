"""Tests for L{twisted_basic_ng_demo.bench.cases}."""

from __future__ import annotations

import pytest

from tests.project.sources import ROOT
from twisted_basic_ng_demo.bench.cases import CASES, GROUPS, selected
from twisted_basic_ng_demo.bench.sides import OURS, STOCK


class TestTable:
    """Tests for the table of cases."""

    def test_names(self) -> None:
        """The names and titles are unique, and fit for a command line and a table."""
        assert len({case.name for case in CASES}) == len(CASES)
        assert len({case.title for case in CASES}) == len(CASES)
        assert max(len(case.name) for case in CASES) <= 16

    def test_sides(self) -> None:
        """Twisted's side comes first, then ours, then the peers, each once."""
        for case in CASES:
            names = [side.name for side in case.sides]
            assert names[:2] == [STOCK, OURS]
            assert len(set(names)) == len(names)

    def test_scripts(self) -> None:
        """Each group is a script in C{benchmarks}."""
        for group in GROUPS:
            script = ROOT / "benchmarks" / f"{group}.py"
            whole = "in CHANGES" if group == "changing" else f'main("{group}")'  # it has its own table
            assert whole in script.read_text(encoding="utf-8")

    def test_floors(self) -> None:
        """There are promises for both builds, except for the cases over the network."""
        promised = {case.name: len(case.floors) for case in CASES if case.floors}
        assert promised == {case.name: 2 for case in CASES if case.group != "loopback"}

    @pytest.mark.parametrize(
        "case", [case for case in CASES if case.group not in ("calls", "loopback")], ids=lambda case: case.name
    )
    def test_works(self, case: object) -> None:
        """All sides of each case in memory do the work."""
        for side in case.sides:  # type: ignore[attr-defined]
            with side.opened() as run:
                assert run() > 0


class TestSelected:
    """Tests for selecting cases by words."""

    def names(self, *words: str) -> list[str]:
        """Return the names of the selected cases."""
        return [case.name for case in selected(words)]

    def test_all(self) -> None:
        """Without words, all cases are selected."""
        assert selected([]) == list(CASES)

    def test_group(self) -> None:
        """The name of a group selects its cases, once each, in the order of the table."""
        assert self.names("arguments", "boxes", "rows") == ["parse", "serialize", "list", "rows"]

    def test_part(self) -> None:
        """A part of a name or title selects cases, in upper or lower case."""
        assert self.names("INT16") == ["int16-64k", "int16-1400"]
        assert self.names("calls-") == ["calls-100", "calls-1"]

    def test_exact(self) -> None:
        """An exact name selects only its own case."""
        assert self.names("calls-1") == ["calls-1"]

    def test_none(self) -> None:
        """A word that matches nothing raises an error with that word."""
        with pytest.raises(LookupError, match="'nope'"):
            selected(["lines", "nope"])
