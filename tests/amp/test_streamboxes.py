"""Tests for L{twisted_basic_ng.amp._streamboxes}: the contents of stream boxes."""

from __future__ import annotations

import pytest

from twisted_basic_ng import amp
from twisted_basic_ng.amp import _streamboxes as boxes
from twisted_basic_ng.amp._streamboxes import FromReader, FromSender


def read(**kw: bytes) -> FromReader | FromSender:
    return boxes.readStreamBox(amp.AmpBox(kw))


class TestRead:
    """A box is read, whichever side has sent it."""

    def test_sender(self) -> None:
        """A sender sends a piece, an end, both, or a reset."""
        assert read(_stream=b"1", _data=b"x") == FromSender(1, b"x", False, None)
        assert read(_stream=b"12", _end=b"") == FromSender(12, None, True, None)
        assert read(_stream=b"1", _data=b"x", _end=b"") == FromSender(1, b"x", True, None)
        assert read(_stream=b"1", _reset=b"CODE") == FromSender(1, None, True, (b"CODE", ""))
        assert read(_stream=b"1", _reset=b"CODE", _text=b"\xc3\xbc") == FromSender(1, None, True, (b"CODE", "ü"))

    def test_reader(self) -> None:
        """A reader grants bytes or stops the stream."""
        assert read(_stream=b"1", _window=b"2147483647") == FromReader(1, 2**31 - 1, None)
        assert read(_stream=b"1", _stop=b"", _text=b"\xff") == FromReader(1, 0, (b"", "\ufffd"))

    def test_unknownKeys(self) -> None:
        """Unknown keys are ignored."""
        assert read(_stream=b"1", _data=b"x", more=b"") == FromSender(1, b"x", False, None)

    @pytest.mark.parametrize("number", [b"", b"0", b"01", b"-1", b" 1", b"1x", b"9007199254740992", b"1" * 400])
    def test_wrongNumber(self, number: bytes) -> None:
        """A number has decimal digits, no leading zero, and is at most 2**53 - 1."""
        with pytest.raises(amp.StreamViolationError, match="not the number of a stream") as caught:
            read(_stream=number, _data=b"x")
        assert caught.value.number == number

    @pytest.mark.parametrize("window", [b"", b"0", b"-1", b"2147483648", b"9223372036854775808", b"1.5", b"all"])
    def test_wrongWindow(self, window: bytes) -> None:
        """A window is a number from 1 to 2**31 - 1."""
        with pytest.raises(amp.StreamViolationError, match="1 to 2147483647 are right"):
            read(_stream=b"1", _window=window)

    @pytest.mark.parametrize("size", [0, 16385])
    @pytest.mark.parametrize("end", [{}, {"_end": b""}])
    def test_wrongPiece(self, size: int, end: dict[str, bytes]) -> None:
        """A piece has 1 to 16,384 bytes."""
        with pytest.raises(amp.StreamViolationError, match=f"a piece of {size} bytes: 1 to 16384 are right"):
            read(_stream=b"1", _data=bytes(size), **end)

    def test_wrongEnd(self) -> None:
        """An end has an empty value."""
        with pytest.raises(amp.StreamViolationError, match="an end with a value"):
            read(_stream=b"1", _end=b"x")

    @pytest.mark.parametrize(
        "kw",
        [
            {},
            {"_text": b"x"},
            {"_data": b"x", "_reset": b"x"},
            {"_end": b"", "_reset": b"x"},
            {"_data": b"x", "_window": b"1"},
            {"_window": b"1", "_stop": b"x"},
            {"_end": b"", "_stop": b""},
        ],
    )
    def test_wrongKeys(self, kw: dict[str, bytes]) -> None:
        """Keys that do not belong together are refused."""
        with pytest.raises(amp.StreamViolationError, match="a box with"):
            read(_stream=b"1", **kw)


class TestAnnounced:
    """A call or an answer lists the streams that it announces."""

    def test_numbers(self) -> None:
        assert boxes.announced(amp.AmpBox(_streams=b"1 2 30")) == [1, 2, 30]

    @pytest.mark.parametrize("numbers", [b"", b"1  2", b"1,2", b"1 "])
    def test_wrong(self, numbers: bytes) -> None:
        with pytest.raises(amp.StreamViolationError):
            boxes.announced(amp.AmpBox(_streams=numbers))


class TestMade:
    """The boxes that are made can be read."""

    def test_window(self) -> None:
        assert boxes.readStreamBox(boxes.windowBox(3, 5)) == FromReader(3, 5, None)

    def test_end(self) -> None:
        assert boxes.readStreamBox(boxes.endBox(3, b"_stop", b"A", "t")) == FromReader(3, 0, (b"A", "t"))
        assert boxes.readStreamBox(boxes.endBox(3, b"_reset", b"A", "t")) == FromSender(3, None, True, (b"A", "t"))

    def test_longText(self) -> None:
        """A text that is too long for a value is cut."""
        assert len(boxes.endBox(1, b"_stop", b"A", "x" * 70_000)[b"_text"]) == 65_535
