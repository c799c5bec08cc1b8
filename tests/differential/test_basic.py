"""
Tests that the receivers of C{twisted.protocols.basic} and ours do the same with the same script.

L{DIFFERENCES} lists the deliberate differences.  Each entry says which scripts it concerns, and has
a test below.  A script that none concerns causes the same events on both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings, strategies as st

from tests.helpers import everyCut, examples, loadStock
from twisted_basic_ng import basic as ours

from .driver import Case, drive

stock = loadStock("basic")

LINES = ("LineReceiver", "LineOnlyReceiver")
STRINGS = ("Int8StringReceiver", "Int16StringReceiver", "Int32StringReceiver")
KINDS = (*LINES, *STRINGS, "NetstringReceiver")


class Difference(NamedTuple):
    """
    A deliberate difference from Twisted.

    @ivar concerns: takes a script and Twisted's events, and returns whether the difference may
        show.
    """

    name: str
    reason: str
    concerns: Callable[[Case, list[Any]], bool]


def _does(case: Case, *names: str) -> bool:
    """Whether a callback of the script does one of these."""
    return any(
        action is not None and (action[0] in names or action[1:2] in [(each,) for each in names])
        for action in case.actions
    )


def _between(case: Case, *names: str) -> bool:
    """Whether the script does one of these between chunks."""
    return any(
        not isinstance(step, bytes) and (step[0] in names or step[1:2] in [(each,) for each in names])
        for step in case.steps
    )


def _droppedBefore(events: list[Any]) -> bool:
    """Whether Twisted closed the connection at some point."""
    return any(event[0] == "after" and event[2] for event in events)


DIFFERENCES = [
    Difference(
        "reentered",
        "what arrives during a delivery is delivered after it, at constant stack depth; Twisted's LineReceiver does so",
        lambda case, events: case.kind != "LineReceiver" and _does(case, "dataReceived", "resumeProducing"),
    ),
    Difference(
        "raised",
        "an exception in a callback costs nothing that was to be delivered, and repeats nothing that was",
        lambda case, events: case.kind not in ("LineReceiver", "NetstringReceiver") and _does(case, "raise"),
    ),
    Difference(
        "dropped",
        "a peer that the receiver has dropped is heard no more, and nothing of it is kept",
        lambda case, events: (not case.own or case.kind == "NetstringReceiver") and _droppedBefore(events),
    ),
    Difference(
        "refused",
        "the bytes in front of a string that is too long are not delivered again, nor shown",
        lambda case, events: case.kind in STRINGS and any(event[0] == "lengthLimitExceeded" for event in events),
    ),
    Difference(
        "halfDelimiter",
        "the beginning of a delimiter does not count as part of a line that is not complete",
        lambda case, events: (
            case.kind == "LineOnlyReceiver"
            and (_droppedBefore(events) or any(event[0] == "lineLengthExceeded" for event in events))
        ),
    ),
    Difference(
        "assigned",
        "bytes assigned to recvd or _unprocessed between two chunks are looked at at once, and cost no others",
        lambda case, events: case.kind in STRINGS and _between(case, "recvd", "_unprocessed"),
    ),
    Difference(
        "newline",
        "digits and a newline are no beginning of a netstring",
        lambda case, events: (
            case.kind == "NetstringReceiver" and b"\n" in b"".join(s for s in case.steps if isinstance(s, bytes))
        ),
    ),
]


def check(case: Case) -> None:
    """Drive both implementations.  They do the same, unless a difference concerns the script."""
    expected = drive(stock, case)
    got = drive(ours, case)
    if not _concerned(case, expected):
        if case.kind in STRINGS and (_does(case, *PAUSING) or _between(case, *PAUSING)):
            expected, got = map(withoutOffsets, (expected, got))
        assert got == expected
    elif _concerned(case, expected) == ["dropped"] and not _does(case, "loseConnection"):
        untilDropped(expected, got)
    else:
        untilDifferent(expected, got, case)


CALLBACKS = ("line", "string", "raw", "lineLengthExceeded", "lengthLimitExceeded")


def _concerned(case: Case, expected: list[Any]) -> list[str]:
    return [each.name for each in DIFFERENCES if each.concerns(case, expected)]


PAUSING = ("pauseProducing", "stopProducing", "paused")


def withoutOffsets(events: list[Any]) -> list[Any]:
    """
    Remove the attributes that say where the undelivered bytes begin.  L{drive} has compared the
    bytes themselves.

    After a pause, our receiver continues in its current buffer.  Twisted's joins that with the
    bytes that arrived in the meantime.
    """
    return [
        tuple(
            [seen for seen in part if seen[0] not in ("_unprocessed", "_compatibilityOffset")]
            if isinstance(part, list)
            else part
            for part in event
        )
        for event in events
    ]


def _callbacks(events: list[Any]) -> list[Any]:
    return [event for event in events if event[0] in (*CALLBACKS, "replaced")]


def untilDropped(expected: list[Any], got: list[Any]) -> None:
    """
    Assert that the callbacks are the same up to the chunk that dropped the peer, and that ours is
    never called again.
    """
    last = next(index for index, event in enumerate(expected) if event[0] == "after" and event[2])
    assert withoutOffsets(_callbacks(got)) == withoutOffsets(_callbacks(expected[:last]))


def untilDifferent(expected: list[Any], got: list[Any], case: Case) -> None:
    """
    Assert that the first callback is the same, unless a difference or an assignment by the script
    explains another.
    """
    first = [next((event[:2] for event in events if event[0] in CALLBACKS), None) for events in (expected, got)]
    byNature = {"dropped", "newline", "halfDelimiter"}.intersection(_concerned(case, expected))
    assert first[1] == first[0] or byNature or _between(case, "recvd", "_buffer")


# The strategies for scripts.  Building a strategy takes longer than driving a script, so each is
# built once.


@cache
def frames(kind: str, delimiter: bytes) -> st.SearchStrategy[bytes]:
    """Frames, pieces of frames, and bytes that resemble them."""
    payload = st.text("ab" + delimiter.decode("latin-1"), max_size=7).map(lambda text: text.encode("latin-1"))
    if kind in LINES:
        return st.one_of(payload.map(lambda line: line + delimiter), payload)
    if kind == "NetstringReceiver":
        good = payload.map(lambda string: b"%d:%b," % (len(string), string))
        return st.one_of(
            good, good, good, st.sampled_from([b"1", b"2:a", b":", b"1:ab", b"01:a,", b"99:", b"x", b"0:,"])
        )
    size = int(kind[3:].split("S")[0]) // 8
    good = payload.map(lambda string: len(string).to_bytes(size, "big") + string)
    return st.one_of(good, good, good, payload)


def cut(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut C{data} at C{cuts}, modulo its length."""
    places = sorted({each % (len(data) + 1) for each in cuts})
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


@cache
def actions(kind: str, data: st.SearchStrategy[bytes]) -> st.SearchStrategy[Any]:
    """The actions of an application."""
    common = [
        st.none(),
        st.none(),
        st.just(("raise",)),
        st.tuples(st.just("dataReceived"), data),
        st.tuples(st.just("set"), st.just("MAX_LENGTH"), st.integers(1, 6)),
        st.just(("transport", "loseConnection")),
        st.just(("transport", "write", b"w")),
    ]
    if kind in LINES:
        common += [
            st.tuples(st.just("set"), st.just("delimiter"), st.sampled_from([b"a", b"\r\n"])),
            st.tuples(st.just("set"), st.just("_buffer"), data),
            st.just(("replace", "lineReceived")),
            st.just(("sendLine", b"sent")),
        ]
    else:
        common += [st.just(("sendString", b"sent")), st.just(("replace", "stringReceived"))]
    if kind == "LineReceiver":
        common += [
            st.just(("setRawMode",)),
            st.just(("setLineMode",)),
            st.tuples(st.just("setLineMode"), data),
            st.just(("clearLineBuffer",)),
            st.tuples(st.just("set"), st.just("line_mode"), st.sampled_from([0, 1])),
            st.just(("return", 1)),
        ]
    if kind in STRINGS:
        common.append(st.tuples(st.just("set"), st.just("recvd"), data))
        common.append(st.just(("set", "structFormat", "<" + {"8": "B", "6": "H", "2": "I"}[kind[3:5].rstrip("S")[-1]])))
    if kind in STRINGS or kind == "LineReceiver":
        common += [
            st.just(("pauseProducing",)),
            st.just(("resumeProducing",)),
            st.just(("stopProducing",)),
            st.tuples(st.just("set"), st.just("paused"), st.booleans()),
        ]
    return st.one_of(common)


@cache
def parts(kind: str, delimiter: bytes) -> tuple[st.SearchStrategy[Any], ...]:
    """The bytes of a script, the actions between its chunks, and the actions of its callbacks."""
    piece = frames(kind, delimiter)
    action = actions(kind, piece)
    messages = st.lists(piece, max_size=8).map(b"".join)
    return messages, st.one_of(st.none(), st.none(), action), st.lists(action, max_size=8)


ANY_KIND = st.sampled_from(KINDS)
DELIMITERS = st.sampled_from([b"\r\n", b"\n", b"aa", b"aba", b"\r\n\r\n"])
CUTS = st.lists(st.integers(0, 99), max_size=6)
LIMITS = st.sampled_from([2, 5, 99])


@st.composite
def cases(draw: Any) -> Case:
    kind = draw(ANY_KIND)
    delimiter = draw(DELIMITERS)
    messages, between, plans = parts(kind, delimiter)
    steps: list[Any] = []
    for chunk in cut(draw(messages), draw(CUTS)):
        steps.append(chunk)
        action = draw(between)
        if action is not None and action[0] not in ("raise", "return", "transport"):
            steps.append(action)
    chosen: dict[str, Any] = {"delimiter": delimiter} if kind in LINES else {}
    chosen["MAX_LENGTH"] = draw(LIMITS)
    return Case(kind, chosen, draw(st.booleans()), steps, draw(plans), draw(st.booleans()))


class TestDifferential:
    """The same script causes the same events."""

    @settings(max_examples=examples(1500))
    @given(cases())
    def test_scripts(self, case: Case) -> None:
        """Any script causes the same events, up to a difference."""
        check(case)

    @pytest.mark.parametrize("kind", KINDS)
    def test_everyCut(self, kind: str) -> None:
        """
        Inputs of up to twelve bytes are the same in every partition.  The short random tests try
        only a few.
        """
        inputs = {
            "LineReceiver": (b"ab\r\n\r\nc\r\nd\r", b"toolong\r\na\r"),
            "LineOnlyReceiver": (b"ab\r\n\r\nc\r\nd",),
            "NetstringReceiver": (b"1:a,0:,2:bc,", b"1:a,03:x", b"1:a,9:"),
            "Int8StringReceiver": (b"\1a\0\2bc\3d", b"\1a\xffb"),
            "Int16StringReceiver": (b"\0\1a\0\0\0\2bc", b"\0\1a\0\xff"),
            "Int32StringReceiver": (b"\0\0\0\1a\0\0\0\2b",),
        }
        for data in inputs[kind]:
            results = set()
            for chunks in everyCut(data):
                case = Case(kind, {"MAX_LENGTH": 4}, False, list(chunks), [])
                check(case)
                events = drive(ours, case)
                results.add(repr([event[:2] for event in events if event[0] in ("line", "string")] + [events[-1][2]]))
            assert len(results) == 1


def delivered(
    module: Any, kind: str, steps: list[Any], actions: list[Any], own: bool = False, **chosen: Any
) -> list[Any]:
    """Return the arguments of the callbacks."""
    events = drive(module, Case(kind, chosen, own, steps, actions))
    return [
        event[1]
        for event in events
        if event[0] in ("line", "string", "raw", "lineLengthExceeded", "lengthLimitExceeded")
    ]


class TestDifferences:
    """Tests for each difference, on Twisted's module and on ours."""

    def both(self, *arguments: Any, **chosen: Any) -> tuple[list[Any], list[Any]]:
        return delivered(stock, *arguments, **chosen), delivered(ours, *arguments, **chosen)

    def test_names(self) -> None:
        """Each difference has a test in this class."""
        for each in DIFFERENCES:
            assert hasattr(self, f"test_{each.name}"), each.name

    def test_reentered(self) -> None:
        """
        Reentrant bytes are delivered last.  In Twisted they overtake others, or frames are
        delivered twice.
        """
        theirs, mine = self.both("LineOnlyReceiver", [b"a\r\nb\r\n"], [("dataReceived", b"c\r\n")])
        assert (theirs, mine) == ([b"a", b"c", b"b"], [b"a", b"b", b"c"])
        theirs, mine = self.both("Int8StringReceiver", [b"\1a\1b"], [("dataReceived", b"\1c")], own=True)
        assert theirs.count(b"b") > 1
        assert mine == [b"a", b"b", b"c"]

    def test_raised(self) -> None:
        """
        An exception loses or repeats nothing.  In Twisted it loses lines, or strings are delivered
        again.
        """
        assert self.both("LineOnlyReceiver", [b"a\r\nb\r\n", b"c\r\n"], [("raise",)]) == (
            [b"a", b"c"],
            [b"a", b"b", b"c"],
        )
        theirs, mine = self.both("Int8StringReceiver", [b"\1a\1b", b"\1c"], [("raise",)])
        assert (theirs, mine) == ([b"a", b"a", b"b", b"c"], [b"a", b"b", b"c"])

    def test_dropped(self) -> None:
        """Nothing from a dropped peer is delivered.  Twisted continues to deliver."""
        theirs, mine = self.both("LineReceiver", [b"toolong\r\n", b"a\r\n"], [], MAX_LENGTH=3)
        assert (theirs, mine) == ([b"a"], [])

    def test_refused(self) -> None:
        """
        Strings before a refused one are delivered once.  Twisted delivers them again with each
        further chunk.
        """
        theirs, mine = self.both("Int8StringReceiver", [b"\1a\5", b"x"], [], own=True, MAX_LENGTH=3)
        assert (theirs, mine) == ([b"a", 5, b"a", 5], [b"a", 5, 5])

    def test_halfDelimiter(self) -> None:
        """
        A line of exactly the limit is accepted if the chunk ends within its delimiter.  Twisted
        refuses it.
        """
        theirs, mine = self.both("LineOnlyReceiver", [b"abc\r", b"\n"], [], own=True, MAX_LENGTH=3)
        assert (theirs, mine) == ([b"abc\r", b"abc"], [b"abc"])

    def test_assigned(self) -> None:
        """Assigning bytes between two chunks loses no other bytes.  In Twisted it does."""
        theirs, mine = self.both("Int8StringReceiver", [("set", "recvd", b""), b"\1a\1b"], [])
        assert (theirs, mine) == ([b"a"], [b"a", b"b"])

    def test_newline(self) -> None:
        """Digits followed by a newline are refused at once.  Twisted needs another byte."""
        for module, broken in ((stock, 0), (ours, 1)):
            events = drive(module, Case("NetstringReceiver", {}, False, [b"1\n"], []))
            assert events[-1][1][0] == ("brokenPeer", broken)

    def test_noLimit(self) -> None:
        """A netstring receiver works with a limit of 0.  In Twisted it raises C{ValueError}."""
        with pytest.raises(ValueError, match=r"math domain|logarithm|expected a positive"):
            delivered(stock, "NetstringReceiver", [b"0:,"], [], MAX_LENGTH=0)
        assert delivered(ours, "NetstringReceiver", [b"0:,"], [], MAX_LENGTH=0) == [b""]
