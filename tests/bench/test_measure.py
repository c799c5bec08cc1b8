"""Tests for L{twisted_basic_ng_demo.bench.measure}."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from twisted_basic_ng import __version__
from twisted_basic_ng_demo.bench.children import Exchange
from twisted_basic_ng_demo.bench.measure import Plan, measure, started
from twisted_basic_ng_demo.bench.results import Document
from twisted_basic_ng_demo.bench.sides import Case, WorkError

from .examples import CASE, case


class Workers:
    """
    Workers that pretend.

    @ivar log: what they were asked.
    @ivar said: what each says first.
    """

    def __init__(self, **said: Any) -> None:
        self.log: list[tuple[str, str, list[str]]] = []
        self.said = said

    @contextmanager
    def start(self, build: str) -> Iterator[Exchange]:
        """Start one."""

        def exchange(line: str) -> str:
            if not line:
                return json.dumps({"build": build or "pure", **self.said})
            asked = json.loads(line)
            self.log.append((build, asked["case"], asked["sides"]))
            return json.dumps({"seconds": dict.fromkeys(asked["sides"], 1.0), "failed": {}})

        yield exchange


def measured(plan: Plan, workers: Workers) -> tuple[Document, list[tuple[int, str]]]:
    """Measure; return what comes out, and what was shown."""
    shown: list[tuple[int, str]] = []

    def show(step: int, case: Case) -> None:
        shown.append((step, case.name))

    return measure(plan, show, workers.start), shown


class TestMeasure:
    """All rounds of all cases are done."""

    def test_order(self) -> None:
        """Case by case, round by round, build by build; the peers that are there are in on the last one."""
        workers = Workers()
        plan = Plan([CASE, case("y")], ["pure", "ext"], 2, True, "the command")
        document, shown = measured(plan, workers)
        own, all_ = ["stock", "ours"], ["stock", "ours", "quick", "fails", "unready"]
        full = [("pure", "full", own), ("ext", "full", all_)]
        assert workers.log == [*full, *full, *[("pure", "y", own), ("ext", "y", own)] * 2]
        assert shown == [*((number, "full") for number in range(1, 5)), *((number, "y") for number in range(5, 9))]
        assert plan.steps == 8
        assert [list(each["builds"]) for each in document["cases"]] == [["pure", "ext"]] * 2

    def test_withoutPeers(self) -> None:
        """Nobody else takes part, unless asked for."""
        workers = Workers()
        document, _ = measured(Plan([CASE], [""], 1, False, ""), workers)
        assert workers.log == [("", "full", ["stock", "ours"])]
        (found,) = document["cases"]
        assert found["builds"].keys() == {"pure"}
        assert found["builds"]["pure"]["absent"] == {}

    def test_document(self) -> None:
        """It says what was measured, how, and on what."""
        document, _ = measured(Plan([CASE], ["ext"], 3, False, "the command"), Workers())
        assert (document["format"], document["package"], document["version"]) == (1, "twisted_basic_ng", __version__)
        assert (document["command"], document["rounds"]) == ("the command", 3)
        assert document["seconds"] >= 0
        assert "twisted" in document["versions"]
        assert document["date"].endswith("+00:00")
        assert json.loads(json.dumps(document)) == document

    def test_refused(self) -> None:
        """What a worker says instead of its build is an error."""
        with pytest.raises(WorkError, match="under the swap"):
            measured(Plan([CASE], [""], 1, False, ""), Workers(refused="under the swap"))

    def test_otherBuild(self) -> None:
        """A build that is not there is an error that says which is."""
        with pytest.raises(WorkError, match="the ext build is not there, only the pure one"):
            measured(Plan([CASE], ["ext"], 1, False, ""), Workers(build="pure"))


class TestStarted:
    """A worker runs on the build that is asked for."""

    def test_pure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the environment says."""
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", "")
        with started("pure") as worker:
            assert json.loads(worker("")) == {"build": "pure"}

    def test_compiled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The compiled one, too, where it is there."""
        pytest.importorskip("twisted_basic_ng._accelerate.framing_ext", reason="the compiled build is not there")
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", "1")
        with started("ext") as worker:
            assert json.loads(worker("")) == {"build": "ext"}

    def test_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Or what this process would have."""
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", "1")
        with started("") as worker:
            assert json.loads(worker("")) == {"build": "pure"}
