"""Tests for L{twisted_basic_ng.amp._dispatch}."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from twisted.internet.defer import AlreadyCalledError, CancelledError, Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.logger import globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from tests.helpers import RecordingTransport, loadStock
from twisted_basic_ng import amp


@contextmanager
def capturedLogs() -> Iterator[list[Any]]:
    """Keep what is logged in this block from the other tests."""
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(events.append)


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

    def _ampLeavePeer(self) -> None:
        self.left += 1


class Locator:
    """Responds with C{respond}."""

    respond: Any = None

    def locateResponder(self, name: bytes) -> Any:
        return self.respond


class Long(amp.Command):
    response = [(b"text", amp.String())]


class Asked(amp.AMP):
    """Answers with more than fits."""

    @Long.responder
    def respond(self) -> dict[str, bytes]:
        return {"text": b"x" * 65536}


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
        self.assertIsNone(self.dispatcher._ampCancelledRequests)
        self.assertRaises(amp.UnknownTagError, self.receive, _answer=b"1")

    def test_answered(self) -> None:
        """Cancelling what is answered changes nothing."""
        result = self.ask()
        self.receive(_answer=b"1")
        result.cancel()
        self.assertEqual(self.successResultOf(result), {b"_answer": b"1"})
        self.assertIsNone(self.dispatcher._ampCancelledRequests)


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

    def test_meanwhile(self) -> None:
        """A call whose box ends the connection, while it is filled or sent, fails with the connection's reason."""
        reason = Failure(ConnectionDone())
        dispatcher = self.dispatcher

        class Filled(amp.AmpBox):
            def __setitem__(self, name: bytes, value: bytes) -> None:
                super().__setitem__(name, value)
                dispatcher.stopReceivingBoxes(reason)

        class Sent(amp.AmpBox):
            def _sendTo(self, proto: Any) -> None:
                dispatcher.stopReceivingBoxes(reason)
                raise ConnectionLost

        for box in (Filled(), Sent()):
            self.setUp()
            dispatcher = self.dispatcher
            result: Any = dispatcher._sendBoxCommand(b"command", box)
            self.assertIs(self.failureResultOf(result), reason)


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

    def test_unwritableAtOnce(self) -> None:
        """So is one that a responder of a command gives at once."""
        peer = Asked()
        transport = RecordingTransport()
        transport.connect(peer)
        peer.ampBoxReceived(amp.AmpBox(_command=b"Long", _ask=b"7"))
        self.assertEqual(len(self.flushLoggedErrors(amp.TooLong)), 1)
        (written,) = (each[1] for each in transport.events if each[0] == "write")
        self.assertIn(b"\0\x0b_error_code\0\x07UNKNOWN", written)

    def test_dispatchCommand(self) -> None:
        """If you call C{dispatchCommand}, you get a C{Deferred}, although the answer is there."""
        answers: list[Any] = []
        Asked().dispatchCommand(amp.AmpBox(_command=b"Long", _ask=b"7")).addCallback(answers.append)
        self.assertEqual(answers, [{b"text": b"x" * 65536}])

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


class TwoTextsError(Exception):
    """Cannot be made of one text."""

    def __init__(self, user: str, why: str) -> None:
        super().__init__(user, why)


#: What Ask declares; the third cannot be made of one text either.
ERRORS: dict[type[Exception], bytes] = {
    ZeroDivisionError: b"ZERO",
    TwoTextsError: b"TWO",
    UnicodeDecodeError: b"DECODE",
}


class Ask(amp.Command):
    """Has a response to be read."""

    response = [(b"number", amp.Integer())]
    errors = ERRORS


STOCK: Any = loadStock("amp")


class StockAsk(STOCK.Command):  # type: ignore[misc]
    """The same, of Twisted's."""

    response = [(b"number", STOCK.Integer())]
    errors = ERRORS


class Told:
    """
    A call that is answered, and what comes of it.

    @ivar values: what the callbacks were given.
    @ivar unhandled: the errors that nobody handled.
    """

    def __init__(self, module: Any) -> None:
        self.sender = Sender()
        self.dispatcher = module.BoxDispatcher(None)
        self.dispatcher.startReceivingBoxes(self.sender)
        self.values: list[Any] = []
        self.result = self.dispatcher.callRemote(Ask if module is amp else StockAsk)
        self.box = module.AmpBox

    def keep(self, value: Any) -> Any:
        """Be a callback."""
        self.values.append(value.type if isinstance(value, Failure) else value)
        return value

    def answer(self, **kw: bytes) -> None:
        """Answer the call."""
        self.dispatcher.ampBoxReceived(self.box(_answer=b"1", **kw))

    def fail(self, code: bytes = b"ZERO") -> None:
        """Answer it with an error."""
        self.dispatcher.ampBoxReceived(self.box(_error=b"1", _error_code=code, _error_description=b""))

    @property
    def unhandled(self) -> list[type[BaseException]]:
        return [each.type for each in self.sender.unhandled]


@pytest.fixture(params=[STOCK, amp], ids=["stock", "ours"])
def told(request: pytest.FixtureRequest) -> Told:
    """A call over Twisted's dispatcher, and one over ours."""
    return Told(request.param)


def explode(value: object) -> None:
    """Be a callback that fails."""
    raise LookupError


class TestUnhandled:
    """An error is unhandled if the callbacks that were there when the answer came do not handle it; as in Twisted."""

    def test_handled(self, told: Told) -> None:
        """One that they handle is not."""
        told.result.addCallback(explode).addErrback(told.keep).addErrback(lambda failure: "handled")
        told.answer(number=b"5")
        told.result.addCallback(told.keep)
        assert (told.values, told.unhandled) == ([LookupError, "handled"], [])

    def test_raised(self, told: Told) -> None:
        """One that a callback raises is, once."""
        told.result.addCallback(told.keep).addCallback(explode)
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([{"number": 5}, None], [LookupError])

    def test_declared(self, told: Told) -> None:
        """So is one of the peer's."""
        told.result.addErrback(told.keep)
        told.fail()
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([ZeroDivisionError, None], [ZeroDivisionError])

    def test_unread(self, told: Told) -> None:
        """And an answer that cannot be read."""
        told.answer(number=b"none")
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([None], [ValueError])

    def test_later(self, told: Told) -> None:
        """One that a callback raises that was added behind the answer is somebody else's."""
        told.answer(number=b"5")
        told.result.addCallback(explode).addErrback(told.keep).addErrback(lambda failure: None)
        assert (told.values, told.unhandled) == ([LookupError], [])

    @pytest.mark.parametrize("method", ["addBoth", "addErrback", "addCallback", "addCallbacks"])
    def test_addedMeanwhile(self, told: Told, method: str) -> None:
        """What a callback adds behind itself comes too late."""

        def addAndExplode(value: object) -> None:
            getattr(told.result, method)(told.keep)
            explode(value)

        told.result.addCallback(addAndExplode)
        told.answer(number=b"5")
        assert told.unhandled == [LookupError]
        assert told.values == ([] if method == "addErrback" else [None])

    def test_addedAndHandled(self, told: Told) -> None:
        """But it gets what is no error."""
        told.result.addCallback(lambda value: told.result.addCallback(told.keep) and "value")
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == (["value"], [])

    def test_chained(self, told: Told) -> None:
        """It counts also where it comes late, of what a callback waits for."""
        waited: Deferred[None] = Deferred()
        told.result.addCallback(lambda value: waited)
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        assert told.unhandled == []
        waited.errback(LookupError())
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_paused(self, told: Told) -> None:
        """Or where the callbacks wait themselves."""
        told.result.addCallback(explode)
        told.result.pause()
        told.answer(number=b"5")
        told.result.addBoth(told.keep)
        told.result.unpause()
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_twice(self, told: Told) -> None:
        """Who answers a call past the dispatcher is told so when the answer comes again."""
        told.result.addBoth(told.keep)
        request = told.dispatcher._outstandingRequests[b"1"]
        request.callback(told.box(number=b"5"))
        with pytest.raises(AlreadyCalledError):
            request.callback(told.box(number=b"6"))
        with pytest.raises(AlreadyCalledError):
            request.errback(LookupError())
        assert (told.values, told.unhandled) == ([{"number": 5}], [])

    def test_errback(self, told: Told) -> None:
        """An error that is given past the dispatcher is what it is, in any of the forms of one."""
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        try:
            explode(None)
        except LookupError:
            told.dispatcher._outstandingRequests[b"1"].errback()
        assert told.values == [LookupError]


class TestUnmakeable:
    """A call whose error cannot be made ends with what making it raises, as in Twisted; nothing else raises."""

    @pytest.mark.parametrize("code", [b"TWO", b"DECODE"])
    def test_declared(self, told: Told, code: bytes) -> None:
        """A declared error whose class takes something else than one text."""
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        told.fail(code)
        assert (told.values, told.unhandled) == ([TypeError], [])

    def test_unhandled(self, told: Told) -> None:
        """Where nobody handles it, it is an error that nobody handled."""
        told.fail(b"TWO")
        assert told.unhandled == [TypeError]

    def test_table(self, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
        """An application's own table of errors may raise."""

        class Raising(dict[bytes, Any]):
            def get(self, code: bytes, default: Any = None) -> Any:
                raise LookupError(code)

        command: Any = Ask if told.box is amp.AmpBox else StockAsk
        monkeypatch.setattr(command, "reverseErrors", Raising())
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        told.fail()
        assert (told.values, told.unhandled) == ([LookupError], [])

    def test_lost(self, told: Told) -> None:
        """A connection that is lost with an error of the peer's ends every call, whatever one of them makes of it."""
        command: Any = Ask if told.box is amp.AmpBox else StockAsk
        module = amp if told.box is amp.AmpBox else STOCK
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        told.dispatcher.callRemote(command).addErrback(told.keep).addErrback(lambda failure: None)
        told.dispatcher.stopReceivingBoxes(Failure(module.RemoteAmpError(b"TWO", "lost")))
        assert told.values == [TypeError, TypeError]

    def test_ofAMP(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same for AMP's own codes, which an application may have changed."""
        told = Told(amp)
        monkeypatch.setitem(amp.PROTOCOL_ERRORS, b"OWN", lambda code, text: LookupError(code[99]))
        monkeypatch.setitem(amp.PROTOCOL_ERRORS, b"RAISES", explode)
        told.result.addErrback(told.keep).addErrback(lambda failure: None)
        again = told.dispatcher.callRemoteString(b"x")
        again.addErrback(told.keep).addErrback(lambda failure: None)
        told.dispatcher.ampBoxReceived(amp.AmpBox(_error=b"1", _error_code=b"RAISES"))
        told.dispatcher.ampBoxReceived(amp.AmpBox(_error=b"2", _error_code=b"OWN"))
        assert told.values == [TypeError, IndexError]


class Acting(amp.Integer):
    """Does something while an answer is read."""

    act: Callable[[], object]

    def fromString(self, inString: bytes) -> Any:
        self.act()
        return int(inString)


class StockActing(STOCK.Integer):  # type: ignore[misc]
    """The same, of Twisted's."""

    fromString = Acting.fromString


class TestWhileRead:
    """What is done to a call while its answer is read has no effect on it, as in Twisted."""

    @pytest.fixture(autouse=True)
    def argument(self, told: Told, monkeypatch: pytest.MonkeyPatch) -> Any:
        """The type that reads the answer."""
        made: Any = Acting() if told.box is amp.AmpBox else StockActing()
        monkeypatch.setattr(Ask if told.box is amp.AmpBox else StockAsk, "response", [(b"number", made)])
        return made

    def test_cancelled(self, told: Told, argument: Any) -> None:
        """It can be cancelled no more."""
        argument.act = told.result.cancel
        told.result.addBoth(told.keep)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([{"number": 5}], [])

    def test_added(self, told: Told, argument: Any) -> None:
        """A callback that is added is behind those that were there."""
        argument.act = lambda: told.result.addBoth(told.keep)
        told.result.addCallback(explode)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([None], [LookupError])

    def test_lost(self, told: Told, argument: Any) -> None:
        """The connection may end: the answer had come before."""
        argument.act = lambda: told.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        told.result.addBoth(told.keep)
        told.answer(number=b"5")
        assert (told.values, told.unhandled) == ([{"number": 5}], [])


class TestAnsweredMeanwhile:
    """Where something answers a call while its answer is read, past the dispatcher, it fires once."""

    def answerTwice(self, first: Callable[[Any], object], second: Callable[[Told], object]) -> list[Any]:
        """Have C{first} done to the call while C{second} answers it; return what comes of it."""
        told = Told(amp)
        request: Any = told.result
        told.result.addBoth(told.keep).addErrback(lambda failure: None)

        def act(*args: Any) -> Any:
            first(request)
            return Failure(ZeroDivisionError())

        request._ampCommand._ampReadResponse = request._ampCommand._ampAsDeclared = act
        second(told)
        return told.values

    def test_answer(self) -> None:
        """Reading an answer."""
        assert self.answerTwice(lambda request: request.callback("own"), lambda told: told.answer()) == ["own"]

    def test_error(self) -> None:
        """Making an error."""
        assert self.answerTwice(lambda request: request.callback("own"), lambda told: told.fail()) == ["own"]


class TestOwn:
    """A subclass that adds callbacks of its own, or has its own way to read, has what it has with Twisted."""

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_sendBoxCommand(self, module: Any) -> None:
        """What overrides the sending sees the box."""
        seen: list[Any] = []

        class Seeing(module.BoxDispatcher):  # type: ignore[misc]
            def _sendBoxCommand(self, *args: Any, **kw: Any) -> Any:
                return super()._sendBoxCommand(*args, **kw).addCallback(lambda box: seen.append(dict(box)) or box)

        dispatcher = Seeing(None)
        dispatcher.startReceivingBoxes(Sender())
        result = dispatcher.callRemote(Ask if module is amp else StockAsk)
        dispatcher.ampBoxReceived(module.AmpBox(_answer=b"1", number=b"5"))
        result.addCallback(seen.append)
        assert seen == [{b"_answer": b"1", b"number": b"5"}, {"number": 5}]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_instance(self, module: Any) -> None:
        """So does a function that is set on the dispatcher."""
        dispatcher = module.BoxDispatcher(None)
        dispatcher._sendBoxCommand = lambda command, box, requiresAnswer: succeed({b"number": b"6"})
        seen: list[Any] = []
        dispatcher.callRemote(Ask if module is amp else StockAsk).addCallback(seen.append)
        assert seen == [{"number": 6}]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_delegate(self, module: Any) -> None:
        """And so does one that hands over to the method that it stands for."""
        dispatcher = module.BoxDispatcher(None)
        dispatcher.startReceivingBoxes(Sender())
        seen: list[Any] = []
        send = dispatcher._sendBoxCommand
        dispatcher._sendBoxCommand = lambda *args: send(*args).addCallback(lambda box: seen.append(dict(box)) or box)
        dispatcher.callRemote(Ask if module is amp else StockAsk).addCallback(seen.append)
        dispatcher.ampBoxReceived(module.AmpBox(_answer=b"1", number=b"6"))
        assert seen == [{b"_answer": b"1", b"number": b"6"}, {"number": 6}]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_dispatchCommand(self, module: Any) -> None:
        """A function that is set in place of C{dispatchCommand} is called."""
        dispatcher = module.BoxDispatcher(None)
        sender = Sender()
        dispatcher.startReceivingBoxes(sender)
        dispatcher.dispatchCommand = lambda box: succeed(module.AmpBox(a=box[b"_command"]))
        dispatcher.ampBoxReceived(module.AmpBox(_command=b"x", _ask=b"1"))
        assert sender.boxes == [{b"a": b"x", b"_answer": b"1"}]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_argument(self, module: Any) -> None:
        """A call whose arguments cannot be read is answered with an error that says no more."""

        class Numbered(module.Command):  # type: ignore[misc]
            arguments = [(b"a", module.Integer())]

        class Responding(module.CommandLocator):  # type: ignore[misc]
            @Numbered.responder
            def numbered(self, a: int) -> Any:
                raise AssertionError(a)

        dispatcher = module.BoxDispatcher(Responding())
        sender = Sender()
        dispatcher.startReceivingBoxes(sender)
        dispatcher.ampBoxReceived(module.AmpBox(_command=b"Numbered", _ask=b"1", a=b"none"))
        (box,) = sender.boxes
        assert (box[b"_error"], box[b"_error_code"]) == (b"1", b"UNKNOWN")

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_unsent(self, module: Any) -> None:
        """An answer that the sender does not take is an error that nobody handled."""

        class Quiet(module.Command):  # type: ignore[misc]
            pass

        class Responding(module.CommandLocator):  # type: ignore[misc]
            @Quiet.responder
            def quiet(self) -> Any:
                return {}

        dispatcher = module.BoxDispatcher(Responding())
        sender = Sender()
        sender.error = LookupError()
        dispatcher.startReceivingBoxes(sender)
        dispatcher.ampBoxReceived(module.AmpBox(_command=b"Quiet", _ask=b"1"))
        assert [each.type for each in sender.unhandled] == [LookupError]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_parseResponse(self, module: Any) -> None:
        """A command may read its answer later."""
        waited: Deferred[str] = Deferred()

        class Later(module.Command):  # type: ignore[misc]
            @classmethod
            def parseResponse(cls, box: Any, protocol: Any) -> Any:
                return waited

        dispatcher = module.BoxDispatcher(None)
        dispatcher.startReceivingBoxes(Sender())
        seen: list[Any] = []
        dispatcher.callRemote(Later).addCallback(seen.append)
        dispatcher.ampBoxReceived(module.AmpBox(_answer=b"1"))
        assert seen == []
        waited.callback("read")
        assert seen == ["read"]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_foreign(self, module: Any) -> None:
        """A C{Deferred} that an application has put among the outstanding ones is answered like any other."""
        dispatcher = module.BoxDispatcher(None)
        sender = Sender()
        dispatcher.startReceivingBoxes(sender)
        result: Deferred[Any] = Deferred()
        dispatcher._outstandingRequests[b"7"] = result
        result.addCallback(explode)
        dispatcher.ampBoxReceived(module.AmpBox(_answer=b"7"))
        assert [each.type for each in sender.unhandled] == [LookupError]

    def test_foreignRaises(self) -> None:
        """One that cannot be failed keeps no other call waiting, and is logged."""

        class Stubborn(Deferred[Any]):
            def errback(self, fail: Any = None) -> None:
                raise LookupError

        told = Told(amp)
        told.result.addBoth(told.keep).addErrback(lambda failure: None)
        waiting: Any = told.dispatcher._outstandingRequests
        told.dispatcher._outstandingRequests = {b"0": Stubborn(), **waiting}
        with capturedLogs() as events:
            told.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        assert told.values == [ConnectionDone]
        assert [event["log_failure"].type for event in events] == [LookupError]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_answeredBefore(self, module: Any) -> None:
        """A call that was answered past the dispatcher is answered once more by the peer, which is an error."""
        told = Told(module)
        told.result.addCallback(explode)
        told.dispatcher._outstandingRequests[b"1"].callback(told.box(number=b"5"))
        with pytest.raises(AlreadyCalledError):
            told.answer(number=b"6")
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([None], [LookupError])

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_answerRaises(self, module: Any) -> None:
        """An answer that does not take its tag is an error that nobody handled."""

        class Sealed(module.AmpBox):  # type: ignore[misc]
            def __setitem__(self, name: Any, value: Any) -> None:
                raise LookupError(name)

        class Refusing(module.Command):  # type: ignore[misc]
            responseType = Sealed

        class Responding(module.CommandLocator):  # type: ignore[misc]
            @Refusing.responder
            def refuse(self) -> Any:
                return {}

        dispatcher = module.BoxDispatcher(Responding())
        sender = Sender()
        dispatcher.startReceivingBoxes(sender)
        dispatcher.dispatchCommand = lambda box: succeed(Sealed())
        dispatcher.ampBoxReceived(module.AmpBox(_command=b"x", _ask=b"1"))
        del dispatcher.dispatchCommand
        dispatcher.ampBoxReceived(module.AmpBox(_command=b"Refusing", _ask=b"1"))
        assert [each.type for each in sender.unhandled] == [LookupError, LookupError]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_strangeAnswer(self, module: Any) -> None:
        """An answer that does not say what it is is an error of the responder's."""

        class Strange:
            @property
            def __class__(self) -> Any:  # type: ignore[override]
                raise LookupError

        class Odd(module.Command):  # type: ignore[misc]
            @classmethod
            def makeResponse(cls, objects: Any, proto: Any) -> Any:
                return Strange()

        class Responding(module.CommandLocator):  # type: ignore[misc]
            @Odd.responder
            def odd(self) -> Any:
                return {}

        dispatcher = module.BoxDispatcher(Responding())
        sender = Sender()
        dispatcher.startReceivingBoxes(sender)
        with capturedLogs():
            dispatcher.ampBoxReceived(module.AmpBox(_command=b"Odd", _ask=b"1"))
        assert [box.get(b"_error_code") for box in sender.boxes] == [b"UNKNOWN"]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_parsedAsFailure(self, module: Any) -> None:
        """A command may read an answer as a failure, of the peer's or any other."""
        kinds: list[Any] = []
        for error in (module.RemoteAmpError(b"ZERO", "text"), LookupError()):

            class Failing(module.Command):  # type: ignore[misc]
                errors = {ZeroDivisionError: b"ZERO"}

                @classmethod
                def parseResponse(cls, box: Any, protocol: Any, error: Exception = error) -> Any:
                    return Failure(error)

            dispatcher = module.BoxDispatcher(None)
            dispatcher.startReceivingBoxes(Sender())
            dispatcher.callRemote(Failing).addErrback(lambda failure: kinds.append(failure.type))
            dispatcher.ampBoxReceived(module.AmpBox(_answer=b"1"))
        assert kinds == [ZeroDivisionError, LookupError]
