"""Tests for L{twisted_basic_ng.amp._deadlines}."""

from __future__ import annotations

import gc
import pickle
import weakref
from math import inf, nan
from typing import Any

from twisted.internet import error, reactor
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.protocol import ClientFactory
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp
from twisted_basic_ng.amp._deadlines import clockOf
from twisted_basic_ng.amp._tlssupport import ssl

from .conversations import Sender


class Wait(amp.Command):
    """A command whose responder waits."""

    response = [(b"number", amp.Integer())]
    errors = {ZeroDivisionError: b"ZERO"}


class Declaring(amp.Command):
    """A command that declares an error with the code of deadlines."""

    errors = {LookupError: b"DEADLINE"}


class Tell(amp.Command):
    """A command without an answer."""

    requiresAnswer = False


class Case(SynchronousTestCase):
    """A dispatcher that uses the test's clock."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.sender = Sender()
        self.dispatcher = self.connected(amp.BoxDispatcher(self))

    def connected(self, dispatcher: Any) -> Any:
        dispatcher._ampClock = self.clock
        dispatcher.startReceivingBoxes(self.sender)
        return dispatcher

    def errorsOf(self, call: Any) -> list[Any]:
        """Return a list that will hold the result of a call."""
        errors: list[Any] = []
        call.addCallbacks(errors.append, lambda failure: errors.append(failure.value))
        return errors

    def receive(self, **kw: bytes) -> None:
        self.dispatcher.ampBoxReceived(amp.AmpBox(kw))

    def answered(self) -> None:
        """Assert that nothing is kept of any call."""
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.dispatcher._outstandingRequests or {}, {})
        self.assertEqual(self.dispatcher._ampResponding or {}, {})


class CallTests(Case):
    """A call fails when its deadline passes."""

    def test_wire(self) -> None:
        """The box has the time in milliseconds, rounded up."""
        self.errorsOf(self.dispatcher.callRemoteWithin(1.5001, Wait))
        self.assertEqual(self.sender.boxes, [{b"_ask": b"1", b"_command": b"Wait", b"_timeout": b"1501"}])

    def test_answered(self) -> None:
        """An answer or a declared error in time is delivered."""
        first = self.errorsOf(self.dispatcher.callRemoteWithin(1, Wait))
        second = self.errorsOf(self.dispatcher.callRemoteWithin(1, Wait))
        self.receive(_answer=b"1", number=b"5")
        self.receive(_error=b"2", _error_code=b"ZERO", _error_description=b"")
        self.assertEqual(first, [{"number": 5}])
        self.assertIsInstance(second[0], ZeroDivisionError)
        self.answered()

    def test_late(self) -> None:
        """The error names the command, the peer and the time, and a late answer is dropped."""
        errors = self.errorsOf(self.dispatcher.callRemoteWithin(2, Wait))
        self.clock.advance(1.9)
        self.assertEqual(errors, [])
        self.clock.advance(0.1)
        (late,) = errors
        self.assertIsInstance(late, amp.DeadlineError)
        self.assertIsInstance(late, error.TimeoutError)
        self.assertIsInstance(late, amp.AmpError)
        self.assertEqual((late.command, late.peer, late.seconds), (b"Wait", "an unknown peer", 2))
        self.assertEqual(str(late), "an unknown peer did not answer Wait within 2 seconds")
        self.assertEqual(pickle.loads(pickle.dumps(late)).seconds, 2)
        self.answered()
        self.receive(_answer=b"1", number=b"5")
        self.assertIsNone(self.dispatcher._ampCancelledRequests)
        self.assertRaises(amp.UnknownTagError, self.receive, _answer=b"1", number=b"5")

    def test_peerIsFirst(self) -> None:
        """The peer may be the first to report that the deadline has passed."""
        errors = self.errorsOf(self.dispatcher.callRemoteWithin(2, Wait))
        self.receive(_error=b"1", _error_code=b"DEADLINE", _error_description=b"")
        self.assertIsInstance(errors[0], amp.DeadlineError)
        self.answered()

    def test_ownCode(self) -> None:
        """
        A command may declare an error of its own with that code.  For a call without a deadline,
        the code is unknown.
        """
        errors = self.errorsOf(self.dispatcher.callRemoteWithin(2, Declaring))
        errors += self.errorsOf(self.dispatcher.callRemote(Wait))
        self.receive(_error=b"1", _error_code=b"DEADLINE", _error_description=b"")
        unknown = self.errorsOf(self.dispatcher.callRemote(Wait))
        self.receive(_error=b"3", _error_code=b"DEADLINE", _error_description=b"")
        self.assertEqual([type(each) for each in errors + unknown], [LookupError, amp.UnknownRemoteError])

    def test_cancelled(self) -> None:
        """A call that its caller cancels fails with C{CancelledError}."""
        call = self.dispatcher.callRemoteWithin(2, Wait)
        errors = self.errorsOf(call)
        call.cancel()
        self.assertIsInstance(errors[0], CancelledError)
        self.answered()

    def test_lost(self) -> None:
        """A call whose connection is lost fails with the reason, and so does a later call."""
        errors = self.errorsOf(self.dispatcher.callRemoteWithin(2, Wait))
        self.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        errors += self.errorsOf(self.dispatcher.callRemoteWithin(2, Wait))
        self.assertEqual([type(each) for each in errors], [ConnectionDone] * 2)
        self.answered()

    def test_passed(self) -> None:
        """With no time left, nothing is sent."""
        errors = []
        for seconds in (0, -1, -inf):
            errors += self.errorsOf(self.dispatcher.callRemoteWithin(seconds, Wait))
            self.assertIsNone(self.dispatcher.callRemoteWithin(seconds, Tell))
        self.assertEqual([type(each) for each in errors], [amp.DeadlineError] * 3)
        self.assertEqual(self.sender.boxes, [])
        self.answered()

    def test_numbers(self) -> None:
        """A value that is not a number raises an error, and infinity means no deadline."""
        for wrong in (True, "1", None, b"1"):
            self.assertRaises(TypeError, self.dispatcher.callRemoteWithin, wrong, Wait)
        self.assertRaises(ValueError, self.dispatcher.callRemoteWithin, nan, Wait)
        self.errorsOf(self.dispatcher.callRemoteWithin(inf, Wait))
        self.assertEqual([b"_timeout" in each for each in self.sender.boxes], [False])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_long(self) -> None:
        """A deadline may be a year away or more; the reactor waits for one day at a time."""
        errors = self.errorsOf(self.dispatcher.callRemoteWithin(365 * 86400, Wait))
        for _ in range(364):
            self.clock.advance(86400)
        self.assertEqual(errors, [])
        self.clock.advance(86400)
        self.assertIsInstance(errors[0], amp.DeadlineError)
        self.errorsOf(self.dispatcher.callRemoteWithin(10**400, Wait))
        self.assertEqual([each[b"_timeout"] for each in self.sender.boxes], [b"31536000000", b"9" * 15])

    def test_signature(self) -> None:
        """Wrong arguments raise the usual error."""
        self.assertRaises(amp.InvalidSignature, self.dispatcher.callRemoteWithin, 1, Wait, unknown=1)
        self.answered()

    def test_initializer(self) -> None:
        """A command that cannot be constructed fails as usual."""

        class Bad(amp.Command):
            arguments = [(b"a", amp.Integer())]

        self.assertIsInstance(self.errorsOf(self.dispatcher.callRemoteWithin(1, Bad))[0], amp.InvalidSignature)

    def test_oneWay(self) -> None:
        """A call without an answer sends its time to the peer, and nothing is kept."""
        self.assertIsNone(self.dispatcher.callRemoteWithin(1, Tell))
        self.assertEqual(self.sender.boxes, [{b"_command": b"Tell", b"_timeout": b"1000"}])
        self.answered()

    def test_ownBoxes(self) -> None:
        """A command's own box class is kept, and an object that is not a command can be called."""

        class Own(amp.AmpBox):
            pass

        class Boxed(Wait):
            commandType = Own

        class NoCommand:
            __slots__ = ()

            def _doCommand(self, proto: Any) -> Any:
                return answer

        answer: Deferred[Any] = Deferred()
        self.errorsOf(self.dispatcher.callRemoteWithin(1, Boxed))
        self.assertIs(type(self.sender.boxes[0]), Own)
        self.assertEqual(self.sender.boxes[0][b"_timeout"], b"1000")
        errors = self.errorsOf(self.dispatcher.callRemoteWithin(1, NoCommand))
        self.clock.advance(1)
        self.assertIsInstance(errors[0], amp.DeadlineError)

    def test_reactor(self) -> None:
        """The default clock is the reactor."""
        self.assertIs(clockOf(amp.BoxDispatcher(None)), reactor)


class WaitingTests(Case):
    """A call may have to wait before it is sent."""

    def test_line(self) -> None:
        """
        The time passes while a call waits in line.  It is sent with the time that is left, or not
        at all.
        """
        proto = amp.AMP()
        proto.MAX_ASKS_IN_PROGRESS = 1
        proto._ampClock = self.clock
        transport = RecordingTransport()
        proto.makeConnection(transport)
        first = proto.callRemote(Wait)
        self.errorsOf(first)
        late = self.errorsOf(proto.callRemoteWithin(1, Wait))
        second = self.errorsOf(proto.callRemoteWithin(5, Wait))
        self.clock.advance(2)
        self.assertIsInstance(late[0], amp.DeadlineError)
        proto.dataReceived(amp.AmpBox(_answer=b"1", number=b"1").serialize())
        boxes = amp.parseString(b"".join(each[1] for each in transport.events if each[0] == "write"))
        self.assertEqual([(each[b"_ask"], each.get(b"_timeout")) for each in boxes], [(b"1", None), (b"3", b"3000")])
        self.assertEqual(second, [])
        self.assertIsNone(proto._ampCancelledRequests)

    def test_tls(self) -> None:
        """A call that waits for TLS is sent with the time that is left."""
        proto = amp.AMP()
        proto._ampClock = self.clock
        transport = RecordingTransport()
        proto.makeConnection(transport)
        proto._startingTLSBuffer = []
        proto._ampDetour = True
        errors = self.errorsOf(proto.callRemoteWithin(1, Wait))
        self.errorsOf(proto.callRemoteWithin(3, Wait))
        self.clock.advance(1)
        self.assertIsInstance(errors[0], amp.DeadlineError)
        proto._ampSendKeptBack()
        boxes = amp.parseString(b"".join(each[1] for each in transport.events if each[0] == "write"))
        self.assertEqual([each[b"_timeout"] for each in boxes], [b"0", b"2000"])


class ChangingTests(Case):
    """
    If the deadline of a call that changes the connection passes, the connection is closed, since
    the peer may change it nevertheless.
    """

    def late(self, *args: Any) -> RecordingTransport:
        """Make such a call, and let its deadline pass."""
        proto, transport = amp.AMP(), RecordingTransport()
        proto._ampClock = self.clock
        transport.connect(proto)
        errors = self.errorsOf(proto.callRemoteWithin(1, *args))
        self.assertEqual(amp.parseString(transport.written)[0][b"_timeout"], b"1000")
        self.assertFalse(transport.disconnecting)
        self.clock.advance(1)
        self.assertEqual([type(each) for each in errors], [amp.DeadlineError])
        return transport

    def test_switch(self) -> None:
        """The connection is closed for a protocol switch, and the factory is told."""
        told: list[Any] = []

        class Switch(amp.ProtocolSwitchCommand):
            pass

        factory = ClientFactory()
        factory.clientConnectionFailed = lambda connector, reason: told.append(reason)  # type: ignore[method-assign]
        self.assertTrue(self.late(Switch, factory).disconnecting)
        self.assertEqual(len(told), 1)

    def test_tls(self) -> None:
        """The connection is closed for TLS."""
        if ssl is None:
            raise SkipTest("pyOpenSSL is not installed")
        self.assertTrue(self.late(amp.StartTLS).disconnecting)


class RespondingCase(Case):
    """A dispatcher that responds with the test's responses."""

    def setUp(self) -> None:
        super().setUp()
        self.dispatcher.extended = True
        self.responses: list[Any] = []
        self.calls: list[Any] = []

    def locateResponder(self, name: bytes) -> Any:
        return self.respond

    def respond(self, box: Any) -> Any:
        self.calls.append(amp.currentCall())
        response = self.responses.pop(0)
        return response(box) if callable(response) else response

    def ask(self, response: Any, timeout: bytes | None = b"1000", **kw: bytes) -> Any:
        """Answer a call with C{response}."""
        self.responses.append(response)
        if timeout is not None:
            kw["_timeout"] = timeout
        self.receive(_command=b"Wait", **kw)
        return response

    def codes(self) -> list[bytes | None]:
        """The error codes of all answers."""
        return [each.get(b"_error_code") for each in self.sender.boxes]


class RespondTests(RespondingCase):
    """A responder is cancelled at the peer's deadline."""

    def test_cancelled(self) -> None:
        """Its C{Deferred} is cancelled."""
        waiting = Deferred[Any]()
        reasons: list[Any] = []
        waiting.addErrback(lambda failure: reasons.append(failure.type) or failure)
        self.ask(waiting, _ask=b"7")
        self.assertEqual(self.calls[0].deadline, 1)
        self.clock.advance(0.4)
        self.assertAlmostEqual(self.calls[0].deadline, 0.6)
        self.clock.advance(0.6)
        self.assertEqual(reasons, [CancelledError])
        self.answered()

    def test_answer(self) -> None:
        """The answer has the code of deadlines, and the connection stays open."""
        self.ask(Deferred[Any](), _ask=b"7")
        self.clock.advance(1)
        (box,) = self.sender.boxes
        self.assertEqual(box[b"_error_code"], b"DEADLINE")
        self.assertEqual(box[b"_error_description"], b"Wait was not responded to within 1 seconds")
        self.assertEqual(self.sender.left, 0)
        self.answered()

    def test_coroutine(self) -> None:
        """A coroutine is cancelled where it waits, and may still answer."""

        async def respond(box: Any) -> Any:
            try:
                await Deferred()
            except CancelledError:
                return amp.AmpBox(cleaned=b"up")

        self.ask(respond, _ask=b"7")
        self.clock.advance(1)
        self.assertEqual(self.sender.boxes, [{b"_answer": b"7", b"cleaned": b"up"}])
        self.assertIsNone(self.calls[0].deadline)
        self.answered()

    def test_inTime(self) -> None:
        """A responder that answers in time is not cancelled, whatever its answer."""
        self.ask(amp.AmpBox(), _ask=b"1")
        self.ask(Deferred[Any](), _ask=b"2").callback(amp.AmpBox())
        self.ask(Deferred[Any](), _ask=b"3").errback(amp.RemoteAmpError(b"ZERO", "why"))
        self.dispatcher.unknownErrorsAreFatal = False
        self.ask(Deferred[Any](), _ask=b"4").errback(LookupError())
        self.assertEqual(self.codes(), [None, None, b"ZERO", b"UNKNOWN"])
        self.assertEqual([each.deadline for each in self.calls], [None] * 4)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        self.answered()

    def test_raising(self) -> None:
        """A responder that raises at once leaves no timer."""

        class Located(amp.CommandLocator):
            @Wait.responder
            def wait(self) -> Any:
                raise ZeroDivisionError

        self.dispatcher.locator = Located()
        self.receive(_command=b"Wait", _ask=b"1", _timeout=b"1000")
        self.assertEqual(self.codes(), [b"ZERO"])
        self.answered()

    def test_otherErrors(self) -> None:
        """
        A responder that turns the cancellation into another error does not end the connection.
        """

        def fail(deferred: Any) -> None:
            deferred.errback(LookupError())

        self.ask(Deferred[Any](fail), _ask=b"7")
        self.clock.advance(1)
        self.assertEqual(self.codes(), [b"DEADLINE"])
        self.assertEqual(self.sender.left, 0)

    def test_declared(self) -> None:
        """An error that the responder declares is its answer."""

        def fail(deferred: Any) -> None:
            deferred.errback(amp.RemoteAmpError(b"ZERO", "why"))

        self.ask(Deferred[Any](fail), _ask=b"7")
        self.clock.advance(1)
        self.assertEqual(self.codes(), [b"ZERO"])

    def test_raisingCanceller(self) -> None:
        """A canceller that raises is logged, and a later answer is sent."""

        def explode(deferred: Any) -> None:
            raise LookupError

        waiting = self.ask(Deferred[Any](explode), _ask=b"7")
        self.clock.advance(1)
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        waiting.callback(amp.AmpBox())
        self.assertEqual(self.sender.boxes, [{b"_answer": b"7"}])
        self.answered()

    def test_oneWay(self) -> None:
        """A call without an answer is cancelled.  Nothing is sent, and no error is reported."""
        reasons = self.errorsOf(self.ask(Deferred[Any]()))
        self.ask(Deferred[Any]())
        self.clock.advance(1)
        self.ask(Deferred[Any](), timeout=b"0")
        self.assertEqual(len(reasons), 1)
        self.assertEqual((self.sender.boxes, self.sender.unhandled), ([], []))
        self.answered()

    def test_passed(self) -> None:
        """With no time left, the responder is not called."""
        self.ask(Deferred[Any](), timeout=b"0", _ask=b"7")
        self.assertEqual((self.codes(), self.calls), ([b"DEADLINE"], []))

    def test_hostile(self) -> None:
        """A malformed number of milliseconds is ignored."""
        for value in (b"", b"-5", b"1.5", b"nan", b"\xff", b" 1", b"+1", "\u0661".encode(), b"1" * 16, b"9" * 10_000):
            self.ask(Deferred[Any](), timeout=value, _ask=b"7")
        self.ask(Deferred[Any](), timeout=None, _ask=b"7")
        self.clock.advance(2)
        self.assertEqual([each.deadline for each in self.calls], [None] * 11)
        self.assertEqual(self.sender.boxes, [])
        self.ask(Deferred[Any](), timeout=b"9" * 15, _ask=b"7")
        self.assertEqual(self.calls[-1].deadline, 999999999999.999)

    def test_off(self) -> None:
        """A dispatcher that is not extended cancels nothing."""
        self.dispatcher.extended = False
        self.ask(Deferred[Any](), timeout=b"0", _ask=b"7")
        self.ask(Deferred[Any](), _ask=b"7")
        self.clock.advance(2)
        self.assertEqual((self.sender.boxes, [each.deadline for each in self.calls]), ([], [None] * 2))

    def test_lost(self) -> None:
        """When the connection is lost first, the responder continues, and no timer is left."""
        waiting = weakref.ref(self.ask(Deferred[Any](), _ask=b"7"))
        self.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        self.answered()
        gc.collect()
        self.assertIsNone(waiting())

    def test_answeredBehind(self) -> None:
        """The responder may still answer, without effect."""
        waiting = self.ask(Deferred[Any](), _ask=b"7")
        self.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        self.sender.error = error.ConnectionLost()
        waiting.callback(amp.AmpBox())
        self.answered()

    def test_lostInResponder(self) -> None:
        """The responder itself may end the connection."""

        def respond(box: Any) -> Any:
            self.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
            return Deferred()

        self.ask(respond, _ask=b"7")
        self.answered()

    def test_kept(self) -> None:
        """The time begins when the call arrives, even if it has to wait for its responder."""

        class Server(amp.AMP):
            extended = True
            MAX_ASKS_IN_PROGRESS = 1
            _ampClock = self.clock

            def locateResponder(self, name: bytes) -> Any:
                return lambda box: waiting.append(Deferred()) or waiting[-1]

        waiting: list[Any] = []
        proto, transport = Server(), RecordingTransport()
        proto.makeConnection(transport)
        proto.callRemote(Wait).addErrback(lambda failure: None)
        for tag, timeout in (b"1", b"9000"), (b"2", b"1000"), (b"3", b"5000"):
            proto.dataReceived(amp.AmpBox(_ask=tag, _command=b"x", _timeout=timeout).serialize())
        proto.dataReceived(amp.AmpBox(_ask=b"4", _command=b"x").serialize())
        self.clock.advance(2)
        waiting[0].callback(amp.AmpBox())
        self.clock.advance(3)
        boxes = amp.parseString(b"".join(each[1] for each in transport.events if each[0] == "write"))
        answers = [(each.get(b"_answer"), each.get(b"_error")) for each in boxes[1:]]
        self.assertEqual(answers, [(b"1", None), (None, b"2"), (None, b"3")])


class InheritTests(RespondingCase):
    """Calls made in a responder have the deadline of the call that it responds to."""

    def timeouts(self) -> list[bytes | None]:
        return [each.get(b"_timeout") for each in self.sender.boxes]

    def test_inherited(self) -> None:
        """Each has the time that is left, or its own if that is less."""

        def respond(box: Any) -> Any:
            calls = [self.dispatcher.callRemoteWithin(seconds, Wait) for seconds in (0.5, 5, inf)]
            calls.append(self.dispatcher.callRemote(Wait))
            calls.append(self.dispatcher.callRemoteString(b"x"))
            for each in calls:
                each.addErrback(lambda failure: None)
            self.dispatcher.callRemoteString(b"x", requiresAnswer=False)
            return Deferred()

        self.ask(respond, _ask=b"7")
        self.assertEqual(self.timeouts(), [b"500", *[b"1000"] * 5])
        self.clock.advance(1)
        self.assertEqual(self.codes()[6:], [b"DEADLINE"])
        self.answered()

    def test_none(self) -> None:
        """Without a deadline, there is none to inherit."""

        def respond(box: Any) -> Any:
            self.dispatcher.callRemoteString(b"x").addErrback(lambda failure: None)
            self.dispatcher.callRemote(Wait).addErrback(lambda failure: None)
            return amp.AmpBox()

        self.ask(respond, timeout=None)
        self.assertEqual(self.timeouts(), [None, None])

    def test_unhandled(self) -> None:
        """An inherited deadline that the responder does not handle is the answer."""
        self.ask(lambda box: self.dispatcher.callRemote(Wait), _ask=b"7")
        self.receive(_error=b"1", _error_code=b"DEADLINE", _error_description=b"")
        self.assertEqual(self.codes()[1:], [b"DEADLINE"])
        self.assertEqual(self.sender.left, 0)
        self.answered()

    def test_answered(self) -> None:
        """Calls made after the answer have no deadline."""
        waiting: Deferred[Any] = Deferred()

        async def goOn() -> None:
            await waiting
            self.dispatcher.callRemote(Wait).addErrback(lambda failure: None)

        def respond(box: Any) -> Any:
            Deferred.fromCoroutine(goOn())
            return amp.AmpBox()

        self.ask(respond)
        waiting.callback(None)
        self.assertEqual(self.timeouts(), [None])
