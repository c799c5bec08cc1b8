"""Streams keep the promises: memory is limited, and nothing is left, whatever a peer sends."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure

from tests.amp.streampeers import Add, Peer, Upload, Watch, connectPeers, outcome
from tests.helpers import RecordingTransport, deliveries, examples
from twisted_basic_ng import amp

from .test_memory import Memory


class Keeping(Peer):
    """Keeps every reader, and reads from none."""

    @Upload.responder
    def keep(self, how: str, data: Any) -> Any:
        self.readers.append(data)
        return {"size": 0}


def agreed() -> tuple[Keeping, RecordingTransport]:
    """Make a side that has agreed on streams with a simulated peer."""
    end = Keeping()
    transport = RecordingTransport(lacking=["registerProducer"]).connect(end)
    end.dataReceived(amp.AmpBox(_command=b"_extensions", _ask=b"q", offers=b"\0\7streams").serialize())
    end._ampExtensions.feature(b"streams").table.soon = lambda function, *args: function(*args)
    return end, transport


def opened(number: int) -> bytes:
    """Return a box with a call that opens a stream."""
    each = b"%d" % number
    return amp.AmpBox(_command=b"Upload", _ask=each, _streams=each, how=b"", data=each).serialize()


def piece(number: int, size: int) -> bytes:
    """Return a box with a piece of a stream."""
    return amp.AmpBox(_stream=b"%d" % number, _data=bytes(size)).serialize()


class TestMemory:
    """Unread streams take no more memory than the limits allow."""

    def test_left(self) -> None:
        """The number of abandoned streams is limited."""
        end, transport = agreed()
        with Memory() as memory:
            number = 0
            while not transport.disconnecting and number < 1000:
                number += 1
                end.dataReceived(opened(number))
                if not transport.disconnecting:
                    end.dataReceived(piece(number, 16384))
            assert memory.held < end.MAX_STREAM_BYTES
        assert "MAX_STREAMS" in str(end._ampRefusal)
        assert number - 1 == end.MAX_STREAMS * 5

    def test_answered(self) -> None:
        """A peer that ends its stopped streams may open any number of them."""
        end, transport = agreed()
        with Memory() as memory:
            for number in range(1, 1001):
                end.dataReceived(opened(number) + amp.AmpBox(_stream=b"%d" % number, _reset=b"STOPPED").serialize())
                end.readers.clear()
            assert memory.held < end.MAX_STREAM_BYTES
        assert not transport.disconnecting
        table = end._ampStreams
        assert [*table.inboxes, *table.stopped] == []

    def test_windows(self) -> None:
        """Filling the window of every stream stays within the limit."""
        end, transport = agreed()
        with Memory() as memory:
            for number in range(1, end.MAX_STREAMS + 1):
                end.dataReceived(opened(number))
                end.readers[-1]._ampInbox.read()
            for inbox in list(end._ampStreams.inboxes.values()):
                while inbox.credit:
                    end.dataReceived(piece(inbox.number, min(inbox.credit, 16384)))
            assert memory.held < 1.1 * end.MAX_STREAM_BYTES + 2**20
        assert not transport.disconnecting

    def test_neverReads(self) -> None:
        """
        If a peer grants a large window and reads nothing, only what the transport takes is
        produced.
        """
        client, server = Peer(), Peer()
        connection = connectPeers(client, server)
        pieces: list[int] = []

        def generate() -> Any:
            while True:
                pieces.append(1)
                yield bytes(16384)

        outcome(client.callRemote(Upload, how="keep", data=generate()))
        connection.flush()
        connection.server.reading = False
        with Memory() as memory:
            client.dataReceived(amp.AmpBox(_stream=b"1", _window=b"2147400000").serialize())
            for _ in range(100):
                connection.pump()
            assert memory.held < 2**20
        assert len(pieces) < 50


class TestHostile:
    """A violation closes the connection, in any chunks, and frees what was kept."""

    @pytest.mark.parametrize(
        "boxes",
        [
            [{"_stream": b"1", "_data": b"x"}],
            [{"_stream": b"0", "_end": b""}],
            [{"_stream": b"", "_end": b""}],
            [{"_stream": b"1", "_window": b"1"}],
            [{"_stream": b"1", "_stop": b"1"}],
            [{"_stream": b"1", "_reset": b"1"}],
            [{"_stream": b"9" * 300, "_data": b"x"}],
            [{"_stream": b"1"}],
            [{"_command": b"Add", "a": b"1", "_streams": b""}],
            [{"_command": b"Add", "a": b"1", "_streams": b"1 1"}],
            [{"_command": b"Add", "a": b"1", "_streams": b"2"}],
            [{"_command": b"Add", "a": b"1", "_streams": b"1"}, {"_stream": b"1", "_end": b"x"}],
            [{"_command": b"Add", "a": b"1", "_streams": b"1"}, {"_stream": b"1", "_end": b"", "_stop": b""}],
            [{"_answer": b"7", "_streams": b"x"}],
        ],
    )
    def test_refused(self, boxes: list[dict[str, bytes]]) -> None:
        """The error is documented, and nothing runs after it."""
        data = b"".join(amp.AmpBox(box).serialize() for box in boxes)
        for chunks in deliveries(data, opened(1)):
            end, transport = agreed()
            for chunk in chunks:
                end.dataReceived(chunk)
            assert transport.disconnecting
            assert isinstance(end._ampRefusal, amp.StreamViolationError)
            assert end.readers == []

    def test_otherBoxes(self) -> None:
        """Only calls and answers announce streams, and no other box leaves one behind."""
        end, transport = agreed()
        end.dataReceived(opened(1))
        table = end._ampStreams
        for number in range(2, 1000):
            end.dataReceived(amp.AmpBox(_stream=b"1", _data=b"x", _streams=b"%d" % number).serialize())
        assert not transport.disconnecting
        assert [*table.inboxes] == [b"1"]
        for number in range(2, 300):
            each = b"%d" % number
            data = amp.AmpBox(_command=b"_extensions", _ask=each, offers=b"\0\7streams", _streams=each).serialize()
            end.dataReceived(data + amp.AmpBox(_stream=each, _reset=b"STOPPED").serialize())
        assert not transport.disconnecting
        assert [*table.inboxes, *table.announced, *table.stopped] == [b"1"]

    def test_twice(self) -> None:
        """A second end, or a second announcement of a stream, is refused."""
        for second in (amp.AmpBox(_stream=b"1", _end=b"").serialize(), opened(1)):
            end, transport = agreed()
            end.dataReceived(opened(1) + amp.AmpBox(_stream=b"1", _end=b"").serialize())
            assert not transport.disconnecting
            end.dataReceived(second)
            assert transport.disconnecting

    @pytest.mark.parametrize("window", [b"0", b"-1", b"9223372036854775808", b"2147483648", b"", b"1e5"])
    def test_window(self, window: bytes) -> None:
        """Malformed, non-positive and too large windows are refused."""
        end, transport = agreed()
        end.dataReceived(amp.AmpBox(_command=b"Watch", _ask=b"1", count=b"100000").serialize())
        end.dataReceived(amp.AmpBox(_stream=b"1", _window=window).serialize())
        assert transport.disconnecting
        assert isinstance(end._ampRefusal, amp.StreamViolationError)

    def test_nothingKept(self) -> None:
        """Nothing is kept after the connection is lost."""
        end, transport = agreed()
        for number in range(1, 50):
            end.dataReceived(opened(number) + piece(number, 1000))
        end.dataReceived(amp.AmpBox(_command=b"Watch", _ask=b"w", count=b"100000").serialize())
        end.connectionLost(Failure(ConnectionLost()))
        gone = weakref.ref(end)
        del end, transport
        gc.collect()
        assert gone() is None


class TestEnds:
    """Both sides learn of the end of each stream."""

    @pytest.mark.parametrize("size", [1, 7, 1000, None])
    def test_anyPieces(self, size: int | None) -> None:
        """The same values arrive in any chunks."""
        client, server = Peer(), Peer()
        connection = connectPeers(client, server, size)
        uploading = outcome(client.callRemote(Upload, how="", data=[b"x" * 700, b"y" * 800]))
        watching = outcome(client.callRemote(Watch, count=5))
        connection.flush()
        assert uploading.result == {"size": 1500}
        read: list[Any] = []
        watching.result["numbers"].collect(1000).addErrback(read.append)
        connection.flush()
        assert read[0].check(ZeroDivisionError)
        adding = outcome(client.callRemote(Add, a=1))
        connection.flush()
        assert adding.result == {"total": 2}


#: Valid and invalid values for the keys of streams.
VALUES = {
    "_stream": [b"1", b"2", b"3", b"0", b"x", b""],
    "_streams": [b"1", b"2", b"1 2", b"3", b"", b"9"],
    "_data": [b"", b"x", bytes(16384), bytes(16385), b"\0\1x"],
    "_end": [b"", b"x"],
    "_reset": [b"ZERO", b"UNKNOWN", b""],
    "_stop": [b"ENOUGH", b""],
    "_window": [b"1", b"100000", b"0", b"-1", b"2147483647", b"2147483648"],
    "_text": [b"why", b"\xff"],
    "_command": [b"Upload", b"Watch", b"Talk", b"Add", b"Nothing"],
    "_ask": [b"1", b"2"],
    "_answer": [b"1", b"5"],
    "how": [b"", b"fail", b"keep", b"ignore"],
    "data": [b"1", b"2", b"x"],
    "questions": [b"1", b"2"],
    "count": [b"3", b"100000"],
    "a": [b"1"],
}
PAIRS = [(key, value) for key, values in VALUES.items() for value in values]
CALLS = [
    {"_command": b"Upload", "_ask": b"1", "_streams": b"1", "how": b"", "data": b"1"},
    {"_command": b"Talk", "_ask": b"2", "_streams": b"2", "questions": b"2"},
    {"_command": b"Watch", "_ask": b"3", "count": b"100000"},
    {"_stream": b"1", "_data": b"x"},
    {"_stream": b"1", "_end": b""},
    {"_stream": b"1", "_window": b"100000"},
    {"_stream": b"1", "_stop": b"ENOUGH"},
    {"_stream": b"2", "_data": b"\0\1x"},
]


class TestAnyBoxes:
    """Boxes in any order cause only documented errors, and nothing is left."""

    @settings(max_examples=examples(2000), deadline=None)
    @given(st.lists(st.sampled_from(CALLS) | st.lists(st.sampled_from(PAIRS), max_size=5).map(dict), max_size=12))
    def test_any(self, boxes: list[dict[str, bytes]]) -> None:
        """Each box is handled or refused, or ends the connection."""
        end = Peer()
        end.unknownErrorsAreFatal = False
        transport = RecordingTransport(lacking=["registerProducer"]).connect(end)
        end.dataReceived(amp.AmpBox(_command=b"_extensions", _ask=b"q", offers=b"\0\7streams").serialize())
        table = end._ampExtensions.feature(b"streams").table
        table.soon = lambda function, *args: function(*args)
        try:
            for box in boxes:
                end.dataReceived(amp.AmpBox(box).serialize())
        except (amp.NoEmptyBoxes, amp.UnknownTagError):
            pass
        size = sum(inbox.size + inbox.credit for inbox in table.unread)
        assert size <= end.MAX_STREAM_BYTES
        assert isinstance(end._ampRefusal, (amp.StreamError, type(None)))
        assert (end._ampRefusal is None) or transport.disconnecting
        end.connectionLost(Failure(ConnectionLost()))
        kept = [table.writers, table.inboxes, table.unread, table.announced, table.stopped]
        assert not any(kept)
