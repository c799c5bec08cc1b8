"""
What applications change, as vocabularies of scripts for the receivers: what their callbacks do, and what is done
between chunks.
"""

from __future__ import annotations

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

#: How many callbacks in turn do the same.
TIMES = [1, 1, 1, 2, 10, 100]

#: The kinds that can be paused.
PAUSED = ("LineReceiver", *STRINGS)

#: Where each keeps what is left.
LEFT = {"LineReceiver": "_buffer", "LineOnlyReceiver": "_buffer", "NetstringReceiver": "_remainingData"}

Strategy = st.SearchStrategy[Any]


def _some(*strategies: Strategy) -> Strategy:
    return st.one_of(st.none(), *strategies)


def _sets(kind: str) -> list[tuple[str, Any]]:
    """What may be set, on the instance or on its class."""
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
    """How strings of C{kind} say their length."""
    return str(getattr(stock, kind).structFormat)


def _variants(kind: str) -> list[str]:
    """The classes that an instance of C{kind} may become one of."""
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
    """Bytes are no C{bytes}."""
    form = st.sampled_from(["bytearray", "memoryview"])
    feed = st.tuples(st.just("feed"), form, data)
    if kind not in LINES:
        return st.none(), feed
    delimiter = st.tuples(st.just("assign"), st.just("delimiter"), form, st.sampled_from(DELIMITERS))
    return delimiter, st.one_of(feed, delimiter)


def _left(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """What is left is replaced; the difference C{assigned} is about what does not occur here."""
    name = LEFT.get(kind, "recvd")
    assign = st.tuples(st.just("assign"), st.just(name), st.just("bytes"), data)
    reassign = st.tuples(st.just("reassign"), st.just(name), st.integers(0, 3))
    both = st.one_of(assign, reassign)
    if kind == "LineReceiver":
        clear = st.just(("clearLineBuffer",))
        return st.one_of(both, clear), st.one_of(both, clear)
    return (st.none(), both) if kind == "LineOnlyReceiver" else (both, st.none())


def _offsets(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """Where the bytes that are left begin, in those that Twisted's keeps: it decides that anew with each chunk."""
    if kind not in STRINGS:
        return st.none(), st.none()
    offset = st.tuples(st.just("set"), st.just("_compatibilityOffset"), st.integers(0, 5))
    return offset, offset


def _copies(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    hows = [*range(6), "deepcopy", *(["copy"] if kind != "NetstringReceiver" else [])]  # it shares a file with its copy
    pause = st.just(("pauseProducing",)) if kind in PAUSED else st.none()
    return pause, st.one_of(st.sampled_from(hows).map(lambda how: ("copy", how)), _drains(kind))


def _busy(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """
    The application says whether a delivery is going on.

    No callback denies it: what arrives would then be delivered within the delivery, which is the difference
    C{reentered}.
    """
    if kind != "LineReceiver":
        return st.none(), st.none()
    isBusy = st.just(("set", "_busyReceiving", True))
    return isBusy, st.one_of(isBusy, st.just(("set", "_busyReceiving", False)))


def _drains(kind: str) -> Strategy:
    return st.tuples(st.just("drain"), st.sampled_from([1, 2, 99, 9999])) if kind in PAUSED else st.none()


def _pauses(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    if kind not in PAUSED:
        return st.none(), st.none()
    pause = st.just(("pauseProducing",))
    inside = [pause, pause, st.just(("set", "paused", True)), st.just(("stopProducing",))]
    if kind == "LineReceiver":
        inside += [st.just(("resumeProducing",)), st.just(("return", 1))]
    return st.one_of(inside), st.one_of(pause, _drains(kind))


def _transports(kind: str, data: Strategy) -> tuple[Strategy, Strategy]:
    """The connection is told to close, or another one takes its place; more comes all the same."""
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
    """Raw mode and back, and what re-enters."""
    if kind != "LineReceiver":
        return st.none(), st.none()
    mode = st.sampled_from([("setRawMode",), ("setLineMode",), ("return", 1)])
    back = st.one_of(data, st.just(b"x")).map(lambda extra: ("setLineMode", extra))
    again = data.map(lambda more: ("dataReceived", more))
    return st.one_of(mode, mode, back, again), st.sampled_from([("setRawMode",), ("setLineMode",)])


VOCABULARIES = {
    "busy": _busy,
    "forms": _forms,
    "hooks": _hooks,
    "left": _left,
    "modes": _modes,
    "pauses": _pauses,
    "set": _set,
    "transports": _transports,
}


def _long(kind: str, delimiter: bytes) -> Strategy:
    """A message that is longer than the chunks that it comes in."""
    sizes = st.integers(10, 60)
    if kind in LINES:
        return sizes.map(lambda size: b"ab" * size + delimiter)
    if kind == "NetstringReceiver":
        return sizes.map(lambda size: b"%d:%b," % (2 * size, b"ab" * size))
    return sizes.map(lambda size: pack(formatOf(kind), size) + (b"ab" * size)[:size])


@st.composite
def scripts(draw: Any, *names: str, brought: bool = False) -> Case:
    """
    Make a script of some vocabularies.

    @param brought: whether the application brings along the C{dataReceived} of Twisted's receiver.
    """
    kind = draw(st.sampled_from([*LINES, *STRINGS] if brought else KINDS))
    delimiter = draw(st.sampled_from(DELIMITERS))
    piece = frames(kind, delimiter if kind in LINES else b"ab")
    more = st.one_of(piece, piece, piece, _long(kind, delimiter))
    inside, between = zip(*(VOCABULARIES[name](kind, piece) for name in names), strict=True)
    lead = draw(st.sampled_from([0, 0, 2, 9, 40, 700]))
    good = {"LineReceiver": b"ab" + delimiter, "LineOnlyReceiver": b"ab" + delimiter, "NetstringReceiver": b"2:ab,"}
    plain = good.get(kind) or pack(formatOf(kind), 2) + b"ab"
    data = plain * lead + b"".join(draw(st.lists(more, max_size=10)))
    steps: list[Any] = []
    for chunk in cut(data, draw(st.lists(st.integers(0, 300), max_size=8))):
        steps.append(chunk)
        done = draw(_some(*between))
        if done is not None:
            steps.append(done)
    actions = [None] * draw(st.integers(0, lead))
    for action, times in draw(st.lists(st.tuples(_some(*inside), st.sampled_from(TIMES)), max_size=8)):
        actions += [action] * times
    chosen: dict[str, Any] = {"delimiter": delimiter} if kind in LINES else {}
    chosen["MAX_LENGTH"] = draw(st.sampled_from([5, 99, 99]))
    if brought:
        chosen["dataReceived"] = getattr(stock, kind).dataReceived
    return Case(kind, chosen, draw(st.booleans()), steps, actions, draw(st.booleans()))
