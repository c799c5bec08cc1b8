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
    """Tests for the chunks of a delivery."""

    def test_chunks(self) -> None:
        """The chunks contain all bytes, and all but the last have the same size."""
        chunks = LINES.chunks()
        assert b"".join(chunks) == b"line\r\n" * 10
        assert {len(each) for each in chunks[:-1]} == {7}


class TestReceiver:
    """A receiver is timed while it receives."""

    @pytest.mark.parametrize("module", [loadStock("basic"), basic], ids=["stock", "ours"])
    def test_time(self, module: Any) -> None:
        """Both modules do the work and take time."""
        assert receiver("LineReceiver", LINES)(module)() > 0
        assert receiver("Int32StringReceiver", STRINGS)(module)() > 0

    def test_delivers(self) -> None:
        """A receiver that does not deliver everything raises an error."""

        class Deaf(basic.LineReceiver):
            def dataReceived(self, data: bytes) -> None:
                """Do nothing."""

        with pytest.raises(WorkError, match="0 came out, and not 10"):
            receiver("LineReceiver", LINES)(cast("Any", SimpleNamespace(LineReceiver=Deaf)))

    def test_leaves(self) -> None:
        """A receiver that refuses the bytes raises an error."""
        with pytest.raises(WorkError, match="0 came out, and not 1"):
            receiver("NetstringReceiver", Delivery(b"no netstring", 1, 5))(basic)


class TestBareLoop:
    """Tests for the minimal work of a line receiver."""

    def test_lines(self) -> None:
        """Lines are cut, in any chunks."""
        for size in (1, 5, 1000):
            assert bareLoop(Delivery(LINES.frame, LINES.count, size))()() > 0

    def test_counts(self) -> None:
        """Unless each line is delivered once, there is an error."""
        with pytest.raises(WorkError, match="0 came out, and not 1"):
            bareLoop(Delivery(b"no line", 1, 5))()


class TestStreams:
    """Tests for asyncio's streams."""

    def test_lines(self) -> None:
        """Lines are read."""
        assert streams(readLine, LINES)()() > 0

    def test_strings(self) -> None:
        """Strings are read."""
        assert streams(readExactly, STRINGS)()() > 0

    def test_counts(self) -> None:
        """Unless each message is read once, there is an error."""
        with pytest.raises(WorkError, match="9 came out, and not 10"):
            streams(self.readTwo, LINES)()()

    async def readTwo(self, stream: asyncio.StreamReader) -> bytes:
        """Read a line, but two lines the first time."""
        line = await readLine(stream)
        if not hasattr(stream, "begun"):
            cast("Any", stream).begun = True
            line += await readLine(stream)
        return line
