"""Large values, cancelling and leaving keep the promises against a hostile peer."""

from __future__ import annotations

import gc
import tracemalloc
import weakref
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, connectInMemory, examples
from twisted_basic_ng import amp

from .boxes import box
from .promises import Modules, differs, require

#: A question that offers all features, and asks for ours.
QUESTION = box(_ask=b"q", _command=b"_extensions", offers=b"\0\4more\0\6cancel\0\5leave")


class Wait(amp.Command):
    """A command whose responder waits."""

    arguments = [(b"data", amp.String(optional=True))]
    response = [(b"data", amp.String(optional=True))]


class End(amp.AMP):
    """An end with all features switched on."""

    extended = True
    logConnections = False
    unknownErrorsAreFatal = False

    def __init__(self) -> None:
        super().__init__()
        self._ampClock = self.clock = Clock()
        self.waiting: list[Deferred[Any]] = []
        self.cancelled = 0

    @Wait.responder
    def wait(self, data: bytes | None = None) -> Any:
        if data is not None:
            return {"data": data * 100_000}
        self.waiting.append(Deferred(self.cancel))
        return self.waiting[-1]

    def cancel(self, waiting: Deferred[Any]) -> None:
        self.cancelled += 1


def connected() -> tuple[End, RecordingTransport]:
    end = End()
    return end, RecordingTransport().connect(end)


class TestLarge:
    """A large value does not affect other calls."""

    @differs
    def test_response(self, modules: Modules) -> None:
        """A response of one megabyte and the calls around it are all answered."""
        library: Any = modules.amp

        class Give(library.Command):  # type: ignore[misc]
            arguments = [(b"size", library.Integer())]
            response = [(b"data", library.String())]

        class Peer(library.AMP):  # type: ignore[misc]
            extended = True

            @Give.responder
            def give(self, size: int) -> Any:
                return {"data": b"x" * size}

        client = Peer()
        wire = connectInMemory(client, Peer())
        sizes: list[Any] = []
        for size in (1, 2**20, 2):
            call = client.callRemote(Give, size=size)
            call.addCallbacks(lambda answer: sizes.append(len(answer["data"])), sizes.append)
        wire.flush()
        require(sizes == [1, 2**20, 2], "each call is answered")


class TestParts:
    """The parts of a box together keep to the limits of one box."""

    @pytest.mark.parametrize("part", [box(_more=b""), box(_more=b"", a=b"x" * 60_000), box(_more=b"x" * 60_000)])
    def test_endless(self, part: bytes) -> None:
        """Endless parts are refused at the limit, and no more than the limit is kept."""
        end, transport = connected()
        end.MAX_BOX_LENGTH = 2**20
        end.dataReceived(QUESTION)
        sent = 0
        chunk = part * (65_536 // len(part))
        tracemalloc.start()
        try:
            while not transport.disconnecting:
                end.dataReceived(chunk)
                sent += len(chunk)
                assert sent <= 2**21
            assert tracemalloc.get_traced_memory()[1] < 6 * 2**20
        finally:
            tracemalloc.stop()
        assert isinstance(end._ampRefusal, amp.BoxTooLargeError)
        assert "1048576" in str(end._ampRefusal)

    def test_keys(self) -> None:
        """The number of keys is limited, however few each part has."""
        end, transport = connected()
        end.dataReceived(QUESTION)
        for number in range(4097):
            assert not transport.disconnecting
            end.dataReceived(box(_more=b"", **{f"k{number}": b""}))
        assert transport.disconnecting
        assert "4096" in str(end._ampRefusal)

    def test_slow(self) -> None:
        """Unfinished parts are dropped when the connection is lost."""
        end, _ = connected()
        end.dataReceived(QUESTION + box(_more=b"", a=b"x" * 60_000))
        more = end._ampExtend().feature(b"more")  # type: ignore[union-attr]
        assert more._size
        end.connectionLost(Failure(ConnectionLost()))
        assert not more._values


class TestWaiting:
    """The bytes that wait for a silent peer's answer are limited."""

    def test_answers(self) -> None:
        """
        After the limit, the peer counts as one without features: small answers are sent, large ones
        fail.
        """
        end, transport = connected()
        end.MAX_WAITING_BYTES = 10**6
        end.dataReceived(box(_ask=b"0", _command=b"Wait", data=b"x"))
        ask = box(_ask=b"1", _command=b"Wait", data=b"")
        count = 0
        while len(amp.parseString(transport.written)) == 1:
            end.dataReceived(ask)
            count += 1
            assert count * 500 < 10**6
        codes = [each.get(b"_error_code") for each in amp.parseString(transport.written)]
        assert codes == [None, b"UNKNOWN"] + [None] * count

    def test_late(self) -> None:
        """
        A late answer is not used for boxes that were sent before, and the peer may still use the
        features that we offered.
        """
        end, _ = connected()
        end.MAX_WAITING_BYTES = 0
        end.dataReceived(box(_ask=b"0", _command=b"Wait", data=b"x") + box(_ask=b"1", _command=b"Wait", data=b""))
        end.dataReceived(box(_answer=b"1", accepts=b"\0\4more"))
        assert end._ampExtensions is not None
        assert end._ampExtensions.known == frozenset()
        end.dataReceived(box(_ask=b"2", _command=b"Wait", _more=b"") + box(data=b""))


#: Boxes that a peer may send.  They use few tags, so that these collide.
TAGS = st.sampled_from([b"1", b"2", b"3", b"x"])
KEYS = st.sampled_from([b"_more", b"_cancel", b"_leave", b"_timeout", b"data", b"offers", b"accepts"])
BOXES = st.one_of(
    st.just(QUESTION),
    st.builds(lambda tag: box(_ask=tag, _command=b"Wait"), TAGS),
    st.builds(lambda tag: box(_ask=tag, _command=b"Wait", data=b"x"), TAGS),
    st.builds(lambda tag: box(_ask=tag, _command=b"Wait", _timeout=b"5"), TAGS),
    st.builds(lambda tag: box(_answer=tag, accepts=b"\0\4more\0\6cancel"), TAGS),
    st.builds(lambda tag: box(_error=tag, _error_code=b"UNHANDLED", _error_description=b""), TAGS),
    st.builds(lambda tag: box(_cancel=tag), TAGS),
    st.just(box(_leave=b"")),
    st.just(box(_more=b"", data=b"x")),
    st.dictionaries(KEYS, TAGS, max_size=3).map(lambda content: amp.AmpBox(content).serialize()),
)
STEPS = st.lists(st.one_of(BOXES, st.sampled_from(["call", "large", "cancel", "leave", "answer", "time"])), max_size=20)


class TestAnyOrder:
    """Boxes in any order leave the connection open, or end it with a documented error."""

    @settings(max_examples=examples(300), deadline=None)
    @given(STEPS)
    def test_any(self, steps: list[Any]) -> None:
        """
        Each call ends once, each responder is cancelled at most once, and nothing is kept at the
        end.
        """
        end, transport = connected()
        ends: list[list[Any]] = []
        calls: list[Any] = []
        for step in steps:
            if transport.disconnecting:
                break
            if isinstance(step, bytes):
                try:
                    end.dataReceived(step)
                except (amp.NoEmptyBoxes, amp.UnknownTagError):
                    break
            elif step == "answer":
                for each in end.waiting:
                    if not each.called:
                        each.callback({})
            elif step == "time":
                end.clock.advance(1)
            elif step == "cancel":
                for each in calls:
                    each.cancel()
            elif step == "leave":
                end.leave().addErrback(lambda failure: None)
            else:
                try:
                    calls.append(end.callRemote(Wait, data=b"x" * 70_000 if step == "large" else b""))
                except amp.TooLong:
                    assert step == "large"
                    continue
                ends.append([])
                calls[-1].addBoth(ends[-1].append)
        end.connectionLost(Failure(ConnectionLost()))
        assert [len(each) for each in ends] == [1] * len(ends)
        assert end.cancelled <= len(end.waiting)
        assert not end._ampResponding
        assert end._ampExtensions is None
        assert {each.func.__name__ for each in end.clock.getDelayedCalls()} <= {"_look"}


class TestGone:
    """Nothing is kept after the connection is lost."""

    def test_freed(self) -> None:
        """The protocol and its agreed features are freed, whatever calls were in progress."""
        end, transport = connected()
        end.callRemote(Wait, data=b"x" * 70_000).addErrback(lambda failure: None)
        end.dataReceived(box(_ask=b"1", _command=b"Wait"))
        end.leave().addErrback(lambda failure: None)
        kept = weakref.ref(end), weakref.ref(end._ampExtensions)
        end.connectionLost(Failure(ConnectionLost()))
        end.clock.advance(0)
        del end, transport
        gc.collect()
        assert [each() for each in kept] == [None, None]
