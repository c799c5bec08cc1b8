"""
Judges two records of the same suite: stock's and ours.  It runs nothing.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Difference", "Record", "compare", "read"]


@dataclass
class Record:
    """
    What became of the tests of one suite.

    @ivar implementation: the module that the receivers came from.
    @ivar build: C{"stock"}, C{"pure"} or C{"ext"}.
    @ivar outcomes: by test: what became of it; C{"started"} alone where the process ended within it.
    @ivar details: by test: its tracebacks, or why it was skipped.
    @ivar trouble: why the process did not end as it should, or nothing.
    """

    implementation: str = ""
    build: str = ""
    outcomes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    details: dict[str, str] = field(default_factory=dict)
    trouble: str = ""

    def count(self, outcome: str) -> int:
        return sum(outcome in each for each in self.outcomes.values())


@dataclass(frozen=True)
class Difference:
    """A test that became something else under the swap; an outcome is empty where the test was not run."""

    test: str
    stock: tuple[str, ...]
    ours: tuple[str, ...]
    detail: str = ""


def read(path: Path, trouble: str = "") -> Record:
    """Read what L{tests.upstream.record} has written."""
    record = Record(trouble=trouble)
    found: defaultdict[str, list[str]] = defaultdict(list)
    details: defaultdict[str, list[str]] = defaultdict(list)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in lines:
        event = json.loads(line)
        if "implementation" in event:
            record.implementation, record.build = event["implementation"], event["build"]
            continue
        found[event["test"]].append(event["outcome"])
        if event["detail"]:
            details[event["test"]].append(event["detail"])
    for test, events in found.items():
        ended = tuple(sorted(each for each in events if each != "started"))
        record.outcomes[test] = ended or ("started",)
    record.details = {test: "\n".join(texts) for test, texts in details.items()}
    if not lines:
        record.trouble = trouble or "nothing was recorded"
    return record


def compare(stock: Record, ours: Record) -> list[Difference]:
    """List the tests that differ, by their names."""
    return [
        Difference(test, stock.outcomes.get(test, ()), ours.outcomes.get(test, ()), ours.details.get(test, ""))
        for test in sorted(stock.outcomes.keys() | ours.outcomes.keys())
        if stock.outcomes.get(test) != ours.outcomes.get(test)
    ]
