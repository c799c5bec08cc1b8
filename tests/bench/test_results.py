"""Tests for L{twisted_basic_ng_demo.bench.results}."""

from __future__ import annotations

from dataclasses import replace

import pytest

from twisted_basic_ng_demo.bench.results import Times, duration, figuresOf, missed, rate, table

from .examples import CASE, case, figures


class TestFigures:
    """Tests for converting times into rates and ratios."""

    def test_pairs(self) -> None:
        """The ratio is the median of the pairs' ratios, not the ratio of the medians."""
        found = figures(case("x"), {"stock": [1.0, 2.0, 9.0], "ours": [0.5, 2.0, 3.0]}, "pure")
        ours = found["builds"]["pure"]["sides"]["ours"]
        assert ours == {"seconds": [0.5, 2.0, 3.0], "rate": 50.0, "ratio": 2.0, "lower": 1.5, "upper": 2.5}

    def test_one(self) -> None:
        """With one pair, the quartiles are its ratio."""
        ours = figures(case("x"), {"stock": [1.0], "ours": [0.5]}, "pure")["builds"]["pure"]["sides"]["ours"]
        assert (ours["ratio"], ours["lower"], ours["upper"]) == (2.0, 2.0, 2.0)

    def test_whole(self) -> None:
        """The figures include the properties of the case."""
        found = figures(case("x"), {"stock": [1.0], "ours": [0.5]}, "pure", "ext")
        assert (found["name"], found["title"], found["group"]) == ("x", "Receiver, x", "lines")
        assert (found["unit"], found["count"], list(found["builds"])) == ("lines", 100, ["pure", "ext"])
        assert found["floors"] == {}

    def test_floors(self) -> None:
        """The promised ratios are listed by build."""
        promised = replace(case("x"), floors=(1.5, 2))
        assert figures(promised, {"stock": [1.0], "ours": [0.5]}, "ext")["floors"] == {"pure": 1.5, "ext": 2}

    def test_rounded(self) -> None:
        """Insignificant digits are removed."""
        found = figures(case("x"), {"stock": [0.123456789], "ours": [1.0]}, "pure")
        assert found["builds"]["pure"]["sides"]["stock"]["seconds"] == [0.1235]

    def failing(self, side: str) -> Times:
        """Return times in which a side has failed in the second round."""
        times = Times(CASE.sides[:3])
        times.add({"seconds": {"stock": 1.0, "ours": 0.5, "quick": 0.25}, "failed": {}})
        seconds = {"stock": 1.0, "ours": 0.5, "quick": 0.25}
        del seconds[side]
        times.add({"seconds": seconds, "failed": {side: "tired"}})
        return times

    def test_failed(self) -> None:
        """A side that has failed has a reason in place of figures."""
        found = figuresOf(CASE, {"pure": self.failing("quick")})["builds"]["pure"]
        assert (found["sides"].keys(), found["failed"]) == ({"stock", "ours"}, {"quick": "tired"})

    def test_nothingToCompareWith(self) -> None:
        """Without Twisted's time there are no ratios."""
        found = figuresOf(CASE, {"pure": self.failing("stock")})["builds"]["pure"]
        assert (found["sides"], found["failed"]) == ({}, {"stock": "tired"})

    def test_absent(self) -> None:
        """A peer that is not installed is listed with the missing packages."""
        found = figures(CASE, {"stock": [1.0], "ours": [0.5]}, "pure")["builds"]["pure"]
        assert found["absent"] == {"nowhere": ["no_such_package_anywhere"]}


class TestMissed:
    """Tests for ratios below the promised ones."""

    def test_below(self) -> None:
        """
        They are listed by case and build.  Ratios that are just reached, not promised or not
        measured are not.
        """
        found = [figures(case(name), {"stock": [1.0], "ours": [0.5]}, "pure", "ext") for name in "abcd"]
        found[0]["floors"] = {"pure": 2.1, "ext": 2}
        found[1]["floors"] = {"pure": 1.9, "ext": 3}
        found[3]["floors"] = {"pure": 5, "ext": 5}
        for each in found[3]["builds"].values():
            each["sides"].clear()
        assert missed(found) == [
            "Receiver, a, pure Python: 2.00 rather than 2.1",
            "Receiver, b, compiled: 2.00 rather than 3",
        ]


class TestWords:
    """Tests for formatting numbers."""

    @pytest.mark.parametrize(
        ("number", "expected"),
        [(1234567.0, "1,230,000"), (1234.0, "1,230"), (123.4, "123"), (12.34, "12.3"), (0.0123, "0.0123")],
    )
    def test_rate(self, number: float, expected: str) -> None:
        """Rates have three significant digits."""
        assert rate(number) == expected

    @pytest.mark.parametrize(("seconds", "expected"), [(0.4, "0 s"), (59.4, "59 s"), (83.2, "1 min 23 s")])
    def test_duration(self, seconds: float, expected: str) -> None:
        """Durations include minutes if there are any."""
        assert duration(seconds) == expected


class TestTable:
    """Tests for the table."""

    def test_lines(self) -> None:
        """
        There are lines for Twisted's side, ours on each build, the peers, absent sides and failed
        sides.
        """
        seconds = {"stock": [1.0, 1.0], "ours": [0.5, 0.25], "quick": [0.25, 0.25]}
        found = figures(CASE, seconds, "pure", "ext")
        found["floors"] = {"pure": 2.5, "ext": 4}
        found["builds"]["pure"]["sides"].pop("quick")
        found["builds"]["pure"]["absent"].clear()
        found["builds"]["ext"]["failed"]["fails"] = "of no mind"
        lines = [line.split() for line in table([found]).splitlines()]
        assert lines == [
            ["a", "second", "times", "Twisted", "half", "are", "in", "promised"],
            ["Receiver,", "full", "(lines)", "stock", "100"],
            ["ours,", "pure", "Python", "267", "3.00", "2.50", "-", "3.50", "2.5"],
            ["ours,", "compiled", "267", "3.00", "2.50", "-", "3.50", "4"],
            ["quick", "400", "4.00", "4.00", "-", "4.00"],
            ["nowhere", "absent:", "no", "no_such_package_anywhere"],
            ["fails", "failed"],
        ]

    def test_columns(self) -> None:
        """The columns are aligned, and no line ends with blanks."""
        found = [figures(case(name), {"stock": [1.0], "ours": [0.5]}, "pure") for name in ("x", "much longer")]
        for each in found:
            each["floors"] = {"pure": 1.15}
        lines = table(found).splitlines()
        assert [line for line in lines if line != line.rstrip()] == []
        assert len({line.index("stock") for line in lines[1::2]}) == 1
        assert {len(line) for line in lines[2::2]} == {len(lines[0])}
