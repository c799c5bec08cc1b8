"""Tests for L{twisted_basic_ng.amp._overload}: bounds on what is under way, in both directions."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, connectInMemory
from twisted_basic_ng import amp
from twisted_basic_ng.amp._overload import sizeOf


class Work(amp.Command):
    """Takes its time."""

    arguments = [(b"number", amp.Integer())]
    response = [(b"number", amp.Integer())]


class Notice(amp.Command):
    """Wants no answer."""

    arguments = [(b"number", amp.Integer())]
    requiresAnswer = False


class Worker(amp.AMP):
    """Keeps each call until it is told to answer it."""

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
    """Calls of a peer's."""
    return b"".join(
        amp.Box(_command=b"Work", _ask=b"%d" % number, number=b"%d" % number).serialize() for number in numbers
    )


class AskedTests(SynchronousTestCase):
    """No more calls of a peer are in progress than may be."""

    def setUp(self) -> None:
        self.worker = Worker()
        self.transport = RecordingTransport().connect(self.worker)

    def answered(self) -> list[bytes]:
        """The tags of the answers that were sent, in their order."""
        boxes, self.transport.events[:] = amp.parseString(self.transport.written), []
        return [box[b"_answer"] for box in boxes if b"_answer" in box]

    def test_held(self) -> None:
        """The others are not read, and are read when one is answered, in their order."""
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
        """Without the bound they all are."""
        worker = Worker()
        worker.MAX_ASKS_IN_PROGRESS = None  # type: ignore[assignment]
        RecordingTransport().connect(worker)
        worker.dataReceived(asks(*range(100)))
        self.assertEqual(list(worker.asked), [*range(100)])

    def test_pausedByApplication(self) -> None:
        """What the application has paused stays so, and the other way round."""
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
        """Where a call of our own waits for its answer, reading goes on; the peer's further calls are kept."""
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
        """But no more of them than a peer sends that keeps to the same bound."""
        self.worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        self.worker.dataReceived(asks(*range(20)))
        overload: Any = self.worker._overload
        self.assertEqual((len(self.worker.asked), len(overload.kept)), (2, 5))
        self.assertTrue(self.worker.paused)
        for number in range(20):
            self.worker.answer(number)
        self.assertEqual((overload.keptSize, self.worker.paused), (0, False))

    def test_callWhileHeld(self) -> None:
        """A call that is made while nothing is read is answered."""
        self.worker.dataReceived(asks(1, 2) + amp.Box(_answer=b"1", number=b"9").serialize())
        self.assertTrue(self.worker.paused)
        result: Any = self.worker.callRemote(Work, number=9)
        self.assertEqual(self.successResultOf(result), {"number": 9})

    def test_lost(self) -> None:
        """When the connection is gone, what was kept is not begun."""
        self.worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        self.worker.dataReceived(asks(1, 2, 3))
        self.worker.connectionLost(Failure(ConnectionDone()))
        self.worker.answer(1)
        self.assertEqual(list(self.worker.asked), [2])

    def test_left(self) -> None:
        """Nor when the peer was left."""
        self.worker.callRemote(Work, number=9).addErrback(lambda failure: None)
        self.worker.dataReceived(asks(1, 2, 3))
        self.worker._leavePeer()
        self.worker.answer(1)
        self.assertEqual(list(self.worker.asked), [2])

    def test_raises(self) -> None:
        """A call that was kept and that cannot be dispatched is an error like any other."""

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

    def test_otherSender(self) -> None:
        """Where the sender of boxes cannot stop reading, there is no bound."""
        dispatcher = amp.BoxDispatcher(None)
        dispatcher.MAX_ASKS_IN_PROGRESS = 1  # type: ignore[misc]
        dispatcher.startReceivingBoxes(object())  # type: ignore[arg-type]
        self.assertIsNone(dispatcher._overload)


class PausedTests(SynchronousTestCase):
    """What the application has paused is not paused again, and nothing is relieved where nothing is bounded."""

    def test_held(self) -> None:
        """Holding a peer that is not read from anyway changes nothing for the transport."""
        worker = Worker()
        transport = RecordingTransport().connect(worker)
        worker.pauseProducing()
        worker._holdPeer()
        worker._letPeerGo()
        self.assertEqual((worker.paused, transport.names()), (True, ["pauseProducing"]))

    def test_unbounded(self) -> None:
        """A receiver of boxes of one's own may do without."""

        class Plain(amp.BinaryBoxProtocol):
            MAX_UNSENT_BYTES = 1

        class Boxes:
            def startReceivingBoxes(self, sender: object) -> None:
                pass

        protocol = Plain(Boxes())
        RecordingTransport().connect(protocol)
        protocol._relieve()
        self.assertIsNone(protocol._overload)


class AskingTests(SynchronousTestCase):
    """No more calls of our own are under way than may be."""

    def setUp(self) -> None:
        self.client = Worker()
        self.transport = RecordingTransport().connect(self.client)

    def sent(self) -> list[bytes]:
        """The numbers of the calls that were sent."""
        return [box[b"number"] for box in amp.parseString(self.transport.written)]

    def receive(self, tag: int, **kw: bytes) -> None:
        """Have a call answered."""
        self.client.dataReceived(amp.Box(_answer=b"%d" % tag, number=b"0", **kw).serialize())

    def test_line(self) -> None:
        """The others wait in line, and go when one is answered."""
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
        """An error is an answer, too."""
        self.client.callRemote(Work, number=0).addErrback(lambda failure: None)
        for number in (1, 2):
            self.client.callRemote(Work, number=number)
        self.client.dataReceived(amp.Box(_error=b"1", _error_code=b"X", _error_description=b"").serialize())
        self.assertEqual(self.sent(), [b"0", b"1", b"2"])

    def test_cancelled(self) -> None:
        """A call that is cancelled in line is not sent; one that was sent counts until its late answer comes."""
        results: list[Any] = [self.client.callRemote(Work, number=number) for number in range(4)]
        results[2].cancel()
        self.failureResultOf(results[2], CancelledError)
        results[0].cancel()
        self.failureResultOf(results[0], CancelledError)
        self.assertEqual(self.sent(), [b"0", b"1"])
        self.receive(1)
        self.assertEqual(self.sent(), [b"0", b"1", b"3"])
        self.assertIsNone(self.client._cancelledRequests)

    def test_lost(self) -> None:
        """What waits in line fails with the connection."""
        results: list[Any] = [self.client.callRemote(Work, number=number) for number in range(4)]
        self.client.connectionLost(Failure(ConnectionDone()))
        for each in results:
            self.failureResultOf(each, ConnectionDone)

    def test_unsendable(self) -> None:
        """One that cannot be sent when its turn comes fails, and the next goes."""
        for number in (0, 1):
            self.client.callRemote(Work, number=number)
        failing: Any = self.client.callRemoteString(b"work", number=b"x" * 70000)
        errors: list[Any] = []
        failing.addErrback(lambda failure: errors.append(failure.type))
        self.client.callRemoteString(b"notice", False, number=b"x" * 70000)
        self.client.callRemote(Work, number=2)
        self.receive(1)
        self.assertEqual((errors, self.sent()), ([amp.TooLong], [b"0", b"1", b"2"]))
        self.assertEqual(len(self.flushLoggedErrors(amp.TooLong)), 1)

    def test_unsendableAtOnce(self) -> None:
        """One that cannot be sent now is under way no more."""
        self.assertRaises(amp.TooLong, self.client.callRemoteString, b"work", number=b"x" * 70000)
        overload: Any = self.client._overload
        self.assertEqual((overload.underWay, overload.underWaySize), ({}, 0))

    def test_bytes(self) -> None:
        """A bound in bytes bounds them, too; one call may always be under way."""
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
        """What changes the connection waits for nothing; what waits goes first."""
        for number in range(3):
            self.client.callRemote(Work, number=number)
        self.client.callRemote(amp.StartTLS).addErrback(lambda failure: None)
        self.client.callRemote(Work, number=3).addErrback(lambda failure: None)
        commands = [box[b"_command"] for box in amp.parseString(self.transport.written)]
        self.assertEqual(commands, [b"Work", b"Work", b"Work", b"StartTLS"])

    def test_sizeOf(self) -> None:
        """The size of a box is what it takes on the wire."""
        for box in (amp.Box(), amp.Box(a=b""), amp.Box(number=b"x" * 300, _ask=b"1")):
            self.assertEqual(sizeOf(box), len(box.serialize()))


class BothTests(SynchronousTestCase):
    """Two ends that ask at full speed come to an end, whatever the bounds."""

    def test_flood(self) -> None:
        """Each call is answered, and none has more under way than it may."""
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
        """The protocol that takes over has the transport itself."""
        client, server = Worker(), amp.AMP()
        client.MAX_UNSENT_BYTES = 100  # type: ignore[misc]
        transport = RecordingTransport().connect(client)
        self.assertIsNot(client.transport, transport)
        client._switchTo(server)
        self.assertIs(server.transport, transport)
