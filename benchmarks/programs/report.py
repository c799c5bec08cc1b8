"""
Makes what C{docs/performance-programs.rst} and C{docs/performance-growth.rst} include, anew.

usage: python benchmarks/programs/report.py [--as-is] [--directory DIRECTORY]

Runs C{programs.py}, C{memory.py} and C{growth.py}, one after the other, which takes some six minutes; writes their
figures as JSON, and tables and charts made from them.  With C{--as-is} nothing is measured: the rest is made from the
figures that an earlier run has written.  Without matplotlib the charts stay as they are; that is said.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measuring import ROOT, environmentOf, interpreter

HERE = Path(__file__).resolve().parent
COMMAND = "python benchmarks/programs/report.py"

#: How each script is run, without its C{--json}.
SCRIPTS = {
    "programs": ["--rounds", "5"],
    "memory": ["--rounds", "7"],
    "growth": [],
}

#: What is less than this apart is called the same.
SAME = 0.05

BUILDS = {"ext": "compiled", "pure": "pure Python"}
#: Blue and orange that the colour-blind can tell, and a grey.
COLOURS = {"stock": "#555555", "ext": "#0072b2", "pure": "#e69f00"}

Row = dict[str, Any]


def table(rows: Sequence[Sequence[str]]) -> str:
    """Write a table whose first row is its head; what is behind the first column stands at the right."""
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)

    def line(cells: Sequence[str]) -> str:
        rest = (f"{cell:>{width}}" for cell, width in zip(cells[1:], widths[1:], strict=True))
        return "  ".join([f"{cells[0]:<{widths[0]}}", *rest]).rstrip()

    return "\n".join([rule, line(rows[0]), rule, *map(line, rows[1:]), rule, ""])


def number(value: float) -> str:
    """Write a number with three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def grouped(rows: Iterable[Row], *keys: str) -> dict[tuple[str, ...], dict[str, Row]]:
    """Put the builds of the same figure together."""
    found: dict[tuple[str, ...], dict[str, Row]] = {}
    for each in rows:
        found.setdefault(tuple(each[key] for key in keys), {})[each["build"]] = each
    return found


def buildsOf(rows: Iterable[Row]) -> list[str]:
    """The builds that were measured, the compiled one first."""
    measured = {each["build"] for each in rows}
    return [build for build in BUILDS if build in measured]


def machine(documents: Iterable[Row]) -> str:
    """What was measured on."""
    names = {"python": "Python", "machine": "Machine", "twisted": "Twisted", "twisted_basic_ng": "Ours"}
    document = next(iter(documents))
    return "".join(f":{title}: {document[key]}\n" for key, title in names.items()) + f":Command: ``{COMMAND}``\n"


# Whole programs.


def programsTable(rows: Sequence[Row]) -> str:
    """The rates and the processor's times."""
    measured = [each for each in rows if "absent" not in each]
    builds = buildsOf(measured)
    head = ["program", "what", "Twisted", *(f"{BUILDS[build]}, times" for build in builds)]
    lines = [head]
    for (case, measure, unit), found in grouped(measured, "case", "measure", "unit").items():
        stock = next(iter(found.values()))["stock"]
        lines.append([case, unit.split(",")[0], number(stock), *(f"{found[build]['ratio']:.2f}" for build in builds)])
        if measure == "processor":
            lines[-1][0] = "\\"
    return table(lines) if measured else ""


def verdicts(rows: Sequence[Row]) -> str:
    """Say what is gained and what is not, by the processor's time on the build that is taken if it is there."""
    chosen: dict[str, list[str]] = {"Gained": [], "The same": [], "Lost": [], "Not measured": []}
    for each in rows:
        if "absent" in each:
            chosen["Not measured"].append(f"{each['case']}: {each['absent']}")
        elif each["measure"] == "processor" and each["build"] == buildsOf(measuredOnly(rows))[0]:
            chosen[verdict(each["ratio"])].append(f"{each['case']}: {each['ratio'] - 1:+.0%}")
    said = {"Gained": "Less of the processor's time is used", "Lost": "More of it is used"}
    said["The same"] = f"Less than {SAME:.0%} apart"
    return "".join(
        f"{title}\n    {said.get(title, 'Left out')}: {'; '.join(cases) or 'none'}.\n\n"
        for title, cases in chosen.items()
        if cases or title != "Not measured"
    )


def measuredOnly(rows: Iterable[Row]) -> list[Row]:
    """Without what is absent."""
    return [each for each in rows if "absent" not in each]


def verdict(ratio: float) -> str:
    """Name what a ratio of times means."""
    return "Gained" if ratio < 1 - SAME else "Lost" if ratio > 1 + SAME else "The same"


# Memory and imports.


def memoryTable(rows: Sequence[Row], part: str) -> str:
    """Twisted's figures and ours."""
    chosen = [each for each in rows if each["part"] == part]
    builds = buildsOf(chosen)
    unit = {"memory": "bytes", "imports": "ms"}[part]
    titles = [BUILDS[build] for build in builds] if len(builds) > 1 else ["ours"]
    lines = [["what", "state", *(f"{title}, {unit}" for title in ("Twisted", *titles))]]
    for (case, measure), found in grouped(chosen, "case", "measure").items():
        stock = found[builds[0]]["stock"]
        lines.append([case, measure, number(stock), *(number(found[build]["ours"]) for build in builds)])
    return table(lines) if chosen else ""


# Growth.


def sideOf(each: Row) -> str:
    """Twisted's, or the build of ours."""
    return str(each["build"] if each["side"] == "ours" else "stock")


def curves(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """The curves of each case, by side."""
    found: dict[str, dict[str, Row]] = {}
    for each in rows:
        found.setdefault(each["case"], {})[sideOf(each)] = each
    return found


def growthTable(rows: Sequence[Row]) -> str:
    """The exponents, and the times at the largest input that all were given."""
    sides = [side for side in COLOURS if any(sideOf(each) == side for each in rows)]
    names = {"stock": "Twisted", **BUILDS}
    lines = [["input", *(names[side] for side in sides), "at", *(f"{names[side]}, ms" for side in sides)]]
    for case, found in curves(rows).items():
        last = min(len(each["sizes"]) for each in found.values()) - 1
        exponents = (
            "" if each["exponent"] is None else f"{each['exponent']:.2f}" for each in map(found.get, sides) if each
        )
        times = (number(found[side]["seconds"][last] * 1000) for side in sides)
        lines.append([case, *exponents, f"{found['stock']['sizes'][last] // 1024:,} KiB", *times])
    return table(lines)


# The charts.


def figure(inches: float) -> Any:
    """Make a figure that no display, time or random number takes part in."""
    from matplotlib import rcParams
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rcParams.update({"svg.hashsalt": "twisted_basic_ng", "svg.fonttype": "none", "font.size": 8})
    made = Figure(figsize=(8, inches), layout="constrained")
    FigureCanvasAgg(made)
    return made


def saved(made: Any, path: Path) -> None:
    """Write it, without the date, which would make each file another."""
    made.savefig(path, metadata={"Date": None})


def drawPrograms(rows: Sequence[Row], path: Path) -> None:
    """A bar for each program and build: how much of the processor's time is used, Twisted's being 1."""
    chosen = [each for each in measuredOnly(rows) if each["measure"] == "processor"]
    builds, cases = buildsOf(chosen), list(dict.fromkeys(each["case"] for each in chosen))
    made = figure(1 + 0.4 * len(cases))
    axes = made.subplots()
    height = 0.8 / max(1, len(builds))
    for place, build in enumerate(builds):
        ratios = [each["ratio"] for each in chosen if each["build"] == build]
        places = [at + (place - (len(builds) - 1) / 2) * height for at in range(len(ratios))]
        bars = axes.barh(places, ratios, height, color=COLOURS[build], label=BUILDS[build])
        axes.bar_label(bars, [f"{ratio:.2f}" for ratio in ratios], padding=3)
    axes.axvline(1, color=COLOURS["stock"], linewidth=0.8)
    axes.set_yticks(range(len(cases)), cases)
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("the server's processor time beside Twisted's, which is 1: less is better")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes.spines[["top", "right"]].set_visible(False)
    saved(made, path)


def drawGrowth(rows: Sequence[Row], path: Path) -> None:
    """A part for each case: time by size, both on scales of powers."""
    cases = curves(rows)
    columns = min(4, len(cases))
    lines = -(-len(cases) // columns)
    made = figure(0.8 + 1.7 * lines)
    parts = list(made.subplots(lines, columns, sharex=True, squeeze=False).flat)
    for axes in parts[len(cases) :]:
        axes.set_visible(False)
    for axes, (case, found) in zip(parts, cases.items(), strict=False):
        for side, each in found.items():
            sizes, times = ([value / 1024 for value in each["sizes"]], [value * 1000 for value in each["seconds"]])
            label = BUILDS.get(side, "Twisted")
            axes.plot(sizes, times, color=COLOURS[side], marker=".", markersize=3, linewidth=1, label=label)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_title(case.replace(", ", ",\n", 1), fontsize=7)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        axes.grid(linewidth=0.3)
        axes.tick_params(labelsize=6)
    made.supxlabel("KiB of input")
    made.supylabel("ms")
    made.legend(*parts[0].get_legend_handles_labels(), loc="outside upper center", ncols=3)
    saved(made, path)


# All of it.


def texts(documents: dict[str, Row]) -> Iterator[tuple[str, str]]:
    """What is written, but for the charts."""
    rows = {name: document["results"] for name, document in documents.items()}
    yield "programs-machine.txt", machine(documents.values())
    yield "programs.txt", programsTable(rows["programs"])
    yield "programs-verdicts.txt", verdicts(rows["programs"])
    yield "memory.txt", memoryTable(rows["memory"], "memory")
    yield "imports.txt", memoryTable(rows["memory"], "imports")
    yield "growth.txt", growthTable(rows["growth"])


def measure(directory: Path) -> None:
    """Run the scripts."""
    for name, words in SCRIPTS.items():
        command = interpreter(HERE / f"{name}.py", *words, "--json", directory / f"{name}.json")
        subprocess.run(command, env=environmentOf("ext"), check=True)


def main() -> None:
    """Measure, write and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--as-is", action="store_true", help="take the figures that are there")
    parser.add_argument("--directory", type=Path, default=ROOT / "docs" / "performance")
    options = parser.parse_args()
    directory: Path = options.directory
    directory.mkdir(exist_ok=True)
    if not options.as_is:
        measure(directory)
    documents = {name: json.loads((directory / f"{name}.json").read_text(encoding="utf-8")) for name in SCRIPTS}
    for name, text in texts(documents):
        (directory / name).write_text(text, encoding="utf-8")
    if find_spec("matplotlib") is None:
        sys.stderr.write("no charts were drawn: matplotlib is not installed\n")
        return
    drawPrograms(documents["programs"]["results"], directory / "programs.svg")
    drawGrowth(documents["growth"]["results"], directory / "growth.svg")


if __name__ == "__main__":
    main()
