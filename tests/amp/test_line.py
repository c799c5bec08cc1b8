"""Tests for L{twisted_basic_ng.amp._line}: our own calls under limits."""

from __future__ import annotations

import os
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp
from twisted_basic_ng.amp._line import ALWAYS_KEPT, BOX_COST, Window, sizeOf

from .test_descriptors import SendingTransport


class Ask(amp.Command):
    """A command with an answer."""

    arguments = [(b"load", amp.String(optional=True))]


class Note(amp.Command):
    """A command without an answer."""

    arguments = [(b"load", amp.String(optional=True))]
    requiresAnswer = False


class Give(amp.Command):
    """A command with descriptors."""

    arguments = [
        (b"file", amp.Descriptor()),
        (b"rows", amp.AmpList([(b"file", amp.Descriptor())], optional=True)),
        (b"load", amp.String(optional=True)),
    ]


class Take(amp.Command):
    """A command that returns a descriptor."""

    response = [(b"file", amp.Descriptor())]


class Switch(amp.ProtocolSwitchCommand):
    """A command that switches the protocol, with a descriptor."""

    arguments = [(b"file", amp.Descriptor())]


class End(amp.AMP):
    """Sends one call at a time."""

    MAX_ASKS_IN_PROGRESS = 1

    @Take.responder
    def take(self) -> Any:
        return {"file": 77}


def box(size: int, **more: bytes) -> amp.AmpBox:
    """Make a box of C{size} bytes."""
    made = amp.Box(x=b"", **more)
    made[b"x"] = b"x" * (size - sizeOf(made))
    return made


class WindowTests(SynchronousTestCase):
    """Boxes count from the first call that the peer may not have begun with."""

    def setUp(self) -> None:
        self.window = Window(None, 1000)

    def send(self, tag: bytes, size: int, asks: bool) -> None:
        made = box(size, _ask=tag) if asks else box(size)
        self.window.add(tag, made, False)

    def test_bytes(self) -> None:
        """One call of any size may be in progress.  Others must fit."""
        self.assertTrue(self.window.isOpen())
        self.send(b"1", 5000, True)
        self.assertEqual((self.window.isOpen(), self.window.size), (False, 5000))
        self.window.answered(b"1")
        self.assertEqual((self.window.isOpen(), self.window.size), (True, 0))
        self.send(b"2", 999, True)
        self.assertTrue(self.window.isOpen())
        self.send(b"3", 999, True)
        self.assertFalse(self.window.isOpen())

    def test_calls(self) -> None:
        """If the number of calls is limited, calls of any size may be in progress."""
        window = Window(2, None)
        for tag in (b"1", b"2"):
            self.assertTrue(window.isOpen())
            window.add(tag, box(ALWAYS_KEPT, _ask=tag), False)
        self.assertFalse(window.isOpen())

    def test_free(self) -> None:
        """A call without an answer does not count if no other is in progress."""
        self.send(b"1", 5000, False)
        self.assertEqual(self.window.size, 0)
        self.assertFalse(self.window.needsAnswer(box(5000)))

    def test_behind(self) -> None:
        """Behind a call with an answer, it counts until that is answered."""
        self.send(b"1", 100, True)
        self.send(b"2", 200, False)
        self.assertEqual(self.window.size, 300)
        self.window.answered(b"1")
        self.assertEqual(self.window.size, 0)

    def test_stays(self) -> None:
        """The answer to an earlier call does not free what follows later calls."""
        self.send(b"1", 100, True)
        self.send(b"2", 100, True)
        self.send(b"3", 200, False)
        self.window.answered(b"1")
        self.assertEqual(self.window.size, 300)
        self.assertTrue(self.window.needsAnswer(box(50)))

    def test_between(self) -> None:
        """A call without an answer no longer counts when a later call is answered."""
        self.send(b"1", 100, True)
        self.send(b"2", 200, False)
        self.send(b"3", 100, True)
        self.send(b"4", 50, False)
        self.send(b"5", 30, True)
        self.window.answered(b"3")
        self.assertEqual(self.window.size, 130)
        self.window.answered(b"5")
        self.assertEqual(self.window.size, 100)
        self.window.answered(b"1")
        self.assertEqual((self.window.size, self.window.underWay), (0, {}))

    def test_memory(self) -> None:
        """If only the number of calls is limited, those without an answer count by their memory."""
        window = Window(10, None)
        window.add(b"1", box(100, _ask=b"1"), False)
        for number in range(ALWAYS_KEPT // 2 // (BOX_COST + 100)):
            window.add(b"%d" % number, box(100), False)
            self.assertTrue(window.isOpen())
        window.add(b"9", box(300), False)
        self.assertFalse(window.isOpen())

    def test_needsAnswer(self) -> None:
        """
        A call must ask for an answer after a quarter of the room, and if it is the last that fits.
        """
        self.send(b"1", 500, True)
        self.send(b"2", 200, False)
        self.assertEqual([self.window.needsAnswer(box(size)) for size in (49, 50)], [False, True])
        self.window.add(b"3", box(50, _ask=b"3"), True)
        self.assertFalse(self.window.needsAnswer(box(100)))
        self.send(b"4", 150, True)
        self.assertEqual([self.window.needsAnswer(box(size)) for size in (99, 100)], [False, True])
        self.window.answered(b"3")
        self.assertFalse(self.window.needsAnswer(box(200)))

    def test_removed(self) -> None:
        """A call that could not be sent does not count."""
        self.send(b"1", 100, True)
        self.send(b"2", 100, True)
        self.window.remove(b"2")
        self.window.remove(b"2")
        self.send(b"3", 50, False)
        self.window.remove(b"3")
        self.assertEqual(self.window.size, 150)
        self.window.answered(b"1")
        self.assertEqual((self.window.size, self.window.underWay), (0, {}))

    def test_removedEarlier(self) -> None:
        """This also holds if another was sent meanwhile."""
        self.send(b"1", 100, True)
        self.send(b"2", 100, True)
        self.window.remove(b"1")
        self.window.answered(b"2")
        self.assertEqual((self.window.size, self.window.underWay), (0, {}))
        self.send(b"3", 100, False)
        self.assertEqual(self.window.size, 0)


class LineCase(SynchronousTestCase):
    """An end, and the boxes it has sent."""

    def setUp(self) -> None:
        self.end = End()
        self.transport = SendingTransport()
        self.transport.connect(self.end)

    def sent(self) -> list[Any]:
        """Return the boxes and descriptors sent since the last call, in order."""
        found: list[Any] = []
        for name, *arguments in self.transport.events:
            if name == "write":
                found += amp.parseString(*arguments)
            elif name == "sendFileDescriptor":
                found += arguments
        self.transport.events.clear()
        return found

    def ask(self, command: Any = Ask, **arguments: Any) -> Any:
        """Make a call, and handle its error."""
        calling = self.end.callRemote(command, **arguments)
        if calling is not None:
            calling.addErrback(lambda failure: None)
        return calling

    def answer(self, tag: int) -> None:
        """Answer a call."""
        self.end.dataReceived(amp.Box(_answer=b"%x" % tag).serialize())

    def openFile(self) -> int:
        """Open a file that is closed at the end of the test."""
        descriptor = os.open(os.devnull, os.O_RDONLY)
        self.addCleanup(os.close, descriptor)
        return descriptor


class UnaskedTests(LineCase):
    """Calls without an answer may ask for one nevertheless."""

    def setUp(self) -> None:
        self.end = End()
        self.end.MAX_ASKS_IN_PROGRESS, self.end.MAX_UNSENT_BYTES = None, 200  # type: ignore[assignment, misc]
        self.transport = SendingTransport()
        self.transport.connect(self.end)
        self.ask()
        self.sent()

    def test_asks(self) -> None:
        """They do so behind a call that the peer may not have begun with."""
        for _ in range(3):
            self.ask(Note, load=b"x" * 150)
        (first,) = self.sent()
        self.assertEqual(first[b"_ask"], b"2")
        self.answer(2)
        self.assertEqual([b"_ask" in each for each in self.sent()], [False, False])
        self.assertEqual(list(self.end._outstandingRequests or ()), [b"1"])

    def test_error(self) -> None:
        """An error counts as an answer."""
        for _ in range(2):
            self.ask(Note, load=b"x" * 150)
        self.sent()
        self.end.dataReceived(amp.Box(_error=b"2", _error_code=b"X", _error_description=b"").serialize())
        self.assertEqual(len(self.sent()), 1)
        self.assertIsNone(self.end._ampCancelledRequests)

    def test_doNot(self) -> None:
        """Small calls do not ask, nor does any call when no other is in progress."""
        self.ask(Note)
        self.answer(1)
        self.ask(Note, load=b"x" * 500)
        self.assertEqual([b"_ask" in each for each in self.sent()], [False, False])
        self.assertIsNone(self.end._ampCancelledRequests)

    def test_unsendable(self) -> None:
        """A call that cannot be sent leaves nothing behind."""
        self.assertRaises(amp.TooLong, self.ask, Note, load=b"x" * 70000)
        self.assertEqual((self.sent(), self.end._ampCancelledRequests), ([], None))
        overload: Any = self.end._ampOverload
        self.assertEqual(list(overload.line.window.underWay), [b"1"])

    def test_answeredInside(self) -> None:
        """A call may be answered while it is sent."""
        self.transport.hooks["write"] = lambda: self.answer(2)
        self.ask(Note, load=b"x" * 150)
        self.assertIsNone(self.end._ampCancelledRequests)


class DescriptorTests(LineCase):
    """The descriptors of a call are sent with it, and numbered at that moment."""

    def setUp(self) -> None:
        super().setUp()
        self.ask()
        self.file = self.openFile()
        self.sent()

    def test_wait(self) -> None:
        """
        While a call waits, so do its descriptors.  Those sent meanwhile have numbers of their own.
        """
        self.ask(Give, file=self.file)
        self.assertEqual(self.sent(), [])
        self.end.dataReceived(amp.Box(_command=b"Take", _ask=b"1").serialize())
        self.assertEqual(self.sent(), [77, {b"file": b"0", b"_answer": b"1"}])
        self.answer(1)
        self.assertEqual(self.sent(), [self.file, {b"file": b"1", b"_command": b"Give", b"_ask": b"2"}])
        self.answer(2)
        self.ask(Give, file=self.file)
        self.assertEqual(self.sent(), [self.file, {b"file": b"2", b"_command": b"Give", b"_ask": b"3"}])

    def test_lists(self) -> None:
        """Descriptors in lists wait, too.  The caller may change the list meanwhile."""
        rows = [{"file": self.file}, {"file": self.file}]
        self.ask(Give, file=self.file, rows=rows)
        rows[0]["file"] = -1
        rows.clear()
        self.answer(1)
        *descriptors, box = self.sent()
        self.assertEqual(descriptors, [self.file] * 3)
        self.assertEqual([each[b"file"] for each in amp.parseString(box[b"rows"])], [b"1", b"2"])

    def test_cancelled(self) -> None:
        """The descriptors of a cancelled call are not sent, and take no number."""
        first, _ = self.ask(Give, file=self.file), self.ask(Give, file=self.file)
        first.cancel()
        self.answer(1)
        self.assertEqual(self.sent(), [self.file, {b"file": b"0", b"_command": b"Give", b"_ask": b"3"}])

    def test_closed(self) -> None:
        """If a descriptor is closed before its call is sent, only that call fails."""
        closed = os.open(os.devnull, os.O_RDONLY)
        rows = [{"file": closed}]
        failing: Any = self.end.callRemote(Give, file=self.file, rows=rows)
        errors: list[Any] = []
        failing.addErrback(lambda failure: errors.append(failure.type))
        self.ask(Give, file=self.file)
        os.close(closed)
        self.answer(1)
        self.assertEqual(self.sent(), [self.file, {b"file": b"0", b"_command": b"Give", b"_ask": b"3"}])
        self.assertEqual(errors, [OSError])

    def test_wrong(self) -> None:
        """A call that cannot be written raises an error at once."""
        self.assertRaises(KeyError, self.end.callRemote, Give, file=self.file, rows=[{"file": self.file}, {}])
        self.answer(1)
        self.assertEqual(self.sent(), [])

    def test_lost(self) -> None:
        """After the connection is lost, no descriptor is sent."""
        waiting = self.end.callRemote(Give, file=self.file)
        self.end.connectionLost(Failure(ConnectionDone()))
        self.failureResultOf(waiting, ConnectionDone)
        self.assertEqual(self.sent(), [])

    def test_beforeSwitch(self) -> None:
        """
        Before a call that switches the protocol, all waiting descriptors are sent, then its own.
        """
        self.ask(Give, file=self.file)
        calling: Any = self.end.callRemote(Switch, None, file=self.file)
        calling.addErrback(lambda failure: None)
        self.assertEqual(
            self.sent(),
            [
                self.file,
                {b"file": b"0", b"_command": b"Give", b"_ask": b"2"},
                self.file,
                {b"file": b"1", b"_command": b"Switch", b"_ask": b"3"},
            ],
        )

    def test_behindSwitch(self) -> None:
        """After such a call, no descriptor is sent, and calls are refused."""
        calling: Any = self.end.callRemote(Switch, None, file=self.file)
        calling.addErrback(lambda failure: None)
        self.sent()
        self.assertRaises(amp.ProtocolSwitched, self.end.callRemote, Give, file=self.file)
        self.assertEqual(self.sent(), [])

    def test_madeInside(self) -> None:
        """A call that must wait when it is written, but no longer when it is sent, is sent."""
        outer = self

        class Opening(amp.String):
            def toString(self, inObject: Any) -> bytes:
                if b"1" in (outer.end._outstandingRequests or ()):
                    outer.answer(1)
                return b""

        class Odd(Give):
            arguments = [*Give.arguments, (b"odd", Opening())]

        self.ask(Odd, file=self.file, odd=None)
        self.assertEqual(self.sent(), [self.file, {b"file": b"0", b"odd": b"", b"_command": b"Odd", b"_ask": b"2"}])

    def test_cancelledAfterwards(self) -> None:
        """A sent call is cancelled as usual."""
        calling: Any = self.end.callRemote(Give, file=self.file)
        self.answer(1)
        calling.cancel()
        self.failureResultOf(calling, CancelledError)
        self.answer(2)
        self.assertIsNone(self.end._ampCancelledRequests)


class UrgentTests(LineCase):
    """All waiting calls are sent before a call that changes the connection."""

    def test_failing(self) -> None:
        """A call that is made because another one cannot be sent goes before it, too."""
        self.ask()
        failing: Any = self.end.callRemoteString(b"ask", load=b"x" * 70000)
        failing.addErrback(lambda failure: self.ask(load=b"behind"))
        self.ask(load=b"waiting")
        self.ask(amp.StartTLS)
        loads = [each.get(b"load", each[b"_command"]) for each in self.sent()]
        self.assertEqual(loads, [b"Ask", b"waiting", b"behind", b"StartTLS"])
