"""Tests for L{twisted_basic_ng.amp._reading}."""

from __future__ import annotations

import inspect
from types import MethodType
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, deliver, deliveries, partitions
from twisted_basic_ng import amp
from twisted_basic_ng._accelerate import framing

from .boxes import Boxes, Hooked, ReadingCase, numbered


class ReadingTests(ReadingCase):
    """Boxes are delivered one at a time."""

    def test_everyCut(self) -> None:
        """Boxes are delivered in any chunks."""
        for chunks in deliveries(self.data(3), b"\x00\x01n"):
            self.renew()
            deliver(self.protocol, chunks)
            self.assertEqual(self.boxes.calls, [numbered(number) for number in range(3)])

    def test_everyPartition(self) -> None:
        """A small box is read in every way to cut it."""
        data = amp.AmpBox(a=b"12").serialize() + b"\0\0"
        for chunks in partitions(data):
            self.renew()
            deliver(self.protocol, chunks)
            self.assertEqual(self.boxes.calls, [{b"a": b"12"}, {}])

    def test_atRest(self) -> None:
        """Between chunks, the states and the undelivered bytes are the same as Twisted's."""
        data = numbered(3).serialize()
        shown = []
        for each in data:
            self.protocol.dataReceived(bytes([each]))
            shown.append((self.protocol.state, self.protocol.MAX_LENGTH, self.protocol.recvd))
        self.assertEqual(
            shown,
            [
                ("init", 255, b"\x00"),
                ("init", 255, b"\x00\x01"),
                ("value", 65535, b""),
                ("value", 65535, b"\x00"),
                ("value", 65535, b"\x00\x01"),
                ("key", 255, b""),
                ("key", 255, b"\x00"),
                ("key", 255, b"\x00\x05"),
                ("key", 255, b"\x00\x05o"),
                ("key", 255, b"\x00\x05ot"),
                ("key", 255, b"\x00\x05oth"),
                ("key", 255, b"\x00\x05othe"),
                ("value", 65535, b""),
                ("value", 65535, b"\x00"),
                ("value", 65535, b"\x00\x03"),
                ("value", 65535, b"\x00\x03x"),
                ("value", 65535, b"\x00\x03xx"),
                ("key", 255, b""),
                ("key", 255, b"\x00"),
                ("init", 255, b""),
            ],
        )

    def test_undelivered(self) -> None:
        """In a callback, the undelivered bytes begin after its box."""
        shown: list[Any] = []
        self.boxes.actions[1] = lambda: shown.append(
            (self.protocol.recvd, self.protocol._unprocessed[self.protocol._compatibilityOffset :])
        )
        self.protocol.dataReceived(self.data(3))
        rest = self.data(3)[len(numbered(0).serialize()) :]
        self.assertEqual(shown, [(rest, rest)])

    def test_raises(self) -> None:
        """An exception in a callback neither loses nor repeats a box."""

        def explode() -> None:
            raise ZeroDivisionError("in the application")

        self.boxes.actions.update({1: explode, 2: explode})
        self.assertRaises(ZeroDivisionError, self.protocol.dataReceived, self.data(4))
        self.assertRaises(ZeroDivisionError, self.protocol.dataReceived, b"")
        self.protocol.dataReceived(b"")
        self.assertEqual(self.boxes.calls, [numbered(number) for number in range(4)])

    def test_reenters(self) -> None:
        """Bytes that a callback passes in are delivered after the earlier ones."""
        self.boxes.actions[1] = lambda: self.protocol.dataReceived(numbered(3).serialize())
        self.protocol.dataReceived(self.data(3))
        self.assertEqual(self.boxes.calls, [numbered(number) for number in range(4)])

    def test_pauses(self) -> None:
        """After a callback pauses, no box is delivered until the protocol resumes."""
        self.boxes.actions[2] = self.protocol.pauseProducing
        self.protocol.dataReceived(self.data(4))
        self.assertEqual(len(self.boxes.calls), 2)
        self.protocol.resumeProducing()
        self.assertEqual(self.boxes.calls, [numbered(number) for number in range(4)])

    def test_pausesAndResumes(self) -> None:
        """A callback may pause and resume at each box.  The stack does not grow."""
        depths: list[int] = []

        def pauseAndResume() -> None:
            depths.append(len(inspect.stack(0)))
            self.protocol.pauseProducing()
            self.protocol.resumeProducing()

        self.boxes.actions = dict.fromkeys(range(100), pauseAndResume)
        self.protocol.dataReceived(self.data(50))
        self.assertEqual(self.boxes.calls, [numbered(number) for number in range(50)])
        self.assertEqual(len(set(depths)), 1)

    def test_pausedInValue(self) -> None:
        """Chunks of a long value that arrive during a pause are kept in order."""
        box = amp.AmpBox(key=bytes(range(256)) * 200)
        data = box.serialize()
        self.protocol.dataReceived(data[:20000])
        self.protocol.dataReceived(data[20000:30000])
        self.protocol.paused = True
        deliver(self.protocol, [data[30000:35000], data[35000:40000], data[40000:45000]])
        self.protocol.resumeProducing()
        self.assertEqual(self.protocol.recvd, data[5:45000])
        self.protocol.dataReceived(data[45000:])
        self.assertEqual(self.boxes.calls, [box])

    def test_startsTLS(self) -> None:
        """Plaintext after a box whose callback starts TLS is not read."""
        self.boxes.actions[1] = self.transport.startTLS
        self.protocol.dataReceived(self.data(3))
        self.assertEqual(self.boxes.calls, [numbered(0)])
        self.assertEqual(self.transport.protocol.received, self.data(3)[len(numbered(0).serialize()) :])

    def test_replaces(self) -> None:
        """A callback may replace the undelivered bytes."""

        def replace() -> None:
            self.protocol.recvd = numbered(9).serialize()

        self.boxes.actions[1] = replace
        self.protocol.dataReceived(self.data(3))
        self.assertEqual(self.boxes.calls, [numbered(0), numbered(9)])

    def test_hookSet(self) -> None:
        """A hook that a callback sets on the instance gets the next string."""
        strings: list[bytes] = []
        for hook in ("stringReceived", "proto_init"):
            self.renew()
            strings.clear()

            def take(string: bytes) -> str:
                strings.append(string)
                return "init"

            self.boxes.actions[1] = lambda hook=hook, take=take: setattr(self.protocol, hook, take)
            self.protocol.dataReceived(self.data(2))
            self.assertEqual(strings, [b"n", b"1", b"other", b"x", b""])
            self.assertEqual(self.boxes.calls, [numbered(0)])

    def test_methodSet(self) -> None:
        """A bound method that a callback sets gets the next string, too."""
        strings: list[bytes] = []

        def take(protocol: Any, string: bytes) -> str:
            strings.append(string)
            return "init"

        self.boxes.actions[1] = lambda: setattr(self.protocol, "proto_init", MethodType(take, self.protocol))
        self.protocol.dataReceived(self.data(2))
        self.assertEqual(strings, [b"n", b"1", b"other", b"x", b""])

    def test_stateSet(self) -> None:
        """A state that a callback sets is overwritten by the one after the box, as in Twisted."""

        def changeState() -> None:
            self.protocol.state = "own"

        self.boxes.actions[1] = changeState
        self.protocol.dataReceived(self.data(2))
        self.assertEqual((self.boxes.calls, self.protocol.state), ([numbered(0), numbered(1)], "init"))

    def test_limitSet(self) -> None:
        """A limit that a callback sets applies from the next key on."""

        def changeLimit() -> None:
            self.protocol.MAX_LENGTH = 0

        self.boxes.actions[1] = changeLimit
        self.protocol.dataReceived(self.data(2))
        self.assertEqual((self.boxes.calls, self.transport.disconnecting), ([numbered(0)], True))

    def test_own(self) -> None:
        """An instance may have its own limit for keys."""
        self.protocol.MAX_LENGTH = 0
        self.protocol.dataReceived(self.data(1))
        self.assertEqual(self.boxes.calls, [])
        self.assertTrue(self.transport.disconnecting)


class LaterReadingTests(ReadingTests):
    """The same tests after something was read before."""

    def renew(self) -> None:
        super().renew()
        self.protocol.dataReceived(b"\0\0")
        self.boxes.calls.clear()

    def test_hookSetBefore(self) -> None:
        """A hook that is set between two chunks gets the next string."""
        strings: list[bytes] = []
        self.protocol.stringReceived = strings.append  # type: ignore[method-assign]
        self.protocol.dataReceived(b"\0\1a\0\1b\0\0")
        self.assertEqual((strings, self.boxes.calls), ([b"a", b"b", b""], []))

    def test_many(self) -> None:
        """Many boxes in one chunk are delivered, repeatedly."""
        for _ in range(3):
            self.protocol.dataReceived(self.data(40))
            self.assertEqual(self.boxes.calls, [numbered(number) for number in range(40)])
            self.boxes.calls.clear()

    def test_limitSetOnClass(self) -> None:
        """A limit that is set on the class applies from the next chunk on."""

        class Own(self.kind):  # type: ignore[name-defined, misc]
            pass

        self.protocol.__class__ = Own
        self.protocol.dataReceived(self.data(40))
        Own.MAX_LENGTH = 0
        self.protocol.dataReceived(self.data(1))
        self.assertEqual((len(self.boxes.calls), self.transport.disconnecting), (40, True))


class BatchTests(ReadingCase):
    """Boxes that arrive whole in one chunk form a batch, which a change in a callback spoils."""

    def renew(self) -> None:
        super().renew()
        self.protocol.dataReceived(b"\0\0")
        self.boxes.calls.clear()

    def test_spoiled(self) -> None:
        """After a spoiled batch, boxes are found one at a time, and none is lost."""
        for change in (
            lambda: setattr(self.protocol, "MAX_BOX_KEYS", 500),
            lambda: setattr(self.protocol, "MAX_BOX_LENGTH", 50_000),
            lambda: setattr(self.protocol, "proto_init", self.protocol.proto_init),
            lambda: setattr(self.protocol, "recvd", self.protocol.recvd),
        ):
            self.renew()
            self.boxes.actions[2] = change
            self.protocol.dataReceived(self.data(60))
            self.protocol.dataReceived(self.data(3))
            self.assertEqual(self.boxes.calls, [*map(numbered, range(60)), *map(numbered, range(3))])

    def test_single(self) -> None:
        """A chunk with one box is delivered."""
        self.protocol.dataReceived(self.data(1))
        self.assertEqual(self.boxes.calls, [numbered(0)])

    def test_switched(self) -> None:
        """
        After a switch, the other protocol gets the bytes, after those that are being handed over.
        """
        inner = Inner()
        self.protocol.innerProtocol = inner
        self.protocol.dataReceived(b"abc")
        self.protocol._receiverConnected().backlog.add(b"kept")
        self.protocol.dataReceived(b"d")
        self.assertEqual((inner.received, self.protocol.recvd), ([b"abc"], b"keptd"))

    def test_startingTLS(self) -> None:
        """Boxes that arrive while TLS starts take the slow path."""
        kept: list[amp.AmpBox] = []
        self.patch(self.kind, "_ampDeliver", lambda protocol, box: kept.append(box))
        self.protocol._startingTLSBuffer = [numbered(9)]
        self.protocol._ampDetour = True
        self.protocol.dataReceived(self.data(2))
        self.assertEqual((self.boxes.calls, kept), ([], [numbered(0), numbered(1)]))

    def test_refusedOnce(self) -> None:
        """A peer that exceeds two limits is dropped for the first."""
        for limit in (3, 4):
            self.protocol._ampRefuse(amp.TooManyDescriptorsError(limit))
        self.assertIn("3", str(self.protocol._ampRefusal))
        self.assertEqual(self.transport.names(), ["loseConnection"])

    def test_closing(self) -> None:
        """After the application closes the connection, a limited number of bytes is delivered."""
        self.transport.loseConnection()
        self.protocol.dataReceived(self.data(20))
        self.assertEqual(len(self.boxes.calls), 20)
        chunk = amp.AmpBox(a=b"x" * 60_000).serialize()
        for _ in range(1000):
            self.protocol.dataReceived(chunk)
        self.assertLess(len(self.boxes.calls), 20 + 17 * 2**20 // len(chunk))
        self.assertLess(len(self.protocol.recvd), 2**19)


class Inner:
    """The protocol that was switched to."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)


class HookedReadingTests(ReadingTests):
    """The same tests, string by string."""

    kind = Hooked


class LinearTests(SynchronousTestCase):
    """The work is linear in the number of bytes."""

    def searched(self, size: int) -> int:
        """Count the bytes that the parser sees for a box in small chunks."""
        seen = 0

        def parseBox(data: bytes, start: int, box: dict[bytes, bytes], key: bytes | None) -> Any:
            nonlocal seen
            found = framing.parseBox(data, start, box, key)
            seen += 100 + found[0] - start
            return found

        self.patch(amp._reading._accelerate, "parseBox", parseBox)
        protocol = amp.BinaryBoxProtocol(Boxes())
        RecordingTransport().connect(protocol)
        data = b"".join(b"\x00\x02%02d\xff\xff" % (number % 100) + b"v" * 65535 for number in range(size))
        for start in range(0, len(data), 1400):
            protocol.dataReceived(data[start : start + 1400])
        return seen

    def test_doubling(self) -> None:
        """Twice the bytes take at most 2.3 times the work."""
        self.assertLess(self.searched(32), 2.3 * self.searched(16))
