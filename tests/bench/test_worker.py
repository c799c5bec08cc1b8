"""Tests for L{twisted_basic_ng_demo.bench.worker}."""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import pytest

from twisted_basic_ng import _accelerate, basic
from twisted_basic_ng_demo.bench import worker as module
from twisted_basic_ng_demo.bench.children import child
from twisted_basic_ng_demo.bench.sides import Case, Run, Side
from twisted_basic_ng_demo.bench.worker import Worker, main

from .examples import CASE, case


class TestWorker:
    """Tests for rounds of all sides."""

    def test_round(self) -> None:
        """The requested sides do the work.  A side that fails is reported and left out."""
        worker = Worker()
        answer = worker.play(CASE, ["stock", "ours", "fails", "unready"])
        assert answer["seconds"] == {"stock": 1.0, "ours": 0.5}
        assert answer["failed"] == {"fails": "of no mind", "unready": "not ready"}
        assert worker.play(CASE, ["stock", "ours", "fails", "unready"]) == answer

    def test_failsLater(self) -> None:
        """A side that fails after some rounds is left out from then on."""
        lasts = iter([1.0, 2.0])

        def run() -> float:
            for seconds in lasts:
                return seconds
            raise module.WorkError("worn out")

        tiring = case("x", Side("tiring", lambda: self.opened([], "tiring", run)))
        worker = Worker()
        rounds = [worker.play(tiring, ["stock", "tiring"]) for _ in range(2)]
        assert rounds[0]["seconds"] == {"stock": 1.0, "tiring": 2.0}
        assert rounds[1] == {"seconds": {"stock": 1.0}, "failed": {"tiring": "worn out"}}

    def test_order(self) -> None:
        """
        The order of the sides is reversed in each round.  A new case begins with Twisted's side.
        """
        log: list[str] = []

        def logging(name: str) -> Side:
            def run() -> float:
                log.append(name)
                return 1.0

            return Side(name, lambda: self.opened([], name, run))

        names = ["stock", "ours", "peer"]
        one, other = (Case(name, name, "", "", 1, [logging(each) for each in names]) for name in "ab")
        worker = Worker()
        for each in (one, one, one, one, other):
            worker.play(each, names)
        # Each side runs once when it is prepared.
        there, back = names, names[::-1]
        assert log == [*names, *there, *back, *there, *back, *names, *there]

    @contextmanager
    def opened(self, log: list[str], name: str, run: Run = lambda: 1.0) -> Iterator[Run]:
        """Return a side that records when it is opened and closed."""
        log.append(f"open {name}")
        yield run
        log.append(f"close {name}")

    def test_putAway(self) -> None:
        """
        A case's sides are kept until another case begins or the end, and their first run is not
        measured.
        """
        log: list[str] = []

        def run() -> float:
            log.append("run")
            return 1.0

        def logging(name: str) -> Case:
            return Case(name, name, "", "", 1, [Side("stock", lambda: self.opened(log, name, run))])

        worker = Worker()
        for each in (logging("a"), logging("a"), logging("b")):
            worker.play(each, ["stock"])
        worker.close()
        expected = ["open a", "run", "run", "run", "close a", "open b", "run", "run", "close b"]
        assert log == expected

    def test_garbage(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each side begins without garbage of another one."""
        log: list[str] = []
        monkeypatch.setattr(gc, "collect", lambda: log.append("collect"))
        Worker().play(CASE, ["stock", "ours"])
        assert log == ["collect", "collect"]


class TestMain:
    """Tests for the program."""

    def answers(self, *questions: dict[str, Any]) -> list[dict[str, Any]]:
        """Send the questions, and return all answers."""
        output = StringIO()
        main(StringIO("".join(f"{json.dumps(each)}\n" for each in questions)), output)
        return [json.loads(line) for line in output.getvalue().splitlines()]

    def test_answers(self) -> None:
        """The first answer has the build, the second one the seconds."""
        said, answer = self.answers({"case": "serialize", "sides": ["stock", "ours"]})
        assert said == {"build": _accelerate.build}
        assert answer["failed"] == {}
        assert answer["seconds"].keys() == {"stock", "ours"}

    def test_swapped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Under the swap, the only answer is the reason for refusing."""
        monkeypatch.setitem(sys.modules, "twisted.protocols.basic", basic)
        (said,) = self.answers({"case": "serialize", "sides": ["stock"]})
        assert "nothing to compare with" in said["refused"]

    def test_process(self) -> None:
        """The worker can be run as a program."""
        with child("twisted_basic_ng_demo.bench.worker", environment={"TWISTED_BASIC_NG_PURE": "1"}) as worker:
            assert json.loads(worker("")) == {"build": "pure"}
            answer = json.loads(worker('{"case": "parse", "sides": ["ours"]}'))
        assert answer["seconds"]["ours"] > 0
