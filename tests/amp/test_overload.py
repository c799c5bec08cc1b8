"""Tests for L{twisted_basic_ng.amp._overload}: limits on calls in progress, in both directions."""

from __future__ import annotations

import gc
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.amp.streampeers import Add, Peer, Upload, connectPeers, outcome
from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng import amp
from twisted_basic_ng.amp import _overload
from twisted_basic_ng.amp._line import sizeOf


class Work(amp.Command):
    """A command whose responder waits."""

    arguments = [(b"number", amp.Integer())]
    response = [(b"number", amp.Integer())]


class Notice(amp.Command):
    """A command without an answer."""

    arguments = [(b"number", amp.Integer())]
    requiresAnswer = False


class Worker(amp.AMP):
    """Keeps each call until the test answers it."""

    MAX_ASKS_IN_PROGRESS = 2

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[int, Deferred[Any]] = {}
        self.noticed: list[int] = []

    @Work.responder
    def work(self, number: int) -> Any:
        self.asked[number] = Deferred()
        return self.asked[number]

    @Notice.responder
    def notice(self, number: int) -> Any:
        self.noticed.append(number)
        return {}

    def answer(self, number: int) -> None:
        """Answer a call."""
        self.asked.pop(number).callback({"number": number})


def asks(*numbers: int) -> bytes:
    """Return the bytes of calls from a peer."""
    return b"".join(
        amp.Box(_command=b"Work", _ask=b"%d" % number, number=b"%d" % number).serialize() for number in numbers
    )


class AskedTests(SynchronousTestCase):
    """The number of a peer's calls in progress is limited."""

    def setUp(self) -> None:
        self.worker = Worker()
        self.transport = RecordingTransport().connect(self.worker)

    def answered(self) -> list[bytes]:
        """Return the tags of the sent answers, in order."""
        boxes, self.transport.events[:] = amp.parseString(self.transport.written), []
        return [box[b"_answer"] for box in boxes if b"_answer" in box]

    def test_held(self) -> None:
        """Further calls are not read until one is answered, and then in order."""
        self.worker.dataReceived(asks(1, 2, 3, 4))
        self.assertEqual(list(self.worker.asked), [1, 2])
        self.assertTrue(self.worker.paused)
        self.assertEqual(self.transport.names(), ["pauseProducing"])
        self.worker.answer(2)
        self.assertEqual(list(self.worker.asked), [1, 3])
        self.worker.answer(1)
        self.worker.answer(3)
        self.worker.answer(4)
        self.assertFalse(self.worker.paused)
        self.assertEqual(
            self.transport.names().count("pauseProducing"), self.transport.names().count("resumeProducing")
        )
        self.assertEqual(self.answered(), [b"2", b"1", b"3", b"4"])

    def test_none(self) -> None:
        """Without the limit, all calls are begun."""
        worker = Worker()
        worker.MAX_ASKS_IN_PROGRESS = None  # type: ignore[assignment]
        RecordingTransport().connect(worker)
        worker.dataReceived(asks(*range(100)))
        self.assertEqual(list(worker.asked), [*range(100)])

    def test_pausedByApplication(self) -> None:
        """The application's pause and the limit's pause do not affect each other."""
        self.worker.dataReceived(asks(1, 2, 3))
        self.worker.pauseProducing()
        self.worker.answer(1)
        self.assertTrue(self.worker.paused)
        self.worker.resumeProducing()
        self.assertEqual(list(self.worker.asked), [2, 3])
        self.worker.pauseProducing()
        self.worker.resumeProducing()
        self.assertTrue(self.worker.paused)
        self.worker.answer(2)
        self.assertFalse(self.worker.paused)

    def test_answersAreRead(self) -> None:
        """
        While a call of our own waits, reading continues so that its answer arrives.  The peer's
        further calls are kept.
        """
        result: Any = self.worker.callRemote(Work, number=9)
        self.worker.dataReceived(asks(1, 2, 3, 4) + amp.Box(_answer=b"1", number=b"9").serialize())
        self.assertEqual(self.successResultOf(result), {"number": 9})
        self.assertEqual(list(self.worker.asked), [1, 2])
        self.assertFalse(self.worker.paused)
        self.worker.dataReceived(asks(5, 6))
        self.assertTrue(self.worker.paused)
        for number in (1, 2, 3, 4, 5, 6):
            self.worker.answer(number)
        self.assertEqual(self.answered()[-6:], [b"1", b"2", b"3", b"4", b"5", b"6"])
        self.assertFalse(self.worker.paused)

    def test_keptNoMore(self) -> None:
        """No more calls are kept than a peer with the same limit sends."""
        self.patch(_overload, "ALWAYS_KEPT", 0)
        self.worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        self.worker.dataReceived(asks(*range(20)))
        overload: Any = self.worker._ampOverload
        self.assertEqual((len(self.worker.asked), len(overload.kept)), (2, 5))
        self.assertTrue(self.worker.paused)
        for number in range(20):
            self.worker.answer(number)
        self.assertEqual((overload.keptSize, self.worker.paused), (0, False))

    def test_keptAnyway(self) -> None:
        """One MiB of calls is kept under any limit, since an answer may follow them."""
        result: Any = self.worker.callRemote(Work, number=9)
        self.worker.dataReceived(asks(*range(1500)))
        self.assertFalse(self.worker.paused)
        self.worker.dataReceived(amp.Box(_answer=b"1", number=b"9").serialize())
        self.assertEqual(self.successResultOf(result), {"number": 9})
        self.worker.callRemote(Work, number=10).addErrback(lambda failure: None)
        self.worker.dataReceived(asks(*range(1500, 3000)))
        self.assertTrue(self.worker.paused)
        for number in range(3000):
            self.worker.answer(number)
        self.assertFalse(self.worker.paused)

    def test_callWhileHeld(self) -> None:
        """A call that is made while reading is paused is answered."""
        self.worker.dataReceived(asks(1, 2) + amp.Box(_answer=b"1", number=b"9").serialize())
        self.assertTrue(self.worker.paused)
        result: Any = self.worker.callRemote(Work, number=9)
        self.assertEqual(self.successResultOf(result), {"number": 9})

    def test_lost(self) -> None:
        """After the connection is lost, kept calls are not begun."""
        self.worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        self.worker.dataReceived(asks(1, 2, 3))
        self.worker.connectionLost(Failure(ConnectionDone()))
        self.worker.answer(1)
        self.assertEqual(list(self.worker.asked), [2])

    def test_closing(self) -> None:
        """
        A closing connection is never paused, since its end must be seen, and no more calls are
        begun.
        """
        transport: Any = self.worker.transport
        transport.loseConnection()
        self.worker.dataReceived(asks(1, 2, 3))
        self.worker.dataReceived(asks(4))
        self.worker.answer(1)
        self.assertEqual((list(self.worker.asked), self.transport.reading), ([2], True))
        self.assertNotIn("pauseProducing", self.transport.names())

    def test_left(self) -> None:
        """Kept calls are not begun after the peer was left, either."""
        self.worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        self.worker.dataReceived(asks(1, 2, 3))
        self.worker._ampLeavePeer()
        self.worker.answer(1)
        self.assertEqual(list(self.worker.asked), [2])

    def test_raises(self) -> None:
        """A kept call that cannot be dispatched is an error, as usual."""

        class Broken(Worker):
            def _commandReceived(self, box: amp.AmpBox) -> Any:
                if box[b"_ask"] == b"3":
                    raise ZeroDivisionError
                return super()._commandReceived(box)

        worker = Broken()
        transport = RecordingTransport().connect(worker)
        worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        worker.dataReceived(asks(1, 2, 3))
        worker.answer(1)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertTrue(transport.disconnecting)

    def test_unhandledRaises(self) -> None:
        """If C{unhandledError} raises, too, the peer's other calls still continue."""

        class Broken(Worker):
            def _commandReceived(self, box: amp.AmpBox) -> Any:
                if box[b"_ask"] == b"3":
                    raise ZeroDivisionError
                return super()._commandReceived(box)

            def unhandledError(self, failure: Failure) -> None:
                raise KeyError

        worker = Broken()
        transport = RecordingTransport().connect(worker)
        worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        worker.dataReceived(asks(*range(1, 9)))
        worker.answer(1)
        self.assertEqual(list(worker.asked), [2, 4])
        for number in (2, 4, 5, 6, 7):
            worker.answer(number)
        self.assertEqual((list(worker.asked), transport.reading), ([8], True))
        gc.collect()
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_otherSender(self) -> None:
        """With a box sender that cannot pause, there is no limit."""
        dispatcher = amp.BoxDispatcher(None)
        dispatcher.MAX_ASKS_IN_PROGRESS = 1  # type: ignore[misc]
        dispatcher.startReceivingBoxes(object())  # type: ignore[arg-type]
        self.assertIsNone(dispatcher._ampOverload)


class PausedTests(SynchronousTestCase):
    """Pauses of the application are not repeated, and without limits there is nothing to do."""

    def test_held(self) -> None:
        """Holding a peer that is already paused makes no further calls on the transport."""
        worker = Worker()
        transport = RecordingTransport().connect(worker)
        worker.pauseProducing()
        worker._ampHoldPeer()
        worker._ampLetPeerGo()
        self.assertEqual((worker.paused, transport.names()), (True, ["pauseProducing"]))

    def test_unbounded(self) -> None:
        """A receiver of boxes need not support limits."""

        class Plain(amp.BinaryBoxProtocol):
            MAX_UNSENT_BYTES = 1

        class Boxes:
            def startReceivingBoxes(self, sender: object) -> None:
                pass

        protocol = Plain(Boxes())
        RecordingTransport().connect(protocol)
        protocol._ampRelieve()
        self.assertIsNone(protocol._ampOverload)


class AskingTests(SynchronousTestCase):
    """The number of our own calls in progress is limited."""

    def setUp(self) -> None:
        self.client = Worker()
        self.transport = RecordingTransport().connect(self.client)

    def sent(self) -> list[bytes]:
        """The numbers of the sent calls."""
        return [box[b"number"] for box in amp.parseString(self.transport.written)]

    def receive(self, tag: int, **kw: bytes) -> None:
        """Receive the answer to a call."""
        self.client.dataReceived(amp.Box(_answer=b"%d" % tag, number=b"0", **kw).serialize())

    def test_line(self) -> None:
        """Further calls wait in line, and are sent when one is answered."""
        results: list[Any] = [self.client.callRemote(Work, number=number) for number in range(4)]
        self.client.callRemote(Notice, number=4)
        self.assertEqual(self.sent(), [b"0", b"1"])
        self.receive(2)
        self.successResultOf(results[1])
        self.assertEqual(self.sent(), [b"0", b"1", b"2"])
        for tag in (1, 3, 4):
            self.receive(tag)
        self.assertEqual(self.sent(), [b"0", b"1", b"2", b"3", b"4"])
        for each in results[2:]:
            self.successResultOf(each)

    def test_error(self) -> None:
        """An error counts as an answer."""
        self.client.callRemote(Work, number=0).addErrback(lambda failure: None)
        for number in (1, 2):
            self.client.callRemote(Work, number=number)
        self.client.dataReceived(amp.Box(_error=b"1", _error_code=b"X", _error_description=b"").serialize())
        self.assertEqual(self.sent(), [b"0", b"1", b"2"])

    def test_cancelled(self) -> None:
        """
        A call that is cancelled in line is not sent.  One that was sent counts until its late
        answer arrives.
        """
        results: list[Any] = [self.client.callRemote(Work, number=number) for number in range(4)]
        results[2].cancel()
        self.failureResultOf(results[2], CancelledError)
        results[0].cancel()
        self.failureResultOf(results[0], CancelledError)
        self.assertEqual(self.sent(), [b"0", b"1"])
        self.receive(1)
        self.assertEqual(self.sent(), [b"0", b"1", b"3"])
        self.assertIsNone(self.client._ampCancelledRequests)

    def test_lost(self) -> None:
        """Calls in line fail when the connection is lost."""
        results: list[Any] = [self.client.callRemote(Work, number=number) for number in range(4)]
        self.client.connectionLost(Failure(ConnectionDone()))
        for each in results:
            self.failureResultOf(each, ConnectionDone)

    def test_unsendable(self) -> None:
        """A call that cannot be sent in its turn fails, and the next is sent."""
        for number in (0, 1):
            self.client.callRemote(Work, number=number)
        failing: Any = self.client.callRemoteString(b"work", number=b"x" * 70000)
        errors: list[Any] = []
        failing.addErrback(lambda failure: errors.append(failure.value))
        self.client.callRemoteString(b"notice", False, number=b"x" * 70000)
        self.client.callRemote(Work, number=2)
        self.receive(1)
        self.assertEqual(([*map(type, errors)], self.sent()), ([amp.TooLong], [b"0", b"1", b"2"]))
        self.assertTrue(str(errors[0]).endswith("; work, which had waited in line, was not sent"))
        self.assertEqual(len(self.flushLoggedErrors(amp.TooLong)), 1)

    def test_unsendableAtAll(self) -> None:
        """This holds for any exception, and whatever the caller's errback does."""

        class Broken(amp.AmpBox):
            def _sendTo(self, proto: Any) -> None:
                raise SystemExit

        for number in (0, 1):
            self.client.callRemote(Work, number=number)
        failing: Any = self.client._sendBoxCommand(b"work", Broken())
        contexts: list[Any] = []

        def fail(failure: Failure) -> None:
            try:
                raise ZeroDivisionError
            except ZeroDivisionError as error:
                contexts.append((failure.type, error.__context__))

        failing.addErrback(fail)
        self.client.callRemote(Work, number=2)
        self.receive(1)
        self.assertEqual((contexts, self.sent()), ([(SystemExit, None)], [b"0", b"1", b"2"]))

    def test_unsendableAtOnce(self) -> None:
        """A call that cannot be sent at once does not count as in progress."""
        self.assertRaises(amp.TooLong, self.client.callRemoteString, b"work", number=b"x" * 70000)
        overload: Any = self.client._ampOverload
        self.assertEqual((overload.line.window.underWay, overload.line.window.size), ({}, 0))

    def test_bytes(self) -> None:
        """A limit in bytes also applies, but one call may always be in progress."""
        client = Worker()
        client.MAX_ASKS_IN_PROGRESS = None  # type: ignore[assignment]
        client.MAX_UNSENT_BYTES = 100  # type: ignore[misc]
        transport = RecordingTransport().connect(client)
        for _ in range(3):
            client.callRemoteString(b"work", number=b"x" * 150)
        self.assertEqual(len(amp.parseString(transport.written)), 1)
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        self.assertEqual(len(amp.parseString(transport.written)), 2)

    def test_startTLS(self) -> None:
        """
        A call that changes the connection does not wait, and the waiting calls are sent first.
        """
        for number in range(3):
            self.client.callRemote(Work, number=number)
        self.client.callRemote(amp.StartTLS).addErrback(lambda failure: None)
        self.client.callRemote(Work, number=3).addErrback(lambda failure: None)
        commands = [box[b"_command"] for box in amp.parseString(self.transport.written)]
        self.assertEqual(commands, [b"Work", b"Work", b"Work", b"StartTLS"])

    def test_sizeOf(self) -> None:
        """C{sizeOf} returns the size of a box on the wire."""
        for box in (amp.Box(), amp.Box(a=b""), amp.Box(number=b"x" * 300, _ask=b"1")):
            self.assertEqual(sizeOf(box), len(box.serialize()))


class BothTests(SynchronousTestCase):
    """Two ends that call at full speed finish under any limits."""

    def test_flood(self) -> None:
        """Each call is answered, and no end has more calls in progress than allowed."""
        for bounds in ((1, None), (3, None), (None, 200), (4, 100)):
            ends: list[Any] = []
            results: list[Any] = []
            for _ in range(2):
                end = Worker()
                end.MAX_ASKS_IN_PROGRESS, end.MAX_UNSENT_BYTES = bounds  # type: ignore[assignment, misc]
                ends.append(end)
            connection = connectInMemory(*ends, size=7)
            for number in range(50):
                results += [end.callRemote(Work, number=number) for end in ends]
            for _ in range(100):
                connection.flush()
                for end in ends:
                    self.assertLessEqual(len(end.asked), bounds[0] or 50)
                    for number in list(end.asked)[::-1]:
                        end.answer(number)
            for index, result in enumerate(results):
                self.assertEqual(self.successResultOf(result), {"number": index // 2})

    def test_switch(self) -> None:
        """The protocol that takes over gets the transport itself."""
        client, server = Worker(), amp.AMP()
        client.MAX_UNSENT_BYTES = 100  # type: ignore[misc]
        transport = RecordingTransport().connect(client)
        self.assertIsNot(client.transport, transport)
        client._switchTo(server)
        self.assertIs(server.transport, transport)


class Slow(RecordingTransport):
    """A transport that sends its bytes when the test says so."""

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        super().registerProducer(producer, streaming)
        if not streaming:
            producer.resumeProducing()

    def send(self) -> None:
        """Send all bytes."""
        if self.producer is not None:
            self.producer.resumeProducing()

    def answered(self) -> list[bytes]:
        """The tags of the answers so far."""
        return [box[b"_answer"] for box in amp.parseString(self.written) if b"_answer" in box]


class Echo(amp.AMP):
    """Answers at once, with more than the limit of unsent bytes."""

    MAX_UNSENT_BYTES = 100

    def __init__(self) -> None:
        super().__init__()
        self.noticed: list[int] = []

    def locateResponder(self, name: bytes) -> Any:
        return {b"Work": self.work, b"Notice": self.notice}.get(name) or super().locateResponder(name)

    def work(self, box: amp.AmpBox) -> Any:
        return amp.Box(padding=b"x" * 200, number=box[b"number"])

    def notice(self, box: amp.AmpBox) -> Any:
        self.noticed.append(int(box[b"number"]))
        return amp.Box()


def notices(*numbers: int) -> bytes:
    """Return the bytes of calls without an answer."""
    return b"".join(amp.Box(_command=b"Notice", number=b"%d" % number).serialize() for number in numbers)


class UnsentTests(SynchronousTestCase):
    """A peer that does not read its answers is not read."""

    def setUp(self) -> None:
        self.echo = Echo()
        self.transport = Slow().connect(self.echo)

    def test_held(self) -> None:
        """It is read again when it has read them."""
        self.echo.dataReceived(asks(1, 2, 3))
        self.assertEqual((self.transport.answered(), self.transport.reading), ([b"1"], False))
        self.transport.send()
        self.assertEqual((self.transport.answered(), self.transport.reading), ([b"1", b"2"], False))
        self.transport.send()
        self.transport.send()
        self.assertEqual((self.transport.answered(), self.transport.reading), ([b"1", b"2", b"3"], True))

    def test_notices(self) -> None:
        """Calls without an answer are read nevertheless, unless they follow one that is held."""
        self.echo.dataReceived(asks(1))
        self.transport.send()
        self.echo.callRemote(Notice, number=1)
        self.echo.callRemoteString(b"Notice", False, number=b"1" * 200)
        self.echo.dataReceived(notices(1, 2))
        self.assertEqual((self.echo.noticed, self.transport.reading), ([1, 2], True))
        self.echo.dataReceived(asks(2) + notices(3))
        self.assertEqual((self.echo.noticed, self.transport.reading), ([1, 2], False))
        self.transport.send()
        self.transport.send()
        self.assertEqual((self.echo.noticed, self.transport.reading), ([1, 2, 3], True))

    def test_ownNotices(self) -> None:
        """
        Unsent bytes do not pause a peer that has not called yet: its bytes may be a handshake.
        """
        self.echo.callRemoteString(b"Notice", False, number=b"1" * 200)
        self.assertTrue(self.transport.reading)

    def test_room(self) -> None:
        """Calls of twice the limit's bytes are kept, and one call of any size."""
        self.patch(_overload, "ALWAYS_KEPT", 0)
        self.echo.callRemote(Work, number=9).addErrback(lambda failure: None)
        self.echo.dataReceived(asks(1))
        big = amp.Box(_command=b"Work", _ask=b"2", number=b"2", padding=b"x" * 1000).serialize()
        self.echo.dataReceived(big)
        self.assertTrue(self.transport.reading)
        self.echo.dataReceived(asks(3))
        self.assertFalse(self.transport.reading)

    def test_closedWhileHeld(self) -> None:
        """
        A connection that is closed while it is held is read again, since TLS needs the peer's
        close.
        """
        for close in ("loseConnection", "stopProducing"):
            echo = Echo()
            transport = Slow().connect(echo)
            echo.dataReceived(asks(1, 2, 3))
            getattr(echo.transport, close)()
            self.assertFalse(transport.reading)
            transport.send()
            self.assertEqual((transport.answered(), transport.reading), ([b"1"], True))
            echo.dataReceived(asks(4))
            self.assertEqual(transport.answered(), [b"1"])

    def test_closedWhilePaused(self) -> None:
        """It is not read if the application has paused it."""
        self.echo.dataReceived(asks(1, 2, 3))
        self.echo.pauseProducing()
        self.echo.transport.loseConnection()
        self.transport.send()
        self.assertFalse(self.transport.reading)

    def test_stopped(self) -> None:
        """A stopped receiver delivers nothing more."""
        self.echo.dataReceived(asks(1, 2, 3))
        self.echo.stopProducing()
        self.transport.send()
        self.assertEqual(self.transport.answered(), [b"1"])

    def test_lostWhileHeld(self) -> None:
        """After the connection is lost, held calls are not begun."""
        self.echo.dataReceived(asks(1, 2, 3))
        self.echo.connectionLost(Failure(ConnectionDone()))
        self.transport.send()
        self.assertEqual(self.transport.answered(), [b"1"])

    def test_wrongBehind(self) -> None:
        """An error in bytes that were held closes the connection, as usual."""
        self.echo.dataReceived(asks(1) + amp.Box(_answer=b"77").serialize())
        self.assertFalse(self.transport.disconnecting)
        self.transport.send()
        self.assertTrue(self.transport.disconnecting)
        self.assertEqual(len(self.flushLoggedErrors(amp.UnknownTagError)), 1)

    def test_failAll(self) -> None:
        """An application that fails its own calls still answers the peer's."""
        failing: Any = self.echo.callRemote(Work, number=9)
        self.echo.dataReceived(asks(1, 2))
        self.echo.failAllOutgoing(Failure(ZeroDivisionError()))
        self.failureResultOf(failing, ZeroDivisionError)
        self.transport.send()
        self.assertEqual(self.transport.answered(), [b"1", b"2"])


class KeptTests(SynchronousTestCase):
    """The application's pause applies to kept calls, too."""

    def test_kept(self) -> None:
        """Kept calls wait while the application pauses, and come before later ones."""
        worker = Worker()
        transport = RecordingTransport().connect(worker)
        worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        worker.dataReceived(asks(1, 2, 3))
        worker.pauseProducing()
        worker.answer(1)
        self.assertEqual(list(worker.asked), [2])
        worker.dataReceived(asks(4))
        worker.answer(2)
        worker.resumeProducing()
        self.assertEqual(list(worker.asked), [3, 4])
        self.assertEqual(transport.names().count("resumeProducing"), 1)


class OneTests(SynchronousTestCase):
    """A limit of 0 counts as 1."""

    def test_asks(self) -> None:
        """One call may be in progress in each direction."""
        worker = Worker()
        worker.MAX_ASKS_IN_PROGRESS = 0
        transport = RecordingTransport().connect(worker)
        worker.callRemote(Work, number=1).addErrback(lambda failure: None)
        worker.callRemote(Work, number=2).addErrback(lambda failure: None)
        self.assertEqual(len(amp.parseString(transport.written)), 1)
        worker.dataReceived(asks(1, 2))
        self.assertEqual(list(worker.asked), [1])
        worker.answer(1)
        self.assertEqual(list(worker.asked), [2])

    def test_bytes(self) -> None:
        """One call may be in progress, and one answer unsent."""
        echo = Echo()
        echo.MAX_UNSENT_BYTES = 0
        transport = Slow().connect(echo)
        for number in (1, 2):
            echo.callRemote(Work, number=number).addErrback(lambda failure: None)
        self.assertEqual(len(amp.parseString(transport.written)), 1)
        echo.dataReceived(asks(1, 2))
        for _ in range(4):
            transport.send()
        self.assertEqual(transport.answered(), [b"1", b"2"])


class Inner(Protocol):
    """Takes over the connection."""

    def __init__(self) -> None:
        self.received: list[bytes] = []

    def dataReceived(self, data: bytes) -> None:
        self.received.append(data)


class Switch(amp.ProtocolSwitchCommand):
    """A command that switches the protocol."""


class ChangingTests(SynchronousTestCase):
    """Switching the protocol, and starting TLS."""

    def test_switch(self) -> None:
        """The protocol that takes over is read, whatever calls are in progress."""
        inner = Inner()
        waiting: Deferred[Any] = Deferred()

        class Switching(Worker):
            @Switch.responder
            def switch(self) -> Any:
                return waiting

        worker = Switching()
        transport = Slow().connect(worker)
        worker.dataReceived(asks(1) + amp.Box(_command=b"Switch", _ask=b"2").serialize() + b"\0")
        self.assertFalse(transport.reading)
        waiting.callback(inner)
        self.assertTrue(transport.reading)
        self.assertIs(inner.transport, transport)
        worker.answer(1)
        worker.dataReceived(b"more")
        self.assertEqual(inner.received, [b"\0", b"more"])

    def test_askerOfSwitch(self) -> None:
        """The side that asked for a switch first begins all calls in front of the answer."""
        inner = Inner()

        class Factory:
            def buildProtocol(self, address: object) -> Any:
                return inner

        worker = Worker()
        worker.MAX_UNSENT_BYTES = 100  # type: ignore[misc]
        transport = Slow().connect(worker)
        worker.callRemote(Switch, Factory())
        worker.dataReceived(asks(1, 2, 3, 4) + notices(5))
        self.assertEqual(list(worker.asked), [1, 2])
        worker.dataReceived(amp.Box(_answer=b"1").serialize() + b"more")
        self.assertEqual((list(worker.asked), worker.noticed), ([1, 2, 3, 4], [5]))
        self.assertEqual((transport.reading, inner.received), (True, [b"more"]))

    def test_lineBeforeSwitch(self) -> None:
        """Waiting calls are sent before the answer that switches the protocol."""

        class Switching(Worker):
            @Switch.responder
            def switch(self) -> Any:
                return Inner()

        worker = Switching()
        transport = Slow().connect(worker)
        for number in range(4):
            worker.callRemote(Work, number=number).addErrback(lambda failure: None)
        worker.callRemote(Notice, number=4)
        worker.dataReceived(amp.Box(_command=b"Switch", _ask=b"1").serialize())
        boxes = amp.parseString(transport.written)
        self.assertEqual([box.get(b"number") for box in boxes], [b"0", b"1", b"2", b"3", b"4", None])
        self.assertEqual(boxes[-1], {b"_answer": b"1"})

    def test_switchOnResume(self) -> None:
        """A protocol that takes over while the application resumes gets no empty data."""
        inner = Inner()

        class Switching(Echo):
            @Switch.responder
            def switch(self) -> Any:
                return inner

        echo = Switching()
        transport = Slow().connect(echo)
        echo.callRemote(Work, number=9).addErrback(lambda failure: None)
        echo.dataReceived(asks(1) + amp.Box(_command=b"Switch", _ask=b"3").serialize())
        echo.pauseProducing()
        transport.send()
        self.assertIsNone(echo.innerProtocol)
        echo.resumeProducing()
        self.assertEqual((inner.received, inner.transport, transport.reading), ([], transport, True))
        self.assertFalse(echo.paused)

    def test_switchPaused(self) -> None:
        """If the application has paused, the connection stays paused."""
        worker = Worker()
        transport = Slow().connect(worker)
        worker.dataReceived(asks(1, 2))
        worker.pauseProducing()
        worker._switchTo(Inner())
        self.assertFalse(transport.reading)

    def test_locked(self) -> None:
        """A call after one that switches the protocol is refused at once."""
        worker = Worker()
        Slow().connect(worker)
        for number in (1, 2):
            worker.callRemote(Work, number=number).addErrback(lambda failure: None)
        worker.callRemote(Switch, None).addErrback(lambda failure: None)
        self.assertRaises(amp.ProtocolSwitched, worker.callRemote, Work, number=3)

    def test_change(self) -> None:
        """A call that changes the connection does not wait for calls in progress."""
        worker, transport = self.startTLS()
        self.assertTrue(transport.TLS and transport.reading)
        self.assertEqual(list(worker.asked), [1, 2])
        worker.answer(1)
        worker.answer(2)
        self.assertEqual(worker._ampOverload.inProgress, 0)

    def test_changeOnce(self) -> None:
        """Only the first such call is exempt.  After that, the limit applies again."""

        class Refusing(Worker):
            acceptsStartTLS = False

        worker = Refusing()
        RecordingTransport().connect(worker)
        worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        starting = amp.Box(_command=b"StartTLS", _ask=b"9").serialize()
        worker.dataReceived(asks(1, 2, 3) + starting)
        self.assertEqual(list(worker.asked), [1, 2, 3])
        worker.dataReceived(asks(4) + starting)
        worker.answer(1)
        self.assertEqual(list(worker.asked), [2, 3])
        worker.answer(2)
        self.assertEqual(list(worker.asked), [3, 4])

    def test_changeAndUnsent(self) -> None:
        """It waits until earlier bytes are sent.  Bytes after it go to the handshake."""
        echo = Echo()
        echo.MAX_ASKS_IN_PROGRESS = 1
        transport = Slow().connect(echo)
        echo.callRemote(Work, number=9).addErrback(lambda failure: None)
        echo.dataReceived(asks(1, 2) + amp.Box(_command=b"StartTLS", _ask=b"3").serialize() + asks(4))
        self.assertFalse(transport.TLS)
        transport.send()
        self.assertFalse(transport.TLS)
        transport.send()
        self.assertTrue(transport.TLS)
        self.assertEqual(transport.protocol.received, asks(4))

    def test_changeForgotten(self) -> None:
        """After the connection is lost, a kept change is dropped."""
        echo = Echo()
        echo.MAX_ASKS_IN_PROGRESS = 1
        Slow().connect(echo)
        echo.callRemote(Work, number=9).addErrback(lambda failure: None)
        echo.dataReceived(asks(1, 2) + amp.Box(_command=b"StartTLS", _ask=b"3").serialize())
        overload: Any = echo._ampOverload
        self.assertIsNotNone(overload.keptChange)
        echo.connectionLost(Failure(ConnectionDone()))
        self.assertIsNone(overload.keptChange)

    def startTLS(self, *behind: int, **options: Any) -> tuple[Any, Any]:
        """Receive StartTLS from a peer that has too many calls in progress."""
        worker = Worker()
        transport = Slow(**options).connect(worker)
        worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        worker.dataReceived(asks(1, 2) + amp.Box(_command=b"StartTLS", _ask=b"3").serialize() + asks(*behind))
        return worker, transport

    def test_plaintextBehind(self) -> None:
        """Bytes after StartTLS in plaintext go to the handshake, and are not calls."""
        worker, transport = self.startTLS(4, 5)
        worker.answer(1)
        worker.answer(2)
        self.assertEqual((list(worker.asked), transport.protocol.received), ([], asks(4, 5)))

    def test_heldForTLS(self) -> None:
        """A held connection is read when TLS starts, since the handshake needs it."""
        waiting: Deferred[Any] = Deferred()

        class Later(Worker):
            @amp.StartTLS.responder
            def startTLS(self) -> Any:
                return waiting

        later = Later()
        transport = Slow().connect(later)
        later.dataReceived(asks(1) + amp.Box(_command=b"StartTLS", _ask=b"2").serialize())
        self.assertFalse(transport.reading)
        waiting.callback({})
        self.assertTrue(transport.TLS and transport.reading)

    def test_asker(self) -> None:
        """The side that asked for TLS responds to earlier calls of the peer before TLS starts."""
        worker = Worker()
        transport = Slow().connect(worker)
        secured: list[bool] = []
        worker.callRemote(amp.StartTLS)
        worker.dataReceived(asks(1, 2, 3))
        self.assertEqual(list(worker.asked), [1, 2])
        transport.hooks["startTLS"] = lambda: secured.append(3 in worker.asked)
        worker.dataReceived(amp.Box(_answer=b"1").serialize())
        self.assertEqual((secured, worker._startingTLSBuffer), ([True], None))

    def test_askerIsNotHeld(self) -> None:
        """The side that asked for TLS reads everything in front of the answer."""
        self.patch(_overload, "ALWAYS_KEPT", 0)
        echo = Echo()
        transport = Slow().connect(echo)
        echo.callRemote(Work, number=1).addErrback(lambda failure: None)
        echo.dataReceived(asks(*range(10)))
        self.assertFalse(transport.reading)
        echo.callRemote(amp.StartTLS)
        self.assertTrue(transport.reading)
        echo.dataReceived(asks(*range(10, 20)))
        self.assertTrue(transport.reading)
        self.assertEqual(transport.answered(), [b"0"])
        echo.dataReceived(amp.Box(_answer=b"2").serialize())
        self.assertTrue(transport.TLS)
        self.assertEqual(transport.answered(), [b"%d" % each for each in range(20)])

    def test_askerLast(self) -> None:
        """Nothing is sent in plaintext after the call for TLS."""
        self.patch(_overload, "ALWAYS_KEPT", 0)
        echo = Echo()
        transport = Slow().connect(echo)
        for number in range(3):
            echo.callRemote(Work, number=number).addErrback(lambda failure: None)
        echo.dataReceived(asks(*range(10)))
        echo.callRemote(amp.StartTLS)
        boxes = amp.parseString(transport.written)
        self.assertEqual(boxes[-1][b"_command"], b"StartTLS")
        self.assertEqual([each[b"number"] for each in boxes if each.get(b"_command") == b"Work"], [b"0", b"1", b"2"])

    def withheld(self, count: int, **bounds: Any) -> Any:
        """Receive calls whose answers wait for TLS."""
        echo = Echo()
        for name, value in bounds.items():
            setattr(echo, name, value)
        transport = Slow().connect(echo)
        self.starting: Any = echo.callRemote(amp.StartTLS)
        self.starting.addErrback(lambda failure: setattr(self, "failure", failure.type))
        echo.dataReceived(asks(*range(count)))
        return echo, transport

    def test_tooManyAnswers(self) -> None:
        """A peer whose answers wait for TLS and take too much memory is aborted."""
        echo, transport = self.withheld(20, MAX_BOX_LENGTH=10_000)
        self.assertTrue(transport.aborted)
        self.assertEqual((echo._startingTLSBuffer, transport.answered()), (None, []))
        echo.connectionLost(Failure(ConnectionDone()))
        self.assertIs(self.failure, amp.TooManyAnswersError)

    def test_manyAnswers(self) -> None:
        """
        The answers may take the size of a box, 16 MiB if that is not limited, or twice the limit.
        """
        for bounds in (
            {"MAX_BOX_LENGTH": 20_000},
            {"MAX_BOX_LENGTH": None},
            {"MAX_BOX_LENGTH": 100, "MAX_UNSENT_BYTES": 10_000},
            {"MAX_BOX_LENGTH": 1000, "MAX_UNSENT_BYTES": None, "MAX_ASKS_IN_PROGRESS": 5},
        ):
            echo, transport = self.withheld(20, **bounds)
            self.assertFalse(transport.aborted)
            echo.dataReceived(amp.Box(_answer=b"1").serialize())
            self.assertEqual((len(transport.answered()), echo._ampOverload.withheldSize), (20, 0))

    def test_ownCalls(self) -> None:
        """Our own calls that wait for TLS do not count as answers."""
        echo, transport = self.withheld(0, MAX_BOX_LENGTH=1000)
        for number in range(100):
            echo.callRemote(Notice, number=number)
        self.assertFalse(transport.aborted)

    def test_tooManyKept(self) -> None:
        """The limit also applies to kept calls that are begun when TLS is about to start."""
        waiting: Deferred[Any] = Deferred()

        class One(Echo):
            MAX_ASKS_IN_PROGRESS = 1
            MAX_BOX_LENGTH = 4000
            first = True

            def work(self, box: amp.AmpBox) -> Any:
                self.first, isFirst = False, self.first
                return waiting if isFirst else super().work(box)

        one = One()
        transport = Slow().connect(one)
        failures: list[Any] = []
        one.callRemote(amp.StartTLS).addErrback(failures.append)
        one.dataReceived(asks(*range(10)) + amp.Box(_answer=b"1").serialize())
        self.assertEqual([each.type for each in failures], [amp.TooManyAnswersError])
        self.assertTrue(transport.aborted)
        self.assertFalse(transport.TLS)

    def test_refused(self) -> None:
        """The count ends if the peer refuses TLS and the connection goes on."""
        echo, transport = self.withheld(5, plaintextAfterRefusedTLS=True)
        echo.dataReceived(amp.Box(_error=b"1", _error_code=b"X", _error_description=b"").serialize())
        self.assertEqual((len(transport.answered()), echo._ampOverload.withheldSize), (5, 0))

    def test_askerWithoutBounds(self) -> None:
        """Without limits, nothing is kept."""
        client = amp.AMP()
        transport = Slow().connect(client)
        client.callRemote(amp.StartTLS)
        client.dataReceived(amp.Box(_answer=b"1").serialize())
        self.assertTrue(transport.TLS)


class CompositionTests(SynchronousTestCase):
    """The connection and the dispatcher may be two objects."""

    def test_bounded(self) -> None:
        """Each object's own limits apply."""

        class Connection(amp.BinaryBoxProtocol):
            MAX_UNSENT_BYTES = 100

        dispatcher = amp.BoxDispatcher(Echo())
        dispatcher.MAX_ASKS_IN_PROGRESS = 5  # type: ignore[misc]
        connection = Connection(dispatcher)
        transport = Slow().connect(connection)
        connection.dataReceived(asks(1, 2, 3))
        self.assertEqual(transport.answered(), [b"1"])
        connection.connectionLost(Failure(ConnectionDone()))
        transport.send()
        self.assertEqual(transport.answered(), [b"1"])

    def test_receiver(self) -> None:
        """A receiver of boxes that does not know limits works without them."""
        helper = amp._ParserHelper()  # type: ignore[attr-defined]
        echo = Echo()
        echo.boxReceiver = helper
        transport = Slow().connect(echo)
        echo.dataReceived(asks(1))
        echo.sendBox(amp.Box(padding=b"x" * 200))
        transport.send()
        self.assertEqual((len(helper.boxes), transport.producer), (1, None))


class StreamTests(SynchronousTestCase):
    """Responders that wait for streams of the peer do not wait for ever."""

    def join(self, most: int) -> None:
        self.client, self.server = Peer(), Peer()
        self.server.MAX_ASKS_IN_PROGRESS = most
        self.connection = connectPeers(self.client, self.server)

    def test_readOn(self) -> None:
        """A full side reads on while it receives a stream, and keeps the calls in between."""
        self.join(1)
        pipe = amp.StreamPipe()
        uploading = self.client.callRemote(Upload, how="", data=pipe)
        adding = [self.client.callRemote(Add, a=index) for index in range(5)]
        self.connection.flush()
        pipe.write(b"x" * 100_000)
        pipe.end()
        self.connection.flush()
        self.assertEqual(self.successResultOf(uploading), {"size": 100_000})
        self.assertEqual([self.successResultOf(each)["total"] for each in adding], [1, 2, 3, 4, 5])

    def test_tooMuch(self) -> None:
        """If there is no room for more calls, the streams are stopped, and the calls continue."""
        self.join(1)
        self.successResultOf(self.flushed(self.client.callRemote(Add, a=0)))
        pipe = amp.StreamPipe()
        uploading = outcome(self.client.callRemote(Upload, how="", data=pipe))
        self.connection.flush()
        notice = amp.Box(_command=b"Add", a=b"1", padding=b"x" * 300)
        self.client.transport.write(notice.serialize() * 5000)
        self.connection.flush()
        error = self.failureResultOf(pipe.whenFinished(), amp.StreamStoppedError).value
        self.assertEqual(error.code, b"OVERLOADED")
        self.failureResultOf(uploading, amp.UnknownRemoteError)
        self.assertEqual(self.server.added, 5001)

    def flushed(self, result: Any) -> Any:
        self.connection.flush()
        return result
