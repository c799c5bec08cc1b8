"""
Compares the records of a suite with and without the swap.  This file runs nothing.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Difference", "Outcome", "Record", "compare", "read"]

#: The results of a test in one run: everything that trial reported of it.  Empty if the test was
#: not run.
Outcome = tuple[str, ...]


@dataclass
class Record:
    """
    The results of the tests of one suite.

    @ivar implementation: the module that defines the receivers.
    @ivar build: C{"stock"}, C{"pure"} or C{"ext"}.
    @ivar outcomes: by test: its results; only C{"started"} if the process ended during it.
    @ivar details: by test: its tracebacks, or why it was skipped.
    @ivar trouble: why the process did not end normally, or an empty string.
    """

    implementation: str = ""
    build: str = ""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    trouble: str = ""

    def count(self, *outcomes: str) -> int:
        """Return how many tests have one of C{outcomes}."""
        return sum(not set(each).isdisjoint(outcomes) for each in self.outcomes.values())


@dataclass
class Difference:
    """
    A test whose result differs under the swap.

    @ivar stock: its results without the swap, run by run.
    @ivar ours: its results under the swap.
    @ivar detail: its traceback under the swap.
    """

    test: str
    stock: list[Outcome]
    ours: list[Outcome]
    detail: str = ""

    @property
    def unsteady(self) -> bool:
        """
        Whether the test itself is unsteady, and the swap makes no difference.

        It is unsteady if it was run again and differed only the first time, as tests with real time
        do on a busy machine.  It is also unsteady if its result varies without the swap, the swap
        causes no other results, and one of these is the most frequent result without the swap.
        """
        if self.stock[1:] and self.stock[1:] == self.ours[1:]:
            return True
        counts = Counter(self.stock)
        usual = {each for each, count in counts.items() if count == max(counts.values())}
        return len(counts) > 1 and counts.keys() >= set(self.ours) and not usual.isdisjoint(self.ours)

    def __str__(self) -> str:
        return f"stock {_told(self.stock)}; ours {_told(self.ours)}"


def _told(outcomes: list[Outcome]) -> str:
    return ", ".join(" and ".join(each) or "not run" for each in outcomes)


def read(path: Path, trouble: str = "") -> Record:
    """
    Read what L{tests.upstream.record} has written.

    @param trouble: what is already known to have gone wrong.
    """
    record = Record(trouble=trouble)
    found: defaultdict[str, list[str]] = defaultdict(list)
    details: defaultdict[str, list[str]] = defaultdict(list)
    ended = False
    for event in _events(path):
        if "test" not in event:
            _setForce(record, event)
            ended = event["when"] == "end"
            continue
        found[event["test"]].append(event["outcome"])
        if event["detail"]:
            details[event["test"]].append(event["detail"])
    for test, events in found.items():
        record.outcomes[test] = tuple(sorted(each for each in events if each != "started")) or ("started",)
    record.details = {test: "\n".join(texts) for test, texts in details.items()}
    if not ended:
        record.trouble = _whereItEnded(record)
    return record


def _events(path: Path) -> list[dict[str, str]]:
    """Return the events of the file.  An incomplete last line is left out."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _setForce(record: Record, event: dict[str, str]) -> None:
    """Record the implementation and the build, and whether they have changed."""
    if event["build"] != record.build and record.build:
        record.trouble = f"{record.build} was in force at the beginning, {event['build']} at the end"
    record.implementation, record.build = event["implementation"], event["build"]


def _whereItEnded(record: Record) -> str:
    within = [test for test, outcome in record.outcomes.items() if outcome == ("started",)]
    where = f"within {within[-1]}" if within else f"after {len(record.outcomes)} tests, within none"
    return f"{record.trouble or 'the process ended early'} ({where})"


def compare(stock: Record, ours: Record) -> list[Difference]:
    """Return the tests that differ, sorted by name."""
    return [
        Difference(test, [stock.outcomes.get(test, ())], [ours.outcomes.get(test, ())], ours.details.get(test, ""))
        for test in sorted(stock.outcomes.keys() | ours.outcomes.keys())
        if stock.outcomes.get(test) != ours.outcomes.get(test)
    ]
