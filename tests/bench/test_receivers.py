"""Tests for L{twisted_basic_ng_demo.bench.receivers}."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.helpers import loadStock
from twisted_basic_ng import basic
from twisted_basic_ng_demo.bench.receivers import Delivery, bareLoop, readExactly, readLine, receiver, streams
from twisted_basic_ng_demo.bench.sides import WorkError

LINES = Delivery(b"line\r\n", 10, 7)
STRINGS = Delivery(b"\0\0\0\5hello", 10, 7)


class TestDelivery:
    """What is delivered is cut as it says."""

    def test_chunks(self) -> None:
        """All of it, in chunks of one size but for the last."""
        chunks = LINES.chunks()
        assert b"".join(chunks) == b"line\r\n" * 10
        assert {len(each) for each in chunks[:-1]} == {7}


class TestReceiver:
    """A receiver is timed while it receives."""

    @pytest.mark.parametrize("module", [loadStock("basic"), basic], ids=["stock", "ours"])
    def test_time(self, module: Any) -> None:
        """Either does the work, and it takes time."""
        assert receiver("LineReceiver", LINES)(module)() > 0
        assert receiver("Int32StringReceiver", STRINGS)(module)() > 0

    def test_delivers(self) -> None:
        """One that does not deliver everything is not timed at all."""

        class Deaf(basic.LineReceiver):
            def dataReceived(self, data: bytes) -> None:
                """Nothing."""

        with pytest.raises(WorkError, match="0 came out, and not 10"):
            receiver("LineReceiver", LINES)(cast("Any", SimpleNamespace(LineReceiver=Deaf)))

    def test_leaves(self) -> None:
        """One that is given what it does not accept may hang up."""
        with pytest.raises(WorkError, match="0 came out, and not 1"):
            receiver("NetstringReceiver", Delivery(b"no netstring", 1, 5))(basic)


class TestBareLoop:
    """The least that a receiver of lines does."""

    def test_lines(self) -> None:
        """Lines are cut, in whatever chunks they come."""
        for size in (1, 5, 1000):
            assert bareLoop(Delivery(LINES.frame, LINES.count, size))()() > 0

    def test_counts(self) -> None:
        """Each line is delivered once, or it is an error."""
        with pytest.raises(WorkError, match="0 came out, and not 1"):
            bareLoop(Delivery(b"no line", 1, 5))()


class TestStreams:
    """The streams of asyncio do the same work."""

    def test_lines(self) -> None:
        """Lines are read."""
        assert streams(readLine, LINES)()() > 0

    def test_strings(self) -> None:
        """Strings are read."""
        assert streams(readExactly, STRINGS)()() > 0

    def test_counts(self) -> None:
        """Each message is read once, or it is an error."""
        with pytest.raises(WorkError, match="9 came out, and not 10"):
            streams(self.readTwo, LINES)()()

    async def readTwo(self, stream: asyncio.StreamReader) -> bytes:
        """Read a line, and the first one doubly."""
        line = await readLine(stream)
        if not hasattr(stream, "begun"):
            cast("Any", stream).begun = True
            line += await readLine(stream)
        return line
