"""
The work grows as the input does, in whatever chunks that comes.

What takes a time that grows with its square takes 64 times as long for eight times the input, what takes one that grows
as it does eight times as long.  What is asked for lies between, far from either.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers import RecordingTransport

from .boxes import ask
from .promises import OURS, STOCK, Modules, alike, differs, require

#: How much more is delivered the second time, and how much longer that may take.
GROWTH = 8
LONGER = 16

FRAMES: dict[str, Callable[[bytes], bytes]] = {
    "LineReceiver": lambda payload: payload + b"\r\n",
    "LineOnlyReceiver": lambda payload: payload + b"\r\n",
    "NetstringReceiver": lambda payload: b"%d:%b," % (len(payload), payload),
    "Int8StringReceiver": lambda payload: bytes([len(payload)]) + payload,
    "Int16StringReceiver": lambda payload: len(payload).to_bytes(2, "big") + payload,
    "Int32StringReceiver": lambda payload: len(payload).to_bytes(4, "big") + payload,
    "AMP": lambda payload: ask(b"x", None, text=payload),
}


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


def isLinear(modules: Modules, work: Callable[[int], object], size: int, isSound: bool = False) -> None:
    """
    Have C{work} done for C{size} and for L{GROWTH} times as much.

    The machine may be disturbed: it takes three times to say what is not expected.

    @param isSound: is it expected of Twisted's modules, too?
    """
    for _ in range(3):
        ratio = measure(work, size * GROWTH) / max(measure(work, size), 1e-4)
        if (ratio < LONGER) is (isSound or modules is not STOCK):
            break
    require(ratio < LONGER, f"{ratio:.0f} times the time for {GROWTH} times the input")


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
    @differs
    def test_lineOfBytes(self, modules: Modules, name: str) -> None:
        """A line, a byte at a time."""
        isLinear(modules, self.deliver(modules, name, 1), 5_000)

    @differs
    def test_stringOfBytes(self, modules: Modules) -> None:
        """A string, a byte at a time."""
        isLinear(modules, self.deliver(modules, "Int32StringReceiver", 1), 50_000)

    @pytest.mark.parametrize(
        ("name", "chunk", "size"),
        [
            ("LineReceiver", 100, 30_000),
            ("LineReceiver", 1400, 120_000),
            ("LineOnlyReceiver", 100, 30_000),
            ("LineOnlyReceiver", 1400, 120_000),
            ("Int32StringReceiver", 100, 150_000),
            ("Int32StringReceiver", 1400, 800_000),
        ],
    )
    @differs
    def test_longer(self, modules: Modules, name: str, chunk: int, size: int) -> None:
        """Larger ones, as they come over a network."""
        isLinear(modules, self.deliver(modules, name, chunk), size)

    @pytest.mark.parametrize(("chunk", "size"), [(1, 10_000), (1400, 1_000_000)])
    @alike
    def test_netstring(self, modules: Modules, chunk: int, size: int) -> None:
        """A netstring."""
        isLinear(modules, self.deliver(modules, "NetstringReceiver", chunk), size, isSound=True)

    def test_box(self) -> None:
        """
        A box, a byte at a time, as far as a value may be long.

        Twisted's copies at each byte what it has of the value.  That is 64 KiB at most: whether it shows in the time
        depends on the machine, so nothing is asked of it here.
        """
        isLinear(OURS, self.deliver(OURS, "AMP", 1), 8_000)


class TestMany:
    """Many messages in one chunk, the smallest that there are."""

    def deliver(self, modules: Modules, name: str) -> Callable[[int], None]:
        def work(count: int) -> None:
            receiver = counting(modules, name)
            receiver.dataReceived(FRAMES[name](b"") * count)
            assert receiver.count == count

        return work

    @pytest.mark.parametrize(("name", "count"), [("LineReceiver", 40_000), ("NetstringReceiver", 30_000)])
    @differs
    def test_empty(self, modules: Modules, name: str, count: int) -> None:
        """Empty ones."""
        isLinear(modules, self.deliver(modules, name), count)

    @pytest.mark.parametrize("name", ["LineOnlyReceiver", "Int8StringReceiver", "Int32StringReceiver", "AMP"])
    @alike
    def test_emptyAlike(self, modules: Modules, name: str) -> None:
        """Where that took no more time before."""
        isLinear(modules, self.deliver(modules, name), 2_000, isSound=True)


class TestResumed:
    """A receiver that is paused after each message, and resumed behind it."""

    @pytest.mark.parametrize("name", ["LineReceiver", "Int8StringReceiver", "Int32StringReceiver", "AMP"])
    @differs
    def test_backlog(self, modules: Modules, name: str) -> None:
        """What has come meanwhile is not copied each time."""

        def work(count: int) -> None:
            receiver = counting(modules, name)
            receiver.pausing = True
            receiver.dataReceived(FRAMES[name](b"x" * 250) * count)
            for _ in range(count):
                receiver.resumeProducing()
            assert receiver.count == count

        isLinear(modules, work, 2_000 if name == "AMP" else 1_000)  # whose own work is the most
