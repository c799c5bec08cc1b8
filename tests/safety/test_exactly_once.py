"""
Each frame is delivered once, in order, whatever the callback does and whatever chunks the bytes
arrive in.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.helpers import RecordingTransport, bytewise, deliver, isThorough, partitions

from .boxes import ask
from .frames import FRAMES
from .promises import Modules, alike, differs, require, sound

STRINGS = ["Int8StringReceiver", "Int16StringReceiver", "Int32StringReceiver"]


class Planned(Exception):
    """Raised by a callback."""


def depth() -> int:
    """Return the depth of the stack."""
    frame, deep = sys._getframe(), 0
    while frame.f_back is not None:
        frame, deep = frame.f_back, deep + 1
    return deep


def receiver(modules: Modules, name: str, act: Callable[[Any, bytes], object], unlimited: bool = False) -> Any:
    """Make a connected receiver that collects its messages and calls C{act} for each."""
    base: Any = getattr(modules.amp if name == "AMP" else modules.basic, name)

    class Acting(base):  # type: ignore[misc]
        logConnections = False

        def __init__(self) -> None:
            if name == "AMP":
                super().__init__()
            self.taken: list[bytes] = []
            self.depths: set[int] = set()
            self.inside = 0

        def _called(self, payload: bytes) -> None:
            self.depths.add(depth())
            require(not self.inside, "no callback within another")
            self.inside += 1
            try:
                self.taken.append(payload)
                act(self, payload)
            finally:
                self.inside -= 1

        lineReceived = stringReceived = _called

        def ampBoxReceived(self, box: Any) -> None:
            self._called(box[b"_command"])

        if name == "AMP":
            del stringReceived
        if unlimited:
            MAX_LENGTH = 2**31

    made = Acting()
    RecordingTransport().connect(made)
    return made


def feed(taking: Any, data: bytes) -> None:
    """Deliver C{data}, and ignore the exception of a callback."""
    try:
        taking.dataReceived(data)
    except Planned:
        pass


class TestCallbacks:
    """Callbacks neither lose, repeat nor reorder frames."""

    PAYLOADS = [b"%04d" % number for number in range(200)]

    def deliver(self, modules: Modules, name: str, act: Callable[[Any, bytes], object]) -> Any:
        """Deliver all payloads in one chunk, then call C{dataReceived} until all are delivered."""
        taking = receiver(modules, name, act)
        with sound("no error but the callback's own"):
            feed(taking, b"".join(map(FRAMES[name], self.PAYLOADS)))
            for _ in self.PAYLOADS:
                feed(taking, b"")
        require(taking.taken == self.PAYLOADS, f"{len(taking.taken)} deliveries of {len(self.PAYLOADS)}, in order")
        return taking

    @staticmethod
    def bounce(taking: Any, payload: bytes) -> None:
        taking.pauseProducing()
        taking.resumeProducing()

    @staticmethod
    def fail(taking: Any, payload: bytes) -> None:
        raise Planned

    @pytest.mark.parametrize("name", [*STRINGS, "AMP"])
    @differs
    def test_pauseAndResume(self, modules: Modules, name: str) -> None:
        """A callback may pause and resume at once.  The stack does not grow."""
        taking = self.deliver(modules, name, self.bounce)
        require(len(taking.depths) == 1, "a constant depth")

    @alike
    def test_pauseAndResumeLines(self, modules: Modules) -> None:
        """The same holds for lines, as in Twisted."""
        self.deliver(modules, "LineReceiver", self.bounce)

    @pytest.mark.parametrize("name", [*STRINGS, "AMP", "LineOnlyReceiver"])
    @differs
    def test_raise(self, modules: Modules, name: str) -> None:
        """After a callback raises, the other frames are delivered with the next bytes."""
        self.deliver(modules, name, self.fail)

    @pytest.mark.parametrize("name", ["LineReceiver", "NetstringReceiver"])
    @alike
    def test_raiseAlike(self, modules: Modules, name: str) -> None:
        """The same holds for L{LineReceiver} and netstrings, as in Twisted."""
        self.deliver(modules, name, self.fail)

    @pytest.mark.parametrize("name", [each for each in FRAMES if each != "LineReceiver"])
    @differs
    def test_enter(self, modules: Modules, name: str) -> None:
        """Bytes that a callback passes in are delivered after the earlier ones."""
        rest = [FRAMES[name](payload) for payload in self.PAYLOADS[2:]]

        def enter(taking: Any, payload: bytes) -> None:
            if rest:
                taking.dataReceived(rest.pop(0))

        taking = receiver(modules, name, enter)
        with sound("no error"):
            taking.dataReceived(b"".join(map(FRAMES[name], self.PAYLOADS[:2])))
        require(taking.taken == self.PAYLOADS, f"{len(taking.taken)} deliveries of {len(self.PAYLOADS)}, in order")
        require(len(taking.depths) == 1, "a constant depth")

    @pytest.mark.parametrize("name", [*STRINGS, "AMP"])
    @differs
    def test_oftenPaused(self, modules: Modules, name: str) -> None:
        """The stack does not grow with a hundred thousand pauses and resumptions."""
        count = 100_000
        taking = receiver(modules, name, self.bounce)
        with sound("no error"):
            taking.dataReceived(FRAMES[name](b"x") * count)
        require(len(taking.taken) == count, "each is delivered once")
        require(len(taking.depths) == 1, "a constant depth")


class TestRuns:
    """Each call of a peer is responded to once."""

    @differs
    def test_responder(self, modules: Modules) -> None:
        """This also holds if the responder pauses and resumes the connection."""

        class Server(modules.amp.AMP):  # type: ignore[misc, name-defined]
            logConnections = False
            runs = 0

            def amp_PAY(self, box: Any) -> Any:
                self.runs += 1
                if self.runs < 20:  # enough to see that each runs another one
                    self.pauseProducing()
                    self.resumeProducing()
                return box

        server = Server()
        RecordingTransport().connect(server)
        with sound("no error"):
            server.dataReceived(ask(b"pay") * 3)
        require(server.runs == 3, f"it runs once for each call, not {server.runs} times for 3")


def writing(modules: Modules, name: str, limit: int) -> Any:
    """Make a receiver that records its callbacks in C{events}."""
    events: list[Any] = []
    if name == "BinaryBoxProtocol":
        return boxes(modules, events)
    base: Any = getattr(modules.basic, name)

    class Writing(base):  # type: ignore[misc]
        MAX_LENGTH = limit

        def __init__(self) -> None:
            self.events = events

        def lineReceived(self, line: bytes) -> None:
            events.append(line)
            if line == b"raw":
                self.setRawMode()

        stringReceived = lineReceived

        def rawDataReceived(self, data: bytes) -> None:
            raw, end, rest = data.partition(b";")
            if events and isinstance(events[-1], bytearray):
                events[-1] += raw + end  # the number of its pieces depends on the chunks
            else:
                events.append(bytearray(raw + end))
            if end:
                self.setLineMode(rest)

        def lineLengthExceeded(self, line: bytes) -> Any:
            events.append("line")  # how much of it has arrived depends on the chunks
            return super().lineLengthExceeded(line)

        def lengthLimitExceeded(self, length: int) -> None:
            events.append(length)
            super().lengthLimitExceeded(length)

    return Writing()


def boxes(modules: Modules, events: list[Any]) -> Any:
    """Make a connection that records its boxes."""

    class Taking:
        def startReceivingBoxes(self, sender: Any) -> None:
            pass

        def ampBoxReceived(self, box: Any) -> None:
            events.append(dict(box))

        def stopReceivingBoxes(self, reason: Any) -> None:
            pass

    made: Any = modules.amp.BinaryBoxProtocol(Taking())
    made.events = events
    return made


def outcome(modules: Modules, name: str, limit: int, chunks: list[bytes]) -> tuple[list[Any], list[str]]:
    """Deliver C{chunks}, and return the callbacks and the calls of the transport."""
    made = writing(modules, name, limit)
    transport = RecordingTransport().connect(made)
    deliver(made, chunks)
    return made.events, transport.names()


def words(alphabet: list[bytes], length: int) -> Iterator[bytes]:
    """Join C{length} letters in every way."""
    return map(b"".join, itertools.product(alphabet, repeat=length))


class TestCuts:
    """
    The same bytes give the same frames and the same end in any chunks.

    Each input of up to twelve bytes is delivered in every possible way.
    """

    #: For each receiver: the limit, and valid inputs.
    FINE: dict[str, tuple[int, list[bytes]]] = {
        "LineReceiver": (
            4,
            [b"\r\na\r\nb\r\r\nc", b"ab\r\n\r\n\r\ncde", b"abcd\r\nabcd", b"raw\r\nx;ab\r\nc", b"\n\r\r\n"],
        ),
        "LineOnlyReceiver": (4, [b"\r\na\r\nb\r\r\nc", b"ab\r\n\r\n\r\ncde", b"\n\r\r\n"]),
        "NetstringReceiver": (5, [b"0:,1:a,3:abc", b"5:12345,0:,0", b"1:,,2:3:,1:"]),
        "Int8StringReceiver": (9, [b"\1a\0\0\3abc\2xyz", b"\0\0\0\0\0\0\0\0\0\0\0\0", b"\5abc"]),
        "Int16StringReceiver": (9, [b"\0\1a\0\0\0\3abc\0\1", b"\0\0\0\2ab\0\6abcd"]),
        "Int32StringReceiver": (9, [b"\0\0\0\1a\0\0\0\3abc", b"\0\0\0\0\0\0\0\0\0\0\0"]),
        "BinaryBoxProtocol": (0, [b"\0\1k\0\1v\0\0\0\1a\0", b"\0\2ab\0\0\0\0\0\0\0\0", b"\0\1k\0\3abc\0\1l\0"]),
    }

    #: Inputs that are malformed or exceed the limit after a valid frame.
    BROKEN: dict[str, tuple[int, list[bytes]]] = {
        "LineOnlyReceiver": (4, [b"ab\r\nabcd\r\nx", b"abcde\r\nab\r\n", b"abcd\r\nabcd\r\n"]),
        "NetstringReceiver": (5, [b"1:a,6:abc,1:", b"1:a,x,1:b,2:", b"1:a;1:b,1:c,", b"1:a,00:,1:b,"]),
        "Int8StringReceiver": (3, [b"\1a\4abcd\1a\1b\1"]),
        "Int16StringReceiver": (3, [b"\0\1a\0\4abcd\0\1"]),
        "Int32StringReceiver": (3, [b"\0\0\0\4abcd\0\0"]),
        "BinaryBoxProtocol": (0, [b"\0\0\1\0abc\0\0\0\0", b"\0\1k\0\1v\0\0\1\0ab"]),
    }

    def everyWay(self, modules: Modules, name: str, limit: int, data: bytes) -> None:
        expected = outcome(modules, name, limit, [data])
        for chunks in partitions(data):
            found = outcome(modules, name, limit, chunks)
            require(found == expected, f"{chunks}: {found}, not {expected}")

    @pytest.mark.parametrize("name", FINE)
    @alike
    def test_fine(self, modules: Modules, name: str) -> None:
        """Valid inputs give the same frames in any chunks."""
        limit, inputs = self.FINE[name]
        for data in inputs:
            require(len(data) <= 12, "few enough ways")
            self.everyWay(modules, name, limit, data)

    @pytest.mark.parametrize("name", BROKEN)
    @differs
    def test_broken(self, modules: Modules, name: str) -> None:
        """Invalid inputs are refused at the same place, and nothing after it is delivered."""
        limit, inputs = self.BROKEN[name]
        for data in inputs:
            require(len(data) <= 12, "few enough ways")
            self.everyWay(modules, name, limit, data)

    @pytest.mark.parametrize(
        ("name", "limit", "alphabet"),
        [
            ("LineReceiver", 9, [b"\r", b"\n", b"a"]),
            ("LineOnlyReceiver", 9, [b"\r", b"\n", b"a"]),
            ("Int8StringReceiver", 9, [b"\0", b"\1", b"\3"]),
            ("Int16StringReceiver", 700, [b"\0", b"\1", b"\2"]),
        ],
    )
    @alike
    def test_everyInput(self, modules: Modules, name: str, limit: int, alphabet: list[bytes]) -> None:
        """
        All inputs of up to five critical letters give the same result in any chunks.
        L{tests.fuzz.test_every_split} tries more.
        """
        for data in itertools.chain.from_iterable(words(alphabet, length) for length in range(1, 6 + isThorough())):
            self.everyWay(modules, name, limit, data)

    @pytest.mark.parametrize(
        ("name", "limit", "alphabet"),
        [
            ("NetstringReceiver", 5, [b"0", b"1", b":", b","]),
            ("BinaryBoxProtocol", 0, [b"\0\0", b"\0\1", b"k"]),
        ],
    )
    @differs
    def test_everyInputAndMore(self, modules: Modules, name: str, limit: int, alphabet: list[bytes]) -> None:
        """The same holds for formats whose inputs may be errors, after which Twisted goes on."""
        for data in itertools.chain.from_iterable(words(alphabet, length) for length in range(1, 5 + isThorough())):
            self.everyWay(modules, name, limit, data)

    @alike
    def test_bytewise(self, modules: Modules) -> None:
        """A longer input gives the same frames bytewise as in one chunk."""
        for name, frame in FRAMES.items():
            if name == "AMP":
                continue
            data = b"".join(frame(b"x" * size) for size in range(60))
            whole = outcome(modules, name, 99, [data])
            require(outcome(modules, name, 99, bytewise(data)) == whole, name)
            require(len(whole[0]) == 60, "all of them")
