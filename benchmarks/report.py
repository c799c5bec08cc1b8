"""
Regenerates the report in C{docs/performance} and the table in C{README.rst}.

usage: python benchmarks/report.py [--rounds N] [--from FILE]

It measures all cases on both builds, and the peers that are installed, and writes the figures,
charts and tables that C{docs/performance.rst} includes.  With C{--from} it measures nothing, and
uses the figures of an earlier run.

The exit status is 1 if a peer failed or a ratio is below the promised one.  It is also 1 if
Twisted's module or ours failed; then nothing is written.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from twisted_basic_ng_demo.bench.cases import CASES
from twisted_basic_ng_demo.bench.chart import drawPeers, drawRatios, hasPeers
from twisted_basic_ng_demo.bench.measure import Plan, measure
from twisted_basic_ng_demo.bench.progress import progress
from twisted_basic_ng_demo.bench.results import (
    BuildFigures,
    CaseFigures,
    Document,
    SideFigures,
    duration,
    floorOf,
    missed,
    rate,
)
from twisted_basic_ng_demo.bench.sides import OURS, STOCK

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "docs" / "performance"
README = ROOT / "README.rst"

COMMAND = "python benchmarks/report.py"
ROUNDS = 41
BUILDS = ["pure", "ext"]

#: The lines around the table in the README.
BEGIN, END = ".. benchmarks/report.py writes this table", ".. (it ends here)"

#: The names of the peers in the tables.
NAMES = {
    STOCK: "Twisted",
    OURS: "ours",
    "stock on uvloop": "Twisted on uvloop",
    "echo": "a raw echo on Twisted",
    "asyncio": "asyncio streams",
    "asyncio on uvloop": "asyncio streams on uvloop",
    "PB": "Twisted's PB",
    "bare loop": "a bare loop",
}


def simpleTable(rows: Sequence[Sequence[str]]) -> str:
    """
    Write a table.  The first row is the header, and all columns but the first are right-aligned.
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    rule = "  ".join("=" * width for width in widths)
    lines = [
        "  ".join(
            [f"{row[0]:<{widths[0]}}", *(f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]
    return "\n".join([rule, lines[0].rstrip(), rule, *(line.rstrip() for line in lines[1:]), rule, ""])


def times(figures: SideFigures) -> str:
    """Format a ratio with its quartiles."""
    return f"{figures['ratio']:.2f} ({figures['lower']:.2f} to {figures['upper']:.2f})"


def ratios(cases: Sequence[CaseFigures]) -> str:
    """Write the table that compares Twisted's modules with ours."""
    rows = [("work", "Twisted, a second", "pure Python, times", "promised", "compiled, times", "promised")]
    for case in cases:
        pure, compiled = (case["builds"][build]["sides"] for build in BUILDS)
        own = (f"{case['title']} ({case['unit']})", rate(compiled[STOCK]["rate"]))
        rows.append((*own, times(pure[OURS]), floorOf(case, "pure"), times(compiled[OURS]), floorOf(case, "ext")))
    below = [f"- {each}\n" for each in missed(cases)]
    said = f"Below what is promised:\n\n{''.join(below)}" if below else "Each ratio is at least what is promised.\n"
    return f"{simpleTable(rows)}\n{said}"


def peers(cases: Sequence[CaseFigures]) -> str:
    """Write a table for each case that has peers."""
    return "\n".join(peersOf(case, case["builds"]["ext"]) for case in cases if hasPeers(case))


def peersOf(case: CaseFigures, figures: BuildFigures) -> str:
    """Write the table of one case."""

    def rows() -> Iterator[tuple[str, str, str]]:
        yield "who", f"{case['unit']} a second", "times Twisted"
        for side, each in figures["sides"].items():
            yield NAMES.get(side, side), rate(each["rate"]), "" if side == STOCK else times(each)
        for side in (*figures["absent"], *figures["failed"]):
            yield NAMES.get(side, side), "not measured", ""

    return f"{case['title']}:\n\n{simpleTable(list(rows()))}"


def machine(document: Document) -> str:
    """Describe the machine and the versions that were measured."""
    host, found = document["machine"], dict(document["versions"])
    facts = [
        ("Machine", f"{host['processor']}, {host['cores']} cores, {host['system']} on {host['architecture']}"),
        ("Python", document["python"]),
        ("Twisted", found.pop("twisted")),
        ("Ours", f"twisted_basic_ng {document['version']}"),
        ("Peers", ", ".join(f"{name} {number}" for name, number in found.items()) or "none but asyncio and PB"),
        ("Measured", f"on {document['date'][:10]}, {document['rounds']} rounds in {duration(document['seconds'])}"),
        ("Command", f"``{document['command']}``"),
    ]
    return "".join(f":{name}: {fact}\n" for name, fact in facts)


#: The cases of the picture on the front page: one for each kind of work.
FRONT = ("lines-64k", "headers", "netstrings-1400", "int32-1400", "long-int32", "parse", "calls-100")


def short(cases: Sequence[CaseFigures]) -> str:
    """
    Write the README's table: only the ratios, without the applications that change the receiver.
    """
    rows = [("work", "pure", "extension")]
    for case in cases:
        if case["group"] == "changing":
            continue
        found = (case["builds"][build]["sides"][OURS]["ratio"] for build in BUILDS)
        rows.append((case["title"], *(f"{ratio:.0f}x" if ratio >= 10 else f"{ratio:.1f}x" for ratio in found)))
    return simpleTable(rows)


def readme(text: str, table: str) -> str:
    """Insert the table into the README."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    return f"{before}{begin}\n\n{table}\n{end}{after}"


def texts(document: Document) -> dict[Path, str]:
    """Return the text of each file to write, without the charts."""
    cases = document["cases"]
    return {
        REPORT / "machine.txt": machine(document),
        REPORT / "ratios.txt": ratios(cases),
        REPORT / "peers.txt": peers(cases),
        README: readme(README.read_text(encoding="utf-8"), short(cases)),
    }


def failed(document: Document) -> dict[tuple[str, str, str], str]:
    """Return the error messages of the sides that failed, by case, build and side."""
    return {
        (case["title"], build, side): message
        for case in document["cases"]
        for build, figures in case["builds"].items()
        for side, message in figures["failed"].items()
    }


def write(document: Document) -> None:
    """Write all files."""
    REPORT.mkdir(exist_ok=True)
    (REPORT / "bench.json").write_text(f"{json.dumps(document, separators=(',', ':'))}\n", encoding="utf-8")
    for path, text in texts(document).items():
        path.write_text(text, encoding="utf-8")
    drawRatios(document["cases"], REPORT / "ratios")
    drawRatios([each for each in document["cases"] if each["name"] in FRONT], REPORT / "front")
    if any(map(hasPeers, document["cases"])):
        drawPeers(document["cases"], REPORT / "peers")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--from", type=Path, dest="file", metavar="FILE", help="figures that are there already")
    options = parser.parse_args()
    if options.file is None:
        plan = Plan(CASES, BUILDS, options.rounds, True, COMMAND)
        with progress(sys.stderr, plan.steps, False) as show:
            document = measure(plan, show)
    else:
        document = json.loads(options.file.read_text(encoding="utf-8"))
    ended = failed(document)
    if not any(side in (STOCK, OURS) for _, _, side in ended):
        write(document)
    wrong = [f"{' / '.join(who)}: {message}" for who, message in ended.items()] + missed(document["cases"])
    for each in wrong:
        print(each, file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
