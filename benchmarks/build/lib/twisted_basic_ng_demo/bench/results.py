"""
The results: the document with all figures, and the table in plain text.

These functions are pure: they measure and print nothing.  C{docs/performance.rst} explains the keys
of the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median, quantiles
from typing import Any, Final, TypedDict

from .sides import OURS, STOCK, Case, Side

__all__ = [
    "BuildFigures",
    "CaseFigures",
    "Document",
    "SideFigures",
    "Times",
    "duration",
    "figuresOf",
    "floorOf",
    "missed",
    "rate",
    "table",
]

#: The names of the builds for people.
BUILDS: Final = {"pure": "pure Python", "ext": "compiled"}


class SideFigures(TypedDict):
    """The figures of one side."""

    seconds: list[float]
    rate: float
    ratio: float
    lower: float
    upper: float


class BuildFigures(TypedDict):
    """The figures of a case on one build."""

    sides: dict[str, SideFigures]
    absent: dict[str, list[str]]
    failed: dict[str, str]


class CaseFigures(TypedDict):
    """The figures of a case."""

    name: str
    title: str
    group: str
    unit: str
    count: int
    floors: dict[str, float]
    builds: dict[str, BuildFigures]


class Document(TypedDict):
    """All results of a run."""

    format: int
    package: str
    version: str
    command: str
    date: str
    seconds: float
    rounds: int
    python: str
    versions: dict[str, str]
    machine: dict[str, Any]
    cases: list[CaseFigures]


class Times:
    """
    The times of a case on one build, while it is measured.

    @ivar sides: the sides that were asked to take part.
    @ivar rounds: for each round, the seconds of each side.
    @ivar failed: the messages of the sides that have failed, by name.
    """

    def __init__(self, sides: Sequence[Side]) -> None:
        self.sides = sides
        self.rounds: list[dict[str, float]] = []
        self.failed: dict[str, str] = {}

    def add(self, answer: dict[str, Any]) -> None:
        """Add the answer of a worker."""
        self.rounds.append(answer["seconds"])
        self.failed.update(answer["failed"])


def _rounded(number: float) -> float:
    """Round to four significant digits."""
    return float(f"{number:.4g}")


def _sideFigures(case: Case, times: Times, side: str) -> SideFigures:
    """
    Compare a side with Twisted's in pairs; the two runs of a pair followed each other directly.
    """
    seconds = [each[side] for each in times.rounds]
    ratios = [each[STOCK] / each[side] for each in times.rounds]
    # A single round is its own quartiles.
    lower, _, upper = quantiles(ratios if len(ratios) > 1 else ratios * 2, n=4, method="inclusive")
    return {
        "seconds": [_rounded(each) for each in seconds],
        "rate": _rounded(case.count / median(seconds)),
        "ratio": _rounded(median(ratios)),
        "lower": _rounded(lower),
        "upper": _rounded(upper),
    }


def _buildFigures(case: Case, times: Times) -> BuildFigures:
    there = [] if STOCK in times.failed else [side.name for side in times.sides if not side.missing]
    return {
        "sides": {side: _sideFigures(case, times, side) for side in there if side not in times.failed},
        "absent": {side.name: side.missing for side in times.sides if side.missing},
        "failed": times.failed,
    }


def figuresOf(case: Case, builds: dict[str, Times]) -> CaseFigures:
    """Summarise a case that was measured on some builds."""
    return {
        "name": case.name,
        "title": case.title,
        "group": case.group,
        "unit": case.unit,
        "count": case.count,
        "floors": dict(zip(BUILDS, case.floors, strict=False)),
        "builds": {build: _buildFigures(case, times) for build, times in builds.items()},
    }


def rate(number: float) -> str:
    """Format a number with three significant digits."""
    digits = len(f"{number:.0f}")
    return f"{round(number, 3 - digits):,.0f}" if digits > 2 else f"{number:.3g}"


def duration(seconds: float) -> str:
    """Format a duration for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def table(cases: Sequence[CaseFigures]) -> str:
    """Format the figures as a table in plain text, with a line for each case, build and peer."""
    rows = [("", "", "a second", "times Twisted", "half are in", "promised")]
    for case in cases:
        rows += _rows(case)
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    return "".join(f"{_line(row, widths)}\n" for row in rows)


def _line(row: tuple[str, ...], widths: Sequence[int]) -> str:
    left = (f"{cell:<{width}}" for cell, width in zip(row[:2], widths, strict=False))
    right = (f"{cell:>{width}}" for cell, width in zip(row[2:], widths[2:], strict=True))
    return "  ".join([*left, *right]).rstrip()


def _rows(case: CaseFigures) -> Iterator[tuple[str, str, str, str, str, str]]:
    title = f"{case['title']} ({case['unit']})"
    first = next(iter(case["builds"]))
    for build, figures in case["builds"].items():
        for side, each in figures["sides"].items():
            if side == STOCK and build != first:
                continue
            name = f"{OURS}, {BUILDS[build]}" if side == OURS else side
            ratio = "" if side == STOCK else f"{each['ratio']:.2f}"
            spread = "" if side == STOCK else f"{each['lower']:.2f} - {each['upper']:.2f}"
            yield title, name, rate(each["rate"]), ratio, spread, floorOf(case, build) if side == OURS else ""
            title = ""
        for side, packages in figures["absent"].items():
            yield title, side, f"absent: no {', '.join(packages)}", "", "", ""
        for side in figures["failed"]:
            yield title, side, "failed", "", "", ""


def floorOf(case: CaseFigures, build: str) -> str:
    """Format the promised ratio; empty if there is none."""
    return f"{case['floors'][build]:g}" if build in case["floors"] else ""


def missed(cases: Sequence[CaseFigures]) -> list[str]:
    """Describe each ratio that is below the promised one."""
    return [
        f"{case['title']}, {BUILDS[build]}: {figures['sides'][OURS]['ratio']:.2f} rather than {floorOf(case, build)}"
        for case in cases
        for build, figures in case["builds"].items()
        if OURS in figures["sides"] and figures["sides"][OURS]["ratio"] < case["floors"].get(build, 0)
    ]
