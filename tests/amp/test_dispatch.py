"""Tests for L{twisted_basic_ng.amp._dispatch}."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from twisted.internet.defer import AlreadyCalledError, Deferred, fail, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.logger import formatEvent, globalLogPublisher
from twisted.python.failure import Failure

from tests.helpers import RecordingTransport
from twisted_basic_ng import amp

from .conversations import STOCK, Ask, DispatchCase, Sender, StockAsk, Told, explode


@contextmanager
def capturedLogs() -> Iterator[list[Any]]:
    """Keep what is logged in this block from the other tests."""
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(events.append)


class Long(amp.Command):
    response = [(b"text", amp.String())]


class Asked(amp.AMP):
    """Answers with more than fits."""

    @Long.responder
    def respond(self) -> dict[str, bytes]:
        return {"text": b"x" * 65536}


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

    def test_meaningless(self) -> None:
        """A box that neither asks nor answers is an error with the box."""
        error = self.assertRaises(amp.NoEmptyBoxes, self.receive, a=b"1")
        self.assertEqual(error.args, ({b"a": b"1"},))

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

    def test_logged(self) -> None:
        """The log names the command and the peer, and the option that a responder's own error has."""
        for error, advice in ((ZeroDivisionError(), "; name.errors may declare ZeroDivisionError"), (amp.TooLong, "")):
            raised = error if isinstance(error, Exception) else error(True, True, b"")
            with capturedLogs() as events:
                self.answered(lambda box, raised=raised: fail(raised), _ask=b"7")
            self.flushLoggedErrors(type(raised))
            text = "while receiving response to command name, called by an unknown peer, who is told UNKNOWN"
            self.assertEqual([formatEvent(each) for each in events], [text + advice])

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
