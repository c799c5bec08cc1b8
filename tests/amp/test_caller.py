"""Tests for L{twisted_basic_ng.amp._caller}."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone, ConnectionLost, ProcessDone
from twisted.python.failure import Failure

from tests.helpers import loadStock
from twisted_basic_ng import amp

from .conversations import DispatchCase


class AskTests(DispatchCase):
    """Calls are sent, and their answers are delivered."""

    def test_box(self) -> None:
        """A call is a box with its command's name and a tag of its own."""
        self.ask(a=b"1")
        self.ask()
        self.assertEqual(
            self.sender.boxes,
            [{b"_command": b"command", b"_ask": b"1", b"a": b"1"}, {b"_command": b"command", b"_ask": b"2"}],
        )
        self.assertEqual(list(self.dispatcher._outstandingRequests or ()), [b"1", b"2"])

    def test_answer(self) -> None:
        """An answer is delivered to the call it answers, in any order."""
        first, second = self.ask(), self.ask()
        self.receive(_answer=b"2", a=b"1")
        self.assertNoResult(first)
        self.assertEqual(self.successResultOf(second), {b"_answer": b"2", b"a": b"1"})
        self.assertEqual(list(self.dispatcher._outstandingRequests or ()), [b"1"])

    def test_error(self) -> None:
        """An error is delivered to the call it answers."""
        errors = self.failing()
        self.receive(_error=b"1", _error_code=b"CODE", _error_description=b"\xe2\x98\x83\xff")
        (error,) = errors
        self.assertEqual((error.errorCode, error.description), (b"CODE", "\N{SNOWMAN}\N{REPLACEMENT CHARACTER}"))

    def test_textError(self) -> None:
        """In a box that was never bytes, the error's text may be a string."""
        errors = self.failing()
        box: Any = {"_error": b"1", "_error_code": b"CODE", "_error_description": "text"}
        self.dispatcher.ampBoxReceived(amp.AmpBox(box))
        self.assertEqual([error.description for error in errors], ["text"])

    def test_bareError(self) -> None:
        """An error box without a code or a text is an unknown error."""
        errors = self.failing()
        self.receive(_error=b"1")
        (error,) = errors
        self.assertEqual((error.errorCode, error.description), (amp.UNKNOWN_ERROR_CODE, ""))

    def test_unhandledCommand(self) -> None:
        """AMP's own error codes have their own exceptions."""
        errors = self.failing()
        self.receive(_error=b"1", _error_code=b"UNHANDLED", _error_description=b"text")
        self.assertEqual([(type(each), each.args) for each in errors], [(amp.UnhandledCommand, (b"UNHANDLED", "text"))])

    def test_unknownTag(self) -> None:
        """An answer with an unknown tag raises a C{KeyError}, also after the connection is lost."""
        for kw in ({"_answer": b"9"}, {"_error": b"9"}):
            self.assertIsInstance(self.assertRaises(amp.UnknownTagError, self.receive, **kw), KeyError)
        self.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        self.assertRaises(amp.UnknownTagError, self.receive, _answer=b"1")

    def test_unhandled(self) -> None:
        """An error that no callback handles is passed to the sender."""
        result = self.ask()
        result.addCallback(lambda box: 1 / 0)
        self.receive(_answer=b"1")
        self.assertEqual([each.type for each in self.sender.unhandled], [ZeroDivisionError])

    def test_noAnswer(self) -> None:
        """A call without an answer has no tag, but still takes a number."""
        self.assertIsNone(self.dispatcher.callRemoteString(b"command", requiresAnswer=False))
        self.ask()
        self.assertEqual([box.get(b"_ask") for box in self.sender.boxes], [None, b"2"])

    def test_notSent(self) -> None:
        """A box that cannot be sent raises an error, and no answer is awaited."""
        self.sender.error = amp.ProtocolSwitched()
        self.assertRaises(amp.ProtocolSwitched, self.ask)
        self.assertEqual(self.dispatcher._outstandingRequests, {})

    def test_notConnected(self) -> None:
        """A call before the connection raises Twisted's error, with the command and advice."""
        stranger: Any = loadStock("amp").BoxDispatcher(None)
        theirs = self.assertRaises(AttributeError, stranger.callRemoteString, b"command")
        for requiresAnswer in (True, False):
            error = self.assertRaises(
                AttributeError, amp.BoxDispatcher(None).callRemoteString, b"command", requiresAnswer
            )
            advice = "; command was called before the connection was made: call from connectionMade on"
            self.assertEqual(str(error), str(theirs) + advice)

    def test_unsendable(self) -> None:
        """An error in sending names the command."""
        error = self.assertRaises(amp.TooLong, self.ask, a=b"x" * 65536)
        self.assertIn("at most 65535; command was not sent: split it over several calls", str(error))
        error = self.assertRaises(TypeError, self.dispatcher.callRemoteString, b"c\xff", False, a="text")
        self.assertIn("declare it as Unicode(); c\\xff was not sent", str(error))

    def test_repr(self) -> None:
        """
        The C{repr} of a dispatcher shows its peer and its open calls; that of a call shows its tag.
        """
        self.assertIn(" 0 calls outstanding, to an unknown peer>", repr(self.dispatcher))
        call = self.ask()
        self.assertIn(" 1 calls outstanding", repr(self.dispatcher))
        self.assertIn(", tag b'1'>", repr(call))

    def test_notConstructed(self) -> None:
        """A command that cannot be constructed returns a failed Deferred."""
        self.failureResultOf(self.dispatcher.callRemote(amp.ProtocolSwitchCommand), TypeError)


class SynchronousTests(DispatchCase):
    """Both ends may be in one process, so that the answer arrives during the send."""

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
    """Nothing is kept of a cancelled call except its tag."""

    def test_late(self) -> None:
        """The answer to a cancelled call is ignored once."""
        for kw in ({"_answer": b"1"}, {"_error": b"2"}):
            result = self.ask()
            result.cancel()
            self.failureResultOf(result, CancelledError)
            self.assertEqual(self.dispatcher._outstandingRequests, {})
            self.receive(**kw)
            self.assertRaises(amp.UnknownTagError, self.receive, **kw)
        self.assertEqual(self.sender.unhandled, [])

    def test_lost(self) -> None:
        """A call that another call's errback cancels fails once."""
        first, second = self.ask(), self.ask()
        first.addErrback(lambda reason: second.cancel())
        self.dispatcher.stopReceivingBoxes(Failure(ConnectionDone()))
        self.failureResultOf(second, CancelledError)

    def test_answeredLate(self) -> None:
        """Nothing is kept of cancelled calls after their late answers."""
        results = [self.ask(), self.ask()]
        for result in results:
            result.cancel()
            self.failureResultOf(result, CancelledError)
        self.receive(_answer=b"1")
        self.receive(_error=b"2", _error_code=b"NO", _error_description=b"")
        self.assertIsNone(self.dispatcher._ampCancelledRequests)
        self.assertRaises(amp.UnknownTagError, self.receive, _answer=b"1")

    def test_answered(self) -> None:
        """Cancelling an answered call has no effect."""
        result = self.ask()
        self.receive(_answer=b"1")
        result.cancel()
        self.assertEqual(self.successResultOf(result), {b"_answer": b"1"})
        self.assertIsNone(self.dispatcher._ampCancelledRequests)


class LossTests(DispatchCase):
    """Every call ends with the connection."""

    def test_all(self) -> None:
        """Every open call fails when the connection ends, and so does every later call."""
        results = [self.ask(), self.ask()]
        reason = Failure(ConnectionDone())
        self.dispatcher.stopReceivingBoxes(reason)
        for result in results:
            self.assertIs(self.failureResultOf(result), reason)
        self.assertEqual(
            str(self.failureResultOf(self.ask(), ConnectionDone).value),
            "Connection was closed cleanly: command was called after the connection to an unknown peer had ended.",
        )
        self.assertIsNone(self.dispatcher.callRemoteString(b"command", requiresAnswer=False))
        self.assertEqual(len(self.sender.boxes), 2)

    def test_otherReason(self) -> None:
        """A reason that is not a usual end of a connection is also passed to later calls."""
        for error in (amp.TooLong(True, False, None), ProcessDone(0)):
            reason = Failure(error)
            self.dispatcher.stopReceivingBoxes(reason)
            self.assertIs(self.failureResultOf(self.ask()), reason)

    def test_meanwhile(self) -> None:
        """A call during whose sending the connection ends fails with the connection's reason."""
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
