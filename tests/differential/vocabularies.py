"""
The changes that applications make, as vocabularies for scripts: the actions of callbacks, and the
actions between chunks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from struct import pack
from typing import Any

from hypothesis import strategies as st

from tests.helpers import loadStock

from .changes import VARIANTS
from .driver import Case
from .test_basic import KINDS, LINES, STRINGS, cut, frames

__all__ = ["VOCABULARIES", "scripts"]

stock = loadStock("basic")

DELIMITERS = [b"\r\n", b"\n", b"aa", b"aba"]
ANY_DELIMITER = st.sampled_from(DELIMITERS)

#: How many consecutive callbacks execute the same action.
TIMES = [1, 1, 1, 2, 10, 100]

#: The kinds of receivers, weighted by how much of them can change.
LIKELY = (*["LineReceiver"] * 4, *["Int16StringReceiver"] * 2, *KINDS)

#: The kinds that can be paused.
PAUSED = ("LineReceiver", *STRINGS)

#: The attribute in which each kind keeps its undelivered bytes.
LEFT = {"LineReceiver": "_buffer", "LineOnlyReceiver": "_buffer", "NetstringReceiver": "_remainingData"}

Strategy = st.SearchStrategy[Any]


def _some(*strategies: Strategy) -> Strategy:
    return st.one_of(st.none(), *strategies)


def _sets(kind: str) -> list[tuple[str, Any]]:
    """The attributes to set on the instance or on its class."""
    found: list[tuple[str, Any]] = [("MAX_LENGTH", 3), ("MAX_LENGTH", 99)]
    if kind in LINES:
        found += [("delimiter", each) for each in (b"b", b"ab", b"\r\n")]
    if kind in PAUSED:
        found += [("paused", True), ("paused", False)]
    if kind == "LineReceiver":
        found += [("line_mode", 0), ("line_mode", 1)]
    if kind in STRINGS:
        found += [("structFormat", formatOf(kind).replace("!", "<"))]
    return found


def formatOf(kind: str) -> str:
    """Return the format of the length prefix of C{kind}."""
    return str(getattr(stock, kind).structFormat)


def _variants(kind: str) -> list[str]:
    """The names of the classes that an instance of C{kind} may change to."""
    names = {name for name, _ in _sets(kind)} | ({"prefixLength"} if kind in STRINGS else set())
    return [name for name, own in VARIANTS.items() if own.keys() <= names]


def _become(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    action = st.sampled_from(_variants(kind)).map(lambda name: ("become", name))
    return action, action


def _setClass(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    action = st.sampled_from(_sets(kind)).map(lambda each: ("setClass", *each))
    return action, action


def _setBetween(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    limits = st.sampled_from([each for each in _sets(kind) if each[0] in ("MAX_LENGTH", "delimiter")])
    return st.none(), limits.map(lambda each: ("setClass", *each))


def _set(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    action = st.sampled_from(_sets(kind)).map(lambda each: ("set", *each))
    return action, action


def _forms(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """Bytes arrive in types other than C{bytes}."""
    form = st.sampled_from(["bytearray", "memoryview"])
    feed = st.tuples(st.just("feed"), form, data)
    if kind not in LINES:
        return st.none(), feed
    delimiter = st.tuples(st.just("assign"), st.just("delimiter"), form, st.sampled_from(DELIMITERS))
    return delimiter, st.one_of(feed, delimiter)


def _left(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """
    The undelivered bytes are replaced.  Cases that the difference C{assigned} covers are left out.
    """
    name = LEFT.get(kind, "recvd")
    assign = st.tuples(st.just("assign"), st.just(name), st.sampled_from(["bytes", "bytearray"]), data)
    reassign = st.tuples(st.just("reassign"), st.just(name), st.integers(0, 3))
    both = st.one_of(assign, reassign)
    if kind == "LineReceiver":
        delete = st.just(("delete", name))
        clear = st.just(("clearLineBuffer",))
        return st.one_of(both, delete, clear), st.one_of(both, delete, clear)
    return (st.none(), both) if kind == "LineOnlyReceiver" else (both, st.none())


def _offsets(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """
    The offset of the undelivered bytes in Twisted's buffer changes.  Twisted sets it again with
    each chunk.
    """
    offset = st.tuples(st.just("set"), st.just("_compatibilityOffset"), st.integers(0, 5))
    return offset, offset


def _copies(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    hows = [*range(6), "deepcopy", *(["copy"] if kind != "NetstringReceiver" else [])]  # a copy shares its file
    pause = st.just(("pauseProducing",)) if kind in PAUSED else st.none()
    return pause, st.one_of(st.sampled_from(hows).map(lambda how: ("copy", how)), _drains(kind))


def _busy(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """
    The application sets the flag that a delivery is in progress.

    No callback clears it, because then arriving bytes would be delivered within the delivery, which
    is the difference C{reentered}.
    """
    isBusy = st.just(("set", "_busyReceiving", True))
    return isBusy, st.one_of(isBusy, st.just(("set", "_busyReceiving", False)))


def _drains(kind: str) -> Strategy:
    return st.tuples(st.just("drain"), st.sampled_from([1, 2, 99, 9999])) if kind in PAUSED else st.none()


def _pauses(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    pause = st.just(("pauseProducing",))
    inside = [pause, pause, st.just(("set", "paused", True)), st.just(("stopProducing",))]
    if kind == "LineReceiver":
        inside += [st.just(("resumeProducing",)), st.just(("return", 1))]
    return st.one_of(inside), st.one_of(pause, _drains(kind))


def _transports(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """
    The connection starts to close, or gets another transport.  More bytes arrive all the same.
    """
    close = st.just(("transport", "loseConnection"))
    move = st.booleans().map(lambda isClosing: ("move", isClosing))
    either = st.one_of(close, move, st.just(("set", "transport", None)))
    return either, either


def _hooks(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    names = ["lineReceived", "lineLengthExceeded"] if kind in LINES else ["stringReceived", "lengthLimitExceeded"]
    if kind == "LineReceiver":
        names.append("rawDataReceived")
    hook = st.tuples(st.just("hook"), st.sampled_from(names), st.sampled_from(["instance", "class", "none"]))
    return hook, hook


def _modes(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """Raw mode and line mode alternate, and bytes arrive reentrantly."""
    mode = st.sampled_from([("setRawMode",), ("setLineMode",), ("return", 1)])
    back = st.one_of(data, st.just(b"x")).map(lambda extra: ("setLineMode", extra))
    again = data.map(lambda more: ("dataReceived", more))
    return st.one_of(mode, mode, back, again), st.sampled_from([("setRawMode",), ("setLineMode",)])


#: Each vocabulary with the kinds that have it: the actions of callbacks, and the actions between
#: chunks.
VOCABULARIES: dict[str, tuple[Callable[[str, Strategy], tuple[Strategy, Strategy]], Sequence[str]]] = {
    "become": (_become, KINDS),
    "busy": (_busy, ("LineReceiver",)),
    "copies": (_copies, KINDS),
    "forms": (_forms, KINDS),
    "hooks": (_hooks, KINDS),
    "left": (_left, KINDS),
    "modes": (_modes, ("LineReceiver",)),
    "offsets": (_offsets, STRINGS),
    "pauses": (_pauses, PAUSED),
    "set": (_set, KINDS),
    "setBetween": (_setBetween, KINDS),
    "setClass": (_setClass, KINDS),
    "transports": (_transports, KINDS),
}


def _long(kind: str, delimiter: bytes) -> Strategy:
    """A message that is longer than its chunks."""
    sizes = st.integers(10, 60)
    if kind in LINES:
        return sizes.map(lambda size: b"x" * 2 * size + delimiter)
    if kind == "NetstringReceiver":
        return sizes.map(lambda size: b"%d:%b," % (2 * size, b"ab" * size))
    return sizes.map(lambda size: pack(formatOf(kind), size) + (b"ab" * size)[:size])


def _plain(kind: str, delimiter: bytes) -> bytes:
    """An ordinary message."""
    if kind in LINES:
        return b"ab" + delimiter
    return b"2:ab," if kind == "NetstringReceiver" else pack(formatOf(kind), 2) + b"ab"


#: The positions of cuts, the sizes of chunks, the numbers of messages at the beginning, and the
#: limits.
CUTS = st.lists(st.integers(0, 300), max_size=8)
SIZES = st.integers(1, 9)
LEADS = st.sampled_from([0, 0, 1, 2, 9, 9, 40, 700])
LIMITS = st.sampled_from([5, 99, 199])


def _chunks(draw: Any, lead: bytes, data: bytes) -> list[bytes]:
    """
    Cut C{data} anywhere, or into chunks much shorter than a message.  C{lead} is part of the first
    chunk.
    """
    if draw(st.booleans()):
        return cut(lead + data, draw(CUTS))
    size = draw(SIZES)
    first = len(lead) + draw(st.integers(0, 20))
    data = lead + data
    cuts = [first + size * number for number in range(12) if first + size * number < len(data)]
    return cut(data, [each for each in (*cuts, first) if each <= len(data)])


@cache
def _kinds(kinds: tuple[str, ...], brought: bool) -> Strategy:
    """
    Draw one of some kinds.  A netstring receiver is left out if C{dataReceived} is C{brought}
    along.
    """
    return st.sampled_from([each for each in kinds if not brought or each != "NetstringReceiver"])


@cache
def _parts(names: tuple[str, ...], kind: str, delimiter: bytes) -> tuple[Strategy, ...]:
    """
    Make the strategies of a script: its bytes, the actions between its chunks, and the repeated
    actions of its callbacks.

    Building these takes longer than driving a script, so they are cached.
    """
    piece = frames(kind, delimiter if kind in LINES else b"ab")
    does = [VOCABULARIES[name][0](kind, piece) for name in names if kind in VOCABULARIES[name][1]]
    inside, between = zip(*does, strict=True)
    messages = st.lists(st.one_of(piece, piece, _long(kind, delimiter)), max_size=10).map(b"".join)
    plans = st.lists(st.tuples(_some(*inside), st.sampled_from(TIMES)), max_size=8)
    return messages, _some(*between), plans


@st.composite
def scripts(draw: Any, *names: str, kinds: Sequence[str] = LIKELY, brought: bool = False) -> Case:
    """
    Make a script from some vocabularies.

    @param kinds: the names of the receivers.
    @param brought: whether the application has its own copy of Twisted's C{dataReceived}.
    """
    kind = draw(_kinds(tuple(kinds), brought))
    delimiter = draw(ANY_DELIMITER)
    messages, between, plans = _parts(names, kind, delimiter)
    lead = draw(LEADS)
    steps: list[Any] = []
    for chunk in _chunks(draw, _plain(kind, delimiter) * lead, draw(messages)):
        steps.append(chunk)
        done = draw(between)
        if done is not None:
            steps.append(done)
    actions = [None] * draw(st.integers(0, lead))
    for action, times in draw(plans):
        actions += [action] * times
    chosen: dict[str, Any] = {"delimiter": delimiter} if kind in LINES else {}
    chosen["MAX_LENGTH"] = draw(LIMITS)
    if brought:
        chosen["dataReceived"] = getattr(stock, kind).dataReceived
    return Case(kind, chosen, draw(st.booleans()), steps, actions, draw(st.booleans()))
