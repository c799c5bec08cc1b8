"""
Tests for L{twisted_basic_ng_demo.bench.asyncioends}.

Parts that need their own event loop are tested in processes, in C{tests/bench/test_loopback.py}.
"""

from __future__ import annotations

import asyncio

import pytest

from twisted_basic_ng_demo.bench import asyncioends as module
from twisted_basic_ng_demo.bench.asyncioends import client, server, windowed
from twisted_basic_ng_demo.bench.sides import WorkError


class TestWindowed:
    """Tests for calls with a limited number in flight."""

    def test_window(self) -> None:
        """The number of calls in flight never exceeds the window, and all calls are answered."""
        flying: list[int] = []
        most: list[int] = []

        async def call(number: int) -> int:
            flying.append(number)
            most.append(len(flying))
            await asyncio.sleep(0)
            flying.remove(number)
            return number + 2

        assert asyncio.run(windowed(call, 7, 3)) > 0
        assert (len(most), max(most)) == (7, 3)

    def test_wrong(self) -> None:
        """A wrong answer raises an error."""

        async def call(number: int) -> int:
            return number

        with pytest.raises(WorkError):
            asyncio.run(windowed(call, 5, 2))


class TestWords:
    """Tests for the encoding of messages."""

    def test_numbers(self) -> None:
        """Two numbers are encoded and decoded as in gRPC's messages."""
        assert module._two(module._packed(40, -2)) == (40, -2)


class TestSides:
    """Tests for the sides that use asyncio."""

    def test_known(self) -> None:
        """Exactly these sides have a server and a client."""
        for side in ("grpc.aio", "aio-msgpack-rpc"):
            assert server(side) is not None
            assert client(side) is not None
        assert (server("ours"), client("ours")) == (None, None)
