"""Tests for L{twisted_basic_ng.amp._boxes}."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import loadStock
from twisted_basic_ng.amp import AmpBox, KeyTooLongError, QuitBox, TooLong, TruncatedBoxError
from twisted_basic_ng.amp._boxes import Placeholder, parseBoxes
from twisted_basic_ng.amp._streamerrors import StreamsUnsupportedError


class Wire:
    """A receiver of sent boxes that is not one of our protocols."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.transport = self

    def sendBox(self, box: AmpBox) -> None:
        self.calls.append(box)

    def loseConnection(self) -> None:
        self.calls.append("loseConnection")


class AmpBoxTests(SynchronousTestCase):
    """A box is a dictionary of bytes."""

    def test_names(self) -> None:
        """Names that are strings become bytes."""
        self.assertEqual(AmpBox({"a": b"1", b"b": b"2"}, c=b"3"), {b"a": b"1", b"b": b"2", b"c": b"3"})
        self.assertRaises(UnicodeEncodeError, AmpBox, {"\N{SNOWMAN}": b""})

    def test_copy(self) -> None:
        """A copy is another box of the same type."""
        box = QuitBox(a=b"1")
        copy = box.copy()
        self.assertEqual((type(copy), copy), (QuitBox, box))
        copy[b"a"] = b"2"
        self.assertEqual(box[b"a"], b"1")

    def test_plain(self) -> None:
        """A box has no instance dictionary."""
        self.assertFalse(hasattr(AmpBox(), "__dict__"))
        self.assertFalse(hasattr(QuitBox(), "__dict__"))

    def test_repr(self) -> None:
        """The C{repr} is the same as Twisted's."""
        stock = loadStock("amp")
        self.assertEqual(repr(AmpBox(a=b"1")), repr(stock.AmpBox(a=b"1")))
        self.assertEqual(repr(QuitBox(a=b"1")), repr(stock.QuitBox(a=b"1")))


class SerializeTests(SynchronousTestCase):
    """A box is written as Twisted writes it."""

    def check(self, content: dict[Any, Any]) -> None:
        """Compare the bytes."""
        box = AmpBox()
        box.update(content)
        theirs = loadStock("amp").AmpBox()
        theirs.update(content)
        self.assertEqual(box.serialize(), theirs.serialize())

    def test_bytes(self) -> None:
        """Keys are sorted, and each string follows its length."""
        for content in ({}, {b"b": b"", b"a": b"1"}, {b"k" * 255: b"v" * 65535}, {b"": b"odd"}):
            self.check(content)

    def test_unusual(self) -> None:
        """Other bytes-like values are written, too."""
        self.check({b"a": bytearray(b"1"), b"b": b"2"})
        self.check({b"k" * 255: bytearray(65535)})

    def test_strings(self) -> None:
        """A string raises Twisted's error, with advice."""
        for content, advice in (
            ({"a": b"1"}, "; write b'a'"),
            ({b"a": "1"}, "; send bytes, or declare it as Unicode()"),
        ):
            box = AmpBox()
            box.update(content)  # type: ignore[arg-type]
            error = self.assertRaises(TypeError, box.serialize)
            theirs = loadStock("amp").AmpBox()
            theirs.update(content)
            self.assertEqual(str(error), str(self.assertRaises(TypeError, theirs.serialize)) + advice)

    def test_tooLong(self) -> None:
        """A too long key or value raises an error that carries it."""
        error: Any = self.assertRaises(TooLong, AmpBox({b"k" * 256: b""}).serialize)
        self.assertEqual((error.isKey, error.isLocal, error.value, error.keyName), (True, True, b"k" * 256, None))
        error = self.assertRaises(TooLong, AmpBox({b"k": b"v" * 65536}).serialize)
        self.assertEqual((error.isKey, error.isLocal, error.value, error.keyName), (False, True, b"v" * 65536, b"k"))


class SendTests(SynchronousTestCase):
    """A box knows how to send itself."""

    def test_plain(self) -> None:
        """A plain box is passed to C{sendBox}."""
        wire, box = Wire(), AmpBox(a=b"1")
        box._sendTo(wire)
        self.assertEqual(wire.calls, [box])

    def test_quit(self) -> None:
        """A C{QuitBox} closes the connection after itself, over any protocol."""
        wire, box = Wire(), QuitBox(a=b"1")
        box._sendTo(wire)
        self.assertEqual(wire.calls, [box, "loseConnection"])

    def test_quitOfOurs(self) -> None:
        """Over our protocol, it also has further data of the peer ignored."""
        wire, box = Wire(), QuitBox(a=b"1")
        wire._ampLeavePeer = lambda: wire.calls.append("left")  # type: ignore[attr-defined]
        box._sendTo(wire)
        self.assertEqual(wire.calls, [box, "left"])

    def test_quitLater(self) -> None:
        """
        It does so at once, unless the features beyond Twisted's AMP must finish something first.
        """
        for isPostponed in (False, True):
            wire, box = Wire(), QuitBox(a=b"1")
            wire._ampLeavePeer = lambda wire=wire: wire.calls.append("left")  # type: ignore[attr-defined]
            wire._ampExtensions = SimpleNamespace(  # type: ignore[attr-defined]
                postpone=lambda leave, isPostponed=isPostponed: isPostponed
            )
            box._sendTo(wire)
            self.assertEqual(wire.calls, [box] if isPostponed else [box, "left"])


class StreamTests(SynchronousTestCase):
    """A stream has no bytes before a command sends it."""

    def test_bare(self) -> None:
        """A box that holds a stream cannot be written."""
        with self.assertRaisesRegex(StreamsUnsupportedError, "can only be an argument"):
            AmpBox(a=Placeholder(b"")).serialize()


class ParseBoxesTests(SynchronousTestCase):
    """L{parseBoxes} reads boxes from bytes without a connection."""

    boxes = [AmpBox(a=b"1", b=b""), AmpBox(), AmpBox(c=b"3")]
    data = b"".join(box.serialize() for box in boxes)

    def test_whole(self) -> None:
        """Each box is returned, for any bytes-like object."""
        self.assertEqual(parseBoxes(self.data, strict=True), self.boxes)
        self.assertEqual(parseBoxes(bytearray(self.data)), self.boxes)

    def test_truncated(self) -> None:
        """An unfinished box at the end is left out, or raises an error with C{strict}."""
        for end in range(len(self.data)):
            found = parseBoxes(self.data[:end])
            whole = b"".join(box.serialize() for box in found)
            self.assertTrue(self.data.startswith(whole))
            self.assertEqual(found, self.boxes[: len(found)])
            if len(whole) < end:
                error: Any = self.assertRaises(TruncatedBoxError, parseBoxes, self.data[:end], strict=True)
                self.assertEqual(error.left, end - len(whole))

    def test_longKey(self) -> None:
        """A too long key raises an error that also has Twisted's type."""
        error: Any = self.assertRaises(KeyTooLongError, parseBoxes, self.data + b"\x01\x00" + b"k" * 256)
        self.assertEqual((error.isKey, error.isLocal, error.value), (True, False, None))
