"""
The work is linear in the size of the input, whatever chunks it arrives in.

Quadratic work takes 64 times as long for eight times the input, and linear work takes eight times
as long.  The limit lies between the two, far from both.

Twisted's modules are tested once for each kind of input, in cases that are clearly quadratic on any
machine.  benchmarks/programs/growth.py measures them further.
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
    """Make a receiver that only counts its messages."""
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
    """Return the processor time that C{work} takes."""
    gc.collect()
    begin = time.process_time()
    work(size)
    return time.process_time() - begin


def isLinear(modules: Modules, work: Callable[[int], object], size: int) -> None:
    """
    Require that C{work} takes linear time, by running it for C{size} and L{GROWTH} times as much.

    Other programs may disturb a measurement, so there are up to three.
    """
    for _ in range(3):
        ratio = measure(work, size * GROWTH) / max(measure(work, size), 1e-4)
        if (ratio < LONGER) is (modules is not STOCK):
            break
    require(ratio < LONGER, f"{ratio:.0f} times the time for {GROWTH} times the input")


class TestMeasure:
    """The measurement distinguishes quadratic work from linear work."""

    def test_square(self) -> None:
        """Quadratic work is detected."""

        def work(size: int) -> None:
            kept: tuple[int, ...] = ()
            for number in range(size):
                kept += (number,)

        with pytest.raises(BrokenPromise):
            isLinear(STOCK, work, 3_000)

    def test_linear(self) -> None:
        """Linear work passes."""
        isLinear(OURS, lambda size: list(map(str, range(size))), 20_000)


class TestChunks:
    """One long message in small chunks takes linear work."""

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
        """A line in single bytes."""
        isLinear(OURS, self.deliver(OURS, name, 1), 5_000)

    @differs
    def test_stringOfBytes(self, modules: Modules) -> None:
        """A string in single bytes."""
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
        """Larger chunks, as they arrive from a network, and netstrings."""
        isLinear(OURS, self.deliver(OURS, name, chunk), size)

    def test_box(self) -> None:
        """A box with the longest value, in single bytes."""
        isLinear(OURS, self.deliver(OURS, "AMP", 1), 8_000)


class TestMany:
    """Many of the smallest messages in one chunk take linear work."""

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
    """A receiver that is paused and resumed at each message takes linear work."""

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
        """The kept bytes are not copied at each resumption."""
        isLinear(modules, self.deliver(modules, "Int32StringReceiver"), 1_000)

    @pytest.mark.parametrize("name", ["LineReceiver", "Int8StringReceiver", "AMP"])
    def test_others(self, name: str) -> None:
        """The other receivers that can be paused take linear work, too."""
        isLinear(OURS, self.deliver(OURS, name), 1_000)
