"""
The memory of a receiver is limited, and an idle one takes almost none.
"""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import pytest

from tests.helpers import RecordingTransport

from .boxes import ask
from .promises import BrokenPromise, Modules, alike, differs, require

MIB = 2**20

FRAMES: dict[str, bytes] = {
    "LineReceiver": b"x" * MIB + b"\r\n",
    "LineOnlyReceiver": b"x" * MIB + b"\r\n",
    "NetstringReceiver": b"%d:" % MIB + b"x" * MIB + b",",
    "Int32StringReceiver": MIB.to_bytes(4, "big") + b"x" * MIB,
}

#: The factor by which the memory of pieces exceeds their bytes.
OVERHEAD = 1.04


def receiver(modules: Modules, name: str) -> Any:
    """Make a receiver of messages of up to 1 MiB that does not keep them."""

    class Forgetting(getattr(modules.basic, name)):  # type: ignore[misc]
        MAX_LENGTH = MIB
        count = 0

        def lineReceived(self, line: bytes) -> None:
            self.count += 1

        stringReceived = lineReceived

    made = Forgetting()
    RecordingTransport().connect(made)
    return made


class Memory:
    """The memory allocated since the beginning of the block: now, and at its peak."""

    def __enter__(self) -> Memory:  # noqa: PYI034 - Python 3.10 has no typing.Self
        gc.collect()
        tracemalloc.start()
        self._before = tracemalloc.get_traced_memory()[0]
        return self

    def __exit__(self, *exception: object) -> None:
        tracemalloc.stop()

    @property
    def held(self) -> int:
        return tracemalloc.get_traced_memory()[0] - self._before

    @property
    def peak(self) -> int:
        return tracemalloc.get_traced_memory()[1] - self._before


class TestUnfinished:
    """
    An unfinished message takes the memory of its bytes and one read, and briefly twice that when it
    is complete.
    """

    def feed(self, modules: Modules, name: str, size: int) -> tuple[int, int, int]:
        """
        Deliver a message in chunks.  Return the memory held before its end, at its peak, and after
        it.
        """
        data = FRAMES[name]
        taking = receiver(modules, name)
        taking.dataReceived(data[:1])  # objects that are made once do not count
        with Memory() as memory:
            for at in range(1, len(data) - 1, size):
                taking.dataReceived(data[at : min(at + size, len(data) - 1)])
            held = memory.held
            taking.dataReceived(data[-1:])
            assert taking.count == 1
            return held, memory.peak, memory.held

    def unfinished(self, modules: Modules, name: str, size: int) -> None:
        """
        Check the memory of a receiver.

        Other allocations of the process count, too, so there are two attempts.
        """
        try:
            self.attempt(modules, name, size)
        except BrokenPromise:
            self.attempt(modules, name, size)

    def attempt(self, modules: Modules, name: str, size: int) -> None:
        held, peak, behind = self.feed(modules, name, size)
        whole = len(FRAMES[name]) + size
        require(held <= whole * OVERHEAD, f"{held} bytes are held of a message of {MIB}")
        require(peak <= 2 * whole + 65536, f"{peak} bytes at the most")
        require(behind < 1024, f"{behind} bytes when it is delivered")

    @pytest.mark.parametrize("size", [100, 1400, 2048, 65536])
    @differs
    def test_netstring(self, modules: Modules, size: int) -> None:
        """Netstrings are within the limits, and nothing is kept of a delivered one."""
        self.unfinished(modules, "NetstringReceiver", size)

    @pytest.mark.parametrize("size", [100, 1400, 2048, 65536])
    @pytest.mark.parametrize("name", ["LineReceiver", "Int32StringReceiver"])
    @alike
    def test_others(self, modules: Modules, name: str, size: int) -> None:
        """Lines and strings are within the limits."""
        if size > 1000 or modules.name == "ours":  # Twisted is slow with small chunks
            self.unfinished(modules, name, size)

    @pytest.mark.parametrize("size", [1400, 65536])
    @differs
    def test_lineOnly(self, modules: Modules, size: int) -> None:
        """L{LineOnlyReceiver} is within the limits, up to a line of exactly C{MAX_LENGTH}."""
        try:
            self.unfinished(modules, "LineOnlyReceiver", size)
        except AssertionError as error:
            require(False, f"the line is delivered: {error}")


class TestBeyond:
    """No more is kept of a message that never ends."""

    @pytest.mark.parametrize("name", ["Int32StringReceiver", "NetstringReceiver"])
    @differs
    def test_endless(self, modules: Modules, name: str) -> None:
        """A message that announces more than the limit is not kept."""
        self.refuse(receiver(modules, name), FRAMES[name][:1000])

    def refuse(self, taking: Any, begin: bytes) -> None:
        """Send far more than the limit."""
        taking.MAX_LENGTH = 1000
        taking.transport.loseConnection = taking.transport.abortConnection = lambda: None
        with Memory() as memory:
            taking.dataReceived(begin)
            for _ in range(500):
                taking.dataReceived(bytes(b"0" * 1000))
            require(memory.held < 100_000, f"{memory.held} bytes are held of what is refused")

    @differs
    def test_lineOnly(self, modules: Modules) -> None:
        """An endless line is not kept."""
        self.refuse(receiver(modules, "LineOnlyReceiver"), b"")

    @alike
    def test_line(self, modules: Modules) -> None:
        """L{LineReceiver} does not keep one either, as in Twisted."""
        self.refuse(receiver(modules, "LineReceiver"), b"")


class TestIdle:
    """An idle connection takes little memory."""

    @pytest.mark.parametrize("name", FRAMES)
    @alike
    def test_new(self, modules: Modules, name: str) -> None:
        """A receiver that has received one small message takes less than 1 KiB."""
        receivers = [receiver(modules, name)]
        data = {"L": b"abc\r\n", "N": b"3:abc,", "I": b"\0\0\0\3abc"}[name[0]]
        kind = type(receivers[0])
        receivers[0].dataReceived(data)
        made = [kind() for _ in range(100)]
        for each in made:
            each.makeConnection(receivers[0].transport)
        with Memory() as memory:
            for each in made:
                each.dataReceived(data)
            require(memory.held < 100 * 1024, f"{memory.held / 100:.0f} bytes for each")

    @pytest.mark.parametrize("size", [1400, 65536, 99_999])
    @pytest.mark.parametrize(
        ("name", "look"),
        [
            ("LineReceiver", "_buffer"),
            ("LineOnlyReceiver", "_buffer"),
            ("NetstringReceiver", "_remainingData"),
            ("Int32StringReceiver", "recvd"),
            ("Int32StringReceiver", "_unprocessed"),
            *((name, "count") for name in FRAMES),
        ],
    )
    @alike
    def test_delivered(self, modules: Modules, name: str, look: str, size: int) -> None:
        """Nothing is kept of many small messages, even if their callbacks read the rest."""
        taking = receiver(modules, name)
        kind = type(taking)
        kind.lineReceived = kind.stringReceived = lambda self, message: getattr(self, look) and None
        frame = {"L": b"abc\r\n", "N": b"3:abc,", "I": b"\0\0\0\3abc"}[name[0]]
        taking.dataReceived(frame)
        data = frame * (99_999 // len(frame))
        with Memory() as memory:
            for at in range(0, len(data), size):
                taking.dataReceived(data[at : at + size])
            require(memory.held < 2048, f"{memory.held} bytes are held when everything is delivered")

    @pytest.mark.parametrize("size", [1, 1400, 65536, 999_999])
    @pytest.mark.parametrize("length", [1, 9000, 60_000])
    @alike
    def test_deliveredBoxes(self, modules: Modules, length: int, size: int) -> None:
        """Nothing is kept of delivered boxes, small or large, in any chunks."""

        class Forgetting(modules.amp.AMP):  # type: ignore[misc, name-defined]
            logConnections = False

            def ampBoxReceived(self, box: Any) -> None:
                pass

        peer = Forgetting()
        RecordingTransport().connect(peer)
        box = modules.amp.AmpBox(key=bytes(length)).serialize()
        peer.dataReceived(box)
        data = box * (1 + 99_999 // len(box)) if size > 1 else box
        with Memory() as memory:
            for at in range(0, len(data), size):
                peer.dataReceived(data[at : at + size])
            gc.collect()
            require(memory.held < 32_768, f"{memory.held} bytes are held when everything is delivered")


class TestBoxes:
    """An endless box is not kept."""

    @pytest.mark.parametrize("pairs", [b"\0\3%03x\0\0", b"\0\3%03x\xff\xff" + b"x" * 65535])
    @differs
    def test_endless(self, modules: Modules, pairs: bytes) -> None:
        """Both the number of keys and the number of bytes are limited."""
        peer: Any = modules.amp.AMP()
        peer.logConnections = False
        transport = RecordingTransport().connect(peer)
        for number in range(4096 if len(pairs) < 10 else 300):
            peer.dataReceived(pairs.replace(b"%03x", b"%03x" % number))
        if len(pairs) < 10:
            require(not transport.disconnecting, "4,096 keys are accepted")
            peer.dataReceived(b"\0\4more\0\0")
        require(transport.disconnecting, "what is too much is refused")

    @differs
    def test_kept(self, modules: Modules) -> None:
        """Nothing is kept of a refused box."""
        peer: Any = modules.amp.AMP()
        peer.logConnections = False
        peer.MAX_BOX_LENGTH = 100_000
        RecordingTransport().connect(peer)
        pair = b"\0\3%03x\xff\xff" + b"x" * 65535
        with Memory() as memory:
            for number in range(40):
                peer.dataReceived(pair.replace(b"%03x", b"%03x" % number))
            require(memory.held < 100_000, f"{memory.held} bytes are held of what is refused")

    @alike
    def test_unbounded(self, modules: Modules) -> None:
        """An application may switch off the limits."""
        taken: list[Any] = []

        class Taking(modules.amp.AMP):  # type: ignore[misc, name-defined]
            logConnections = False
            MAX_BOX_KEYS = MAX_BOX_LENGTH = None

            def ampBoxReceived(self, box: Any) -> None:
                taken.append(box)

        peer = Taking()
        RecordingTransport().connect(peer)
        for number in range(5000):
            peer.dataReceived(b"\0\5%05d\0\0" % number)
        for number in range(300):
            peer.dataReceived(b"\0\3%03d\xff\xff" % number + bytes(65535))
        peer.dataReceived(b"\0\0")
        require([len(box) for box in taken] == [5300], "the box is delivered")

    @alike
    def test_ordinary(self, modules: Modules) -> None:
        """Typical boxes of real applications are far below the limits."""
        peer: Any = modules.amp.AMP()
        peer.logConnections = False
        transport = RecordingTransport().connect(peer)
        peer.dataReceived(ask(b"nothing", **{f"k{number}": bytes(60_000) for number in range(100)}))
        require(not transport.disconnecting, "100 values of 60,000 bytes are accepted")
        require(b"_error" in transport.written, "and answered")
