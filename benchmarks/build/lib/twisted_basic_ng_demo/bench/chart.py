"""
Draws the charts, as SVG and PNG; the same figures give the same files.

This is the only file that imports matplotlib, and it does so only to draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from .results import BUILDS, BuildFigures, CaseFigures, rate
from .sides import OURS, STOCK

__all__ = ["drawPeers", "drawRatios", "hasPeers"]

#: Blue and orange that are distinct to colour-blind readers, and a grey.
COLOURS: Final = {"pure": "#e69f00", "ext": "#0072b2", STOCK: "#555555"}
PEER: Final = "#aaaaaa"

#: The height of one bar, in inches.
BAR: Final = 0.2


def _drawn(rows: int, columns: int, inches: float) -> tuple[Any, list[Any]]:
    """Make a figure that depends on no display, time or random number."""
    from matplotlib import rcParams
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rcParams.update({"svg.hashsalt": "twisted_basic_ng", "svg.fonttype": "none", "font.size": 8})
    figure = Figure(figsize=(8, inches), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, columns, squeeze=False).flat)


def _saved(figure: Any, path: Path) -> list[Path]:
    """Write C{path} with both suffixes, and return the two paths."""
    made = [path.with_suffix(".svg"), path.with_suffix(".png")]
    figure.savefig(made[0], metadata={"Date": None})
    figure.savefig(made[1], dpi=110, metadata={"Software": None})
    return made


def _compared(cases: Sequence[CaseFigures], build: str) -> list[tuple[int, float, float | None]]:
    """
    Return the place, the ratio and the promised ratio of each case that has a ratio on C{build}.
    """
    found = []
    for place, case in enumerate(cases):
        sides = case["builds"][build]["sides"] if build in case["builds"] else {}
        if OURS in sides:
            found.append((place, sides[OURS]["ratio"], case["floors"].get(build)))
    return found


def drawRatios(cases: Sequence[CaseFigures], path: Path) -> list[Path]:
    """
    Draw the ratios to Twisted's speed: a bar for each case and build, on a logarithmic scale, with
    a mark at the promised ratio.

    @param path: the path of the files, without a suffix.
    @return: the paths of the files.
    @raise ModuleNotFoundError: matplotlib is not installed.
    """
    builds = [build for build in BUILDS if any(build in case["builds"] for case in cases)]
    figure, (axes,) = _drawn(1, 1, 1.2 + BAR * len(cases) * len(builds) * 1.25)
    height = 0.8 / len(builds)
    for number, build in enumerate(builds):
        compared = _compared(cases, build)
        places = [place + (number - (len(builds) - 1) / 2) * height for place, _, _ in compared]
        # A bar begins at 1; it extends to the left if ours is slower than Twisted's.
        widths = [ratio - 1 for _, ratio, _ in compared]
        bars = axes.barh(places, widths, height, left=1, color=COLOURS[build], label=BUILDS[build])
        axes.bar_label(bars, [f"{ratio:.3g}" for _, ratio, _ in compared], padding=3)
        marks = [(place, floor) for place, (_, _, floor) in zip(places, compared, strict=True) if floor is not None]
        own = [floor for _, floor in marks]
        axes.vlines(own, [at - height / 2 for at, _ in marks], [at + height / 2 for at, _ in marks], color="black")
    axes.set_xscale("log")
    axes.axvline(1, color=COLOURS[STOCK], linewidth=0.8)
    axes.set_yticks(range(len(cases)), [case["title"] for case in cases])
    axes.invert_yaxis()
    axes.margins(x=0.12, y=0.02)
    axes.set_xlabel("times as fast as Twisted's (its speed is 1); black marks stand at what is promised")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(loc="lower right")
    axes.spines[["top", "right"]].set_visible(False)
    return _saved(figure, path)


def _last(case: CaseFigures) -> BuildFigures:
    """Return the figures of the build that was measured together with the peers."""
    return list(case["builds"].values())[-1]


def hasPeers(case: CaseFigures) -> bool:
    """Whether the case has figures of peers."""
    return len(_last(case)["sides"].keys() - {STOCK, OURS}) > 0


def drawPeers(cases: Sequence[CaseFigures], path: Path) -> list[Path]:
    """
    Draw how much each side does in a second: a diagram for each case that has peers, with a bar for
    each side.

    @param path: the path of the files, without a suffix.
    @return: the paths of the files.
    @raise ModuleNotFoundError: matplotlib is not installed.
    """
    shown = [case for case in cases if hasPeers(case)]
    most = max(len(_last(case)["sides"]) for case in shown)
    rows = (len(shown) + 1) // 2
    figure, parts = _drawn(rows, 2, rows * (0.7 + BAR * most))
    for axes in parts[len(shown) :]:
        axes.set_visible(False)
    for axes, case in zip(parts, shown, strict=False):
        sides = _last(case)["sides"]
        rates = [each["rate"] for each in sides.values()]
        own = COLOURS[list(case["builds"])[-1]]
        colours = [{STOCK: COLOURS[STOCK], OURS: own}.get(side, PEER) for side in sides]
        bars = axes.barh(list(sides), rates, color=colours)
        axes.bar_label(bars, [rate(each) for each in rates], padding=2)
        axes.invert_yaxis()
        axes.margins(x=0.2)
        axes.set_title(f"{case['title']}\n{case['unit']} a second", loc="left", fontsize=8)
        axes.set_xticks([])
        axes.spines[["top", "right", "bottom"]].set_visible(False)
    return _saved(figure, path)
