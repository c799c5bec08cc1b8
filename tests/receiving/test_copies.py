"""Tests for L{twisted_basic_ng._receiving.copies}."""

from __future__ import annotations

import copy
import pickle
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng.basic import (
    Int8StringReceiver,
    LineOnlyReceiver,
    LineReceiver,
    NetstringReceiver,
)


class Transport:
    """A transport that can be pickled."""

    disconnecting = False

    def loseConnection(self) -> None:
        self.disconnecting = True

    pauseProducing = resumeProducing = loseConnection


class Kept:
    """
    Collects its messages in an attribute of its own, and copies itself at the message C{copy}.
    """

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
    """Defines its own pickling state."""

    def __getstate__(self) -> Any:
        return dict(vars(self))

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)


class OtherState(KeptStrings):
    """Has a state that is not a dictionary."""

    def __getstate__(self) -> Any:
        return [*self.collected]

    def __setstate__(self, state: Any) -> None:
        self.collected = tuple(state)


class Stated:
    """An application's base class, behind the receiver in the order of resolution."""

    def __setstate__(self, state: Any) -> None:
        vars(self).update(state)


class MixedState(KeptNetstrings, Stated):
    pass


class SlottedState(KeptLines):
    __slots__ = ("extra",)


class Reduced(KeptLines):
    """Pickles as a reference to the global C{onlyOne}."""

    def __new__(cls) -> Any:
        return super().__new__(cls)

    def __reduce__(self) -> Any:
        return "onlyOne"


onlyOne = Reduced()


HOWS = ["copy", "deepcopy", *range(pickle.HIGHEST_PROTOCOL + 1)]

#: The receivers to copy, each with a function that frames a string for it.
COPIED: list[tuple[Any, Any]] = [
    (KeptLines, lambda string: string + b"\r\n"),
    (OwnState, lambda string: string + b"\r\n"),
    (KeptOnlyLines, lambda string: string + b"\r\n"),
    (KeptNetstrings, lambda string: b"%d:%b," % (len(string), string)),
    (MixedState, lambda string: b"%d:%b," % (len(string), string)),
    (KeptStrings, lambda string: bytes([len(string)]) + string),
]


def copied(receiver: Any, how: Any) -> Any:
    """Copy C{receiver}; C{how} is "copy", "deepcopy" or a pickle protocol."""
    if how == "copy":
        return copy.copy(receiver)
    if how == "deepcopy":
        return copy.deepcopy(receiver)
    return pickle.loads(pickle.dumps(receiver, how))


class CopyTests(SynchronousTestCase):
    """A copy, or an unpickled receiver, has the undelivered bytes and continues independently."""

    def test_unfinished(self) -> None:
        """The original and the copy each complete an unfinished message with their own bytes."""
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
        """The copy shows the undelivered bytes before it receives anything."""
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
        """C{recvd} of a copy shows the undelivered bytes, too."""
        receiver = KeptStrings()
        receiver.dataReceived(b"\5ab")
        self.assertEqual(copy.copy(receiver).recvd, b"\5ab")

    def test_deleted(self) -> None:
        """The undelivered bytes of a copy can be deleted."""
        for kind, frame in COPIED:
            receiver = kind()
            receiver.dataReceived(frame(b"abc")[:-1])
            made = copy.copy(receiver)
            delattr(made, kind._receiverSaved)
            made.transport = Transport()
            made.dataReceived(frame(b"def"))
            self.assertEqual(made.collected, (b"def",))

    def test_madeConnection(self) -> None:
        """A copy of a netstring receiver discards its bytes when it is connected anew."""
        receiver = KeptNetstrings()
        receiver.dataReceived(b"3:ab")
        made = copy.copy(receiver)
        made.makeConnection(RecordingTransport())  # type: ignore[arg-type]
        made.dataReceived(b"1:x,")
        self.assertEqual(made.collected, (b"x",))

    def test_longLine(self) -> None:
        """A long line that arrived in pieces is copied whole."""
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
        """
        A copy that is made in a callback has the bytes after that message.  A copy of
        C{LineOnlyReceiver} has only the unfinished last line.
        """
        for kind, frame in COPIED:
            for how in HOWS:
                receiver = kind()
                receiver.transport = Transport()
                receiver.how = how
                receiver.dataReceived(frame(b"x") * 20 + frame(b"copy") + frame(b"y") * 9 + frame(b"end")[:-1])
                made = receiver.made
                made.transport = Transport()
                made._busyReceiving = False  # copies of Twisted's receivers also keep the busy flag
                made.dataReceived(frame(b"end")[-1:])
                rest = (b"y",) * (0 if kind is KeptOnlyLines else 9) + (b"end",)
                self.assertEqual(made.collected, (b"x",) * 20 + (b"copy",) + rest, (kind, how))
                self.assertNotIn("MAX_LENGTH", vars(made).keys() - vars(receiver).keys())

    def test_pinned(self) -> None:
        """A copy follows its class, whatever was pinned on the original."""
        for base, frame in COPIED:
            kind = type("Kind", (base,), {})
            receiver = kind()
            receiver.transport = Transport()
            receiver.dataReceived(frame(b"x" * 9) * 20 + frame(b"abc")[:-1])
            made = copy.copy(receiver)
            kind.MAX_LENGTH = 77
            self.assertEqual(made.MAX_LENGTH, 77)

    def test_assigned(self) -> None:
        """A copy has the bytes that the application assigned last."""
        receiver = KeptOnlyLines()
        receiver.transport = Transport()
        receiver.dataReceived(b"abc")
        receiver._buffer = b"de"
        made = copy.copy(receiver)
        for each in (receiver, made):
            each.dataReceived(b"f\r\n")
            self.assertEqual(each.collected, (b"def",))

    def test_slots(self) -> None:
        """A receiver of a class with slots can be copied."""
        receiver = SlottedState()
        receiver.extra = 5
        receiver.dataReceived(b"ab")
        made = copy.copy(receiver)
        receiver.dataReceived(b"x\r\n")
        made.dataReceived(b"c\r\n")
        self.assertEqual((made.collected, made.extra, receiver.collected), ((b"abc",), 5, (b"abx",)))

    def test_otherForms(self) -> None:
        """A state or a pickle in an application's own form is not changed."""
        receiver = OtherState()
        receiver.dataReceived(b"\1a\5b")
        self.assertEqual(copy.copy(receiver).collected, (b"a",))
        self.assertIs(copied(onlyOne, 2), onlyOne)

    def test_nothing(self) -> None:
        """A receiver without undelivered bytes adds nothing to the state of a copy."""
        for kind, _ in COPIED:
            receiver = kind()
            self.assertEqual(getattr(receiver, kind._receiverSaved), b"")
            receiver.name = 1
            self.assertEqual(vars(copy.copy(receiver)), {"name": 1})
            receiver.dataReceived(b"")
            self.assertNotIn("_receiverConnection", vars(copy.copy(receiver)))
