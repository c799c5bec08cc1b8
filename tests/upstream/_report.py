"""Prints the result of the comparison, and writes it for the summary of all tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

from ._compare import Record
from ._judge import Verdict

__all__ = ["HEADING", "findings", "row", "writeJUnit"]

_COLUMNS = "   ok skip todo fail"
HEADING = f"{'':38} {'':5} | {'stock':20} | {'ours':20} |\n{'suite':38} {'build':5} | {_COLUMNS} | {_COLUMNS} |"


def _counts(record: Record) -> str:
    numbers = (
        record.count("success"),
        record.count("skip"),
        record.count("expected failure"),
        record.count("failure", "error", "unexpected success"),
    )
    return "{:5} {:4} {:4} {:4}".format(*numbers)


def row(verdict: Verdict) -> str:
    """Return one row of the table."""
    told = f"{verdict.suite:38} {verdict.build:5} | {_counts(verdict.stock)} | {_counts(verdict.ours)} |"
    return f"{told} {'same' if verdict.good else 'DIFFERENT'}"


def findings(verdicts: list[Verdict], missing: Iterable[str]) -> Iterator[str]:
    """Yield the findings that the table does not show, with the differences last."""
    yield from _skipped(verdicts, missing)
    yield from _failedAlike(verdicts)
    for verdict in verdicts:
        for each in verdict.unsteady:
            yield f"\nunsteady: {each.test} ({verdict.build}): {each}"
    for verdict in verdicts:
        yield from _different(verdict)


def _different(verdict: Verdict) -> Iterator[str]:
    ran = [each for each in verdict.differences if any(each.ours) or not verdict.trouble]
    for each in ran:
        yield f"\n{each.test} ({verdict.build}): {each}\n{each.detail}"
    if verdict.trouble:
        yield f"\n{verdict.suite} ({verdict.build}): {verdict.trouble}"
    if len(ran) < len(verdict.differences):
        yield f"    so {len(verdict.differences) - len(ran)} tests were not run"


def _failedAlike(verdicts: list[Verdict]) -> Iterator[str]:
    """Report the tests that fail without the swap, too."""
    for verdict in verdicts:
        for test, outcome in verdict.stock.outcomes.items():
            if outcome == verdict.ours.outcomes.get(test) and not {"failure", "error"}.isdisjoint(outcome):
                why = verdict.stock.details.get(test, "").strip().splitlines() or ["no reason given"]
                yield f"\nfails in stock, too: {test} ({verdict.build}): {why[-1]}"


def _skipped(verdicts: list[Verdict], missing: Iterable[str]) -> Iterator[str]:
    reasons = Counter(
        " ".join(each.ours.details.get(test, "no reason given").split())
        for each in verdicts
        for test, outcome in each.ours.outcomes.items()
        if "skip" in outcome and outcome == each.stock.outcomes.get(test)
    )
    if reasons:
        yield "\nskipped, by stock and ours alike:"
    for reason, count in reasons.most_common():
        yield f"{count:6} {reason[:110]}"
    for suite in missing:
        yield f"\nnot in this Twisted: {suite}"


def _results(verdict: Verdict) -> Iterator[tuple[str, str, str]]:
    """
    Yield each compared test of a suite, with C{passed}, C{failure} or C{skipped}, and the reason.
    """
    different = {each.test: f"{each}\n{each.detail}" for each in verdict.differences}
    if verdict.trouble:
        yield "process", "failure", verdict.trouble
    for test in sorted(verdict.stock.outcomes.keys() | verdict.ours.outcomes.keys()):
        if test in different:
            yield test, "failure", different[test]
        elif "skip" in verdict.stock.outcomes.get(test, ()):
            yield test, "skipped", verdict.stock.details.get(test, "")
        else:
            yield test, "passed", ""


def writeJUnit(path: Path | None, verdicts: list[Verdict], missing: Iterable[str]) -> str:
    """
    Write each compared test as a test case.

    A test passes if its result is the same as without the swap, and is skipped if it is skipped
    without the swap.

    @param path: the file to write; C{None} for none.
    @return: how many passed, failed and were skipped.
    """
    counts: Counter[str] = Counter()
    root = ElementTree.Element("testsuite", name="upstream")

    def add(where: str, name: str, kind: str, text: str) -> None:
        counts[kind] += 1
        case = ElementTree.SubElement(root, "testcase", classname=where, name=name)
        if kind != "passed":
            printable = "".join(each if each.isprintable() or each == "\n" else "?" for each in text)
            ElementTree.SubElement(case, kind, message=printable[:200]).text = printable

    for verdict in verdicts:
        for result in _results(verdict):
            add(f"{verdict.build}.{verdict.suite}", *result)
    for suite in missing:
        add(suite, "suite", "skipped", "not in this Twisted")
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return f"{counts['passed']} passed, {counts['failure']} failed, {counts['skipped']} skipped"
