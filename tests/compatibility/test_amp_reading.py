"""
Tests for what applications override, call, read and set between the arrival of bytes and the
delivery of boxes.
"""

from __future__ import annotations

import struct
from copy import copy
from typing import Any

import pytest

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.compatibility.receiving import BOXES, DATA, Receiver, connected
from tests.helpers import RecordingTransport, bytewise, deliver, deliveries


class TestReading:
    """Tests for overrides and state of the parser, with many ways to cut the bytes."""

    def test_gameServer(self, amp: Any) -> None:
        """
        A game server overrides four methods: it accepts boxes that begin with a zero byte, answers
        all else as HTTP, and survives errors.
        """

        class Game(amp.AMP):
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                self.unfinished = 0
                self.said: list[bytes] = []
                super().__init__(*args, **kwargs)

            def stringReceived(self, string: bytes) -> None:
                self.state = getattr(self, "proto_" + self.state)(string)

            def dataReceived(self, data: bytes) -> None:
                if data[:1] == b"\0" or self.unfinished:
                    self.unfinished = data[-2:] != b"\0\0"
                    try:
                        super().dataReceived(data)
                    except KeyError:
                        self.said.append(b"discarded")
                else:
                    self.transport.write(b"HTTP/1.1 400")
                    self.transport.loseConnection()

            def amp_SAY(self, box: Any) -> Any:
                self.said.append(box[b"text"])
                return amp.Box()

        box = amp.Box(_command=b"say", _ask=b"1", text=b"loud" * 3).serialize()
        for cuts in ([box], [box[:5], box[5:-1], box[-1:]], [box + box[:9], box[9:]]):
            game = Game()
            RecordingTransport().connect(game)
            deliver(game, cuts)
            assert game.said == [b"loud" * 3] * (2 if len(cuts[0]) > len(box) else 1)
        game.dataReceived(b"GET / HTTP/1.1")
        assert game.transport.written.endswith(b"HTTP/1.1 400")

    @pytest.mark.parametrize("where", ["class", "instance"])
    @pytest.mark.parametrize("name", ["stringReceived", "proto_init", "proto_key", "proto_value"])
    def test_strings(self, amp: Any, name: str, where: str) -> None:
        """Each step can be overridden on the class or the instance, and may call the base."""
        expected = {
            "stringReceived": [b"a", b"one", b"b", b"", b"", b"key", b"value", b""],
            "proto_init": [b"a", b"key"],
            "proto_key": [b"a", b"b", b"", b"key", b""],
            "proto_value": [b"one", b"", b"value"],
        }
        for chunks in deliveries(DATA):
            seen: list[bytes] = []
            original = getattr(amp.BinaryBoxProtocol, name)

            def step(self: Any, string: bytes, seen: Any = seen, original: Any = original) -> Any:
                seen.append(string)
                return original(self, string)

            if where == "class":
                protocol = connected(type("Own", (amp.BinaryBoxProtocol,), {name: step}))
            else:
                protocol = connected(amp.BinaryBoxProtocol)
                setattr(protocol, name, step.__get__(protocol))
            deliver(protocol, chunks)
            assert (seen, protocol.boxReceiver.boxes) == (expected[name], BOXES)

    @pytest.mark.parametrize(
        ("owner", "name"),
        [
            ("StatefulStringProtocol", "stringReceived"),
            ("BinaryBoxProtocol", "stringReceived"),
            ("BinaryBoxProtocol", "proto_key"),
        ],
    )
    def test_patched(self, amp: Any, owner: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A step that is patched on our classes sees the traffic of every connection."""

        def step(self: Any, string: bytes) -> Any:
            seen.append(string)
            return original(self, string)

        seen: list[bytes] = []
        original = getattr(getattr(amp, owner), name)
        monkeypatch.setattr(getattr(amp, owner), name, step)
        protocol = connected(amp.BinaryBoxProtocol)
        protocol.dataReceived(DATA)
        assert protocol.boxReceiver.boxes == BOXES
        assert len(seen) == (5 if name == "proto_key" else 8)

    def test_changedStrings(self, amp: Any) -> None:
        """A step can change its string."""

        class Upper(amp.BinaryBoxProtocol):
            def proto_value(self, string: bytes) -> Any:
                if self._currentKey == b"a":
                    string = string.upper()
                return super().proto_value(string)

            def proto_key(self, string: bytes) -> Any:
                return super().proto_key(b"x" + string if string else string)

        protocol = connected(Upper)
        deliver(protocol, bytewise(DATA))
        assert protocol.boxReceiver.boxes == [{b"xa": b"one", b"xb": b""}, {b"xkey": b"value"}]

    def test_greeting(self, amp: Any) -> None:
        """A subclass can have its own state before the first box, and end with C{"done"}."""

        class Greeted(amp.BinaryBoxProtocol):
            state = "greeting"

            def proto_greeting(self, string: bytes) -> str:
                self.greeting = string
                return "init"

            def proto_key(self, string: bytes) -> Any:
                return "done" if string == b"stop" else super().proto_key(string)

        for chunks in deliveries(b"\0\5hello" + DATA + b"\0\1a\0\0\0\4stop"):
            protocol = connected(Greeted)
            deliver(protocol, chunks)
            assert (protocol.greeting, protocol.boxReceiver.boxes, protocol.state) == (b"hello", BOXES, "done")
            assert protocol.wire.disconnecting

    def test_visible(self, amp: Any) -> None:
        """The attributes show the parser's progress after each byte."""
        protocol = connected(amp.BinaryBoxProtocol)
        seen = []
        for chunk in (b"\0", b"\1k", b"\0", b"\2v", b"w", b"\0", b"\0"):
            protocol.dataReceived(chunk)
            seen.append((protocol.state, protocol._currentKey, copy(protocol._currentBox), protocol.MAX_LENGTH))
            seen.append((protocol.recvd, protocol._unprocessed, protocol._compatibilityOffset))
        assert seen == [
            ("init", None, None, 255),
            (b"\0", b"\0", 0),
            ("value", b"k", {}, 65535),
            (b"", b"", 0),
            ("value", b"k", {}, 65535),
            (b"\0", b"\0", 0),
            ("value", b"k", {}, 65535),
            (b"\0\2v", b"\0\2v", 0),
            ("key", None, {b"k": b"vw"}, 255),
            (b"", b"", 0),
            ("key", None, {b"k": b"vw"}, 255),
            (b"\0", b"\0", 0),
            ("init", None, None, 255),
            (b"", b"", 0),
        ]

    def test_visibleInCallbacks(self, amp: Any) -> None:
        """In the callback for a box, C{recvd} has the bytes after that box."""

        class Looking(Receiver):
            def ampBoxReceived(self, box: Any) -> None:
                super().ampBoxReceived(box)
                rest.append(protocol.recvd)
                assert protocol._unprocessed[protocol._compatibilityOffset :] == protocol.recvd

        rest: list[bytes] = []
        protocol = amp.BinaryBoxProtocol(Looking())
        RecordingTransport().connect(protocol)
        protocol.dataReceived(DATA + b"\0\1")
        assert rest == [DATA[15:] + b"\0\1", b"\0\1"]

    def test_taken(self, amp: Any) -> None:
        """A callback can clear or replace C{recvd}, in the middle of a chunk and at its end."""

        class Taking(Receiver):
            def ampBoxReceived(self, box: Any) -> None:
                super().ampBoxReceived(box)
                if b"take" in box:
                    rest.append(protocol.recvd)
                    protocol.recvd = b"" if box[b"take"] == b"all" else DATA

        rest: list[bytes] = []
        protocol = amp.BinaryBoxProtocol(Taking())
        RecordingTransport().connect(protocol)
        protocol.dataReceived(amp.Box(take=b"all").serialize() + b"something else")
        protocol.dataReceived(amp.Box(take=b"put").serialize() + b"more")
        assert rest == [b"something else", b"more"]
        assert protocol.boxReceiver.boxes == [{b"take": b"all"}, {b"take": b"put"}, *BOXES]

    def test_ownLoop(self, amp: Any) -> None:
        """An application's own C{dataReceived} can use the buffer and the offset as in Twisted."""

        class Own(amp.BinaryBoxProtocol):
            def dataReceived(self, data: bytes) -> None:
                everything = self._unprocessed + data
                self._unprocessed = everything
                at = 0
                while len(everything) >= at + self.prefixLength and not self.paused:
                    begin = at + self.prefixLength
                    (length,) = struct.unpack(self.structFormat, everything[at:begin])
                    if length > self.MAX_LENGTH:
                        self._unprocessed = everything
                        self._compatibilityOffset = at
                        self.lengthLimitExceeded(length)
                        return
                    if len(everything) < begin + length:
                        break
                    self._compatibilityOffset = at = begin + length
                    self.stringReceived(everything[begin:at])
                self._unprocessed = everything[at:]
                self._compatibilityOffset = 0

        for chunks in deliveries(DATA):
            protocol = connected(Own)
            deliver(protocol, chunks)
            assert protocol.boxReceiver.boxes == BOXES
        protocol.dataReceived(b"\xff\xff")
        assert (protocol.wire.disconnecting, protocol._keyLengthLimitExceeded) == (True, True)

    def test_baseByName(self, amp: Any) -> None:
        """The bases' methods can be called by the names of the bases."""

        class Own(amp.BinaryBoxProtocol):
            def dataReceived(self, data: bytes) -> Any:
                return amp.Int16StringReceiver.dataReceived(self, data)

            def stringReceived(self, string: bytes) -> None:
                seen.append(string)
                amp.StatefulStringProtocol.stringReceived(self, string)

        seen: list[bytes] = []
        protocol = connected(Own)
        deliver(protocol, bytewise(DATA))
        assert (protocol.boxReceiver.boxes, len(seen)) == (BOXES, 8)

    def test_pausing(self, amp: Any) -> None:
        """
        After a pause in a callback, C{resumeProducing} delivers the rest.  C{stopProducing} closes
        the connection.
        """

        class Pausing(Receiver):
            def ampBoxReceived(self, box: Any) -> None:
                super().ampBoxReceived(box)
                protocol.pauseProducing()

        protocol = amp.BinaryBoxProtocol(Pausing())
        transport = RecordingTransport().connect(protocol)
        protocol.dataReceived(DATA)
        assert (protocol.boxReceiver.boxes, protocol.paused, transport.reading) == (BOXES[:1], True, False)
        protocol.resumeProducing()
        assert (protocol.boxReceiver.boxes, transport.names()) == (
            BOXES,
            ["pauseProducing", "resumeProducing", "pauseProducing"],
        )
        protocol.stopProducing()
        assert "stopProducing" in transport.names()

    def test_replaced(self, amp: Any) -> None:
        """The receiver can be replaced between two boxes of one chunk."""

        class Leaving(Receiver):
            def ampBoxReceived(self, box: Any) -> None:
                super().ampBoxReceived(box)
                protocol.boxReceiver = other

        other = Receiver()
        protocol = amp.BinaryBoxProtocol(Leaving())
        first = protocol.boxReceiver
        RecordingTransport().connect(protocol)
        protocol.dataReceived(DATA)
        assert (first.boxes, other.boxes) == (BOXES[:1], BOXES[1:])

    def test_hookedInCallback(self, amp: Any) -> None:
        """
        A step that a callback overrides on the instance applies to the next box of the same chunk.
        """

        class Hooking(Receiver):
            def ampBoxReceived(self, box: Any) -> None:
                super().ampBoxReceived(box)
                protocol.proto_value = lambda string: original(b"<" + string)

        protocol = amp.BinaryBoxProtocol(Hooking())
        original = protocol.proto_value
        RecordingTransport().connect(protocol)
        protocol.dataReceived(DATA)
        assert protocol.boxReceiver.boxes == [BOXES[0], {b"key": b"<value"}]


class TestLimits:
    """Tests for limits on classes and instances, and for what happens when they are exceeded."""

    def test_instance(self, amp: Any) -> None:
        """C{MAX_LENGTH} on an instance limits the next string only."""
        protocol = connected(amp.BinaryBoxProtocol)
        protocol.MAX_LENGTH = 2
        protocol.dataReceived(b"\0\2ok\0\0\0\0" + b"\0\3all\0\0\0\0")
        assert protocol.boxReceiver.boxes == [{b"ok": b""}, {b"all": b""}]
        protocol.MAX_LENGTH = 2
        protocol.dataReceived(b"\0\3bad")
        assert (protocol.wire.disconnecting, protocol._keyLengthLimitExceeded) == (True, True)

    def test_class(self, amp: Any) -> None:
        """A subclass can lower C{_MAX_KEY_LENGTH} and C{_MAX_VALUE_LENGTH}."""

        class Small(amp.BinaryBoxProtocol):
            MAX_LENGTH = _MAX_KEY_LENGTH = 3
            _MAX_VALUE_LENGTH = 5

        protocol = connected(Small)
        protocol.dataReceived(DATA)
        assert (protocol.boxReceiver.boxes, protocol.wire.disconnecting) == (BOXES, False)
        protocol.dataReceived(b"\0\1a\0\6values\0\0")
        assert (protocol.boxReceiver.boxes, protocol.wire.disconnecting) == (BOXES, True)

    def test_hook(self, amp: Any) -> None:
        """
        C{lengthLimitExceeded} gets the length.  An override can raise, or count and call the base.
        """

        class Counting(amp.BinaryBoxProtocol):
            def lengthLimitExceeded(self, length: int) -> None:
                lengths.append(length)
                super().lengthLimitExceeded(length)

        class Raising(amp.BinaryBoxProtocol):
            def lengthLimitExceeded(self, length: int) -> None:
                raise ZeroDivisionError(length)

        lengths: list[int] = []
        protocol = connected(Counting)
        protocol.dataReceived(b"\1\0")
        assert (lengths, protocol.wire.disconnecting) == ([256], True)
        with pytest.raises(ZeroDivisionError):
            connected(Raising).dataReceived(b"\1\0")

    def test_reason(self, amp: Any) -> None:
        """If C{_keyLengthLimitExceeded} is set, C{stopReceivingBoxes} gets C{TooLong}."""
        protocol = connected(amp.BinaryBoxProtocol)
        protocol._keyLengthLimitExceeded = True
        protocol.connectionLost(Failure(ConnectionDone()))
        error = protocol.boxReceiver.reason.value
        assert (type(error), error.isKey, error.isLocal, error.value, error.keyName) == (
            amp.TooLong,
            True,
            False,
            None,
            None,
        )

    def test_sendString(self, amp: Any) -> None:
        """C{sendString} sends single strings, in the format that two attributes define."""
        protocol = connected(amp.BinaryBoxProtocol)
        for string in (b"a", b"1", b""):
            protocol.sendString(string)
        assert amp.parseString(protocol.wire.written) == [{b"a": b"1"}]
        assert (protocol.structFormat, protocol.prefixLength) == ("!H", 2)

    def test_framing(self, amp: Any) -> None:
        """A subclass with another length prefix reads and sends strings in that format."""

        class Wide(amp.BinaryBoxProtocol):
            structFormat = "!I"
            prefixLength = 4
            _MAX_VALUE_LENGTH = 1 << 20

        data = b"\0\0\0\1a\0\1\0\1" + b"x" * 65537 + b"\0\0\0\0"
        protocol = connected(Wide)
        protocol.dataReceived(data)
        assert protocol.boxReceiver.boxes == [{b"a": b"x" * 65537}]
        protocol.sendString(b"a")
        assert protocol.wire.written == b"\0\0\0\1a"
