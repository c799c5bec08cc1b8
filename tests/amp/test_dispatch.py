"""Tests for L{twisted_basic_ng.amp._dispatch}."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from twisted_basic_ng import amp


class Sender:
    """Takes boxes, and what nobody handled."""

    def __init__(self) -> None:
        self.boxes: list[amp.AmpBox] = []
        self.unhandled: list[Failure] = []
        self.left = 0
        self.error: Exception | None = None
        self.onSend: Callable[[amp.AmpBox], object] = lambda box: None

    def sendBox(self, box: amp.AmpBox) -> None:
        if self.error is not None:
            raise self.error
        box.serialize()
        self.boxes.append(box)
        self.onSend(box)

    def unhandledError(self, failure: Failure) -> None:
        self.unhandled.append(failure)

    def _leavePeer(self) -> None:
        self.left += 1


class Locator:
    """Responds with C{respond}."""

    respond: Any = None

    def locateResponder(self, name: bytes) -> Any:
        return self.respond


class DispatchCase(SynchronousTestCase):
    """A dispatcher between a locator and a sender."""

    def setUp(self) -> None:
        self.sender = Sender()
        self.locator = Locator()
        self.dispatcher = amp.BoxDispatcher(self.locator)
        self.dispatcher.startReceivingBoxes(self.sender)

    def ask(self, **kw: bytes) -> Any:
        """Call the peer."""
        return self.dispatcher.callRemoteString(b"command", **kw)

    def failing(self) -> list[Any]:
        """Call the peer, and handle the error that comes of it: the list will hold it."""
        errors: list[Any] = []
        self.ask().addErrback(lambda failure: errors.append(failure.value))
        return errors

    def receive(self, **kw: bytes) -> None:
        """Take a box of the peer's."""
        self.dispatcher.ampBoxReceived(amp.AmpBox(kw))


class AskTests(DispatchCase):
    """Calls are sent, and answered."""

    def test_box(self) -> None:
        """A call is a box with its name and a tag of its own."""
        self.ask(a=b"1")
        self.ask()
        self.assertEqual(
            self.sender.boxes,
            [{b"_command": b"command", b"_ask": b"1", b"a": b"1"}, {b"_command": b"command", b"_ask": b"2"}],
        )
        self.assertEqual(list(self.dispatcher._outstandingRequests or ()), [b"1", b"2"])

    def test_answer(self) -> None:
        """An answer goes to who waits for it, in whatever order they come."""
        first, second = self.ask(), self.ask()
        self.receive(_answer=b"2", a=b"1")
        self.assertNoResult(first)
        self.assertEqual(self.successResultOf(second), {b"_answer": b"2", b"a": b"1"})
        self.assertEqual(list(self.dispatcher._outstandingRequests or ()), [b"1"])

    def test_error(self) -> None:
        """So does an error."""
        errors = self.failing()
        self.receive(_error=b"1", _error_code=b"CODE", _error_description=b"\xe2\x98\x83\xff")
        (error,) = errors
        self.assertEqual((error.errorCode, error.description), (b"CODE", "\N{SNOWMAN}\N{REPLACEMENT CHARACTER}"))

    def test_textError(self) -> None:
        """Between two ends without bytes, a text may be a string already."""
        errors = self.failing()
        box: Any = {"_error": b"1", "_error_code": b"CODE", "_error_description": "text"}
        self.dispatcher.ampBoxReceived(amp.AmpBox(box))
        self.assertEqual([error.description for error in errors], ["text"])

    def test_bareError(self) -> None:
        """An error without a code or a text is an error."""
        errors = self.failing()
        self.receive(_error=b"1")
        (error,) = errors
        self.assertEqual((error.errorCode, error.description), (amp.UNKNOWN_ERROR_CODE, ""))

    def test_unhandledCommand(self) -> None:
        """AMP's own codes have errors of their own."""
        errors = self.failing()
        self.receive(_error=b"1", _error_code=b"UNHANDLED", _error_description=b"text")
        self.assertEqual([(type(each), each.args) for each in errors], [(amp.UnhandledCommand, (b"UNHANDLED", "text"))])

    def test_unknownTag(self) -> None:
        """An answer to nothing is a KeyError that says so; also when the connection is gone."""
        for kw in ({"_answer": b"9"}, {"_error": b"9"}):
            self.assertIsInstance(self.assertRaises(amp.UnknownTagError, self.receive, **kw), KeyError)
        self.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        self.assertRaises(amp.UnknownTagError, self.receive, _answer=b"1")

    def test_unhandled(self) -> None:
        """An error that no callback handles goes to the sender."""
        result = self.ask()
        result.addCallback(lambda box: 1 / 0)
        self.receive(_answer=b"1")
        self.assertEqual([each.type for each in self.sender.unhandled], [ZeroDivisionError])

    def test_noAnswer(self) -> None:
        """A call that wants no answer has no tag; it takes a number nevertheless."""
        self.assertIsNone(self.dispatcher.callRemoteString(b"command", requiresAnswer=False))
        self.ask()
        self.assertEqual([box.get(b"_ask") for box in self.sender.boxes], [None, b"2"])

    def test_notSent(self) -> None:
        """What cannot be sent is the caller's error, and is not waited for."""
        self.sender.error = amp.ProtocolSwitched()
        self.assertRaises(amp.ProtocolSwitched, self.ask)
        self.assertEqual(self.dispatcher._outstandingRequests, {})

    def test_meaningless(self) -> None:
        """A box that neither asks nor answers is an error with the box."""
        error = self.assertRaises(amp.NoEmptyBoxes, self.receive, a=b"1")
        self.assertEqual(error.args, ({b"a": b"1"},))

    def test_notConstructed(self) -> None:
        """A command that cannot be made is a failure."""
        self.failureResultOf(self.dispatcher.callRemote(amp.ProtocolSwitchCommand), TypeError)


class SynchronousTests(DispatchCase):
    """Both ends may be in one process, and answer within the send."""

    def test_answer(self) -> None:
        """The answer is there when the call returns."""
        self.sender.onSend = lambda box: self.receive(_answer=box[b"_ask"])
        self.assertEqual(self.successResultOf(self.ask()), {b"_answer": b"1"})
        self.assertEqual(self.dispatcher._outstandingRequests, {})

    def test_error(self) -> None:
        """An error waits for the caller to handle it."""
        self.sender.onSend = lambda box: self.receive(_error=box[b"_ask"])
        self.failureResultOf(self.ask(), amp.RemoteAmpError)
        self.assertEqual(self.sender.unhandled, [])


class CancelTests(DispatchCase):
    """A cancelled call is forgotten."""

    def test_late(self) -> None:
        """Its answer is ignored, once."""
        for kw in ({"_answer": b"1"}, {"_error": b"2"}):
            result = self.ask()
            result.cancel()
            self.failureResultOf(result, CancelledError)
            self.assertEqual(self.dispatcher._outstandingRequests, {})
            self.receive(**kw)
            self.assertRaises(amp.UnknownTagError, self.receive, **kw)
        self.assertEqual(self.sender.unhandled, [])

    def test_lost(self) -> None:
        """One that the errback of another cancels fails once."""
        first, second = self.ask(), self.ask()
        first.addErrback(lambda reason: second.cancel())
        self.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        self.failureResultOf(second, CancelledError)

    def test_answeredLate(self) -> None:
        """Once the late answers have come, nothing is kept of the calls."""
        results = [self.ask(), self.ask()]
        for result in results:
            result.cancel()
            self.failureResultOf(result, CancelledError)
        self.receive(_answer=b"1")
        self.receive(_error=b"2", _error_code=b"NO", _error_description=b"")
        self.assertIsNone(self.dispatcher._cancelledRequests)
        self.assertRaises(amp.UnknownTagError, self.receive, _answer=b"1")

    def test_answered(self) -> None:
        """Cancelling what is answered changes nothing."""
        result = self.ask()
        self.receive(_answer=b"1")
        result.cancel()
        self.assertEqual(self.successResultOf(result), {b"_answer": b"1"})
        self.assertIsNone(self.dispatcher._cancelledRequests)


class LossTests(DispatchCase):
    """No call waits for ever."""

    def test_all(self) -> None:
        """Every call fails when the connection ends, and every later one."""
        results = [self.ask(), self.ask()]
        reason = Failure(ConnectionDone())
        self.dispatcher.stopReceivingBoxes(reason)
        for result in (*results, self.ask()):
            self.assertIs(self.failureResultOf(result), reason)
        self.assertIsNone(self.dispatcher.callRemoteString(b"command", requiresAnswer=False))
        self.assertEqual(len(self.sender.boxes), 2)


class RespondTests(DispatchCase):
    """Calls of the peer are responded to."""

    def answered(self, response: Any, **kw: bytes) -> list[amp.AmpBox]:
        """Have a call responded to with C{response}; return what is sent."""
        self.locator.respond = response
        self.receive(_command=b"name", **kw)
        return self.sender.boxes

    def test_answer(self) -> None:
        """The answer has the call's tag."""
        self.assertEqual(self.answered(lambda box: amp.AmpBox(a=b"1"), _ask=b"7"), [{b"a": b"1", b"_answer": b"7"}])

    def test_later(self) -> None:
        """It may come later."""
        waiting = Deferred[amp.AmpBox]()
        self.assertEqual(self.answered(lambda box: waiting, _ask=b"7"), [])
        waiting.callback(amp.AmpBox())
        self.assertEqual(self.sender.boxes, [{b"_answer": b"7"}])

    def test_coroutine(self) -> None:
        """A coroutine may give it."""

        async def respond(box: amp.AmpBox) -> amp.AmpBox:
            return await succeed(amp.AmpBox(a=b"1"))

        self.assertEqual(self.answered(respond, _ask=b"7"), [{b"a": b"1", b"_answer": b"7"}])

    def test_unwanted(self) -> None:
        """Nothing is sent where no answer is wanted; an error is nobody's, then."""
        self.assertEqual(self.answered(lambda box: amp.AmpBox()), [])
        self.assertEqual(self.answered(lambda box: fail(ZeroDivisionError())), [])
        self.assertEqual([each.type for each in self.sender.unhandled], [ZeroDivisionError])

    def test_nobody(self) -> None:
        """Where nobody responds, the peer is told so."""
        self.assertEqual(
            self.answered(None, _ask=b"7"),
            [{b"_error": b"7", b"_error_code": b"UNHANDLED", b"_error_description": b"Unhandled Command: b'name'"}],
        )
        self.assertEqual(self.sender.left, 0)

    def test_remoteError(self) -> None:
        """An error that says what it is goes to the peer as it is; a fatal one closes the connection."""
        for description in ("te\N{SNOWMAN}", b"te\xe2\x98\x83"):
            for fatal in (False, True):
                self.sender.boxes.clear()
                self.sender.left = 0
                error = amp.RemoteAmpError(b"CODE", description, fatal)
                (box,) = self.answered(lambda box, error=error: fail(error), _ask=b"7")
                self.assertEqual(
                    box, {b"_error": b"7", b"_error_code": b"CODE", b"_error_description": b"te\xe2\x98\x83"}
                )
                self.assertEqual(self.sender.left, fatal)

    def test_longDescription(self) -> None:
        """A text that is too long is cut between two characters."""
        error = amp.RemoteAmpError(b"CODE", "x" + "\N{SNOWMAN}" * 30000)
        (box,) = self.answered(lambda box: fail(error), _ask=b"7")
        self.assertEqual(box[b"_error_description"].decode(), "x" + "\N{SNOWMAN}" * 21844)

    unknown = {b"_error": b"7", b"_error_code": b"UNKNOWN", b"_error_description": b"Unknown Error"}

    def test_unknownError(self) -> None:
        """Of any other error the peer learns nothing; it is logged, and the connection is closed."""
        self.assertEqual(self.answered(lambda box: 1 / 0, _ask=b"7"), [self.unknown])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.sender.left, 1)

    def test_unknownErrorOption(self) -> None:
        """The connection stays where the class says so."""
        self.dispatcher.unknownErrorsAreFatal = False  # type: ignore[misc]
        self.assertEqual(self.answered(lambda box: 1 / 0, _ask=b"7"), [self.unknown])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.sender.left, 0)

    def test_unwritable(self) -> None:
        """An answer that cannot be written is an error to who waits for it."""
        for answer, kind in ((amp.AmpBox(a=b"x" * 65536), amp.TooLong), (amp.AmpBox({b"a": "text"}), TypeError)):
            self.sender.boxes.clear()
            self.assertEqual(self.answered(lambda box, answer=answer: answer, _ask=b"7"), [self.unknown])
            self.assertEqual(len(self.flushLoggedErrors(kind)), 1)
        self.assertEqual(self.sender.unhandled, [])

    def test_effect(self) -> None:
        """But where a box does more than go, that error is another: the answer is on its way."""

        class Special(amp.AmpBox):
            def _sendTo(self, proto: Any) -> None:
                super()._sendTo(proto)
                raise TypeError("its effect")

        self.assertEqual(self.answered(lambda box: Special(), _ask=b"7"), [{b"_answer": b"7"}])
        self.assertEqual([each.type for each in self.sender.unhandled], [TypeError])

    def test_gone(self) -> None:
        """An answer that comes too late is dropped."""
        for error in (amp.ProtocolSwitched(), ConnectionLost()):
            self.sender.error = error
            self.answered(lambda box: amp.AmpBox(), _ask=b"7")
        self.assertEqual(self.sender.unhandled, [])
