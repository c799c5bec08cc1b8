"""Deadlines and keepalive keep the promises against a hostile peer."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport, deliveries
from twisted_basic_ng import amp

from .boxes import box


class Wait(amp.Command):
    """A command whose responder waits."""

    response = [(b"number", amp.Integer())]


class End(amp.AMP):
    """An end with all features switched on."""

    extended = True
    logConnections = False
    KEEPALIVE_INTERVAL = 10

    def __init__(self) -> None:
        super().__init__()
        self._ampClock = self.clock = Clock()
        self.waiting: list[Deferred[Any]] = []
        self.deadlines: list[float | None] = []

    @Wait.responder
    def wait(self) -> Any:
        call = amp.currentCall()
        assert call is not None
        self.deadlines.append(call.deadline)
        self.waiting.append(Deferred())
        return self.waiting[-1]


def connected() -> tuple[End, RecordingTransport]:
    end = End()
    return end, RecordingTransport().connect(end)


class TestDeadlines:
    """A peer cannot do harm with deadlines, or with answers to calls that have them."""

    @pytest.mark.parametrize(
        "value", [b"", b"-1", b"1e9", b"nan", b"inf", b"0x10", b"1_0", b" 1", b"\xb2", b"1" * 16, b"9" * 65535]
    )
    def test_noNumber(self, value: bytes) -> None:
        """A malformed number of milliseconds is ignored, in any chunks.  Nothing raises."""
        data = box(_command=b"Wait", _ask=b"1", _timeout=value)
        for chunks in [[data]] if len(data) > 1000 else deliveries(data):
            end, _ = connected()
            for each in chunks:
                end.dataReceived(each)
            assert end.deadlines == [None]
            assert len(end.clock.getDelayedCalls()) == 1

    def test_doubled(self) -> None:
        """The last value of a repeated key counts, as for every key."""
        end, _ = connected()
        head, tail = box(_command=b"Wait", _ask=b"1", _timeout=b"5000")[:-2], box(_timeout=b"2000")
        end.dataReceived(head + tail)
        assert end.deadlines == [2.0]

    def test_many(self) -> None:
        """
        A thousand calls with deadlines leave nothing after they have passed or the connection is
        lost.
        """
        for isLost in (False, True):
            end, transport = connected()
            for tag in range(1000):
                end.dataReceived(box(_command=b"Wait", _ask=b"%d" % tag, _timeout=b"%d" % (500 + tag)))
            if isLost:
                end.connectionLost(Failure(ConnectionLost()))
                assert end.clock.getDelayedCalls() == []
                assert not any(each.called for each in end.waiting)
            else:
                end.clock.advance(2)
                answers = amp.parseString(transport.written)
                assert [each[b"_error_code"] for each in answers] == [b"DEADLINE"] * 1000
                assert all(each.called for each in end.waiting)
            assert not end._ampResponding

    @pytest.mark.parametrize("code", [b"DEADLINE", b"", b"\xff", None])
    def test_answers(self, code: bytes | None) -> None:
        """Each call ends once, whether the peer answers in time, late, or twice."""
        for isLate in (False, True):
            end, _ = connected()
            results: list[Any] = []
            end.callRemoteWithin(1, Wait).addBoth(results.append)
            if isLate:
                end.clock.advance(1)
            answer = (
                box(_answer=b"1", number=b"x")
                if code is None
                else box(_error=b"1", _error_code=code, _error_description=b"")
            )
            end.dataReceived(answer)
            (result,) = results
            assert isinstance(result, Failure)
            assert bool(result.check(amp.DeadlineError)) is (isLate or code == b"DEADLINE")
            with pytest.raises(amp.UnknownTagError):
                end.dataReceived(answer)
            assert end._outstandingRequests == {}
            assert end._ampCancelledRequests is None


class TestKeepalive:
    """
    A silent peer is dropped, and nothing is kept of its connection.  A peer that sends single bytes
    is asked once.
    """

    def test_dribbling(self) -> None:
        """A peer that sends a byte now and then and answers nothing is sent one question."""
        end, transport = connected()
        for each in (box(_command=b"Wait", _ask=b"1", load=b"x" * 200) * 2)[:200]:
            end.clock.advance(15)
            end.dataReceived(bytes([each]))
        questions = [each for each in amp.parseString(transport.written) if each.get(b"_command") == b"_ping"]
        assert len(questions) == 1
        assert len(end._ampCancelledRequests or ()) == 1

    def test_nothingKept(self) -> None:
        """Nothing keeps a connection in memory after it has ended, however it ended."""
        for isSilent in (False, True):
            end, transport = connected()
            clock = end.clock
            call = end.callRemoteWithin(100, Wait)
            errors: list[Any] = []
            call.addErrback(lambda failure, errors=errors: errors.append(failure.type))
            end.dataReceived(box(_command=b"Wait", _ask=b"1", _timeout=b"90000"))
            if isSilent:
                for _ in range(25):
                    clock.advance(1)
                assert transport.aborted
            end.connectionLost(Failure(ConnectionLost()))
            assert errors == [amp.SilentPeerError if isSilent else ConnectionLost]
            assert clock.getDelayedCalls() == []
            gone = weakref.ref(end), weakref.ref(transport)
            del end, transport
            gc.collect()
            assert [each() for each in gone] == [None, None]
