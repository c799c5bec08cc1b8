"""
Whatever an application's code raises, wherever it is called, each call ends once and nothing is
left.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from twisted.internet.error import ConnectionLost

from tests.differential.amp_driver import quiet
from tests.helpers import examples, isThorough

from .hooks import Aborted, Conversation, Plan, Planned
from .promises import OURS, PATIENT, Modules, alike, require

#: The conversations.
SCENES: dict[str, Callable[[Conversation], object]] = {
    "fast": lambda talk: [talk.work(0, "Fast", how) for how in ("value", "declared", "two", "later", "value")],
    "full": lambda talk: [talk.work(0, "Full", how) for how in ("value", "declared", "later", "value")],
    "notes": lambda talk: [talk.note(0), talk.string(0), talk.note(1), talk.work(1, "Fast", "value")],
    "undeclared": lambda talk: [talk.work(0, "Fast", "later"), talk.work(0, "Fast", "undeclared")],
    "tls": lambda talk: [talk.work(0, "Fast", "later"), talk.secure(0), talk.work(0, "Fast", "value")],
    "tlsOfBoth": lambda talk: [talk.work(1, "Fast", "later"), talk.secure(1), talk.secure(0)],
    "switch": lambda talk: [talk.work(0, "Fast", "later"), talk.switch(0, True), talk.work(0, "Fast", "value")],
    "noSwitch": lambda talk: [talk.switch(0, False), talk.work(1, "Full", "value")],
    "descriptors": lambda talk: [talk.passOn(0), talk.work(0, "Fast", "value")],
    "cancelled": lambda talk: [talk.work(0, "Full", "later"), talk.work(0, "Fast", "value"), talk.cancel()],
    "cancelledSwitch": lambda talk: [talk.work(0, "Fast", "later"), talk.switch(0, True), talk.cancel()],
}

#: The configurations of both ends.  Twisted's ignore the limits.
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"unknownErrorsAreFatal": False},
    "full": {"isFull": True},
    "bounded": {"MAX_ASKS_IN_PROGRESS": 1, "MAX_UNSENT_BYTES": 60, "MAX_MESSAGE_TIME": 600},
    "fullAndBounded": {"isFull": True, "MAX_ASKS_IN_PROGRESS": 2, "MAX_MESSAGE_TIME": 600},
}

#: The faults of a hook.
RAISING = ("raise", "abort")
ACTING = ("cancel", "lose", "close", "call", "bounce")

#: Hooks whose errors leave C{dataReceived}, or another method that a transport calls, as in
#: Twisted.
PASSING = {
    "End.startReceivingBoxes",
    "End.ampBoxReceived",
    "End._commandReceived",
    "End.dispatchCommand",
    "End.locateResponder",
    "Inner.dataReceived",
}


class Fault:
    """
    Something that a hook does.

    @ivar talk: the conversation it happens in.
    """

    talk: Conversation

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def __call__(self, hook: str) -> None:
        getattr(self, f"do{self.kind.title()}")(hook)

    def doRaise(self, hook: str) -> None:
        raise Planned(hook)

    def doAbort(self, hook: str) -> None:
        raise Aborted(hook)

    def doCancel(self, hook: str) -> None:
        self.talk.cancel()

    def doLose(self, hook: str) -> None:
        self.talk.lose()

    def doClose(self, hook: str) -> None:
        self.talk.wires[0].loseConnection()

    def doCall(self, hook: str) -> None:
        if self.talk.ends[0].boxSender is not None:
            self.talk.work(0, "Fast", "value")

    def doBounce(self, hook: str) -> None:
        for end in self.talk.ends:
            if end.transport is not None:
                end.pauseProducing()
                self.talk.guarded(end.resumeProducing)

    def __repr__(self) -> str:
        return self.kind


def hold(modules: Modules, say: Callable[[Conversation], object], options: str, faults: dict[int, Any]) -> Conversation:
    """Run a conversation with faults, until the connection ends."""
    talk = Conversation(modules.amp, Plan(faults), OPTIONS[options])
    for each in faults.values():
        each.talk = talk
    talk.begin()
    if len(talk.connected) == 2:
        say(talk)
        talk.move()
        talk.answer(1)
        talk.answer(0)
        talk.move()
    talk.finish()
    return talk


def passed(talk: Conversation) -> set[str]:
    """
    The hooks whose errors left a method that a transport calls.  Any other error there is wrong.
    """
    amp = talk.amp
    found = set()
    for error in talk.raised:
        if isinstance(error, (Planned, Aborted)):
            found.add(error.hook.removesuffix(" done"))
        else:
            documented = isinstance(error, (amp.NoEmptyBoxes, KeyError, ConnectionLost, amp.ProtocolSwitched))
            require(documented, f"nothing but what is documented, not {error!r}")
    return found


def check(talk: Conversation) -> None:
    """Require that each call has ended once, and that nothing is left."""
    require([len(each) for each in talk.calls] == [1] * len(talk.calls), f"each ends once: {talk.calls}")
    require(talk.clock.getDelayedCalls() == [], "no timer is left")
    for end, _ in talk.connected:
        require(end.told == 1, "each end is told once")
        require(not end._outstandingRequests, "nothing is waited for")
        require(not end._descriptors, "no descriptor is left")


def openDescriptors() -> int:
    """How many open descriptors of this process refer to the file that is passed."""
    passedOn = os.stat(os.devnull)
    return sum(os.path.samestat(passedOn, _stat(int(each))) for each in os.listdir("/dev/fd"))


def _stat(descriptor: int) -> os.stat_result:
    try:
        return os.fstat(descriptor)
    except OSError:  # it was that of the directory
        return os.stat("/")


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Log nothing, not even the unhandled errors of collected Deferreds."""
    with quiet():
        yield
        gc.collect()


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("scene", SCENES)
class TestEachHook:
    """In each conversation, one hook after the other fails once."""

    def test_ours(self, scene: str, options: str) -> None:
        """Each call ends, and errors leave C{dataReceived} only where they do in Twisted."""
        say, before = SCENES[scene], openDescriptors()
        sound = hold(OURS, say, options, {})
        check(sound)
        assert passed(sound) == set()
        kinds = (*RAISING, *ACTING)
        for place in range(len(sound.plan.trace)):
            # All faults if there is time, else a different one at each place.
            for kind in kinds if isThorough() else (RAISING[place % 2], ACTING[place % 5]):
                talk = hold(OURS, say, options, {place: Fault(kind)})
                check(talk)
                assert passed(talk) <= (PASSING if kind in RAISING else set()), (place, kind, talk.plan.trace)
        assert openDescriptors() == before


class TestPassing:
    """The same errors leave C{dataReceived} as in Twisted."""

    @alike
    def test_passing(self, modules: Modules) -> None:
        """Exactly the listed hooks pass their errors on."""
        found: set[str] = set()
        for options in ("plain", "full"):
            for say in SCENES.values():
                count = len(hold(modules, say, options, {}).plan.trace)
                for place in range(count):
                    found |= self.passedAt(modules, say, options, place)
        assert found == PASSING

    def passedAt(self, modules: Modules, say: Any, options: str, place: int) -> set[str]:
        """The hooks whose errors are passed on if the one at C{place} raises."""
        try:
            return passed(hold(modules, say, options, {place: Fault("raise")}))
        except AttributeError:
            assert modules is PATIENT  # a descriptor cannot be sent over a lost connection
            return set()


#: The actions that may happen at any time.
WORDS: dict[str, Callable[[Conversation], object]] = {
    **{
        f"{command} {how}": lambda talk, command=command, how=how: talk.work(0, command, how)  # type: ignore[misc]
        for command in ("Fast", "Full")
        for how in ("value", "declared", "two", "undeclared", "later")
    },
    "answering": lambda talk: talk.work(1, "Fast", "later"),
    "note": lambda talk: talk.note(0),
    "string": lambda talk: talk.string(1),
    "secure": lambda talk: talk.secure(0),
    "secureOther": lambda talk: talk.secure(1),
    "switch": lambda talk: talk.switch(0, True),
    "noSwitch": lambda talk: talk.switch(1, False),
    "pass": lambda talk: talk.passOn(1),
    "cancel": lambda talk: talk.cancel(),
    "answer": lambda talk: [talk.answer(side) for side in (0, 1)],
    "move": lambda talk: talk.move(),
    "moveOne": lambda talk: [talk.deliver(0), talk.deliver(1)],
}


class TestAny:
    """Several hooks fail during random actions."""

    @settings(max_examples=examples(300))
    @given(
        st.lists(st.sampled_from(sorted(WORDS)), max_size=12),
        st.dictionaries(st.integers(0, 150), st.sampled_from([*RAISING, *ACTING]), max_size=4),
        st.sampled_from(sorted(OPTIONS)),
    )
    def test_any(self, words: list[str], faults: dict[int, str], options: str) -> None:
        """Each call ends once."""
        before = openDescriptors()
        talk = hold(
            OURS,
            lambda talk: [WORDS[word](talk) for word in words],
            options,
            {place: Fault(kind) for place, kind in faults.items()},
        )
        check(talk)
        assert passed(talk) <= PASSING
        assert openDescriptors() == before
