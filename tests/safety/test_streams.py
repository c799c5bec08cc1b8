"""Streams keep the promises: whatever a peer sends, memory is bounded, and nothing is left."""

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
    """Keeps every reader, and reads none."""

    @Upload.responder
    def keep(self, how: str, data: Any) -> Any:
        self.readers.append(data)
        return {"size": 0}


def agreed() -> tuple[Keeping, RecordingTransport]:
    """A side that has agreed on streams with a peer that is not there."""
    end = Keeping()
    transport = RecordingTransport(lacking=["registerProducer"]).connect(end)
    end.dataReceived(amp.AmpBox(_command=b"_extensions", _ask=b"q", offers=b"\0\7streams").serialize())
    end._ampExtensions.feature(b"streams").table.soon = lambda function, *args: function(*args)
    return end, transport


def opened(number: int) -> bytes:
    """A call with a stream."""
    each = b"%d" % number
    return amp.AmpBox(_command=b"Upload", _ask=each, _streams=each, how=b"", data=each).serialize()


def piece(number: int, size: int) -> bytes:
    """A piece of a stream."""
    return amp.AmpBox(_stream=b"%d" % number, _data=bytes(size)).serialize()


class TestMemory:
    """Streams that nobody reads cost what the limits say."""

    def test_left(self) -> None:
        """A thousand streams that are opened, filled and left."""
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
        """A peer that does end the streams that are stopped may open any number."""
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
        """All that may be sent is sent, on every stream that is read a little."""
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
        """A peer that allows much and reads nothing gets what the transport takes, and no more is kept."""
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
    """What breaks the rules closes the connection, however it is cut, and what is kept is let go."""

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
        """With an error of a documented type, and nothing runs after it."""
        data = b"".join(amp.AmpBox(box).serialize() for box in boxes)
        for chunks in deliveries(data, opened(1)):
            end, transport = agreed()
            for chunk in chunks:
                end.dataReceived(chunk)
            assert transport.disconnecting
            assert isinstance(end._ampRefusal, amp.StreamViolationError)
            assert end.readers == []

    def test_otherBoxes(self) -> None:
        """Only calls and answers announce streams, and none of them leaves one that nobody can read."""
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
        """A second end, a second stop and a second announcement."""
        for second in (amp.AmpBox(_stream=b"1", _end=b"").serialize(), opened(1)):
            end, transport = agreed()
            end.dataReceived(opened(1) + amp.AmpBox(_stream=b"1", _end=b"").serialize())
            assert not transport.disconnecting
            end.dataReceived(second)
            assert transport.disconnecting

    @pytest.mark.parametrize("window", [b"0", b"-1", b"9223372036854775808", b"2147483648", b"", b"1e5"])
    def test_window(self, window: bytes) -> None:
        """Windows of nothing, of less, and of too much."""
        end, transport = agreed()
        end.dataReceived(amp.AmpBox(_command=b"Watch", _ask=b"1", count=b"100000").serialize())
        end.dataReceived(amp.AmpBox(_stream=b"1", _window=window).serialize())
        assert transport.disconnecting
        assert isinstance(end._ampRefusal, amp.StreamViolationError)

    def test_nothingKept(self) -> None:
        """When the connection is gone, nothing of it is left."""
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
    """Each end is told to both sides."""

    @pytest.mark.parametrize("size", [1, 7, 1000, None])
    def test_anyPieces(self, size: int | None) -> None:
        """However the bytes are cut, the same arrives."""
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


#: Values that keys of streams may have, and some that they may not.
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
    """Whatever boxes come, in whatever order, only documented errors come of them, and nothing is left."""

    @settings(max_examples=examples(2000), deadline=None)
    @given(st.lists(st.sampled_from(CALLS) | st.lists(st.sampled_from(PAIRS), max_size=5).map(dict), max_size=12))
    def test_any(self, boxes: list[dict[str, bytes]]) -> None:
        """Each of them is handled, refused, or the end."""
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
