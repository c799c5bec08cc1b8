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
    """Capture the events logged in this block."""
    events: list[Any] = []
    globalLogPublisher.addObserver(events.append)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(events.append)


class Long(amp.Command):
    response = [(b"text", amp.String())]


class Asked(amp.AMP):
    """Answers with more than fits into a box."""

    @Long.responder
    def respond(self) -> dict[str, bytes]:
        return {"text": b"x" * 65536}


class RespondTests(DispatchCase):
    """Calls of the peer are responded to."""

    def answered(self, response: Any, **kw: bytes) -> list[amp.AmpBox]:
        """Answer a call with C{response}, and return the sent boxes."""
        self.locator.respond = response
        self.receive(_command=b"name", **kw)
        return self.sender.boxes

    def test_answer(self) -> None:
        """The answer has the call's tag."""
        self.assertEqual(self.answered(lambda box: amp.AmpBox(a=b"1"), _ask=b"7"), [{b"a": b"1", b"_answer": b"7"}])

    def test_later(self) -> None:
        """The answer may come later."""
        waiting = Deferred[amp.AmpBox]()
        self.assertEqual(self.answered(lambda box: waiting, _ask=b"7"), [])
        waiting.callback(amp.AmpBox())
        self.assertEqual(self.sender.boxes, [{b"_answer": b"7"}])

    def test_coroutine(self) -> None:
        """A coroutine may give the answer."""

        async def respond(box: amp.AmpBox) -> amp.AmpBox:
            return await succeed(amp.AmpBox(a=b"1"))

        self.assertEqual(self.answered(respond, _ask=b"7"), [{b"a": b"1", b"_answer": b"7"}])

    def test_unwanted(self) -> None:
        """Without a tag, nothing is sent, and an error is reported as unhandled."""
        self.assertEqual(self.answered(lambda box: amp.AmpBox()), [])
        self.assertEqual(self.answered(lambda box: fail(ZeroDivisionError())), [])
        self.assertEqual([each.type for each in self.sender.unhandled], [ZeroDivisionError])

    def test_nobody(self) -> None:
        """If there is no responder, the peer is told that the command is unhandled."""
        self.assertEqual(
            self.answered(None, _ask=b"7"),
            [{b"_error": b"7", b"_error_code": b"UNHANDLED", b"_error_description": b"Unhandled Command: b'name'"}],
        )
        self.assertEqual(self.sender.left, 0)

    def test_meaningless(self) -> None:
        """A box that is neither a call nor an answer raises an error with the box."""
        error = self.assertRaises(amp.NoEmptyBoxes, self.receive, a=b"1")
        self.assertEqual(error.args, ({b"a": b"1"},))

    def test_remoteError(self) -> None:
        """A C{RemoteAmpError} is sent as it is.  A fatal one closes the connection."""
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
        """A too long text is cut between two characters."""
        error = amp.RemoteAmpError(b"CODE", "x" + "\N{SNOWMAN}" * 30000)
        (box,) = self.answered(lambda box: fail(error), _ask=b"7")
        self.assertEqual(box[b"_error_description"].decode(), "x" + "\N{SNOWMAN}" * 21844)

    unknown = {b"_error": b"7", b"_error_code": b"UNKNOWN", b"_error_description": b"Unknown Error"}

    def test_unknownError(self) -> None:
        """
        For any other error, the peer is told only that it is unknown.  The error is logged, and the
        connection is closed.
        """
        self.assertEqual(self.answered(lambda box: 1 / 0, _ask=b"7"), [self.unknown])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.sender.left, 1)

    def test_logged(self) -> None:
        """The log names the command and the peer, and how a responder's error can be declared."""
        for error, advice in ((ZeroDivisionError(), "; name.errors may declare ZeroDivisionError"), (amp.TooLong, "")):
            raised = error if isinstance(error, Exception) else error(True, True, b"")
            with capturedLogs() as events:
                self.answered(lambda box, raised=raised: fail(raised), _ask=b"7")
            self.flushLoggedErrors(type(raised))
            text = "while receiving response to command name, called by an unknown peer, who is told UNKNOWN"
            self.assertEqual([formatEvent(each) for each in events], [text + advice])

    def test_unknownErrorOption(self) -> None:
        """With C{unknownErrorsAreFatal} off, the connection stays open."""
        self.dispatcher.unknownErrorsAreFatal = False  # type: ignore[misc]
        self.assertEqual(self.answered(lambda box: 1 / 0, _ask=b"7"), [self.unknown])
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
        self.assertEqual(self.sender.left, 0)

    def test_unwritable(self) -> None:
        """An answer that cannot be written is sent as an error."""
        for answer, kind in ((amp.AmpBox(a=b"x" * 65536), amp.TooLong), (amp.AmpBox({b"a": "text"}), TypeError)):
            self.sender.boxes.clear()
            self.assertEqual(self.answered(lambda box, answer=answer: answer, _ask=b"7"), [self.unknown])
            self.assertEqual(len(self.flushLoggedErrors(kind)), 1)
        self.assertEqual(self.sender.unhandled, [])

    def test_unwritableAtOnce(self) -> None:
        """An answer that a command's responder returns at once is sent as an error, too."""
        peer = Asked()
        transport = RecordingTransport()
        transport.connect(peer)
        peer.ampBoxReceived(amp.AmpBox(_command=b"Long", _ask=b"7"))
        self.assertEqual(len(self.flushLoggedErrors(amp.TooLong)), 1)
        (written,) = (each[1] for each in transport.events if each[0] == "write")
        self.assertIn(b"\0\x0b_error_code\0\x07UNKNOWN", written)

    def test_dispatchCommand(self) -> None:
        """C{dispatchCommand} returns a C{Deferred}, even if the answer is already known."""
        answers: list[Any] = []
        Asked().dispatchCommand(amp.AmpBox(_command=b"Long", _ask=b"7")).addCallback(answers.append)
        self.assertEqual(answers, [{b"text": b"x" * 65536}])

    def test_effect(self) -> None:
        """An error that C{_sendTo} raises after the answer was sent is reported as unhandled."""

        class Special(amp.AmpBox):
            def _sendTo(self, proto: Any) -> None:
                super()._sendTo(proto)
                raise TypeError("its effect")

        self.assertEqual(self.answered(lambda box: Special(), _ask=b"7"), [{b"_answer": b"7"}])
        self.assertEqual([each.type for each in self.sender.unhandled], [TypeError])

    def test_gone(self) -> None:
        """An answer that comes after the connection is lost is dropped."""
        for error in (amp.ProtocolSwitched(), ConnectionLost()):
            self.sender.error = error
            self.answered(lambda box: amp.AmpBox(), _ask=b"7")
        self.assertEqual(self.sender.unhandled, [])


class TestOwn:
    """Overridden methods and callbacks work as with Twisted."""

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_sendBoxCommand(self, module: Any) -> None:
        """A method that overrides C{_sendBoxCommand} sees the box of the answer."""
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
        """A function set on the dispatcher in place of it is called."""
        dispatcher = module.BoxDispatcher(None)
        dispatcher._sendBoxCommand = lambda command, box, requiresAnswer: succeed({b"number": b"6"})
        seen: list[Any] = []
        dispatcher.callRemote(Ask if module is amp else StockAsk).addCallback(seen.append)
        assert seen == [{"number": 6}]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_delegate(self, module: Any) -> None:
        """Such a function may call the method that it replaces."""
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
        """A function set in place of C{dispatchCommand} is called."""
        dispatcher = module.BoxDispatcher(None)
        sender = Sender()
        dispatcher.startReceivingBoxes(sender)
        dispatcher.dispatchCommand = lambda box: succeed(module.AmpBox(a=box[b"_command"]))
        dispatcher.ampBoxReceived(module.AmpBox(_command=b"x", _ask=b"1"))
        assert sender.boxes == [{b"a": b"x", b"_answer": b"1"}]

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_argument(self, module: Any) -> None:
        """A call whose arguments cannot be read is answered with an unknown error."""

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
        """An error of the sender while it takes an answer is reported as unhandled."""

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
        """
        A C{Deferred} that an application adds to the outstanding calls is answered like any other.
        """
        dispatcher = module.BoxDispatcher(None)
        sender = Sender()
        dispatcher.startReceivingBoxes(sender)
        result: Deferred[Any] = Deferred()
        dispatcher._outstandingRequests[b"7"] = result
        result.addCallback(explode)
        dispatcher.ampBoxReceived(module.AmpBox(_answer=b"7"))
        assert [each.type for each in sender.unhandled] == [LookupError]

    def test_foreignRaises(self) -> None:
        """
        If such a C{Deferred} cannot be failed, that is logged, and the other calls still fail.
        """

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
        """If a call was fired past the dispatcher, the peer's answer raises an error."""
        told = Told(module)
        told.result.addCallback(explode)
        told.dispatcher._outstandingRequests[b"1"].callback(told.box(number=b"5"))
        with pytest.raises(AlreadyCalledError):
            told.answer(number=b"6")
        told.result.addBoth(told.keep)
        assert (told.values, told.unhandled) == ([None], [LookupError])

    @pytest.mark.parametrize("module", [STOCK, amp], ids=["stock", "ours"])
    def test_answerRaises(self, module: Any) -> None:
        """If an answer box refuses its tag, the error is reported as unhandled."""

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
        """If an answer raises when its type is read, the responder has failed."""

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
        """A command may read an answer as a failure of any kind."""
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
