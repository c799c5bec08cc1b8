"""Tests for L{twisted_basic_ng._accelerate.framing}, and for its compiled build."""

from __future__ import annotations

import struct
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, strategies as st

from twisted_basic_ng._accelerate import framing as pure
from twisted_basic_ng._accelerate.framing import LONGEST, Stop, formatNetstring, netstringLength

try:
    from twisted_basic_ng._accelerate import framing_ext
except ImportError:
    framing_ext = pure  # type: ignore[assignment]


class TestStop:
    """Tests for L{Stop}, whose members differ from numbers of bytes and from each other."""

    def test_values(self) -> None:
        """The values are negative and unique, and L{LONGEST} has its documented value."""
        assert [(each.name, each.value) for each in Stop] == [("MALFORMED", -1), ("TOO_LONG", -2), ("UNTERMINATED", -3)]
        assert LONGEST == 99_999_999_999_999_999


class TestSplitLines:
    """C{splitLines} cuts at the leftmost delimiters."""

    @pytest.mark.parametrize(
        ("data", "start", "delimiter", "lines", "end"),
        [
            (b"", 0, b"\n", [], 0),
            (b"abc", 0, b"\n", [], 0),
            (b"a\nb\nc", 0, b"\n", [b"a", b"b"], 4),
            (b"a\nb\nc", 2, b"\n", [b"b"], 4),
            (b"\n\n", 0, b"\n", [b"", b""], 2),
            (b"a\r\nb\r", 0, b"\r\n", [b"a"], 3),
            (b"xaaay", 0, b"aa", [b"x"], 3),
            (b"a\nb", 0, b"", [], 0),
            (b"a\n", 2, b"\n", [], 2),
        ],
    )
    def test_table(
        self, framing: ModuleType, data: bytes, start: int, delimiter: bytes, lines: list[bytes], end: int
    ) -> None:
        """Each case of the table, with a large window."""
        assert framing.splitLines(data, start, delimiter, 100) == (lines, end)

    def test_window(self, framing: ModuleType) -> None:
        """Only lines that end within the window are cut, or one longer line if there is none."""
        assert framing.splitLines(b"a\nb\nc\n", 0, b"\n", 4) == ([b"a", b"b"], 4)
        assert framing.splitLines(b"abcdef\ng\n", 0, b"\n", 3) == ([b"abcdef"], 7)
        assert framing.splitLines(b"ab\r\nc\r\n", 0, b"\r\n", 3) == ([b"ab"], 4)
        assert framing.splitLines(b"abcdef", 0, b"\n", 3) == ([], 0)
        assert framing.splitLines(b"\r\nab\r\n", 0, b"\r\n", 1) == ([b""], 2)


class TestSplitStrings:
    """C{splitStrings} cuts strings by their length prefix."""

    @pytest.mark.parametrize(
        ("data", "start", "limit", "most", "result"),
        [
            (b"", 0, 9, 9, ([], 0, 2)),
            (b"\0", 0, 9, 9, ([], 0, 2)),
            (b"\0\0", 0, 9, 9, ([b""], 2, 2)),
            (b"\0\x01a\0\x02bc\0\x03d", 0, 9, 9, ([b"a", b"bc"], 7, 5)),
            (b"\0\x01a\0\x02bc\0\x03d", 3, 9, 9, ([b"bc"], 7, 5)),
            (b"\0\x01a\0\x02bc", 0, 9, 1, ([b"a"], 3, 0)),
            (b"\0\x01a\0\x02bc", 0, 1, 9, ([b"a"], 3, Stop.TOO_LONG)),
            (b"\xff\xff", 0, 65535, 9, ([], 0, 65537)),
            (b"\0\x01a", 3, 9, 9, ([], 3, 2)),
        ],
    )
    def test_table(
        self, framing: ModuleType, data: bytes, start: int, limit: int, most: int, result: tuple[list[bytes], int, int]
    ) -> None:
        """Each case of the table, with a prefix of two bytes."""
        assert framing.splitStrings(data, start, "!H", 2, limit, most) == result

    @pytest.mark.parametrize("structFormat", ["!B", "!H", "!I", "!L", "!Q", "<H", "=I", ">I", ">H", ">B", ">L"])
    def test_formats(self, framing: ModuleType, structFormat: str) -> None:
        """Any format of one number is supported."""
        size = struct.calcsize(structFormat)
        data = struct.pack(structFormat, 3) + b"abc" + struct.pack(structFormat, 0)
        assert framing.splitStrings(data, 0, structFormat, size, 99, 9) == ([b"abc", b""], len(data), size)

    def test_negative(self, framing: ModuleType) -> None:
        """A negative length is refused like one over the limit."""
        assert framing.splitStrings(b"\xff\xffab", 0, "!h", 2, 99, 9) == ([], 0, Stop.TOO_LONG)

    @pytest.mark.parametrize("data", [b"\0", b"\0\x01a", b"\xff" * 6])
    def test_mismatch(self, framing: ModuleType, data: bytes) -> None:
        """A prefix whose size does not match its format raises an error."""
        with pytest.raises(struct.error):
            framing.splitStrings(data, 0, "!I", 2, 99, 9)

    def test_unlimited(self, framing: ModuleType) -> None:
        """The limit may be infinite."""
        assert framing.splitStrings(b"\xff\xff\xff\xff", 0, "!I", 4, float("inf"), 9) == ([], 0, 2**32 + 3)


class TestSplitNetstrings:
    """C{splitNetstrings} cuts netstrings as the specification defines them."""

    @pytest.mark.parametrize(
        ("data", "limit", "result"),
        [
            (b"", 99, ([], 0, 0)),
            (b"0:,", 99, ([b""], 3, 0)),
            (b"1:a,2:bc,", 99, ([b"a", b"bc"], 9, 0)),
            (b"1:a,1", 99, ([b"a"], 4, 2)),
            (b"1:a,1:", 99, ([b"a"], 4, 4)),
            (b"1:a,1:b", 99, ([b"a"], 4, 4)),
            (b"12", 99, ([], 0, 3)),
            (b"100", 99, ([], 0, Stop.TOO_LONG)),
            (b"1000000000000000000000000000:", 99, ([], 0, Stop.TOO_LONG)),
            (b"100:", 99, ([], 0, Stop.TOO_LONG)),
            (b"99:", 99, ([], 0, 103)),
            (b"1:a,9:", 8, ([b"a"], 4, Stop.TOO_LONG)),
            (b"0:,", 0, ([b""], 3, 0)),
            (b"1:", 0, ([], 0, Stop.TOO_LONG)),
            (b"0:,", -1, ([], 0, Stop.TOO_LONG)),
            (b"0:,", float("-inf"), ([], 0, Stop.TOO_LONG)),
            (b"00:,", 99, ([], 0, Stop.MALFORMED)),
            (b"01:a,", 99, ([], 0, Stop.MALFORMED)),
            (b":a,", 99, ([], 0, Stop.MALFORMED)),
            (b"a", 99, ([], 0, Stop.MALFORMED)),
            (b"1a", 99, ([], 0, Stop.MALFORMED)),
            (b"1\n", 99, ([], 0, Stop.MALFORMED)),
            (b"-1:", 99, ([], 0, Stop.MALFORMED)),
            (b"+1:a,", 99, ([], 0, Stop.MALFORMED)),
            (b"1_0:", 99, ([], 0, Stop.MALFORMED)),
            (b" 1:a,", 99, ([], 0, Stop.MALFORMED)),
            (b"1:ab", 99, ([], 0, Stop.UNTERMINATED)),
            (b"1" * 18, float("inf"), ([], 0, Stop.TOO_LONG)),
            (b"9" * 17 + b":", 10**30, ([], 0, LONGEST + 19)),
        ],
    )
    def test_table(self, framing: ModuleType, data: bytes, limit: float, result: tuple[list[bytes], int, int]) -> None:
        """Each case of the table."""
        assert framing.splitNetstrings(data, 0, limit, 9) == result

    def test_most(self, framing: ModuleType) -> None:
        """At most the requested number are cut, beginning at the given offset."""
        assert framing.splitNetstrings(b"1:a,1:b,1:c,", 4, 99, 1) == ([b"b"], 8, 0)

    def test_length(self) -> None:
        """C{netstringLength} returns the length and the offset of the colon."""
        assert netstringLength(b"x12:", 1, 99) == (12, 3)
        assert netstringLength(b"12", 0, 99) == (12, -1)
        assert netstringLength(b"123:", 0, 99) == (Stop.TOO_LONG, -1)
        assert netstringLength(b"x:", 0, 99) == (Stop.MALFORMED, 1)
        assert netstringLength(b"9" * 18 + b":", 0, float("inf")) == (Stop.TOO_LONG, -1)
        assert netstringLength(b"9" * 17 + b":", 0, 2**90) == (LONGEST, 17)

    def test_format(self) -> None:
        """C{formatNetstring} returns a netstring."""
        assert formatNetstring(b"") == b"0:,"
        assert formatNetstring(b"hello world!") == b"12:hello world!,"


class TestRemembered:
    """The pure build caches the lengths that it has parsed."""

    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
        """Record the lengths that are parsed, beginning with an empty cache."""
        asked: list[bytes] = []

        def reading(data: bytes, start: int, limit: float) -> tuple[int, int]:
            asked.append(data[start:].partition(b":")[0])
            return netstringLength(data, start, limit)

        monkeypatch.setattr(pure, "netstringLength", reading)
        monkeypatch.setattr(pure, "_LENGTHS", {})
        return asked

    @pytest.mark.parametrize("size", [0, 1, 9, 12, 345, 6789])
    def test_once(self, asked: list[bytes], size: int) -> None:
        """Each length is parsed once, for any size and limit."""
        data = b"1:" + formatNetstring(b"x" * size) * 3
        for limit in (size, 6789, float("inf"), 10**17 - 1):
            pure._LENGTHS.clear()
            assert pure.splitNetstrings(data, 2, limit, 99) == ([b"x" * size] * 3, len(data), 0)
        assert asked == [b"%d" % size] * 4

    def test_limit(self, asked: list[bytes]) -> None:
        """A cached length is still compared with the limit."""
        assert pure.splitNetstrings(b"9:123456789,", 0, 9, 9) == ([b"123456789"], 12, 0)
        assert pure.splitNetstrings(b"9:123456789,", 0, 8, 9) == ([], 0, Stop.TOO_LONG)
        assert asked == [b"9"]
        assert pure.splitNetstrings(b"9:123456789,", 0, 9, 9)[2] == 0
        assert pure.splitNetstrings(b"1:a,9:123456789,", 0, 8, 9) == ([b"a"], 4, Stop.TOO_LONG)

    def test_shorterAtTheEnd(self, asked: list[bytes]) -> None:
        """
        A cached length at the end of the bytes, after one with more digits, is read correctly.
        """
        assert pure.splitNetstrings(b"5:abcde,", 0, 99, 9) == ([b"abcde"], 8, 0)
        for digits in (b"5:", b"5:a", b"5:abcde"):
            assert pure.splitNetstrings(b"12:abcdefghijkl," + digits, 0, 99, 9) == ([b"abcdefghijkl"], 16, 8)

    def test_whole(self, asked: list[bytes]) -> None:
        """Only complete and valid lengths are cached, up to the limit of the cache."""
        for data in (b"12", b"x:", b"012:", b"10000:", *(b"%d:" % number for number in range(100, 1300))):
            pure.splitNetstrings(data, 0, 9999, 9)
        kept = [(digits.rstrip(b":"), length) for digits, length in pure._LENGTHS.items()]
        assert kept == [(b"%d" % number, number) for number in range(100, 1124)]


class TestBothBuilds:
    """Both builds return the same for any bytes."""

    @given(
        st.text("a\r\n", max_size=40), st.integers(0, 45), st.sampled_from(["\n", "\r\n", "aa", ""]), st.integers(1, 50)
    )
    def test_lines(self, text: str, start: int, delimiter: str, window: int) -> None:
        """Both builds return the same lines."""
        arguments = (text.encode(), start, delimiter.encode(), window)
        assert framing_ext.splitLines(*arguments) == pure.splitLines(*arguments)

    @given(
        st.binary(max_size=40),
        st.integers(0, 45),
        st.sampled_from(["!B", "!H", "!I", "<H", "!b"]),
        st.integers(-1, 300),
    )
    def test_strings(self, data: bytes, start: int, structFormat: str, limit: int) -> None:
        """Both builds return the same strings with a length prefix."""
        arguments = (data, start, structFormat, struct.calcsize(structFormat), limit, 5)
        assert framing_ext.splitStrings(*arguments) == pure.splitStrings(*arguments)

    @given(st.text("0123:,a", max_size=40), st.integers(0, 45), st.integers(0, 1000), st.integers(0, 5))
    def test_netstrings(self, text: str, start: int, limit: int, most: int) -> None:
        """Both builds return the same netstrings."""
        arguments = (text.encode(), start, limit, most)
        assert framing_ext.splitNetstrings(*arguments) == pure.splitNetstrings(*arguments)

    @pytest.mark.skipif(framing_ext is pure, reason="the extension is not built")
    def test_start(self) -> None:
        """The compiled build refuses a negative offset."""
        for call in (
            lambda: framing_ext.splitLines(b"a", -1, b"\n", 9),
            lambda: framing_ext.splitStrings(b"a", -1, "!B", 1, 9, 9),
            lambda: framing_ext.splitNetstrings(b"a", -1, 9, 9),
            lambda: framing_ext.parseBox(b"\0\0", -1, {}, None),
            lambda: framing_ext.splitBoxes(b"\0\0", -1, dict, 9, 9, 9),
        ):
            with pytest.raises(ValueError, match="start is negative"):
                call()


class TestBoxes:
    """Tests for formatting and parsing AMP boxes."""

    box = {b"a": b"1", b"key": b"v" * 300, b"e": b""}
    data = b"\x00\x01a\x00\x011\x00\x01e\x00\x00\x00\x03key\x01\x2c" + b"v" * 300 + b"\x00\x00"

    def test_format(self, framing: ModuleType) -> None:
        """Keys are sorted, each string follows its length, and an empty key ends the box."""
        assert framing.formatBox(self.box) == self.data
        assert framing.formatBox({}) == b"\x00\x00"
        assert (
            framing.formatBox({b"k" * 255: b"v" * 65535})
            == b"\0\xff" + b"k" * 255 + b"\xff\xff" + b"v" * 65535 + b"\0\0"
        )

    @pytest.mark.parametrize(
        "box",
        [
            {"a": b""},
            {b"a": ""},
            {b"a": bytearray()},
            {b"k" * 256: b""},
            {b"k": b"v" * 65536},
            {b"a": None},
            {None: b""},
        ],
    )
    def test_notFormatted(self, framing: ModuleType, box: dict[Any, Any]) -> None:
        """The result is C{None} for anything that is not bytes or is too long."""
        assert framing.formatBox(box) is None

    def test_unsortable(self, framing: ModuleType) -> None:
        """Keys of different types raise an error."""
        with pytest.raises(TypeError):
            framing.formatBox({"a": b"", b"b": b""})

    def test_parse(self, framing: ModuleType) -> None:
        """A complete box is parsed, and its end is returned."""
        box: dict[bytes, bytes] = {}
        assert framing.parseBox(b"xx" + self.data + b"rest", 2, box, None) == (2 + len(self.data), None, 0)
        assert box == self.box

    def test_everyCut(self, framing: ModuleType) -> None:
        """
        A box that is cut anywhere can be continued, and the result says how many bytes are needed.
        """
        for cut in range(len(self.data)):
            box: dict[bytes, bytes] = {}
            end, key, needed = framing.parseBox(self.data[:cut], 0, box, None)
            assert end + needed > cut
            assert framing.parseBox(self.data[end:], 0, box, key) == (len(self.data) - end, None, 0)
            assert box == self.box

    def test_needed(self, framing: ModuleType) -> None:
        """
        The number of bytes needed covers the next length, or the next string if its length is
        known.
        """
        assert framing.parseBox(b"", 0, {}, None) == (0, None, 2)
        assert framing.parseBox(b"\x00\x03ke", 0, {}, None) == (0, None, 5)
        assert framing.parseBox(b"xxxx\x00\x03ke", 4, {}, None) == (4, None, 5)
        assert framing.parseBox(b"\x00\x01k\x01\x02v", 0, {}, None) == (3, b"k", 260)
        assert framing.parseBox(b"\x00\x00", 0, {}, b"k") == (2, None, 2)

    def test_longKey(self, framing: ModuleType) -> None:
        """A key that is too long is refused as soon as its length has arrived."""
        assert framing.parseBox(b"\x00\x01k\x00\x01v\x01\x00", 0, {}, None) == (6, None, Stop.TOO_LONG)

    def test_split(self, framing: ModuleType) -> None:
        """Complete boxes are returned in the requested type, with the offset of each end."""

        class Kind(dict[bytes, bytes]):
            def __init__(self) -> None:
                raise AssertionError("not to be called")

        size = len(self.data)
        boxes, ends = framing.splitBoxes(b"xx" + self.data * 3 + b"\x00", 2, Kind, 10, 4096, 1 << 24)
        assert boxes == [self.box] * 3
        assert [type(each) for each in boxes] == [Kind] * 3
        assert ends == [2 + size, 2 + 2 * size, 2 + 3 * size]

    def test_splitMost(self, framing: ModuleType) -> None:
        """At most the requested number of boxes is returned."""
        boxes, ends = framing.splitBoxes(self.data * 3, 0, dict, 2, 4096, 1 << 24)
        assert (boxes, ends) == ([self.box] * 2, [len(self.data), 2 * len(self.data)])

    def test_splitEveryCut(self, framing: ModuleType) -> None:
        """An incomplete box is left, wherever it is cut."""
        for cut in range(len(self.data)):
            assert framing.splitBoxes(self.data + self.data[:cut], 0, dict, 9, 9, 9999) == (
                [self.box],
                [len(self.data)],
            )

    def test_splitBounds(self, framing: ModuleType) -> None:
        """A box with too many keys or bytes, or a key that is too long, is left to the caller."""
        keys = len(self.box)
        size = len(self.data) - 2  # without its terminator
        one = ([self.box], [len(self.data)])
        assert framing.splitBoxes(self.data, 0, dict, 9, keys, size) == one
        assert framing.splitBoxes(self.data, 0, dict, 9, float(keys), float("inf")) == one
        assert framing.splitBoxes(self.data, 0, dict, 9, keys - 1, size) == ([], [])
        assert framing.splitBoxes(self.data, 0, dict, 9, keys, size - 1) == ([], [])
        for long in (b"\x01\x00", b"\x01\x01", b"\x00\x01k\x00\x00\x01\x00"):
            assert framing.splitBoxes(self.data + long, 0, dict, 9, 9, 9999) == one

    def test_splitLongValue(self, framing: ModuleType) -> None:
        """A value may have any valid length."""
        for size in (255, 256, 65535):
            data = framing.formatBox({b"k": b"v" * size})
            assert framing.splitBoxes(data, 0, dict, 9, 9, 1 << 20) == ([{b"k": b"v" * size}], [len(data)])

    @given(st.binary(max_size=40), st.integers(0, 5), st.integers(0, 3), st.integers(0, 3), st.integers(0, 20))
    def test_splitAlike(self, data: bytes, start: int, most: int, mostKeys: int, mostBytes: int) -> None:
        """Both builds return the same for any bytes."""
        start = min(start, len(data))
        found = [each.splitBoxes(data, start, dict, most, mostKeys, mostBytes) for each in (pure, framing_ext)]
        assert found[0] == found[1]

    @given(st.lists(st.dictionaries(st.binary(min_size=1, max_size=60), st.binary(max_size=9), min_size=1, max_size=4)))
    def test_splitAgain(self, boxes: list[dict[bytes, bytes]]) -> None:
        """Formatted boxes are parsed again by both builds, with any keys."""
        data = b"".join(pure.formatBox(each) or b"" for each in boxes)
        for each in (pure, framing_ext):
            assert each.splitBoxes(data, 0, dict, 1000, 9, 9999)[0] == boxes


class TestSplitBoxes:
    """C{splitBoxes} cuts complete boxes up to the first that is incomplete or refused."""

    one = b"\x00\x01a\x00\x011\x00\x00"
    other = b"\x00\x01a\x00\x012\x00\x02bc\x00\x00\x00\x00"
    boxes = [{b"a": b"1"}, {b"a": b"2", b"bc": b""}]

    def test_all(self, framing: ModuleType) -> None:
        """
        All complete boxes are returned, beginning at the given offset, with the offset of each end.
        """
        data = b"xx" + self.one + self.other + self.one
        assert framing.splitBoxes(data, 2, dict, 9, 9, 99) == ([*self.boxes, self.boxes[0]], [10, 24, 32])
        assert framing.splitBoxes(data, 10, dict, 9, 9, 99) == ([self.boxes[1], self.boxes[0]], [24, 32])
        assert framing.splitBoxes(data, 32, dict, 9, 9, 99) == ([], [])
        assert framing.splitBoxes(data, 40, dict, 9, 9, 99) == ([], [])

    def test_most(self, framing: ModuleType) -> None:
        """At most the requested number is returned."""
        assert framing.splitBoxes(self.one * 3, 0, dict, 2, 9, 99) == ([self.boxes[0]] * 2, [8, 16])
        assert framing.splitBoxes(self.one, 0, dict, 0, 9, 99) == ([], [])

    def test_empty(self, framing: ModuleType) -> None:
        """A box may have no keys."""
        assert framing.splitBoxes(b"\0\0\0\0", 0, dict, 9, 0, 0) == ([{}, {}], [2, 4])

    @pytest.mark.parametrize("kind", [list, int])
    def test_noDictionary(self, framing: ModuleType, kind: Any) -> None:
        """The type of the boxes must be a dictionary type."""
        with pytest.raises(TypeError):
            framing.splitBoxes(self.one, 0, kind, 9, 9, 99)

    def test_keys(self, framing: ModuleType) -> None:
        """A box with too many keys is left to the caller.  A repeated key counts once."""
        data = self.one + self.other + self.one
        assert framing.splitBoxes(data, 0, dict, 9, 1, 99) == (self.boxes[:1], [8])
        assert framing.splitBoxes(data, 0, dict, 9, 2, 99)[1] == [8, 22, 30]
        again = self.one[:-2] + self.one
        assert framing.splitBoxes(again, 0, dict, 9, 1, 99) == (self.boxes[:1], [14])

    def test_bytes(self, framing: ModuleType) -> None:
        """A box with too many bytes, not counting its terminator, is left to the caller."""
        data = self.one + self.other
        assert framing.splitBoxes(data, 0, dict, 9, 9, 5) == ([], [])
        assert framing.splitBoxes(data, 0, dict, 9, 9, 6) == (self.boxes[:1], [8])
        assert framing.splitBoxes(data, 0, dict, 9, 9, 11) == (self.boxes[:1], [8])
        assert framing.splitBoxes(data, 0, dict, 9, 9, 12) == (self.boxes, [8, 22])

    def test_unlimited(self, framing: ModuleType) -> None:
        """A bound may be infinite."""
        assert framing.splitBoxes(self.one, 0, dict, 9, float("inf"), 2**80) == (self.boxes[:1], [8])

    def test_long(self, framing: ModuleType) -> None:
        """Keys and values may have any valid length.  A key that is too long is not accepted."""
        for key in (1, 31, 32, 33, 254, 255):
            for value in (0, 1, 255, 256, 257, 65535):
                box = {b"k" * key: b"v" * value}
                data = pure.formatBox(box)
                assert data is not None
                assert framing.splitBoxes(data * 2, 0, dict, 9, 9, 2**20) == ([box, box], [len(data), 2 * len(data)])
        assert framing.splitBoxes(self.one + b"\1\0" + b"k" * 300 + b"\0\0\0\0", 0, dict, 9, 9, 999)[1] == [8]

    def test_keysApart(self, framing: ModuleType) -> None:
        """Similar keys are distinguished, in one box and in several."""
        keys = [bytes([first, middle, last]) for first in b"ab" for middle in range(50) for last in b"xy"]
        boxes = [{key: b"%d" % number for number, key in enumerate(keys)}, *({key: key} for key in keys)]
        data = b"".join(pure.formatBox(box) or b"" for box in boxes)
        assert framing.splitBoxes(data, 0, dict, 999, 999, 99999)[0] == boxes

    @given(
        st.lists(
            st.one_of(
                st.dictionaries(st.binary(min_size=1, max_size=3), st.binary(max_size=3), max_size=4).map(
                    pure.formatBox
                ),
                st.binary(max_size=3),
            ),
            max_size=5,
        ),
        st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(-1, 5), st.integers(-1, 30)),
    )
    def test_alike(self, pieces: list[bytes], numbers: tuple[int, int, int, int]) -> None:
        """
        Both builds return the same for any bytes, which is also the same as parsing the boxes one
        by one.
        """
        data = b"".join(pieces)
        start, most, mostKeys, mostBytes = numbers
        cut = pure.splitBoxes(data, start, dict, most, mostKeys, mostBytes)
        assert framing_ext.splitBoxes(data, start, dict, most, mostKeys, mostBytes) == cut
        for box, end in zip(*cut, strict=True):
            read: dict[bytes, bytes] = {}
            assert pure.parseBox(data, start, read, None) == (end, None, 0)
            assert read == box
            start = end


class TestAnyBoxes:
    """Both builds return the same for any bytes and boxes."""

    @given(st.binary(max_size=40), st.integers(0, 5), st.sampled_from([None, b"key"]))
    def test_alike(self, data: bytes, start: int, key: bytes | None) -> None:
        """Both builds parse any bytes alike."""
        boxes: list[dict[bytes, bytes]] = [{}, {}]
        results = [each.parseBox(data, start, box, key) for each, box in zip((pure, framing_ext), boxes, strict=True)]
        assert results[0] == results[1]
        assert boxes[0] == boxes[1]

    @given(st.dictionaries(st.binary(max_size=260), st.binary(max_size=20), max_size=5))
    def test_formattedAlike(self, box: dict[bytes, bytes]) -> None:
        """Both builds format any box alike, and the result can be parsed again."""
        data = pure.formatBox(box)
        assert framing_ext.formatBox(box) == data
        if data is not None and b"" not in box:
            again: dict[bytes, bytes] = {}
            assert pure.parseBox(data, 0, again, None) == (len(data), None, 0)
            assert again == box
