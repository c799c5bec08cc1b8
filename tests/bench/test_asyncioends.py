"""
Tests for L{twisted_basic_ng_demo.bench.asyncioends}.

What needs a loop of its own runs in processes: C{tests/bench/test_loopback.py}.
"""

from __future__ import annotations

import asyncio

import pytest

from twisted_basic_ng_demo.bench import asyncioends as module
from twisted_basic_ng_demo.bench.asyncioends import client, server, windowed
from twisted_basic_ng_demo.bench.sides import WorkError


class TestWindowed:
    """Calls are made with a number of them in flight."""

    def test_window(self) -> None:
        """No more than that are, at any time, until all are answered."""
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
        """A wrong answer is an error."""

        async def call(number: int) -> int:
            return number

        with pytest.raises(WorkError):
            asyncio.run(windowed(call, 5, 2))


class TestWords:
    """What is written by the simplest means is read again."""

    def test_numbers(self) -> None:
        """Two numbers, as gRPC's messages."""
        assert module._two(module._packed(40, -2)) == (40, -2)


class TestSides:
    """Who is on asyncio."""

    def test_known(self) -> None:
        """Those are known, and nobody else."""
        for side in ("grpc.aio", "aio-msgpack-rpc"):
            assert server(side) is not None
            assert client(side) is not None
        assert (server("ours"), client("ours")) == (None, None)
