"""
The receivers of C{twisted.protocols.basic} and ours do the same, whatever an application changes, and whenever.

Each vocabulary is tried on its own, and all together.  L{intended} tells from which event on a script may differ.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings

from tests.helpers import loadStock
from twisted_basic_ng import basic as ours

from .changes import drive
from .driver import Case
from .test_basic import STRINGS
from .vocabularies import VOCABULARIES, scripts

stock = loadStock("basic")


def _refused(name: str, *more: Any) -> Any:
    """Tell what an event refuses; C{None} if nothing."""
    if name == "refused":
        return more[0]
    isHooked = name.startswith("hooked") and more[0].endswith("Exceeded")
    return more[1] if isHooked or name == "exceeded" else None


def intended(case: Case, events: list[Any]) -> int:
    """
    Tell from which of Twisted's events on ours may differ.

    These are the differences C{dropped}, C{refused} and C{halfDelimiter} of L{test_basic.DIFFERENCES}; no script has
    the others.  Nor is anything compared behind an error of Twisted's own.
    """
    for number, event in enumerate(events):
        refused = _refused(*event)
        if event[0] == "failed" or (event[0] == "after" and ("brokenPeer", 1) in event[2]):
            return number
        if refused is not None and case.kind == "LineOnlyReceiver":
            return number + refused.endswith(b"x")  # other lines may end with half a delimiter
        if event[0] == "refused" or (refused is not None and case.kind in STRINGS):
            return number + 1
    return len(events)


def check(case: Case) -> None:
    """Drive both; they do the same, and ours comes to an end in any case."""
    expected, got = drive(stock, case), drive(ours, case)
    end = intended(case, expected)
    assert got[:end] == expected[:end]
    assert ("failed", "Endless") not in got


#: How many scripts to try of each vocabulary, all kinds together.
EXAMPLES = 2 * settings().max_examples

#: Each vocabulary with each kind of receiver that has it; the sizes of lengths are much the same.
EACH = [
    (name, kind)
    for name, (_, kinds) in VOCABULARIES.items()
    for kind in kinds
    if kind not in ("Int8StringReceiver", "Int32StringReceiver")
]


class TestVocabularies:
    """The same script, the same events."""

    @pytest.mark.parametrize(("name", "kind"), EACH)
    def test_each(self, name: str, kind: str) -> None:
        """Any script of one vocabulary."""

        @settings(max_examples=EXAMPLES // 4)
        @given(scripts(name, kinds=[kind]))
        def run(case: Case) -> None:
            check(case)

        run()

    @settings(max_examples=EXAMPLES)
    @given(scripts(*VOCABULARIES))
    def test_all(self, case: Case) -> None:
        """Any script of all vocabularies."""
        check(case)

    @settings(max_examples=EXAMPLES)
    @given(scripts(*VOCABULARIES, brought=True))
    def test_brought(self, case: Case) -> None:
        """The same if the application brings its own C{dataReceived}, a copy of Twisted's."""
        check(case)


class TestDriver:
    """The driver sees what it is for."""

    def test_endless(self) -> None:
        """A receiver that calls back for ever is stopped."""

        class Endless(stock.LineReceiver):  # type: ignore[misc, name-defined]
            def dataReceived(self, data: bytes) -> None:
                while True:
                    self.lineReceived(data)

        module: Any = SimpleNamespace(LineReceiver=Endless)
        assert drive(module, Case("LineReceiver", {}, False, [b"a"], []))[-1] == ("failed", "Endless")

    def test_copies(self) -> None:
        """A copy goes on behind what it had, with other bytes than the first one."""
        steps = [b"a", ("copy", "copy"), b"a\r\n"]
        events = drive(stock, Case("LineReceiver", {}, False, steps, [], False))
        assert [event[1:3] for event in events if event[0] == "line"] == [("first", b"aa"), ("copy 1", b"ac")]

    def test_reused(self) -> None:
        """The buffer of a chunk is used for something else afterwards."""
        events = drive(stock, Case("LineReceiver", {}, False, [("feed", "memoryview", b"a\r"), b"\n"], [], False))
        assert ("line", "first", b"a", []) in events
