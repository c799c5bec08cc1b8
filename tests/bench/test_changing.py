"""Tests for L{twisted_basic_ng_demo.bench.changing}."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import basic
from twisted_basic_ng_demo.bench.applications import CHANGES, Change
from twisted_basic_ng_demo.bench.changing import CHUNK, ENOUGH, Load, Transport, changing, inChunks, kept
from twisted_basic_ng_demo.bench.sides import WorkError

LINES, ONLY, TURNING = (
    next(each for each in CHANGES if each.name == name) for name in ("line-pause", "only-limit", "line-delimiter")
)


class TestLoad:
    """Tests for the chunks of a load."""

    def test_chunks(self) -> None:
        """The chunks contain all bytes, and all but the last have the same size."""
        chunks = Load(b"ab\r\n", 10, 10, 7).chunks()
        assert b"".join(chunks) == b"ab\r\n" * 10
        assert {len(each) for each in chunks[:-1]} == {7}

    @pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
    def test_inChunks(self, change: Change) -> None:
        """A load consists of chunks of 64 KiB, with enough messages to measure the time."""
        for size in (0, 250):
            load = inChunks(change, size)
            assert load.times * change.many == load.count > ENOUGH / 2
            assert len(load.chunks()) == -(-load.times * len(load.frame) // CHUNK)
            assert not load.isKept

    def test_kept(self) -> None:
        """Longer messages make a larger load, unless an amount is given."""
        assert kept(LINES, 250).times * 252 > kept(LINES, 0).times * 2 == CHUNK
        assert kept(LINES, 0, 1000) == Load(b"\r\n", 500, 500, CHUNK, True)
        assert kept(TURNING, 0, 300) == Load(b"\r\n\n", 100, 200, CHUNK, True)

    def test_oneChunk(self) -> None:
        """A receiver that cannot be paused gets everything in one chunk."""
        load = kept(ONLY, 20, 4 * CHUNK)
        assert not load.isKept
        assert len(load.chunks()) == 1


class TestTransport:
    """Tests for the transport, which does nothing."""

    def test_nothing(self) -> None:
        """The transport stays open, whatever a receiver calls."""
        transport = Transport()
        for does in (transport.loseConnection, transport.pauseProducing, transport.resumeProducing):
            does()
        transport.write(b"data")
        assert (transport.getPeer(), transport.getHost(), transport.disconnecting) == ("nobody", "nobody", False)


class TestChanging:
    """An application is timed while it changes something at each message."""

    @pytest.mark.parametrize("module", [loadStock("basic"), basic], ids=["stock", "ours"])
    def test_time(self, module: Any) -> None:
        """
        Both modules do the work and take time, whether the messages are buffered before or not.
        """
        assert changing(LINES, Load(b"ab\r\n", 10, 10, 7))(module)() > 0
        assert changing(LINES, Load(b"ab\r\n", 10, 10, 7, True))(module)() > 0

    @pytest.mark.parametrize("isKept", [False, True])
    def test_clock(self, isKept: bool) -> None:
        """The clock is read twice, and the time is the difference."""
        times = iter([10.0, 12.5])
        load = Load(b"ab\r\n", 10, 10, 7, isKept)
        assert changing(LINES, load, lambda: next(times))(basic)() == 2.5
        assert next(times, None) is None

    def test_delivers(self) -> None:
        """An application that does not deliver everything raises an error."""

        class Deaf(basic.LineReceiver):
            def dataReceived(self, data: bytes) -> None:
                """Do nothing."""

        with pytest.raises(WorkError, match="0 came out, and not 10"):
            changing(LINES, Load(b"ab\r\n", 10, 10))(cast("Any", SimpleNamespace(LineReceiver=Deaf)))()
