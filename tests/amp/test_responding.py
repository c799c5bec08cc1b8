"""
Tests for L{twisted_basic_ng.amp._responding}; C{test_deadlines} and C{test_cancel} also cover it.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from twisted_basic_ng import amp
from twisted_basic_ng.amp._responding import Responding, cancelledError, follow

from .conversations import DispatchCase


class FollowTests(DispatchCase):
    """A responder can be cancelled by its tag until it has answered."""

    def setUp(self) -> None:
        super().setUp()
        self.dispatcher.extended = True
        self.dispatcher.unknownErrorsAreFatal = False
        self.response: Any = None
        self.locator.respond = lambda box: self.response

    def begin(self, response: Any, **kw: bytes) -> Any:
        self.response = response
        self.receive(_command=b"Wait", **kw)
        return response

    def codes(self) -> list[Any]:
        return [box.get(b"_error_code") for box in self.sender.boxes]

    def test_answered(self) -> None:
        """A responder that has answered is no longer tracked."""
        self.begin(amp.AmpBox(), _ask=b"1")
        self.assertIsNone(self.dispatcher._ampResponding)
        waiting = self.begin(Deferred[Any](), _ask=b"2")
        self.assertEqual([*(self.dispatcher._ampResponding or ())], [b"2"])
        waiting.callback(amp.AmpBox())
        self.assertEqual((self.dispatcher._ampResponding, self.codes()), ({}, [None, None]))

    def test_cancelled(self) -> None:
        """A cancelled responder is answered with its own code, and the connection stays open."""
        self.begin(Deferred[Any](), _ask=b"1")
        self.dispatcher._ampCancelAsked(b"1")
        (box,) = self.sender.boxes
        self.assertEqual(box[b"_error_code"], b"CANCELLED")
        self.assertEqual(box[b"_error_description"], b"Wait was cancelled by its caller")
        self.assertEqual(self.sender.left, 0)

    def test_otherError(self) -> None:
        """Another error after the cancellation is sent as cancelled, a declared one as it is."""
        for error, code in ((LookupError(), b"CANCELLED"), (amp.RemoteAmpError(b"ZERO", "why"), b"ZERO")):
            self.begin(Deferred[Any](lambda each, error=error: each.errback(error)), _ask=b"1")
            self.dispatcher._ampCancelAsked(b"1")
            self.assertEqual(self.codes()[-1], code)

    def test_raising(self) -> None:
        """A canceller that raises is logged and called once."""

        def explode(deferred: Any) -> None:
            raise LookupError

        waiting = self.begin(Deferred[Any](explode), _ask=b"1")
        self.dispatcher._ampCancelAsked(b"1")
        self.dispatcher._ampCancelAsked(b"1")
        self.assertEqual(len(self.flushLoggedErrors(LookupError)), 1)
        waiting.errback(CancelledError())
        self.assertEqual(self.codes(), [b"CANCELLED"])

    def test_unasked(self) -> None:
        """A call without a tag cannot be cancelled, unless it has a deadline."""
        self.begin(Deferred[Any]())
        self.assertFalse(self.dispatcher._ampResponding)

    def test_twice(self) -> None:
        """If two calls have the same tag, the first can be cancelled, and both end."""
        first, second = (self.begin(Deferred[Any](), _ask=b"1") for _ in range(2))
        self.assertEqual(len(self.dispatcher._ampResponding or ()), 2)
        self.dispatcher._ampCancelAsked(b"1")
        self.assertTrue(first.called)
        self.assertFalse(second.called)
        self.dispatcher._ampCancelAsked(b"1")
        second.callback(amp.AmpBox())
        self.assertEqual((self.dispatcher._ampResponding, self.codes()), ({}, [b"CANCELLED", None]))

    def test_lost(self) -> None:
        """After the connection is lost, responders are neither cancelled nor tracked."""
        waiting = self.begin(Deferred[Any](), _ask=b"1")
        self.dispatcher.stopReceivingBoxes(Failure(ValueError()))
        self.assertEqual(self.dispatcher._ampResponding, {})
        self.dispatcher._ampCancelAsked(b"1")
        self.assertFalse(waiting.called)
        follow(self.dispatcher, amp.AmpBox(_ask=b"2"), (None, b"Wait", None, None, []), Deferred())
        self.assertEqual(self.dispatcher._ampResponding, {})

    def test_stopped(self) -> None:
        """Stopping is possible at any time, and repeatedly."""
        responding = Responding(self.dispatcher, amp.AmpBox(_ask=b"1"), (None, b"Wait", None, None, []))
        responding.stop()
        responding.begin(Deferred())
        responding.stop()
        responding.stop()
        self.assertEqual(self.dispatcher._ampResponding, {})

    def test_error(self) -> None:
        """The error that is sent refers to the responder's own failure."""
        local = Failure(CancelledError())
        self.assertIs(cancelledError(b"Wait", local).local, local)
