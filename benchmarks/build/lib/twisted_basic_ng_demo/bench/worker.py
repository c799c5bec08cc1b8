"""
The program that measures: it does rounds of a case for its parent, on the build that its
environment selects.

It first prints its build, or why it cannot measure, as JSON.  Then it answers each line, which
names a case and some sides as JSON, with the seconds that each side took.  The sides run one after
another.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import IO, Any

from .cases import CASES
from .sides import Case, Run, WorkError, whySwapped

__all__ = ["Worker", "main"]


class Worker:
    """Keeps the sides of a case ready between its rounds."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._case = ""
        self._runs: dict[str, Run] = {}
        self._failed: dict[str, str] = {}
        self._direction = 1

    def close(self) -> None:
        """Close the prepared sides."""
        self._stack.close()

    def play(self, case: Case, names: Sequence[str]) -> dict[str, Any]:
        """
        Do one round; alternate the order of the sides, so that no side always runs second.

        @return: C{seconds}, by the name of a side; and C{failed}, the messages of the sides that
            have failed, by name.
        """
        if self._case != case.name:
            self._prepare(case, names)
        seconds = {}
        turns = list(self._runs.items())[:: self._direction]
        self._direction = -self._direction
        for name, run in turns:
            gc.collect()
            try:
                seconds[name] = run()
            except WorkError as error:
                self._failed[name] = str(error)
                del self._runs[name]
        return {"seconds": seconds, "failed": self._failed}

    def _prepare(self, case: Case, names: Sequence[str]) -> None:
        self._stack.close()
        self._case, self._runs, self._failed, self._direction = case.name, {}, {}, 1
        for side in case.sides:
            if side.name in names:
                try:
                    run = self._stack.enter_context(side.opened())
                    # The first run takes longer, and is not measured.
                    run()
                    self._runs[side.name] = run
                except WorkError as error:
                    self._failed[side.name] = str(error)


def main(questions: IO[str], output: IO[str]) -> None:
    """Answer until there are no more questions."""

    def say(what: dict[str, Any]) -> None:
        print(json.dumps(what), file=output, flush=True)

    refused = whySwapped()
    if refused:
        say({"refused": refused})
        return
    from twisted_basic_ng._accelerate import build

    say({"build": build})
    cases = {case.name: case for case in CASES}
    with closing(Worker()) as worker:
        for line in questions:
            asked = json.loads(line)
            say(worker.play(cases[asked["case"]], asked["sides"]))


if __name__ == "__main__":
    main(sys.stdin, sys.stdout)
