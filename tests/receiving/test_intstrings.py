"""Tests for L{twisted_basic_ng._receiving.intstrings}."""

from __future__ import annotations

import struct
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, deliveries
from twisted_basic_ng.basic import (
    Int8StringReceiver,
    Int16StringReceiver,
    Int32StringReceiver,
    IntNStringReceiver,
    StringTooLongError,
    _RecvdCompatHack,
)


class Script:
    """Collects the strings, and runs the action in C{actions} for each, if there is one."""

    def __init__(self) -> None:
        self.strings: list[Any] = []
        self.actions: dict[bytes, Any] = {}

    def stringReceived(self, string: bytes) -> None:
        self.strings.append(string)
        self.actions.get(string, lambda: None)()


class Strings8(Script, Int8StringReceiver):
    pass


class Strings16(Script, Int16StringReceiver):
    pass


class Strings32(Script, Int32StringReceiver):
    pass


class LittleEndian(Script, IntNStringReceiver):
    structFormat = "<H"
    prefixLength = 2


class Signed(Script, IntNStringReceiver):
    structFormat = "!b"
    prefixLength = 1


class Patient(Strings8):
    def lengthLimitExceeded(self, length: int) -> None:
        self.strings.append(length)


KINDS: tuple[Any, ...] = (Strings8, Strings16, Strings32, LittleEndian)


def connected(kind: Any, **attributes: Any) -> tuple[Any, RecordingTransport]:
    receiver = kind()
    vars(receiver).update(attributes)
    return receiver, RecordingTransport().connect(receiver)


def frame(kind: Any, string: bytes) -> bytes:
    return struct.pack(kind.structFormat, len(string)) + string


class ReceivingTests(SynchronousTestCase):
    """Strings are delivered according to their length prefix."""

    def test_anyCut(self) -> None:
        """The same bytes give the same strings, whatever chunks they arrive in."""
        for kind in KINDS:
            data = frame(kind, b"") + frame(kind, b"hello") + frame(kind, b"x")
            for chunks in deliveries(data, frame(kind, b"abc")[:-1]):
                receiver = connected(kind)[0]
                for each in chunks:
                    receiver.dataReceived(each)
                self.assertEqual(receiver.strings, [b"", b"hello", b"x"])

    def test_long(self) -> None:
        """A string much longer than a chunk is delivered as one string."""
        for size in (1, 1400, 65536):
            receiver = connected(Strings32, MAX_LENGTH=1 << 20)[0]
            data = frame(Strings32, b"x" * 100_000) + frame(Strings32, b"y")
            for at in range(0, len(data), size):
                receiver.dataReceived(data[at : at + size])
            self.assertEqual([len(each) for each in receiver.strings], [100_000, 1])

    def test_manyInOneChunk(self) -> None:
        """Each of many strings in a chunk is delivered once."""
        receiver = connected(Strings8)[0]
        receiver.dataReceived(b"\x01x" * 5000)
        self.assertEqual(receiver.strings, [b"x"] * 5000)

    def test_limit(self) -> None:
        """
        A string longer than the limit closes the connection, after the earlier strings are
        delivered.
        """
        for kind in KINDS:
            for chunks in deliveries(frame(kind, b"abc") + frame(kind, b"abcd"), frame(kind, b"d")):
                receiver, transport = connected(kind, MAX_LENGTH=3)
                for each in chunks:
                    receiver.dataReceived(each)
                self.assertEqual((receiver.strings, transport.names()), ([b"abc"], ["loseConnection"]))

    def test_limitChanged(self) -> None:
        """A changed limit applies from the next string on, and to an unfinished one."""
        receiver, transport = connected(Strings8)
        receiver.actions[b"a"] = lambda: setattr(receiver, "MAX_LENGTH", 1)
        receiver.dataReceived(b"\x01a\x01b\x02cc")
        self.assertEqual((receiver.strings, transport.disconnecting), ([b"a", b"b"], True))
        receiver, transport = connected(Strings8)
        for each in (b"\x09abc", b"d", b"e"):
            receiver.dataReceived(each)
        receiver.MAX_LENGTH = 8
        receiver.dataReceived(b"f")
        self.assertEqual((receiver.strings, transport.disconnecting), ([], True))

    def test_ownLimit(self) -> None:
        """
        If an application keeps the connection open, C{lengthLimitExceeded} is called for the string
        at each chunk, until the application removes the string.
        """
        receiver, transport = connected(Patient, MAX_LENGTH=2)
        receiver.dataReceived(b"\x01a\x03")
        receiver.dataReceived(b"bcd")
        self.assertEqual((receiver.strings, receiver.recvd), ([b"a", 3, 3], b"\x03bcd"))
        receiver.recvd = receiver.recvd[4:] + b"\x01e"
        receiver.dataReceived(b"\x01f")
        self.assertEqual((receiver.strings[3:], transport.names()), ([b"e", b"f"], []))

    def test_limitReentered(self) -> None:
        """
        If the application raises the limit and calls C{dataReceived} in C{lengthLimitExceeded}, the
        string is delivered in that call.
        """

        class Accepting(Strings8):
            MAX_LENGTH = 2

            def lengthLimitExceeded(self, length: int) -> None:
                self.MAX_LENGTH += 1
                self.dataReceived(b"")

        receiver, _ = connected(Accepting)
        receiver.dataReceived(b"\x01a\x03bcd\x01e")
        self.assertEqual(receiver.strings, [b"a", b"bcd", b"e"])
        receiver, _ = connected(Accepting)
        receiver.dataReceived(b"\x09bcd")
        self.assertEqual((receiver.strings, receiver.MAX_LENGTH), ([], 3))

    def test_formatChanged(self) -> None:
        """A changed format applies from the next chunk on."""
        receiver, _ = connected(Strings8)

        def change() -> None:
            receiver.structFormat, receiver.prefixLength = "!H", 2

        receiver.actions.update({b"u": change, b"p": receiver.pauseProducing})
        receiver.dataReceived(b"\x01u" + b"\x01a" * 40 + b"\x01p\x01b")
        self.assertEqual((len(receiver.strings), receiver.recvd), (42, b"\x01b"))
        receiver.recvd = b"\x00\x01c"
        receiver.resumeProducing()
        self.assertEqual(receiver.strings[42:], [b"c"])

    def test_formatChangedMeanwhile(self) -> None:
        """A changed format applies to the length prefix of a string that arrives in pieces."""
        receiver, transport = connected(Strings32, MAX_LENGTH=2)
        receiver.dataReceived(b"\0\0\0\1")
        receiver.structFormat = "<I"
        receiver.dataReceived(b"a")
        self.assertEqual((receiver.strings, transport.disconnecting), ([], True))
        receiver, _ = connected(Strings16, MAX_LENGTH=10**6)
        receiver.dataReceived(b"\0\2a")
        receiver.prefixLength, receiver.structFormat = 4, "!I"
        receiver.dataReceived(b"b")
        self.assertEqual(receiver.recvd, b"\0\2ab")

    def test_negative(self) -> None:
        """A negative length is refused."""
        receiver, transport = connected(Signed)
        receiver.dataReceived(b"\x01a\xffb")
        self.assertEqual((receiver.strings, transport.disconnecting), ([b"a"], True))

    def test_closing(self) -> None:
        """
        Strings are still delivered after the application closes the connection: they may be
        answers.
        """
        receiver, transport = connected(Strings8)
        receiver.actions[b"a"] = transport.loseConnection
        receiver.dataReceived(b"\x01a\x01b")
        self.assertEqual(receiver.strings, [b"a", b"b"])


class UndeliveredTests(SynchronousTestCase):
    """The attributes that show the undelivered bytes to applications."""

    def test_shown(self) -> None:
        """
        In a callback and between chunks, C{recvd} is C{_unprocessed} from C{_compatibilityOffset}
        on.
        """
        receiver, _ = connected(Strings8)
        seen: list[Any] = []

        def look() -> None:
            seen.append((receiver.recvd, receiver._unprocessed, receiver._compatibilityOffset))

        receiver.actions.update({b"a": look, b"b": look})
        receiver.dataReceived(b"\x01a\x01b\x02c")
        look()
        self.assertEqual(
            seen,
            [
                (b"\x01b\x02c", b"\x01a\x01b\x02c", 2),
                (b"\x02c", b"\x01a\x01b\x02c", 4),
                (b"\x02c", b"\x02c", 0),
            ],
        )

    def test_joined(self) -> None:
        """
        The attributes agree for a string that arrived in many pieces, too.  The string is not kept
        after its callback.
        """
        data = b"\0\0\x30\0" + b"x" * 0x3000 + b"\0\0\0\1y\0\0"
        for size in (1000, 3000, 0x3003):
            receiver = Strings32()
            RecordingTransport().connect(receiver)
            shown: list[Any] = []

            def show(receiver: Any = receiver, shown: list[Any] = shown) -> None:
                shown.append((receiver.recvd, receiver._compatibilityOffset, receiver._unprocessed))

            receiver.actions = {b"x" * 0x3000: show, b"y": show}
            for start in range(0, 0x3000, size):
                receiver.dataReceived(data[start : start + size])
            receiver.dataReceived(data[start + size :])
            self.assertEqual(shown, [(b"\0\0\0\1y\0\0", 0x3004, data), (b"\0\0", 0x3009, data)], f"in pieces of {size}")
            self.assertEqual((receiver.recvd, receiver._unprocessed), (b"\0\0", b"\0\0"))
            self.assertEqual(receiver._receiverConnected().backlog.takenEarlier, ())

    def test_reentered(self) -> None:
        """Bytes that arrive in a callback appear behind the other undelivered bytes."""
        receiver, _ = connected(Strings8)
        seen: list[Any] = []

        def enter() -> None:
            receiver.dataReceived(b"\x01c")
            seen.append((receiver.recvd, receiver._unprocessed, receiver._compatibilityOffset))

        receiver.actions[b"a"] = enter
        receiver.dataReceived(b"\x01a\x01b")
        self.assertEqual(seen, [(b"\x01b\x01c", b"\x01a\x01b\x01c", 2)])
        self.assertEqual(receiver.strings, [b"a", b"b", b"c"])

    def test_replaced(self) -> None:
        """Bytes that a callback assigns to C{recvd} are delivered next."""
        receiver, _ = connected(Strings8)
        receiver.actions[b"a"] = lambda: setattr(receiver, "recvd", b"\x01x\x02y")
        receiver.dataReceived(b"\x01a\x01b")
        receiver.dataReceived(b"z")
        self.assertEqual(receiver.strings, [b"a", b"x", b"yz"])

    def test_replacedForShow(self) -> None:
        """
        C{_unprocessed} shows the value that a callback assigns to it until the delivery ends.  The
        delivery continues with the original bytes.
        """
        receiver, _ = connected(Strings8)
        seen: list[tuple[bytes, bytes]] = []

        def assign() -> None:
            receiver._unprocessed = b"12345"
            seen.append((receiver._unprocessed, receiver.recvd))

        receiver.actions[b"a"] = assign
        receiver.actions[b"b"] = lambda: seen.append((receiver._unprocessed, receiver.recvd))
        receiver.dataReceived(b"\x01a\x01b\x01")
        self.assertEqual((receiver.strings, seen), ([b"a", b"b"], [(b"12345", b"345"), (b"12345", b"5")]))
        self.assertEqual((receiver._unprocessed, receiver.recvd), (b"\x01", b"\x01"))

    def test_ownDataReceived(self) -> None:
        """
        An application's own C{dataReceived} loop finds in C{__dict__} what a callback has assigned
        to C{recvd}, and can keep its offset in C{_compatibilityOffset}.
        """
        receiver, _ = connected(Strings8)
        receiver._unprocessed = b"\x01a\x01b"
        receiver._compatibilityOffset = 2
        self.assertEqual(receiver.recvd, b"\x01b")
        receiver.recvd = b"\x01c"
        self.assertEqual(receiver.__dict__.pop("recvd"), b"\x01c")
        self.assertEqual((receiver.recvd, receiver._compatibilityOffset), (b"\x01c", 0))

    def test_onTheClass(self) -> None:
        """The class has the values of a receiver that has received nothing."""
        self.assertEqual((IntNStringReceiver._unprocessed, IntNStringReceiver._compatibilityOffset), (b"", 0))
        self.assertRaises(AttributeError, getattr, Strings8, "nothing")
        self.assertIsInstance(vars(IntNStringReceiver)["recvd"], _RecvdCompatHack)
        self.assertIsInstance(IntNStringReceiver.recvd, _RecvdCompatHack)


class SendingTests(SynchronousTestCase):
    """Strings are sent with their length in front."""

    def test_sendString(self) -> None:
        """The length and the string are sent in one write."""
        for kind in KINDS:
            receiver, transport = connected(kind)
            receiver.sendString(b"hello")
            self.assertEqual(transport.events, [("write", frame(kind, b"hello"))])

    def test_tooLong(self) -> None:
        """
        A string too long for its length prefix raises an error with both sizes, and nothing is
        sent.
        """
        receiver, transport = connected(Strings8)
        receiver.sendString(b"x" * 255)
        error = self.assertRaises(StringTooLongError, receiver.sendString, b"x" * 256)
        self.assertEqual(str(error), "Try to send 256 bytes whereas maximum is 256")
        self.assertEqual(len(transport.events), 1)


class ChangingTests(SynchronousTestCase):
    """A batch survives the changes that leave it valid, and no others."""

    def delivered(self, change: Any, size: int = 4, count: int = 40, **attributes: Any) -> Any:
        """Deliver a batch and call C{change} in the callback for its eleventh string."""
        receiver, transport = connected(Strings8, **attributes)
        receiver.actions[b"now"] = lambda: change(receiver)
        receiver.dataReceived((b"\x04long" * 10 + b"\x03now") + b"\x04long" * count)
        return receiver, transport

    def test_paused(self) -> None:
        """After a pause, the rest of the batch is delivered when the receiver is resumed."""
        receiver, _ = self.delivered(lambda it: it.pauseProducing())
        self.assertEqual((len(receiver.strings), receiver.recvd), (11, b"\x04long" * 40))
        receiver.dataReceived(b"\x01x")
        receiver.resumeProducing()
        self.assertEqual(receiver.strings[11:], [b"long"] * 40 + [b"x"])

    def test_resumed(self) -> None:
        """
        A paused batch is delivered to its end even if the undelivered bytes were not read
        meanwhile.
        """
        receiver, _ = self.delivered(lambda it: it.pauseProducing())
        receiver.resumeProducing()
        receiver.dataReceived(b"\x01x")
        self.assertEqual(receiver.strings[11:], [b"long"] * 40 + [b"x"])

    def test_pausedEach(self) -> None:
        """A receiver can pause at each string and read the undelivered bytes after it."""
        receiver, _ = connected(Strings8, paused=True)
        receiver.actions[b"a"] = receiver.pauseProducing
        receiver.dataReceived(b"\x01a" * 100)
        for left in range(99, -1, -1):
            receiver.resumeProducing()
            self.assertEqual(receiver.recvd, b"\x01a" * left)

    def test_shownAfterPause(self) -> None:
        """In a resumed batch, C{_unprocessed} begins where the resumption began."""
        receiver, _ = self.delivered(lambda it: it.pauseProducing())
        seen: list[Any] = []
        receiver.actions[b"long"] = lambda: seen.append((receiver._unprocessed, receiver._compatibilityOffset))
        receiver.resumeProducing()
        self.assertEqual(seen[:2], [(b"\x04long" * 40, 5), (b"\x04long" * 40, 10)])

    def test_limit(self) -> None:
        """A string too long for the new limit is refused."""
        receiver, transport = self.delivered(lambda it: setattr(it, "MAX_LENGTH", 3))
        self.assertEqual((len(receiver.strings), transport.disconnecting), (11, True))

    def test_limitOfItsOwn(self) -> None:
        """
        If the application handles a too long string itself, it can raise the limit, and the strings
        are delivered.
        """
        receiver, _ = connected(Patient)
        receiver.actions[b"now"] = lambda: setattr(receiver, "MAX_LENGTH", 3)
        receiver.dataReceived(b"\x03now" + b"\x02ab" * 30 + b"\x04long" + b"\x01x" * 30)
        self.assertEqual(receiver.strings, [b"now"] + [b"ab"] * 30 + [4])
        self.assertEqual(receiver.recvd, b"\x04long" + b"\x01x" * 30)
        receiver.MAX_LENGTH = 4
        receiver.dataReceived(b"")
        self.assertEqual(receiver.strings[32:], [b"long"] + [b"x"] * 30)

    def test_limitAfterPause(self) -> None:
        """
        A lower limit also applies to a batch that continues after a pause, if C{_unprocessed} was
        not read.
        """
        receiver, transport = self.delivered(lambda it: it.pauseProducing())
        receiver.MAX_LENGTH = 3
        receiver.resumeProducing()
        self.assertEqual((len(receiver.strings), transport.disconnecting), (11, True))

    def test_format(self) -> None:
        """After the format changes, the rest of the batch is parsed in the new format."""
        receiver, _ = connected(Strings16)
        receiver.actions[b"now"] = receiver.pauseProducing
        receiver.dataReceived(b"\0\3now" + b"\1\0" + b"x" * 256 + b"\0\1a" * 30)
        receiver.structFormat = "<H"
        receiver.resumeProducing()
        self.assertEqual((receiver.strings[1], len(receiver.strings)), (b"x", 2))

    def test_raised(self) -> None:
        """The strings after one whose callback raises are kept."""
        receiver, _ = connected(Strings8)
        receiver.actions[b"now"] = lambda: 1 / 0
        self.assertRaises(ZeroDivisionError, receiver.dataReceived, b"\x03now" + b"\x01x" * 40)
        self.assertEqual(receiver.recvd, b"\x01x" * 40)
        receiver.dataReceived(b"\x01y")
        self.assertEqual(receiver.strings, [b"now"] + [b"x"] * 40 + [b"y"])

    def test_raisedLast(self) -> None:
        """The bytes after a batch are kept if the callback of its last string raises."""
        receiver, _ = connected(Strings8)
        receiver.actions[b"now"] = lambda: 1 / 0
        self.assertRaises(ZeroDivisionError, receiver.dataReceived, b"\x01x" * 40 + b"\x03now\x02y")
        self.assertEqual(receiver.recvd, b"\x02y")
        receiver.dataReceived(b"z")
        self.assertEqual(receiver.strings, [b"x"] * 40 + [b"now", b"yz"])

    def test_formatInPieces(self) -> None:
        """A changed format applies to an unfinished string, in pieces or not."""
        for pieces in ([b"\0\5"], [b"\0\5", b"x"], [b"\0\x20" + b"x" * 9, b"x", b"x"]):
            receiver, _ = connected(Strings16)
            for each in pieces:
                receiver.dataReceived(each)
            receiver.structFormat, receiver.prefixLength = "!B", 1
            receiver.dataReceived(b"")
            receiver.dataReceived(b"a")
            expected, _ = connected(Strings8)
            expected.dataReceived(b"".join(pieces) + b"a")
            self.assertEqual((receiver.strings, receiver.recvd), (expected.strings, expected.recvd))

    def test_replacedByBuffer(self) -> None:
        """Any object with a buffer can be assigned to C{recvd}."""
        receiver, _ = self.delivered(lambda it: setattr(it, "recvd", bytearray(b"\x01x")))
        self.assertEqual(receiver.strings[11:], [b"x"])
        self.assertEqual(Strings8().recvd, b"")

    def test_replacedAgain(self) -> None:
        """Assigning to C{recvd} at each string takes linear work in all."""
        receiver, _ = connected(Strings8)

        def skip() -> None:
            receiver.recvd = receiver.recvd[2:]

        receiver.actions[b"a"] = skip
        receiver.dataReceived(b"\x01a\x01b" * 200)
        self.assertEqual(receiver.strings, [b"a"] * 200)

    def test_replacedLast(self) -> None:
        """The callback of the last string of a batch may assign to C{recvd}, too."""
        receiver, _ = self.delivered(lambda it: setattr(it, "recvd", b"\x01x"), count=0)
        self.assertEqual(receiver.strings[11:], [b"x"])
        receiver, _ = connected(Strings16)
        string = b"x" * 10_000
        receiver.actions[string] = lambda: setattr(receiver, "recvd", b"\0\1x")
        receiver.dataReceived(frame(Strings16, string))
        self.assertEqual(receiver.strings, [string, b"x"])

    def test_offsetAssigned(self) -> None:
        """Assigning to C{_compatibilityOffset} in a callback has no effect."""
        receiver, _ = self.delivered(lambda it: setattr(it, "_compatibilityOffset", 3))
        self.assertEqual(receiver.strings[11:], [b"long"] * 40)
        self.assertEqual((receiver.recvd, receiver._compatibilityOffset), (b"", 0))

    def test_formatInLongString(self) -> None:
        """If the format changes within a long string, that string is parsed anew."""
        receiver, _ = connected(Strings32, MAX_LENGTH=1 << 20)
        receiver.dataReceived(b"\0\0\x40\0" + b"x" * 4096)
        receiver.dataReceived(b"x" * 4096)
        receiver.structFormat, receiver.prefixLength = "!H", 2
        receiver.dataReceived(b"x" * 8192)
        self.assertEqual(receiver.strings, [b"", b"x" * 0x4000])

    def test_formatWhileAside(self) -> None:
        """If the format changes, a string that is kept in pieces is parsed anew."""
        receiver, _ = connected(Strings16)
        for each in (b"\x10\0" + b"x" * 50, b"x"):
            receiver.dataReceived(each)
        receiver.structFormat = "<H"
        receiver.dataReceived(b"x")
        self.assertEqual(receiver.strings, [b"x" * 16])

    def test_looksAtEach(self) -> None:
        """
        An application that reads the rest at each string sees it, whatever chunks the bytes arrive
        in.
        """
        data = b"\x01a" * 300 + b"\x03ab"
        for size in (1, 3, 50, 300, len(data)):
            receiver, _ = connected(Strings8)
            seen: list[tuple[bytes, bytes]] = []
            receiver.actions[b"a"] = (
                lambda: seen.append(  # noqa: B023
                    (receiver.recvd, receiver._unprocessed[receiver._compatibilityOffset :])  # noqa: B023
                )
            )
            for at in range(0, len(data), size):
                before = len(seen)
                receiver.dataReceived(data[at : at + size])
                left = data[2 * before : at + size]
                expected = [left[2 * number :] for number in range(1, len(seen) - before + 1)]
                self.assertEqual(seen[before:], [(each, each) for each in expected], size)
            self.assertEqual((len(receiver.strings), receiver.recvd), (300, b"\x03ab"))

    def test_looksAndChanges(self) -> None:
        """
        If an application reads the rest at each string, its other changes apply from the next
        string on.
        """
        changes: list[tuple[Any, list[bytes]]] = [
            (lambda it: it.pauseProducing(), []),
            (lambda it: setattr(it, "MAX_LENGTH", 0), []),
            (lambda it: setattr(it, "recvd", b"\x01c"), [b"c"]),
            (lambda it: setattr(it, "recvd", bytearray(b"\x01c")), [b"c"]),
            (lambda it: it.dataReceived(b"\x01c"), [b"a"] * 90 + [b"c"]),
            (lambda it: it.transport.startTLS(), []),
            (lambda it: setattr(it, "__class__", type("Other", (Strings8,), {"paused": True})), []),
        ]
        for change, expected in changes:
            receiver, _ = connected(Strings8)
            receiver.actions[b"a"] = lambda: receiver.recvd  # noqa: B023
            receiver.actions[b"b"] = lambda: (receiver.recvd, change(receiver))  # noqa: B023
            receiver.dataReceived(b"\x01a" * 90 + b"\x01b" + b"\x01a" * 90)
            self.assertEqual(receiver.strings[91:], expected)

    def test_looksAtAnother(self) -> None:
        """
        If an application assigns to C{_unprocessed} at each string, C{recvd} shows the rest of that
        value, also for bytes that were kept in pieces.
        """
        for isKept in (False, True):
            receiver, _ = connected(Strings8)
            shown: list[bytes] = []

            def assign(receiver: Any = receiver, shown: list[bytes] = shown) -> None:
                shown.append(receiver.recvd)
                receiver._unprocessed = b"x" * 5000

            receiver.actions[b"a"] = assign
            receiver.paused = isKept
            for _ in range(3 if isKept else 1):
                receiver.dataReceived(b"\x01a" * 100)
            receiver.paused = False
            receiver.dataReceived(b"")
            self.assertEqual(shown[1:], [b"x" * (5000 - 2 * number) for number in range(2, len(shown) + 1)])
            self.assertEqual(len(shown), 300 if isKept else 100)

    def test_looksAndReplaces(self) -> None:
        """If an application assigns to both C{_unprocessed} and C{recvd}, C{recvd} counts."""
        receiver, _ = connected(Strings8)
        shown: list[bytes] = []

        def assign() -> None:
            shown.append(receiver.recvd)
            receiver._unprocessed = b"x" * 5000
            receiver.recvd = b"\x01a" * (99 - len(shown))

        receiver.actions[b"a"] = assign
        receiver.dataReceived(b"\x01a" * 100)
        self.assertEqual(shown[1:], [b"\x01a" * left for left in range(97, -1, -1)])

    def test_looksAndOtherPrefix(self) -> None:
        """A prefix length that does not match the format raises an error."""
        receiver, _ = connected(Strings8)
        receiver.actions[b"a"] = lambda: receiver.recvd
        receiver.dataReceived(b"\x01a" * 90)
        receiver.prefixLength = 2
        self.assertRaises(struct.error, receiver.dataReceived, b"\x01a" * 90)

    def test_resumedToEnd(self) -> None:
        """
        A resumed batch is delivered to its end.  C{_compatibilityOffset} then counts from the place
        of the resumption.
        """
        for last in (b"\x01c", b""):
            receiver, _ = connected(Strings8)
            shown: list[Any] = []
            receiver.actions[b"b"] = receiver.pauseProducing
            receiver.actions[b"c"] = lambda: shown.append((receiver._compatibilityOffset, receiver._unprocessed))  # noqa: B023
            receiver.dataReceived(b"\x01a" * 40 + b"\x01b" + last * 40 + b"\x05")
            receiver.resumeProducing()
            receiver.dataReceived(b"12345\x01c")
            self.assertEqual(receiver.strings[41:], [b"c"] * (40 if last else 0) + [b"12345", b"c"])
            self.assertEqual(shown[-1], (8, b"\x0512345\x01c"))
            if last:
                self.assertEqual(shown[0], (2, b"\x01c" * 40 + b"\x05"))

    def test_resumedInShort(self) -> None:
        """The offset is right if it is first read late in a resumed batch."""
        receiver, _ = connected(Strings8)
        shown: list[int] = []
        receiver.actions[b"b"] = receiver.pauseProducing
        receiver.actions[b"d"] = lambda: shown.append(receiver._compatibilityOffset)
        receiver.dataReceived(b"\x01a" * 100 + b"\x01b" + b"\x01c" * 27 + b"\x01d" * 2)
        receiver.resumeProducing()
        self.assertEqual(shown, [56, 58])

    def test_fed(self) -> None:
        """Strings that a callback passes in are delivered after the batch."""
        receiver, _ = self.delivered(lambda it: it.dataReceived(b"\x01x"))
        self.assertEqual(receiver.strings[11:], [b"long"] * 40 + [b"x"])

    def test_looked(self) -> None:
        """A callback that passes in bytes and then reads the rest sees all of it."""
        seen: list[bytes] = []
        self.delivered(lambda it: (it.dataReceived(b"\x01x"), seen.append(it.recvd), seen.append(it._unprocessed)))
        rest = b"\x04long" * 40 + b"\x01x"
        self.assertEqual(seen, [rest, b"\x04long" * 10 + b"\x03now" + rest])

    def test_limits(self) -> None:
        """A limit may be infinite, not a number, or a fraction."""
        for limit, expected in ((float("inf"), 3), (float("nan"), 3), (2.5, 2), (-0.5, 0), (float("-inf"), 0)):
            for chunks in (
                [b"\x01a\x02bb\x03ccc"],
                [b"\x01a\x02bb\x03c", b"c", b"c"],
                [b"\x01a\x02bb\x03ccc" + b"\x05"],
            ):
                receiver, transport = connected(Strings8, MAX_LENGTH=limit)
                for each in chunks:
                    receiver.dataReceived(each)
                self.assertEqual(
                    (receiver.strings[:3], transport.disconnecting), ([b"a", b"bb", b"ccc"][:expected], expected < 3)
                )

    def test_formatBehindUnfinished(self) -> None:
        """
        If a changed format completes an unfinished string, the bytes after it are parsed in that
        format, too.
        """
        for isPausing in (True, False):
            receiver, _ = connected(Strings16)
            receiver.dataReceived(b"\x28\0" + b"a" * 40 + b"\x28\0" + b"b" * 40 + b"\x10\0" + b"c" * 10)
            receiver.structFormat = "<H"
            receiver.actions[b"b" * 40] = receiver.pauseProducing if isPausing else [].pop
            if isPausing:
                receiver.dataReceived(b"")
            else:
                self.assertRaises(IndexError, receiver.dataReceived, b"")
            receiver.dataReceived(b"c" * 5)
            receiver.resumeProducing()
            receiver.dataReceived(b"c\1\0d")
            self.assertEqual(receiver.strings, [b"a" * 40, b"b" * 40, b"c" * 16, b"d"])

    def test_longUnlimited(self) -> None:
        """A long string in pieces is delivered if the limit is not a number."""
        receiver, _ = connected(Strings32, MAX_LENGTH=float("nan"))
        data = frame(Strings32, b"x" * 9000)
        for at in range(0, len(data), 1000):
            receiver.dataReceived(data[at : at + 1000])
        self.assertEqual(receiver.strings, [b"x" * 9000])
