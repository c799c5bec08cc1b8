"""
Tests that the receivers of C{twisted.protocols.basic} and ours do the same, whatever an application
changes and whenever.

Each vocabulary of changes is tested alone, and all of them together.  L{intended} tells from which
event on a script may differ.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings

from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng import basic as ours

from .changes import drive
from .driver import Case
from .test_basic import KINDS, STRINGS
from .vocabularies import VOCABULARIES, scripts

stock = loadStock("basic")


def _refused(name: str, *more: Any) -> Any:
    """Return what an event refuses, or C{None}."""
    if name == "refused":
        return more[0]
    isHooked = name.startswith("hooked") and more[0].endswith("Exceeded")
    return more[1] if isHooked or name == "exceeded" else None


def intended(case: Case, events: list[Any]) -> int:
    """
    Return the index of Twisted's first event from which ours may differ.

    The possible differences are C{dropped}, C{refused} and C{halfDelimiter} of
    L{test_basic.DIFFERENCES}; no script shows the others.  Nothing is compared after an error of
    Twisted's own.
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
    """Drive both implementations.  They do the same, and ours always terminates."""
    expected, got = drive(stock, case), drive(ours, case)
    end = intended(case, expected)
    assert got[:end] == expected[:end]
    assert ("failed", "Endless") not in got


#: How many scripts to run for each vocabulary, over all kinds.
EXAMPLES = 2 * settings().max_examples

#: Each vocabulary with each kind of receiver that has it.  The sizes of length prefixes differ
#: little, so one is enough.
EACH = [
    (name, kind)
    for name, (_, kinds) in VOCABULARIES.items()
    for kind in kinds
    if kind not in ("Int8StringReceiver", "Int32StringReceiver")
]


@pytest.fixture(scope="class")
def unpinned() -> Iterator[None]:
    """
    Switch off the caching of attributes, which CPython 3.11 has.

    With it, an application that changes its class between two chunks would still see the cached
    attributes until the next chunk.  The table of differences says so, and
    C{tests/receiving/test_pins.py} tests it.
    """
    with ExitStack() as stack:
        for name in ("lines", "lineonly", "netstrings", "intstrings"):
            stack.enter_context(patch(f"twisted_basic_ng._receiving.{name}.PINNED", sys.maxsize))
        stack.enter_context(patch("twisted_basic_ng.amp._reading.PINNED", sys.maxsize))
        yield


@pytest.mark.usefixtures("unpinned")
class TestVocabularies:
    """The same script causes the same events."""

    @pytest.mark.parametrize(("name", "kind"), EACH)
    def test_each(self, name: str, kind: str) -> None:
        """Any script of one vocabulary causes the same events."""

        @settings(max_examples=EXAMPLES // 4)
        @given(scripts(name, kinds=[kind]))
        def run(case: Case) -> None:
            check(case)

        run()

    @settings(max_examples=EXAMPLES)
    @given(scripts(*VOCABULARIES))
    def test_all(self, case: Case) -> None:
        """Any script of all vocabularies causes the same events."""
        check(case)

    @settings(max_examples=EXAMPLES)
    @given(scripts(*VOCABULARIES, brought=True))
    def test_brought(self, case: Case) -> None:
        """
        The events are the same if the application has its own C{dataReceived}, a copy of Twisted's.
        """
        check(case)


#: The simplest script for each change.
SIMPLE = {
    "another class": Case("LineReceiver", {}, False, [b"x\r\n" * 20 + b"body"], [None] * 19 + [("become", "raw")]),
    "a delimiter of the class": Case(
        "LineReceiver", {}, True, [b"x\r\n" * 20, b"abcdef", b"ghi", ("setClass", "delimiter", b"\0"), b"j\0k\0"], []
    ),
    "a limit of the class": Case(
        "LineReceiver", {}, True, [b"x\r\n" * 20, b"abcdef", b"ghi", ("setClass", "MAX_LENGTH", 5), b"j"], []
    ),
    "a deleted buffer": Case("LineReceiver", {}, False, [b"a", ("delete", "_buffer"), b"b\r\n"], []),
    "an unfinished line, delimiter a bytearray": Case(
        "LineOnlyReceiver", {}, False, [b"a", ("assign", "delimiter", "bytearray", b"\r\n"), b"b\r\nc\r\n"], []
    ),
    "delimiter a memoryview": Case(
        "LineReceiver", {}, False, [("assign", "delimiter", "memoryview", b"\n"), b"a\nb\n"], []
    ),
    "_buffer a bytearray": Case("LineReceiver", {}, False, [("assign", "_buffer", "bytearray", b"a"), b"b\r\n"], []),
    "recvd a bytearray": Case("Int8StringReceiver", {}, False, [b"\1a\1b"], [("assign", "recvd", "bytearray", b"\1c")]),
    "_remainingData a bytearray": Case(
        "NetstringReceiver", {}, False, [b"1:a,1:b,"], [("assign", "_remainingData", "bytearray", b"1:c,")]
    ),
    "another format": Case(
        "Int16StringReceiver", {}, True, [b"\0\5abc", b"d", ("set", "structFormat", "<H"), b"", b"e"], [], False
    ),
    "an offset": Case("Int8StringReceiver", {}, False, [b"\1a\2b"], [("set", "_compatibilityOffset", 1)]),
    **{
        f"{kind}, {how if isinstance(how, str) else f'pickle {how}'}": Case(
            kind, {}, False, [start, ("copy", how), end, start, end], []
        )
        for kind, start, end in (
            ("LineReceiver", b"a", b"a\r\n"),
            ("LineOnlyReceiver", b"a", b"a\r\n"),
            ("Int16StringReceiver", b"\0\2a", b"a"),
        )
        for how in ("copy", "deepcopy", *range(6))
    },
}


@pytest.mark.usefixtures("unpinned")
class TestSimple:
    """Tests for each of the changes once, in the simplest script that has it."""

    @pytest.mark.parametrize("name", SIMPLE)
    def test_same(self, name: str) -> None:
        """Twisted's receiver does not fail, and ours does the same."""
        expected = drive(stock, SIMPLE[name])
        assert expected[-1][0] != "failed"
        assert drive(ours, SIMPLE[name]) == expected


class TestConnectionLost:
    """
    Each base class of an application learns of the connection's end, as with Twisted's receivers.
    """

    def heard(self, module: Any, kind: str, order: str) -> list[str]:
        """Return the bases whose C{connectionLost} is called, with the bases in this order."""
        heard: list[str] = []

        class Session(Protocol):
            def connectionLost(self, reason: Failure = connectionDone) -> None:
                heard.append("session")
                super().connectionLost(reason)

        class Plain:
            def connectionLost(self, reason: Failure) -> None:
                heard.append("plain")

        class Cooperative:
            def connectionLost(self, reason: Failure) -> None:
                heard.append("cooperative")
                super().connectionLost(reason)  # type: ignore[misc]

        bases = {"r": getattr(module, kind), "s": Session, "p": Plain, "c": Cooperative}
        application: Any = type("Application", tuple(bases[each] for each in order), {})()
        RecordingTransport().connect(application)
        application.dataReceived(b"1")
        application.connectionLost(Failure(ConnectionDone()))
        return heard

    @pytest.mark.parametrize("order", ["r", "rs", "sr", "rp", "pr", "cr", "crs", "csr", "rsp", "rc"])
    @pytest.mark.parametrize("kind", KINDS)
    def test_bases(self, kind: str, order: str) -> None:
        """The bases are called as in Twisted, in any order."""
        assert self.heard(ours, kind, order) == self.heard(stock, kind, order)


class TestDriver:
    """Tests for the driver itself."""

    def test_endless(self) -> None:
        """A receiver that keeps calling back is stopped."""

        class Endless(stock.LineReceiver):  # type: ignore[misc, name-defined]
            def dataReceived(self, data: bytes) -> None:
                while True:
                    self.lineReceived(data)

        module: Any = SimpleNamespace(LineReceiver=Endless)
        assert drive(module, Case("LineReceiver", {}, False, [b"a"], []))[-1] == ("failed", "Endless")

    def test_copies(self) -> None:
        """A copy continues after the bytes that it had, with different bytes than the original."""
        steps = [b"a", ("copy", "copy"), b"a\r\n"]
        events = drive(stock, Case("LineReceiver", {}, False, steps, [], False))
        assert [event[1:3] for event in events if event[0] == "line"] == [("first", b"aa"), ("copy 1", b"ac")]

    def test_reused(self) -> None:
        """The buffer of a chunk is overwritten after the delivery."""
        events = drive(stock, Case("LineReceiver", {}, False, [("feed", "memoryview", b"a\r"), b"\n"], [], False))
        assert ("line", "first", b"a", []) in events
