"""Tests for L{twisted_basic_ng._receiving.receiver}: what all receivers do alike."""

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
    """The promises that each receiver keeps."""

    def each(self) -> Any:
        for kind, frame, refused in KINDS:
            receiver = kind()
            receiver.MAX_LENGTH = 10
            yield receiver, RecordingTransport().connect(receiver), frame, refused

    def test_reentrant(self) -> None:
        """What arrives during a delivery is delivered after it, in order."""
        for receiver, _, frame, _ in self.each():
            receiver.script[b"a"] = lambda: receiver.dataReceived(frame(b"c"))  # noqa: B023
            receiver.dataReceived(frame(b"a") + frame(b"b"))
            self.assertEqual(receiver.collected, [b"a", b"b", b"c"])

    def test_depth(self) -> None:
        """However often that happens, the stack stays as deep as it is."""
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
        """After an exception the next frame is the next one delivered."""
        for receiver, _, frame, _ in self.each():
            receiver.script[b"b"] = lambda: 1 / 0
            self.assertRaises(ZeroDivisionError, receiver.dataReceived, b"".join(map(frame, [b"a", b"b", b"c"])))
            receiver.dataReceived(frame(b"d")[:1])
            receiver.dataReceived(frame(b"d")[1:])
            self.assertEqual(receiver.collected, [b"a", b"b", b"c", b"d"])

    def test_dropped(self) -> None:
        """A peer that was dropped is heard no more, and aborted when it goes on and on."""
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
        """A receiver that dropped a peer hears the next one."""
        for receiver, _, frame, refused in self.each():
            receiver.dataReceived(refused)
            RecordingTransport().connect(receiver)
            receiver.dataReceived(frame(b"a"))
            self.assertEqual(receiver.collected, [b"a"])

    def test_logged(self) -> None:
        """A limit that strikes is logged with the limit, the size and the peer; once."""
        for receiver, _, _, refused in self.each():
            observer = EventLoggingObserver.createWithCleanup(self, globalLogPublisher)
            receiver.dataReceived(refused)
            receiver.dataReceived(refused)
            (event,) = observer
            self.assertEqual(event["limit"], 10)
            self.assertEqual(event["size"], 20 if refused.startswith(b"x") else 11)
            self.assertIn("192.0.2.1", event["peer"])

    def test_loggedOnce(self) -> None:
        """One that strikes again and again, because the application goes on, is logged once."""

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
        """Between chunks nothing is held of what was delivered."""
        for receiver, _, frame, _ in self.each():
            self.assertIsNone(receiver._receiverConnection)
            receiver.dataReceived(frame(b"a"))
            self.assertEqual(receiver._receiverConnection.backlog.current, b"")

    def test_noBytes(self) -> None:
        """No bytes, in whatever form, resume the delivery."""
        for nothing in (b"", bytearray(), memoryview(b"")):
            for receiver, _, frame, _ in self.each():
                receiver.script[b"a"] = lambda: 1 / 0
                self.assertRaises(ZeroDivisionError, receiver.dataReceived, frame(b"a") + frame(b"b"))
                receiver.dataReceived(nothing)
                self.assertEqual(receiver.collected, [b"a", b"b"])

    def test_notBytes(self) -> None:
        """What is not bytes is an error, even where it is empty."""
        for receiver, _, _, _ in self.each():
            for wrong in ("", None, 0, []):
                self.assertRaises(TypeError, receiver.dataReceived, wrong)

    def test_unconnected(self) -> None:
        """Bytes may come before there is a transport, where the class looks at none."""
        receiver = Strings()
        receiver.dataReceived(b"\x01a")
        self.assertEqual(receiver.collected, [b"a"])

    def test_reused(self) -> None:
        """Bytes that another connection left are kept, as in Twisted."""
        receiver = Strings()
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"\x02a")
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"b")
        self.assertEqual(receiver.collected, [b"ab"])

    def test_notImplemented(self) -> None:
        """A receiver that does not say what to do with a frame is no receiver."""
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
        """A class body, or a mixed-in class, that declares the buffer as a plain attribute does not hide it."""

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
        """A subclass may put something else of its own in the place of such an attribute."""

        class Own(Lines):
            paused = property(lambda self: False)  # type: ignore[assignment]
            _buffer = property(lambda self: "mine")  # type: ignore[assignment]

        receiver = Own()
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"abc\r\n")
        self.assertEqual((receiver.collected, receiver._buffer), ([b"abc"], "mine"))


class TLSTests(SynchronousTestCase):
    """No byte received before the handshake is parsed after it."""

    def connect(self, kind: Any, **options: Any) -> tuple[Any, RecordingTransport]:
        receiver = kind()
        return receiver, RecordingTransport(**options).connect(receiver)

    def test_inCallback(self) -> None:
        """What is left of the chunk belongs to the TLS layer."""
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind)
            receiver.script[b"tls"] = transport.startTLS
            receiver.dataReceived(frame(b"tls") + frame(b"evil") + b"half")
            self.assertEqual(receiver.collected, [b"tls"])
            self.assertEqual(transport.protocol.received, frame(b"evil") + b"half")
            receiver.dataReceived(frame(b"good"))
            self.assertEqual(receiver.collected, [b"tls", b"good"])

    def test_callbackEnds(self) -> None:
        """So it does when the callback that starts TLS then raises, pauses or stops the delivery."""
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
        """Where nothing is left, nothing happens."""
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind)
            receiver.script[b"tls"] = transport.startTLS
            receiver.dataReceived(frame(b"tls"))
            receiver.dataReceived(frame(b"good"))
            self.assertEqual((receiver.collected, transport.names()), ([b"tls", b"good"], ["startTLS"]))
            self.assertEqual(transport.protocol.received, b"")

    def test_noLayer(self) -> None:
        """Where the transport shows no TLS layer, the peer is dropped at once."""
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind, tlsLayer=False)
            receiver.script[b"tls"] = transport.startTLS
            receiver.dataReceived(frame(b"tls") + frame(b"evil"))
            receiver.dataReceived(frame(b"more"))
            self.assertEqual((receiver.collected, transport.names()), ([b"tls"], ["startTLS", "abortConnection"]))
            self.assertIsInstance(receiver._receiverConnection, Dropped)

    def test_laterHalf(self) -> None:
        """Half a frame from before is not completed by what was decrypted: the peer is dropped."""
        for kind, frame, _ in KINDS:
            receiver, transport = self.connect(kind)
            receiver.dataReceived(frame(b"evil")[:-1])
            transport.startTLS()
            receiver.dataReceived(frame(b"evil")[-1:])
            self.assertEqual((receiver.collected, transport.aborted), ([], True))

    def test_laterResumed(self) -> None:
        """What waited in a paused receiver goes to the TLS layer when it is resumed."""
        for kind, frame in ((Lines, KINDS[0][1]), (Strings, KINDS[3][1])):
            receiver, transport = self.connect(kind)
            receiver.script[b"tls"] = receiver.pauseProducing
            receiver.dataReceived(frame(b"tls") + frame(b"evil"))
            transport.startTLS()
            receiver.resumeProducing()
            self.assertEqual((receiver.collected, transport.protocol.received), ([b"tls"], frame(b"evil")))

    def test_wrapped(self) -> None:
        """A wrapper around the transport hides nothing of that."""
        factory = WrappingFactory(Factory.forProtocol(Lines))
        wrapper = factory.buildProtocol(None)
        assert wrapper is not None
        transport = RecordingTransport().connect(wrapper)
        receiver = wrapper.wrappedProtocol
        receiver.script[b"tls"] = transport.startTLS
        wrapper.dataReceived(b"tls\r\nevil\r\n")
        self.assertEqual((receiver.collected, transport.protocol.received), ([b"tls"], b"evil\r\n"))


class LinearTests(SynchronousTestCase):
    """The work is bounded by the number of the bytes, in whatever chunks they come; it is counted, not timed."""

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
        """Each of many small frames is found about once, and what is left between chunks is all that is copied."""
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
        """A backlog that is resumed again and again is not copied each time."""
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
    """C{MAX_MESSAGE_TIME} bounds the time from a message's first byte to its last."""

    def each(self) -> Any:
        for kind, frame, _ in KINDS:
            clock = Clock()
            receiver = kind()
            receiver.MAX_MESSAGE_TIME = 10
            receiver._receiverCallLater = clock.callLater
            yield receiver, RecordingTransport().connect(receiver), clock, frame(b"abc")

    def test_timely(self) -> None:
        """Messages that come in time may come for ever, whole or in pieces."""
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
        """A byte now and then does not help; the connection ends at once, and it is logged."""
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
        """By default it may take any time, and no timer runs."""
        for receiver, transport, clock, frame in self.each():
            receiver.MAX_MESSAGE_TIME = None
            receiver.dataReceived(frame[:2])
            self.assertEqual((clock.getDelayedCalls(), transport.names()), ([], []))

    def test_ended(self) -> None:
        """No timer runs on when the connection is gone, or the peer was dropped."""
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
        """Nor where the peer is dropped because of what came in plaintext."""
        for receiver, transport, clock, frame in self.each():
            receiver.dataReceived(frame[:2])
            transport.startTLS()
            receiver.dataReceived(frame[2:])
            self.assertEqual((transport.aborted, clock.getDelayedCalls()), (True, []))

    def test_replaced(self) -> None:
        """What was begun before another delivery took its place is not the peer's fault."""
        for receiver, transport, clock, frame in self.each():
            receiver.dataReceived(frame[:2])
            receiver._receiverConnection = None
            clock.advance(11)
            self.assertEqual(transport.names(), [])

    def test_paused(self) -> None:
        """Nor what waits because the application has paused; when it goes on, the time begins."""
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
        """Raw data is no message."""
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
        """The time is the reactor's."""
        receiver = Lines()
        call = receiver._receiverCallLater(1000, lambda: None)
        call.cancel()
        self.assertFalse(call.active())


class Session(Protocol):
    """A base of the application's, which cleans up."""

    isLost = False

    def connectionLost(self, reason: Any = None) -> None:
        self.isLost = True


class BasesTests(SynchronousTestCase):
    """A receiver is one base among others."""

    def test_connectionLost(self) -> None:
        """The next base learns of the end of the connection, too."""
        for kind, _, _ in [*KINDS, (LongStrings, None, None)]:
            made: Any = type("Both", (kind, Session), {})()
            RecordingTransport().connect(made)
            made.dataReceived(b"")
            made.connectionLost()
            self.assertTrue(made.isLost)


class ClassTests(SynchronousTestCase):
    """An application may make a receiver one of another class."""

    def test_changed(self) -> None:
        """What that class says holds from the next message on, in batches short and long."""
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
        """That class may be paused, or in raw mode."""
        for kind, frame in ((Lines, KINDS[0][1]), (Strings, KINDS[3][1])):
            for count in (1, 30):
                receiver: Any = kind()
                RecordingTransport().connect(receiver)
                other = type("Other", (kind,), {"paused": True})
                receiver.script[b"now"] = lambda: setattr(receiver, "__class__", other)  # noqa: B023
                receiver.dataReceived(frame(b"long") * count + frame(b"now") + frame(b"late"))
                self.assertEqual(receiver.collected, [b"long"] * count + [b"now"])

    def test_raw(self) -> None:
        """That class may be in raw mode."""
        for count in (1, 30):
            receiver = Lines()
            RecordingTransport().connect(receiver)
            other = type("Other", (Lines,), {"line_mode": 0})
            receiver.script[b"now"] = lambda: setattr(receiver, "__class__", other)  # noqa: B023
            receiver.dataReceived(b"long\r\n" * count + b"now\r\nbody\r\n")
            self.assertEqual(receiver.collected, [b"long"] * count + [b"now", b"body\r\n"])

    def test_betweenChunks(self) -> None:
        """Between two chunks, too, also where a message is unfinished."""
        for kind, frame, _ in KINDS:
            receiver = kind()
            transport = RecordingTransport().connect(receiver)
            receiver.dataReceived(frame(b"long") * 30 + frame(b"late")[:1])
            receiver.__class__ = type("Other", (kind,), {"MAX_LENGTH": 3})
            receiver.dataReceived(frame(b"late")[1:] + frame(b"late"))
            self.assertEqual(receiver.collected[:30], [b"long"] * 30)
            self.assertTrue(transport.disconnecting)

    def test_limitWhileAside(self) -> None:
        """A limit or a delimiter that is set on the class holds for a message in pieces."""
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
    """After the application's own C{loseConnection}, a bounded part of what comes is taken in."""

    def close(self, kind: Any, frame: Any, **attributes: Any) -> Any:
        receiver = kind()
        vars(receiver).update(attributes)
        transport = RecordingTransport().connect(receiver)
        receiver.script[b"quit"] = transport.loseConnection
        receiver.dataReceived(frame(b"quit"))
        return receiver

    def test_delivered(self) -> None:
        """What comes shortly after is delivered as in Twisted: strings are, lines are one for each chunk."""
        for kind, frame, _ in KINDS:
            receiver = self.close(kind, frame)
            for _ in range(20):
                receiver.dataReceived(frame(b"ab") * 10)
            expected = {OnlyLines: 0, Lines: 20}.get(kind, 200)
            self.assertEqual(len(receiver.collected) - 1, expected)

    def test_bounded(self) -> None:
        """Of 60 MiB, no more than 16 are delivered, and no more than 256 KiB and a message kept."""
        for kind, frame, _ in KINDS:
            receiver = self.close(kind, frame, MAX_LENGTH=300)
            chunk = frame(b"x" * 250) * 260
            for _ in range(60 * 2**20 // len(chunk)):
                receiver.dataReceived(chunk)
            self.assertLess(sum(map(len, receiver.collected)), 17 * 2**20)
            self.assertLess(len(getattr(receiver, kind._receiverSaved)), 2**18 + 2**10)

    def test_message(self) -> None:
        """One message more may come, however long it may be, in any case."""
        receiver = self.close(LongStrings, lambda string: len(string).to_bytes(4, "big") + string, MAX_LENGTH=2**20)
        for at in range(2**4):
            receiver.dataReceived((b"\0\x10\0\0" if not at else b"") + b"x" * 2**16)
        self.assertEqual(len(receiver.collected[-1]), 2**20)

    def test_unlimited(self) -> None:
        """Without a limit, everything is taken in."""
        for limit in (float("inf"), float("nan")):
            for kind, frame, _ in (KINDS[2], KINDS[3]):
                receiver = self.close(kind, frame, MAX_LENGTH=limit)
                for _ in range(20):
                    receiver.dataReceived(frame(b"x" * 250) * 4000)
                self.assertEqual(len(receiver.collected), 80_001)

    def test_raw(self) -> None:
        """So it is in raw mode."""
        receiver = self.close(Lines, KINDS[0][1])
        receiver.setRawMode()
        for _ in range(60 * 16):
            receiver.dataReceived(b"x" * 65536)
        self.assertLess(sum(map(len, receiver.collected)), 17 * 2**20)

    def test_another(self) -> None:
        """Another connection begins anew."""
        receiver = self.close(Strings, KINDS[3][1])
        for _ in range(20 * 16):
            receiver.dataReceived((b"\xff" + b"x" * 255) * 256)
        before = len(receiver.collected)
        receiver.recvd = b""
        RecordingTransport().connect(receiver)
        receiver.dataReceived(b"\1a")
        self.assertEqual(receiver.collected[before:], [b"a"])
