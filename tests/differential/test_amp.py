"""
Tests that Twisted's AMP and ours do the same with the same script.

L{DIFFERENCES} lists the deliberate differences.  Each entry says at which of Twisted's events it
begins, and has a test in L{test_amp_differences}.  All events before that are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from tests.helpers import everyCut, examples, loadStock, splits
from twisted_basic_ng import amp as ours

from .amp_driver import Case, drive

stock = loadStock("amp")


class Difference(NamedTuple):
    """
    A deliberate difference from Twisted.

    @ivar begins: takes all of Twisted's events and an index, and returns whether the difference may
        begin at that event.
    """

    name: str
    reason: str
    begins: Callable[[list[Any], int], bool]


def _isDropped(events: list[Any], index: int) -> bool:
    return events[index] == ("closing",) and events[index - 1] != ("does", "transport", "loseConnection")


def _isForged(events: list[Any], index: int) -> bool:
    """Whether the event is the result of a call that was not sent yet."""
    asked = [place for place in range(index) if events[place] == ("does", "secure")]
    started = any(event[0] == "secured" for event in events[:index])
    return bool(asked) and not started and events[index][0] == "result" and events[index][1] not in (1, 2)


def _isCrossed(events: list[Any], index: int) -> bool:
    """Whether the peer asks for TLS while this side is asking for it."""
    before = events[:index]
    return (
        events[index][0] == "secure"
        and ("does", "secure") in before
        and not any(event[0] in ("secured", "tls") for event in before)
    )


DIFFERENCES = [
    Difference(
        "raised",
        "an exception in a callback costs no box that was to be delivered, and repeats none that was",
        lambda events, index: events[index][0] == "raised",
    ),
    Difference(
        "dropped",
        "a peer that the library has dropped is heard no more",
        _isDropped,
    ),
    Difference(
        "reentered",
        "what arrives during a delivery is delivered after it",
        lambda events, index: events[index][:2] in (("does", "dataReceived"), ("does", "resumeProducing")),
    ),
    Difference(
        "plaintext",
        "what comes in plaintext behind the box that starts TLS is not parsed",
        lambda events, index: events[index][0] == "tls" and bool(events[index][1]),
    ),
    Difference(
        "twice",
        "who asks for TLS a second time is refused, and nothing is sent to ask for it",
        lambda events, index: (
            events[index] == ("secure", True)
            or (
                events[index - 1] == ("does", "secure")
                and any(each == ("does", "secure") or each[0] == "tls" for each in events[: index - 1])
            )
        ),
    ),
    Difference(
        "crossed",
        "where both sides ask for TLS at once the connection is closed",
        _isCrossed,
    ),
    Difference(
        "refused",
        "a connection whose peer refuses TLS is closed",
        lambda events, index: events[index][0] == "secured" and events[index][2],
    ),
    Difference(
        "forged",
        "an answer in plaintext to what waits for TLS to be sent is none",
        _isForged,
    ),
    Difference(
        "limit",
        "where TLS starts a key may have 255 bytes, whatever an application has set before",
        lambda events, index: (
            events[index][0] == "tls" and any(each[:3] == ("does", "set", "MAX_LENGTH") for each in events[:index])
        ),
    ),
]


def begins(events: list[Any]) -> int:
    """Return the index of Twisted's first event at which a difference may begin."""
    places = (index for index in range(len(events)) if any(each.begins(events, index) for each in DIFFERENCES))
    return next(places, len(events))


def check(case: Case) -> None:
    """Drive both implementations.  They do the same until a difference begins."""
    expected, got = drive(stock, case), drive(ours, case)
    place = begins(expected)
    assert got[:place] == expected[:place]
    assert place < len(expected) or len(got) == place


# The strategies for scripts.


def box(*pairs: bytes) -> bytes:
    """Return a box with alternating keys and values, in this order."""
    return b"".join(len(each).to_bytes(2, "big") + each for each in pairs) + b"\0\0"


SMALL = st.sampled_from([b"", b"a", b"bc", b"\0", b"\0\0"])
GARBAGE = [b"\0", b"\0\0", b"\0\1", b"\1", b"\1\0", b"\0\1a\0\1", b"\xff\xff"]

anyBox = st.lists(st.tuples(SMALL.filter(bool), SMALL), max_size=3).map(lambda pairs: box(*sum(pairs, ())))

TAGS = st.sampled_from([b"1", b"2", b"3", b"zz"])
CALLS = st.sampled_from(["act", "act", "act", "string", "change", "StartTLS", "nobody", "answer", "error", "odd"])
NUMBERS = st.sampled_from([[], [b"n", b"5"], [b"n", b"five"]])
CODES = st.sampled_from([b"UNKNOWN", b"UNHANDLED", b"OWN", b"\xff"])
ODD = st.sampled_from([box(), box(b"_error"), box(b"a", b"b"), *GARBAGE])


@st.composite
def callBoxes(draw: Any) -> bytes:
    """A box of a conversation, well-formed or nearly so."""
    kind = draw(CALLS)
    tag = draw(TAGS)
    number = draw(NUMBERS)
    if kind == "answer":
        return box(b"_answer", tag, *number)
    if kind == "error":
        return box(b"_error", tag, b"_error_code", draw(CODES), b"_error_description", b"text\xff")
    if kind == "odd":
        odd: bytes = draw(ODD)
        return box(b"_error", tag) if odd == box(b"_error") else odd
    asked = [b"_ask", tag] if draw(st.booleans()) else []
    return box(*asked, b"_command", kind.encode(), *number)


#: The strategies for chunks.  Building a strategy takes longer than driving a script, so each is
#: built once.
PIECES = {"boxes": st.one_of(anyBox, anyBox, anyBox, st.sampled_from(GARBAGE)), "calls": callBoxes()}
MESSAGES = {kind: st.lists(piece, max_size=8).map(b"".join) for kind, piece in PIECES.items()}
CUTS = st.lists(st.integers(0, 200), max_size=6)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut C{data} at C{cuts}, modulo its length."""
    places = sorted({each % (len(data) + 1) for each in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


@cache
def actions(kind: str) -> st.SearchStrategy[Any]:
    """The actions of an application in a callback and between chunks."""
    common = [
        *(st.none(), st.none(), st.none()),
        st.just(("raise",)),
        st.tuples(st.just("dataReceived"), PIECES[kind]),
        st.just(("transport", "loseConnection")),
        st.just(("transport", "startTLS")),
        st.just(("transport", "write", b"w")),
        st.just(("pauseProducing",)),
        st.just(("resumeProducing",)),
        st.just(("switch",)),
        st.just(("lose",)),
        st.tuples(st.just("set"), st.just("MAX_LENGTH"), st.sampled_from([2, 1000])),
        st.just(("set", "paused", True)),
        st.just(("set", "recvd", b"\0\1a\0\0\0\0")),
        st.just(("set", "recvd", b"\0\1")),
    ]
    if kind == "boxes":
        common += [st.just(("set", "state", "key")), st.just(("send",))]
    if kind == "calls":
        common += [
            *(
                st.just((each,))
                for each in ("hold", "hold", "declared", "fatal", "wrong", "cancel", "secure", "_lockForSwitch")
            ),
            st.tuples(st.just("release"), st.sampled_from(["value", "value", "declared", "fatal", "planned"])),
            *(st.just(("call", b"act", wants)) for wants in (True, True, False)),
        ]
    return st.one_of(common)


@cache
def between(kind: str) -> st.SearchStrategy[Any]:
    """The action between two chunks, if any."""
    return st.one_of(st.none(), actions(kind))


@cache
def plans(kind: str) -> st.SearchStrategy[list[Any]]:
    """The actions of the callbacks, in order."""
    return st.lists(actions(kind), max_size=8)


#: Actions that only a responder can execute.
RESPONSES = ("raise", "hold", "declared", "fatal", "wrong")

#: Assignments that scripts do not make between chunks.  C{state} is the parser's position in a box.
#: Twisted reads C{recvd} only with the next chunk but one, a difference that L{test_basic} tests.
ASSIGNED = [("set", "recvd"), ("set", "state")]


@st.composite
def cases(draw: Any, kind: str) -> Case:
    """A script."""
    steps: list[Any] = [("call", b"first", True), ("call", b"second", True)] if kind == "calls" else []
    for chunk in cut(draw(MESSAGES[kind]), draw(CUTS)):
        steps.append(chunk)
        action = draw(between(kind))
        if action is not None and action[0] not in RESPONSES and action[:2] not in ASSIGNED:
            steps.append(action)
    return Case(kind, steps, draw(plans(kind)), draw(st.booleans()))


class TestDifferential:
    """The same script causes the same events."""

    @settings(max_examples=examples(2000))
    @given(cases("boxes"))
    def test_boxes(self, case: Case) -> None:
        """A box receiver handles any script as Twisted's does."""
        check(case)

    @settings(max_examples=examples(2500))
    @given(cases("calls"))
    def test_calls(self, case: Case) -> None:
        """A complete AMP handles any script as Twisted's does."""
        check(case)

    @pytest.mark.parametrize(
        "data",
        [
            b"\0\1a\0\1b\0\0\0\0",
            b"\0\1a\0\0\0\1b\0\0\0\0",
            b"\0\1a\0\2bc\1\0\0",
            b"\0\0\0\0\0\1a\0\0\0",
            b"\0\2ab\0\1c\0\1\0",
        ],
    )
    def test_everyCut(self, data: bytes) -> None:
        """
        Streams of up to twelve bytes are the same in every partition.  The short random tests try
        only a few.
        """
        results = set()
        for chunks in everyCut(data):
            case = Case("boxes", list(chunks), [])
            check(case)
            events = drive(ours, case)
            results.add(repr([event for event in events if event[0] in ("box", "stop", "closing")]))
        assert len(results) == 1

    def test_everyCutOfCalls(self) -> None:
        """Asks and answers are the same however they are cut at two places."""
        data = box(b"_ask", b"1", b"_command", b"act", b"n", b"5") + box(b"_answer", b"1") + box(b"_command", b"no")
        results = set()
        for chunks in splits(data, 2):
            case = Case("calls", [("call", b"first", True), *chunks], [])
            check(case)
            results.add(repr([event for event in drive(ours, case) if event[0] in ("act", "result", "closing")]))
        assert len(results) == 1
