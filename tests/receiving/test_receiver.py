"""Tests for L{twisted_basic_ng._receiving.receiver}: what all receivers do alike."""

from __future__ import annotations

import copy
import pickle
from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.internet.testing import EventLoggingObserver
from twisted.logger import globalLogPublisher
from twisted.protocols.policies import WrappingFactory
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import _accelerate
from twisted_basic_ng._receiving.backlog import Backlog, Pieces
from twisted_basic_ng._receiving.receiver import Dropped, Receiver, abort, describePeer, mayTurnToTLS
from twisted_basic_ng.basic import (
    Int8StringReceiver,
    Int32StringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
)


class Collecting:
    """Collects what a receiver delivers, and runs C{script}'s function for it, if there is one."""

    def __init__(self) -> None:
        self.collected: list[bytes] = []
        self.script: dict[bytes, Any] = {}

    def lineReceived(self, line: bytes) -> None:
        self.collected.append(line)
        self.script.get(line, lambda: None)()

    rawDataReceived = stringReceived = lineReceived


class Lines(Collecting, LineReceiver):
    pass


class OnlyLines(Collecting, LineOnlyReceiver):
    pass


class Netstrings(Collecting, NetstringReceiver):
    pass


class Strings(Collecting, Int8StringReceiver):
    pass


class LongStrings(Collecting, Int32StringReceiver):
    pass


#: Each class, with what frames a string for it and a frame that it refuses.
KINDS: list[tuple[Any, Any, bytes]] = [
    (Lines, lambda string: string + b"\r\n", b"x" * 20),
    (OnlyLines, lambda string: string + b"\r\n", b"x" * 20),
    (Netstrings, lambda string: b"%d:%b," % (len(string), string), b"11:"),
    (Strings, lambda string: bytes([len(string)]) + string, b"\x0b"),
]


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
            self.assertFalse(receiver._receiverState)

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
            self.assertIsNone(receiver._receiverState)
            receiver.dataReceived(frame(b"a"))
            self.assertEqual(receiver._receiverState.current, b"")

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
            self.assertIsInstance(receiver._receiverState, Dropped)

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

    def test_layerItself(self) -> None:
        """A transport that is TLS already cannot turn to it."""

        class Layer:
            def __init__(self) -> None:
                self.wrappedProtocol = None
                self.transport = RecordingTransport()

            def getPeerCertificate(self) -> None:
                """As a TLS layer has it."""

        self.assertIsNone(mayTurnToTLS(Layer()))
        self.assertIsNone(mayTurnToTLS(object()))


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


class DescribeTests(SynchronousTestCase):
    """L{describePeer} names whoever is there."""

    def test_known(self) -> None:
        """By the address."""
        self.assertIn("192.0.2.1", describePeer(RecordingTransport()))

    def test_unknown(self) -> None:
        """Where there is none, or it cannot be told, that is said."""
        silent = RecordingTransport()
        silent.getPeer = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        for each in (None, object(), silent, RecordingTransport(lacking=["getPeer"])):
            self.assertEqual(describePeer(each), "an unknown peer")


class AbortTests(SynchronousTestCase):
    """L{abort} does what the transport can."""

    def test_abort(self) -> None:
        """It does not wait for the peer."""
        transport = RecordingTransport()
        abort(transport)
        self.assertEqual(transport.names(), ["abortConnection"])

    def test_lose(self) -> None:
        """Where the transport can only wait, it waits."""
        transport = RecordingTransport(lacking=["abortConnection"])
        abort(transport)
        self.assertEqual(transport.names(), ["loseConnection"])


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
            receiver._receiverState = None
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
            receiver._receiverState = None
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


class Transport:
    """A transport that can be pickled."""

    disconnecting = False

    def loseConnection(self) -> None:
        self.disconnecting = True

    pauseProducing = resumeProducing = loseConnection


class Kept:
    """Keeps what it is given, each copy its own, and copies itself at a message C{copy}."""

    collected: tuple[bytes, ...] = ()
    how: Any = None
    made: Any = None

    def lineReceived(self, line: bytes) -> None:
        self.collected += (line,)
        if line == b"copy":
            self.made = copied(self, self.how)

    stringReceived = lineReceived


class KeptLines(Kept, LineReceiver):
    pass


class KeptOnlyLines(Kept, LineOnlyReceiver):
    pass


class KeptNetstrings(Kept, NetstringReceiver):
    pass


class KeptStrings(Kept, Int8StringReceiver):
    pass


class OwnState(KeptLines):
    """Says itself what a copy takes along."""

    def __getstate__(self) -> Any:
        return dict(vars(self))

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)


class OtherState(KeptStrings):
    """Has a state of another form."""

    def __getstate__(self) -> Any:
        return [*self.collected]

    def __setstate__(self, state: Any) -> None:
        self.collected = tuple(state)


class Stated:
    """A base of the application's, which comes behind the receiver."""

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)


class MixedState(KeptNetstrings, Stated):
    pass


class SlottedState(KeptLines):
    __slots__ = ("extra",)


class Reduced(KeptLines):
    """Is always the same one, as far as pickles know."""

    def __new__(cls) -> Any:
        return super().__new__(cls)

    def __reduce__(self) -> Any:
        return "onlyOne"


onlyOne = Reduced()


HOWS = ["copy", "deepcopy", *range(pickle.HIGHEST_PROTOCOL + 1)]

#: Receivers that are copied, and what frames a string for each.
COPIED: list[tuple[Any, Any]] = [
    (KeptLines, lambda string: string + b"\r\n"),
    (OwnState, lambda string: string + b"\r\n"),
    (KeptOnlyLines, lambda string: string + b"\r\n"),
    (KeptNetstrings, lambda string: b"%d:%b," % (len(string), string)),
    (MixedState, lambda string: b"%d:%b," % (len(string), string)),
    (KeptStrings, lambda string: bytes([len(string)]) + string),
]


def copied(receiver: Any, how: Any) -> Any:
    """Copy C{receiver} in the way that C{how} says."""
    if how == "copy":
        return copy.copy(receiver)
    if how == "deepcopy":
        return copy.deepcopy(receiver)
    return pickle.loads(pickle.dumps(receiver, how))


class CopyTests(SynchronousTestCase):
    """A copy, or a pickle, has the undelivered bytes, and goes on with them on its own."""

    def test_unfinished(self) -> None:
        """An unfinished message is ended by each in its own way."""
        for kind, frame in COPIED:
            for how in HOWS:
                receiver = kind()
                receiver.transport = Transport()
                data = frame(b"x" * 12)
                receiver.dataReceived(frame(b"one") + data[:8])
                made = copied(receiver, how)
                receiver.dataReceived(data[8:])
                made.dataReceived(data[8:].replace(b"x", b"y", 1) + frame(b"last"))
                self.assertEqual(receiver.collected, (b"one", b"x" * 12), (kind, how))
                self.assertEqual([*made.collected[:1], *made.collected[2:]], [b"one", b"last"], (kind, how))
                self.assertEqual(sorted(made.collected[1]), sorted(b"x" * 11 + b"y"))

    def test_shown(self) -> None:
        """The copy shows them before anything else comes."""
        for kind, frame in COPIED:
            for how in HOWS:
                receiver = kind()
                receiver.transport = Transport()
                receiver.dataReceived(frame(b"abc")[:-1])
                made = copied(receiver, how)
                self.assertEqual(getattr(made, kind._receiverSaved), frame(b"abc")[:-1])
                again = copied(copied(receiver, how), how)
                again.dataReceived(frame(b"abc")[-1:])
                self.assertEqual(again.collected, (b"abc",), (kind, how))

    def test_recvd(self) -> None:
        """So does C{recvd}."""
        receiver = KeptStrings()
        receiver.dataReceived(b"\5ab")
        self.assertEqual(copy.copy(receiver).recvd, b"\5ab")

    def test_deleted(self) -> None:
        """They can be deleted."""
        for kind, frame in COPIED:
            receiver = kind()
            receiver.dataReceived(frame(b"abc")[:-1])
            made = copy.copy(receiver)
            delattr(made, kind._receiverSaved)
            made.transport = Transport()
            made.dataReceived(frame(b"def"))
            self.assertEqual(made.collected, (b"def",))

    def test_madeConnection(self) -> None:
        """A copy of a netstring receiver that is connected anew begins anew."""
        receiver = KeptNetstrings()
        receiver.dataReceived(b"3:ab")
        made = copy.copy(receiver)
        made.makeConnection(RecordingTransport())  # type: ignore[arg-type]
        made.dataReceived(b"1:x,")
        self.assertEqual(made.collected, (b"x",))

    def test_longLine(self) -> None:
        """A long line that came in pieces is copied whole."""
        for kind in (KeptLines, KeptOnlyLines):
            for how in HOWS:
                receiver = kind()
                receiver.transport = Transport()
                for _ in range(40):
                    receiver.dataReceived(b"x" * 100)
                made = copied(receiver, how)
                made.dataReceived(b"\r\n")
                self.assertEqual((made.collected, receiver._buffer), ((b"x" * 4000,), b"x" * 4000), (kind, how))

    def test_inBatch(self) -> None:
        """A copy that is made in a callback has what comes behind that message; C{LineOnlyReceiver}, the last line."""
        for kind, frame in COPIED:
            for how in HOWS:
                receiver = kind()
                receiver.transport = Transport()
                receiver.how = how
                receiver.dataReceived(frame(b"x") * 20 + frame(b"copy") + frame(b"y") * 9 + frame(b"end")[:-1])
                made = receiver.made
                made.transport = Transport()
                made._busyReceiving = False  # Twisted's copies believe to be busy, too
                made.dataReceived(frame(b"end")[-1:])
                rest = (b"y",) * (0 if kind is KeptOnlyLines else 9) + (b"end",)
                self.assertEqual(made.collected, (b"x",) * 20 + (b"copy",) + rest, (kind, how))
                self.assertNotIn("MAX_LENGTH", vars(made).keys() - vars(receiver).keys())

    def test_pinned(self) -> None:
        """A copy follows its class, whatever was pinned on the first one."""
        for base, frame in COPIED:
            kind = type("Kind", (base,), {})
            receiver = kind()
            receiver.transport = Transport()
            receiver.dataReceived(frame(b"x" * 9) * 20 + frame(b"abc")[:-1])
            made = copy.copy(receiver)
            kind.MAX_LENGTH = 77
            self.assertEqual(made.MAX_LENGTH, 77)

    def test_assigned(self) -> None:
        """What an application has assigned since is what a copy has."""
        receiver = KeptOnlyLines()
        receiver.transport = Transport()
        receiver.dataReceived(b"abc")
        receiver._buffer = b"de"
        made = copy.copy(receiver)
        for each in (receiver, made):
            each.dataReceived(b"f\r\n")
            self.assertEqual(each.collected, (b"def",))

    def test_slots(self) -> None:
        """A class with slots."""
        receiver = SlottedState()
        receiver.extra = 5
        receiver.dataReceived(b"ab")
        made = copy.copy(receiver)
        receiver.dataReceived(b"x\r\n")
        made.dataReceived(b"c\r\n")
        self.assertEqual((made.collected, made.extra, receiver.collected), ((b"abc",), 5, (b"abx",)))

    def test_otherForms(self) -> None:
        """A state, or a pickle, of the application's own form stays what it is."""
        receiver = OtherState()
        receiver.dataReceived(b"\1a\5b")
        self.assertEqual(copy.copy(receiver).collected, (b"a",))
        self.assertIs(copied(onlyOne, 2), onlyOne)

    def test_nothing(self) -> None:
        """Where nothing is undelivered, nothing is copied."""
        for kind, _ in COPIED:
            receiver = kind()
            self.assertEqual(getattr(receiver, kind._receiverSaved), b"")
            receiver.name = 1
            self.assertEqual(vars(copy.copy(receiver)), {"name": 1})
            receiver.dataReceived(b"")
            self.assertNotIn("_receiverState", vars(copy.copy(receiver)))


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


class AssignedTests(SynchronousTestCase):
    """The undelivered bytes can be assigned and deleted, as the plain attributes that they are in Twisted's."""

    NAMES = ("_buffer", "_buffer", "_remainingData", "_unprocessed")

    def each(self) -> Any:
        for (kind, frame, _), name in zip(KINDS, self.NAMES, strict=True):
            receiver = kind()
            yield receiver, RecordingTransport().connect(receiver), frame, name

    def test_deleted(self) -> None:
        """Deleting leaves none."""
        for receiver, _, frame, name in self.each():
            self.assertRaises(AttributeError, delattr, receiver, name)
            receiver.dataReceived(frame(b"abc")[:-1])
            delattr(receiver, name)
            self.assertEqual(getattr(receiver, name), b"")
            receiver.dataReceived(frame(b"def"))
            self.assertEqual(receiver.collected, [b"def"])

    def test_deletedInPieces(self) -> None:
        """So does it if they are kept in pieces; those of L{LineOnlyReceiver} have to be looked at first."""
        for kind in (Lines, OnlyLines):
            receiver: Any = kind()
            RecordingTransport().connect(receiver)
            for _ in range(40):
                receiver.dataReceived(b"x" * 100)
            if kind is OnlyLines:
                self.assertRaises(AttributeError, delattr, receiver, "_buffer")
            self.assertEqual(receiver._buffer, b"x" * 4000)
            del receiver._buffer
            self.assertEqual(receiver._buffer, b"")
            receiver.dataReceived(b"def\r\n")
            self.assertEqual(receiver.collected, [b"def"])

    def test_lookedAtInPieces(self) -> None:
        """A line that is kept in pieces goes on behind a look at it, and so it does if it is cut anywhere."""
        receiver: Any = OnlyLines()
        RecordingTransport().connect(receiver)
        for number in range(1, 40):
            receiver.dataReceived(b"x" * 100)
            if number % 3 == 0:
                self.assertEqual(receiver._buffer, b"x" * 100 * number)
        receiver.dataReceived(b"\r")
        receiver.dataReceived(b"\ny")
        self.assertEqual((receiver.collected, receiver._buffer), ([b"x" * 3900], b"y"))

    def test_plainAttributes(self) -> None:
        """The attributes of an application are set without a hook, which would take as much time as a callback."""
        for kind, _, _ in KINDS:
            self.assertIs(kind.__setattr__, object.__setattr__)
            self.assertIs(kind.__delattr__, object.__delattr__)

    def test_forms(self) -> None:
        """Anything with a buffer is taken, and counts as it was then."""
        for make in (bytes, bytearray, memoryview):
            for receiver, _, frame, name in self.each():
                value: Any = make(frame(b"abc")[:-1])
                setattr(receiver, name, value)
                receiver.dataReceived(make(frame(b"abc")[-1:] + frame(b"d")))
                self.assertEqual(receiver.collected, [b"abc", b"d"])
                self.assertEqual(type(receiver.collected[0]), bytes)

    def test_odd(self) -> None:
        """Anything else that is false is a reset."""
        for odd in (None, "", 0, ()):
            for receiver, _, frame, name in self.each():
                setattr(receiver, name, odd)
                receiver.dataReceived(frame(b"abc")[:-1])
                setattr(receiver, name, odd)
                receiver.dataReceived(frame(b"def"))
                self.assertEqual(receiver.collected, [b"def"])

    def test_same(self) -> None:
        """Assigning what is there changes nothing."""
        for receiver, _, frame, name in self.each():
            receiver.dataReceived(frame(b"abc")[:-1])
            setattr(receiver, name, getattr(receiver, name))
            receiver.dataReceived(frame(b"abc")[-1:])
            self.assertEqual(receiver.collected, [b"abc"])


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
