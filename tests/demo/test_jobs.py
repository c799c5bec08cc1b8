"""Tests for L{twisted_basic_ng._demo._jobs}."""

from __future__ import annotations

import pytest

from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng._demo._jobs import JOBS, Asker, Receiving, digest


class TestJobs:
    """Each job sends what its receiver counts."""

    @pytest.mark.parametrize("name", list(JOBS))
    def test_inMemory(self, name: str) -> None:
        """All of it arrives, is timed and is answered with its digest."""
        job = JOBS[name]
        amount = 1000
        receiver = job.receiver(amount)
        asker = Asker(job.load(amount))
        connection = connectInMemory(asker, receiver, 700)
        connection.flush()
        assert asker.done.called
        assert receiver.done.called
        assert len(receiver.messages) == (amount if job.unit == "messages" else 1)
        assert digest(receiver.messages).encode() in b"".join(asker.chunks)
        assert receiver.seconds > 0

    def test_rate(self) -> None:
        """A rate is in messages, or in MiB, a second."""
        assert JOBS["lines"].rate(10, 2) == 5
        assert JOBS["file"].rate(4 << 20, 2) == 2

    def test_boundaries(self) -> None:
        """A digest tells where messages end."""
        assert digest([b"ab", b"c"]) != digest([b"a", b"bc"])
        assert digest([]) == digest([])

    def test_answer(self) -> None:
        """A receiver says how it answers."""
        with pytest.raises(NotImplementedError):
            Receiving(1).answer(b"")

    def test_sends(self) -> None:
        """The asking end sends in large pieces, as a pull producer."""
        transport = RecordingTransport().connect(Asker(b"x"))
        assert transport.events == [("registerProducer", False)]
