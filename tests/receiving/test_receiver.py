"""Tests for L{twisted_basic_ng._receiving.receiver}: the behaviour that all receivers share."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import _accelerate
from twisted_basic_ng._receiving.backlog import Backlog
from twisted_basic_ng._receiving.connection import Dropped
from twisted_basic_ng._receiving.pieces import Pieces
from twisted_basic_ng._receiving.receiver import Receiver
from twisted_basic_ng.basic import (
    Int8StringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
)

from .kinds import KINDS, Lines, LongStrings, Netstrings, OnlyLines, Strings


class ReceiverTests(SynchronousTestCase):
    """The promises that every receiver keeps."""

    def each(self) -> Any:
        for kind, frame, refused in KINDS:
            receiver = kind()
            receiver.MAX_LENGTH = 10
            yield receiver, RecordingTransport().connect(receiver), frame, refused

    def test_reentrant(self) -> None:
        """Bytes that arrive during a delivery are delivered after it, in order."""
        for receiver, _, frame, _ in self.each():
            receiver.script[b"a"] = lambda: receiver.dataReceived(frame(b"c"))  # noqa: B023
            receiver.dataReceived(frame(b"a") + frame(b"b"))
            self.assertEqual(receiver.collected, [b"a", b"b", b"c"])

    def test_depth(self) -> None:
        """The stack does not grow when callbacks call C{dataReceived} again and again."""
        for receiver, _, frame, _ in self.each():
            left = [5000]

            def more() -> None:
                left[0] -= 1  # noqa: B023
                if left[0]:  # noqa: B023
                    receiver.dataReceived(frame(b"a"))  # noqa: B023

            receiver.script[b"a"] = more
            receiver.dataReceived(frame(b"a"))
            self.assertEqual(len(receiver.collected), 5000)

    def test_raising(self) -> None:
        """After an exception, delivery continues with the next frame."""
        for receiver, _, frame, _ in self.each():
            receiver.script[b"b"] = lambda: 1 / 0
            self.assertRaises(ZeroDivisionError, receiver.dataReceived, b"".join(map(frame, [b"a", b"b", b"c"])))
            receiver.dataReceived(frame(b"d")[:1])
            receiver.dataReceived(frame(b"d")[1:])
            self.assertEqual(receiver.collected, [b"a", b"b", b"c", b"d"])

    def test_dropped(self) -> None:
        """
        A dropped peer's bytes are ignored, and its connection is aborted if it sends too many.
        """
        for receiver, transport, frame, refused in self.each():
            receiver.dataReceived(refused)
            self.assertEqual(transport.names(), ["loseConnection"])
            receiver.dataReceived(frame(b"a"))
            receiver.dataReceived(b"x" * 65000)
            self.assertEqual((receiver.collected, transport.names()), ([], ["loseConnection"]))
            receiver.dataReceived(b"x" * 65536)
            receiver.dataReceived(b"x" * 65536)
            self.assertEqual(transport.names(), ["loseConnection", "abortConnection"])
            self.assertFalse(receiver._receiverConnection.backlog)

    def test_secondConnection(self) -> None:
        """A receiver that dropped a peer accepts the next connection."""
        for receiver, _, frame, refused in self.each():
            receiver.dataReceived(refused)
            RecordingTransport().connect(receiver)
            receiver.dataReceived(frame(b"a"))
            self.assertEqual(receiver.collected, [b"a"])

    def test_logged(self) -> None:
        """An exceeded limit is logged once, with the limit, the size and the peer."""
        for receiver, _, _, refused in self.each():
            observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
            receiver.dataReceived(refused)
            receiver.dataReceived(refused)
            (event,) = observer
            self.assertEqual(event["limit"], 10)
            self.assertEqual(event["size"], 20 if refused.startswith(b"x") else 11)
            self.assertIn("192.0.2.1", event["peer"])

    def test_loggedOnce(self) -> None:
        """
        A limit that is exceeded repeatedly, because the application keeps the connection, is logged
        once.
        """

        class Patient(Strings):
            def lengthLimitExceeded(self, length: int) -> None:
                self.collected.append(b"%d" % length)

        observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
        receiver = Patient()
        receiver.MAX_LENGTH = 1
        RecordingTransport(lacking=["getPeer"]).connect(receiver)
        receiver.dataReceived(b"\x05")
        receiver.dataReceived(b"a")
        self.assertEqual((receiver.collected, len(list(observer))), ([b"5", b"5"], 1))
        self.assertEqual(next(iter(observer))["peer"], "an unknown peer")

    def test_idle(self) -> None:
        """Between chunks, a receiver holds no delivered bytes."""
        for receiver, _, frame, _ in self.each():
            self.assertIsNone(receiver._receiverConnection)
            receiver.dataReceived(frame(b"a"))
            self.assertEqual(receiver._receiverConnection.backlog.current, b"")

    def test_noBytes(self) -> None:
        """A call with empty data of any type resumes the delivery."""
        for nothing in (b"", bytearray(), memoryview(b"")):
            for receiver, _, frame, _ in self.each():
                receiver.script[b"a"] = lambda: 1 / 0
                self.assertRaises(ZeroDivisionError, receiver.dataReceived, frame(b"a") + frame(b"b"))
                receiver.dataReceived(nothing)
                self.assertEqual(receiver.collected, [b"a", b"b"])

    def test_notBytes(self) -> None:
        """Data that is not bytes raises a C{TypeError}, even if it is empty."""
        for receiver, _, _, _ in self.each():
            for wrong in ("", None, 0, []):
                self.assertRaises(TypeError, receiver.dataReceived, wrong)

    def test_unconnected(self) -> None:
        """A string receiver delivers strings before there is a transport."""
        receiver = Strings()
        receiver.dataReceived(b"\x01a")
        self.assertEqual(receiver.collected, [b"a"])

    def test_reused(self) -> None:
        """Bytes left from an earlier connection are kept, as in Twisted."""
        receiver = Strings()
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"\x02a")
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"b")
        self.assertEqual(receiver.collected, [b"ab"])

    def test_notImplemented(self) -> None:
        """
        A receiver that does not override the method for its messages raises C{NotImplementedError}.
        """
        for base, data in [
            (LineReceiver, b"\r\n"),
            (LineOnlyReceiver, b"\r\n"),
            (NetstringReceiver, b"0:,"),
            (Int8StringReceiver, b"\0"),
        ]:
            receiver: Any = base()
            RecordingTransport().connect(receiver)
            self.assertRaises(NotImplementedError, receiver.dataReceived, data)
        raw = LineReceiver()
        raw.setRawMode()
        self.assertRaises(NotImplementedError, raw.dataReceived, b"x")
        self.assertRaises(NotImplementedError, Receiver().dataReceived, b"x")
        self.assertRaises(NotImplementedError, Receiver()._receiverSetsAside, Backlog(), b"x")

    def test_plainAttribute(self) -> None:
        """A plain attribute in a class body or mixin does not hide the property of that name."""

        class Mixed:
            _buffer = b""

        class Declared(Lines):
            _buffer = b""

        class Both(Mixed, Lines):
            pass

        for kind in (Declared, Both):
            receiver = kind()
            RecordingTransport().connect(receiver)
            receiver.dataReceived(b"abc")
            self.assertEqual((receiver._buffer, kind._buffer), (b"abc", b""))

    def test_ownProperty(self) -> None:
        """A subclass may define a property of its own with that name."""

        class Own(Lines):
            paused = property(lambda self: False)  # type: ignore[assignment]
            _buffer = property(lambda self: "mine")  # type: ignore[assignment]

        receiver = Own()
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"abc\r\n")
        self.assertEqual((receiver.collected, receiver._buffer), ([b"abc"], "mine"))


class TLSTests(SynchronousTestCase):
    """Bytes received before the TLS handshake are never parsed after it."""

    def connect(self, kind: Any, **options: Any) -> tuple[Any, RecordingTransport]:
        receiver = kind()
        return receiver, RecordingTransport(**options).connect(receiver)

    def test_inCallback(self) -> None:
        """If a callback starts TLS, the rest of the chunk goes to the TLS layer."""
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind)
            receiver.script[b"tls"] = transport.startTLS
            receiver.dataReceived(frame(b"tls") + frame(b"evil") + b"half")
            self.assertEqual(receiver.collected, [b"tls"])
            self.assertEqual(transport.protocol.received, frame(b"evil") + b"half")
            receiver.dataReceived(frame(b"good"))
            self.assertEqual(receiver.collected, [b"tls", b"good"])

    def test_callbackEnds(self) -> None:
        """The rest goes there even if the callback then raises or stops the delivery."""
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind)
            receiver.script[b"tls"] = lambda: transport.startTLS() or 1 / 0  # type: ignore[func-returns-value] # noqa: B023
            self.assertRaises(ZeroDivisionError, receiver.dataReceived, frame(b"tls") + frame(b"evil"))
            self.assertEqual((receiver.collected, transport.protocol.received), ([b"tls"], frame(b"evil")))
        receiver, transport = self.connect(Lines)
        receiver.lineReceived = lambda line: transport.startTLS() or "stop"
        receiver.dataReceived(b"tls\r\nevil")
        self.assertEqual(transport.protocol.received, b"evil")

    def test_nothingLeft(self) -> None:
        """If there are no more bytes, nothing is passed to the TLS layer."""
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind)
            receiver.script[b"tls"] = transport.startTLS
            receiver.dataReceived(frame(b"tls"))
            receiver.dataReceived(frame(b"good"))
            self.assertEqual((receiver.collected, transport.names()), ([b"tls", b"good"], ["startTLS"]))
            self.assertEqual(transport.protocol.received, b"")

    def test_noLayer(self) -> None:
        """If the transport shows no TLS layer, the connection is aborted at once."""
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind, tlsLayer=False)
            receiver.script[b"tls"] = transport.startTLS
            receiver.dataReceived(frame(b"tls") + frame(b"evil"))
            receiver.dataReceived(frame(b"more"))
            self.assertEqual((receiver.collected, transport.names()), ([b"tls"], ["startTLS", "abortConnection"]))
            self.assertIsInstance(receiver._receiverConnection, Dropped)

    def test_laterHalf(self) -> None:
        """
        An unfinished frame from before TLS is not completed by decrypted bytes: the peer is
        dropped.
        """
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind)
            receiver.dataReceived(frame(b"evil")[:-1])
            transport.startTLS()
            receiver.dataReceived(frame(b"evil")[-1:])
            self.assertEqual((receiver.collected, transport.aborted), ([], True))

    def test_laterResumed(self) -> None:
        """The bytes kept by a paused receiver go to the TLS layer when it is resumed."""
        for kind, frame in ((Lines, KINDS[0][1]), (Strings, KINDS[3][1])):
            receiver, transport = self.connect(kind)
            receiver.script[b"tls"] = receiver.pauseProducing
            receiver.dataReceived(frame(b"tls") + frame(b"evil"))
            transport.startTLS()
            receiver.resumeProducing()
            self.assertEqual((receiver.collected, transport.protocol.received), ([b"tls"], frame(b"evil")))

    def test_wrapped(self) -> None:
        """All this also works if the transport is wrapped."""
        factory = WrappingFactory(Factory.forProtocol(Lines))
        wrapper = factory.buildProtocol(None)
        assert wrapper is not None
        transport = RecordingTransport().connect(wrapper)
        receiver = wrapper.wrappedProtocol
        receiver.script[b"tls"] = transport.startTLS
        wrapper.dataReceived(b"tls\r\nevil\r\n")
        self.assertEqual((receiver.collected, transport.protocol.received), ([b"tls"], b"evil\r\n"))


class LinearTests(SynchronousTestCase):
    """
    The work is linear in the number of bytes, whatever chunks they arrive in.  The test counts the
    work and does not measure the time.
    """

    def setUp(self) -> None:
        self.copied = 0
        self.found = 0
        join, extend = Pieces.join, Backlog._extend

        def countedJoin(pieces: Pieces) -> bytes:
            joined = join(pieces)
            self.copied += len(joined)
            return joined

        def countedExtend(backlog: Backlog, data: bytes) -> None:
            extend(backlog, data)
            self.copied += len(backlog.current)

        self.patch(Pieces, "join", countedJoin)
        self.patch(Backlog, "_extend", countedExtend)
        for name in ("splitLines", "splitStrings", "splitNetstrings"):
            self.patch(_accelerate, name, self.counted(getattr(_accelerate, name)))

    def counted(self, split: Any) -> Any:
        def counting(*arguments: Any) -> Any:
            result = split(*arguments)
            self.found += len(result[0])
            return result

        return counting

    def framed(self, kind: Any, string: bytes) -> bytes:
        if kind is LongStrings:
            return len(string).to_bytes(4, "big") + string
        return string + b"\r\n" if kind in (Lines, OnlyLines) else b"%d:%b," % (len(string), string)

    def test_longFrames(self) -> None:
        """A long frame is copied a few times in all, however small the chunks."""
        for kind in (Lines, OnlyLines, Netstrings, LongStrings):
            for size, chunk in ((1 << 16, 1), (1 << 20, 1400), (1 << 24, 65536)):
                self.copied = 0
                receiver = kind()
                receiver.MAX_LENGTH = size
                RecordingTransport().connect(receiver)
                data = self.framed(kind, b"x" * size)
                for at in range(0, len(data), chunk):
                    receiver.dataReceived(data[at : at + chunk])
                self.assertEqual([len(each) for each in receiver.collected], [size])
                self.assertLess(self.copied, 3 * size + 10 * chunk, (kind, chunk))

    def test_manyFrames(self) -> None:
        """
        Each of many small frames is found about once, and only the bytes between chunks are copied.
        """
        for kind in (Lines, OnlyLines, Netstrings, LongStrings):
            self.copied = self.found = 0
            receiver = kind()
            RecordingTransport().connect(receiver)
            data = self.framed(kind, b"x") * 100_000
            for at in range(0, len(data), 65536):
                receiver.dataReceived(data[at : at + 65536])
            self.assertEqual(len(receiver.collected), 100_000)
            self.assertEqual(self.found, 100_000)
            self.assertLess(self.copied, 2 * len(data))

    def test_resumed(self) -> None:
        """Resuming repeatedly does not copy the backlog each time."""
        for kind in (Lines, LongStrings):
            self.copied = self.found = 0
            receiver = kind()
            receiver.script[b"x"] = receiver.pauseProducing
            RecordingTransport().connect(receiver)
            data = self.framed(kind, b"x") * 3000
            for at in range(0, len(data), 1000):
                receiver.dataReceived(data[at : at + 1000])
            for _ in range(3000):
                receiver.resumeProducing()
            self.assertEqual(len(receiver.collected), 3000)
            self.assertLess(self.copied, 3 * len(data))


class TimeTests(SynchronousTestCase):
    """C{MAX_MESSAGE_TIME} limits the time from a message's first byte to its last."""

    def each(self) -> Any:
        for kind, frame, _ in KINDS:
            clock = Clock()
            receiver = kind()
            receiver.MAX_MESSAGE_TIME = 10
            receiver._receiverCallLater = clock.callLater
            yield receiver, RecordingTransport().connect(receiver), clock, frame(b"abc")

    def test_timely(self) -> None:
        """Messages that arrive in time never reach the limit, whole or in pieces."""
        for receiver, transport, clock, frame in self.each():
            for _ in range(5):
                receiver.dataReceived(frame[:2])
                clock.advance(6)
                receiver.dataReceived(frame[2:] + frame[:1])
                clock.advance(6)
                receiver.dataReceived(frame[1:])
                self.assertEqual(clock.getDelayedCalls(), [])
                clock.advance(60)
            self.assertEqual((len(receiver.collected), transport.names()), (10, []))

    def test_slow(self) -> None:
        """
        A peer that sends single bytes is still aborted after the time limit, and that is logged.
        """
        for receiver, transport, clock, frame in self.each():
            observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
            receiver.dataReceived(frame + frame[:1])
            clock.advance(6)
            receiver.dataReceived(frame[1:2])
            clock.advance(3.9)
            self.assertEqual(transport.names(), [])
            clock.advance(0.2)
            self.assertEqual(transport.names(), ["abortConnection"])
            (event,) = observer
            self.assertEqual((event["limit"], event["size"]), (10, 2))
            self.assertIn("192.0.2.1", event["peer"])
            receiver.dataReceived(frame)
            self.assertEqual(receiver.collected, [b"abc"])

    def test_off(self) -> None:
        """By default there is no limit, and no timer runs."""
        for receiver, transport, clock, frame in self.each():
            receiver.MAX_MESSAGE_TIME = None
            receiver.dataReceived(frame[:2])
            self.assertEqual((clock.getDelayedCalls(), transport.names()), ([], []))

    def test_ended(self) -> None:
        """The timer stops when the connection is lost or the peer is dropped."""
        for receiver, _, clock, frame in self.each():
            receiver.connectionLost()
            receiver.dataReceived(frame[:2])
            receiver.connectionLost()
            self.assertEqual(clock.getDelayedCalls(), [])
            receiver.dataReceived(frame[2:3])
            receiver._receiverDrop()
            self.assertEqual(clock.getDelayedCalls(), [])
            receiver._receiverConnection = None
            receiver._receiverDrop()

    def test_plaintext(self) -> None:
        """The timer stops when the peer is dropped because of bytes from before TLS."""
        for receiver, transport, clock, frame in self.each():
            receiver.dataReceived(frame[:2])
            transport.startTLS()
            receiver.dataReceived(frame[2:])
            self.assertEqual((transport.aborted, clock.getDelayedCalls()), (True, []))

    def test_replaced(self) -> None:
        """A timer of an earlier connection does not abort the new one."""
        for receiver, transport, clock, frame in self.each():
            receiver.dataReceived(frame[:2])
            receiver._receiverConnection = None
            clock.advance(11)
            self.assertEqual(transport.names(), [])

    def test_paused(self) -> None:
        """
        The time does not run while the application has paused the receiver.  It starts when it
        resumes.
        """
        for kind, frame in ((Lines, b"abc\r\n"), (Strings, b"\3abc")):
            clock = Clock()
            receiver: Any = kind()
            receiver.MAX_MESSAGE_TIME = 10
            receiver._receiverCallLater = clock.callLater
            transport = RecordingTransport().connect(receiver)
            receiver.dataReceived(frame[:2])
            receiver.pauseProducing()
            clock.advance(11)
            receiver.dataReceived(frame[2:3])
            self.assertEqual((clock.getDelayedCalls(), transport.names()), ([], ["pauseProducing"]))
            receiver.resumeProducing()
            clock.advance(11)
            self.assertEqual(transport.names()[-1], "abortConnection")

    def test_raw(self) -> None:
        """Raw data starts no timer."""
        clock = Clock()
        receiver: Any = Lines()
        receiver.MAX_MESSAGE_TIME = 10
        receiver._receiverCallLater = clock.callLater
        receiver.rawDataReceived = lambda data: None
        RecordingTransport().connect(receiver)
        receiver.setRawMode()
        receiver.dataReceived(b"raw")
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_reactor(self) -> None:
        """The timer uses the reactor's clock by default."""
        receiver = Lines()
        call = receiver._receiverCallLater(1000, lambda: None)
        call.cancel()
        self.assertFalse(call.active())


class Session(Protocol):
    """An application's base class that cleans up."""

    isLost = False

    def connectionLost(self, reason: Any = None) -> None:
        self.isLost = True


class BasesTests(SynchronousTestCase):
    """A receiver can be one of several base classes."""

    def test_connectionLost(self) -> None:
        """C{connectionLost} of the next base class is called, too."""
        for kind, _, _ in [*KINDS, (LongStrings, None, None)]:
            made: Any = type("Both", (kind, Session), {})()
            RecordingTransport().connect(made)
            made.dataReceived(b"")
            made.connectionLost()
            self.assertTrue(made.isLost)


class ClassTests(SynchronousTestCase):
    """An application may change the class of a receiver."""

    def test_changed(self) -> None:
        """
        The attributes of the new class apply from the next message on, in batches short and long.
        """
        for kind, frame, _ in KINDS:
            for count in (1, 30):
                other = type("Other", (kind,), {"MAX_LENGTH": 3})
                receiver = kind()
                transport = RecordingTransport().connect(receiver)
                receiver.script[b"now"] = lambda: setattr(receiver, "__class__", other)  # noqa: B023
                receiver.dataReceived(frame(b"long") * count + frame(b"now") + frame(b"abc") + frame(b"late"))
                self.assertEqual(receiver.collected, [b"long"] * count + [b"now", b"abc"])
                self.assertTrue(transport.disconnecting)

    def test_paused(self) -> None:
        """The new class may set C{paused}."""
        for kind, frame in ((Lines, KINDS[0][1]), (Strings, KINDS[3][1])):
            for count in (1, 30):
                receiver: Any = kind()
                RecordingTransport().connect(receiver)
                other = type("Other", (kind,), {"paused": True})
                receiver.script[b"now"] = lambda: setattr(receiver, "__class__", other)  # noqa: B023
                receiver.dataReceived(frame(b"long") * count + frame(b"now") + frame(b"late"))
                self.assertEqual(receiver.collected, [b"long"] * count + [b"now"])

    def test_raw(self) -> None:
        """The new class may set raw mode."""
        for count in (1, 30):
            receiver = Lines()
            RecordingTransport().connect(receiver)
            other = type("Other", (Lines,), {"line_mode": 0})
            receiver.script[b"now"] = lambda: setattr(receiver, "__class__", other)  # noqa: B023
            receiver.dataReceived(b"long\r\n" * count + b"now\r\nbody\r\n")
            self.assertEqual(receiver.collected, [b"long"] * count + [b"now", b"body\r\n"])

    def test_betweenChunks(self) -> None:
        """The class may change between two chunks, even if a message is unfinished."""
        for kind, frame, _ in KINDS:
            receiver = kind()
            transport = RecordingTransport().connect(receiver)
            receiver.dataReceived(frame(b"long") * 30 + frame(b"late")[:1])
            receiver.__class__ = type("Other", (kind,), {"MAX_LENGTH": 3})
            receiver.dataReceived(frame(b"late")[1:] + frame(b"late"))
            self.assertEqual(receiver.collected[:30], [b"long"] * 30)
            self.assertTrue(transport.disconnecting)

    def test_limitWhileAside(self) -> None:
        """A limit or a delimiter that is set on the class applies to a message in pieces."""
        for kind in (Lines, OnlyLines):
            for name, value, chunk in (("delimiter", b"\0", b"j\0k\0"), ("MAX_LENGTH", 5, b"j")):
                own = type("Own", (kind,), {})
                receiver = own()
                transport = RecordingTransport().connect(receiver)
                receiver.dataReceived(b"x" * 9 + b"\r\n" * 20)
                receiver.collected.clear()
                for _ in range(2):
                    receiver.dataReceived(b"abcdefghi")
                setattr(own, name, value)
                receiver.dataReceived(chunk)
                expected = [b"abcdefghi" * 2 + b"j", b"k"] if name == "delimiter" else []
                self.assertEqual((receiver.collected, transport.disconnecting), (expected, not expected), name)


class AfterCloseTests(SynchronousTestCase):
    """After the application calls C{loseConnection}, only a limited number of bytes is accepted."""

    def close(self, kind: Any, frame: Any, **attributes: Any) -> Any:
        receiver = kind()
        vars(receiver).update(attributes)
        transport = RecordingTransport().connect(receiver)
        receiver.script[b"quit"] = transport.loseConnection
        receiver.dataReceived(frame(b"quit"))
        return receiver

    def test_delivered(self) -> None:
        """
        Bytes that arrive shortly after are delivered as in Twisted: all strings, but only one line
        of each chunk.
        """
        for kind, frame, _ in KINDS:
            receiver = self.close(kind, frame)
            for _ in range(20):
                receiver.dataReceived(frame(b"ab") * 10)
            expected = {OnlyLines: 0, Lines: 20}.get(kind, 200)
            self.assertEqual(len(receiver.collected) - 1, expected)

    def test_bounded(self) -> None:
        """Of 60 MiB, at most 16 MiB are delivered, and at most 256 KiB and one message are kept."""
        for kind, frame, _ in KINDS:
            receiver = self.close(kind, frame, MAX_LENGTH=300)
            chunk = frame(b"x" * 250) * 260
            for _ in range(60 * 2**20 // len(chunk)):
                receiver.dataReceived(chunk)
            self.assertLess(sum(map(len, receiver.collected)), 17 * 2**20)
            self.assertLess(len(getattr(receiver, kind._receiverSaved)), 2**18 + 2**10)

    def test_message(self) -> None:
        """One more message is accepted, whatever its length."""
        receiver = self.close(LongStrings, lambda string: len(string).to_bytes(4, "big") + string, MAX_LENGTH=2**20)
        for at in range(2**4):
            receiver.dataReceived((b"\0\x10\0\0" if not at else b"") + b"x" * 2**16)
        self.assertEqual(len(receiver.collected[-1]), 2**20)

    def test_unlimited(self) -> None:
        """Without a limit, everything is accepted."""
        for limit in (float("inf"), float("nan")):
            for kind, frame, _ in (KINDS[2], KINDS[3]):
                receiver = self.close(kind, frame, MAX_LENGTH=limit)
                for _ in range(20):
                    receiver.dataReceived(frame(b"x" * 250) * 4000)
                self.assertEqual(len(receiver.collected), 80_001)

    def test_raw(self) -> None:
        """The number of bytes is limited in raw mode, too."""
        receiver = self.close(Lines, KINDS[0][1])
        receiver.setRawMode()
        for _ in range(60 * 16):
            receiver.dataReceived(b"x" * 65536)
        self.assertLess(sum(map(len, receiver.collected)), 17 * 2**20)

    def test_another(self) -> None:
        """A new connection resets the count."""
        receiver = self.close(Strings, KINDS[3][1])
        for _ in range(20 * 16):
            receiver.dataReceived((b"\xff" + b"x" * 255) * 256)
        before = len(receiver.collected)
        receiver.recvd = b""
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"\1a")
        self.assertEqual(receiver.collected[before:], [b"a"])
