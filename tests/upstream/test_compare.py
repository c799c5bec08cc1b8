"""Tests for L{tests.upstream._compare}."""

from __future__ import annotations

import json
from pathlib import Path

from ._compare import Difference, Record, compare, read

FORCE = {"implementation": "x", "build": "pure"}
OK, BAD = ("success",), ("failure",)


def written(path: Path, *events: object, end: bool = True) -> Path:
    """Write a record."""
    lines = [{"when": "beginning", **FORCE}, *events, *([{"when": "end", **FORCE}] if end else [])]
    path.write_text("".join(json.dumps(each) + "\n" for each in lines))
    return path


def event(test: str, outcome: str, detail: str = "") -> dict[str, str]:
    return {"test": test, "outcome": outcome, "detail": detail}


class TestRead:
    """Tests for reading records."""

    def test_outcomes(self, tmp_path: Path) -> None:
        """Each result of a test is read, with its details."""
        record = read(
            written(
                tmp_path / "x",
                event("a", "started"),
                event("a", "success"),
                event("b", "started"),
                event("b", "failure", "first"),
                event("b", "error", "second"),
            )
        )
        assert record.outcomes == {"a": OK, "b": ("error", "failure")}
        assert (record.details, record.trouble, record.build) == ({"b": "first\nsecond"}, "", "pure")
        assert (record.count("success"), record.count("failure", "error")) == (1, 1)

    def test_early(self, tmp_path: Path) -> None:
        """A process that ended early is reported, with the test during which it ended."""
        path = written(tmp_path / "x", event("a", "started"), event("a", "success"), event("b", "started"), end=False)
        assert read(path).trouble == "the process ended early (within b)"
        assert read(path, "exit status 7").trouble == "exit status 7 (within b)"
        path.write_text(path.read_text() + '{"half')
        assert read(path).outcomes == {"a": OK, "b": ("started",)}
        assert "within none" in read(tmp_path / "nothing").trouble

    def test_changed(self, tmp_path: Path) -> None:
        """A change of the build during the run is reported."""
        path = written(tmp_path / "x", {"when": "end", "implementation": "y", "build": "stock"}, end=False)
        assert read(path).trouble == "pure was in force at the beginning, stock at the end"


class TestCompare:
    """Tests for comparing two records."""

    def test_compare(self) -> None:
        """Differing, missing and new tests are reported, and equal ones are not."""
        stock = Record(outcomes={"same": OK, "other": OK, "missing": OK})
        ours = Record(outcomes={"same": OK, "other": BAD, "new": OK}, details={"other": "why"})
        assert [(each.test, str(each), each.detail) for each in compare(stock, ours)] == [
            ("missing", "stock success; ours not run", ""),
            ("new", "stock not run; ours success", ""),
            ("other", "stock success; ours failure", "why"),
        ]

    def test_unsteady(self) -> None:
        """
        A test is unsteady if it differs only once, or if it varies without the swap as it does with
        it.
        """
        for stock, ours, unsteady in (
            ([OK], [BAD], False),
            ([OK, OK], [BAD, BAD], False),
            ([OK, OK, OK], [BAD, OK, OK], True),
            ([OK, OK, OK], [BAD, OK, BAD], False),
            ([OK, BAD, OK], [BAD, OK, OK], True),
            ([OK, BAD, OK], [BAD, BAD, BAD], False),
            ([OK, BAD, OK], [OK, ("error",), OK], False),
        ):
            assert Difference("test", stock, ours).unsteady is unsteady, (stock, ours)
