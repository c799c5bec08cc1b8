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
    Simulates workers.

    @ivar log: the requests.
    @ivar said: additions to the first answer of each worker.
    """

    def __init__(self, **said: Any) -> None:
        self.log: list[tuple[str, str, list[str]]] = []
        self.said = said

    @contextmanager
    def start(self, build: str) -> Iterator[Exchange]:
        """Start a worker."""

        def exchange(line: str) -> str:
            if not line:
                return json.dumps({"build": build or "pure", **self.said})
            asked = json.loads(line)
            self.log.append((build, asked["case"], asked["sides"]))
            return json.dumps({"seconds": dict.fromkeys(asked["sides"], 1.0), "failed": {}})

        yield exchange


def measured(plan: Plan, workers: Workers) -> tuple[Document, list[tuple[int, str]]]:
    """Measure.  Return the document, and the progress that was shown."""
    shown: list[tuple[int, str]] = []

    def show(step: int, case: Case) -> None:
        shown.append((step, case.name))

    return measure(plan, show, workers.start), shown


class TestMeasure:
    """Tests for measuring all rounds of all cases."""

    def test_order(self) -> None:
        """
        The order is by case, round and build.  The installed peers take part only on the last
        build.
        """
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
        """Without the option, no peers take part."""
        workers = Workers()
        document, _ = measured(Plan([CASE], [""], 1, False, ""), workers)
        assert workers.log == [("", "full", ["stock", "ours"])]
        (found,) = document["cases"]
        assert found["builds"].keys() == {"pure"}
        assert found["builds"]["pure"]["absent"] == {}

    def test_document(self) -> None:
        """The document says what was measured, how, and on what."""
        document, _ = measured(Plan([CASE], ["ext"], 3, False, "the command"), Workers())
        assert (document["format"], document["package"], document["version"]) == (1, "twisted_basic_ng", __version__)
        assert (document["command"], document["rounds"]) == ("the command", 3)
        assert document["seconds"] >= 0
        assert "twisted" in document["versions"]
        assert document["date"].endswith("+00:00")
        assert json.loads(json.dumps(document)) == document

    def test_refused(self) -> None:
        """If a worker refuses to run, an error has its reason."""
        with pytest.raises(WorkError, match="under the swap"):
            measured(Plan([CASE], [""], 1, False, ""), Workers(refused="under the swap"))

    def test_otherBuild(self) -> None:
        """If the requested build does not exist, an error says which one does."""
        with pytest.raises(WorkError, match="the ext build is not there, only the pure one"):
            measured(Plan([CASE], ["ext"], 1, False, ""), Workers(build="pure"))


class TestStarted:
    """Tests for the build of a worker."""

    def test_pure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The pure build runs, whatever the environment says."""
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", "")
        with started("pure") as worker:
            assert json.loads(worker("")) == {"build": "pure"}

    def test_compiled(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The compiled build runs, if it exists."""
        pytest.importorskip("twisted_basic_ng._accelerate.framing_ext", reason="the compiled build is not there")
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", "1")
        with started("ext") as worker:
            assert json.loads(worker("")) == {"build": "ext"}

    def test_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a build given, the worker runs on that of this process."""
        monkeypatch.setenv("TWISTED_BASIC_NG_PURE", "1")
        with started("") as worker:
            assert json.loads(worker("")) == {"build": "pure"}
