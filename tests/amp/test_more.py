"""Tests for L{twisted_basic_ng.amp._more}."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp
from twisted_basic_ng.amp._more import More

from .extended import STOCK, THEIRS, Echo, ExtendedCase, FatalError, Note, Peer, RefusedError, StockPeer


class SplitTests(SynchronousTestCase):
    """A box is split and joined."""

    def setUp(self) -> None:
        self.sender: Any = Mock(MAX_BOX_LENGTH=10**6, MAX_BOX_KEYS=10)
        self.more = More(Mock(sender=self.sender))

    def test_parts(self) -> None:
        """Short values come first, then long ones in pieces of the maximum size."""
        box = amp.AmpBox(_ask=b"1", a=b"a" * 65_536, b=b"b" * 131_070)
        parts = amp.parseString(self.more.serialize(box))
        self.assertEqual(
            [{key: len(value) for key, value in part.items()} for part in parts],
            [
                {b"_ask": 1, b"_more": 0},
                {b"a": 65_535, b"_more": 0},
                {b"a": 1, b"_more": 0},
                {b"b": 65_535, b"_more": 0},
                {b"b": 65_535},
            ],
        )
        self.assertEqual(max(len(part.serialize()) for part in parts), 65_535 + 16)

    def test_joined(self) -> None:
        """The joined box is the same as the original, and other boxes are not changed."""
        for sizes in ((70_000,), (1, 65_536), (65_535, 200_000, 3, 65_536), (131_070,)):
            box = amp.AmpBox({b"%d" % number: bytes([number]) * size for number, size in enumerate(sizes)})
            *others, last = amp.parseString(self.more.serialize(box))
            self.assertEqual([self.more.arriving(each) for each in others], [None] * len(others))
            self.assertEqual(self.more.arriving(last), box)
            plain = amp.AmpBox(a=b"1")
            self.assertIs(self.more.arriving(plain), plain)

    def test_strings(self) -> None:
        """Strings are refused, as usual.  Any bytes-like value is sent."""
        for content in ({b"a": "x" * 70_000}, {b"a": b"x" * 70_000, b"b": "x"}):
            wrong: Any = content
            self.assertRaises(TypeError, self.more.serialize, amp.AmpBox(wrong))
        odd: Any = amp.AmpBox(a=bytearray(b"x" * 70_000))
        self.assertEqual(self.more.serialize(odd), self.more.serialize(amp.AmpBox(a=b"x" * 70_000)))

    def test_appended(self) -> None:
        """Parts may have new and repeated keys, and may be empty."""
        for box in (amp.AmpBox(a=b"1", _more=b""), amp.AmpBox(_more=b"x"), amp.AmpBox(b=b"2", a=b"3", _more=b"")):
            self.assertIsNone(self.more.arriving(box))
        self.assertEqual(self.more.arriving(amp.AmpBox(c=b"4", a=b"")), amp.AmpBox(a=b"13", b=b"2", c=b"4"))

    def test_length(self) -> None:
        """A peer whose joined box becomes too long is dropped, even if all its parts are empty."""
        empty = amp.AmpBox(_more=b"")
        for _ in range(10**6 // len(empty.serialize())):
            self.assertIsNone(self.more.arriving(empty))
        self.sender._ampRefuse.assert_not_called()
        self.assertIsNone(self.more.arriving(empty))
        (error,) = self.sender._ampRefuse.call_args.args
        self.assertIsInstance(error, amp.BoxTooLargeError)
        self.assertIn("at most 1000000", str(error))
        self.assertEqual((self.more._values, self.more._size), ({}, 0))

    def test_keys(self) -> None:
        """A peer with too many keys is dropped, too.  Without limits, any box is accepted."""
        many = [amp.AmpBox({b"%d" % number: b"", b"_more": b""}) for number in range(11)]
        self.sender.MAX_BOX_KEYS = self.sender.MAX_BOX_LENGTH = None
        self.assertEqual([self.more.arriving(each) for each in many], [None] * 11)
        self.more.stop(Failure(ConnectionDone()))
        self.sender._ampRefuse.assert_not_called()
        self.sender.MAX_BOX_KEYS = 10
        for box in many:
            self.more.arriving(box)
        (error,) = self.sender._ampRefuse.call_args.args
        self.assertIn("at most 10", str(error))


class LargeTests(ExtendedCase):
    """Values of any size are sent in both directions."""

    def test_values(self) -> None:
        """Arguments, responses and lists may be long, and the order is kept."""
        sizes = (3, 1_000_000, 5, 65_535, 65_536)
        results: list[int] = []
        for size in sizes:
            self.client.callRemote(Note, data=b"x" * size)
            call = self.client.callRemote(Echo, data=b"x" * size)
            call.addCallback(lambda response: results.append(len(response["data"])))
        lists = self.waiting(self.client.callRemote(Echo, data=b"", numbers=[*range(100_000)]))
        self.wire.flush()
        self.assertEqual(results, [*sizes])
        self.assertEqual(self.server.asked, [size for each in sizes for size in (each, each)] + [0])
        self.assertEqual(lists, [{"data": b"", "numbers": [*range(100_000)]}])

    def test_pieces(self) -> None:
        """The chunks in which the bytes arrive do not matter."""
        self.join(Peer(), Peer(), 1000)
        self.assertEqual(self.asked(200_000), 200_000)

    def test_error(self) -> None:
        """The text of an error may be long."""

        def refuse(data: bytes, numbers: Any) -> Any:
            raise RefusedError("ä" * 100_000)

        self.server.respond = refuse
        error = self.asked(1)
        self.assertIsInstance(error, RefusedError)
        self.assertEqual(str(error), "ä" * 100_000)

    def test_fatal(self) -> None:
        """A fatal error closes the connection after its text is sent."""

        def refuse(data: bytes, numbers: Any) -> Any:
            raise FatalError("x" * 100_000)

        self.server.respond = refuse
        results = self.ask(1)
        self.wire.flush()
        self.assertEqual([(type(each), len(str(each))) for each in results], [(FatalError, 100_000)])
        self.assertTrue(self.wire.client.lost)

    def test_bound(self) -> None:
        """A value longer than a box may be is refused by the sender, with both numbers."""
        self.client.MAX_BOX_LENGTH = 100_000
        error = self.assertRaises(amp.TooLong, self.client.callRemote, Note, data=b"x" * 100_000)
        self.assertIn("100000 bytes", str(error))
        self.assertIn("a box may have 100000 bytes", str(error))
        self.assertRaises(amp.TooLong, self.client.sendBox, amp.AmpBox({b"k" * 300: b"x" * 70_000}))
        self.assertEqual(self.asked(99_000), 99_000)
        self.assertEqual(self.sent()[0], b"_extensions")

    def test_unbounded(self) -> None:
        """Without a limit for boxes, values have no limit."""
        self.client.MAX_BOX_LENGTH = self.server.MAX_BOX_LENGTH = None
        self.assertEqual(self.asked(17 * 2**20), 17 * 2**20)

    def test_tooMuch(self) -> None:
        """A peer that sends more than the limit is dropped."""
        self.server.MAX_BOX_LENGTH = 100_000
        self.assertIsInstance(self.asked(200_000), ConnectionDone)
        self.assertIsInstance(self.server._ampRefusal, amp.BoxTooLargeError)


class StockTests(ExtendedCase):
    """A peer without the feature is never sent such a box."""

    def test_argument(self) -> None:
        """The call fails with C{TooLong}, and all others are answered in order."""
        self.join(Peer(), StockPeer())
        results = [self.ask(1), self.ask(100_000), self.ask(2), self.ask(3)]
        self.wire.flush()
        self.assertIsInstance(results[1][0], amp.TooLong)
        self.assertIn("Echo, which had waited in line, was not sent", str(results[1][0]))
        self.assertEqual([results[0], *results[2:]], [[1], [2], [3]])
        self.assertEqual(self.server.asked, [1, 2, 3])
        self.assertRaises(amp.TooLong, self.client.callRemote, Note, data=b"x" * 100_000)
        self.assertEqual(self.sent().count(b"_extensions"), 1)
        self.assertEqual(self.asked(4), 4)

    def test_off(self) -> None:
        """The same holds for a peer of ours with the features off."""
        self.join(Peer(), Peer())
        self.server.extended = False
        self.assertIsInstance(self.asked(100_000), amp.TooLong)
        self.assertRaises(amp.TooLong, self.server.callRemote, Note, data=b"x" * 100_000)
        self.assertEqual(self.asked(4), 4)

    def test_response(self) -> None:
        """
        If a response is too long, the caller gets an unknown error, and the connection goes on.
        """
        self.join(StockPeer(), Peer())
        self.server.unknownErrorsAreFatal = False
        self.server.respond = lambda data, numbers: {"data": data * 100_000}
        results: list[Any] = []
        for size in (1, 0, 1):
            call = self.client.callRemote(THEIRS.Echo, data=b"x" * size)
            call.addBoth(lambda result: results.append(getattr(result, "type", result)))
        self.wire.flush()
        response = {"data": b"", "numbers": None}
        self.assertEqual(results, [STOCK.UnknownRemoteError, response, STOCK.UnknownRemoteError])
        self.assertEqual(len(self.flushLoggedErrors(amp.TooLong)), 2)

    def test_error(self) -> None:
        """The text of an error is cut, as usual."""
        self.join(StockPeer(), Peer())

        def refuse(data: bytes, numbers: Any) -> Any:
            raise RefusedError("x" * 100_000)

        self.server.respond = refuse
        for _ in range(2):
            results = self.waiting(self.client.callRemote(THEIRS.Echo, data=b""))
            self.wire.flush()
            self.assertEqual([len(str(each)) for each in results], [65_535])
