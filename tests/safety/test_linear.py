"""
The work grows as the input does, in whatever chunks that comes.

Work that grows with the square of its input takes 64 times as long for eight times the input; linear work takes eight
times as long.  The bound lies between, far from either.

Twisted's modules are tried once for each kind of input, where the square shows on any machine.  Nothing else is asked
of their speed: benchmarks/programs/growth.py measures it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers import RecordingTransport

from .boxes import ask
from .frames import FRAMES as FRAMED
from .promises import OURS, STOCK, BrokenPromise, Modules, differs, require

#: How much more is delivered the second time, and how much longer that may take.
GROWTH = 8
LONGER = 16

FRAMES = {**FRAMED, "AMP": lambda payload: ask(b"x", None, text=payload)}


def counting(modules: Modules, name: str) -> Any:
    """Make a receiver that counts what it is given, and does nothing else with it."""
    base: Any = getattr(modules.amp if name == "AMP" else modules.basic, name)

    class Counting(base):  # type: ignore[misc]
        MAX_LENGTH = base.MAX_LENGTH if name == "AMP" else 2**31
        logConnections = False
        count = 0
        pausing = False

        def lineReceived(self, line: bytes) -> None:
            self.count += 1
            if self.pausing:
                self.pauseProducing()

        def ampBoxReceived(self, box: Any) -> None:
            self.lineReceived(b"")

        if name != "AMP":
            stringReceived = lineReceived

    made = Counting()
    RecordingTransport().connect(made)
    return made


def measure(work: Callable[[int], object], size: int) -> float:
    """Tell how much processor time C{work} takes."""
    gc.collect()
    begin = time.process_time()
    work(size)
    return time.process_time() - begin


def isLinear(modules: Modules, work: Callable[[int], object], size: int) -> None:
    """
    Have C{work} done for C{size} and for L{GROWTH} times as much.

    Other programs may disturb a measurement: there are three, until one says what is expected.
    """
    for _ in range(3):
        ratio = measure(work, size * GROWTH) / max(measure(work, size), 1e-4)
        if (ratio < LONGER) is (modules is not STOCK):
            break
    require(ratio < LONGER, f"{ratio:.0f} times the time for {GROWTH} times the input")


class TestMeasure:
    """The measurement tells the one from the other."""

    def test_square(self) -> None:
        """Work that copies all it has at each step is found."""

        def work(size: int) -> None:
            kept: tuple[int, ...] = ()
            for number in range(size):
                kept += (number,)

        with pytest.raises(BrokenPromise):
            isLinear(STOCK, work, 3_000)

    def test_linear(self) -> None:
        """Work that only grows is not."""
        isLinear(OURS, lambda size: list(map(str, range(size))), 20_000)


class TestChunks:
    """One long message, in small chunks."""

    def deliver(self, modules: Modules, name: str, chunk: int) -> Callable[[int], None]:
        def work(size: int) -> None:
            receiver = counting(modules, name)
            data = FRAMES[name](b"x" * size)
            for at in range(0, len(data), chunk):
                receiver.dataReceived(data[at : at + chunk])
            assert receiver.count == 1

        return work

    @pytest.mark.parametrize("name", ["LineReceiver", "LineOnlyReceiver"])
    def test_lineOfBytes(self, name: str) -> None:
        """A line, a byte at a time."""
        isLinear(OURS, self.deliver(OURS, name, 1), 5_000)

    @differs
    def test_stringOfBytes(self, modules: Modules) -> None:
        """A string, a byte at a time."""
        isLinear(modules, self.deliver(modules, "Int32StringReceiver", 1), 30_000)

    @pytest.mark.parametrize(
        ("name", "chunk", "size"),
        [
            ("LineReceiver", 100, 30_000),
            ("LineReceiver", 1400, 120_000),
            ("LineOnlyReceiver", 100, 30_000),
            ("LineOnlyReceiver", 1400, 120_000),
            ("Int32StringReceiver", 100, 150_000),
            ("Int32StringReceiver", 1400, 800_000),
            ("NetstringReceiver", 1, 10_000),
            ("NetstringReceiver", 1400, 1_000_000),
        ],
    )
    def test_longer(self, name: str, chunk: int, size: int) -> None:
        """Larger ones, as they come over a network; and netstrings."""
        isLinear(OURS, self.deliver(OURS, name, chunk), size)

    def test_box(self) -> None:
        """A box, a byte at a time, with the longest value there may be."""
        isLinear(OURS, self.deliver(OURS, "AMP", 1), 8_000)


class TestMany:
    """Many messages in one chunk, the smallest that there are."""

    def deliver(self, modules: Modules, name: str) -> Callable[[int], None]:
        def work(count: int) -> None:
            receiver = counting(modules, name)
            receiver.dataReceived(FRAMES[name](b"") * count)
            assert receiver.count == count

        return work

    @differs
    def test_empty(self, modules: Modules) -> None:
        """Empty lines."""
        isLinear(modules, self.deliver(modules, "LineReceiver"), 20_000)

    @pytest.mark.parametrize(
        ("name", "count"),
        [
            ("NetstringReceiver", 30_000),
            ("LineOnlyReceiver", 20_000),
            ("Int8StringReceiver", 20_000),
            ("Int32StringReceiver", 20_000),
            ("AMP", 5_000),
        ],
    )
    def test_emptyAlike(self, name: str, count: int) -> None:
        """Other empty messages."""
        isLinear(OURS, self.deliver(OURS, name), count)


class TestResumed:
    """A receiver that is paused after each message, and resumed behind it."""

    def deliver(self, modules: Modules, name: str) -> Callable[[int], None]:
        def work(count: int) -> None:
            receiver = counting(modules, name)
            receiver.pausing = True
            receiver.dataReceived(FRAMES[name](b"x" * 250) * count)
            for _ in range(count):
                receiver.resumeProducing()
            assert receiver.count == count

        return work

    @differs
    def test_backlog(self, modules: Modules) -> None:
        """What has come meanwhile is not copied each time."""
        isLinear(modules, self.deliver(modules, "Int32StringReceiver"), 1_000)

    @pytest.mark.parametrize("name", ["LineReceiver", "Int8StringReceiver", "AMP"])
    def test_others(self, name: str) -> None:
        """The other receivers that can be paused."""
        isLinear(OURS, self.deliver(OURS, name), 1_000)
