"""Tells people, and the summary of the whole run, how the comparison went."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from ._compare import Difference, Record

__all__ = ["Verdict", "reasons", "row", "writeJUnit"]


@dataclass
class Verdict:
    """
    How one suite went on one build.

    @ivar unsteady: tests that differed once, but not when they were run again.
    """

    suite: str
    build: str
    stock: Record
    ours: Record
    differences: list[Difference] = field(default_factory=list)
    unsteady: list[Difference] = field(default_factory=list)

    @property
    def trouble(self) -> str:
        return (self.stock.trouble and f"stock: {self.stock.trouble}") or self.ours.trouble

    @property
    def good(self) -> bool:
        return not self.differences and not self.trouble


def row(verdict: Verdict) -> str:
    """One line of the table."""
    counts = [
        f"{record.count('success'):5} {record.count('skip'):4} {record.count('expected failure'):4}"
        f" {record.count('failure') + record.count('error'):4}"
        for record in (verdict.stock, verdict.ours)
    ]
    word = "same" if verdict.good else "DIFFERENT"
    return f"{verdict.suite:38} {verdict.build:5} | {counts[0]} | {counts[1]} | {word}"


def reasons(verdicts: list[Verdict]) -> Counter[str]:
    """Why tests were skipped, stock and swapped alike, and how many."""
    return Counter(
        each.ours.details.get(test, "no reason given").replace("\n", " ")
        for each in verdicts
        for test, outcome in each.ours.outcomes.items()
        if "skip" in outcome
    )


def writeJUnit(path: Path, verdicts: list[Verdict]) -> Counter[str]:
    """
    Write each compared test as a test case.

    A test passes where it became the same as with stock, and is skipped where stock skips it, too.

    @return: how many passed, failed and were skipped.
    """
    counts: Counter[str] = Counter()
    root = ElementTree.Element("testsuite", name="upstream")

    def add(name: str, verdict: Verdict, kind: str, text: str = "") -> None:
        counts[kind] += 1
        case = ElementTree.SubElement(root, "testcase", classname=f"{verdict.build}.{verdict.suite}", name=name)
        if kind != "passed":
            tag = "failure" if kind == "failed" else "skipped"
            printable = "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
            ElementTree.SubElement(case, tag, message=printable[:200]).text = printable

    for verdict in verdicts:
        different = {each.test: each for each in verdict.differences}
        if verdict.trouble:
            add("process", verdict, "failed", verdict.trouble)
        for test in sorted(verdict.stock.outcomes.keys() | verdict.ours.outcomes.keys()):
            if test in different:
                one = different[test]
                add(test, verdict, "failed", f"stock {one.stock}, ours {one.ours}\n{one.detail}")
            elif "skip" in verdict.stock.outcomes.get(test, ()):
                add(test, verdict, "skipped", verdict.stock.details.get(test, ""))
            else:
                add(test, verdict, "passed")
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return counts
